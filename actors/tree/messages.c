/* The types of messages.h: how their payloads are freed, and the term forms of nyxx's messages. */
#include "messages.h"

#include "tree.h"
#include <hemera/term-builder.h>

#define DEFINE(name_, symbol, Type, ...)                                                                     \
  const HemeraMessageType symbol##_type = { .name = name_, .size = sizeof (Type), __VA_ARGS__ };

static void
set_bad (GError **error, const char *form)
{
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD, "a gateway message is %s", form);
}

/* ---- start_shard, identify ------------------------------------------------------------------------------- */

static HemeraTerm *
start_shard_to_term (gconstpointer payload)
{
  return hemera_term_new_atom ("start_shard");
}

DEFINE ("start_shard", hemera__start_shard, HemeraStartShard, .to_term = start_shard_to_term)

static HemeraTerm *
identify_to_term (gconstpointer payload)
{
  return hemera_term_new ("{identify, ~u}", (guint64) ((const HemeraIdentify *) payload)->connection);
}

DEFINE ("identify", hemera__identify, HemeraIdentify, .to_term = identify_to_term)

/* ---- send ------------------------------------------------------------------------------------------------ */

static void
send_clear (gpointer payload)
{
  HemeraSend *self = payload;

  g_clear_pointer (&self->data, hemera_term_unref);
}

static void
send_copy (gpointer dest, gconstpointer src)
{
  *(HemeraSend *) dest = *(const HemeraSend *) src;
  hemera_term_ref (((HemeraSend *) dest)->data);
}

static HemeraTerm *
send_to_term (gconstpointer payload)
{
  const HemeraSend *self = payload;

  return hemera_term_new ("{send, ~u, ~t}", (guint64) self->op, self->data);
}

static gboolean
send_from_term (gpointer payload, HemeraView term, GError **error)
{
  HemeraSend *self = payload;
  guint64 op;

  if (hemera_view_type (term) != HEMERA_TERM_TUPLE || hemera_view_length (term) != 3
      || !hemera_view_is_atom (hemera_view_element (term, 0), "send")
      || !hemera_view_get_uint64 (hemera_view_element (term, 1), &op) || op > G_MAXUINT) {
    set_bad (error, "{send, Op, Data}");
    return FALSE;
  }
  self->op = (guint) op;
  self->data = hemera_term_new_from_view (hemera_view_element (term, 2));
  return TRUE;
}

DEFINE ("send", hemera__send, HemeraSend, .clear = send_clear, .copy = send_copy, .to_term = send_to_term,
        .from_term = send_from_term)

/* ---- reconnect, dispose ----------------------------------------------------------------------------------- */

static HemeraTerm *
reconnect_to_term (gconstpointer payload)
{
  return hemera_term_new ("{reconnect, ~b}", ((const HemeraReconnect *) payload)->allow_resume);
}

static gboolean
reconnect_from_term (gpointer payload, HemeraView term, GError **error)
{
  HemeraReconnect *self = payload;

  if (hemera_view_type (term) != HEMERA_TERM_TUPLE || hemera_view_length (term) != 2
      || !hemera_view_is_atom (hemera_view_element (term, 0), "reconnect")
      || !hemera_view_get_boolean (hemera_view_element (term, 1), &self->allow_resume)) {
    set_bad (error, "{reconnect, AllowResume}");
    return FALSE;
  }
  return TRUE;
}

DEFINE ("reconnect", hemera__reconnect, HemeraReconnect, .to_term = reconnect_to_term,
        .from_term = reconnect_from_term)

static HemeraTerm *
dispose_to_term (gconstpointer payload)
{
  return hemera_term_new (((const HemeraDispose *) payload)->mode == HEMERA_CLOSE_KEEP ? "{dispose, keep}"
                                                                                       : "{dispose, end}");
}

static gboolean
dispose_from_term (gpointer payload, HemeraView term, GError **error)
{
  HemeraDispose *self = payload;
  gboolean pair = hemera_view_type (term) == HEMERA_TERM_TUPLE && hemera_view_length (term) == 2
                  && hemera_view_is_atom (hemera_view_element (term, 0), "dispose");

  self->mode = HEMERA_CLOSE_END;
  if (pair && hemera_view_is_atom (hemera_view_element (term, 1), "keep"))
    self->mode = HEMERA_CLOSE_KEEP;
  else if (!(pair && hemera_view_is_atom (hemera_view_element (term, 1), "end"))
           && !hemera_view_is_atom (term, "dispose")) {
    set_bad (error, "dispose, {dispose, keep} or {dispose, 'end'}");
    return FALSE;
  }
  return TRUE;
}

DEFINE ("dispose", hemera__dispose, HemeraDispose, .to_term = dispose_to_term, .from_term = dispose_from_term)

/* ---- what shards say -------------------------------------------------------------------------------------- */

static void
event_received_clear (gpointer payload)
{
  HemeraEventReceived *self = payload;

  g_clear_pointer (&self->payload, hemera_term_unref);
}

static HemeraTerm *
event_received_to_term (gconstpointer payload)
{
  const HemeraEventReceived *self = payload;
  g_autoptr (HemeraTerm) data = hemera__term_of_data (self->d);

  return hemera_term_new ("{event_received, ~u, ~u, ~t}", (guint64) self->op, self->seq, data);
}

DEFINE ("event_received", hemera__event_received, HemeraEventReceived, .clear = event_received_clear,
        .to_term = event_received_to_term)

static void
said_clear (gpointer payload)
{
  HemeraSaid *self = payload;

  g_clear_pointer (&self->message, hemera_shard_message_unref);
}

static void
said_copy (gpointer dest, gconstpointer src)
{
  *(HemeraSaid *) dest = *(const HemeraSaid *) src;
  hemera_shard_message_ref (((HemeraSaid *) dest)->message);
}

static HemeraTerm *
said_to_term (gconstpointer payload)
{
  return hemera_shard_message_to_term (((const HemeraSaid *) payload)->message);
}

DEFINE ("shard_message", hemera__said, HemeraSaid, .clear = said_clear, .copy = said_copy,
        .to_term = said_to_term)

static void
dispatch_clear (gpointer payload)
{
  HemeraDispatch *self = payload;

  g_clear_pointer (&self->event, hemera_event_unref);
}

DEFINE ("dispatch", hemera__dispatch, HemeraDispatch, .clear = dispatch_clear)

static void
delivery_clear (gpointer payload)
{
  HemeraDelivery *self = payload;

  g_clear_pointer (&self->event, hemera_event_unref);
  g_clear_pointer (&self->message, hemera_shard_message_unref);
}

DEFINE ("delivery", hemera__delivery, HemeraDelivery, .clear = delivery_clear)

/* ---- plain ones --------------------------------------------------------------------------------------------- */

static void
session_put_clear (gpointer payload)
{
  hemera__session_clear (&((HemeraSessionPut *) payload)->session);
}

static void
tree_down_clear (gpointer payload)
{
  HemeraTreeDown *self = payload;

  g_clear_pointer (&self->tree, hemera__tree_unref);
  g_clear_pointer (&self->reason, hemera_term_unref);
}

DEFINE ("shard_up", hemera__shard_up, HemeraShardUp)
DEFINE ("drain", hemera__drain, HemeraDrain)
DEFINE ("credit", hemera__credit, HemeraCredit)
DEFINE ("session_get", hemera__session_get, HemeraSessionGet)
DEFINE ("session_put", hemera__session_put, HemeraSessionPut, .clear = session_put_clear)
DEFINE ("session_failures", hemera__session_failures, HemeraSessionFailures)
DEFINE ("requesting_identify", hemera__lease_request, HemeraLeaseRequest)
DEFINE ("lease_update", hemera__lease_update, HemeraLeaseUpdate)
DEFINE ("lease_denied", hemera__lease_denied, HemeraLeaseDenied)
DEFINE ("tree_close", hemera__tree_close, HemeraTreeClose)
DEFINE ("tree_down", hemera__tree_down, HemeraTreeDown, .clear = tree_down_clear)

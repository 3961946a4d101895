/* HemeraShardMessage: a counted, immutable value; its getters and its term form. Any thread. */
#include "shard-message.h"

#include "../events/event-internal.h"

#include <hemera/term-builder.h>

G_DEFINE_BOXED_TYPE (HemeraShardMessage, hemera_shard_message, hemera_shard_message_ref,
                     hemera_shard_message_unref)

HemeraShardMessage *
hemera__shard_message_new (HemeraShardMessageType type, guint shard, guint connection, const char *text)
{
  HemeraShardMessage *self = g_new0 (HemeraShardMessage, 1);

  atomic_init (&self->refs, 1);
  self->type = type;
  self->shard = shard;
  self->connection = connection;
  self->text = g_strdup (text);
  return self;
}

HemeraShardMessage *
hemera__shard_message_new_for_event (HemeraEvent *event)
{
  HemeraShardMessage *self =
      hemera__shard_message_new (HEMERA_SHARD_MESSAGE_EVENT_RECEIVED, hemera_event_get_shard (event),
                                 hemera__event_get_connection (event), NULL);

  self->event = hemera_event_ref (event);
  self->seq = hemera_event_get_seq (event);
  self->d = hemera_event_get_data (event);
  self->encoding = hemera_event_get_encoding (event);
  return self;
}

HemeraShardMessage *
hemera_shard_message_ref (HemeraShardMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera_shard_message_unref (HemeraShardMessage *self)
{
  g_return_if_fail (self != NULL);
  /* Release pairs with the acquire of the last unref: other holders' reads come before the free. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  g_free (self->text);
  g_clear_error (&self->error);
  g_clear_pointer (&self->term, hemera_term_unref);
  g_clear_pointer (&self->event, hemera_event_unref);
  g_free (self);
}

#define GETTER(Type, name, field, fallback)                                                                  \
  Type hemera_shard_message_get_##name (HemeraShardMessage *self)                                            \
  {                                                                                                          \
    g_return_val_if_fail (self != NULL, fallback);                                                           \
    return self->field;                                                                                      \
  }

GETTER (HemeraShardMessageType, message_type, type, HEMERA_SHARD_MESSAGE_ALARM)
GETTER (guint, shard, shard, HEMERA_NO_SHARD)
GETTER (guint, connection, connection, 0)
GETTER (guint, op, op, 0)
GETTER (HemeraEvent *, event, event, NULL)
GETTER (HemeraView, data, d, HEMERA_VIEW_INVALID)
GETTER (const char *, text, text, NULL)
GETTER (guint, code, code, 0)
GETTER (const GError *, error, error, NULL)
GETTER (gboolean, will_restart, will_restart, FALSE)
GETTER (HemeraShardState, from, from, HEMERA_SHARD_STOPPED)
GETTER (HemeraShardState, to, to, HEMERA_SHARD_STOPPED)
GETTER (guint64, seq, seq, 0)
GETTER (gint64, since_ms, since_ms, 0)
GETTER (guint, restarts, restarts, 0)

HemeraTerm *
hemera_shard_message_get_reason (HemeraShardMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->type == HEMERA_SHARD_MESSAGE_RESTARTED ? self->term : NULL;
}

const char *
hemera_shard_message_get_name (HemeraShardMessage *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  switch (self->type) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED: return "event_received";
  case HEMERA_SHARD_MESSAGE_SENT: return "sent";
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY: return "requesting_identify";
  case HEMERA_SHARD_MESSAGE_RECONNECTING: return "reconnecting";
  case HEMERA_SHARD_MESSAGE_DISCONNECTING: return "disconnecting";
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED: return "error_received";
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED: return "shard_disconnected";
  case HEMERA_SHARD_MESSAGE_STATE: return "state";
  case HEMERA_SHARD_MESSAGE_GAP: return "gap";
  case HEMERA_SHARD_MESSAGE_RESTARTED: return "restarted";
  case HEMERA_SHARD_MESSAGE_ALARM: return "alarm";
  }
  return "unknown";
}

static void
add_text (HemeraTermBuilder *builder, const char *text)
{
  g_autofree char *valid = text != NULL ? g_utf8_make_valid (text, -1) : NULL;

  if (valid != NULL)
    hemera_term_builder_add_string (builder, valid);
  else
    hemera_term_builder_add_nil (builder);
}

HemeraTerm *
hemera__term_of_data (HemeraView d)
{
  g_autoptr (HemeraTermBuilder) builder = hemera_term_builder_new ();
  HemeraTerm *term;
  const guint8 *bytes;
  gsize size;

  if (hemera_view_is_valid (d))
    hemera_term_builder_add_view (builder, d);
  else
    hemera_term_builder_add_nil (builder);
  term = hemera_term_builder_end (builder, NULL);
  if (term != NULL)
    return term;
  bytes = hemera_view_bytes (d, &size);
  hemera_term_builder_add_binary (builder, bytes, size);
  return hemera_term_builder_end (builder, NULL);
}

static void
add_event (HemeraTermBuilder *builder, HemeraShardMessage *self)
{
  g_autoptr (HemeraTerm) data = hemera__term_of_data (self->d);

  hemera_term_builder_add_uint64 (builder, self->op);
  if (self->event != NULL) {
    hemera_term_builder_add_uint64 (builder, self->seq);
    add_text (builder, hemera_event_get_name (self->event));
  } else {
    hemera_term_builder_add_nil (builder);
    hemera_term_builder_add_nil (builder);
  }
  hemera_term_builder_add_view (builder, hemera_term_view (data));
}

static void
add_fields (HemeraTermBuilder *builder, HemeraShardMessage *self)
{
  switch (self->type) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED: add_event (builder, self); break;
  case HEMERA_SHARD_MESSAGE_SENT: hemera_term_builder_add_uint64 (builder, self->op); break;
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY: break;
  case HEMERA_SHARD_MESSAGE_RECONNECTING:
  case HEMERA_SHARD_MESSAGE_ALARM: add_text (builder, self->text); break;
  case HEMERA_SHARD_MESSAGE_DISCONNECTING:
    hemera_term_builder_add_uint64 (builder, self->code);
    add_text (builder, self->text);
    break;
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED:
    add_text (builder, self->error != NULL ? self->error->message : NULL);
    break;
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED:
    hemera_term_builder_add_uint64 (builder, self->code);
    add_text (builder, self->error != NULL ? self->error->message : NULL);
    hemera_term_builder_add_boolean (builder, self->will_restart);
    break;
  case HEMERA_SHARD_MESSAGE_STATE:
    hemera_term_builder_add_uint64 (builder, self->connection);
    hemera_term_builder_add_atom (builder, hemera_shard_state_to_string (self->from));
    hemera_term_builder_add_atom (builder, hemera_shard_state_to_string (self->to));
    add_text (builder, self->text);
    break;
  case HEMERA_SHARD_MESSAGE_GAP:
    hemera_term_builder_add_uint64 (builder, self->seq);
    hemera_term_builder_add_int64 (builder, self->since_ms);
    break;
  case HEMERA_SHARD_MESSAGE_RESTARTED:
    hemera_term_builder_add_uint64 (builder, self->restarts);
    if (self->term != NULL)
      hemera_term_builder_add_view (builder, hemera_term_view (self->term));
    else
      hemera_term_builder_add_nil (builder);
    break;
  }
}

HemeraTerm *
hemera_shard_message_to_term (HemeraShardMessage *self)
{
  g_autoptr (HemeraTermBuilder) builder = NULL;

  g_return_val_if_fail (self != NULL, NULL);
  builder = hemera_term_builder_new ();
  hemera_term_builder_open_tuple (builder);
  hemera_term_builder_add_atom (builder, hemera_shard_message_get_name (self));
  if (self->shard == HEMERA_NO_SHARD)
    hemera_term_builder_add_atom (builder, "none");
  else
    hemera_term_builder_add_uint64 (builder, self->shard);
  add_fields (builder, self);
  hemera_term_builder_close (builder);
  return hemera_term_builder_end (builder, NULL);
}

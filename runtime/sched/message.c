/* HemeraActorMessage's public face, and the message types that the runtime itself sends. */
#include "runtime/sched/pool.h"

#include <string.h>

/**
 * hemera_actor_message_new:
 * @type: the declared type; must stay valid
 * @payload: (nullable): type->size bytes that are moved into the message; %NULL: zeroes
 *
 * Returns: (transfer full): the message
 */
HemeraActorMessage *
hemera_actor_message_new (const HemeraMessageType *type, gconstpointer payload)
{
  HemeraActorMessage *self = hemera__pool_block (type->size);

  self->type = type;
  self->signal = HEMERA_SIGNAL_MESSAGE;
  if (payload)
    memcpy (self->payload, payload, type->size);
  else
    memset (self->payload, 0, type->size);
  return self;
}

/**
 * hemera_actor_message_free:
 * @self: (transfer full) (nullable): cleared, then freed
 */
void
hemera_actor_message_free (HemeraActorMessage *self)
{
  if (!self)
    return;
  if (self->type && self->type->clear && !self->empty)
    self->type->clear (self->payload);
  hemera__block_free (self);
}

const HemeraMessageType *
hemera_actor_message_type (const HemeraActorMessage *self)
{
  return self->type;
}

gpointer
hemera_actor_message_payload (HemeraActorMessage *self)
{
  return self->payload;
}

gpointer
hemera_actor_message_peek (HemeraActorMessage *self, const HemeraMessageType *type)
{
  return self->type == type && !self->empty ? self->payload : NULL;
}

gboolean
hemera_actor_message_steal (HemeraActorMessage *self, const HemeraMessageType *type, gpointer payload)
{
  if (self->type != type || self->empty)
    return FALSE;
  memcpy (payload, self->payload, type->size);
  self->empty = TRUE;
  return TRUE;
}

/* ---- the runtime's own types --------------------------------------------------------------------------------------------------- */

static void
term_clear (gpointer payload)
{
  g_clear_pointer (&((HemeraTermMessage *) payload)->term, hemera_term_unref);
}

static void
term_copy (gpointer dest, gconstpointer src)
{
  HemeraTerm *term = ((const HemeraTermMessage *) src)->term;
  ((HemeraTermMessage *) dest)->term = term ? hemera_term_ref (term) : NULL;
}

static HemeraTerm *
term_to_term (gconstpointer payload)
{
  return hemera_term_ref (((const HemeraTermMessage *) payload)->term);
}

static gboolean
term_from_term (gpointer payload, HemeraView term, GError **error)
{
  ((HemeraTermMessage *) payload)->term = hemera_term_new_from_view (term);
  return TRUE;
}

static void
exit_clear (gpointer payload)
{
  g_clear_pointer (&((HemeraExitMessage *) payload)->reason, hemera_term_unref);
}

static void
down_clear (gpointer payload)
{
  g_clear_pointer (&((HemeraDownMessage *) payload)->reason, hemera_term_unref);
}

static void
timeout_clear (gpointer payload)
{
  g_clear_pointer (&((HemeraTimeoutMessage *) payload)->message, hemera_actor_message_free);
}

static void
ready_clear (gpointer payload)
{
  HemeraReadyMessage *ready = payload;

  g_clear_object (&ready->source_object);
  g_clear_object (&ready->result);
}

static void
started_clear (gpointer payload)
{
  g_clear_pointer (&((HemeraStartedMessage *) payload)->reason, hemera_term_unref);
}

const HemeraMessageType hemera_term_message_type = {
  .name = "term",
  .size = sizeof (HemeraTermMessage),
  .clear = term_clear,
  .copy = term_copy,
  .to_term = term_to_term,
  .from_term = term_from_term,
};
const HemeraMessageType hemera_exit_message_type = { .name = "EXIT",
                                                     .size = sizeof (HemeraExitMessage),
                                                     .clear = exit_clear };
const HemeraMessageType hemera_down_message_type = { .name = "DOWN",
                                                     .size = sizeof (HemeraDownMessage),
                                                     .clear = down_clear };
const HemeraMessageType hemera_timeout_message_type = {
  .name = "timeout",
  .size = sizeof (HemeraTimeoutMessage),
  .clear = timeout_clear,
};
const HemeraMessageType hemera_ready_message_type = { .name = "ready",
                                                      .size = sizeof (HemeraReadyMessage),
                                                      .clear = ready_clear };
const HemeraMessageType hemera_started_message_type = {
  .name = "started",
  .size = sizeof (HemeraStartedMessage),
  .clear = started_clear,
};

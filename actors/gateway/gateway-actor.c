/* The gateway actor's mailbox: which message goes to which part of it (fan-out.c, watch.c, report.c). See gateway-actor.h. */
#include "gateway-actor.h"

#include "gateway-private.h"

static guint
index_of (HemeraGatewayState *self, guint shard)
{
  HemeraSlot *slot = hemera__tree_slot_of (self->tree, shard);

  return slot != NULL ? (guint) (slot - self->tree->slots) : G_MAXUINT;
}

static void
said (HemeraGatewayState *self, HemeraShardMessage *message)
{
  guint index = index_of (self, message->shard);
  HemeraWatch *watch = index != G_MAXUINT ? &self->watches[index] : NULL;

  if (watch != NULL && message->type == HEMERA_SHARD_MESSAGE_STATE) {
    if (message->to == HEMERA_SHARD_RESUMING)
      watch->replayed = 0;
    hemera__report (message, watch->replayed);
  } else if (message->type != HEMERA_SHARD_MESSAGE_GAP) { /* that is reported if it is told */
    hemera__report (message, 0);
  }
  if (watch != NULL && message->type == HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY)
    hemera__fan_out_lost (self, index);
  if (watch != NULL && message->type == HEMERA_SHARD_MESSAGE_GAP) {
    hemera__fan_out_gap (self, index, message->serial, message->since_ms);
    hemera_shard_message_unref (message);
  } else if (watch != NULL && message->type == HEMERA_SHARD_MESSAGE_DISCONNECTING) {
    hemera__fan_out_message (self, hemera_shard_message_ref (message));
    hemera__watch_disconnecting (self, index, message);
    hemera_shard_message_unref (message);
  } else {
    hemera__fan_out_message (self, message);
  }
}

static HemeraNext
gateway_init (HemeraActor *actor, gpointer state, gconstpointer data)
{
  HemeraGatewayState *self = state;

  self->self = actor;
  self->tree = hemera__tree_ref (((const HemeraTreeArgs *) data)->tree);
  self->watches = g_new0 (HemeraWatch, self->tree->n_slots);
  hemera__watch_start (self);
  return HEMERA_CONTINUE;
}

static HemeraNext
gateway_receive (HemeraActor *actor, gpointer state, HemeraActorMessage *message)
{
  HemeraGatewayState *self = state;
  HemeraDispatch *dispatch = hemera__dispatch_peek (message);
  HemeraShardUp *up = hemera__shard_up_peek (message);
  HemeraDrain *drain = hemera__drain_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  HemeraReplyMessage *reply = hemera_reply_message_peek (message);
  HemeraSaid words;

  if (dispatch != NULL)
    hemera__fan_out_event (self, dispatch);
  else if (hemera__said_steal (message, &words))
    said (self, words.message);
  else if (up != NULL)
    hemera__watch_up (self, up);
  else if (drain != NULL)
    hemera__drain_send (drain->shard, drain);
  else if (hemera__credit_peek (message) != NULL)
    hemera__fan_out_credit (self);
  else if (down != NULL)
    hemera__watch_down (self, down);
  else if (timeout != NULL)
    hemera__watch_timeout (self, timeout->ref);
  else if (reply != NULL)
    hemera__watch_reply (self, reply);
  return HEMERA_CONTINUE;
}

static void
gateway_finalize (gpointer state)
{
  HemeraGatewayState *self = state;

  hemera__fan_out_clear (self);
  hemera__watch_clear (self);
  g_free (self->watches);
  g_clear_pointer (&self->tree, hemera__tree_unref);
}

const HemeraActorClass hemera__gateway_actor_class = {
  .name = "hemera_gateway",
  .state_size = sizeof (HemeraGatewayState),
  .init = gateway_init,
  .receive = gateway_receive,
  .finalize = gateway_finalize,
};

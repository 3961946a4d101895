/* What the machine wants done: each action becomes an effect or a message. */
#include "shard-private.h"

#include <hemera/intents.h>

static HemeraShardMessage *
message_new (HemeraShard *self, HemeraShardMessageType type, const HemeraShardAction *action,
             const char *text)
{
  return hemera__shard_message_new (type, self->slot->shard, action->connection, text);
}

static void
event (HemeraShard *self, HemeraShardAction *action)
{
  HemeraEventReceived received = {
    .connection = action->connection,
    .op = action->op,
    .serial = self->serial,
    .encoding = action->encoding,
    .seq = action->seq,
    .name = action->name,
    .name_size = action->name_size,
    .payload = g_steal_pointer (&action->payload),
    .d = action->d,
  };

  if (action->op == HEMERA_OP_HELLO)
    atomic_store_explicit (&self->slot->interval_ms, hemera__shard_machine_interval_ms (self->machine),
                           memory_order_relaxed);
  if (action->op == HEMERA_OP_DISPATCH)
    atomic_fetch_add_explicit (&self->slot->given, 1, memory_order_relaxed); /* before it can be credited */
  hemera__event_received_send (self->parser, &received);
}

static void
state_changed (HemeraShard *self, const HemeraShardAction *action)
{
  HemeraShardMessage *message = message_new (self, HEMERA_SHARD_MESSAGE_STATE, action, action->cause);

  atomic_store_explicit (&self->slot->state, action->to, memory_order_relaxed);
  atomic_store_explicit (&self->slot->alive_us, hemera_actor_now (self->self), memory_order_relaxed);
  message->from = action->from;
  message->to = action->to;
  hemera__shard_say (self, message);
  if (action->to != HEMERA_SHARD_ACTIVE)
    return;
  /* What was said has gone through the parser: it is as well as the shard. */
  hemera_server_cast (hemera_actor_parent (self->self),
                      hemera_supervisor_child_is_stable (hemera_actor_self (self->self)));
  hemera_server_cast (hemera_actor_parent (self->self), hemera_supervisor_child_is_stable (self->parser));
}

/* READY: a new session, the next serial. Dropped: the serial stays, as what was lost is told by it. */
static void
session_changed (HemeraShard *self, const HemeraShardAction *action)
{
  if (action->session.id != NULL) {
    do
      self->serial = atomic_fetch_add_explicit (&self->slot->serial, 1, memory_order_relaxed) + 1;
    while ((self->serial & 0xffff) == 0); /* places keep 16 bits, and 0 is no session */
  }
  hemera__session_clear (&self->session);
  hemera__session_copy (&self->session, &action->session);
  hemera__shard_tell_store (self);
}

static void
gap (HemeraShard *self, const HemeraShardAction *action)
{
  HemeraShardMessage *message = message_new (self, HEMERA_SHARD_MESSAGE_GAP, action, NULL);

  message->serial = self->serial;
  message->seq = action->seq;
  message->since_ms = action->since_ms;
  hemera__shard_say (self, message);
}

static void
reconnecting (HemeraShard *self, const HemeraShardAction *action)
{
  g_autofree char *text = action->detail != NULL ? g_strdup_printf ("%s: %s", action->cause, action->detail)
                                                 : g_strdup (action->cause);
  HemeraShardMessage *message = message_new (self, HEMERA_SHARD_MESSAGE_RECONNECTING, action, text);

  message->code = action->code;
  hemera__shard_say (self, message);
}

static void
disconnecting (HemeraShard *self, const HemeraShardAction *action)
{
  guint64 intents =
      self->tree->config.intents & (action->code == 4014 ? HEMERA_INTENTS_PRIVILEGED : G_MAXUINT64);
  g_autofree char *names = hemera_intents_to_string (intents);
  g_autofree char *text = action->code == 4013 ? g_strdup_printf ("%s (asked for: %s)", action->cause, names)
                          : action->code == 4014
                              ? g_strdup_printf ("%s (privileged and asked for: %s)", action->cause, names)
                              : g_strdup (action->cause);
  HemeraShardMessage *message = message_new (self, HEMERA_SHARD_MESSAGE_DISCONNECTING, action, text);

  message->code = action->code;
  hemera__shard_say (self, message);
}

static void
sent (HemeraShard *self, const HemeraShardAction *action)
{
  HemeraShardMessage *message = message_new (self, HEMERA_SHARD_MESSAGE_SENT, action, NULL);

  message->op = action->op;
  hemera__shard_say (self, message);
  if (action->tag != 0)
    hemera__shard_sent (self, action->tag, NULL);
}

static void
identified (HemeraShard *self, const HemeraShardAction *action)
{
  self->identified = action->connection;
  hemera__shard_update_lease (self, &(HemeraLeaseUpdate){ .connection = action->connection });
}

static void
release_lease (HemeraShard *self, const HemeraShardAction *action)
{
  if (self->wish == action->connection)
    self->wish = 0;
  hemera__shard_update_lease (
      self, &(HemeraLeaseUpdate){ .connection = action->connection, .done = TRUE, .used = action->used });
}

void
hemera__shard_apply (HemeraShard *self, HemeraShardAction *action)
{
  switch (action->type) {
  case HEMERA_SHARD_ACTION_CONNECT: hemera__shard_connect (self, action->connection, action->url); break;
  case HEMERA_SHARD_ACTION_WRITE:
    hemera__shard_write (self, action->connection, action->data, action->binary);
    break;
  case HEMERA_SHARD_ACTION_CLOSE: hemera__shard_close (self, action->connection, action->code); break;
  case HEMERA_SHARD_ACTION_ABORT:
    if (action->connection == self->connection)
      hemera__shard_abort (self);
    break;
  case HEMERA_SHARD_ACTION_REQUEST_IDENTIFY:
    self->wish = action->connection;
    hemera__shard_say (self, message_new (self, HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY, action, NULL));
    hemera__shard_ask_broker (self);
    break;
  case HEMERA_SHARD_ACTION_IDENTIFIED: identified (self, action); break;
  case HEMERA_SHARD_ACTION_RELEASE_LEASE: release_lease (self, action); break;
  case HEMERA_SHARD_ACTION_STATE: state_changed (self, action); break;
  case HEMERA_SHARD_ACTION_EVENT: event (self, action); break;
  case HEMERA_SHARD_ACTION_SESSION: session_changed (self, action); break;
  case HEMERA_SHARD_ACTION_GAP: gap (self, action); break;
  case HEMERA_SHARD_ACTION_SENT: sent (self, action); break;
  case HEMERA_SHARD_ACTION_SEND_FAILED: hemera__shard_sent (self, action->tag, action->error); break;
  case HEMERA_SHARD_ACTION_RECONNECTING: reconnecting (self, action); break;
  case HEMERA_SHARD_ACTION_DISCONNECTING: disconnecting (self, action); break;
  case HEMERA_SHARD_ACTION_ERROR: hemera__shard_say_error (self, g_steal_pointer (&action->error)); break;
  case HEMERA_SHARD_ACTION_LATENCY:
    atomic_store_explicit (&self->slot->latency_us, action->latency_us, memory_order_relaxed);
    break;
  case HEMERA_SHARD_ACTION_ENCODING:
    hemera__shard_say (self, message_new (self, HEMERA_SHARD_MESSAGE_ALARM, action,
                                          "ETF could not be decoded three times in a row: from now on JSON"));
    break;
  case HEMERA_SHARD_ACTION_FAILURES:
    self->failures = action->failures;
    hemera__shard_tell_store (self);
    break;
  case HEMERA_SHARD_ACTION_ALARM:
    hemera__shard_say (self, message_new (self, HEMERA_SHARD_MESSAGE_ALARM, action, action->cause));
    break;
  case HEMERA_SHARD_ACTION_STOP:
    g_clear_pointer (&self->stop_reason, hemera_term_unref);
    self->stop_reason = g_steal_pointer (&action->reason);
    break;
  }
}

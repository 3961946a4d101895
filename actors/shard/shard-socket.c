/* The shard's websocket: its callbacks run as the actor, and the credit that lets it read. */
#include "../tree/config.h"
#include "shard-private.h"

/* Dispatches between this shard and the subscriptions before it stops reading. */
#define CREDIT 256

struct _HemeraSocketLink {
  HemeraActor *actor;
  guint connection;
};

/* What a callback brings into the actor; lives on the callback's stack. */
typedef struct {
  guint connection;
  const guint8 *data;
  gsize size;
  gboolean first, final, binary;
  const HemeraWebsocketEnd *end;
} Input;

static gboolean
is_current (HemeraShard *self, const Input *input)
{
  return self->machine != NULL && self->stop_reason == NULL && self->connection == input->connection;
}

static void
alive (HemeraShard *self, gint64 now)
{
  atomic_store_explicit (&self->slot->alive_us, now, memory_order_relaxed);
}

static HemeraNext
do_resolved (HemeraActor *actor, gpointer state, gpointer data)
{
  HemeraShard *self = state;

  if (!is_current (self, data))
    return HEMERA_CONTINUE;
  hemera__shard_machine_resolved (self->machine, hemera_actor_now (actor), self->connection);
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

static HemeraNext
do_opened (HemeraActor *actor, gpointer state, gpointer data)
{
  HemeraShard *self = state;

  if (!is_current (self, data))
    return HEMERA_CONTINUE;
  hemera__shard_machine_opened (self->machine, hemera_actor_now (actor), self->connection);
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

static HemeraNext
do_received (HemeraActor *actor, gpointer state, gpointer data)
{
  HemeraShard *self = state;
  const Input *input = data;
  gint64 now = hemera_actor_now (actor);

  if (!is_current (self, input))
    return HEMERA_CONTINUE;
  alive (self, now);
  hemera__shard_take_watermark (self);
  hemera__shard_machine_received (self->machine, now, self->connection, input->data, input->size,
                                  input->first, input->final, input->binary);
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

static HemeraNext
do_drained (HemeraActor *actor, gpointer state, gpointer data)
{
  HemeraShard *self = state;

  if (!is_current (self, data))
    return HEMERA_CONTINUE;
  if (self->identified == self->connection) { /* its turn in the bucket counts from here */
    self->identified = 0;
    hemera__shard_update_lease (self, &(HemeraLeaseUpdate){ .connection = self->connection, .left = TRUE });
  }
  hemera__shard_machine_drained (self->machine, hemera_actor_now (actor), self->connection);
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

static HemeraNext
do_ended (HemeraActor *actor, gpointer state, gpointer data)
{
  HemeraShard *self = state;
  const Input *input = data;
  const HemeraWebsocketEnd *end = input->end;

  if (self->connection != input->connection || self->socket == NULL)
    return HEMERA_CONTINUE;
  self->socket = NULL;
  g_clear_pointer (&self->link, g_free);
  if (self->machine == NULL || self->stop_reason != NULL)
    return HEMERA_CONTINUE;
  hemera__shard_take_watermark (self);
  hemera__shard_machine_ended (self->machine, hemera_actor_now (actor), self->connection, end->code,
                               end->http_status, end->retry_after_s,
                               end->error != NULL ? end->error->message : NULL);
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

/* ---- on the worker, outside of the actor: the link may be gone once the actor has run --------------------------- */

static void
on_resolved (HemeraWebsocket *socket, gpointer user_data)
{
  HemeraSocketLink *link = user_data;
  Input input = { .connection = link->connection };

  hemera__actor_run (link->actor, do_resolved, &input);
}

static void
on_opened (HemeraWebsocket *socket, gpointer user_data)
{
  HemeraSocketLink *link = user_data;
  Input input = { .connection = link->connection };

  hemera__actor_run (link->actor, do_opened, &input);
}

static void
on_received (HemeraWebsocket *socket, const guint8 *data, gsize size, gboolean first, gboolean final,
             gboolean binary, gpointer user_data)
{
  HemeraSocketLink *link = user_data;
  Input input = { link->connection, data, size, first, final, binary, NULL };

  hemera__actor_run (link->actor, do_received, &input);
}

static void
on_drained (HemeraWebsocket *socket, gpointer user_data)
{
  HemeraSocketLink *link = user_data;
  Input input = { .connection = link->connection };

  hemera__actor_run (link->actor, do_drained, &input);
}

static void
on_ended (HemeraWebsocket *socket, const HemeraWebsocketEnd *end, gpointer user_data)
{
  HemeraSocketLink *link = user_data;
  Input input = { .connection = link->connection, .end = end };

  hemera__actor_run (link->actor, do_ended, &input);
}

static const HemeraWebsocketEvents events = {
  .resolved = on_resolved,
  .opened = on_opened,
  .received = on_received,
  .drained = on_drained,
  .ended = on_ended,
};

/* ---- what the machine wants ----------------------------------------------------------------------------------------- */

void
hemera__shard_abort (HemeraShard *self)
{
  if (self->socket != NULL)
    hemera__websocket_abort (g_steal_pointer (&self->socket));
  g_clear_pointer (&self->link, g_free);
}

void
hemera__shard_connect (HemeraShard *self, guint connection, const char *url)
{
  const HemeraShardTimes *times = &self->tree->config.times;
  /* The machine has time-outs of its own for each step; this one is the net under it. */
  const HemeraWebsocketOptions options = {
    .url = url,
    .trust = self->tree->trust,
    .user_agent = HEMERA_USER_AGENT,
    .connect_timeout_ms = (times->resolve_ms != 0 ? times->resolve_ms : 10000)
                          + (times->connect_ms != 0 ? times->connect_ms : 10000),
    .close_timeout_ms = times->close_ms,
  };
  g_autoptr (GError) error = NULL;

  hemera__shard_abort (self);
  self->connection = connection;
  self->paused = FALSE;
  hemera__shard_machine_paused (self->machine, hemera_actor_now (self->self), FALSE);
  atomic_store_explicit (&self->slot->connections, connection, memory_order_relaxed);
  self->link = g_new (HemeraSocketLink, 1);
  *self->link = (HemeraSocketLink){ self->self, connection };
  self->socket =
      hemera__websocket_connect (hemera__actor_net (self->self), &options, &events, self->link, &error);
  if (self->socket != NULL)
    return;
  g_clear_pointer (&self->link, g_free);
  hemera__shard_machine_ended (self->machine, hemera_actor_now (self->self), connection, 0, 0, 0,
                               error->message);
}

void
hemera__shard_write (HemeraShard *self, guint connection, GBytes *data, gboolean binary)
{
  gsize size;
  gconstpointer bytes = g_bytes_get_data (data, &size);

  if (self->socket != NULL && connection == self->connection)
    hemera__websocket_send (self->socket, bytes, size, binary);
}

void
hemera__shard_close (HemeraShard *self, guint connection, guint code)
{
  if (self->socket == NULL || connection != self->connection)
    return;
  if (self->paused) /* or the peer's answer is never read */
    hemera__websocket_set_paused (self->socket, FALSE);
  self->paused = FALSE;
  hemera__websocket_close (self->socket, (guint16) code);
}

/* ---- credit and watermark --------------------------------------------------------------------------------------------- */

void
hemera__shard_take_watermark (HemeraShard *self)
{
  /* Acquire pairs with the gateway actor's release: what is at or below it has been sent to the subscriptions. */
  guint64 fanned = atomic_load_explicit (&self->slot->fanned, memory_order_acquire);

  if (self->session.id != NULL && hemera__place_serial (fanned) == (self->serial & 0xffff))
    hemera__shard_machine_set_watermark (self->machine, self->session.id, hemera__place_seq (fanned));
}

/* Dispatches that are under way, those of predecessors too until the gateway actor knows that we are up. */
static guint64
under_way (HemeraShard *self, memory_order order)
{
  guint64 credited = atomic_load_explicit (&self->slot->credited, order);

  return atomic_load_explicit (&self->slot->given, memory_order_relaxed) - credited;
}

/* Before HELLO is read nothing beats, and without a RESUME the session dies: only what brings dispatches is held up. */
static gboolean
may_pause (HemeraShard *self)
{
  HemeraShardState state = hemera__shard_machine_state (self->machine);

  return state == HEMERA_SHARD_RESUMING || state == HEMERA_SHARD_ACTIVE;
}

static void
set_paused (HemeraShard *self, gboolean paused)
{
  self->paused = paused;
  hemera__websocket_set_paused (self->socket, paused);
  hemera__shard_machine_paused (self->machine, hemera_actor_now (self->self), paused);
}

void
hemera__shard_check_credit (HemeraShard *self)
{
  if (self->socket == NULL)
    return;
  if (!self->paused) {
    if (under_way (self, memory_order_relaxed) < CREDIT || !may_pause (self))
      return;
    /* Say that we wait, then look again: the gateway actor adds to `credited` and then looks at `waiting`. All four are seq_cst, so one
     * of us at least sees the other's store. */
    atomic_store_explicit (&self->slot->waiting, TRUE, memory_order_seq_cst);
    if (under_way (self, memory_order_seq_cst) >= CREDIT) {
      set_paused (self, TRUE);
      return;
    }
    atomic_store_explicit (&self->slot->waiting, FALSE, memory_order_relaxed);
  } else if (under_way (self, memory_order_seq_cst) <= CREDIT / 2) {
    set_paused (self, FALSE);
  } else if (!atomic_load_explicit (&self->slot->waiting, memory_order_relaxed)) {
    atomic_store_explicit (&self->slot->waiting, TRUE, memory_order_seq_cst);
    if (under_way (self, memory_order_seq_cst) <= CREDIT / 2)
      set_paused (self, FALSE);
  }
}

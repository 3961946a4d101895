/* The shard actor's life: from the store's answer through the machine's inputs to its last words. What the machine wants done is in
 * shard-actions.c, the websocket in shard-socket.c, the sends of others in shard-sends.c. */
#include "shard-actor.h"

#include "shard-private.h"

#define STORE_RETRY_MS 100
#define STORE_CALL_MS  2000
#define LAST_WORDS_MS  2000

/* ---- saying ----------------------------------------------------------------------------------------------------- */

void
hemera__shard_say (HemeraShard *self, HemeraShardMessage *message)
{
  hemera__said_send (self->parser, &(HemeraSaid){ message });
}

void
hemera__shard_say_error (HemeraShard *self, GError *error)
{
  HemeraShardMessage *message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_ERROR_RECEIVED,
                                                           self->slot->shard, self->connection, NULL);

  message->error = error;
  hemera__shard_say (self, message);
}

/* ---- the session store -------------------------------------------------------------------------------------------- */

static HemeraPid
whereis (HemeraShard *self, const char *name)
{
  return hemera_system_whereis (hemera_actor_system (self->self), name);
}

static HemeraRef
after (HemeraShard *self, guint ms)
{
  return hemera_actor_start_timer (self->self, ms, hemera_actor_self (self->self), NULL);
}

static void
ask_store (HemeraShard *self)
{
  HemeraPid store = whereis (self, self->tree->store_name);

  if (store.id == 0)
    self->store_retry = after (self, STORE_RETRY_MS);
  else
    self->store_call = hemera_actor_call (
        self->self, store, hemera__session_get_new (&(HemeraSessionGet){ self->index }), STORE_CALL_MS);
}

void
hemera__shard_tell_store (HemeraShard *self)
{
  HemeraSessionPut put = { .index = self->index, .serial = self->serial };
  HemeraSystem *system = hemera_actor_system (self->self);

  hemera__session_copy (&put.session, &self->session);
  hemera_send_name (system, self->tree->store_name, hemera__session_put_new (&put));
  hemera_send_name (system, self->tree->store_name,
                    hemera__session_failures_new (&(HemeraSessionFailures){ self->index, self->failures }));
}

/* A store that comes back knows nothing, so it is told. The one that has just answered too: it may be gone, and this its successor. */
static void
watch_store (HemeraShard *self)
{
  HemeraPid store = whereis (self, self->tree->store_name);

  if (store.id == 0) {
    self->store_retry = after (self, STORE_RETRY_MS);
    return;
  }
  self->store_monitor = hemera_actor_monitor (self->self, store);
  hemera__shard_tell_store (self);
}

/* ---- the identify broker -------------------------------------------------------------------------------------------- */

void
hemera__shard_ask_broker (HemeraShard *self)
{
  const HemeraLeaseRequest request = { self->slot->shard, self->wish, hemera_actor_self (self->self) };
  HemeraPid broker = whereis (self, self->tree->broker_name);

  if (self->broker_monitor.id != 0)
    hemera_actor_demonitor (self->self, self->broker_monitor, TRUE);
  /* No broker, or one that just ended: the monitor says so, and it is asked again. By pid, so that both mean the same one: by name the
   * request could be lost with a broker and the monitor be its successor's. */
  self->broker_monitor = hemera_actor_monitor (self->self, broker);
  hemera_send (broker, hemera__lease_request_new (&request));
}

void
hemera__shard_update_lease (HemeraShard *self, const HemeraLeaseUpdate *update)
{
  HemeraLeaseUpdate full = *update;

  full.shard = self->slot->shard;
  if (!full.done) /* the broker may not be there to hear it, and its successor is to know */
    atomic_store_explicit (&self->tree->identified_us, hemera_actor_now (self->self), memory_order_relaxed);
  hemera_send_name (hemera_actor_system (self->self), self->tree->broker_name,
                    hemera__lease_update_new (&full));
}

/* ---- the machine ------------------------------------------------------------------------------------------------------ */

static double
random_unit (gpointer data)
{
  return (double) (hemera_actor_random (data) >> 11) / (double) (G_GUINT64_CONSTANT (1) << 53);
}

static void
make_machine (HemeraShard *self, const HemeraSession *session)
{
  const HemeraGatewayConfig *config = &self->tree->config;
  const HemeraShardConfig shard = {
    .shard_id = self->slot->shard,
    .total_shards = self->tree->total_shards,
    .encoding = config->encoding,
    .compression = config->compression,
    .intents = config->intents,
    .large_threshold = config->large_threshold,
    .presence = config->presence,
    .os = config->os,
    .browser = config->browser,
    .device = config->device,
    .gateway_url = self->tree->gateway_url,
    .token = config->token,
    .times = config->times,
    .wall_offset_us = self->tree->wall_offset_us,
    .connections = atomic_load_explicit (&self->slot->connections, memory_order_relaxed),
  };

  self->machine = hemera__shard_machine_new (&shard, session->id != NULL ? session : NULL, self->failures,
                                             random_unit, self->self);
  hemera__shard_send_early (self);
  if (self->start_asked)
    hemera__shard_machine_start (self->machine, hemera_actor_now (self->self));
}

static void
store_answered (HemeraShard *self, HemeraReplyMessage *reply)
{
  HemeraSessionPut *put = reply->reply != NULL ? hemera__session_put_peek (reply->reply) : NULL;

  self->store_call = HEMERA_REF_NONE;
  if (put == NULL) {
    self->store_retry = after (self, STORE_RETRY_MS);
    return;
  }
  self->serial = put->serial;
  self->failures = put->failures;
  hemera__session_copy (&self->session, &put->session);
  watch_store (self);
  make_machine (self, &put->session);
  hemera__shard_pump (self);
}

static void
arm (HemeraShard *self)
{
  gint64 deadline = hemera__shard_machine_deadline (self->machine), ms;

  /* A timer that is too early is cheaper than moving it with every event: the machine ignores a tick before its time. */
  if (deadline >= self->timer_at)
    return;
  if (self->timer.id != 0)
    hemera_actor_cancel_timer (self->self, self->timer);
  ms = CLAMP ((deadline - hemera_actor_now (self->self) + 999) / 1000, 0, G_MAXINT32);
  self->timer_at = deadline;
  self->timer = after (self, (guint) ms);
}

static void
tick (HemeraShard *self)
{
  self->timer = HEMERA_REF_NONE;
  self->timer_at = G_MAXINT64;
  hemera__shard_take_watermark (self);
  hemera__shard_machine_tick (self->machine, hemera_actor_now (self->self));
  hemera__shard_pump (self);
}

/* The machine wants to stop: first everything that was said goes through the parser to the gateway actor, which answers. Else the
 * supervisor, which stops the parser when a significant shard ends, would take the last words with it. */
static void
begin_end (HemeraShard *self)
{
  hemera__shard_abort (self);
  hemera__drain_send (self->parser, &(HemeraDrain){ hemera_actor_self (self->self) });
  self->stop_timer = after (self, LAST_WORDS_MS);
}

void
hemera__shard_pump (HemeraShard *self)
{
  HemeraShardAction action;

  if (self->machine == NULL || self->stop_reason != NULL)
    return;
  while (hemera__shard_machine_next_action (self->machine, &action)) {
    hemera__shard_apply (self, &action);
    hemera__shard_action_clear (&action);
  }
  hemera__shard_check_credit (self);
  if (self->stop_reason != NULL)
    begin_end (self);
  else
    arm (self);
}

HemeraNext
hemera__shard_next (HemeraShard *self)
{
  return self->over ? hemera_actor_stop (self->self, g_steal_pointer (&self->stop_reason)) : HEMERA_CONTINUE;
}

/* ---- the actor ------------------------------------------------------------------------------------------------------------ */

static HemeraNext
shard_init (HemeraActor *actor, gpointer state, gconstpointer data)
{
  const HemeraTreeArgs *args = data;
  HemeraShard *self = state;

  self->self = actor;
  self->tree = hemera__tree_ref (args->tree);
  self->index = args->index;
  self->slot = &self->tree->slots[self->index];
  /* Closed for good, and then started once more with others because a supervisor above ended. */
  if (atomic_load_explicit (&self->slot->end, memory_order_relaxed) == HEMERA_SHARD_ENDED)
    return HEMERA_IGNORE;
  self->timer_at = G_MAXINT64;
  self->waiting = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  g_queue_init (&self->early);
  hemera_actor_set_label (actor, self->slot->shard_name);

  self->parser = whereis (self, self->slot->parser_name);
  /* Acquire pairs with the root's release, which comes before its look for this shard's name: one that it does not find sees this. */
  self->start_asked = atomic_load_explicit (&self->slot->started, memory_order_acquire)
                      && !atomic_load_explicit (&self->tree->closing, memory_order_relaxed);
  atomic_store_explicit (&self->slot->waiting, FALSE, memory_order_relaxed);
  atomic_store_explicit (&self->slot->state, HEMERA_SHARD_STOPPED, memory_order_relaxed);
  hemera__shard_up_send (self->parser,
                         &(HemeraShardUp){
                             .index = self->index,
                             .shard = hemera_actor_self (actor),
                             .parser = self->parser,
                             .supervisor = hemera_actor_parent (actor),
                             .given = atomic_load_explicit (&self->slot->given, memory_order_relaxed),
                         });
  ask_store (self);
  return HEMERA_CONTINUE;
}

static void
start (HemeraShard *self)
{
  if (self->start_asked)
    return; /* it saw `started` already, and this was on its way */
  self->start_asked = TRUE;
  if (self->machine != NULL)
    hemera__shard_machine_start (self->machine, hemera_actor_now (self->self));
}

static void
dispose (HemeraShard *self, HemeraCloseMode mode)
{
  if (self->machine != NULL)
    hemera__shard_machine_dispose (self->machine, hemera_actor_now (self->self), mode);
  else if (self->stop_reason == NULL) {
    self->stop_reason = hemera_term_ref (hemera_reason_normal ());
    begin_end (self);
  }
}

static void
down (HemeraShard *self, HemeraRef ref)
{
  if (hemera_ref_equal (ref, self->store_monitor)) {
    self->store_monitor = HEMERA_REF_NONE;
    self->store_retry = after (self, STORE_RETRY_MS);
  } else if (hemera_ref_equal (ref, self->broker_monitor)) {
    self->broker_monitor = HEMERA_REF_NONE;
    if (self->wish != 0)
      self->broker_retry = after (self, STORE_RETRY_MS);
  }
}

static void
timed_out (HemeraShard *self, HemeraRef ref)
{
  if (hemera_ref_equal (ref, self->timer)) {
    tick (self);
  } else if (hemera_ref_equal (ref, self->store_retry)) {
    self->store_retry = HEMERA_REF_NONE;
    if (self->machine == NULL)
      ask_store (self);
    else
      watch_store (self);
  } else if (hemera_ref_equal (ref, self->broker_retry)) {
    self->broker_retry = HEMERA_REF_NONE;
    if (self->wish != 0)
      hemera__shard_ask_broker (self);
  } else if (hemera_ref_equal (ref, self->stop_timer)) {
    self->over = TRUE;
  }
}

static gboolean handle_order (HemeraShard *self, HemeraActorMessage *message);

/* From a node or another place that has only terms: the term form of an order. */
static void
handle_term (HemeraShard *self, HemeraTerm *term)
{
  const HemeraMessageType *types[] = { &hemera__send_type, &hemera__reconnect_type, &hemera__dispose_type };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autoptr (HemeraActorMessage) message = hemera_actor_message_new (types[i], NULL);

    if (types[i]->from_term (hemera_actor_message_payload (message), hemera_term_view (term), NULL)) {
      handle_order (self, message);
      return;
    }
  }
  hemera__shard_say_error (self, g_error_new_literal (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD,
                                                      "the shard got a term that is no gateway message"));
}

static gboolean
handle_order (HemeraShard *self, HemeraActorMessage *message)
{
  gint64 now = hemera_actor_now (self->self);
  HemeraIdentify *identify = hemera__identify_peek (message);
  HemeraLeaseDenied *denied = hemera__lease_denied_peek (message);
  HemeraReconnect *reconnect = hemera__reconnect_peek (message);
  HemeraDispose *order = hemera__dispose_peek (message);
  HemeraSend *send = hemera__send_peek (message);

  if (order != NULL)
    dispose (self, order->mode);
  else if (send != NULL)
    hemera__shard_send (self, NULL, send->op, send->data);
  else if (hemera__start_shard_peek (message) != NULL)
    start (self);
  else if (self->machine == NULL)
    return FALSE;
  else if (identify != NULL) {
    self->wish = identify->connection == self->wish ? 0 : self->wish;
    hemera__shard_machine_lease (self->machine, now, identify->connection);
  } else if (denied != NULL) {
    self->wish = denied->connection == self->wish ? 0 : self->wish;
    hemera__shard_machine_lease_denied (self->machine, now, denied->connection, denied->retry_ms);
  } else if (reconnect != NULL) {
    hemera__shard_take_watermark (self);
    hemera__shard_machine_reconnect (self->machine, now, reconnect->allow_resume);
  } else
    return FALSE;
  return TRUE;
}

static HemeraNext
shard_handle_info (HemeraActor *actor, gpointer state, HemeraActorMessage *message)
{
  HemeraShard *self = state;
  HemeraReplyMessage *reply = hemera_reply_message_peek (message);
  HemeraDownMessage *gone = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  HemeraTermMessage *term = hemera_term_message_peek (message);

  if (self->stop_reason != NULL) {
    if (hemera__drain_peek (message) != NULL
        || (timeout != NULL && hemera_ref_equal (timeout->ref, self->stop_timer)))
      self->over = TRUE;
    return hemera__shard_next (self);
  }
  if (reply != NULL) {
    if (hemera_ref_equal (reply->ref, self->store_call))
      store_answered (self, reply);
  } else if (gone != NULL)
    down (self, gone->ref);
  else if (timeout != NULL)
    timed_out (self, timeout->ref);
  else if (term != NULL)
    handle_term (self, term->term);
  else
    handle_order (self, message); /* a HemeraCredit needs nothing but the look at the credit in pump() */
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

static HemeraNext
shard_handle_call (HemeraActor *actor, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  HemeraShard *self = state;
  HemeraSend *send = hemera__send_peek (request);

  if (send == NULL || self->stop_reason != NULL) {
    g_autoptr (GError) error =
        g_error_new_literal (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED,
                             send == NULL ? "a shard takes sends only" : "the shard is closing");
    hemera_from_reply_error (from, error);
    return HEMERA_CONTINUE;
  }
  hemera__shard_send (self, from, send->op, send->data);
  hemera__shard_pump (self);
  return hemera__shard_next (self);
}

static void
shard_finalize (gpointer state)
{
  HemeraShard *self = state;

  hemera__shard_abort (self);
  hemera__shard_clear_sends (self);
  if (self->machine != NULL)
    hemera__shard_machine_free (self->machine);
  hemera__session_clear (&self->session);
  g_clear_pointer (&self->stop_reason, hemera_term_unref);
  g_clear_pointer (&self->tree, hemera__tree_unref);
}

const HemeraServerClass hemera__shard_actor_class = {
  .name = "hemera_shard",
  .state_size = sizeof (HemeraShard),
  .init = shard_init,
  .handle_call = shard_handle_call,
  .handle_info = shard_handle_info,
  .finalize = shard_finalize,
};

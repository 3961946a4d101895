/* What one subscription sees, and what it should. See sim-subscriber.h. */
#include "sim-subscriber.h"

#include <string.h>

/* ---- its actor -------------------------------------------------------------------------------------------- */

static HemeraNext
sink_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(SimSubscriber **) state = (SimSubscriber *) args;
  return HEMERA_CONTINUE;
}

static HemeraNext
sink_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  SimSubscriber *subscriber = *(SimSubscriber **) state;
  HemeraDelivery delivery;

  g_assert_true (hemera__delivery_steal (message, &delivery));
  /* The credit from here to the sockets holds, whoever was killed. What is said needs none. */
  if (subscriber->subscriber->kind == HEMERA_SUBSCRIBER_EVENTS)
    g_assert_cmpuint (hemera__subscriber_pending (subscriber->subscriber), <=,
                      subscriber->subscriber->credit + subscriber->discord->n_shards * SIM_UNDER_WAY);
  g_queue_push_tail (&subscriber->deliveries, hemera__delivery_new (&delivery));
  return HEMERA_CONTINUE;
}

static const HemeraActorClass sink_class = {
  .name = "sink",
  .state_size = sizeof (SimSubscriber *),
  .init = sink_init,
  .receive = sink_receive,
};

static void
forget_deliveries (SimSubscriber *self)
{
  g_queue_clear_full (&self->deliveries, (GDestroyNotify) hemera_actor_message_free);
}

static void
subscribe (SimSubscriber *self, HemeraSubscribers *set, HemeraSubscriberKind kind, const char *name,
           guint credit)
{
  self->set = set;
  self->subscriber = hemera__subscriber_new (kind, name, NULL, credit);
  self->pid = hemera_system_spawn (self->system,
                                   &(HemeraSpawn){ .actor_class = &sink_class, .args = { .data = self } });
  self->subscriber->pid = self->pid;
  hemera__subscribers_add (set, self->subscriber);
}

SimSubscriber *
sim_subscriber_new (HemeraSystem *system, SimDiscord *discord, HemeraSubscribers *set,
                    HemeraSubscriberKind kind, const char *name, guint credit)
{
  SimSubscriber *self = g_new0 (SimSubscriber, 1);

  self->system = system;
  self->discord = discord;
  g_queue_init (&self->deliveries);
  subscribe (self, set, kind, name, credit);
  return self;
}

void
sim_subscriber_move (SimSubscriber *self, HemeraSubscribers *set)
{
  HemeraSubscriber *old = self->subscriber;

  hemera_exit (self->pid, hemera_reason_kill ());
  for (GList *l = self->deliveries.head; l != NULL; l = l->next) {
    HemeraShardMessage *message = hemera__delivery_peek (l->data)->message;

    if (message != NULL && message->type == HEMERA_SHARD_MESSAGE_GAP)
      self->seen[message->shard].unheard = TRUE;
  }
  forget_deliveries (self);
  subscribe (self, set, old->kind, old->name, old->credit);
  hemera__subscriber_unref (old);
}

void
sim_subscriber_begin (SimSubscriber *self, guint shard, guint session, guint64 seq, gboolean forgotten)
{
  SimSeen *seen = &self->seen[shard];

  seen->state = HEMERA_SHARD_STOPPED;
  seen->connection = 0;
  seen->unheard |= forgotten;
  if (session == seen->session && seq < seen->seq)
    seen->seq = seq; /* another subscription had not handled what comes again */
}

void
sim_subscriber_free (SimSubscriber *self)
{
  forget_deliveries (self);
  hemera__subscriber_unref (self->subscriber);
  g_free (self);
}

/* ---- what it should see -------------------------------------------------------------------------------------- */

static gboolean
wants (SimSubscriber *self, SimEvent event)
{
  return self->subscriber->name == NULL || strcmp (self->subscriber->name, sim_event_name (event)) == 0;
}

/* The first event after @seq of @session that it wants; beyond the end: there is none. */
static guint64
next_wanted (SimSubscriber *self, guint session, guint64 seq)
{
  const GByteArray *log = sim_discord_session (self->discord, session)->log;

  do
    seq++;
  while (seq <= log->len && !wants (self, log->data[seq - 1]));
  return seq;
}

static void
see_event (SimSubscriber *self, HemeraEvent *event)
{
  guint shard = hemera_event_get_shard (event);
  HemeraView d = hemera_event_get_data (event);
  guint session = (guint) hemera_view_uint64 (hemera_view_get (d, "session"), 0);
  guint64 seq = hemera_event_get_seq (event);
  SimSeen *seen = &self->seen[shard];

  g_assert_cmpuint (session, !=, 0);
  if (seq == 0) { /* a RESUMED whose place was counted before */
    g_assert_cmpstr (hemera_event_get_name (event), ==, "RESUMED");
    return;
  }
  g_assert_cmpuint (sim_discord_session (self->discord, session)->shard, ==, shard);
  g_assert_cmpuint (hemera_view_uint64 (hemera_view_get (d, "seq"), 0), ==, seq);
  g_assert_cmpstr (hemera_event_get_name (event), ==,
                   sim_event_name (sim_discord_session (self->discord, session)->log->data[seq - 1]));
  if (session != seen->session) {
    g_assert_cmpuint (session, >, seen->session);
    if (self->subscriber->kind == HEMERA_SUBSCRIBER_MESSAGES && seen->session != 0 && !seen->unheard)
      g_assert_cmpuint (seen->told, ==, seen->session);
    seen->unheard = FALSE;
    if (self->late && seen->session == 0)
      seen->seq = seq - 1; /* it begins here */
    else
      seen->seq = 0;
    seen->session = session;
  }
  g_assert_cmpuint (seq, ==, next_wanted (self, session, seen->seq));
  seen->seq = seq;
  if (self->subscriber->kind == HEMERA_SUBSCRIBER_MESSAGES && seen->state != HEMERA_SHARD_STOPPED) {
    /* In its place among what is said: after the handshake of its connection. */
    g_assert_true (seen->state == HEMERA_SHARD_IDENTIFYING || seen->state == HEMERA_SHARD_RESUMING
                   || seen->state == HEMERA_SHARD_ACTIVE);
  }
  self->events++;
}

static void
see_state (SimSubscriber *self, SimSeen *seen, HemeraShardMessage *message)
{
  /* One after the other; a shard that was killed could not say its last. */
  if (message->from != HEMERA_SHARD_STOPPED && seen->state != HEMERA_SHARD_STOPPED)
    g_assert_cmpint (message->from, ==, seen->state);
  g_assert_cmpuint (message->connection, >=, seen->connection);
  seen->connection = message->connection;
  seen->state = message->to;
}

static void
see_message (SimSubscriber *self, HemeraShardMessage *message)
{
  SimSeen *seen;

  if (message->shard == HEMERA_NO_SHARD)
    return;
  seen = &self->seen[message->shard];
  if (message->type == HEMERA_SHARD_MESSAGE_STATE)
    see_state (self, seen, message);
  if (message->type != HEMERA_SHARD_MESSAGE_GAP)
    return;
  self->gaps++;
  if (seen->session == 0)
    return;                                         /* of what was before it */
  g_assert_cmpuint (seen->told, !=, seen->session); /* once */
  g_assert_cmpuint (message->seq, ==, seen->seq);
  g_assert_cmpint (message->since_ms, >, 0);
  seen->told = seen->session;
}

/* ---- the test's hand ------------------------------------------------------------------------------------------ */

gboolean
sim_subscriber_handle (SimSubscriber *self)
{
  g_autoptr (HemeraActorMessage) message = g_queue_pop_head (&self->deliveries);
  HemeraDelivery *delivery;

  if (message == NULL)
    return FALSE;
  delivery = hemera__delivery_peek (message);
  if (delivery->event != NULL)
    see_event (self, delivery->event);
  else
    see_message (self, delivery->message);
  if (delivery->mark != NULL)
    atomic_store_explicit (&delivery->mark->handled, delivery->place, memory_order_release);
  if (hemera__subscriber_handled (self->subscriber))
    hemera__credit_send ((HemeraPid){ .id = self->subscriber->gateway }, &(HemeraCredit){ 0 });
  return TRUE;
}

void
sim_subscriber_cancel (SimSubscriber *self)
{
  self->cancelled = TRUE;
  atomic_store_explicit (&self->subscriber->cancelled, TRUE, memory_order_seq_cst);
  hemera_exit (self->pid, hemera_reason_kill ());
  forget_deliveries (self);
  hemera__credit_send ((HemeraPid){ .id = self->subscriber->gateway }, &(HemeraCredit){ 0 });
  hemera__subscribers_remove (self->set, self->subscriber);
}

gboolean
sim_subscriber_is_done (SimSubscriber *self, guint shard)
{
  guint session = self->discord->current[shard];
  const SimSeen *seen = &self->seen[shard];
  const GByteArray *log = session != 0 ? sim_discord_session (self->discord, session)->log : NULL;

  if (log == NULL)
    return FALSE;
  if (seen->session != session)
    return next_wanted (self, session, 0) > log->len || self->late;
  return next_wanted (self, session, seen->seq) > log->len;
}

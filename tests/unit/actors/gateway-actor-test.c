/* The gateway actor: each event once and in order, whatever is killed; gaps, credit, and a facade that does not listen. */
#include "quiet.h"
#include "tree-rig.h"

static HemeraPid
spawn_gateway (Rig *rig)
{
  return rig_spawn (rig, &hemera__gateway_actor_class, rig->tree->gateway_name);
}

static void
assert_seqs (Probe *probe, const guint64 *seqs, guint n)
{
  g_assert_cmpuint (probe_count (probe, &hemera__delivery_type), ==, n);
  for (guint i = 0; i < n; i++) {
    HemeraDelivery *delivery = probe_payload (probe, &hemera__delivery_type, i);

    g_assert_nonnull (delivery->event);
    g_assert_cmpuint (hemera_event_get_seq (delivery->event), ==, seqs[i]);
  }
}

static void
handle_all (Probe *probe, HemeraSubscriber *subscriber)
{
  HemeraPid gateway;
  HemeraDelivery *delivery;

  for (guint i = 0; (delivery = probe_payload (probe, &hemera__delivery_type, i)) != NULL; i++) {
    if (delivery->mark != NULL)
      delivery->mark->handled = delivery->place;
    if (!hemera__subscriber_handled (subscriber))
      continue;
    gateway = (HemeraPid){ .id = subscriber->gateway };
    hemera__credit_send (gateway, &(HemeraCredit){ 0 });
  }
  probe_forget (probe);
}

/* ---- once and in order ------------------------------------------------------------------------------------------ */

static void
test_drops_doubles (void)
{
  static const guint64 sent[] = { 1, 2, 2, 1, 3 }, seen[] = { 1, 2, 3 };
  Rig rig;
  Probe *probe;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (sent); i++)
    rig_dispatch (&rig, gateway, 0, 1, sent[i]);
  assert_seqs (probe, seen, G_N_ELEMENTS (seen));
  g_assert_cmpuint (rig.tree->slots[0].fanned, ==, hemera__place (1, 3));
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 5); /* doubles are not under way any more either */
  rig_clear (&rig);
}

static void
test_killed_gateway (void)
{
  static const guint64 seen[] = { 1, 2, 3 };
  Rig rig;
  Probe *probe;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  rig_dispatch (&rig, gateway, 0, 1, 1);
  rig_dispatch (&rig, gateway, 0, 1, 2);
  hemera_exit (gateway, hemera_reason_kill ());
  rig_run (&rig);
  gateway = spawn_gateway (&rig);
  rig_dispatch (&rig, gateway, 0, 1, 2); /* replayed by the RESUME */
  rig_dispatch (&rig, gateway, 0, 1, 3);
  assert_seqs (probe, seen, G_N_ELEMENTS (seen));
  rig_clear (&rig);
}

static void
test_unwanted_event_counts (void)
{
  Rig rig;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  hemera__dispatch_send (gateway, &(HemeraDispatch){ 0, 1, 7, NULL });
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[0].fanned, ==, hemera__place (1, 7));
  rig_clear (&rig);
}

/* ---- gaps ----------------------------------------------------------------------------------------------------------- */

static HemeraShardMessage *
gap_new (guint serial, gint64 since_ms)
{
  HemeraShardMessage *message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_GAP, 0, 1, NULL);

  message->serial = serial;
  message->seq = 1; /* the gateway actor knows better */
  message->since_ms = since_ms;
  return message;
}

static void
test_gap_once (gconstpointer said_by_shard)
{
  Rig rig;
  Probe *probe;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_MESSAGES, NULL);
  gateway = spawn_gateway (&rig);
  rig_dispatch (&rig, gateway, 0, 1, 1);
  rig_dispatch (&rig, gateway, 0, 1, 2);
  if (said_by_shard != NULL) {
    rig_say (&rig, gateway, gap_new (1, 1234));
    rig_say (&rig, gateway, gap_new (1, 1234));
  }
  rig_dispatch (&rig, gateway, 0, 2, 1);
  rig_dispatch (&rig, gateway, 0, 2, 2);
  g_assert_nonnull (probe_message (probe, HEMERA_SHARD_MESSAGE_GAP, 0));
  g_assert_null (probe_message (probe, HEMERA_SHARD_MESSAGE_GAP, 1));
  g_assert_cmpuint (probe_message (probe, HEMERA_SHARD_MESSAGE_GAP, 0)->seq, ==, 2);
  if (said_by_shard != NULL)
    g_assert_cmpint (probe_message (probe, HEMERA_SHARD_MESSAGE_GAP, 0)->since_ms, ==, 1234);
  /* In its place: before the first event of the new session. */
  g_assert_nonnull (((HemeraDelivery *) probe_payload (probe, &hemera__delivery_type, 2))->message);
  rig_clear (&rig);
}

/* The word of the shard, and the gateway actor that should have heard it, are both gone. */
static void
test_gap_since_the_last_event (void)
{
  Rig rig;
  HemeraPid gateway;
  HemeraShardMessage *gap;
  gint64 at_ms;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  rig_dispatch (&rig, gateway, 0, 1, 1);
  at_ms = (hemera_system_now (rig.system) + rig.tree->wall_offset_us) / 1000;
  rig_advance (&rig, 5000);
  hemera_exit (gateway, hemera_reason_kill ());
  rig_run (&rig);
  gateway = spawn_gateway (&rig);
  rig_dispatch (&rig, gateway, 0, 2, 1);
  gap = probe_message (rig.facade, HEMERA_SHARD_MESSAGE_GAP, 0);
  g_assert_nonnull (gap);
  g_assert_cmpuint (gap->seq, ==, 1);
  g_assert_cmpint (gap->since_ms, ==, at_ms);
  rig_clear (&rig);
}

static void
test_no_gap_without_events (void)
{
  Rig rig;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  rig_say (&rig, gateway, gap_new (1, 1234));
  rig_dispatch (&rig, gateway, 0, 1, 1);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_GAP, 0));
  rig_clear (&rig);
}

/* ---- credit ----------------------------------------------------------------------------------------------------------- */

static void
test_slow_subscription_holds_credit (void)
{
  Rig rig;
  Probe *probe;
  HemeraPid gateway;
  HemeraSubscriber *subscriber;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  subscriber = rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  for (guint64 seq = 1; seq <= 6; seq++)
    rig_dispatch (&rig, gateway, 0, 1, seq);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 3); /* the fourth made it full */
  handle_all (probe, subscriber);
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 6);
  rig_clear (&rig);
}

static void
test_waiting_shard_is_told (void)
{
  Rig rig;
  Probe *probe, *shard;
  HemeraPid gateway;
  HemeraSubscriber *subscriber;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  shard = rig_probe (&rig);
  subscriber = rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  hemera__shard_up_send (gateway, &(HemeraShardUp){ 0, shard->pid, shard->pid, rig_probe (&rig)->pid });
  for (guint64 seq = 1; seq <= 4; seq++)
    rig_dispatch (&rig, gateway, 0, 1, seq);
  probe_forget (shard);
  rig.tree->slots[0].waiting = TRUE;
  handle_all (probe, subscriber);
  rig_run (&rig);
  g_assert_cmpuint (probe_count (shard, &hemera__credit_type), ==, 1);
  g_assert_false (rig.tree->slots[0].waiting);
  rig_clear (&rig);
}

static void
test_cancelled_subscription_frees_credit (void)
{
  Rig rig;
  Probe *probe;
  HemeraPid gateway;
  HemeraSubscriber *subscriber;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  subscriber = rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  for (guint64 seq = 1; seq <= 6; seq++)
    rig_dispatch (&rig, gateway, 0, 1, seq);
  subscriber->cancelled = TRUE;
  hemera__subscribers_remove (rig.subscribers, subscriber);
  hemera__credit_send (gateway, &(HemeraCredit){ 0 });
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 6);
  rig_clear (&rig);
}

static void
test_killed_gateway_frees_credit (void)
{
  Rig rig;
  Probe *probe;
  HemeraPid gateway;
  HemeraSubscriber *subscriber;

  rig_init (&rig, 1, 1, 100);
  probe = rig_probe (&rig);
  subscriber = rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  for (guint64 seq = 1; seq <= 6; seq++)
    rig_dispatch (&rig, gateway, 0, 1, seq);
  hemera_exit (gateway, hemera_reason_kill ());
  rig_run (&rig);
  gateway = spawn_gateway (&rig);
  rig_dispatch (&rig, gateway, 0, 1, 7);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 3);
  /* There is room again when a delivery of the one that was killed is handled; its successor waits. */
  handle_all (probe, subscriber);
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 4);
  rig_clear (&rig);
}

static void
test_room_is_for_all_shards (void)
{
  Rig rig;
  Probe *probe;
  HemeraPid gateway;
  HemeraSubscriber *subscriber;

  rig_init (&rig, 2, 1, 100);
  probe = rig_probe (&rig);
  subscriber = rig_subscribe (&rig, probe, HEMERA_SUBSCRIBER_EVENTS, NULL);
  gateway = spawn_gateway (&rig);
  for (guint64 seq = 1; seq <= 4; seq++)
    rig_dispatch (&rig, gateway, 0, 1, seq);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 3);
  g_assert_false (hemera__subscriber_handled (subscriber));
  hemera__dispatch_send (gateway, &(HemeraDispatch){ 1, 1, 1, NULL });
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[1].credited, ==, 1);
  g_assert_cmpuint (rig.tree->slots[0].credited, ==, 4);
  rig_clear (&rig);
}

static void
test_successor_is_told (void)
{
  Rig rig;
  Probe *shard, *successor, *parser, *supervisor;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  shard = rig_probe (&rig);
  parser = rig_probe (&rig);
  supervisor = rig_probe (&rig);
  hemera__shard_up_send (gateway, &(HemeraShardUp){ 0, shard->pid, parser->pid, supervisor->pid });
  rig_run (&rig);
  hemera_exit (shard->pid, hemera_reason_kill ());
  successor = rig_probe (&rig);
  /* It is up, and stopped reading, before its predecessor's last event and its own word are through. */
  rig.tree->slots[0].waiting = TRUE;
  rig_dispatch (&rig, gateway, 0, 1, 1);
  hemera__shard_up_send (gateway, &(HemeraShardUp){ 0, successor->pid, parser->pid, supervisor->pid });
  rig_run (&rig);
  g_assert_cmpuint (probe_count (successor, &hemera__credit_type), ==, 1);
  rig_clear (&rig);
}

/* ---- a facade whose loop does not run ------------------------------------------------------------------------------ */

static void
say_state (Rig *rig, HemeraPid gateway, HemeraShardState from, HemeraShardState to)
{
  HemeraShardMessage *message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_STATE, 0, 1, NULL);

  message->from = from;
  message->to = to;
  rig_say (rig, gateway, message);
}

static void
test_blocked_facade (void)
{
  Rig rig;
  HemeraPid gateway;
  HemeraShardMessage *message =
      hemera__shard_message_new (HEMERA_SHARD_MESSAGE_DISCONNECTING, 0, 1, "disallowed intents");

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  atomic_store (&rig.tree->facade_pending, 16384);
  say_state (&rig, gateway, HEMERA_SHARD_STOPPED, HEMERA_SHARD_RESOLVING);
  say_state (&rig, gateway, HEMERA_SHARD_RESOLVING, HEMERA_SHARD_ACTIVE);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_STATE, 0));
  rig_say (&rig, gateway, message);
  g_assert_nonnull (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 0));
  atomic_store (&rig.tree->facade_pending, 0);
  rig_advance (&rig, 6000); /* nothing else has to be said */
  message = probe_message (rig.facade, HEMERA_SHARD_MESSAGE_STATE, 0);
  g_assert_nonnull (message);
  g_assert_cmpint (message->to, ==, HEMERA_SHARD_ACTIVE);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_STATE, 1));
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (quiet_log, NULL, NULL);
  g_test_add_func ("/gateway-actor/events/doubles-are-dropped", test_drops_doubles);
  g_test_add_func ("/gateway-actor/events/killed-gateway-loses-and-doubles-nothing", test_killed_gateway);
  g_test_add_func ("/gateway-actor/events/unwanted-counts", test_unwanted_event_counts);
  g_test_add_data_func ("/gateway-actor/gap/said-by-the-shard", "", test_gap_once);
  g_test_add_data_func ("/gateway-actor/gap/seen-by-the-new-session", NULL, test_gap_once);
  g_test_add_func ("/gateway-actor/gap/since-the-last-event", test_gap_since_the_last_event);
  g_test_add_func ("/gateway-actor/gap/not-without-events", test_no_gap_without_events);
  g_test_add_func ("/gateway-actor/credit/slow-subscription", test_slow_subscription_holds_credit);
  g_test_add_func ("/gateway-actor/credit/waiting-shard-is-told", test_waiting_shard_is_told);
  g_test_add_func ("/gateway-actor/credit/cancelled-subscription", test_cancelled_subscription_frees_credit);
  g_test_add_func ("/gateway-actor/credit/killed-gateway", test_killed_gateway_frees_credit);
  g_test_add_func ("/gateway-actor/credit/room-is-for-all-shards", test_room_is_for_all_shards);
  g_test_add_func ("/gateway-actor/credit/successor-is-told", test_successor_is_told);
  g_test_add_func ("/gateway-actor/facade/blocked", test_blocked_facade);
  return g_test_run ();
}

/* The gateway actor's watch over the shards: what is told when one goes and comes back, gives up, ends for good or does nothing any more. */
#include "quiet.h"
#include "tree-rig.h"

static HemeraPid
spawn_gateway (Rig *rig)
{
  return rig_spawn (rig, &hemera__gateway_actor_class, rig->tree->gateway_name);
}

static void
bring_up (Rig *rig, HemeraPid gateway, Probe *shard, Probe *parser, Probe *supervisor)
{
  hemera__shard_up_send (gateway, &(HemeraShardUp){ 0, shard->pid, parser->pid, supervisor->pid });
  rig_run (rig);
}

static void
test_restarted_has_the_cause (void)
{
  Rig rig;
  Probe *shard, *parser, *supervisor;
  HemeraPid gateway;
  HemeraShardMessage *message;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  shard = rig_probe (&rig);
  parser = rig_probe (&rig);
  supervisor = rig_probe (&rig);
  bring_up (&rig, gateway, shard, parser, supervisor);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_RESTARTED, 0));
  hemera_exit (parser->pid, hemera_reason_kill ()); /* the cause; the shard is then shut down */
  rig_run (&rig);
  hemera_exit (shard->pid, hemera_reason_shutdown ());
  rig_run (&rig);
  bring_up (&rig, gateway, rig_probe (&rig), rig_probe (&rig), supervisor);
  message = probe_message (rig.facade, HEMERA_SHARD_MESSAGE_RESTARTED, 0);
  g_assert_nonnull (message);
  g_assert_cmpuint (message->restarts, ==, 1);
  g_assert_true (hemera_view_is_atom (hemera_term_view (message->term), "killed"));
  rig_clear (&rig);
}

static guint starts;

static HemeraNext
ends_at_once_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  starts++;
  hemera_exit (hemera_actor_self (self), hemera_reason_shutdown ());
  return HEMERA_CONTINUE;
}

/* The shards' supervisor, whose only child has ended for good. */
static void
spawn_shards (Rig *rig)
{
  static const HemeraActorClass ends_at_once = { .name = "ends at once", .init = ends_at_once_init };
  static const HemeraChildSpec child = { .id = "shard_0",
                                         .actor = &ends_at_once,
                                         .restart = HEMERA_RESTART_TRANSIENT };
  static const HemeraSupervisorSpec spec = { .children = &child, .n_children = 1 };
  HemeraSpawn shards = hemera_supervisor_spawn (&spec);

  starts = 0;
  shards.name = rig->tree->shards_name;
  hemera_system_spawn (rig->system, &shards);
  rig_run (rig);
  g_assert_cmpuint (starts, ==, 1);
}

static void
test_gave_up (void)
{
  Rig rig;
  Probe *shard, *supervisor;
  HemeraPid gateway;
  HemeraShardMessage *message;

  rig_init (&rig, 1, 1, 100);
  spawn_shards (&rig);
  gateway = spawn_gateway (&rig);
  shard = rig_probe (&rig);
  supervisor = rig_probe (&rig);
  bring_up (&rig, gateway, shard, rig_probe (&rig), supervisor);
  hemera_exit (shard->pid, hemera_reason_kill ());
  rig_run (&rig);
  hemera_exit (supervisor->pid, hemera_reason_shutdown ());
  rig_run (&rig);
  message = probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 0);
  g_assert_nonnull (message);
  g_assert_true (message->will_restart);
  g_assert_nonnull (strstr (message->error->message, "killed"));
  g_assert_nonnull (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_ALARM, 0));
  g_assert_cmpuint (rig.tree->slots[0].end, ==, HEMERA_SHARD_GAVE_UP);
  rig_clear (&rig);
}

static void
test_restarted_with_the_gateway (void)
{
  Rig rig;
  HemeraPid gateway;
  HemeraShardMessage *message;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  bring_up (&rig, gateway, rig_probe (&rig), rig_probe (&rig), rig_probe (&rig));
  hemera_exit (gateway, hemera_reason_kill ());
  rig_run (&rig);
  gateway = spawn_gateway (&rig);
  bring_up (&rig, gateway, rig_probe (&rig), rig_probe (&rig), rig_probe (&rig));
  message = probe_message (rig.facade, HEMERA_SHARD_MESSAGE_RESTARTED, 0);
  g_assert_nonnull (message);
  g_assert_true (hemera_view_is_atom (hemera_term_view (message->term), "gateway_down"));
  rig_clear (&rig);
}

static void
test_shut_down_with_all (void)
{
  Rig rig;
  Probe *supervisor;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  supervisor = rig_probe (&rig);
  bring_up (&rig, gateway, rig_probe (&rig), rig_probe (&rig), supervisor);
  hemera_exit (supervisor->pid, hemera_reason_shutdown ()); /* and there is no supervisor of shards */
  rig_run (&rig);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_ALARM, 0));
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 0));
  g_assert_cmpuint (rig.tree->slots[0].end, ==, HEMERA_SHARD_RUNS);
  rig_clear (&rig);
}

static void
test_killed_supervisor (void)
{
  Rig rig;
  Probe *supervisor;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  supervisor = rig_probe (&rig);
  bring_up (&rig, gateway, rig_probe (&rig), rig_probe (&rig), supervisor);
  hemera_exit (supervisor->pid, hemera_reason_kill ());
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[0].end, ==, HEMERA_SHARD_RUNS);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 0));
  rig_clear (&rig);
}

static void
test_gave_up_without_a_gateway (void)
{
  Rig rig;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  bring_up (&rig, gateway, rig_probe (&rig), rig_probe (&rig), rig_probe (&rig));
  hemera_exit (gateway, hemera_reason_kill ());
  rig_run (&rig);
  spawn_shards (&rig);
  spawn_gateway (&rig);
  rig_run (&rig);
  g_assert_cmpuint (rig.tree->slots[0].end, ==, HEMERA_SHARD_GAVE_UP);
  g_assert_nonnull (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 0));
  rig_advance (&rig, 11000);
  g_assert_cmpuint (starts, ==, 2);
  rig_clear (&rig);
}

static void
test_monitors_do_not_pile_up (void)
{
  Rig rig;
  Probe *shard, *parser, *supervisor;
  HemeraPid gateway;
  g_autofree char *dump = NULL;
  const char *line;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  parser = rig_probe (&rig);
  supervisor = rig_probe (&rig);
  for (guint i = 0; i < 10; i++) {
    shard = rig_probe (&rig);
    bring_up (&rig, gateway, shard, parser, supervisor);
    hemera_exit (shard->pid, hemera_reason_kill ());
    rig_run (&rig);
  }
  dump = hemera_system_dump (rig.system, 1000);
  line = strstr (dump, "hemera_gateway");
  g_assert_nonnull (line);
  g_assert_nonnull (strstr (line, " monitors="));
  g_assert_true (g_str_has_prefix (strstr (line, " monitors="), " monitors=2 "));
  rig_clear (&rig);
}

static void
test_fatal (void)
{
  Rig rig;
  Probe *shard, *supervisor;
  HemeraPid gateway;
  HemeraShardMessage *message =
      hemera__shard_message_new (HEMERA_SHARD_MESSAGE_DISCONNECTING, 0, 1, "disallowed intents");

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  shard = rig_probe (&rig);
  supervisor = rig_probe (&rig);
  bring_up (&rig, gateway, shard, rig_probe (&rig), supervisor);
  message->code = 4014;
  rig_say (&rig, gateway, message);
  hemera_exit (shard->pid, hemera_reason_shutdown ());
  hemera_exit (supervisor->pid, hemera_reason_shutdown ());
  rig_run (&rig);
  message = probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 0);
  g_assert_false (message->will_restart);
  g_assert_error (message->error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, 1));
  rig_clear (&rig);
}

static void
test_watchdog (void)
{
  Rig rig;
  Probe *shard;
  HemeraPid gateway;

  rig_init (&rig, 1, 1, 100);
  gateway = spawn_gateway (&rig);
  shard = rig_probe (&rig);
  bring_up (&rig, gateway, shard, rig_probe (&rig), rig_probe (&rig));
  rig.tree->slots[0].state = HEMERA_SHARD_ACTIVE;
  rig.tree->slots[0].interval_ms = 10000;
  rig.tree->slots[0].alive_us = hemera_system_now (rig.system);
  rig_advance (&rig, 30000);
  g_assert_null (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_ALARM, 0));
  rig_advance (&rig, 15000);
  g_assert_nonnull (probe_message (rig.facade, HEMERA_SHARD_MESSAGE_ALARM, 0));
  rig_clear (&rig);
}

static GPtrArray *questions; /* HemeraFrom */

static HemeraNext
keep_question (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  g_ptr_array_add (questions, from);
  return HEMERA_CONTINUE;
}

/* The oldest question: the supervisors of the first @n_stopped shards are, the others run. */
static void
answer (Rig *rig, const HemeraPid *supervisors, guint n_stopped)
{
  HemeraSupervisorChildren children = { g_array_new (FALSE, TRUE, sizeof (HemeraChildInfo)) };

  for (guint i = 0; i < rig->tree->n_slots; i++) {
    HemeraChildInfo info = { .id = rig->tree->slots[i].supervisor_id, .status = HEMERA_CHILD_STOPPED };

    if (i >= n_stopped)
      info = (HemeraChildInfo){ .id = info.id, .pid = supervisors[i], .status = HEMERA_CHILD_RUNNING };
    g_array_append_val (children.children, info);
  }
  hemera_from_reply (g_ptr_array_steal_index (questions, 0),
                     hemera_actor_message_new (&hemera_supervisor_children_type, &children));
  rig_run (rig);
}

/* Many may go at once, and an answer is about all: there is one question at a time, and one more when an answer was too old. */
static void
test_asks_once_for_all (void)
{
  static const HemeraServerClass shards = { .name = "shards", .handle_call = keep_question };
  HemeraPid gateway, supervisors[3];
  Rig rig;

  questions = g_ptr_array_new ();
  rig_init (&rig, G_N_ELEMENTS (supervisors), 1, 100);
  rig_spawn_server (&rig, &shards, rig.tree->shards_name);
  gateway = spawn_gateway (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (supervisors); i++) {
    supervisors[i] = rig_probe (&rig)->pid;
    hemera__shard_up_send (
        gateway, &(HemeraShardUp){ i, rig_probe (&rig)->pid, rig_probe (&rig)->pid, supervisors[i] });
  }
  rig_run (&rig);
  for (guint i = 0; i < G_N_ELEMENTS (supervisors); i++) {
    hemera_exit (supervisors[i], hemera_reason_shutdown ());
    rig_run (&rig);
    g_assert_cmpuint (questions->len, ==, 1);
  }
  answer (&rig, supervisors, 1); /* as it was when it was asked */
  g_assert_cmpuint (rig.tree->slots[0].end, ==, HEMERA_SHARD_GAVE_UP);
  g_assert_cmpuint (rig.tree->slots[1].end, ==, HEMERA_SHARD_RUNS);
  g_assert_cmpuint (questions->len, ==, 1);
  answer (&rig, supervisors, 3);
  g_assert_cmpuint (rig.tree->slots[1].end, ==, HEMERA_SHARD_GAVE_UP);
  g_assert_cmpuint (rig.tree->slots[2].end, ==, HEMERA_SHARD_GAVE_UP);
  g_assert_cmpuint (questions->len, ==, 0);
  g_ptr_array_unref (questions);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (quiet_log, NULL, NULL);
  g_test_add_func ("/watch/restarted-with-the-gateway", test_restarted_with_the_gateway);
  g_test_add_func ("/watch/shut-down-with-all", test_shut_down_with_all);
  g_test_add_func ("/watch/killed-supervisor", test_killed_supervisor);
  g_test_add_func ("/watch/gave-up-without-a-gateway", test_gave_up_without_a_gateway);
  g_test_add_func ("/watch/monitors-do-not-pile-up", test_monitors_do_not_pile_up);
  g_test_add_func ("/watch/restarted-has-the-cause", test_restarted_has_the_cause);
  g_test_add_func ("/watch/gave-up", test_gave_up);
  g_test_add_func ("/watch/asks-once-for-all", test_asks_once_for_all);
  g_test_add_func ("/watch/fatal", test_fatal);
  g_test_add_func ("/watch/watchdog", test_watchdog);
  return g_test_run ();
}

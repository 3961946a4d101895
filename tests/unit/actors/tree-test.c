/* The tree as a whole, in a simulated system and without a network: how it fails to start and how it gives up. */
#include "quiet.h"
#include "tree-rig.h"

#include "actors/rest/gateway-bot.h"
#include "actors/session/session-file.h"
#include "actors/token.h"

static void
test_failed_start_is_told (void)
{
  static const HemeraActorClass idle = { .name = "idle" };
  Rig rig;
  HemeraTreeDown *down;

  rig_init (&rig, 1, 1, 100);
  rig_spawn (&rig, &idle, rig.tree->store_name);
  hemera__tree_spawn (rig.system, rig.tree);
  rig_run (&rig);
  down = probe_payload (rig.facade, &hemera__tree_down_type, 0);
  g_assert_nonnull (down);
  g_assert_false (hemera_reason_is_clean (down->reason)
                  && hemera_view_type (hemera_term_view (down->reason)) != HEMERA_TERM_TUPLE);
  rig_clear (&rig);
}

/* The application supervisor without the root, whose shards nobody starts. */
static HemeraPid
spawn_application (Rig *rig)
{
  HemeraSupervisorSpec *spec = hemera__tree_spec (rig->tree);
  HemeraSpawn spawn = hemera_supervisor_spawn (spec);
  HemeraPid pid;

  spawn.name = "application";
  pid = hemera_system_spawn (rig->system, &spawn);
  rig_run (rig);
  hemera_supervisor_spec_free (spec);
  return pid;
}

static HemeraPid
whereis (Rig *rig, const char *name)
{
  return hemera_system_whereis (rig->system, name);
}

static void
test_gateway_crashes_too_often (void)
{
  Rig rig;

  rig_init (&rig, 2, 1, 100);
  rig.tree->config.token = hemera__token_new ("token.of.tests", NULL);
  rig.tree->config.intensity =
      100; /* of the shards: RESUMED between the crashes would have the same effect */
  spawn_application (&rig);
  g_assert_cmpuint (whereis (&rig, rig.tree->slots[1].shard_name).id, !=, 0);
  for (guint i = 0; i < 11; i++) {
    g_assert_cmpuint (whereis (&rig, rig.tree->gateway_name).id, !=, 0);
    hemera_exit (whereis (&rig, rig.tree->gateway_name), hemera_reason_kill ());
    rig_advance (&rig, 100);
  }
  g_assert_cmpuint (whereis (&rig, rig.tree->gateway_name).id, ==, 0); /* given up */
  rig_advance (&rig, 15000);
  g_assert_cmpuint (whereis (&rig, rig.tree->slots[0].shard_name).id, ==, 0);
  g_assert_cmpuint (whereis (&rig, "application").id, ==, 0);
  rig_clear (&rig);
}

static void
test_ended_shard_stays_down (void)
{
  Rig rig;

  rig_init (&rig, 2, 1, 100);
  rig.tree->config.token = hemera__token_new ("token.of.tests", NULL);
  spawn_application (&rig);
  g_assert_cmpuint (whereis (&rig, rig.tree->slots[0].shard_name).id, !=, 0);
  rig.tree->slots[0].end = HEMERA_SHARD_ENDED; /* close code 4014, say */
  hemera_exit (whereis (&rig, rig.tree->shards_name), hemera_reason_kill ());
  rig_advance (&rig, 1000);
  g_assert_cmpuint (whereis (&rig, rig.tree->slots[0].shard_name).id, ==, 0);
  g_assert_cmpuint (whereis (&rig, rig.tree->slots[1].shard_name).id, !=, 0);
  rig_clear (&rig);
}

/* It is about to be shut down, and an IDENTIFY would be lost. */
static void
test_no_start_while_closing (void)
{
  Rig rig;

  rig_init (&rig, 1, 1, 100);
  rig.tree->config.token = hemera__token_new ("token.of.tests", NULL);
  spawn_application (&rig);
  rig.tree->slots[0].started = rig.tree->closing = TRUE;
  hemera_exit (whereis (&rig, rig.tree->slots[0].shard_name), hemera_reason_kill ());
  rig_advance (&rig, 5000);
  g_assert_cmpuint (whereis (&rig, rig.tree->slots[0].shard_name).id, !=, 0);
  g_assert_cmpuint (rig.tree->slots[0].connections, ==, 0);
  rig_clear (&rig);
}

/* What may be resumed of a slot: the last session, from 0 when its READY is not fanned out yet; not one before it. */
static void
test_safe_seq (void)
{
  Rig rig;
  guint64 seq;

  rig_init (&rig, 1, 1, 100);
  rig.tree->slots[0].serial = 2;
  rig.tree->slots[0].fanned = hemera__place (2, 7);
  g_assert_true (hemera__tree_safe_seq (rig.tree, 0, 2, &seq));
  g_assert_cmpuint (seq, ==, 7);
  g_assert_false (hemera__tree_safe_seq (rig.tree, 0, 1, &seq));
  rig.tree->slots[0].serial = 3;
  g_assert_true (hemera__tree_safe_seq (rig.tree, 0, 3, &seq));
  g_assert_cmpuint (seq, ==, 0);
  rig_clear (&rig);
}

/* When the bot identified last, from a file that may say anything and by an earlier tree. */
static gint64
identified_after (Rig *rig, gint64 ms)
{
  HemeraGatewayBot *bot = hemera__gateway_bot_new ("wss://gateway.test", 1, 1000, 1000, 86400000, 1);
  HemeraGatewayConfig config;
  HemeraTree *tree;
  gint64 us;

  hemera__gateway_config_init (&config);
  config.sessions = hemera__sessions_new (1, ms, NULL, NULL, 0);
  tree = hemera__tree_new (rig->system, &config, bot, "", rig->facade->pid, rig->subscribers);
  us = atomic_load (&tree->identified_us);
  hemera__tree_follow (rig->tree, tree);
  g_assert_cmpint (atomic_load (&rig->tree->identified_us), >=, us);
  hemera__tree_unref (tree);
  hemera__gateway_config_clear (&config);
  hemera_gateway_bot_unref (bot);
  return us;
}

static void
test_last_identify (void)
{
  Rig rig;
  gint64 now_ms, now;

  rig_init (&rig, 1, 1, 100);
  rig_advance (&rig, 10000);
  now = hemera_system_now (rig.system);
  now_ms = g_get_real_time () / 1000;
  g_assert_cmpint (identified_after (&rig, now_ms - 3000), <=,
                   now - 2999000); /* real time goes on meanwhile */
  g_assert_cmpint (identified_after (&rig, now_ms - 3000), !=, 0);
  g_assert_cmpint (identified_after (&rig, now_ms + 86400000), <=, now); /* the clock was set back */
  g_assert_cmpint (identified_after (&rig, 0), ==, 0);
  g_assert_cmpint (identified_after (&rig, -5), ==, 0);
  g_assert_cmpint (identified_after (&rig, G_MAXINT64), ==, 0);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (quiet_log, NULL, NULL);
  g_test_add_func ("/tree/failed-start-is-told", test_failed_start_is_told);
  g_test_add_func ("/tree/gateway-crashes-too-often", test_gateway_crashes_too_often);
  g_test_add_func ("/tree/ended-shard-stays-down", test_ended_shard_stays_down);
  g_test_add_func ("/tree/last-identify", test_last_identify);
  g_test_add_func ("/tree/no-start-while-closing", test_no_start_while_closing);
  g_test_add_func ("/tree/safe-seq", test_safe_seq);
  return g_test_run ();
}

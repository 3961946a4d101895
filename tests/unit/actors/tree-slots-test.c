/* A tree's slots before any actor runs: what the options' sessions make of them, and how they are found. */
#include "tree-rig.h"

#include "actors/rest/gateway-bot.h"
#include "actors/session/session-file.h"

typedef struct {
  Rig rig;
  HemeraTree *tree; /* three shards; of shard 1 there is a session at seq 42 */
} Fixture;

static void
set_up (Fixture *self, gconstpointer alive_ms)
{
  const guint shard = 1;
  const HemeraSession session = { .id = (char *) "abc", .seq = 42, .alive_ms = GPOINTER_TO_INT (alive_ms) };
  HemeraGatewayBot *bot = hemera__gateway_bot_new ("wss://gateway.test", 3, 1000, 100, 1000, 1);
  HemeraGatewayConfig config;

  rig_init (&self->rig, 1, 1, 100);
  hemera__gateway_config_init (&config);
  config.sessions = hemera__sessions_new (3, 0, &shard, &session, 1);
  self->tree =
      hemera__tree_new (self->rig.system, &config, bot, "_x", self->rig.facade->pid, self->rig.subscribers);
  hemera__gateway_config_clear (&config);
  hemera_gateway_bot_unref (bot);
}

static void
tear_down (Fixture *self, gconstpointer alive_ms)
{
  hemera__tree_unref (self->tree);
  rig_clear (&self->rig);
}

static void
test_session_is_at_its_seq (Fixture *self, gconstpointer alive_ms)
{
  g_assert_cmpuint (self->tree->slots[1].serial, ==, 1);
  g_assert_cmpuint (self->tree->slots[1].fanned, ==, hemera__place (1, 42));
  g_assert_cmpint (self->tree->slots[1].fanned_us, ==, 5000000 - self->tree->wall_offset_us);
  g_assert_cmpuint (self->tree->slots[0].serial, ==, 0);
  g_assert_cmpuint (self->tree->slots[0].fanned, ==, 0);
}

static void
test_session_without_a_time (Fixture *self, gconstpointer alive_ms)
{
  g_assert_cmpuint (self->tree->slots[1].fanned, ==, hemera__place (1, 42));
  g_assert_cmpint (self->tree->slots[1].fanned_us, ==, 0);
}

static void
test_slot_of (Fixture *self, gconstpointer alive_ms)
{
  for (guint shard = 0; shard < 3; shard++)
    g_assert_true (hemera__tree_slot_of (self->tree, shard) == &self->tree->slots[shard]);
  g_assert_null (hemera__tree_slot_of (self->tree, 3));
}

/* Two gateways in a process: marks and messages of one must not be taken for the other's. */
static void
test_apart_from_others (Fixture *self, gconstpointer alive_ms)
{
  g_assert_cmpuint (self->tree->number, !=, self->rig.tree->number);
  g_assert_cmpstr (self->tree->broker_name, ==, "hemera_identify_broker_x");
  g_assert_cmpstr (self->tree->store_name, ==, "hemera_session_store_x");
  g_assert_cmpstr (self->tree->gateway_name, ==, "hemera_gateway_x");
  g_assert_cmpstr (self->tree->slots[2].shard_name, ==, "hemera_shard_2_x");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/tree/slots/session-is-at-its-seq", Fixture, GINT_TO_POINTER (5000), set_up,
              test_session_is_at_its_seq, tear_down);
  g_test_add ("/tree/slots/session-without-a-time", Fixture, GINT_TO_POINTER (0), set_up,
              test_session_without_a_time, tear_down);
  g_test_add ("/tree/slots/are-found", Fixture, NULL, set_up, test_slot_of, tear_down);
  g_test_add ("/tree/apart-from-others", Fixture, NULL, set_up, test_apart_from_others, tear_down);
  return g_test_run ();
}

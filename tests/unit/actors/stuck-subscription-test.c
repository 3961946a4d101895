/* A subscription that does not handle what it has, seen from the socket: what is under way is bounded whatever is killed, the connection lives
 * and beats, a lost one is made again and resumed, and silence counts again once the shard reads again. */
#include "quiet.h"
#include "sim-world.h"

static SimWorld *
set_up (void)
{
  SimWorld *world = sim_world_new (1, 1, 1, 16);

  sim_world_connect (world, NULL);
  sim_world_settle (world);
  return world;
}

static void
tear_down (SimWorld *world)
{
  world->stuck = FALSE;
  sim_world_settle (world);
  sim_world_close (world, HEMERA_CLOSE_END);
  hemera__tree_unref (world->tree);
  sim_world_free (world);
}

static HemeraWebsocket *
the_socket (SimWorld *world)
{
  g_assert_cmpuint (world->net->sockets->len, ==, 1);
  return g_ptr_array_index (world->net->sockets, 0);
}

static HemeraShardState
state_of (SimWorld *world)
{
  return (HemeraShardState) atomic_load (&world->tree->slots[0].state);
}

static guint64
pending (SimWorld *world)
{
  SimSubscriber *subscriber = g_ptr_array_index (world->subscribers, 0);

  return hemera__subscriber_pending (subscriber->subscriber);
}

/* Nothing is handled, and @events happen, more than there is credit for. */
static void
get_stuck (SimWorld *world, guint events)
{
  world->stuck = TRUE;
  sim_discord_happen (world->discord, 0, events, 0);
  for (guint i = 0; i < 40; i++)
    sim_world_go (world, 100, 10);
  g_assert_true (the_socket (world)->paused);
}

static void
reset (SimWorld *world)
{
  sim_socket_end (the_socket (world), 0);
}

static void
lose_connection (SimWorld *world)
{
  world->once = reset;
  sim_world_go (world, 1, 0);
}

static void
test_bounded_over_kills (gconstpointer data)
{
  SimWorld *world = set_up ();
  const HemeraTree *tree = world->tree;
  const char *names[] = { tree->slots[0].shard_name, tree->slots[0].parser_name, tree->gateway_name };
  guint which = GPOINTER_TO_UINT (data);

  get_stuck (world, 5000);
  for (guint i = 0; i < 8; i++) {
    hemera_exit (sim_whereis (world, names[which]), hemera_reason_kill ());
    for (guint n = 0; n < 40; n++)
      sim_world_go (world, 50, 1000);
  }
  g_assert_cmpuint (world->restarts, >=, 8);
  g_assert_cmpuint (pending (world), <=, SIM_UNDER_WAY + 16);
  tear_down (world);
}

static void
test_lost_connection_is_resumed (void)
{
  SimWorld *world = set_up ();
  guint resumes = world->discord->resumes, connections;

  get_stuck (world, 5000);
  lose_connection (world);
  for (guint i = 0; i < 40; i++)
    sim_world_go (world, 100, 1000);
  g_assert_cmpuint (world->discord->resumes, ==, resumes + 1);
  g_assert_cmpint (state_of (world), ==, HEMERA_SHARD_RESUMING);
  g_assert_true (the_socket (world)->paused);
  connections = atomic_load (&world->tree->slots[0].connections);
  for (guint i = 0; i < 60; i++) /* the gateway looks at each beat, see sim-discord.c */
    sim_world_go (world, 50, 10000);
  g_assert_cmpuint (atomic_load (&world->tree->slots[0].connections), ==, connections);
  tear_down (world);
}

static void
test_silence_counts_again (void)
{
  SimWorld *world = set_up ();
  guint connections, alarms = world->alarms;

  get_stuck (world, SIM_UNDER_WAY + 20); /* and not again by what is left */
  lose_connection (world);
  world->stuck = FALSE; /* what it has is handled while there is no connection */
  sim_world_handle_all (world);
  for (guint i = 0; i < 20 && state_of (world) != HEMERA_SHARD_ACTIVE; i++)
    sim_world_go (world, 20000, 100);
  g_assert_cmpint (state_of (world), ==, HEMERA_SHARD_ACTIVE);
  sim_world_settle (world);
  connections = atomic_load (&world->tree->slots[0].connections);
  sim_discord_silence (the_socket (world));
  sim_world_go (world, 50, 45000); /* two intervals and more */
  for (guint i = 0; i < 5; i++)
    sim_world_go (world, 50, 1000);
  g_assert_cmpuint (atomic_load (&world->tree->slots[0].connections), >, connections);
  g_assert_cmpuint (world->alarms, ==, alarms); /* it saw so itself, the watchdog need not */
  tear_down (world);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (quiet_log, NULL, NULL);
  g_test_add_data_func ("/stuck-subscription/bounded/killed-shards", GUINT_TO_POINTER (0),
                        test_bounded_over_kills);
  g_test_add_data_func ("/stuck-subscription/bounded/killed-parsers", GUINT_TO_POINTER (1),
                        test_bounded_over_kills);
  g_test_add_data_func ("/stuck-subscription/bounded/killed-gateways", GUINT_TO_POINTER (2),
                        test_bounded_over_kills);
  g_test_add_func ("/stuck-subscription/lost-connection-is-resumed", test_lost_connection_is_resumed);
  g_test_add_func ("/stuck-subscription/silence-counts-again", test_silence_counts_again);
  return g_test_run ();
}

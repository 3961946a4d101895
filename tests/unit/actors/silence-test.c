/* How long a shard may be silent is three intervals of its HELLO, however the number is written. */
#include "quiet.h"
#include "sim-world.h"

static guint
interval_of (gboolean as_float)
{
  SimWorld *world = sim_world_new (1, 1, 1, 16);
  guint interval_ms;

  world->discord->interval_ms = 120000;
  world->discord->float_interval = as_float;
  sim_world_connect (world, NULL);
  sim_world_settle (world);
  interval_ms = atomic_load (&world->tree->slots[0].interval_ms);
  sim_world_close (world, HEMERA_CLOSE_END);
  hemera__tree_unref (world->tree);
  sim_world_free (world);
  return interval_ms;
}

static void
test_interval (void)
{
  g_assert_cmpuint (interval_of (FALSE), ==, 120000);
}

static void
test_float_interval (void)
{
  g_assert_cmpuint (interval_of (TRUE), ==, 120000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (quiet_log, NULL, NULL);
  g_test_add_func ("/silence/interval", test_interval);
  g_test_add_func ("/silence/interval/float", test_float_interval);
  return g_test_run ();
}

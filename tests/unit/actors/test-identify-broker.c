/* The identify broker as an actor: leases, holders that go, the floor. */
#include "tree-rig.h"

typedef struct {
  Rig rig;
  HemeraPid broker;
  Probe *shards[4];
  Probe *gateway;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  rig_init (&self->rig, 4, 1, GPOINTER_TO_UINT (data));
  self->broker = rig_spawn (&self->rig, &hemera__identify_broker_class, self->rig.tree->broker_name);
  for (guint i = 0; i < 4; i++)
    self->shards[i] = rig_probe (&self->rig);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  rig_clear (&self->rig);
}

static void
request (Fixture *self, guint shard)
{
  hemera__lease_request_send (self->broker, &(HemeraLeaseRequest){ shard, 1, self->shards[shard]->pid });
  rig_run (&self->rig);
}

static void
written (Fixture *self, guint shard)
{
  hemera__lease_update_send (self->broker, &(HemeraLeaseUpdate){ .shard = shard, .connection = 1 });
  hemera__lease_update_send (
      self->broker, &(HemeraLeaseUpdate){ .shard = shard, .connection = 1, .done = TRUE, .used = TRUE });
  rig_run (&self->rig);
}

static guint
grants (Fixture *self, guint shard)
{
  return probe_count (self->shards[shard], &hemera__identify_type);
}

static void
test_one_in_five_seconds (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    request (self, 3 - i);
  g_assert_cmpuint (grants (self, 3), ==, 1); /* it was alone when it asked */
  written (self, 3);
  for (guint i = 0; i < 3; i++) {
    rig_advance (&self->rig, 5099); /* five seconds and the margin */
    g_assert_cmpuint (grants (self, i), ==, 0);
    rig_advance (&self->rig, 1);
    g_assert_cmpuint (grants (self, i), ==, 1);
    written (self, i);
  }
}

static void
test_dead_holder (Fixture *self, gconstpointer data)
{
  request (self, 0);
  request (self, 1);
  g_assert_cmpuint (grants (self, 1), ==, 0);
  hemera_exit (self->shards[0]->pid, hemera_reason_kill ());
  rig_run (&self->rig);
  g_assert_cmpuint (grants (self, 1), ==, 1);
  g_assert_cmpuint (self->rig.tree->remaining, ==, 99);
}

static void
test_budget_outlives_broker (Fixture *self, gconstpointer data)
{
  request (self, 0);
  written (self, 0);
  self->rig.tree->slots[0].started = TRUE;
  hemera_exit (self->broker, hemera_reason_kill ());
  rig_run (&self->rig);
  self->broker = rig_spawn (&self->rig, &hemera__identify_broker_class, self->rig.tree->broker_name);
  request (self, 1);
  g_assert_cmpuint (grants (self, 1), ==, 0); /* its predecessor may just have given a lease */
  rig_advance (&self->rig, 5100);
  g_assert_cmpuint (grants (self, 1), ==, 1);
  g_assert_cmpuint (self->rig.tree->remaining, ==, 98);
}

static void
test_floor (Fixture *self, gconstpointer data)
{
  Probe *gateway = rig_probe (&self->rig);
  HemeraLeaseDenied *denied;

  request (self, 0);
  request (self, 1);
  g_assert_cmpuint (grants (self, 0), ==, 0);
  denied = probe_payload (self->shards[0], &hemera__lease_denied_type, 0);
  g_assert_nonnull (denied);
  g_assert_cmpuint (denied->retry_ms, >, 86000000);
  g_assert_cmpuint (denied->retry_ms, <=, 86401000);
  g_assert_cmpuint (probe_count (gateway, &hemera__said_type), ==,
                    0); /* nobody has the gateway's name here */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/identify-broker/spacing", Fixture, GUINT_TO_POINTER (100), set_up, test_one_in_five_seconds,
              tear_down);
  g_test_add ("/identify-broker/dead-holder", Fixture, GUINT_TO_POINTER (100), set_up, test_dead_holder,
              tear_down);
  g_test_add ("/identify-broker/restarted", Fixture, GUINT_TO_POINTER (100), set_up,
              test_budget_outlives_broker, tear_down);
  g_test_add ("/identify-broker/floor", Fixture, GUINT_TO_POINTER (10), set_up, test_floor, tear_down);
  return g_test_run ();
}

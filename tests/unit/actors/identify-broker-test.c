/* The identify broker as an actor: leases, holders that go, the floor. */
#include "sim-net.h"
#include "tree-rig.h"

#include "actors/rest/fetch.h"
#include "actors/token.h"

typedef struct {
  Rig rig;
  HemeraPid broker;
  Probe *shards[4];
  Probe *gateway;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  sim_net = sim_net_new ();
  rig_init (&self->rig, 4, 1, GPOINTER_TO_UINT (data));
  self->broker = rig_spawn (&self->rig, &hemera__identify_broker_class, self->rig.tree->broker_name);
  for (guint i = 0; i < 4; i++)
    self->shards[i] = rig_probe (&self->rig);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  rig_clear (&self->rig);
  sim_net_free (sim_net);
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

/* READY may take long: the spacing counts from the write alone. */
static void
test_written_frees_the_bucket (Fixture *self, gconstpointer data)
{
  request (self, 0);
  request (self, 1);
  hemera__lease_update_send (self->broker, &(HemeraLeaseUpdate){ .shard = 0, .connection = 1 });
  rig_run (&self->rig);
  rig_advance (&self->rig, 5100);
  g_assert_cmpuint (grants (self, 1), ==, 1);
}

static void
test_unused_lease_goes_on (Fixture *self, gconstpointer data)
{
  request (self, 0);
  request (self, 1);
  hemera__lease_update_send (self->broker, &(HemeraLeaseUpdate){ .shard = 0, .connection = 1, .done = TRUE });
  rig_run (&self->rig);
  g_assert_cmpuint (grants (self, 1), ==, 1);
  g_assert_cmpuint (self->rig.tree->remaining, ==, 99);
}

/* ---- the budget ----------------------------------------------------------------------------------------------------- */

/* As if the API had answered. */
static void
answer (Fixture *self, guint remaining, guint64 reset_after_ms, guint max_concurrency)
{
  HemeraFetchResult result = { .bot = hemera__gateway_bot_new ("wss://gateway.test", 4, 1000, remaining,
                                                               reset_after_ms, max_concurrency) };

  hemera__fetch_result_send (self->broker, &result);
  rig_run (&self->rig);
}

static void
test_refresh_brings_concurrency (Fixture *self, gconstpointer data)
{
  answer (self, 500, 3600000, 2);
  g_assert_cmpuint (self->rig.tree->remaining, ==, 500);
  g_assert_cmpuint (self->rig.tree->limit_total, ==, 1000);
  g_assert_cmpint (self->rig.tree->reset_us, ==,
                   hemera_system_now (self->rig.system) + G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC);
  request (self, 0);
  request (self, 1);
  g_assert_cmpuint (grants (self, 0), ==, 1);
  g_assert_cmpuint (grants (self, 1), ==, 1);
}

/* An API that says 0 ms again and again is not asked in a loop. */
static void
test_refresh_waits_a_minute (Fixture *self, gconstpointer data)
{
  answer (self, 500, 0, 1);
  g_assert_cmpint (self->rig.tree->reset_us, ==, hemera_system_now (self->rig.system) + 60 * G_USEC_PER_SEC);
}

static void
test_failed_refresh_is_told (Fixture *self, gconstpointer data)
{
  Probe *gateway = rig_probe_named (&self->rig, self->rig.tree->gateway_name);
  HemeraFetchResult result = { .error = g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_TIMEOUT, "late") };

  hemera__fetch_result_send (self->broker, &result);
  rig_run (&self->rig);
  g_assert_nonnull (probe_message (gateway, HEMERA_SHARD_MESSAGE_ALARM, 0));
  g_assert_cmpint (self->rig.tree->reset_us, ==, hemera_system_now (self->rig.system) + 60 * G_USEC_PER_SEC);
}

static void
test_denied_until_the_reset (Fixture *self, gconstpointer data)
{
  HemeraLeaseDenied *denied;

  request (self, 0);
  denied = probe_payload (self->shards[0], &hemera__lease_denied_type, 0);
  g_assert_nonnull (denied);
  g_assert_cmpuint (denied->retry_ms, ==,
                    (self->rig.tree->reset_us - hemera_system_now (self->rig.system)) / 1000 + 1000);
}

/* Once, until there is room again. */
static void
test_alarm_is_told_once (Fixture *self, gconstpointer data)
{
  Probe *gateway = rig_probe_named (&self->rig, self->rig.tree->gateway_name);

  request (self, 0);
  request (self, 1);
  g_assert_nonnull (probe_message (gateway, HEMERA_SHARD_MESSAGE_ALARM, 0));
  g_assert_null (probe_message (gateway, HEMERA_SHARD_MESSAGE_ALARM, 1));
  answer (self, 10, 3600000, 1); /* at the floor still */
  request (self, 0);
  g_assert_null (probe_message (gateway, HEMERA_SHARD_MESSAGE_ALARM, 1));
  answer (self, 11, 3600000, 1);
  request (self, 0);
  request (self, 1);
  g_assert_cmpuint (grants (self, 0), ==, 1);
  g_assert_nonnull (probe_message (gateway, HEMERA_SHARD_MESSAGE_ALARM, 1));
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

static void
test_killed_request (Fixture *self, gconstpointer data)
{
  self->rig.tree->config.token = hemera__token_new ("token.of.tests", NULL);
  request (self, 0);
  rig_advance (&self->rig, 86400000); /* the limit is reset */
  g_assert_cmpuint (sim_net->gets->len, ==, 1);
  hemera_exit (sim_net->getter, hemera_reason_kill ());
  rig_run (&self->rig);
  rig_advance (&self->rig, 60000);
  g_assert_cmpuint (sim_net->gets->len, ==, 2); /* asked again */
  sim_net_answer (sim_net, 1, 200,
                  "{\"url\":\"wss://gateway.test\",\"shards\":4,\"session_start_limit\":{\"total\":1000,"
                  "\"remaining\":1000,\"reset_after\":0,\"max_concurrency\":1}}");
  rig_run (&self->rig);
  request (self, 0);
  g_assert_cmpuint (grants (self, 0), ==, 1);
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
  g_test_add ("/identify-broker/written-frees-the-bucket", Fixture, GUINT_TO_POINTER (100), set_up,
              test_written_frees_the_bucket, tear_down);
  g_test_add ("/identify-broker/unused-lease-goes-on", Fixture, GUINT_TO_POINTER (100), set_up,
              test_unused_lease_goes_on, tear_down);
  g_test_add ("/identify-broker/refresh/concurrency", Fixture, GUINT_TO_POINTER (100), set_up,
              test_refresh_brings_concurrency, tear_down);
  g_test_add ("/identify-broker/refresh/waits-a-minute", Fixture, GUINT_TO_POINTER (100), set_up,
              test_refresh_waits_a_minute, tear_down);
  g_test_add ("/identify-broker/refresh/failure-is-told", Fixture, GUINT_TO_POINTER (100), set_up,
              test_failed_refresh_is_told, tear_down);
  g_test_add ("/identify-broker/denied/until-the-reset", Fixture, GUINT_TO_POINTER (10), set_up,
              test_denied_until_the_reset, tear_down);
  g_test_add ("/identify-broker/denied/told-once", Fixture, GUINT_TO_POINTER (10), set_up,
              test_alarm_is_told_once, tear_down);
  g_test_add ("/identify-broker/floor", Fixture, GUINT_TO_POINTER (10), set_up, test_floor, tear_down);
  g_test_add ("/identify-broker/killed-request", Fixture, GUINT_TO_POINTER (10), set_up, test_killed_request,
              tear_down);
  return g_test_run ();
}

/* What our supervisor has and OTP's lacks: back-off, stable children, events to an observer; and its reports. What takes time runs on the
 * simulated clock. */
#include "supervisor-steps.h"

static HemeraChildSpec
patient (Fixture *f, const char *id)
{
  HemeraChildSpec child = kid (f, id, PERMANENT);

  child.backoff = (HemeraBackoff){ .base_ms = 1000, .cap_ms = 8000, .reset_ms = 30000 };
  return child;
}

static void
test_backoff_delays (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, patient (f, "a"), "up a|started");
  die (f, "a", "oops");
  advance (f, 49); /* at least a twentieth */
  expect (f, "down a oops");
  advance (f, 951);
  expect (f, "up a");
}

static void
test_backoff_keeps_others_served (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { patient (f, "a"), kid (f, "b", PERMANENT) };
  HemeraSupervisorSpec spec = relaxed;

  start_sup (f, &spec, kids, 2);
  expect (f, "up a|up b|started");
  die (f, "a", "oops");
  expect (f, "down a oops");
  die (f, "b", "oops");
  expect (f, "down b oops|up b");
  which (f, "children b:running a:restarting");
  stop_sup (f, "down b shutdown|EXIT shutdown");
}

static void
test_backoff_group (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), patient (f, "b"), kid (f, "c", PERMANENT) };
  HemeraSupervisorSpec spec = { .strategy = HEMERA_REST_FOR_ONE, .intensity = 5 };

  start_sup (f, &spec, kids, 3);
  expect (f, "up a|up b|up c|started");
  die (f, "b", "oops");
  expect (f, "down b oops|down c shutdown");
  which (f, "children c:undefined b:restarting a:running");
  advance (f, 1000);
  expect (f, "up b|up c");
}

/* A sibling before it ends: the group starts at once, and the delay is off. */
static void
test_backoff_overtaken (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), patient (f, "b"), kid (f, "c", PERMANENT) };
  HemeraSupervisorSpec spec = { .strategy = HEMERA_REST_FOR_ONE, .intensity = 5 };

  start_sup (f, &spec, kids, 3);
  expect (f, "up a|up b|up c|started");
  die (f, "b", "oops");
  expect (f, "down b oops|down c shutdown");
  die (f, "a", "oops");
  expect (f, "down a oops|up a|up b|up c");
  advance (f, 60000);
  expect (f, "");
}

static void
crash_after (Fixture *f, gint64 ms, guint *delay)
{
  guint waited = 0;

  advance (f, ms);
  die (f, "a", "oops");
  expect (f, "down a oops");
  while (f->log->len == 0 && waited < 10000) {
    advance (f, 10);
    waited += 10;
  }
  expect (f, "up a");
  *delay = waited;
}

static void
test_backoff_grows_and_resets (Fixture *f, gconstpointer mode)
{
  HemeraSupervisorSpec spec = { .intensity = 100, .period_ms = 1 };
  guint delay;
  guint longest = 0;

  start_one (f, spec, patient (f, "a"), "up a|started");
  for (guint i = 0; i < 12; i++) {
    crash_after (f, 0, &delay);
    g_assert_cmpuint (delay, <=, 8000);
    longest = MAX (longest, delay);
  }
  g_assert_cmpuint (longest, >, 1000); /* the bound grew */
  for (guint i = 0; i < 6; i++) {
    crash_after (f, 30000, &delay);
    g_assert_cmpuint (delay, <=, 1000);
  }
}

static void
say_stable (Fixture *f, const char *id)
{
  hemera_server_cast (f->sup, hemera_supervisor_child_is_stable (kid_pid (f, id)));
}

static void
test_stable_does_not_count (Fixture *f, gconstpointer mode)
{
  start_one (f, (HemeraSupervisorSpec){ .intensity = 1, .period_ms = 60000 }, kid (f, "a", PERMANENT),
             "up a|started");
  for (guint i = 0; i < 5; i++) {
    die (f, "a", "oops");
    expect (f, "down a oops|up a");
    say_stable (f, "a");
  }
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  die (f, "a", "oops");
  expect (f, "down a oops|EXIT shutdown");
}

static void
test_stable_resets_backoff (Fixture *f, gconstpointer mode)
{
  guint delay;

  start_one (f, (HemeraSupervisorSpec){ .intensity = 100 }, patient (f, "a"), "up a|started");
  for (guint i = 0; i < 12; i++) {
    crash_after (f, 0, &delay);
    g_assert_cmpuint (delay, <=, 1000);
    say_stable (f, "a");
  }
}

static void
test_events (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid_full (f, "a", PERMANENT, KID_QUIET, ".f."),
                             kid_full (f, "b", TRANSIENT, KID_QUIET, NULL) };
  HemeraSupervisorSpec spec = { .strategy = HEMERA_REST_FOR_ONE, .intensity = 2 };

  f->log_events = TRUE;
  start_sup (f, &spec, kids, 2);
  expect (f, "started");
  die (f, "b", "normal");
  expect (f, "ended b normal 0");
  die (f, "a", "oops");
  expect (f, "restarting a oops 0|start_failed a nope 0|restarting a nope 0|restarted a nope 1 new|restarted "
             "b nope 1 new");
  die (f, "a", "oops");
  expect (f, "gave_up a oops 1|EXIT shutdown");
}

static void
test_reports (Fixture *f, gconstpointer mode)
{
  guint before = harness_warnings ();
  g_autofree char *last = NULL;

  start_one (f, relaxed, kid (f, "a", PERMANENT), "up a|started");
  die (f, "a", "normal");
  expect (f, "down a normal|up a");
  g_assert_cmpuint (harness_warnings (), ==, before);
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  g_assert_cmpuint (harness_warnings (), ==, before + 1);
  last = harness_last_warning ();
  g_assert_cmpstr (last, ==, "a oops");
}

static void
add_tests (void)
{
  add_simulated ("/supervisor/backoff-delays", test_backoff_delays);
  add_simulated ("/supervisor/backoff-keeps-others-served", test_backoff_keeps_others_served);
  add_simulated ("/supervisor/backoff-group-waits", test_backoff_group);
  add_simulated ("/supervisor/backoff-overtaken-by-a-sibling", test_backoff_overtaken);
  add_simulated ("/supervisor/backoff-grows-and-resets", test_backoff_grows_and_resets);
  add_simulated ("/supervisor/stable-does-not-count", test_stable_does_not_count);
  add_simulated ("/supervisor/stable-resets-backoff", test_stable_resets_backoff);
  add_everywhere ("/supervisor/events", test_events);
  add_everywhere ("/supervisor/reports-warn-of-crashes-only", test_reports);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

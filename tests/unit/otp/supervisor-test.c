/* The supervisor's facts, row by row, on one worker, on two, and on the simulated system; what takes time on the simulated one alone. Here:
 * starts, restarts, intensity, shutdown. Left for later: row 9.17, as simple_one_for_one is not built. */
#include "supervisor-steps.h"

/* ---- 9.1 to 9.4: start, stop, list ---------------------------------------------------------------------------------------------- */

static void
test_order (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  stop_sup (f, "down c shutdown|down b shutdown|down a shutdown|EXIT shutdown");
}

static void
test_init_fails (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), kid (f, "b", PERMANENT),
                             kid_full (f, "bad", PERMANENT, 0, "f"), kid (f, "d", PERMANENT) };
  HemeraSupervisorSpec spec = relaxed;

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|fail bad|down b shutdown|down a shutdown|failed "
             "{shutdown,{failed_to_start_child,bad,nope}}");
}

static void
test_which_children (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  which (f, "children c:running b:running a:running");
}

static void
test_count_children (Fixture *f, gconstpointer mode)
{
  static const HemeraSupervisorSpec empty = { 0 };
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT),
                             { .id = "s", .supervisor = &empty },
                             kid (f, "c", PERMANENT) };
  HemeraSupervisorSpec spec = relaxed;

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up c|started");
  terminate_child (f, "c", "down c shutdown|reply ok");
  count (f, "count 3 2 1 2");
}

/* ---- 9.5: restart types ---------------------------------------------------------------------------------------------------------- */

/* The log after the kid ended, and the list after that. */
static void
check_end (Fixture *f, HemeraRestart restart, const char *reason, gboolean comes_back, const char *children)
{
  g_autofree char *down = g_strdup_printf (comes_back ? "down a %s|up a" : "down a %s", reason);

  start_one (f, relaxed, kid (f, "a", restart), "up a|started");
  die (f, "a", reason);
  expect (f, down);
  which (f, children);
}

static void
test_permanent_normal (Fixture *f, gconstpointer mode)
{
  check_end (f, PERMANENT, "normal", TRUE, "children a:running");
}

static void
test_permanent_crash (Fixture *f, gconstpointer mode)
{
  check_end (f, PERMANENT, "oops", TRUE, "children a:running");
}

static void
test_transient_normal (Fixture *f, gconstpointer mode)
{
  check_end (f, TRANSIENT, "normal", FALSE, "children a:undefined");
}

static void
test_transient_shutdown (Fixture *f, gconstpointer mode)
{
  check_end (f, TRANSIENT, "shutdown", FALSE, "children a:undefined");
}

static void
test_transient_shutdown_tuple (Fixture *f, gconstpointer mode)
{
  check_end (f, TRANSIENT, "{shutdown,x}", FALSE, "children a:undefined");
}

static void
test_transient_crash (Fixture *f, gconstpointer mode)
{
  check_end (f, TRANSIENT, "oops", TRUE, "children a:running");
}

static void
test_temporary_normal (Fixture *f, gconstpointer mode)
{
  check_end (f, TEMPORARY, "normal", FALSE, "children");
}

static void
test_temporary_crash (Fixture *f, gconstpointer mode)
{
  check_end (f, TEMPORARY, "oops", FALSE, "children");
}

static void
test_transient_killed (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid (f, "a", TRANSIENT), "up a|started");
  hemera_exit (kid_pid (f, "a"), hemera_reason_kill ());
  expect (f, "up a");
}

/* ---- 9.6, 9.7: groups ------------------------------------------------------------------------------------------------------------ */

static void
test_one_for_one (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  die (f, "b", "oops");
  expect (f, "down b oops|up b");
}

static void
test_one_for_all (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ALL, PERMANENT);
  die (f, "b", "oops");
  expect (f, "down b oops|down c shutdown|down a shutdown|up a|up b|up c");
}

static void
test_rest_for_one (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_REST_FOR_ONE, PERMANENT);
  die (f, "b", "oops");
  expect (f, "down b oops|down c shutdown|up b|up c");
}

static void
test_temporary_sibling (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), kid (f, "b", PERMANENT), kid (f, "c", TEMPORARY) };
  HemeraSupervisorSpec spec = with (HEMERA_ONE_FOR_ALL);

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
  die (f, "b", "oops");
  expect (f, "down b oops|down c shutdown|down a shutdown|up a|up b");
  which (f, "children b:running a:running");
}

static void
test_group_counts_once (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), kid (f, "b", PERMANENT), kid (f, "c", PERMANENT) };
  HemeraSupervisorSpec spec = { .strategy = HEMERA_ONE_FOR_ALL, .intensity = 2 };

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
  for (guint i = 0; i < 2; i++) {
    die (f, "a", "oops");
    expect (f, "down a oops|down c shutdown|down b shutdown|up a|up b|up c");
  }
}

/* Two of a group end at once: the second end is part of the first restart. */
static void
test_group_ends_together (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid_full (f, "a", PERMANENT, KID_NO_TRAP | KID_QUIET, NULL),
                             kid_full (f, "b", PERMANENT, KID_NO_TRAP | KID_QUIET, NULL) };
  HemeraSupervisorSpec spec = { .strategy = HEMERA_ONE_FOR_ALL, .intensity = 1 };

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "started");
  die (f, "a", "oops");
  die (f, "b", "oops");
  which (f, "children b:running a:running");
}

/* ---- 9.8, 9.9: intensity ---------------------------------------------------------------------------------------------------------- */

static void
test_intensity_edge (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), kid (f, "b", PERMANENT), kid (f, "c", PERMANENT) };
  HemeraSupervisorSpec spec = { .intensity = 2 };

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
  die (f, "b", "oops");
  expect (f, "down b oops|up b");
  die (f, "b", "oops");
  expect (f, "down b oops|up b");
  die (f, "b", "oops");
  expect (f, "down b oops|down c shutdown|down a shutdown|EXIT shutdown");
}

static void
test_intensity_default (Fixture *f, gconstpointer mode)
{
  start_one (f, (HemeraSupervisorSpec){ 0 }, kid (f, "a", PERMANENT), "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  die (f, "a", "oops");
  expect (f, "down a oops|EXIT shutdown");
}

static void
test_intensity_zero (Fixture *f, gconstpointer mode)
{
  start_one (f, (HemeraSupervisorSpec){ .intensity = HEMERA_INTENSITY_ZERO }, kid (f, "a", PERMANENT),
             "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|EXIT shutdown");
}

/* Milliseconds, where OTP has whole seconds. */
static void
test_intensity_window (Fixture *f, gconstpointer mode)
{
  start_one (f, (HemeraSupervisorSpec){ .intensity = 1, .period_ms = 1000 }, kid (f, "a", PERMANENT),
             "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  advance (f, 1001);
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  advance (f, 1000);
  die (f, "a", "oops");
  expect (f, "down a oops|EXIT shutdown");
}

/* ---- 9.11 to 9.13: starts that fail or are ignored ---------------------------------------------------------------------------------- */

static void
test_restart_fails (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid_full (f, "a", PERMANENT, 0, ".ff."), "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|fail a|fail a|up a");
}

static void
test_restart_fails_for_ever (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid_full (f, "a", PERMANENT, 0, ".f"), kid (f, "b", PERMANENT) };
  HemeraSupervisorSpec spec = { .intensity = 3 };

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|started");
  die (f, "a", "oops");
  expect (f, "down a oops|fail a|fail a|fail a|down b shutdown|EXIT shutdown");
}

/* one_for_all: another of the group does not come up: all stop again. */
static void
test_sibling_restart_fails (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), kid_full (f, "b", PERMANENT, 0, ".f."),
                             kid (f, "c", PERMANENT) };
  HemeraSupervisorSpec spec = with (HEMERA_ONE_FOR_ALL);

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
  die (f, "c", "oops");
  expect (f, "down c oops|down b shutdown|down a shutdown|up a|fail b|down a shutdown|up a|up b|up c");
}

static void
test_requests_while_restarting (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid_full (f, "a", PERMANENT, 0, NULL);

  child.backoff.base_ms = 1000;
  start_one (f, relaxed, child, "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops");
  which (f, "children a:restarting");
  restart_child (f, "a", "reply {error,restarting}");
  delete_child (f, "a", "reply {error,restarting}");
  start_child (f, kid (f, "a", PERMANENT), "reply {error,already_present}");
  terminate_child (f, "a", "reply ok");
  which (f, "children a:undefined");
  advance (f, 60000);
  expect (f, "");
  restart_child (f, "a", "up a|reply ok");
}

static void
test_ignore_at_start (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid_full (f, "p", PERMANENT, 0, "i"), kid_full (f, "t", TEMPORARY, 0, "i") };
  HemeraSupervisorSpec spec = relaxed;

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "ignore p|ignore t|started");
  which (f, "children p:undefined");
}

static void
test_ignore_on_restart (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid_full (f, "a", PERMANENT, 0, ".i"), "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|ignore a");
  which (f, "children a:undefined");
}

/* ---- 9.14, 9.15: shutdown ------------------------------------------------------------------------------------------------------------ */

static void
test_brutal_kill (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid (f, "a", PERMANENT);

  child.shutdown_ms = HEMERA_SHUTDOWN_BRUTAL_KILL;
  start_one (f, relaxed, child, "up a|started");
  stop_sup (f, "EXIT shutdown");
}

static void
test_shutdown_timeout (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid_full (f, "a", PERMANENT, KID_DEAF, NULL);
  guint before = harness_warnings ();
  g_autofree char *last = NULL;

  child.shutdown_ms = 50;
  start_one (f, relaxed, child, "up a|started");
  stop_sup (f, "");
  advance (f, 49);
  expect (f, "");
  advance (f, 1);
  expect (f, "EXIT shutdown");
  last = harness_last_warning ();
  g_assert_cmpuint (harness_warnings (), ==, before + 1);
  g_assert_cmpstr (last, ==, "a killed");
}

static void
test_shutdown_default (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid_full (f, "a", PERMANENT, KID_DEAF, NULL), "up a|started");
  stop_sup (f, "");
  advance (f, 4999);
  expect (f, "");
  advance (f, 1);
  expect (f, "EXIT shutdown");
}

static void
test_shutdown_infinity (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid_full (f, "a", PERMANENT, KID_DEAF, NULL);

  child.shutdown_ms = HEMERA_SHUTDOWN_INFINITY;
  start_one (f, relaxed, child, "up a|started");
  stop_sup (f, "");
  advance (f, 3600 * 1000);
  expect (f, "");
  die (f, "a", "shutdown");
  expect (f, "down a shutdown|EXIT shutdown");
}

/* A nested supervisor has all the time it needs. */
static void
test_shutdown_of_supervisor (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec slow = kid_full (f, "slow", PERMANENT, KID_DEAF, NULL);
  HemeraSupervisorSpec inner = { 0 };
  HemeraChildSpec outer = { .id = "inner", .supervisor = &inner };

  slow.shutdown_ms = 20000;
  inner.children = &slow;
  inner.n_children = 1;
  start_one (f, relaxed, outer, "up slow|started");
  kid_spec_clear (&slow);
  stop_sup (f, "");
  advance (f, 19999);
  expect (f, "");
  advance (f, 1);
  expect (f, "EXIT shutdown");
}

static void
add_tests (void)
{
  add_everywhere ("/supervisor/9.1-order", test_order);
  add_everywhere ("/supervisor/9.2-init-fails", test_init_fails);
  add_everywhere ("/supervisor/9.3-which-children", test_which_children);
  add_everywhere ("/supervisor/9.4-count-children", test_count_children);
  add_everywhere ("/supervisor/9.5-permanent-normal", test_permanent_normal);
  add_everywhere ("/supervisor/9.5-permanent-crash", test_permanent_crash);
  add_everywhere ("/supervisor/9.5-transient-normal", test_transient_normal);
  add_everywhere ("/supervisor/9.5-transient-shutdown", test_transient_shutdown);
  add_everywhere ("/supervisor/9.5-transient-shutdown-tuple", test_transient_shutdown_tuple);
  add_everywhere ("/supervisor/9.5-transient-crash", test_transient_crash);
  add_everywhere ("/supervisor/9.5-transient-killed", test_transient_killed);
  add_everywhere ("/supervisor/9.5-temporary-normal", test_temporary_normal);
  add_everywhere ("/supervisor/9.5-temporary-crash", test_temporary_crash);
  add_everywhere ("/supervisor/9.6-one-for-one", test_one_for_one);
  add_everywhere ("/supervisor/9.6-one-for-all", test_one_for_all);
  add_everywhere ("/supervisor/9.6-rest-for-one", test_rest_for_one);
  add_everywhere ("/supervisor/9.6-temporary-sibling-is-forgotten", test_temporary_sibling);
  add_everywhere ("/supervisor/9.7-group-counts-once", test_group_counts_once);
  add_simulated ("/supervisor/9.7-group-ends-together", test_group_ends_together);
  add_everywhere ("/supervisor/9.8-intensity-edge", test_intensity_edge);
  add_everywhere ("/supervisor/9.8-intensity-default", test_intensity_default);
  add_everywhere ("/supervisor/9.8-intensity-zero", test_intensity_zero);
  add_simulated ("/supervisor/9.9-window-in-milliseconds", test_intensity_window);
  add_everywhere ("/supervisor/9.11-restart-fails", test_restart_fails);
  add_everywhere ("/supervisor/9.11-restart-fails-for-ever", test_restart_fails_for_ever);
  add_everywhere ("/supervisor/9.11-sibling-restart-fails", test_sibling_restart_fails);
  add_simulated ("/supervisor/9.12-requests-while-restarting", test_requests_while_restarting);
  add_everywhere ("/supervisor/9.13-ignore-at-start", test_ignore_at_start);
  add_everywhere ("/supervisor/9.13-ignore-on-restart", test_ignore_on_restart);
  add_everywhere ("/supervisor/9.14-brutal-kill", test_brutal_kill);
  add_simulated ("/supervisor/9.14-shutdown-timeout", test_shutdown_timeout);
  add_simulated ("/supervisor/9.14-shutdown-default-is-5000", test_shutdown_default);
  add_simulated ("/supervisor/9.14-shutdown-infinity", test_shutdown_infinity);
  add_simulated ("/supervisor/9.14-supervisor-has-infinity", test_shutdown_of_supervisor);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

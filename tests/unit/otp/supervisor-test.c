/* The supervisor's facts, row by row, on one worker, on two, and on the simulated system; what takes time on the simulated one alone. */
#include "harness.h"

#define PERMANENT HEMERA_RESTART_PERMANENT
#define TRANSIENT HEMERA_RESTART_TRANSIENT
#define TEMPORARY HEMERA_RESTART_TEMPORARY

static const HemeraSupervisorSpec relaxed = { .intensity = 5, .period_ms = 5000 };

/* The spec with a strategy. */
static HemeraSupervisorSpec
with (HemeraStrategy strategy)
{
  HemeraSupervisorSpec spec = relaxed;

  spec.strategy = strategy;
  return spec;
}

/* Kids a, b, c, all @restart. */
static void
start_abc (Fixture *f, HemeraStrategy strategy, HemeraRestart restart)
{
  HemeraChildSpec kids[] = { kid (f, "a", restart), kid (f, "b", restart), kid (f, "c", restart) };
  HemeraSupervisorSpec spec = with (strategy);

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
}

static void
start_one (Fixture *f, HemeraSupervisorSpec spec, HemeraChildSpec child, const char *expected)
{
  start_sup (f, &spec, &child, 1);
  expect (f, expected);
}

static void
which (Fixture *f, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_which_children ());
  expect (f, expected);
}

static void
count (Fixture *f, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_count_children ());
  expect (f, expected);
}

static void
terminate_child (Fixture *f, const char *id, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_terminate_child (id));
  expect (f, expected);
}

static void
restart_child (Fixture *f, const char *id, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_restart_child (id));
  expect (f, expected);
}

static void
delete_child (Fixture *f, const char *id, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_delete_child (id));
  expect (f, expected);
}

static void
start_child (Fixture *f, HemeraChildSpec child, const char *expected)
{
  ask (f, f->sup, hemera_supervisor_start_child (&child));
  kid_spec_clear (&child);
  expect (f, expected);
}

static void
stop_sup (Fixture *f, const char *expected)
{
  exit_from_parent (f, f->sup, "shutdown");
  expect (f, expected);
}

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

/* ---- 9.16: children by request ---------------------------------------------------------------------------------------------------------- */

static void
test_terminate_child (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ALL, PERMANENT);
  terminate_child (f, "b", "down b shutdown|reply ok");
  which (f, "children c:running b:undefined a:running");
  terminate_child (f, "b", "reply ok");
  restart_child (f, "b", "up b|reply ok");
  terminate_child (f, "zz", "reply {error,not_found}");
}

static void
test_terminate_temporary (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid (f, "a", TEMPORARY), "up a|started");
  terminate_child (f, "a", "down a shutdown|reply ok");
  which (f, "children");
  restart_child (f, "a", "reply {error,not_found}");
}

static void
test_restart_child (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid_full (f, "a", PERMANENT, 0, ".fi."), "up a|started");
  restart_child (f, "a", "reply {error,running}");
  restart_child (f, "zz", "reply {error,not_found}");
  terminate_child (f, "a", "down a shutdown|reply ok");
  restart_child (f, "a", "fail a|reply {error,nope}");
  restart_child (f, "a", "ignore a|reply {ok,undefined}");
  restart_child (f, "a", "up a|reply ok");
}

static void
test_delete_child (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid (f, "a", PERMANENT), "up a|started");
  delete_child (f, "a", "reply {error,running}");
  terminate_child (f, "a", "down a shutdown|reply ok");
  delete_child (f, "a", "reply ok");
  delete_child (f, "a", "reply {error,not_found}");
  which (f, "children");
}

static void
test_start_child (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_REST_FOR_ONE, PERMANENT);
  start_child (f, kid (f, "d", TRANSIENT), "up d|reply ok");
  start_child (f, kid (f, "d", TRANSIENT), "reply {error,already_started}");
  which (f, "children d:running c:running b:running a:running");
  die (f, "c", "oops");
  expect (f, "down c oops|down d shutdown|up c|up d");
  terminate_child (f, "d", "down d shutdown|reply ok");
  start_child (f, kid (f, "d", TRANSIENT), "reply {error,already_present}");
}

static void
test_start_child_fails (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  start_child (f, kid_full (f, "d", PERMANENT, 0, "f"), "fail d|reply {error,{nope,d}}");
  start_child (f, kid_full (f, "e", TEMPORARY, 0, "i"), "ignore e|reply {ok,undefined}");
  start_child (f, kid_full (f, "g", PERMANENT, 0, "i"), "ignore g|reply {ok,undefined}");
  which (f, "children g:undefined c:running b:running a:running");
}

static void
test_bad_request (Fixture *f, gconstpointer mode)
{
  HemeraTermMessage message = { hemera_term_new_atom ("hello") };

  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  ask (f, f->sup, hemera_actor_message_new (&hemera_term_message_type, &message));
  expect (f, "error bad_call");
}

/* A start that takes long: requests and crashes meanwhile wait, as for OTP's blocked supervisor. */
static void
test_requests_wait (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec hanging = kid_full (f, "h", PERMANENT, 0, "h");

  start_one (f, relaxed, kid_full (f, "a", PERMANENT, KID_QUIET, NULL), "started");
  ask (f, f->sup, hemera_supervisor_start_child (&hanging));
  kid_spec_clear (&hanging);
  expect (f, "hang h");
  ask (f, f->sup, hemera_supervisor_count_children ());
  die (f, "a", "oops");
  expect (f, "");
  tell (f, "h", "ready");
  expect (f, "reply ok|count 2 1 0 2");
  which (f, "children h:running a:running");
}

static void
test_start_timeout (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid_full (f, "a", PERMANENT, 0, "h");

  child.start_timeout_ms = 100;
  start_one (f, relaxed, child, "hang a");
  advance (f, 99);
  expect (f, "");
  advance (f, 1);
  expect (f, "failed {shutdown,{failed_to_start_child,a,timeout}}");
}

/* ---- 9.18: significant ------------------------------------------------------------------------------------------------------------------ */

static void
start_significant (Fixture *f, HemeraAutoShutdown auto_shutdown)
{
  HemeraChildSpec kids[] = { kid (f, "a", TRANSIENT), kid (f, "b", PERMANENT), kid (f, "c", TRANSIENT) };
  HemeraSupervisorSpec spec = relaxed;

  kids[0].significant = kids[2].significant = TRUE;
  spec.auto_shutdown = auto_shutdown;
  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "up a|up b|up c|started");
}

static void
test_any_significant (Fixture *f, gconstpointer mode)
{
  start_significant (f, HEMERA_ANY_SIGNIFICANT);
  die (f, "a", "normal");
  expect (f, "down a normal|down c shutdown|down b shutdown|EXIT shutdown");
}

static void
test_all_significant (Fixture *f, gconstpointer mode)
{
  start_significant (f, HEMERA_ALL_SIGNIFICANT);
  die (f, "a", "normal");
  expect (f, "down a normal");
  which (f, "children c:running b:running a:undefined");
  die (f, "c", "normal");
  expect (f, "down c normal|down b shutdown|EXIT shutdown");
}

static void
test_significant_crash (Fixture *f, gconstpointer mode)
{
  start_significant (f, HEMERA_ANY_SIGNIFICANT);
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
}

static void
test_significant_terminated (Fixture *f, gconstpointer mode)
{
  start_significant (f, HEMERA_ANY_SIGNIFICANT);
  terminate_child (f, "a", "down a shutdown|reply ok");
  which (f, "children c:running b:running a:undefined");
}

static void
test_significant_permanent (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid (f, "a", PERMANENT);
  HemeraSupervisorSpec spec = { .auto_shutdown = HEMERA_ANY_SIGNIFICANT };

  child.significant = TRUE;
  start_one (f, spec, child,
             "failed {start_spec,{bad_combination,[{restart,permanent},{significant,true}]}}");
}

static void
test_significant_needs_auto_shutdown (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid (f, "a", TRANSIENT);

  child.significant = TRUE;
  start_one (f, relaxed, child,
             "failed {start_spec,{bad_combination,[{auto_shutdown,never},{significant,true}]}}");
}

/* ---- 9.19 to 9.21 ------------------------------------------------------------------------------------------------------------------------ */

static void
test_stranger_exit (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  hemera_exit (f->sup, hemera_reason_shutdown ());
  which (f, "children c:running b:running a:running");
}

static void
test_parent_exit (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  exit_from_parent (f, f->sup, "whatever");
  expect (f, "down c shutdown|down b shutdown|down a shutdown|EXIT whatever");
}

static void
test_server_stop (Fixture *f, gconstpointer mode)
{
  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  hemera_server_stop (f->sup, NULL);
  expect (f, "down c shutdown|down b shutdown|down a shutdown|EXIT normal");
}

static void
watch (HemeraActor *self, Fixture *f, gpointer id)
{
  hemera_actor_monitor (self, kid_pid (f, id));
  log_add (f, "watching");
}

static void
test_kill (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid_full (f, "a", PERMANENT, KID_NO_TRAP, NULL), "up a|started");
  in_parent (f, watch, (gpointer) "a");
  expect (f, "watching");
  hemera_exit (f->sup, hemera_reason_kill ());
  expect (f, "EXIT killed|DOWN killed");
}

static void
test_child_unlinks (Fixture *f, gconstpointer mode)
{
  start_one (f, relaxed, kid (f, "a", PERMANENT), "up a|started");
  tell (f, "a", "unlink");
  in_parent (f, watch, (gpointer) "a");
  expect (f, "watching");
  die (f, "a", "oops");
  expect (f, "down a oops|DOWN oops");
  which (f, "children a:running");
  count (f, "count 1 0 0 1");
  stop_sup (f, "EXIT shutdown");
}

static void
test_duplicate_id (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec kids[] = { kid (f, "a", PERMANENT), kid (f, "a", PERMANENT) };
  HemeraSupervisorSpec spec = relaxed;

  start_sup (f, &spec, kids, G_N_ELEMENTS (kids));
  expect (f, "failed {start_spec,{duplicate_child_name,a}}");
}

/* ---- names, nesting --------------------------------------------------------------------------------------------------------------------- */

static void
test_name_comes_back (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec child = kid (f, "a", PERMANENT);

  child.name = "the_a";
  start_one (f, relaxed, child, "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  g_assert_true (hemera_pid_equal (hemera_system_whereis (f->system, "the_a"), kid_pid (f, "a")));
}

/* The inner supervisor is up when its children are. */
static void
test_nested_start (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec inner_kids[] = { kid (f, "x", PERMANENT), kid (f, "y", PERMANENT) };
  HemeraSupervisorSpec inner = { .children = inner_kids, .n_children = 2 };
  HemeraChildSpec kids[] = { { .id = "inner", .supervisor = &inner }, kid (f, "z", PERMANENT) };
  HemeraSupervisorSpec spec = relaxed;

  start_sup (f, &spec, kids, 2);
  kid_spec_clear (&inner_kids[0]);
  kid_spec_clear (&inner_kids[1]);
  expect (f, "up x|up y|up z|started");
  stop_sup (f, "down z shutdown|down y shutdown|down x shutdown|EXIT shutdown");
}

static void
test_nested_escalation (Fixture *f, gconstpointer mode)
{
  HemeraChildSpec inner_kids[] = { kid (f, "x", PERMANENT), kid (f, "y", PERMANENT) };
  HemeraSupervisorSpec inner = { .intensity = HEMERA_INTENSITY_ZERO,
                                 .children = inner_kids,
                                 .n_children = 2 };
  HemeraChildSpec outer = { .id = "inner", .supervisor = &inner };

  start_one (f, relaxed, outer, "up x|up y|started");
  kid_spec_clear (&inner_kids[0]);
  kid_spec_clear (&inner_kids[1]);
  die (f, "x", "oops");
  expect (f, "down x oops|down y shutdown|up x|up y");
}

static gpointer
copy_string (gconstpointer data)
{
  return g_strdup (data);
}

static void
test_spec_copy (void)
{
  char text[] = "args";
  HemeraChildSpec inner_child = { .id = "x", .args = { text, copy_string, g_free } };
  HemeraSupervisorSpec inner = { .children = &inner_child, .n_children = 1 };
  HemeraChildSpec child = { .id = "inner", .supervisor = &inner, .name = "name" };
  HemeraSupervisorSpec spec = { .intensity = 7, .children = &child, .n_children = 1 };
  HemeraSupervisorSpec *copy = hemera_supervisor_spec_copy (&spec);
  HemeraSupervisorSpec *again = hemera_supervisor_spec_copy (copy);

  text[0] = 'x';
  hemera_supervisor_spec_free (copy);
  g_assert_cmpuint (again->intensity, ==, 7);
  g_assert_cmpstr (again->children[0].name, ==, "name");
  g_assert_cmpstr (again->children[0].supervisor->children[0].id, ==, "x");
  g_assert_cmpstr (again->children[0].supervisor->children[0].args.data, ==, "args");
  hemera_supervisor_spec_free (again);
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
  add_everywhere ("/supervisor/9.16-terminate-child", test_terminate_child);
  add_everywhere ("/supervisor/9.16-terminate-temporary", test_terminate_temporary);
  add_everywhere ("/supervisor/9.16-restart-child", test_restart_child);
  add_everywhere ("/supervisor/9.16-delete-child", test_delete_child);
  add_everywhere ("/supervisor/9.16-start-child", test_start_child);
  add_everywhere ("/supervisor/9.16-start-child-fails", test_start_child_fails);
  add_everywhere ("/supervisor/bad-request", test_bad_request);
  add_simulated ("/supervisor/requests-wait-for-a-start", test_requests_wait);
  add_simulated ("/supervisor/start-timeout", test_start_timeout);
  add_everywhere ("/supervisor/9.18-any-significant", test_any_significant);
  add_everywhere ("/supervisor/9.18-all-significant", test_all_significant);
  add_everywhere ("/supervisor/9.18-crash-is-restarted", test_significant_crash);
  add_everywhere ("/supervisor/9.16-terminate-triggers-no-auto-shutdown", test_significant_terminated);
  add_everywhere ("/supervisor/9.18-significant-permanent", test_significant_permanent);
  add_everywhere ("/supervisor/9.18-needs-auto-shutdown", test_significant_needs_auto_shutdown);
  add_everywhere ("/supervisor/9.19-stranger-exit", test_stranger_exit);
  add_everywhere ("/supervisor/9.19-parent-exit", test_parent_exit);
  add_everywhere ("/supervisor/9.19-kill", test_kill);
  add_everywhere ("/supervisor/server-stop", test_server_stop);
  add_everywhere ("/supervisor/9.20-child-unlinks", test_child_unlinks);
  add_everywhere ("/supervisor/9.21-duplicate-id", test_duplicate_id);
  add_everywhere ("/supervisor/name-comes-back", test_name_comes_back);
  add_everywhere ("/supervisor/nested-start", test_nested_start);
  add_everywhere ("/supervisor/nested-escalation", test_nested_escalation);
  g_test_add_func ("/supervisor/spec-copy-is-deep", test_spec_copy);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

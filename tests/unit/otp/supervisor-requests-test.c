/* More of the supervisor's facts: children by request, significant ones, exits from outside, names and nesting. */
#include "supervisor-steps.h"

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

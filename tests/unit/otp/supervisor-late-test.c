/* What reaches a supervisor when it is settled already: a second try of a start whose child was terminated or deleted, a kill before its
 * own init; and what it reports, or does not. */
#include "supervisor-steps.h"

/* ---- tries that come late -------------------------------------------------------------------------------------------------------- */

/* The restart hangs in init; meanwhile requests queue up; then it fails, and the next try is on its way behind them. */
static void
fail_behind (Fixture *f, HemeraActorMessage *first, HemeraActorMessage *second)
{
  start_one (f, relaxed, kid_full (f, "a", PERMANENT, 0, ".h."), "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|hang a");
  ask (f, f->sup, first);
  if (second != NULL)
    ask (f, f->sup, second);
  expect (f, ""); /* simulated: they are there */
  die (f, "a", "nope");
}

static void
test_terminated_before_the_next_try (Fixture *f, gconstpointer mode)
{
  fail_behind (f, hemera_supervisor_terminate_child ("a"), NULL);
  expect (f, "down a nope|reply ok");
  which (f, "children a:undefined");
}

static void
test_deleted_before_the_next_try (Fixture *f, gconstpointer mode)
{
  fail_behind (f, hemera_supervisor_terminate_child ("a"), hemera_supervisor_delete_child ("a"));
  expect (f, "down a nope|reply ok|reply ok");
  which (f, "children");
}

static void
test_killed_before_init (Fixture *f, gconstpointer mode)
{
  HemeraSupervisorSpec spec = relaxed;
  HemeraSpawn spawn = hemera_supervisor_spawn (&spec);
  HemeraPid pid = hemera_system_spawn (f->system, &spawn);

  hemera_exit (pid, hemera_reason_kill ());
  hemera__system_run_until_idle (f->system);
  ask (f, pid, hemera_supervisor_count_children ());
  expect (f, "error noproc");
}

/* ---- children of each kind ---------------------------------------------------------------------------------------------------------- */

static HemeraNext
plain_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  return HEMERA_CONTINUE;
}

static void
test_plain_actor (Fixture *f, gconstpointer mode)
{
  static const HemeraActorClass plain = { .name = "plain", .receive = plain_receive };

  start_one (f, relaxed, (HemeraChildSpec){ .id = "p", .actor = &plain }, "started");
  which (f, "children p:running");
  stop_sup (f, "EXIT shutdown");
}

/* ---- reports ------------------------------------------------------------------------------------------------------------------------ */

static void
test_giving_up_is_reported (Fixture *f, gconstpointer mode)
{
  guint before = harness_warnings ();
  g_autofree char *last = NULL;

  start_one (f, (HemeraSupervisorSpec){ .intensity = 1, .period_ms = 600000 }, kid (f, "a", PERMANENT),
             "up a|started");
  die (f, "a", "oops");
  expect (f, "down a oops|up a");
  die (f, "a", "oops");
  expect (f, "down a oops|EXIT shutdown");
  g_assert_cmpuint (harness_warnings (), ==, before + 3); /* the child's two ends, and the supervisor's */
  last = harness_last_warning ();
  g_assert_cmpstr (last, ==, "a oops");
}

static void
test_stopped_child_is_no_error (Fixture *f, gconstpointer mode)
{
  guint before = harness_warnings ();

  start_abc (f, HEMERA_ONE_FOR_ONE, PERMANENT);
  terminate_child (f, "b", "down b shutdown|reply ok");
  stop_sup (f, "down c shutdown|down a shutdown|EXIT shutdown");
  g_assert_cmpuint (harness_warnings (), ==, before);
}

static void
add_tests (void)
{
  add_simulated ("/supervisor/late/terminated-before-the-next-try", test_terminated_before_the_next_try);
  add_simulated ("/supervisor/late/deleted-before-the-next-try", test_deleted_before_the_next_try);
  add_simulated ("/supervisor/late/killed-before-init", test_killed_before_init);
  add_everywhere ("/supervisor/child/plain-actor", test_plain_actor);
  add_everywhere ("/supervisor/report/giving-up", test_giving_up_is_reported);
  add_everywhere ("/supervisor/report/not-a-stopped-child", test_stopped_child_is_no_error);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

/* gen_server's facts, row by row, on one worker, on two, and on the simulated system. */
#include "harness.h"

/* ---- a server that does what a term says -------------------------------------------------------------------------------------- */

typedef struct {
  Fixture *f;
  const char *init; /* (nullable): "continue", "stop", "ignore", "trap", "idle" */
} ServerArgs;

typedef struct {
  ServerArgs args;
  HemeraFrom *kept;
  guint continues;
} Server;

static gboolean
is (HemeraView view, const char *name)
{
  return hemera_view_is_atom (view, name);
}

static HemeraActorMessage *
new_term (const char *format)
{
  HemeraTermMessage message = { hemera_term_new (format) };

  return hemera_actor_message_new (&hemera_term_message_type, &message);
}

static HemeraNext
server_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  Server *server = state;
  const char *init;

  server->args = *(const ServerArgs *) args;
  init = server->args.init != NULL ? server->args.init : "";
  log_add (server->args.f, "init");
  if (g_str_equal (init, "stop"))
    return hemera_actor_stop (self, hemera_term_new_atom ("why"));
  if (g_str_equal (init, "ignore"))
    return HEMERA_IGNORE;
  if (g_str_equal (init, "trap"))
    hemera_actor_set_trap_exit (self, TRUE);
  if (g_str_equal (init, "idle"))
    hemera_actor_set_idle_timeout (self, 100);
  if (g_str_equal (init, "continue")) {
    /* What it sends itself in init must not overtake the continue. */
    hemera_server_cast (hemera_actor_self (self), new_term ("hello"));
    hemera_actor_continue (self);
  }
  return HEMERA_CONTINUE;
}

static HemeraNext
server_continue (HemeraActor *self, gpointer state)
{
  Server *server = state;

  log_add (server->args.f, "continue");
  if (server->continues-- > 1)
    hemera_actor_continue (self);
  return HEMERA_CONTINUE;
}

static HemeraNext
server_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  Server *server = state;
  HemeraView term = hemera_term_view (hemera_term_message_peek (request)->term);

  if (is (term, "ping"))
    hemera_from_reply (from, new_term ("pong"));
  else if (is (term, "empty"))
    hemera_from_reply (from, NULL);
  else if (is (term, "drop"))
    hemera_from_free (from);
  else if (is (term, "keep"))
    server->kept = from;
  else if (is (term, "fail")) {
    g_autoptr (GError) error = g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_BAD_CALL, "no");

    hemera_from_reply_error (from, error);
  } else if (is (term, "stop")) {
    hemera_from_free (from);
    return HEMERA_STOP;
  } else if (is (term, "crash")) {
    hemera_from_free (from);
    return hemera_actor_stop (self, hemera_term_new_atom ("oops"));
  } else if (is (term, "stop_with_reply")) {
    server->kept = from; /* answered in terminate */
    return HEMERA_STOP;
  }
  return HEMERA_CONTINUE;
}

static HemeraNext
server_cast (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Server *server = state;
  HemeraView term = hemera_term_view (hemera_term_message_peek (message)->term);

  if (is (term, "answer") && server->kept != NULL)
    hemera_from_reply (g_steal_pointer (&server->kept), new_term ("late"));
  else if (is (term, "crash"))
    return hemera_actor_stop (self, hemera_term_new_atom ("oops"));
  else if (is (term, "idle"))
    hemera_actor_set_idle_timeout (self, 100);
  else if (is (term, "continue")) {
    server->continues = 2;
    hemera_actor_continue (self);
  } else
    log_add (server->args.f, "cast");
  return HEMERA_CONTINUE;
}

static HemeraNext
server_info (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Server *server = state;
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);

  if (timeout != NULL)
    log_add (server->args.f, timeout->ref.id == 0 ? "idle" : "timer");
  else if (hemera_exit_message_peek (message) != NULL)
    log_add (server->args.f, "info exit");
  else
    log_add (server->args.f, "info");
  return HEMERA_CONTINUE;
}

static void
server_terminate (HemeraActor *self, gpointer state, HemeraTerm *reason)
{
  Server *server = state;
  g_autofree char *text = hemera_view_to_string (hemera_term_view (reason));

  log_add (server->args.f, "terminate %s", text);
  if (server->kept != NULL)
    hemera_from_reply (g_steal_pointer (&server->kept), new_term ("bye"));
}

static void
server_finalize (gpointer state)
{
  Server *server = state;

  g_clear_pointer (&server->kept, hemera_from_free);
}

static const HemeraServerClass server_class = {
  .name = "test-server",
  .state_size = sizeof (Server),
  .init = server_init,
  .handle_continue = server_continue,
  .handle_call = server_call,
  .handle_cast = server_cast,
  .handle_info = server_info,
  .terminate = server_terminate,
  .finalize = server_finalize,
};

/* ---- starting and asking ------------------------------------------------------------------------------------------------------- */

static HemeraPid server; /* of the running test; set in the parent, read after "started" */

static gpointer
copy_args (gconstpointer data)
{
  return g_memdup2 (data, sizeof (ServerArgs));
}

static void
start_linked (HemeraActor *self, Fixture *f, gpointer init)
{
  HemeraSpawn spawn = hemera_server_spawn (&server_class);
  ServerArgs args = { f, init };

  spawn.args = (HemeraArgs){ &args, copy_args, g_free };
  spawn.link = TRUE;
  spawn.ack_to = hemera_actor_self (self);
  spawn.ack_ref = hemera_ref_new ();
  spawn.placement = f->elsewhere;
  server = hemera_actor_spawn (self, &spawn);
}

static void
start (Fixture *f, const char *init, const char *expected)
{
  in_parent (f, start_linked, (gpointer) init);
  expect (f, expected);
}

static void
do_call (HemeraActor *self, Fixture *f, gpointer term)
{
  hemera_actor_call (self, server, new_term (term), 0);
}

static void
call (Fixture *f, const char *term)
{
  in_parent (f, do_call, (gpointer) term);
}

static void
cast (const char *term)
{
  hemera_server_cast (server, new_term (term));
}

/* ---- 7.1 to 7.5: calls --------------------------------------------------------------------------------------------------------- */

static void
test_call (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "ping");
  expect (f, "reply pong");
}

static void
test_empty_reply (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "empty");
  expect (f, "reply");
}

static void
test_reply_error (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "fail");
  expect (f, "error bad_call");
}

/* Another actor's thread, and ours, may answer. */
static void
test_deferred_reply (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "keep");
  call (f, "ping");
  expect (f, "reply pong");
  cast ("answer");
  expect (f, "reply late");
}

static void
test_default_timeout (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "keep");
  advance (f, 4999);
  expect (f, "");
  advance (f, 1);
  expect (f, "error timeout");
}

static void
test_late_reply (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "keep");
  advance (f, 5000);
  expect (f, "error timeout");
  cast ("answer");
  advance (f, 5000);
  expect (f, "");
}

static void
call_forever (HemeraActor *self, Fixture *f, gpointer term)
{
  hemera_actor_call (self, server, new_term (term), -1);
}

static void
test_no_timeout (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  in_parent (f, call_forever, (gpointer) "keep");
  advance (f, G_GINT64_CONSTANT (1000) * 3600 * 24 * 365);
  expect (f, "");
  cast ("answer");
  expect (f, "reply late");
}

static void
test_from_freed (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "drop");
  advance (f, 5000);
  expect (f, "error timeout");
}

static void
test_noproc (Fixture *f, gconstpointer mode)
{
  server = HEMERA_PID_NONE;
  call (f, "ping");
  expect (f, "error noproc");
}

static void
test_dead_server (Fixture *f, gconstpointer mode)
{
  start (f, "stop", "init|failed why");
  call (f, "ping");
  expect (f, "error noproc");
}

static void
test_down_normal (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "stop");
  expect (f, "terminate normal|EXIT normal|error The server ended: normal");
}

static void
test_down_crash (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "crash");
  expect (f, "terminate oops|EXIT oops|error The server ended: oops");
}

static void
test_down_killed (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "keep");
  call (f, "ping");
  expect (f, "reply pong");
  hemera_exit (server, hemera_reason_kill ());
  expect (f, "EXIT killed|error The server ended: killed");
}

static void
do_call_self (HemeraActor *self, Fixture *f, gpointer data)
{
  hemera_actor_call (self, hemera_actor_self (self), new_term ("ping"), 0);
  log_add (f, "returned");
}

static void
test_calling_self (Fixture *f, gconstpointer mode)
{
  in_parent (f, do_call_self, NULL);
  expect (f, "returned|error calling_self");
}

static void
do_call_and_cancel (HemeraActor *self, Fixture *f, gpointer data)
{
  HemeraRef ref = hemera_actor_call (self, server, new_term ("ping"), 0);

  hemera_actor_cancel_call (self, ref);
  hemera_actor_cancel_call (self, ref);
  hemera_actor_call (self, server, new_term ("empty"), 0);
}

static void
test_cancel_call (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  in_parent (f, do_call_and_cancel, NULL);
  expect (f, "reply");
}

/* The monitor of a call must not eat the DOWN of the actor's own monitor. */
static void
do_monitor_and_call (HemeraActor *self, Fixture *f, gpointer data)
{
  hemera_actor_monitor (self, server);
  hemera_actor_call (self, server, new_term ("crash"), 0);
}

static void
test_own_monitor (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  in_parent (f, do_monitor_and_call, NULL);
  expect (f, "terminate oops|EXIT oops|DOWN oops|error The server ended: oops");
}

static void
test_cast (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  cast ("hello");
  expect (f, "cast");
  server = HEMERA_PID_NONE;
  cast ("hello");
}

static void
test_info (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  hemera_send (server, new_term ("hello"));
  expect (f, "info");
}

/* ---- 7.6 to 7.8: init ---------------------------------------------------------------------------------------------------------- */

static void
test_init_stop (Fixture *f, gconstpointer mode)
{
  start (f, "stop", "init|failed why");
}

static void
test_init_ignore (Fixture *f, gconstpointer mode)
{
  start (f, "ignore", "init|ignored");
}

/* ---- 7.9: inactivity ----------------------------------------------------------------------------------------------------------- */

static void
test_idle_timeout (Fixture *f, gconstpointer mode)
{
  start (f, "idle", "init|started");
  advance (f, 99);
  expect (f, "");
  advance (f, 1);
  expect (f, "idle");
  advance (f, 1000);
  expect (f, "");
}

static void
test_idle_timeout_cancelled (Fixture *f, gconstpointer mode)
{
  start (f, "idle", "init|started");
  advance (f, 99);
  hemera_send (server, new_term ("hello"));
  advance (f, 1000);
  expect (f, "info");
}

static void
test_idle_timeout_again (Fixture *f, gconstpointer mode)
{
  start (f, "idle", "init|started");
  advance (f, 99);
  cast ("idle");
  advance (f, 99);
  expect (f, "");
  advance (f, 1);
  expect (f, "idle");
}

/* ---- 7.10: continue ------------------------------------------------------------------------------------------------------------ */

static void
start_unseen (HemeraActor *self, Fixture *f, gpointer init)
{
  HemeraSpawn spawn = hemera_server_spawn (&server_class);
  ServerArgs args = { f, init };

  spawn.args = (HemeraArgs){ &args, copy_args, g_free };
  spawn.placement = f->elsewhere;
  server = hemera_actor_spawn (self, &spawn);
  hemera_server_cast (server, new_term ("hello"));
}

/* Its own cast, sent in init, and its starter's come after it. */
static void
test_continue_first (Fixture *f, gconstpointer mode)
{
  in_parent (f, start_unseen, (gpointer) "continue");
  expect (f, "init|continue|cast|cast");
}

static void
start_and_end (HemeraActor *self, Fixture *f, gpointer init)
{
  HemeraSpawn spawn = hemera_server_spawn (&server_class);
  ServerArgs args = { f, init };

  spawn.args = (HemeraArgs){ &args, copy_args, g_free };
  spawn.placement = f->elsewhere;
  spawn.trap_exit = TRUE;
  server = hemera_actor_spawn (self, &spawn);
  hemera_actor_exit (self, server, hemera_reason_shutdown ());
}

/* An EXIT of the parent that was there before its init, too. (With two workers a cast may be handled before the parent ends.) */
static void
test_continue_before_parent_exit (Fixture *f, gconstpointer mode)
{
  in_parent (f, start_and_end, (gpointer) "continue");
  expect (f, "init|continue|terminate shutdown");
}

static void
test_continue_after_cast (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  cast ("continue");
  cast ("hello");
  expect (f, "continue|continue|cast");
}

/* ---- 7.12 to 7.15: the end ----------------------------------------------------------------------------------------------------- */

static void
test_stop_with_reply (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  call (f, "stop_with_reply");
  expect (f, "terminate normal|reply bye|EXIT normal");
}

static void
test_terminate_on_parent_exit (Fixture *f, gconstpointer mode)
{
  start (f, "trap", "init|started");
  exit_from_parent (f, server, "stop_now");
  expect (f, "terminate stop_now|EXIT stop_now");
}

static void
test_no_terminate_when_not_trapping (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  exit_from_parent (f, server, "stop_now");
  expect (f, "EXIT stop_now");
}

static void
test_no_terminate_when_killed (Fixture *f, gconstpointer mode)
{
  start (f, "trap", "init|started");
  exit_from_parent (f, server, "kill");
  expect (f, "EXIT killed");
}

static void
test_stranger_exit_is_info (Fixture *f, gconstpointer mode)
{
  g_autoptr (HemeraTerm) reason = hemera_term_new_atom ("hello");

  start (f, "trap", "init|started");
  hemera_exit (server, reason);
  expect (f, "info exit");
}

static void
test_stop_queues (Fixture *f, gconstpointer mode)
{
  g_autoptr (HemeraTerm) reason = hemera_term_new ("{shutdown, done}");

  start (f, NULL, "init|started");
  cast ("hello");
  hemera_server_stop (server, reason);
  cast ("hello");
  expect (f, "cast|terminate {shutdown,done}|EXIT {shutdown,done}");
}

static void
test_stop_normal (Fixture *f, gconstpointer mode)
{
  start (f, NULL, "init|started");
  hemera_server_stop (server, NULL);
  expect (f, "terminate normal|EXIT normal");
}

/* ---- classes ------------------------------------------------------------------------------------------------------------------- */

static const HemeraServerClass empty_class = { .name = "empty" };

static void
start_empty (HemeraActor *self, Fixture *f, gpointer data)
{
  HemeraSpawn spawn = hemera_server_spawn (&empty_class);

  spawn.placement = f->elsewhere;
  server = hemera_actor_spawn (self, &spawn);
  hemera_actor_call (self, server, new_term ("ping"), 0);
  hemera_server_cast (server, new_term ("ping"));
  hemera_send (server, new_term ("ping"));
}

static void
test_empty_class (Fixture *f, gconstpointer mode)
{
  in_parent (f, start_empty, NULL);
  expect (f, "error bad_call");
}

static void
test_class_shared (void)
{
  HemeraServerClass copy = server_class;

  g_assert_true (hemera_server_spawn (&copy).actor_class == hemera_server_spawn (&server_class).actor_class);
  g_assert_true (hemera_server_spawn (&empty_class).actor_class
                 != hemera_server_spawn (&server_class).actor_class);
}

static void
add_tests (void)
{
  add_everywhere ("/server/7.1-call", test_call);
  add_everywhere ("/server/7.1-empty-reply", test_empty_reply);
  add_everywhere ("/server/7.1-error-reply", test_reply_error);
  add_everywhere ("/server/7.1-deferred-reply", test_deferred_reply);
  add_simulated ("/server/7.1-default-timeout-is-5000", test_default_timeout);
  add_simulated ("/server/7.1-no-timeout", test_no_timeout);
  add_simulated ("/server/7.1-from-freed", test_from_freed);
  add_simulated ("/server/7.2-late-reply-never-arrives", test_late_reply);
  add_everywhere ("/server/7.2-cancelled-call", test_cancel_call);
  add_everywhere ("/server/7.2-own-monitor-is-untouched", test_own_monitor);
  add_everywhere ("/server/7.3-noproc", test_noproc);
  add_everywhere ("/server/7.3-dead-server", test_dead_server);
  add_everywhere ("/server/7.3-down-normal", test_down_normal);
  add_everywhere ("/server/7.3-down-crash", test_down_crash);
  add_everywhere ("/server/7.3-down-killed", test_down_killed);
  add_everywhere ("/server/7.3-calling-self", test_calling_self);
  add_everywhere ("/server/7.5-cast", test_cast);
  add_everywhere ("/server/info", test_info);
  add_everywhere ("/server/7.6-init-stop", test_init_stop);
  add_everywhere ("/server/7.6-init-ignore", test_init_ignore);
  add_simulated ("/server/7.9-inactivity-timeout", test_idle_timeout);
  add_simulated ("/server/7.9-inactivity-timeout-cancelled", test_idle_timeout_cancelled);
  add_simulated ("/server/7.9-inactivity-timeout-again", test_idle_timeout_again);
  add_everywhere ("/server/7.10-continue-before-any-message", test_continue_first);
  add_simulated ("/server/7.10-continue-before-parent-exit", test_continue_before_parent_exit);
  add_everywhere ("/server/7.10-continue-after-cast", test_continue_after_cast);
  add_everywhere ("/server/7.12-stop-with-reply", test_stop_with_reply);
  add_everywhere ("/server/7.13-terminate-on-parent-exit", test_terminate_on_parent_exit);
  add_everywhere ("/server/7.13-no-terminate-when-not-trapping", test_no_terminate_when_not_trapping);
  add_everywhere ("/server/7.13-no-terminate-when-killed", test_no_terminate_when_killed);
  add_everywhere ("/server/7.14-stranger-exit-is-info", test_stranger_exit_is_info);
  add_everywhere ("/server/7.15-stop-queues-behind-the-mailbox", test_stop_queues);
  add_everywhere ("/server/7.15-stop-normal", test_stop_normal);
  add_everywhere ("/server/class-without-callbacks", test_empty_class);
  g_test_add_func ("/server/class-is-made-once", test_class_shared);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

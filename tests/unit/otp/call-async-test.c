/* Calls from outside of the actors: hemera_server_call_async() from the main context and from threads of their own. */
#include "harness.h"
#include "tests/descriptors.h"

#include <string.h>

/* ---- a server ------------------------------------------------------------------------------------------------------------------ */

static HemeraActorMessage *
new_term (const char *format)
{
  HemeraTermMessage message = { hemera_term_new (format) };

  return hemera_actor_message_new (&hemera_term_message_type, &message);
}

typedef struct {
  GPtrArray *kept;
} Server;

static HemeraNext
server_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  ((Server *) state)->kept = g_ptr_array_new_with_free_func ((GDestroyNotify) hemera_from_free);
  return HEMERA_CONTINUE;
}

static HemeraNext
server_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  HemeraView term = hemera_term_view (hemera_term_message_peek (request)->term);

  if (hemera_view_is_atom (term, "ping"))
    hemera_from_reply (from, new_term ("pong"));
  else if (hemera_view_is_atom (term, "empty"))
    hemera_from_reply (from, NULL);
  else
    g_ptr_array_add (((Server *) state)->kept, from);
  return hemera_view_is_atom (term, "crash") ? hemera_actor_stop (self, hemera_term_new_atom ("oops"))
                                             : HEMERA_CONTINUE;
}

static void
server_finalize (gpointer state)
{
  g_clear_pointer (&((Server *) state)->kept, g_ptr_array_unref);
}

static const HemeraServerClass server_class = { .name = "async-server",
                                                .state_size = sizeof (Server),
                                                .init = server_init,
                                                .handle_call = server_call,
                                                .finalize = server_finalize };

static HemeraPid
spawn_server (Fixture *f)
{
  HemeraSpawn spawn = hemera_server_spawn (&server_class);

  return hemera_system_spawn (f->system, &spawn);
}

/* ---- one call ------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  guint done;
  gboolean returned; /* the start call has */
  HemeraActorMessage *reply;
  GError *error;
} Outcome;

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *outcome = user_data;

  g_assert_true (outcome->returned);
  g_assert_cmpuint (outcome->done, ==, 0);
  outcome->done++;
  outcome->reply = hemera_server_call_finish (result, &outcome->error);
}

static void
clear_outcome (Outcome *outcome)
{
  g_clear_pointer (&outcome->reply, hemera_actor_message_free);
  g_clear_error (&outcome->error);
}

static void
wait_for (Outcome *outcome)
{
  while (outcome->done == 0)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}

/* Ports are closed, their eventfds with them: at once, or when the callers of cancelled calls have ended. */
static void
wait_for_descriptors (guint n)
{
  for (guint i = 0; i < 5000 && count_descriptors () > n; i++) {
    g_main_context_iteration (NULL, FALSE);
    g_usleep (1000);
  }
  g_assert_cmpuint (count_descriptors (), <=, n);
}

static void
call (Fixture *f, HemeraPid to, const char *term, int timeout_ms, GCancellable *cancellable, Outcome *outcome)
{
  memset (outcome, 0, sizeof *outcome);
  hemera_server_call_async (f->system, to, new_term (term), timeout_ms, cancellable, on_done, outcome);
  outcome->returned = TRUE;
}

/* The call's error, or "ok". */
static void
check (Fixture *f, HemeraPid to, const char *term, int timeout_ms, GQuark domain, int code)
{
  Outcome outcome;

  call (f, to, term, timeout_ms, NULL, &outcome);
  wait_for (&outcome);
  g_assert_error (outcome.error, domain, code);
  g_assert_null (outcome.reply);
  clear_outcome (&outcome);
}

static void
test_reply (Fixture *f, gconstpointer mode)
{
  Outcome outcome;

  call (f, spawn_server (f), "ping", 0, NULL, &outcome);
  wait_for (&outcome);
  g_assert_no_error (outcome.error);
  g_assert_true (
      hemera_view_is_atom (hemera_term_view (hemera_term_message_peek (outcome.reply)->term), "pong"));
  clear_outcome (&outcome);
}

static void
test_empty_reply (Fixture *f, gconstpointer mode)
{
  Outcome outcome;

  call (f, spawn_server (f), "empty", 0, NULL, &outcome);
  wait_for (&outcome);
  g_assert_no_error (outcome.error);
  g_assert_null (outcome.reply);
}

static void
test_noproc (Fixture *f, gconstpointer mode)
{
  check (f, HEMERA_PID_NONE, "ping", 0, HEMERA_ERROR, HEMERA_ERROR_NOPROC);
}

static void
test_down (Fixture *f, gconstpointer mode)
{
  check (f, spawn_server (f), "crash", 0, HEMERA_ERROR, HEMERA_ERROR_DOWN);
}

static void
test_timeout (Fixture *f, gconstpointer mode)
{
  check (f, spawn_server (f), "keep", 10, HEMERA_ERROR, HEMERA_ERROR_TIMEOUT);
}

/* ---- cancelling ---------------------------------------------------------------------------------------------------------------- */

static void
test_cancelled_before (Fixture *f, gconstpointer mode)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome outcome;

  g_cancellable_cancel (cancellable);
  call (f, spawn_server (f), "keep", -1, cancellable, &outcome);
  wait_for (&outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  clear_outcome (&outcome);
}

/* What a process opens once, at its first call, is not what is counted. */
static void
call_once (Fixture *f, HemeraPid server)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Outcome outcome;

  call (f, server, "ping", -1, cancellable, &outcome);
  wait_for (&outcome);
  clear_outcome (&outcome);
}

static void
test_cancelled_during (Fixture *f, gconstpointer mode)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  HemeraPid server = spawn_server (f);
  guint descriptors;
  Outcome outcome;
  Outcome other;

  call_once (f, server);
  descriptors = count_descriptors ();
  call (f, server, "keep", -1, cancellable, &outcome);
  call (f, server, "ping", -1, NULL, &other);
  wait_for (&other);
  g_assert_cmpuint (outcome.done, ==, 0);
  g_cancellable_cancel (cancellable);
  wait_for (&outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  clear_outcome (&outcome);
  clear_outcome (&other);
  wait_for_descriptors (descriptors);
}

/* ---- no descriptor ------------------------------------------------------------------------------------------------------------- */

static void
test_no_descriptor (Fixture *f, gconstpointer mode)
{
  HemeraPid server = spawn_server (f);
  AllDescriptors all;
  Outcome outcome;

  take_all_descriptors (&all);
  call (f, server, "ping", -1, NULL, &outcome);
  give_back_descriptors (&all);
  wait_for (&outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
  g_assert_null (outcome.reply);
  clear_outcome (&outcome);
  call (f, server, "ping", -1, NULL, &outcome);
  wait_for (&outcome);
  g_assert_nonnull (outcome.reply);
  clear_outcome (&outcome);
}

/* ---- the system ends ----------------------------------------------------------------------------------------------------------- */

static void
test_system_ends (Fixture *f, gconstpointer mode)
{
  HemeraPid server = spawn_server (f);
  Outcome outcomes[10];

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++)
    call (f, server, "keep", -1, NULL, &outcomes[i]);
  hemera_system_unref (g_steal_pointer (&f->system));
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++) {
    wait_for (&outcomes[i]);
    g_assert_true (g_error_matches (outcomes[i].error, HEMERA_ERROR, HEMERA_ERROR_DOWN)
                   || g_error_matches (outcomes[i].error, HEMERA_ERROR, HEMERA_ERROR_NOPROC));
    clear_outcome (&outcomes[i]);
  }
}

/* ---- many ---------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  Fixture *f;
  HemeraPid server;
  guint left;
  guint under_way;
} Crowd;

static void
on_crowd_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Crowd *crowd = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraActorMessage) reply = hemera_server_call_finish (result, &error);

  g_assert_no_error (error);
  g_assert_nonnull (reply);
  crowd->under_way--;
  if (crowd->left == 0)
    return;
  crowd->left--;
  crowd->under_way++;
  hemera_server_call_async (crowd->f->system, crowd->server, new_term ("ping"), 0, NULL, on_crowd_reply,
                            crowd);
}

/* @width calls at a time, each answer the start of the next. */
static void
run_crowd (Fixture *f, HemeraPid server, guint width, guint n)
{
  Crowd crowd = { .f = f, .server = server, .left = n - width, .under_way = width };

  for (guint i = 0; i < width; i++)
    hemera_server_call_async (f->system, server, new_term ("ping"), 0, NULL, on_crowd_reply, &crowd);
  while (crowd.under_way > 0)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
}

static void
test_overlapping (Fixture *f, gconstpointer mode)
{
  HemeraPid server = spawn_server (f);
  guint descriptors;

  call_once (f, server);
  descriptors = count_descriptors ();
  run_crowd (f, server, 50, 1000);
  wait_for_descriptors (descriptors);
}

static void
test_one_after_another (Fixture *f, gconstpointer mode)
{
  run_crowd (f, spawn_server (f), 1, 300);
}

typedef struct {
  Fixture *f;
  HemeraPid server;
} ThreadArgs;

static void *
run_thread (void *data)
{
  ThreadArgs *args = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  run_crowd (args->f, args->server, 10, 300);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static void
test_threads (Fixture *f, gconstpointer mode)
{
  ThreadArgs args = { f, spawn_server (f) };
  pthread_t threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_create (&threads[i], NULL, run_thread, &args);
  run_crowd (f, args.server, 10, 300);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
}

/* ---- the order of requests ------------------------------------------------------------------------------------------------------- */

typedef struct {
  gint64 next;
} Ordered;

static HemeraNext
ordered_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  Ordered *ordered = state;
  gint64 number = -1;

  hemera_view_get_int64 (hemera_term_view (hemera_term_message_peek (request)->term), &number);
  hemera_from_reply (from, number == ordered->next ? new_term ("in_order") : NULL);
  ordered->next = number + 1;
  return HEMERA_CONTINUE;
}

static const HemeraServerClass ordered_class = { .name = "ordered-server",
                                                 .state_size = sizeof (Ordered),
                                                 .handle_call = ordered_call };

static void
test_order (Fixture *f, gconstpointer mode)
{
  HemeraSpawn spawn = hemera_server_spawn (&ordered_class);
  HemeraPid server = hemera_system_spawn (f->system, &spawn);
  Outcome outcomes[500] = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++) {
    g_autofree char *number = g_strdup_printf ("%u", i);
    g_autoptr (GCancellable) cancellable = i % 7 == 3 ? g_cancellable_new () : NULL;

    call (f, server, number, 0, cancellable, &outcomes[i]);
    if (cancellable != NULL)
      g_cancellable_cancel (cancellable);
  }
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++) {
    wait_for (&outcomes[i]);
    if (outcomes[i].error == NULL)
      g_assert_nonnull (outcomes[i].reply);
    clear_outcome (&outcomes[i]);
  }
}

/* Every other call goes into another context: requests of either reach the server in order. */
static void
test_order_of_two_contexts (Fixture *f, gconstpointer mode)
{
  HemeraSpawn spawn = hemera_server_spawn (&ordered_class);
  HemeraPid server = hemera_system_spawn (f->system, &spawn);
  g_autoptr (GMainContext) context = g_main_context_new ();
  Outcome outcomes[500] = { 0 };
  guint descriptors;

  call_once (f, spawn_server (f));
  descriptors = count_descriptors ();
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++) {
    g_autofree char *number = g_strdup_printf ("%u", i);

    if (i % 2 == 1)
      g_main_context_push_thread_default (context);
    call (f, server, number, 0, NULL, &outcomes[i]);
    if (i % 2 == 1)
      g_main_context_pop_thread_default (context);
  }
  g_assert_cmpuint (count_descriptors (), <=, descriptors + 2);
  for (guint i = 0; i < G_N_ELEMENTS (outcomes); i++) {
    while (outcomes[i].done == 0)
      g_main_context_iteration (i % 2 == 1 ? context : NULL, TRUE);
    g_assert_no_error (outcomes[i].error);
    g_assert_nonnull (outcomes[i].reply);
    clear_outcome (&outcomes[i]);
  }
  wait_for_descriptors (descriptors);
}

/* ---- a loop in a callback -------------------------------------------------------------------------------------------------------- */

static void
on_done_with_loop (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outcome *other = user_data;
  g_autoptr (HemeraActorMessage) reply = hemera_server_call_finish (result, NULL);

  g_assert_nonnull (reply);
  wait_for (other);
}

static void
test_loop_in_callback (Fixture *f, gconstpointer mode)
{
  HemeraPid server = spawn_server (f);
  Outcome other;

  hemera_server_call_async (f->system, server, new_term ("ping"), 0, NULL, on_done_with_loop, &other);
  call (f, server, "ping", 0, NULL, &other);
  wait_for (&other);
  clear_outcome (&other);
}

static void
add_threaded (const char *path, void (*test) (Fixture *f, gconstpointer mode))
{
  g_autofree char *one = g_strconcat (path, "/one-worker", NULL);
  g_autofree char *two = g_strconcat (path, "/two-workers", NULL);

  g_test_add (one, Fixture, GUINT_TO_POINTER (ONE_WORKER), fixture_set_up, test, fixture_tear_down);
  g_test_add (two, Fixture, GUINT_TO_POINTER (TWO_WORKERS), fixture_set_up, test, fixture_tear_down);
}

static void
add_tests (void)
{
  add_threaded ("/call-async/reply", test_reply);
  add_threaded ("/call-async/empty-reply", test_empty_reply);
  add_threaded ("/call-async/7.3-noproc", test_noproc);
  add_threaded ("/call-async/7.3-down", test_down);
  add_threaded ("/call-async/7.3-timeout", test_timeout);
  add_threaded ("/call-async/cancelled-before", test_cancelled_before);
  add_threaded ("/call-async/cancelled-during", test_cancelled_during);
  add_threaded ("/call-async/no-descriptor", test_no_descriptor);
  add_threaded ("/call-async/system-ends", test_system_ends);
  add_threaded ("/call-async/overlapping", test_overlapping);
  add_threaded ("/call-async/one-after-another", test_one_after_another);
  add_threaded ("/call-async/threads", test_threads);
  add_threaded ("/call-async/order", test_order);
  add_threaded ("/call-async/order-of-two-contexts", test_order_of_two_contexts);
  add_threaded ("/call-async/loop-in-callback", test_loop_in_callback);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

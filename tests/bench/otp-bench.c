/* What servers and supervisors cost: a call's round trip (same worker, other worker, from outside), calls in flight together, a restart.
 * otp-bench [--smoke]: a line a measurement; with --smoke a second in all, as a test that it runs. */
#include <hemera/supervisor.h>
#include <hemera/term-builder.h>
#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static gboolean done;

static void
tell_done (void)
{
  pthread_mutex_lock (&lock);
  done = TRUE;
  pthread_cond_signal (&changed);
  pthread_mutex_unlock (&lock);
}

static void
wait_done (void)
{
  pthread_mutex_lock (&lock);
  while (!done)
    pthread_cond_wait (&changed, &lock);
  done = FALSE;
  pthread_mutex_unlock (&lock);
}

static void
print (const char *name, guint n, gint64 us)
{
  g_print ("%-32s %9u in %7.1f ms  %9.0f ns each\n", name, n, (double) us / 1000, (double) us * 1000 / n);
}

/* ---- calls between actors ------------------------------------------------------------------------------------------------------ */

typedef struct {
  int value;
} Number;
static const HemeraMessageType number_type = { .name = "number", .size = sizeof (Number) };

static HemeraActorMessage *
new_number (void)
{
  Number number = { 1 };

  return hemera_actor_message_new (&number_type, &number);
}

static HemeraNext
echo_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  hemera_from_reply (from, new_number ());
  return HEMERA_CONTINUE;
}

static const HemeraServerClass echo_class = { .name = "echo", .handle_call = echo_call };

typedef struct {
  HemeraPid to;
  guint n, width;
  HemeraPlacement placement;
  guint left, under_way;
} Asker;

static HemeraNext
asker_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  HemeraSpawn spawn = hemera_server_spawn (&echo_class);
  Asker *asker = state;

  *asker = *(const Asker *) args;
  spawn.placement = asker->placement;
  spawn.link = TRUE;
  asker->to = hemera_actor_spawn (self, &spawn);
  asker->left = asker->n;
  while (asker->under_way < asker->width && asker->left > 0) {
    hemera_actor_call (self, asker->to, new_number (), 0);
    asker->under_way++;
    asker->left--;
  }
  return HEMERA_CONTINUE;
}

static HemeraNext
asker_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Asker *asker = state;

  if (hemera_reply_message_peek (message) == NULL)
    return HEMERA_CONTINUE;
  asker->under_way--;
  if (asker->left > 0) {
    asker->left--;
    asker->under_way++;
    hemera_actor_call (self, asker->to, new_number (), 0);
  } else if (asker->under_way == 0) {
    tell_done ();
    return hemera_actor_stop (self, hemera_term_ref (hemera_reason_shutdown ()));
  }
  return HEMERA_CONTINUE;
}

static const HemeraActorClass asker_class = {
  .name = "asker", .state_size = sizeof (Asker), .init = asker_init, .receive = asker_receive
};

static void
bench_calls (HemeraSystem *system, const char *name, HemeraPlacement placement, guint width, guint n)
{
  Asker args = { .n = n, .width = width, .placement = placement };
  const HemeraSpawn spawn = { .actor_class = &asker_class, .args = { .data = &args } };
  gint64 start = g_get_monotonic_time ();

  hemera_system_spawn (system, &spawn);
  wait_done ();
  print (name, n, g_get_monotonic_time () - start);
}

/* ---- calls from outside --------------------------------------------------------------------------------------------------------- */

typedef struct {
  HemeraSystem *system;
  HemeraPid to;
  guint left;
  gboolean over;
} Outside;

static void
on_reply (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Outside *outside = user_data;
  HemeraActorMessage *reply = hemera_server_call_finish (result, NULL);

  hemera_actor_message_free (reply);
  if (outside->left == 0) {
    outside->over = TRUE;
    return;
  }
  outside->left--;
  hemera_server_call_async (outside->system, outside->to, new_number (), 0, NULL, on_reply, outside);
}

static void
bench_outside (HemeraSystem *system, guint n)
{
  HemeraSpawn spawn = hemera_server_spawn (&echo_class);
  Outside outside = { .system = system, .to = hemera_system_spawn (system, &spawn), .left = n - 1 };
  gint64 start = g_get_monotonic_time ();

  hemera_server_call_async (system, outside.to, new_number (), 0, NULL, on_reply, &outside);
  while (!outside.over)
    g_main_context_iteration (NULL, TRUE);
  print ("call from outside", n, g_get_monotonic_time () - start);
  hemera_exit (outside.to, hemera_reason_kill ());
}

/* ---- restarts ------------------------------------------------------------------------------------------------------------------- */

/* Owner: the kid's worker, one life after the other. */
static guint restarts_left;

static HemeraNext
kid_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  hemera_actor_continue (self);
  return HEMERA_CONTINUE;
}

static HemeraNext
kid_continue (HemeraActor *self, gpointer state)
{
  if (restarts_left-- > 0)
    return HEMERA_STOP;
  tell_done ();
  return HEMERA_CONTINUE;
}

static const HemeraServerClass kid_class = { .name = "kid",
                                             .init = kid_init,
                                             .handle_continue = kid_continue };

static void
bench_restarts (HemeraSystem *system, guint n)
{
  const HemeraChildSpec kid = { .id = "kid", .server = &kid_class, .placement = HEMERA_PLACE_WITH_PARENT };
  const HemeraSupervisorSpec spec = {
    .intensity = n + 1, .period_ms = 3600 * 1000, .children = &kid, .n_children = 1
  };
  HemeraSpawn spawn = hemera_supervisor_spawn (&spec);
  gint64 start = g_get_monotonic_time ();
  HemeraPid sup;

  restarts_left = n;
  sup = hemera_system_spawn (system, &spawn);
  wait_done ();
  print ("restart, same worker", n, g_get_monotonic_time () - start);
  hemera_exit (sup, hemera_reason_shutdown ());
}

static GLogWriterOutput
ignore_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  return G_LOG_WRITER_HANDLED;
}

int
main (int argc, char **argv)
{
  const HemeraSystemOptions options = { .workers = 2, .seed = 1 };
  gboolean smoke = argc > 1 && strcmp (argv[1], "--smoke") == 0;
  guint scale = smoke ? 1 : 20;
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraSystem) system = NULL;

  g_log_set_writer_func (ignore_log, NULL, NULL); /* each restart is told */
  system = hemera_system_new (&options, &error);
  if (system == NULL) {
    g_printerr ("%s\n", error->message);
    return 1;
  }
  bench_calls (system, "call, same worker", HEMERA_PLACE_WITH_PARENT, 1, 5000 * scale);
  bench_calls (system, "call, other worker", HEMERA_PLACE_OTHER, 1, 1000 * scale);
  bench_calls (system, "call, other worker, 100 at once", HEMERA_PLACE_OTHER, 100, 5000 * scale);
  bench_outside (system, 1000 * scale);
  bench_restarts (system, 2000 * scale);
  return 0;
}

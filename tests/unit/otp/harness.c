/* The shared part of the tests of servers and supervisors: see harness.h. */
#include "harness.h"

#include <string.h>

#define PATIENCE_S 10

/* ---- the log ------------------------------------------------------------------------------------------------------------------- */

void
log_add (Fixture *f, const char *format, ...)
{
  va_list args;

  pthread_mutex_lock (&f->lock);
  if (f->log->len > 0)
    g_string_append_c (f->log, '|');
  va_start (args, format);
  g_string_append_vprintf (f->log, format, args);
  va_end (args);
  pthread_cond_broadcast (&f->changed);
  pthread_mutex_unlock (&f->lock);
}

void
expect (Fixture *f, const char *text)
{
  g_autofree char *got = NULL;
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += PATIENCE_S;
  if (f->mode == SIMULATED)
    hemera__system_run_until_idle (f->system);
  pthread_mutex_lock (&f->lock);
  while (f->mode != SIMULATED && !g_str_equal (f->log->str, text))
    if (pthread_cond_timedwait (&f->changed, &f->lock, &until) != 0)
      break;
  got = g_strdup (f->log->str);
  g_string_truncate (f->log, 0);
  pthread_mutex_unlock (&f->lock);
  g_assert_cmpstr (got, ==, text);
}

void
advance (Fixture *f, gint64 ms)
{
  g_assert (f->mode == SIMULATED);
  hemera__system_run_until_idle (f->system);
  hemera__system_advance (f->system, ms * 1000);
  hemera__system_run_until_idle (f->system);
}

/* ---- the parent ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
  ParentFunc func;
  gpointer data;
} Run;
static const HemeraMessageType run_type = { .name = "run", .size = sizeof (Run) };

static char *
text_of (HemeraTerm *term)
{
  return term != NULL ? hemera_view_to_string (hemera_term_view (term)) : g_strdup ("-");
}

static void
log_children (Fixture *f, HemeraSupervisorChildren *reply)
{
  static const char *const names[] = { "running", "starting", "restarting", "undefined" };
  g_autoptr (GString) text = g_string_new ("children");

  for (guint i = 0; i < reply->children->len; i++) {
    HemeraChildInfo *info = &g_array_index (reply->children, HemeraChildInfo, i);

    g_string_append_printf (text, " %s:%s", info->id, names[info->status]);
  }
  log_add (f, "%s", text->str);
}

static void
log_reply (Fixture *f, HemeraReplyMessage *message)
{
  static const char *const codes[] = { "noproc", "timeout", "down", "calling_self", "bad_call" };
  HemeraActorMessage *reply = message->reply;
  g_autofree char *text = NULL;

  if (message->error != NULL) {
    g_assert_true (message->error->domain == HEMERA_ERROR);
    log_add (f, "error %s",
             message->error->code == HEMERA_ERROR_DOWN ? message->error->message
                                                       : codes[message->error->code]);
  } else if (reply == NULL)
    log_add (f, "reply");
  else if (hemera_term_message_peek (reply) != NULL) {
    text = text_of (hemera_term_message_peek (reply)->term);
    log_add (f, "reply %s", text);
  } else if (hemera_supervisor_reply_peek (reply) != NULL) {
    text = text_of (hemera_supervisor_reply_peek (reply)->result);
    log_add (f, "reply %s", text);
  } else if (hemera_supervisor_children_peek (reply) != NULL)
    log_children (f, hemera_supervisor_children_peek (reply));
  else {
    HemeraSupervisorCount *count = hemera_supervisor_count_peek (reply);

    g_assert_nonnull (count);
    log_add (f, "count %u %u %u %u", count->specs, count->active, count->supervisors, count->workers);
  }
}

static void
log_event (Fixture *f, HemeraSupervisorEvent *event)
{
  static const char *const names[] = { "restarting", "restarted", "start_failed", "ended", "gave_up" };
  g_autofree char *reason = text_of (event->reason);

  if (f->log_events)
    log_add (f, "%s %s %s %u%s", names[event->kind], event->child, reason, event->restarts,
             event->new_pid.id != 0 ? " new" : "");
}

static HemeraNext
parent_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Fixture *f = *(Fixture **) state;
  Run *run = hemera_actor_message_peek (message, &run_type);
  HemeraExitMessage *exit = hemera_exit_message_peek (message);
  HemeraStartedMessage *started = hemera_started_message_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraReplyMessage *reply = hemera_reply_message_peek (message);
  HemeraSupervisorEvent *event = hemera_supervisor_event_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  g_autofree char *text = NULL;

  if (run != NULL)
    run->func (self, f, run->data);
  else if (exit != NULL)
    log_add (f, "EXIT %s", text = text_of (exit->reason));
  else if (started != NULL && started->reason != NULL)
    log_add (f, "failed %s", text = text_of (started->reason));
  else if (started != NULL)
    log_add (f, started->ignored ? "ignored" : "started");
  else if (down != NULL)
    log_add (f, "DOWN %s", text = text_of (down->reason));
  else if (reply != NULL)
    log_reply (f, reply);
  else if (event != NULL)
    log_event (f, event);
  else if (timeout != NULL)
    log_add (f, "timeout");
  else
    log_add (f, "got %s", hemera_actor_message_type (message)->name);
  return HEMERA_CONTINUE;
}

static HemeraNext
parent_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(gconstpointer *) state = args;
  return HEMERA_CONTINUE;
}

static const HemeraActorClass parent_class = {
  .name = "parent", .state_size = sizeof (Fixture *), .init = parent_init, .receive = parent_receive
};

void
in_parent (Fixture *f, ParentFunc func, gpointer data)
{
  Run run = { func, data };

  hemera_send (f->parent, hemera_actor_message_new (&run_type, &run));
}

typedef struct {
  HemeraPid to;
  HemeraActorMessage *request;
  HemeraTerm *reason;
} Order;

static void
do_ask (HemeraActor *self, Fixture *f, gpointer data)
{
  g_autofree Order *order = data;

  hemera_actor_call (self, order->to, order->request, 0);
}

void
ask (Fixture *f, HemeraPid to, HemeraActorMessage *request)
{
  Order order = { .to = to, .request = request };

  in_parent (f, do_ask, g_memdup2 (&order, sizeof order));
}

static void
do_exit (HemeraActor *self, Fixture *f, gpointer data)
{
  g_autofree Order *order = data;
  g_autoptr (HemeraTerm) reason = order->reason;

  hemera_actor_exit (self, order->to, reason);
}

void
exit_from_parent (Fixture *f, HemeraPid to, const char *reason)
{
  Order order = { .to = to, .reason = hemera_term_new (reason) };

  in_parent (f, do_exit, g_memdup2 (&order, sizeof order));
}

static void
do_start_sup (HemeraActor *self, Fixture *f, gpointer data)
{
  HemeraSupervisorSpec *spec = data;
  HemeraSpawn spawn = hemera_supervisor_spawn (spec);

  spawn.link = TRUE;
  spawn.ack_to = hemera_actor_self (self);
  spawn.ack_ref = hemera_ref_new ();
  spawn.placement = f->elsewhere;
  f->sup = hemera_actor_spawn (self, &spawn);
  hemera_supervisor_spec_free (spec);
}

void
start_sup (Fixture *f, HemeraSupervisorSpec *spec, HemeraChildSpec *kids, guint n)
{
  spec->children = kids;
  spec->n_children = n;
  if (f->log_events)
    spec->events_to = f->parent;
  in_parent (f, do_start_sup, hemera_supervisor_spec_copy (spec));
  for (guint i = 0; i < n; i++)
    kid_spec_clear (&kids[i]);
}

/* ---- kids ---------------------------------------------------------------------------------------------------------------------- */

static gpointer
copy_kid_args (gconstpointer data)
{
  return g_memdup2 (data, sizeof (KidArgs));
}

HemeraChildSpec
kid_full (Fixture *f, const char *id, HemeraRestart restart, KidOptions options, const char *outcomes)
{
  KidArgs args = { f, id, options, outcomes };

  return (HemeraChildSpec){ .id = id,
                            .server = &kid_class,
                            .args = { g_memdup2 (&args, sizeof args), copy_kid_args, g_free },
                            .restart = restart,
                            .placement = f->elsewhere };
}

HemeraChildSpec
kid (Fixture *f, const char *id, HemeraRestart restart)
{
  return kid_full (f, id, restart, 0, NULL);
}

void
kid_spec_clear (HemeraChildSpec *spec)
{
  if (spec->args.free != NULL)
    spec->args.free ((gpointer) spec->args.data);
  spec->args = (HemeraArgs){ NULL };
}

/* The outcome of this start. */
static char
count_start (HemeraActor *self, const KidArgs *args)
{
  Fixture *f = args->f;
  HemeraPid pid = hemera_actor_self (self);
  guint n;

  pthread_mutex_lock (&f->lock);
  n = GPOINTER_TO_UINT (g_hash_table_lookup (f->starts, args->id));
  g_hash_table_insert (f->starts, (gpointer) args->id, GUINT_TO_POINTER (n + 1));
  g_hash_table_insert (f->pids, (gpointer) args->id, g_memdup2 (&pid, sizeof pid));
  pthread_mutex_unlock (&f->lock);
  return args->outcomes != NULL ? args->outcomes[MIN (n, strlen (args->outcomes) - 1)] : '.';
}

static HemeraNext
kid_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  const KidArgs *kid_args = args;

  *(KidArgs *) state = *kid_args;
  hemera_actor_set_trap_exit (self, !(kid_args->options & KID_NO_TRAP));
  if (kid_args->options & KID_DEAF)
    hemera__actor_receive_parent_exit (self);
  switch (count_start (self, kid_args)) {
  case 'f':
    if (!(kid_args->options & KID_QUIET))
      log_add (kid_args->f, "fail %s", kid_args->id);
    return hemera_actor_stop (self, hemera_term_new_atom ("nope"));
  case 'i': log_add (kid_args->f, "ignore %s", kid_args->id); return HEMERA_IGNORE;
  case 'h':
    log_add (kid_args->f, "hang %s", kid_args->id);
    hemera_actor_defer_init_ack (self);
    return HEMERA_CONTINUE;
  default: break;
  }
  if (!(kid_args->options & KID_QUIET))
    log_add (kid_args->f, "up %s", kid_args->id);
  return HEMERA_CONTINUE;
}

static HemeraNext
kid_info (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  HemeraTermMessage *term = hemera_term_message_peek (message);
  HemeraView view;

  if (term == NULL)
    return HEMERA_CONTINUE;
  view = hemera_term_view (term->term);
  if (hemera_view_is_atom (hemera_view_element (view, 0), "die"))
    return hemera_actor_stop (self, hemera_term_new_from_view (hemera_view_element (view, 1)));
  if (hemera_view_is_atom (view, "unlink"))
    hemera_actor_unlink (self, hemera_actor_parent (self));
  else if (hemera_view_is_atom (view, "ready"))
    hemera_actor_init_ack (self);
  return HEMERA_CONTINUE;
}

static void
kid_terminate (HemeraActor *self, gpointer state, HemeraTerm *reason)
{
  KidArgs *args = state;
  g_autofree char *text = text_of (reason);

  if (!(args->options & KID_QUIET))
    log_add (args->f, "down %s %s", args->id, text);
}

const HemeraServerClass kid_class = { .name = "kid",
                                      .state_size = sizeof (KidArgs),
                                      .init = kid_init,
                                      .handle_info = kid_info,
                                      .terminate = kid_terminate };

HemeraPid
kid_pid (Fixture *f, const char *id)
{
  HemeraPid *pid;
  HemeraPid result;

  pthread_mutex_lock (&f->lock);
  pid = g_hash_table_lookup (f->pids, id);
  result = pid != NULL ? *pid : HEMERA_PID_NONE;
  pthread_mutex_unlock (&f->lock);
  return result;
}

void
tell (Fixture *f, const char *id, const char *term)
{
  HemeraTermMessage message = { hemera_term_new (term) };

  hemera_send (kid_pid (f, id), hemera_actor_message_new (&hemera_term_message_type, &message));
}

void
die (Fixture *f, const char *id, const char *reason)
{
  g_autofree char *term = g_strdup_printf ("{die, %s}", reason);

  tell (f, id, term);
}

/* ---- set-up -------------------------------------------------------------------------------------------------------------------- */

void
fixture_set_up (Fixture *f, gconstpointer mode)
{
  const HemeraSystemOptions options = { .workers = GPOINTER_TO_UINT (mode) == TWO_WORKERS ? 2 : 1,
                                        .seed = 1 };
  const HemeraSpawn spawn = { .actor_class = &parent_class, .args = { .data = f }, .trap_exit = TRUE };
  g_autoptr (GError) error = NULL;

  f->mode = GPOINTER_TO_UINT (mode);
  f->elsewhere = f->mode == TWO_WORKERS ? HEMERA_PLACE_OTHER : HEMERA_PLACE_ANY;
  pthread_mutex_init (&f->lock, NULL);
  pthread_cond_init (&f->changed, NULL);
  f->log = g_string_new (NULL);
  f->starts = g_hash_table_new (g_str_hash, g_str_equal);
  f->pids = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  f->system = f->mode == SIMULATED ? hemera__system_new_simulated (1) : hemera_system_new (&options, &error);
  g_assert_no_error (error);
  f->parent = hemera_system_spawn (f->system, &spawn);
}

void
fixture_tear_down (Fixture *f, gconstpointer mode)
{
  g_clear_pointer (&f->system, hemera_system_unref);
  g_hash_table_unref (f->pids);
  g_hash_table_unref (f->starts);
  g_string_free (f->log, TRUE);
  pthread_cond_destroy (&f->changed);
  pthread_mutex_destroy (&f->lock);
}

static void
add (const char *path, const char *variant, Mode mode, void (*test) (Fixture *f, gconstpointer mode))
{
  g_autofree char *full = g_strdup_printf ("%s/%s", path, variant);

  g_test_add (full, Fixture, GUINT_TO_POINTER (mode), fixture_set_up, test, fixture_tear_down);
}

void
add_simulated (const char *path, void (*test) (Fixture *f, gconstpointer mode))
{
  add (path, "simulated", SIMULATED, test);
}

void
add_everywhere (const char *path, void (*test) (Fixture *f, gconstpointer mode))
{
  add (path, "one-worker", ONE_WORKER, test);
  add (path, "two-workers", TWO_WORKERS, test);
  add_simulated (path, test);
}

/* ---- warnings ------------------------------------------------------------------------------------------------------------------ */

static pthread_mutex_t warnings_lock = PTHREAD_MUTEX_INITIALIZER;
static guint warnings;
static char last_warning[512];

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const char *child = NULL;
  const char *reason = "";

  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal (fields[i].key, "HEMERA_CHILD"))
      child = fields[i].value;
    else if (g_str_equal (fields[i].key, "HEMERA_REASON"))
      reason = fields[i].value;
  }
  if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return g_log_writer_default (level, fields, n_fields, user_data);
  if ((level & G_LOG_LEVEL_WARNING) && child != NULL) {
    pthread_mutex_lock (&warnings_lock);
    warnings++;
    g_snprintf (last_warning, sizeof last_warning, "%s %s", child, reason);
    pthread_mutex_unlock (&warnings_lock);
  }
  return G_LOG_WRITER_HANDLED;
}

guint
harness_warnings (void)
{
  guint n;

  pthread_mutex_lock (&warnings_lock);
  n = warnings;
  pthread_mutex_unlock (&warnings_lock);
  return n;
}

char *
harness_last_warning (void)
{
  char *text;

  pthread_mutex_lock (&warnings_lock);
  text = g_strdup (last_warning);
  pthread_mutex_unlock (&warnings_lock);
  return text;
}

int
harness_run (int *argc, char ***argv, void (*add_tests) (void))
{
  const HemeraSystemOptions options = { .workers = 1 };
  g_autoptr (HemeraSystem) keeper = NULL;

  g_test_init (argc, argv, NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
  add_tests ();
  /* What systems share in a process (trust anchors) is loaded once, and not for each test. */
  keeper = hemera_system_new (&options, NULL);
  return g_test_run ();
}

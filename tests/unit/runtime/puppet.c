/* See puppet.h. */
#include "tests/unit/runtime/puppet.h"

#include "runtime/sched/slot.h"

#include <string.h>
#include <time.h>

HEMERA_DEFINE_MESSAGE (Text, text, NULL, NULL, NULL, NULL);

typedef struct {
  PuppetFunc func;
  gpointer data;
  sem_t *done; /* (nullable) */
} Do;
HEMERA_DECLARE_MESSAGE (Do, do_it)
HEMERA_DEFINE_MESSAGE (Do, do_it, NULL, NULL, NULL, NULL);

typedef struct {
  HemeraPid next;
  guint hops;
  sem_t *done;
} Token;
HEMERA_DECLARE_MESSAGE (Token, token)
HEMERA_DEFINE_MESSAGE (Token, token, NULL, NULL, NULL, NULL);

typedef struct {
  Puppet *puppet;
  HemeraNext next;
} State;

HemeraActorMessage *
text_new_of (const char *text)
{
  Text payload = { 0 };

  g_strlcpy (payload.text, text, sizeof payload.text);
  return text_new (&payload);
}

static char
letter_of (World *world, HemeraPid pid)
{
  char letter = '?';

  pthread_mutex_lock (&world->lock);
  for (guint i = 0; i < world->puppets->len && letter == '?'; i++)
    if (hemera_pid_equal (((Puppet *) world->puppets->pdata[i])->pid, pid))
      letter = 'a' + (char) i;
  pthread_mutex_unlock (&world->lock);
  return letter;
}

static void note (Puppet *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (Puppet *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  pthread_mutex_lock (&self->lock);
  if (self->log->len > 0)
    g_string_append_c (self->log, ' ');
  g_string_append_vprintf (self->log, format, args);
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
  va_end (args);
}

static HemeraNext
init (HemeraActor *self, gpointer data, gconstpointer args)
{
  State *state = data;

  state->puppet = (Puppet *) args;
  return HEMERA_CONTINUE;
}

static void
note_message (HemeraActor *self, Puppet *puppet, HemeraActorMessage *message)
{
  HemeraExitMessage *exit = hemera_exit_message_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraStartedMessage *started = hemera_started_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  Text *text = text_peek (message);
  g_autofree char *reason = NULL;

  if (exit) {
    reason = hemera_view_to_string (hemera_term_view (exit->reason));
    note (puppet, "EXIT:%c:%s", letter_of (puppet->world, exit->from), reason);
  } else if (down) {
    reason = hemera_view_to_string (hemera_term_view (down->reason));
    if (down->name)
      note (puppet, "DOWN:%s:%s", down->name, reason);
    else
      note (puppet, "DOWN:%c:%s", letter_of (puppet->world, down->pid), reason);
  } else if (started) {
    reason = started->reason ? hemera_view_to_string (hemera_term_view (started->reason))
                             : g_strdup (started->ignored ? "ignored" : "ok");
    note (puppet, "started:%s", reason);
  } else if (timeout) {
    note (puppet, "timeout%s%s", timeout->message ? ":" : "",
          timeout->message ? ((Text *) hemera_actor_message_payload (timeout->message))->text : "");
  } else if (text) {
    note (puppet, "%s", text->text);
  } else {
    note (puppet, "%s", hemera_actor_message_type (message)->name);
  }
}

static HemeraNext
receive (HemeraActor *self, gpointer data, HemeraActorMessage *message)
{
  State *state = data;
  Do *command = do_it_peek (message);
  Token *token = token_peek (message);

  if (command) {
    command->func (self, state->puppet, command->data);
    if (command->done)
      sem_post (command->done);
  } else if (token) {
    if (token->hops == 0)
      sem_post (token->done);
    else
      token_send (token->next, &(Token){ hemera_actor_self (self), token->hops - 1, token->done });
  } else {
    note_message (self, state->puppet, message);
  }
  return state->next;
}

static void
terminate (HemeraActor *self, gpointer data, HemeraTerm *reason)
{
  ((State *) data)->puppet->terminated = hemera_term_ref (reason);
}

static void
finalize (gpointer data)
{
  State *state = data;

  if (!state->puppet) /* it ended before its init */
    return;
  pthread_mutex_lock (&state->puppet->lock);
  state->puppet->ended = TRUE;
  state->puppet->finalized++;
  pthread_cond_broadcast (&state->puppet->changed);
  pthread_mutex_unlock (&state->puppet->lock);
}

static const HemeraActorClass puppet_class = {
  .name = "puppet",
  .state_size = sizeof (State),
  .init = init,
  .receive = receive,
  .terminate = terminate,
  .finalize = finalize,
};

/* ---- worlds -------------------------------------------------------------------------------------------------------------------- */

World *
world_new (WorldKind kind)
{
  World *self = g_new0 (World, 1);
  g_autoptr (GError) error = NULL;

  self->kind = kind;
  pthread_mutex_init (&self->lock, NULL);
  self->puppets = g_ptr_array_new ();
  if (kind == WORLD_SIMULATED)
    self->system = hemera__system_new_simulated (g_test_rand_int () | 1);
  else
    self->system =
        hemera_system_new (&(HemeraSystemOptions){ .workers = kind == WORLD_SAME ? 1 : 2 }, &error);
  g_assert_no_error (error);
  return self;
}

void
world_free (World *self)
{
  hemera_system_unref (self->system);
  for (guint i = 0; i < self->puppets->len; i++) {
    Puppet *puppet = self->puppets->pdata[i];
    g_clear_pointer (&puppet->terminated, hemera_term_unref);
    g_string_free (puppet->log, TRUE);
    pthread_cond_destroy (&puppet->changed);
    pthread_mutex_destroy (&puppet->lock);
    g_free (puppet);
  }
  g_ptr_array_unref (self->puppets);
  pthread_mutex_destroy (&self->lock);
  g_free (self);
}

static Puppet *
alloc (World *world)
{
  Puppet *self = g_new0 (Puppet, 1);

  self->world = world;
  self->log = g_string_new (NULL);
  pthread_mutex_init (&self->lock, NULL);
  pthread_cond_init (&self->changed, NULL);
  pthread_mutex_lock (&world->lock);
  g_ptr_array_add (world->puppets, self);
  pthread_mutex_unlock (&world->lock);
  return self;
}

/* Under the lock, for it may end, and its letter be asked for, before its pid is known here. */
static void
spawn_locked (Puppet *self, HemeraActor *parent, const HemeraSpawn *spawn)
{
  pthread_mutex_lock (&self->world->lock);
  self->pid = parent ? hemera_actor_spawn (parent, spawn) : hemera_system_spawn (self->world->system, spawn);
  pthread_mutex_unlock (&self->world->lock);
}

Puppet *
puppet_new (World *world)
{
  Puppet *self = alloc (world);

  self->pid =
      hemera_system_spawn (world->system, &(HemeraSpawn){ .actor_class = &puppet_class, .args = { self } });
  return self;
}

Puppet *
puppet_spawn (HemeraActor *actor, Puppet *parent, HemeraSpawn spawn)
{
  Puppet *self = alloc (parent->world);

  if (!spawn.actor_class)
    spawn.actor_class = &puppet_class;
  spawn.args.data = self;
  spawn.placement = HEMERA_PLACE_OTHER;
  spawn_locked (self, actor, &spawn);
  return self;
}

void
puppet_post (Puppet *self, PuppetFunc func, gpointer data)
{
  do_it_send (self->pid, &(Do){ func, data, NULL });
}

static void
await_sem (World *world, sem_t *sem)
{
  struct timespec until;

  if (world->kind == WORLD_SIMULATED)
    hemera__system_run_until_idle (world->system);
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  if (sem_timedwait (sem, &until) != 0)
    g_error ("no answer");
}

void
puppet_do (Puppet *self, PuppetFunc func, gpointer data)
{
  sem_t done;

  sem_init (&done, 0, 0);
  do_it_send (self->pid, &(Do){ func, data, &done });
  await_sem (self->world, &done);
  sem_destroy (&done);
}

static gboolean
has_word (Puppet *self, const char *word)
{
  g_auto (GStrv) words = g_strsplit (self->log->str, " ", -1);

  return g_strv_contains ((const char *const *) words, word);
}

/* @word NULL: its end */
static void
await (Puppet *self, const char *word)
{
  struct timespec until;

  if (self->world->kind == WORLD_SIMULATED)
    hemera__system_run_until_idle (self->world->system);
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  pthread_mutex_lock (&self->lock);
  while (word ? !has_word (self, word) : !self->ended)
    if (pthread_cond_timedwait (&self->changed, &self->lock, &until) != 0)
      g_error ("waited for %s, log: %s", word ? word : "the end", self->log->str);
  pthread_mutex_unlock (&self->lock);
}

void
puppet_await (Puppet *self, const char *word)
{
  await (self, word);
}

void
puppet_await_end (Puppet *self)
{
  await (self, NULL);
}

void
puppet_await_gone (Puppet *self)
{
  puppet_await_end (self);
  for (guint ms = 0; hemera__pid_is_alive (self->pid); ms++) {
    g_assert_cmpuint (ms, <, 20000);
    g_usleep (1000);
  }
}

static void
send_token (HemeraActor *self, Puppet *puppet, gpointer data)
{
  gpointer *pair = data;

  token_send (((Puppet *) pair[0])->pid, &(Token){ hemera_actor_self (self), 3, pair[1] });
}

void
puppet_settle (Puppet *a, Puppet *b)
{
  sem_t done;
  gpointer pair[] = { b, &done };

  sem_init (&done, 0, 0);
  puppet_do (a, send_token, pair);
  await_sem (a->world, &done);
  sem_destroy (&done);
}

static void
wait_at_gate (HemeraActor *self, Puppet *puppet, gpointer gate)
{
  sem_wait (gate);
}

void
puppet_hold (Puppet *self, sem_t *gate)
{
  sem_init (gate, 0, 0);
  if (self->world->kind == WORLD_OTHER)
    puppet_post (self, wait_at_gate, gate);
}

void
puppet_release (Puppet *self, sem_t *gate)
{
  sem_post (gate);
}

char *
puppet_log (Puppet *self)
{
  char *log;

  pthread_mutex_lock (&self->lock);
  log = g_strdup (self->log->str);
  pthread_mutex_unlock (&self->lock);
  return log;
}

/* ---- frequent commands --------------------------------------------------------------------------------------------------------- */

void
do_trap (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera_actor_set_trap_exit (self, TRUE);
}

void
do_link (HemeraActor *self, Puppet *puppet, gpointer other)
{
  hemera_actor_link (self, ((Puppet *) other)->pid);
}

void
do_unlink (HemeraActor *self, Puppet *puppet, gpointer other)
{
  hemera_actor_unlink (self, ((Puppet *) other)->pid);
}

void
do_monitor (HemeraActor *self, Puppet *puppet, gpointer other)
{
  hemera_actor_monitor (self, ((Puppet *) other)->pid);
}

void
do_stop (HemeraActor *self, Puppet *puppet, gpointer reason)
{
  State *state = hemera_actor_state (self);

  state->next = hemera_actor_stop (self, hemera_term_new_atom (reason));
}

/* ---- registering --------------------------------------------------------------------------------------------------------------- */

typedef struct {
  WorldKind kind;
  void (*body) (World *world);
} Case;

static void
run_case (gconstpointer data)
{
  const Case *test = data;
  World *world = world_new (test->kind);

  test->body (world);
  world_free (world);
}

void
add_test (const char *path, void (*body) (World *world))
{
  static const char *const names[] = { "same-worker", "other-worker", "simulated" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *full = g_strdup_printf ("/runtime/%s/%s", names[i], path);
    Case *test = g_new (Case, 1);
    *test = (Case){ (WorldKind) i, body };
    g_test_add_data_func_full (full, test, run_case, g_free);
  }
}

static pthread_mutex_t report_lock = PTHREAD_MUTEX_INITIALIZER;
static guint n_reports;
static char last_report[256];

/* All fields of a report as one line: KEY=value, in the order of their keys here. */
static gboolean
keep_report (const GLogField *fields, gsize n_fields)
{
  static const char *const keys[] = { "HEMERA_PID", "HEMERA_NAME", "HEMERA_REASON", "MESSAGE",
                                      "GLIB_DOMAIN" };
  GString *line = g_string_new (NULL);
  gboolean has_id = FALSE;

  for (gsize k = 0; k < G_N_ELEMENTS (keys); k++)
    for (gsize i = 0; i < n_fields; i++) {
      has_id |= g_str_equal (fields[i].key, "MESSAGE_ID");
      if (g_str_equal (fields[i].key, keys[k]))
        g_string_append_printf (line, "%s=%s;", keys[k], (const char *) fields[i].value);
    }
  if (has_id) {
    pthread_mutex_lock (&report_lock);
    n_reports++;
    g_strlcpy (last_report, line->str, sizeof last_report);
    pthread_mutex_unlock (&report_lock);
  }
  g_string_free (line, TRUE);
  return has_id;
}

char *
puppet_last_crash_report (guint *count)
{
  char *line;

  pthread_mutex_lock (&report_lock);
  *count = n_reports;
  line = g_strdup (last_report);
  pthread_mutex_unlock (&report_lock);
  return line;
}

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  if (level & G_LOG_LEVEL_WARNING && keep_report (fields, n_fields))
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, user_data);
}

void
puppet_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  puppet_swallow_crash_reports ();
}

void
puppet_swallow_crash_reports (void)
{
  g_log_set_writer_func (write_log, NULL, NULL);
}

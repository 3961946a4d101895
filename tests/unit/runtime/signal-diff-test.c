/* Our signals against BEAM's: random programs from a seed over a few actors that spawn, send, link, unlink, monitor, demonitor, exit, trap,
 * register and use timers, run by both, and what each actor received, and what is left of it, compared step by step.
 *
 * A case is an Erlang term: {Number, Actors, [{Actor, Ops, Wait}]}. In a step one actor does its operations in one go, then all is left to
 * settle (Wait: timers too). Signals of several senders have no order among each other, so entries of one step are compared
 * by sender. SIGNAL_DIFF_SEED repeats a run, SIGNAL_DIFF_CASES says how many. Skipped where there is no escript. */
#include <string.h>

#include "runtime/signal/actor.h"
#include "tests/unit/runtime/oracle.h"
#include "tests/unit/runtime/puppet.h"

#define CASES      300
#define FIRST      3 /* actors at the start */
#define MAX_ACTORS 7
#define MAX_STEPS  14
#define MAX_OPS    6
#define SOON_MS    20 /* what the escript sleeps is longer, and WAIT_MS too */
#define NEVER_MS   3600000
#define WAIT_MS    100

typedef enum {
  SPAWN,
  SEND,
  SEND_NAME,
  TRAP,
  EXIT,
  STOP,
  LINK,
  UNLINK,
  MONITOR,
  MONITOR_NAME,
  DEMONITOR,
  REGISTER,
  UNREGISTER,
  WHEREIS,
  SEND_AFTER,
  START_TIMER,
  CANCEL,
} Verb;

typedef struct {
  Verb verb;
  guint actor; /* its letter, from 0 */
  guint number;
  guint ms;
  const char *name;
  const char *reason;
  gboolean flag;          /* TRAP: on; DEMONITOR: flush */
  gboolean link, monitor; /* SPAWN */
} Op;

typedef struct {
  guint actor;
  guint n_ops;
  gboolean waits;
  Op ops[MAX_OPS];
} Step;

typedef struct {
  guint n_steps;
  Step steps[MAX_STEPS];
} Case;

/* ---- making cases -------------------------------------------------------------------------------------------------------------- */

static guint
upto (GRand *rand, guint n)
{
  return (guint) g_rand_int_range (rand, 0, (gint32) n);
}

static Op
make_op (GRand *rand, guint *n_actors, guint focus, const char *reason)
{
  static const Verb verbs[] = { SPAWN,      SEND,         SEND,       SEND_NAME,   TRAP,     TRAP,
                                EXIT,       EXIT,         EXIT,       LINK,        LINK,     LINK,
                                LINK,       UNLINK,       UNLINK,     UNLINK,      MONITOR,  MONITOR,
                                MONITOR,    MONITOR_NAME, DEMONITOR,  DEMONITOR,   REGISTER, REGISTER,
                                UNREGISTER, WHEREIS,      SEND_AFTER, START_TIMER, CANCEL };
  static const char *const names[] = { "n", "m" };
  Op op = { .verb = verbs[upto (rand, G_N_ELEMENTS (verbs))],
            .actor = upto (rand, 2) ? focus : upto (rand, *n_actors),
            .number = upto (rand, 9),
            .ms = upto (rand, 3) ? SOON_MS : NEVER_MS,
            .name = names[upto (rand, G_N_ELEMENTS (names))],
            .reason = reason,
            .flag = upto (rand, 2) != 0,
            .link = upto (rand, 2) != 0,
            .monitor = upto (rand, 2) != 0 };

  if (op.verb == SPAWN && *n_actors == MAX_ACTORS)
    op.verb = SEND;
  if (op.verb == SPAWN)
    op.actor = (*n_actors)++;
  return op;
}

static gboolean
is_timer (const Op *op)
{
  return op->verb == SEND_AFTER || op->verb == START_TIMER;
}

static gboolean
has_verb (const Step *self, Verb verb)
{
  for (guint i = 0; i < self->n_ops; i++)
    if (self->ops[i].verb == verb)
      return TRUE;
  return FALSE;
}

/* Ends by `noproc` of a link and by another reason in one step: either may come first to a third one. So the link's is trapped. */
static void
keep_to_one_reason (Step *self)
{
  if (!has_verb (self, LINK) || !has_verb (self, EXIT))
    return;
  self->ops[0].verb = TRAP;
  for (guint i = 0; i < self->n_ops; i++)
    self->ops[i].flag |= self->ops[i].verb == TRAP;
}

/* On a busy machine a timer that is due soon may fire before the step is over. */
static void
keep_to_sure_timers (Step *self)
{
  for (guint i = 0; i < self->n_ops; i++)
    if (self->ops[i].verb == CANCEL)
      self->ops[i].verb = WHEREIS;
}

static Step
make_step (GRand *rand, guint *n_actors)
{
  static const char *const reasons[] = { "normal", "kill", "killed", "shutdown", "boom", "{shutdown,x}" };
  Step step = { .actor = upto (rand, *n_actors), .n_ops = 1 + upto (rand, MAX_OPS) };
  /* Most signals of a step go to one actor: there they meet. */
  guint focus = upto (rand, *n_actors);
  /* One for all ends of a step: of two that reach a third one, either may come first. */
  const char *reason = reasons[upto (rand, G_N_ELEMENTS (reasons))];

  for (guint i = 0; i < step.n_ops; i++) {
    Op *op = &step.ops[i];

    *op = make_op (rand, n_actors, focus, reason);
    step.waits |= is_timer (op) && op->ms == SOON_MS;
    /* exit/2 of BEAM to itself acts at once, ours behind the callback: as the last operation they are the same. */
    if (op->verb == EXIT && op->actor == step.actor)
      step.n_ops = i + 1;
  }
  keep_to_one_reason (&step);
  if (step.waits)
    keep_to_sure_timers (&step);
  if (upto (rand, 5) == 0 && step.ops[step.n_ops - 1].verb != SPAWN) {
    Op *last = &step.ops[step.n_ops - 1];

    last->verb = STOP;
    /* `kill` of one's own spreads as it is, that of exit/2 as `killed`. */
    if (has_verb (&step, EXIT) && g_str_equal (reason, "kill"))
      last->reason = "killed";
  }
  return step;
}

static Case
make_case (GRand *rand)
{
  Case c = { .n_steps = 1 + upto (rand, MAX_STEPS) };
  guint n_actors = FIRST;

  for (guint i = 0; i < c.n_steps; i++)
    c.steps[i] = make_step (rand, &n_actors);
  return c;
}

/* ---- as Erlang terms ------------------------------------------------------------------------------------------------------------ */

static void
print_op (GString *out, const Op *op)
{
  char actor = 'a' + (char) op->actor;

  switch (op->verb) {
  case SPAWN:
    g_string_append_printf (out, "{spawn,%c,[%s%s%s]}", actor, op->link ? "link" : "",
                            op->link && op->monitor ? "," : "", op->monitor ? "monitor" : "");
    break;
  case SEND: g_string_append_printf (out, "{send,%c,%u}", actor, op->number); break;
  case SEND_NAME: g_string_append_printf (out, "{send_name,%s,%u}", op->name, op->number); break;
  case TRAP: g_string_append_printf (out, "{trap,%s}", op->flag ? "true" : "false"); break;
  case EXIT: g_string_append_printf (out, "{exit,%c,%s}", actor, op->reason); break;
  case STOP: g_string_append_printf (out, "{stop,%s}", op->reason); break;
  case LINK: g_string_append_printf (out, "{link,%c}", actor); break;
  case UNLINK: g_string_append_printf (out, "{unlink,%c}", actor); break;
  case MONITOR: g_string_append_printf (out, "{monitor,%c}", actor); break;
  case MONITOR_NAME: g_string_append_printf (out, "{monitor_name,%s}", op->name); break;
  case DEMONITOR:
    g_string_append_printf (out, "{demonitor,%u,[%s]}", op->number, op->flag ? "flush" : "");
    break;
  case REGISTER: g_string_append_printf (out, "{register,%s}", op->name); break;
  case UNREGISTER: g_string_append (out, "unregister"); break;
  case WHEREIS: g_string_append_printf (out, "{whereis,%s}", op->name); break;
  case SEND_AFTER: g_string_append_printf (out, "{send_after,%u,%c,%u}", op->ms, actor, op->number); break;
  case START_TIMER: g_string_append_printf (out, "{start_timer,%u,%c,%u}", op->ms, actor, op->number); break;
  case CANCEL: g_string_append_printf (out, "{cancel,%u}", op->number); break;
  }
}

static void
print_case (GString *out, guint number, const Case *c)
{
  g_string_append_printf (out, "{%u,[a,b,c],[", number);
  for (guint i = 0; i < c->n_steps; i++) {
    const Step *step = &c->steps[i];

    g_string_append_printf (out, "%s{%c,[", i > 0 ? "," : "", 'a' + (char) step->actor);
    for (guint k = 0; k < step->n_ops; k++) {
      g_string_append (out, k > 0 ? "," : "");
      print_op (out, &step->ops[k]);
    }
    g_string_append_printf (out, "],%s}", step->waits ? "true" : "false");
  }
  g_string_append (out, "]}.\n");
}

/* ---- through ours ---------------------------------------------------------------------------------------------------------------- */

typedef struct _Run Run;

typedef struct {
  Run *run;
  guint letter;
  HemeraPid pid;
  HemeraRef watch; /* the observer's monitor; none: not watched yet */
  GString *entries;
  GArray *monitors; /* of HemeraRef, in the order made */
  GArray *timers;
  char *state; /* (nullable): what it said of itself */
  char *end;   /* (nullable) */
} Player;

struct _Run {
  HemeraSystem *system;
  HemeraPid observer;
  Player players[MAX_ACTORS];
};

/* To a player: do these; NULL: say what is left of you. */
typedef struct {
  const Step *step;
} Batch;
HEMERA_DECLARE_MESSAGE (Batch, batch)
HEMERA_DEFINE_MESSAGE (Batch, batch, NULL, NULL, NULL, NULL);

/* From a player to another. */
typedef struct {
  guint from;
  guint number;
  gboolean later; /* by send_after */
} Word;
HEMERA_DECLARE_MESSAGE (Word, word)
HEMERA_DEFINE_MESSAGE (Word, word, NULL, NULL, NULL, NULL);

static char
letter_of (Run *run, HemeraPid pid)
{
  for (guint i = 0; i < MAX_ACTORS; i++)
    if (pid.id != 0 && hemera_pid_equal (run->players[i].pid, pid))
      return 'a' + (char) i;
  return '?';
}

static void note (Player *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
note (Player *self, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (self->entries->len > 0)
    g_string_append_c (self->entries, '|');
  g_string_append_vprintf (self->entries, format, args);
  va_end (args);
}

static HemeraRef
nth (GArray *refs, guint k)
{
  return refs->len > 0 ? g_array_index (refs, HemeraRef, k % refs->len) : HEMERA_REF_NONE;
}

static guint
index_of (GArray *refs, HemeraRef ref)
{
  guint i = 0;

  while (i < refs->len && !hemera_ref_equal (g_array_index (refs, HemeraRef, i), ref))
    i++;
  return i;
}

static HemeraNext player_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message);

static HemeraNext
player_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(Player **) state = (Player *) args;
  hemera__actor_receive_parent_exit (self); /* a process, not a gen_server */
  return HEMERA_CONTINUE;
}

static const HemeraActorClass player_class = {
  .name = "player", .state_size = sizeof (Player *), .init = player_init, .receive = player_receive
};

static void
spawn (HemeraActor *self, Player *player, const Op *op)
{
  Player *child = &player->run->players[op->actor];
  HemeraRef ref = HEMERA_REF_NONE;

  child->pid = hemera_actor_spawn (self, &(HemeraSpawn){ .actor_class = &player_class,
                                                         .args = { child },
                                                         .link = op->link,
                                                         .monitor = op->monitor ? &ref : NULL });
  if (op->monitor)
    g_array_append_val (player->monitors, ref);
  note (player, "-:spawned");
}

static void
add_ref (GArray *refs, HemeraRef ref)
{
  g_array_append_val (refs, ref);
}

static HemeraActorMessage *
word_of (Player *from, const Op *op)
{
  return word_new (&(Word){ from->letter, op->number, op->verb == SEND_AFTER });
}

static void
say (Player *self, gboolean yes)
{
  note (self, "-:%s", yes ? "true" : "false");
}

/* Operations on another actor; nothing when that has not been spawned. */
static void
do_to (HemeraActor *self, Player *player, const Op *op, HemeraPid to)
{
  g_autoptr (HemeraTerm) reason = hemera_term_new (op->reason);

  if (to.id == 0)
    return;
  if (op->verb == SEND)
    hemera_send (to, word_of (player, op));
  else if (op->verb == EXIT)
    hemera_actor_exit (self, to, reason);
  else if (op->verb == LINK)
    hemera_actor_link (self, to);
  else if (op->verb == UNLINK)
    hemera_actor_unlink (self, to);
  else if (op->verb == MONITOR)
    add_ref (player->monitors, hemera_actor_monitor (self, to));
  else if (op->verb == SEND_AFTER)
    add_ref (player->timers, hemera_actor_send_after (self, op->ms, to, word_of (player, op)));
  else
    add_ref (player->timers, hemera_actor_start_timer (self, op->ms, to, word_of (player, op)));
}

static HemeraNext
do_op (HemeraActor *self, Player *player, const Op *op)
{
  Run *run = player->run;

  switch (op->verb) {
  case SPAWN: spawn (self, player, op); break;
  case SEND_NAME: say (player, hemera_send_name (run->system, op->name, word_of (player, op))); break;
  case TRAP: hemera_actor_set_trap_exit (self, op->flag); break;
  case STOP: return hemera_actor_stop (self, hemera_term_new (op->reason));
  case MONITOR_NAME: add_ref (player->monitors, hemera_actor_monitor_name (self, op->name)); break;
  case DEMONITOR:
    if (player->monitors->len > 0)
      say (player, hemera_actor_demonitor (self, nth (player->monitors, op->number), op->flag));
    break;
  case REGISTER: say (player, hemera_actor_register (self, op->name)); break;
  case UNREGISTER: hemera_actor_unregister (self); break;
  case WHEREIS: {
    HemeraPid pid = hemera_system_whereis (run->system, op->name);

    if (pid.id != 0)
      note (player, "-:%c", letter_of (run, pid));
    else
      note (player, "-:none");
    break;
  }
  case CANCEL:
    if (player->timers->len > 0)
      say (player, hemera_actor_cancel_timer (self, nth (player->timers, op->number)) >= 0);
    break;
  case SEND:
  case EXIT:
  case LINK:
  case UNLINK:
  case MONITOR:
  case SEND_AFTER:
  case START_TIMER: do_to (self, player, op, run->players[op->actor].pid); break;
  }
  return HEMERA_CONTINUE;
}

static void
describe (HemeraActor *self, Player *player)
{
  GString *text = g_string_new ("{");
  guint monitors = 0;

  for (guint i = 0; i < MAX_ACTORS; i++) {
    HemeraTableNode *node = hemera__table_lookup (&self->links, player->run->players[i].pid.id);

    if (node == NULL)
      continue;
    g_assert_cmpuint (((HemeraLink *) node)->unlink_id, ==, 0); /* every unlink has been answered */
    g_string_append_c (text, 'a' + (char) i);
  }
  for (HemeraTableNode *node = self->entries.first; node; node = node->next)
    monitors += ((HemeraMonitor *) node)->kind == HEMERA_ENTRY_MONITOR;
  g_string_append_printf (text, ";%u;%s;%s}", monitors, self->name ? self->name : "",
                          self->trap_exit ? "true" : "false");
  g_free (player->state);
  player->state = g_string_free (text, FALSE);
}

static void
note_message (Player *self, HemeraActorMessage *message)
{
  HemeraExitMessage *exit = hemera_exit_message_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  Word *said = word_peek (timeout ? timeout->message : message);
  HemeraTerm *term = exit ? exit->reason : down ? down->reason : NULL;
  g_autofree char *reason = term ? hemera_view_to_string (hemera_term_view (term)) : NULL;

  if (exit)
    note (self, "%c:EXIT:%s", letter_of (self->run, exit->from), reason);
  else if (down && down->name)
    note (self, "%s:DOWN%u:%s", down->name, index_of (self->monitors, down->ref), reason);
  else if (down)
    note (self, "%c:DOWN%u:%s", letter_of (self->run, down->pid), index_of (self->monitors, down->ref),
          reason);
  else if (timeout || said->later)
    note (self, "~%c:%s%u", 'a' + (char) said->from, timeout ? "timeout" : "after", said->number);
  else
    note (self, "%c:%u", 'a' + (char) said->from, said->number);
}

static HemeraNext
player_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Player *player = *(Player **) state;
  Batch *command = batch_peek (message);
  HemeraNext next = HEMERA_CONTINUE;

  if (!command)
    note_message (player, message);
  else if (!command->step)
    describe (self, player);
  else
    for (guint i = 0; i < command->step->n_ops; i++)
      next = do_op (self, player, &command->step->ops[i]);
  return next;
}

/* Watches who is new each time it is told to, and keeps how they end. */
static HemeraNext
observer_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Run *run = *(Run **) state;
  HemeraDownMessage *down = hemera_down_message_peek (message);

  for (guint i = 0; i < MAX_ACTORS; i++) {
    Player *player = &run->players[i];

    if (down && hemera_ref_equal (down->ref, player->watch))
      player->end = hemera_view_to_string (hemera_term_view (down->reason));
    else if (!down && player->pid.id != 0 && player->watch.id == 0)
      player->watch = hemera_actor_monitor (self, player->pid);
  }
  return HEMERA_CONTINUE;
}

static HemeraNext
observer_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(Run **) state = (Run *) args;
  return HEMERA_CONTINUE;
}

static const HemeraActorClass observer_class = {
  .name = "observer", .state_size = sizeof (Run *), .init = observer_init, .receive = observer_receive
};

static void
settle (Run *self)
{
  hemera__system_run_until_idle (self->system);
  batch_send (self->observer, &(Batch){ NULL });
  hemera__system_run_until_idle (self->system);
}

static void
append_step (Run *self, GString *out)
{
  for (guint i = 0; i < MAX_ACTORS; i++) {
    Player *player = &self->players[i];

    if (player->pid.id == 0)
      continue;
    if (!player->end)
      batch_send (player->pid, &(Batch){ NULL });
    hemera__system_run_until_idle (self->system);
    g_string_append_printf (out, "%s%c[%s]", i > 0 ? " " : "", 'a' + (char) i, player->entries->str);
    g_string_truncate (player->entries, 0);
    if (player->end)
      g_string_append_printf (out, "=%s", player->end);
    else
      g_string_append (out, player->state);
  }
}

static Run *
run_new (guint64 seed)
{
  Run *self = g_new0 (Run, 1);

  self->system = hemera__system_new_simulated (seed);
  self->observer =
      hemera_system_spawn (self->system, &(HemeraSpawn){ .actor_class = &observer_class, .args = { self } });
  for (guint i = 0; i < MAX_ACTORS; i++) {
    Player *player = &self->players[i];

    player->run = self;
    player->letter = i;
    player->entries = g_string_new (NULL);
    player->monitors = g_array_new (FALSE, FALSE, sizeof (HemeraRef));
    player->timers = g_array_new (FALSE, FALSE, sizeof (HemeraRef));
    if (i < FIRST)
      player->pid = hemera_system_spawn (self->system,
                                         &(HemeraSpawn){ .actor_class = &player_class, .args = { player } });
  }
  settle (self);
  return self;
}

static void
run_free (Run *self)
{
  hemera_system_unref (self->system);
  for (guint i = 0; i < MAX_ACTORS; i++) {
    Player *player = &self->players[i];

    g_string_free (player->entries, TRUE);
    g_array_unref (player->monitors);
    g_array_unref (player->timers);
    g_free (player->state);
    g_free (player->end);
  }
  g_free (self);
}

/* (transfer full): what happened. */
static char *
run_case (const Case *c, guint64 seed)
{
  GString *out = g_string_new (NULL);
  Run *run = run_new (seed);

  for (guint i = 0; i < c->n_steps; i++) {
    Player *player = &run->players[c->steps[i].actor];

    batch_send (player->pid, &(Batch){ &c->steps[i] });
    settle (run);
    if (c->steps[i].waits) {
      hemera__system_advance (run->system, WAIT_MS * 1000);
      settle (run);
    }
    g_string_append (out, i > 0 ? " / " : "");
    append_step (run, out);
  }
  run_free (run);
  return g_string_free (out, FALSE);
}

/* ---- the comparison --------------------------------------------------------------------------------------------------------------- */

/* EXIT and DOWN, several monitors' DOWNs, equal timers: no order is promised even from one sender. */
static gboolean
is_unordered (const char *entry)
{
  return g_str_has_prefix (entry, ":EXIT") || g_str_has_prefix (entry, ":DOWN")
         || g_str_has_prefix (entry, ":timeout") || g_str_has_prefix (entry, ":after");
}

static int
compare_entries (const char *a, const char *b)
{
  gsize sender = MAX (strcspn (a, ":"), strcspn (b, ":"));
  int order = strncmp (a, b, sender);

  if (order != 0)
    return order;
  return is_unordered (a + sender) && is_unordered (b + sender) ? strcmp (a, b) : 0;
}

/* Stable: what one sender sent keeps its order. */
static void
sort_entries (char **entries)
{
  for (guint i = 1; entries[0] && entries[i]; i++)
    for (guint k = i; k > 0 && compare_entries (entries[k - 1], entries[k]) > 0; k--) {
      char *swap = entries[k];
      entries[k] = entries[k - 1];
      entries[k - 1] = swap;
    }
}

/* (transfer full): @line with the entries between each pair of brackets sorted. Of who ended in a step they are left out: how much it
 * handled before is a matter of chance. */
static char *
normal_form (const char *line)
{
  GString *out = g_string_new (NULL);
  const char *open;

  while ((open = strchr (line, '['))) {
    const char *close = strchr (open, ']');
    g_autofree char *inside = g_strndup (open + 1, (gsize) (close - open - 1));
    g_auto (GStrv) entries = g_strsplit (inside, "|", -1);
    g_autofree char *sorted = NULL;

    sort_entries (entries);
    sorted = g_strjoinv ("|", entries);
    g_string_append_len (out, line, open + 1 - line);
    g_string_append_printf (out, "%s]", close[1] == '=' ? "" : sorted);
    line = close + 1;
  }
  g_string_append (out, line);
  return g_string_free (out, FALSE);
}

static void
compare (const Case *c, guint number, guint32 seed, const char *line)
{
  g_autofree char *raw = run_case (c, (guint64) seed << 32 | (number + 1));
  g_autofree char *ours = normal_form (raw);
  g_autofree char *theirs = normal_form (strchr (line, ' ') + 1);
  g_autoptr (GString) text = g_string_new (NULL);

  if (g_str_equal (ours, theirs))
    return;
  print_case (text, number, c);
  g_test_message ("seed %u: %s", seed, text->str);
  g_test_message ("BEAM: %s", theirs);
  g_test_message ("ours: %s", ours);
  g_test_fail ();
}

static void
random_programs_agree_with_beam (void)
{
  guint n = (guint) oracle_number ("SIGNAL_DIFF_CASES", CASES);
  guint32 seed = (guint32) oracle_number ("SIGNAL_DIFF_SEED", 20250712);
  g_autofree Case *cases = g_new (Case, n);
  g_autoptr (GString) script = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n; i++) {
    cases[i] = make_case (rand);
    print_case (script, i, &cases[i]);
  }
  lines = oracle_run (SIGNAL_DIFF_ESCRIPT, script->str, n);
  if (!lines) {
    g_test_skip ("no escript");
    return;
  }
  for (guint i = 0; i < n; i++)
    compare (&cases[i], i, seed, lines[i]);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  g_test_add_func ("/runtime/random-programs-agree-with-beam", random_programs_agree_with_beam);
  return g_test_run ();
}

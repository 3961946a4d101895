/* Our supervisor against OTP's: random cases from a seed, run by both, and what happened compared line by line. The cases are Erlang
 * terms: {Number, {Strategy, Intensity, AutoShutdown}, Kids, Ops}. A failing case is printed; OTP_DIFF_SEED repeats a run,
 * OTP_DIFF_CASES says how many. Skipped where there is no escript. Ours runs on the simulated system. */
#include "harness.h"

#include <string.h>

#include "runtime/sched/slot.h"
#include "tests/unit/runtime/oracle.h"

#define CASES    1000
#define MAX_KIDS 5
#define MAX_OPS  12

static const char *const strategies[] = { "one_for_one", "rest_for_one", "one_for_all" };
static const char *const autos[] = { "never", "any_significant", "all_significant" };
static const char *const restarts[] = { "permanent", "transient", "temporary" };
static const char *const reasons[] = { "normal", "shutdown", "{shutdown,x}", "oops", "kill" };
static const char *const ids[] = { "a", "b", "c", "d", "e", "z" };
static const char *const outcomes[] = { ".", ".", ".", ".", ".f.", ".ff.", ".i.", "f", "i", ".f" };

typedef struct {
  const char *id;
  HemeraRestart restart;
  gboolean significant;
  gboolean traps;
  gboolean brutal;
  const char *outcomes;
} Kid;

typedef enum { DIE, KILL, EXIT, TERMINATE, RESTART, DELETE, ADD, WHICH, COUNT, N_VERBS } Verb;

typedef struct {
  Verb verb;
  const char *id;
  const char *reason;
  Kid kid;
} Op;

typedef struct {
  HemeraStrategy strategy;
  guint intensity;
  HemeraAutoShutdown auto_shutdown;
  Kid kids[MAX_KIDS];
  guint n_kids;
  Op ops[MAX_OPS];
  guint n_ops;
} Case;

/* ---- making cases -------------------------------------------------------------------------------------------------------------- */

static guint
upto (GRand *rand, guint n)
{
  return (guint) g_rand_int_range (rand, 0, (gint32) n);
}

static Kid
make_kid (GRand *rand, const char *id, HemeraAutoShutdown auto_shutdown)
{
  Kid kid = {
    .id = id, .restart = upto (rand, 3), .traps = upto (rand, 4) > 0, .brutal = upto (rand, 6) == 0
  };

  kid.outcomes = outcomes[upto (rand, G_N_ELEMENTS (outcomes))];
  /* Mostly legal. */
  if (auto_shutdown != HEMERA_AUTO_SHUTDOWN_NEVER && kid.restart != HEMERA_RESTART_PERMANENT)
    kid.significant = upto (rand, 2);
  else
    kid.significant = upto (rand, 60) == 0;
  return kid;
}

static Op
make_op (GRand *rand, const Case *c)
{
  static const Verb verbs[] = { DIE,  DIE,       DIE,     DIE,    DIE, DIE,   KILL, EXIT,
                                EXIT, TERMINATE, RESTART, DELETE, ADD, WHICH, COUNT };
  Op op = { .verb = verbs[upto (rand, G_N_ELEMENTS (verbs))], .id = ids[upto (rand, c->n_kids + 1)] };

  op.reason = reasons[upto (rand, op.verb == EXIT ? 5 : 4)];
  op.kid = make_kid (rand, op.id, c->auto_shutdown);
  return op;
}

static Case
make_case (GRand *rand)
{
  Case c = { .strategy = upto (rand, 3), .intensity = upto (rand, 5), .auto_shutdown = upto (rand, 3) };

  c.n_kids = upto (rand, MAX_KIDS + 1);
  for (guint i = 0; i < c.n_kids; i++)
    c.kids[i] = make_kid (rand, ids[i], c.auto_shutdown);
  c.n_ops = 1 + upto (rand, MAX_OPS);
  for (guint i = 0; i < c.n_ops; i++)
    c.ops[i] = make_op (rand, &c);
  return c;
}

/* ---- as Erlang terms ------------------------------------------------------------------------------------------------------------ */

static void
print_kid (GString *out, const Kid *kid)
{
  g_string_append_printf (out, "{%s,%s,%s,%s,%s,\"%s\"}", kid->id, restarts[kid->restart],
                          kid->significant ? "true" : "false", kid->traps ? "true" : "false",
                          kid->brutal ? "brutal_kill" : "5000", kid->outcomes);
}

static void
print_op (GString *out, const Op *op)
{
  static const char *const names[N_VERBS] = { "die",    "kill", "exit",  "terminate", "restart",
                                              "delete", "add",  "which", "count" };

  if (op->verb == WHICH || op->verb == COUNT)
    g_string_append (out, names[op->verb]);
  else if (op->verb == ADD) {
    g_string_append (out, "{add,");
    print_kid (out, &op->kid);
    g_string_append_c (out, '}');
  } else if (op->verb == DIE || op->verb == EXIT)
    g_string_append_printf (out, "{%s,%s,%s}", names[op->verb], op->id, op->reason);
  else
    g_string_append_printf (out, "{%s,%s}", names[op->verb], op->id);
}

static void
print_case (GString *out, guint number, const Case *c)
{
  g_string_append_printf (out, "{%u,{%s,%u,%s},[", number, strategies[c->strategy], c->intensity,
                          autos[c->auto_shutdown]);
  for (guint i = 0; i < c->n_kids; i++) {
    g_string_append (out, i > 0 ? "," : "");
    print_kid (out, &c->kids[i]);
  }
  g_string_append (out, "],[");
  for (guint i = 0; i < c->n_ops; i++) {
    g_string_append (out, i > 0 ? "," : "");
    print_op (out, &c->ops[i]);
  }
  g_string_append (out, "]}.\n");
}

/* ---- through ours ---------------------------------------------------------------------------------------------------------------- */

static HemeraChildSpec
spec_of (Fixture *f, const Kid *k)
{
  HemeraChildSpec spec = kid_full (f, k->id, k->restart, k->traps ? 0 : KID_NO_TRAP, k->outcomes);

  spec.significant = k->significant;
  spec.shutdown_ms = k->brutal ? HEMERA_SHUTDOWN_BRUTAL_KILL : 5000;
  return spec;
}

static void
request (Fixture *f, HemeraActorMessage *message)
{
  ask (f, f->sup, message);
  hemera__system_run_until_idle (f->system);
}

static void
run_ending (Fixture *f, const Op *op)
{
  HemeraPid pid = kid_pid (f, op->id);
  g_autoptr (HemeraTerm) reason = NULL;

  if (!hemera__pid_is_alive (pid)) {
    log_add (f, "none");
    return;
  }
  reason = hemera_term_new (op->verb == KILL ? "kill" : op->reason);
  if (op->verb == DIE)
    die (f, op->id, op->reason);
  else
    hemera_exit (pid, reason);
  hemera__system_run_until_idle (f->system);
}

static void
run_op (Fixture *f, const Op *op)
{
  g_autoptr (GString) text = g_string_new ("> ");
  HemeraChildSpec spec;

  print_op (text, op);
  log_add (f, "%s", text->str);
  switch (op->verb) {
  case DIE:
  case KILL:
  case EXIT: run_ending (f, op); break;
  case TERMINATE: request (f, hemera_supervisor_terminate_child (op->id)); break;
  case RESTART: request (f, hemera_supervisor_restart_child (op->id)); break;
  case DELETE: request (f, hemera_supervisor_delete_child (op->id)); break;
  case ADD:
    spec = spec_of (f, &op->kid);
    request (f, hemera_supervisor_start_child (&spec));
    kid_spec_clear (&spec);
    break;
  case WHICH: request (f, hemera_supervisor_which_children ()); break;
  case COUNT: request (f, hemera_supervisor_count_children ()); break;
  case N_VERBS: g_assert_not_reached ();
  }
}

/* (transfer full): what happened. */
static char *
run_case (const Case *c)
{
  Fixture f = { 0 };
  HemeraSupervisorSpec spec = { .strategy = c->strategy,
                                .intensity = c->intensity != 0 ? c->intensity : HEMERA_INTENSITY_ZERO,
                                .period_ms = 3600 * 1000,
                                .auto_shutdown = c->auto_shutdown };
  HemeraChildSpec kids[MAX_KIDS];
  char *text;

  fixture_set_up (&f, GUINT_TO_POINTER (SIMULATED));
  for (guint i = 0; i < c->n_kids; i++)
    kids[i] = spec_of (&f, &c->kids[i]);
  start_sup (&f, &spec, kids, c->n_kids);
  hemera__system_run_until_idle (f.system);
  for (guint i = 0; i < c->n_ops && hemera__pid_is_alive (f.sup); i++)
    run_op (&f, &c->ops[i]);
  if (hemera__pid_is_alive (f.sup)) {
    exit_from_parent (&f, f.sup, "shutdown");
    hemera__system_run_until_idle (f.system);
  }
  text = g_strdup (f.log->str);
  fixture_tear_down (&f, NULL);
  return text;
}

static void
test_against_otp (void)
{
  guint n = (guint) oracle_number ("OTP_DIFF_CASES", CASES);
  guint32 seed = (guint32) oracle_number ("OTP_DIFF_SEED", 20250711);
  g_autofree Case *cases = g_new (Case, n);
  g_autoptr (GString) script = g_string_new (NULL);
  g_auto (GStrv) lines = NULL;
  GRand *rand = g_rand_new_with_seed (seed);

  for (guint i = 0; i < n; i++) {
    cases[i] = make_case (rand);
    print_case (script, i, &cases[i]);
  }
  g_rand_free (rand);
  lines = oracle_run (OTP_DIFF_ESCRIPT, script->str, n);
  if (lines == NULL) {
    g_test_skip ("no escript");
    return;
  }
  for (guint i = 0; i < n; i++) {
    g_autofree char *ours = run_case (&cases[i]);
    g_autoptr (GString) text = g_string_new (NULL);

    if (g_str_equal (strchr (lines[i], ' ') + 1, ours))
      continue;
    print_case (text, i, &cases[i]);
    g_test_message ("seed %u: %s", seed, text->str);
    g_test_message ("OTP:  %s", strchr (lines[i], ' ') + 1);
    g_test_message ("ours: %s", ours);
    g_test_fail ();
  }
}

static void
add_tests (void)
{
  g_test_add_func ("/supervisor/random-cases-agree-with-otp", test_against_otp);
}

int
main (int argc, char **argv)
{
  return harness_run (&argc, &argv, add_tests);
}

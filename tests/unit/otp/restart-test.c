/* Tables for the pure parts of the supervisor: decision, window, group, back-off. */
#include <hemera/term-builder.h>
#include <string.h>

#include "runtime/otp/backoff.h"
#include "runtime/otp/restart-decision.h"
#include "runtime/otp/restart-group.h"
#include "runtime/otp/restart-window.h"

#define PERMANENT HEMERA_RESTART_PERMANENT
#define TRANSIENT HEMERA_RESTART_TRANSIENT
#define TEMPORARY HEMERA_RESTART_TEMPORARY
#define NEVER     HEMERA_AUTO_SHUTDOWN_NEVER
#define ANY       HEMERA_ANY_SIGNIFICANT
#define ALL       HEMERA_ALL_SIGNIFICANT

typedef struct {
  HemeraRestart restart;
  gboolean clean, significant;
  HemeraAutoShutdown auto_shutdown;
  gboolean other;
  HemeraChildFate fate;
  gboolean shutdown;
} DecisionRow;

static void
check_decisions (const DecisionRow *rows, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    HemeraRestartDecision decision = hemera__restart_decide (
        rows[i].restart, rows[i].clean, rows[i].significant, rows[i].auto_shutdown, rows[i].other);

    g_test_message ("row %" G_GSIZE_FORMAT, i);
    g_assert_cmpint (decision.fate, ==, rows[i].fate);
    g_assert_cmpint (decision.shutdown, ==, rows[i].shutdown);
    g_assert_cmpint (decision.crash, ==, !rows[i].clean);
  }
}

static void
test_decision_9_5 (void)
{
  static const DecisionRow rows[] = {
    { PERMANENT, TRUE, FALSE, NEVER, FALSE, HEMERA__CHILD_RESTART, FALSE },
    { PERMANENT, FALSE, FALSE, NEVER, FALSE, HEMERA__CHILD_RESTART, FALSE },
    { TRANSIENT, TRUE, FALSE, NEVER, FALSE, HEMERA__CHILD_KEEP, FALSE },
    { TRANSIENT, FALSE, FALSE, NEVER, FALSE, HEMERA__CHILD_RESTART, FALSE },
    { TEMPORARY, TRUE, FALSE, NEVER, FALSE, HEMERA__CHILD_FORGET, FALSE },
    { TEMPORARY, FALSE, FALSE, NEVER, FALSE, HEMERA__CHILD_FORGET, FALSE },
  };

  check_decisions (rows, G_N_ELEMENTS (rows));
}

static void
test_decision_9_18 (void)
{
  static const DecisionRow rows[] = {
    { TRANSIENT, TRUE, TRUE, ANY, TRUE, HEMERA__CHILD_KEEP, TRUE },
    { TRANSIENT, FALSE, TRUE, ANY, TRUE, HEMERA__CHILD_RESTART, FALSE },
    { TRANSIENT, TRUE, FALSE, ANY, TRUE, HEMERA__CHILD_KEEP, FALSE },
    { TEMPORARY, FALSE, TRUE, ANY, TRUE, HEMERA__CHILD_FORGET, TRUE },
    { TRANSIENT, TRUE, TRUE, ALL, TRUE, HEMERA__CHILD_KEEP, FALSE },
    { TRANSIENT, TRUE, TRUE, ALL, FALSE, HEMERA__CHILD_KEEP, TRUE },
    { TEMPORARY, FALSE, TRUE, ALL, FALSE, HEMERA__CHILD_FORGET, TRUE },
    { TRANSIENT, TRUE, FALSE, ALL, FALSE, HEMERA__CHILD_KEEP, FALSE },
    { TRANSIENT, TRUE, TRUE, NEVER, FALSE, HEMERA__CHILD_KEEP, FALSE },
  };

  check_decisions (rows, G_N_ELEMENTS (rows));
}

static void
test_stop_reason_9_15 (void)
{
  static const struct {
    const char *reason;
    HemeraRestart restart;
    gboolean brutal, expected;
  } rows[] = {
    { "shutdown", PERMANENT, FALSE, TRUE },       { "normal", PERMANENT, FALSE, FALSE },
    { "{shutdown, x}", PERMANENT, FALSE, FALSE }, { "normal", TRANSIENT, FALSE, TRUE },
    { "{shutdown, x}", TEMPORARY, FALSE, TRUE },  { "killed", TRANSIENT, FALSE, FALSE },
    { "killed", PERMANENT, TRUE, TRUE },          { "shutdown", PERMANENT, TRUE, FALSE },
    { "shutdown", TRANSIENT, TRUE, TRUE },        { "oops", TEMPORARY, FALSE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HemeraTerm) reason = hemera_term_new (rows[i].reason);

    g_test_message ("row %" G_GSIZE_FORMAT, i);
    g_assert_cmpint (hemera__stop_reason_is_expected (reason, rows[i].restart, rows[i].brutal), ==,
                     rows[i].expected);
  }
}

static void
test_window_9_8_edge (void)
{
  HemeraRestartWindow window;

  hemera__restart_window_init (&window, 2, 1000);
  g_assert_true (hemera__restart_window_add (&window, 0, 1));
  g_assert_true (hemera__restart_window_add (&window, 500, 1));
  g_assert_false (hemera__restart_window_add (&window, 1000, 1));
  hemera__restart_window_clear (&window);
}

static void
test_window_slides (void)
{
  HemeraRestartWindow window;

  hemera__restart_window_init (&window, 2, 1000);
  for (gint64 now = 0; now < 100000; now += 501)
    g_assert_true (hemera__restart_window_add (&window, now, 1));
  g_assert_cmpuint (window.size, <=, 3);
  hemera__restart_window_clear (&window);
}

static void
test_window_zero (void)
{
  HemeraRestartWindow window;

  hemera__restart_window_init (&window, 0, 1000);
  g_assert_false (hemera__restart_window_add (&window, 0, 1));
  hemera__restart_window_clear (&window);
}

static void
test_window_forget (void)
{
  HemeraRestartWindow window;

  hemera__restart_window_init (&window, 3, 1000);
  g_assert_true (hemera__restart_window_add (&window, 0, 1));
  g_assert_true (hemera__restart_window_add (&window, 1, 2));
  g_assert_true (hemera__restart_window_add (&window, 2, 1));
  hemera__restart_window_forget (&window, 1);
  g_assert_true (hemera__restart_window_add (&window, 3, 1));
  g_assert_true (hemera__restart_window_add (&window, 4, 1));
  g_assert_false (hemera__restart_window_add (&window, 5, 1));
  hemera__restart_window_clear (&window);
}

/* Against the definition, over all the times that were ever added. */
static void
test_window_model (void)
{
  GRand *rand = g_rand_new_with_seed (7);

  for (guint round = 0; round < 200; round++) {
    guint intensity = (guint) g_rand_int_range (rand, 0, 20);
    guint period = (guint) g_rand_int_range (rand, 1, 50);
    g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
    HemeraRestartWindow window;
    gint64 now = 0;

    hemera__restart_window_init (&window, intensity, period);
    for (guint step = 0; step < 100; step++) {
      guint within = 1;

      now += g_rand_int_range (rand, 0, 8);
      for (guint i = 0; i < times->len; i++)
        within += now - g_array_index (times, gint64, i) <= period;
      g_assert_cmpint (hemera__restart_window_add (&window, now, 1), ==, within <= intensity);
      if (within > intensity)
        break;
      g_array_append_val (times, now);
    }
    hemera__restart_window_clear (&window);
  }
  g_rand_free (rand);
}

static void
check_group (HemeraStrategy strategy, guint failed, const char *stops, const char *starts)
{
  /* 0 permanent, 1 temporary, 2 transient, 3 permanent */
  static const HemeraRestart restarts[] = { PERMANENT, TEMPORARY, TRANSIENT, PERMANENT };
  g_autoptr (GString) text = g_string_new (NULL);
  HemeraRestartGroup group;

  hemera__restart_group_init (&group, strategy, restarts, G_N_ELEMENTS (restarts), failed);
  for (guint i = 0; i < group.n_stops; i++)
    g_string_append_printf (text, "%u", group.stops[i]);
  g_assert_cmpstr (text->str, ==, stops);
  g_string_truncate (text, 0);
  for (guint i = 0; i < group.n_starts; i++)
    g_string_append_printf (text, "%u", group.starts[i]);
  g_assert_cmpstr (text->str, ==, starts);
  hemera__restart_group_clear (&group);
}

static void
test_group_one_for_one (void)
{
  check_group (HEMERA_ONE_FOR_ONE, 2, "", "2");
}

static void
test_group_rest_for_one (void)
{
  check_group (HEMERA_REST_FOR_ONE, 0, "321", "023");
  check_group (HEMERA_REST_FOR_ONE, 2, "3", "23");
  check_group (HEMERA_REST_FOR_ONE, 3, "", "3");
}

static void
test_group_one_for_all (void)
{
  check_group (HEMERA_ONE_FOR_ALL, 2, "310", "023");
}

static void
test_backoff_bounds (void)
{
  static const HemeraBackoff backoff = { .base_ms = 100, .cap_ms = 1000 };
  static const guint bounds[] = { 100, 200, 400, 800, 1000, 1000 };

  for (guint i = 0; i < G_N_ELEMENTS (bounds); i++) {
    g_assert_cmpuint (hemera__backoff_delay (&backoff, i, 0), ==, bounds[i] / 20);
    g_assert_cmpuint (hemera__backoff_delay (&backoff, i, bounds[i] - bounds[i] / 20), ==, bounds[i]);
    for (guint64 random = 1; random != 0; random <<= 1)
      g_assert_cmpuint (hemera__backoff_delay (&backoff, i, random), <=, bounds[i]);
  }
}

static void
test_backoff_extremes (void)
{
  static const HemeraBackoff none = { 0 };
  static const HemeraBackoff tiny = { .base_ms = 1 };
  static const HemeraBackoff huge = { .base_ms = G_MAXUINT, .cap_ms = G_MAXUINT };

  g_assert_cmpuint (hemera__backoff_delay (&none, 5, 17), ==, 0);
  g_assert_cmpuint (hemera__backoff_delay (&tiny, 0, 0), ==, 1);
  g_assert_cmpuint (hemera__backoff_delay (&tiny, G_MAXUINT, G_MAXUINT64), <=, 60000);
  g_assert_cmpuint (hemera__backoff_delay (&huge, G_MAXUINT, 0), ==, G_MAXUINT / 20);
}

static void
test_backoff_reset (void)
{
  static const HemeraBackoff backoff = { .base_ms = 100, .reset_ms = 500 };
  static const HemeraBackoff by_default = { .base_ms = 100 };

  g_assert_cmpuint (hemera__backoff_attempt (&backoff, 3, 499), ==, 3);
  g_assert_cmpuint (hemera__backoff_attempt (&backoff, 3, 500), ==, 0);
  g_assert_cmpuint (hemera__backoff_attempt (&by_default, 3, 59999), ==, 3);
  g_assert_cmpuint (hemera__backoff_attempt (&by_default, 3, 60000), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/supervisor/decision/9.5-restart-types", test_decision_9_5);
  g_test_add_func ("/supervisor/decision/9.18-auto-shutdown", test_decision_9_18);
  g_test_add_func ("/supervisor/decision/9.15-stop-reasons", test_stop_reason_9_15);
  g_test_add_func ("/supervisor/window/9.8-edge", test_window_9_8_edge);
  g_test_add_func ("/supervisor/window/9.10-slides-in-constant-space", test_window_slides);
  g_test_add_func ("/supervisor/window/9.8-intensity-zero", test_window_zero);
  g_test_add_func ("/supervisor/window/stable-child-is-forgotten", test_window_forget);
  g_test_add_func ("/supervisor/window/agrees-with-its-definition", test_window_model);
  g_test_add_func ("/supervisor/group/9.5-one-for-one", test_group_one_for_one);
  g_test_add_func ("/supervisor/group/9.6-rest-for-one", test_group_rest_for_one);
  g_test_add_func ("/supervisor/group/9.6-one-for-all", test_group_one_for_all);
  g_test_add_func ("/supervisor/backoff/bounds-double-up-to-the-cap", test_backoff_bounds);
  g_test_add_func ("/supervisor/backoff/extremes", test_backoff_extremes);
  g_test_add_func ("/supervisor/backoff/reset", test_backoff_reset);
  return g_test_run ();
}

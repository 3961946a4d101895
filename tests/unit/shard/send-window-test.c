/* The sliding limit of sends: the pure window, on times of the test. */
#include "actors/protocol/send-window.h"

#define S G_USEC_PER_SEC

static void
window_slides (void)
{
  HemeraSendWindow window;

  hemera__send_window_init (&window, 3, 10 * S);
  hemera__send_window_note (&window, 0);
  hemera__send_window_note (&window, 4 * S);
  g_assert_true (hemera__send_window_has_room (&window, 5 * S, 0));
  hemera__send_window_note (&window, 5 * S);
  g_assert_false (hemera__send_window_has_room (&window, 6 * S, 0));
  g_assert_cmpint (hemera__send_window_opens (&window, 6 * S, 0), ==, 10 * S);
  g_assert_false (hemera__send_window_has_room (&window, 10 * S - 1, 0));
  g_assert_true (hemera__send_window_has_room (&window, 10 * S, 0));
  hemera__send_window_note (&window, 10 * S);
  g_assert_cmpint (hemera__send_window_opens (&window, 11 * S, 0), ==, 14 * S);
}

static void
window_reserves (void)
{
  HemeraSendWindow window;

  hemera__send_window_init (&window, 3, 10 * S);
  hemera__send_window_note (&window, 0);
  hemera__send_window_note (&window, 1 * S);
  g_assert_true (hemera__send_window_has_room (&window, 2 * S, 0));
  g_assert_false (hemera__send_window_has_room (&window, 2 * S, 1));
  g_assert_cmpint (hemera__send_window_opens (&window, 2 * S, 1), ==, 10 * S);
  g_assert_cmpint (hemera__send_window_opens (&window, 2 * S, 2), ==, 11 * S);
  g_assert_cmpint (hemera__send_window_opens (&window, 2 * S, 99), ==, 11 * S); /* one place is always left */
}

/* Against a plain list of times, with all limits in turn. */
static void
window_agrees_with_a_list (void)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (7);
  HemeraSendWindow window;
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 now = 0;

  hemera__send_window_init (&window, 120, 60 * S);
  for (guint i = 0; i < 20000; i++) {
    guint reserve = (guint) g_rand_int_range (rand, 0, 10), in_window = 0;

    now += g_rand_int_range (rand, 0, 800000);
    for (guint k = times->len; k > 0 && in_window < 200; k--)
      in_window += g_array_index (times, gint64, k - 1) > now - 60 * S;
    g_assert_true (hemera__send_window_has_room (&window, now, reserve) == (in_window < 120 - reserve));
    g_assert_true ((hemera__send_window_opens (&window, now, reserve) == now) == (in_window < 120 - reserve));
    if (in_window < 120 - reserve) {
      hemera__send_window_note (&window, now);
      g_array_append_val (times, now);
    }
    if (times->len > 400)
      g_array_remove_range (times, 0, 200);
  }
}

static void
window_reserve_of_all_leaves_one (void)
{
  HemeraSendWindow window;

  hemera__send_window_init (&window, 3, 10 * S);
  g_assert_true (hemera__send_window_has_room (&window, 0, 3));
  hemera__send_window_note (&window, 0);
  g_assert_false (hemera__send_window_has_room (&window, 10 * S - 1, 3));
  g_assert_true (hemera__send_window_has_room (&window, 10 * S, 3));
}

static void
window_opens_never_in_the_past (void)
{
  HemeraSendWindow window;

  hemera__send_window_init (&window, 1, 10 * S);
  hemera__send_window_note (&window, 0);
  g_assert_cmpint (hemera__send_window_opens (&window, 25 * S, 0), ==, 25 * S);
}

/* Beats go whatever the window says. */
static void
window_overfull_forgets_the_oldest (void)
{
  HemeraSendWindow window;

  hemera__send_window_init (&window, HEMERA_SEND_WINDOW_MAX, 1000);
  for (guint i = 0; i <= HEMERA_SEND_WINDOW_MAX; i++)
    hemera__send_window_note (&window, i);
  g_assert_cmpint (hemera__send_window_opens (&window, 500, 0), ==, 1001);
  g_assert_false (hemera__send_window_has_room (&window, 1000, 0));
  g_assert_true (hemera__send_window_has_room (&window, 1001, 0));
  g_assert_false (
      hemera__send_window_has_room (&window, 1000 + HEMERA_SEND_WINDOW_MAX - 1, HEMERA_SEND_WINDOW_MAX - 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shard/window/slides", window_slides);
  g_test_add_func ("/shard/window/reserves", window_reserves);
  g_test_add_func ("/shard/window/agrees-with-a-list", window_agrees_with_a_list);
  g_test_add_func ("/shard/window/reserve-of-all-leaves-one", window_reserve_of_all_leaves_one);
  g_test_add_func ("/shard/window/opens-never-in-the-past", window_opens_never_in_the_past);
  g_test_add_func ("/shard/window/overfull-forgets-the-oldest", window_overfull_forgets_the_oldest);
  return g_test_run ();
}

/* OTP.md rows 6.1 to 6.4. Row 6.5 has no counterpart (no receive ... after); of 6.3 the part about names neither (timers go to pids). */
#include "tests/unit/runtime/puppet.h"

#include <string.h>

static gint64 cancel_result;
static HemeraRef timer_ref;

static void
pass (World *world, gint64 ms)
{
  if (world->kind == WORLD_SIMULATED)
    hemera__system_advance (world->system, ms * 1000);
}

static void
do_send_after (HemeraActor *self, Puppet *puppet, gpointer ms)
{
  timer_ref =
      hemera_actor_send_after (self, GPOINTER_TO_UINT (ms), hemera_actor_self (self), text_new_of ("late"));
}

static void
do_start_timer (HemeraActor *self, Puppet *puppet, gpointer ms)
{
  timer_ref =
      hemera_actor_start_timer (self, GPOINTER_TO_UINT (ms), hemera_actor_self (self), text_new_of ("inner"));
}

static void
do_cancel (HemeraActor *self, Puppet *puppet, gpointer data)
{
  cancel_result = hemera_actor_cancel_timer (self, timer_ref);
}

static void
send_after_delivers (World *world)
{
  Puppet *a = puppet_new (world);
  gint64 before = hemera_system_now (world->system);

  puppet_do (a, do_send_after, GUINT_TO_POINTER (20));
  pass (world, 19);
  assert_log (a, "");
  pass (world, 1);
  puppet_await (a, "late");
  g_assert_cmpint (hemera_system_now (world->system) - before, >=, 20000);
}

static void
start_timer_delivers_a_timeout (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_start_timer, GUINT_TO_POINTER (5));
  pass (world, 5);
  puppet_await (a, "timeout:inner");
}

static void
zero_then_direct (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera_actor_send_after (self, 0, hemera_actor_self (self), text_new_of ("timer"));
  hemera_send (hemera_actor_self (self), text_new_of ("direct"));
}

static void
zero_goes_through_the_mailbox (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, zero_then_direct, NULL);
  puppet_await (a, "timer");
  assert_log (a, "direct timer");
}

static void
cancel_gives_what_was_left (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_send_after, GUINT_TO_POINTER (60000));
  puppet_do (a, do_cancel, NULL);
  g_assert_cmpint (cancel_result, >, 50000);
  g_assert_cmpint (cancel_result, <=, 60000);
  puppet_do (a, do_cancel, NULL);
  g_assert_cmpint (cancel_result, ==, -1);
  pass (world, 70000);
  assert_log (a, "");
}

static void
cancel_of_a_fired_one (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_send_after, GUINT_TO_POINTER (1));
  pass (world, 1);
  puppet_await (a, "late");
  puppet_do (a, do_cancel, NULL);
  g_assert_cmpint (cancel_result, ==, -1);
  timer_ref = HEMERA_REF_NONE;
  puppet_do (a, do_cancel, NULL);
  g_assert_cmpint (cancel_result, ==, -1);
}

static void
do_send_after_to (HemeraActor *self, Puppet *puppet, gpointer other)
{
  timer_ref = hemera_actor_send_after (self, 60000, ((Puppet *) other)->pid, text_new_of ("late"));
}

static void
timer_goes_with_its_receiver (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_send_after_to, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  puppet_do (a, do_cancel, NULL);
  g_assert_cmpint (cancel_result, ==, -1);
}

static void
start_for_other_and_stop (HemeraActor *self, Puppet *puppet, gpointer other)
{
  hemera_actor_send_after (self, 10, ((Puppet *) other)->pid, text_new_of ("from_the_grave"));
  do_stop (self, puppet, (gpointer) "bye");
}

static void
timer_outlives_who_started_it (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, start_for_other_and_stop, a);
  puppet_await_gone (b);
  pass (world, 10);
  puppet_await (a, "from_the_grave");
}

static void
start_three (HemeraActor *self, Puppet *puppet, gpointer data)
{
  HemeraPid me = hemera_actor_self (self);

  hemera_actor_send_after (self, 60, me, text_new_of ("second"));
  hemera_actor_send_after (self, 60, me, text_new_of ("third"));
  hemera_actor_send_after (self, 5, me, text_new_of ("first"));
}

static void
due_order_then_start_order (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, start_three, NULL);
  pass (world, 60);
  puppet_await (a, "third");
  assert_log (a, "first second third");
}

static void
do_interval (HemeraActor *self, Puppet *puppet, gpointer ms)
{
  timer_ref = hemera_actor_start_interval (self, GPOINTER_TO_UINT (ms));
}

static guint
count_timeouts (Puppet *puppet)
{
  g_autofree char *log = puppet_log (puppet);
  g_auto (GStrv) words = g_strsplit (log, "timeout", -1);

  return g_strv_length (words) ? g_strv_length (words) - 1 : 0;
}

static void
interval_repeats_until_cancelled (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_interval, GUINT_TO_POINTER (2));
  for (guint i = 0; count_timeouts (a) < 3; i++) {
    g_assert_cmpuint (i, <, 10000);
    pass (world, 2);
    g_usleep (1000);
  }
  puppet_do (a, do_cancel, NULL);
  g_assert_cmpint (cancel_result, >=, 0);
}

static void
nap (HemeraActor *self, Puppet *puppet, gpointer data)
{
  g_usleep (100);
}

/* All from one callback, so that nothing can come in between. */
static void
start_interval_and_nap (HemeraActor *self, Puppet *puppet, gpointer data)
{
  do_interval (self, puppet, GUINT_TO_POINTER (5));
  for (guint i = 0; i < 1600; i++)
    puppet_post (puppet, nap, NULL);
  puppet_post (puppet, do_cancel, NULL);
}

/* A mailbox with more in it than an interval's time: its turns end in between, so the timer is looked at, but one message waits at most. */
static void
interval_does_not_pile_up (World *world)
{
  Puppet *a = puppet_new (world);

  if (world->kind == WORLD_SIMULATED)
    return; /* no time passes in a handler there */
  puppet_do (a, start_interval_and_nap, NULL);
  puppet_settle (a, puppet_new (world));
  puppet_settle (a, puppet_new (world));
  g_assert_cmpuint (count_timeouts (a), <=, 1);
}

static void
start_many (HemeraActor *self, Puppet *puppet, gpointer data)
{
  for (guint i = 0; i < 200; i++) {
    guint ms = 1 + (i * 37) % 50;
    g_autofree char *text = g_strdup_printf ("%02u", ms);

    hemera_actor_send_after (self, ms, hemera_actor_self (self), text_new_of (text));
  }
}

/* Each comes; in the simulated world, where they start at one moment, in the order of their times. */
static void
many_timers_keep_their_order (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, start_many, NULL);
  for (;;) {
    g_autofree char *log = NULL;
    g_auto (GStrv) words = NULL;

    pass (world, 50);
    log = puppet_log (a);
    words = g_strsplit (log, " ", -1);
    if (g_strv_length (words) < 200) {
      g_usleep (2000);
      continue;
    }
    for (guint i = 0; world->kind == WORLD_SIMULATED && i < 199; i++)
      g_assert_cmpstr (words[i], <=, words[i + 1]);
    break;
  }
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("timer/6.1-send-after", send_after_delivers);
  add_test ("timer/6.1-start-timer", start_timer_delivers_a_timeout);
  add_test ("timer/6.1-zero", zero_goes_through_the_mailbox);
  add_test ("timer/6.2-cancel", cancel_gives_what_was_left);
  add_test ("timer/6.2-cancel-fired", cancel_of_a_fired_one);
  add_test ("timer/6.3-receiver-dies", timer_goes_with_its_receiver);
  add_test ("timer/6.3-starter-dies", timer_outlives_who_started_it);
  add_test ("timer/6.4-order", due_order_then_start_order);
  add_test ("timer/interval/repeats", interval_repeats_until_cancelled);
  add_test ("timer/interval/does-not-pile-up", interval_does_not_pile_up);
  add_test ("timer/many", many_timers_keep_their_order);
  return g_test_run ();
}

/* OTP.md rows 1.x (order) and 2.x (exit reasons, exit/2, trap_exit), each in three worlds. Row 1.8 has no counterpart: there is no
 * selective receive. Row 2.8 is of languages with exceptions. */
#include "tests/unit/runtime/puppet.h"

#define N 500

static void
send_many (HemeraActor *self, Puppet *puppet, gpointer other)
{
  for (guint i = 0; i < N; i++) {
    Text text = { 0 };
    g_snprintf (text.text, sizeof text.text, "%u", i);
    text_send (((Puppet *) other)->pid, &text);
  }
}

static void
messages_arrive_in_order (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  g_autoptr (GString) expected = g_string_new ("0");

  for (guint i = 1; i < N; i++)
    g_string_append_printf (expected, " %u", i);
  puppet_do (a, send_many, b);
  puppet_settle (a, b);
  assert_log (b, expected->str);
}

static void
send_two_and_stop (HemeraActor *self, Puppet *puppet, gpointer other)
{
  hemera_send (((Puppet *) other)->pid, text_new_of ("one"));
  hemera_send (((Puppet *) other)->pid, text_new_of ("two"));
  do_stop (self, puppet, (gpointer) "normal");
}

static void
down_comes_after_messages (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_do (b, send_two_and_stop, a);
  puppet_await (a, "DOWN:b:normal");
  assert_log (a, "one two DOWN:b:normal");
}

static void
exit_comes_after_messages (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_do (b, send_two_and_stop, a);
  puppet_await (a, "EXIT:b:normal");
  assert_log (a, "one two EXIT:b:normal");
}

static void
send_exit_between (HemeraActor *self, Puppet *puppet, gpointer other)
{
  g_autoptr (HemeraTerm) reason = hemera_term_new_atom ("boom");

  hemera_send (((Puppet *) other)->pid, text_new_of ("a"));
  hemera_actor_exit (self, ((Puppet *) other)->pid, reason);
  hemera_send (((Puppet *) other)->pid, text_new_of ("b"));
}

static void
exit_stands_between_messages (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_trap, NULL);
  puppet_do (a, send_exit_between, b);
  puppet_settle (a, b);
  assert_log (b, "a EXIT:a:boom b");
}

static void
message_behind_a_deadly_exit_is_never_seen (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  g_autofree char *log = NULL;

  puppet_settle (a, b);
  puppet_do (a, do_monitor, b);
  puppet_do (a, send_exit_between, b);
  puppet_await (a, "DOWN:b:boom");
  log = puppet_log (b);
  g_assert_true (g_str_equal (log, "") || g_str_equal (log, "a"));
}

static void
flood_then_kill (HemeraActor *self, Puppet *puppet, gpointer other)
{
  send_many (self, puppet, other);
  hemera_actor_exit (self, ((Puppet *) other)->pid, hemera_reason_kill ());
}

static void
kill_does_not_wait_behind_messages (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  sem_t gate;
  g_autofree char *log = NULL;

  puppet_settle (a, b);
  puppet_do (a, do_monitor, b);
  puppet_hold (b, &gate);
  puppet_do (a, flood_then_kill, b);
  puppet_release (b, &gate);
  puppet_await (a, "DOWN:b:killed");
  log = puppet_log (b);
  g_assert_cmpstr (log, ==, "");
}

static void
sending_to_the_dead_is_harmless (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_do (b, do_stop, (gpointer) "normal");
  puppet_await (a, "DOWN:b:normal");
  puppet_do (a, send_many, b);
  hemera_send (b->pid, text_new_of ("outside"));
  hemera_send (HEMERA_PID_NONE, text_new_of ("nobody"));
  assert_log (a, "DOWN:b:normal");
}

static void
exit_comes_before_down (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_monitor, b);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await (a, "DOWN:b:bye");
  assert_log (a, "EXIT:b:bye DOWN:b:bye");
}

/* ---- 2.x ----------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  Puppet *to;
  const char *reason;
} Exit;

static void
do_exit (HemeraActor *self, Puppet *puppet, gpointer data)
{
  Exit *exit = data;
  g_autoptr (HemeraTerm) reason = hemera_term_new_atom (exit->reason);

  hemera_actor_exit (self, exit->to->pid, reason);
}

static void
send_exit (Puppet *from, Puppet *to, const char *reason)
{
  puppet_do (from, do_exit, &(Exit){ to, reason });
}

static void
normal_exit_is_ignored (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  send_exit (a, b, "normal");
  puppet_settle (a, b);
  assert_log (b, "");
}

static void
normal_exit_is_a_message_when_trapping (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_trap, NULL);
  send_exit (a, b, "normal");
  puppet_settle (a, b);
  assert_log (b, "EXIT:a:normal");
}

static void
normal_exit_to_oneself_ends (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  send_exit (b, b, "normal");
  puppet_await (a, "DOWN:b:normal");
}

static void
normal_exit_to_oneself_is_trapped (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  send_exit (a, a, "normal");
  puppet_await (a, "EXIT:a:normal");
}

static void
kill_is_not_trapped (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (b, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  send_exit (a, b, "kill");
  puppet_await (a, "DOWN:b:killed");
  assert_log (a, "EXIT:b:killed DOWN:b:killed");
  g_assert_null (b->terminated);
  g_assert_cmpuint (b->finalized, ==, 1);
}

static void
killing_oneself_while_trapping (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_trap, NULL);
  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  send_exit (b, b, "kill");
  puppet_await (a, "DOWN:b:killed");
}

static void
other_reason_ends_who_does_not_trap (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  send_exit (a, b, "boom");
  puppet_await (a, "DOWN:b:boom");
  g_assert_null (b->terminated); /* not on an exit signal while not trapping */
  g_assert_cmpuint (b->finalized, ==, 1);
}

static void
own_kill_reason_is_trappable (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_do (b, do_stop, (gpointer) "kill");
  puppet_await (a, "EXIT:b:kill");
}

static void
own_kill_reason_spreads_as_kill (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world), *c = puppet_new (world);

  puppet_do (c, do_monitor, a);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_settle (c, a);
  puppet_do (b, do_stop, (gpointer) "kill");
  puppet_await (c, "DOWN:a:kill");
}

static void
normal_end_of_a_link_is_ignored (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world), *c = puppet_new (world);

  puppet_do (a, do_link, b);
  puppet_do (c, do_monitor, b);
  puppet_settle (a, b);
  puppet_settle (c, b);
  puppet_do (b, do_stop, (gpointer) "normal");
  puppet_await (c, "DOWN:b:normal");
  puppet_settle (a, c);
  assert_log (a, "");
}

static void
trap_off (HemeraActor *self, Puppet *puppet, gpointer data)
{
  g_assert_true (hemera_actor_get_trap_exit (self));
  hemera_actor_set_trap_exit (self, FALSE);
  g_assert_false (hemera_actor_get_trap_exit (self));
}

static void
post_and_stop (HemeraActor *self, Puppet *puppet, gpointer data)
{
  gpointer *pair = data; /* who, what */

  puppet_post (pair[0], (PuppetFunc) pair[1], puppet);
  do_stop (self, puppet, (gpointer) "bye");
}

/* The EXIT stands in a's queue behind "trap off". */
static void
trap_is_read_when_handled (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  gpointer pair[] = { a, trap_off };
  sem_t gate;

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_hold (a, &gate);
  puppet_do (b, post_and_stop, pair);
  puppet_await_gone (b);
  puppet_release (a, &gate);
  puppet_await (a, "EXIT:b:bye");
}

static void
do_register (HemeraActor *self, Puppet *puppet, gpointer name)
{
  g_assert_true (hemera_actor_register (self, name));
}

static void
name_is_free_before_down (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_register, (gpointer) "b");
  g_assert_true (hemera_pid_equal (hemera_system_whereis (world->system, "b"), b->pid));
  puppet_do (a, do_monitor, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await (a, "DOWN:b:bye");
  g_assert_cmpuint (hemera_system_whereis (world->system, "b").id, ==, 0);
}

static void
terminate_sees_the_reason (World *world)
{
  Puppet *a = puppet_new (world);
  g_autofree char *reason = NULL;

  puppet_do (a, do_stop, (gpointer) "bye");
  puppet_await_end (a);
  reason = hemera_view_to_string (hemera_term_view (a->terminated));
  g_assert_cmpstr (reason, ==, "bye");
}

typedef struct {
  Puppet *child;
  HemeraSpawn spawn;
} Spawning;

static void
do_spawn (HemeraActor *self, Puppet *puppet, gpointer data)
{
  Spawning *spawning = data;

  spawning->child = puppet_spawn (self, puppet, spawning->spawn);
}

static void
exit_of_the_parent_ends_a_trapping_child (World *world)
{
  Puppet *a = puppet_new (world), *watcher = puppet_new (world);
  Spawning spawning = { .spawn = { .link = TRUE, .trap_exit = TRUE } };

  puppet_do (a, do_spawn, &spawning);
  puppet_do (watcher, do_monitor, spawning.child);
  puppet_settle (watcher, spawning.child);
  puppet_do (a, do_stop, (gpointer) "bye");
  puppet_await (watcher, "DOWN:c:bye");
  g_assert_nonnull (spawning.child->terminated);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("order/1.1-messages-arrive-in-order", messages_arrive_in_order);
  add_test ("order/1.2-down-after-messages", down_comes_after_messages);
  add_test ("order/1.2-exit-after-messages", exit_comes_after_messages);
  add_test ("order/1.3-exit-between-messages", exit_stands_between_messages);
  add_test ("order/1.3-nothing-after-a-deadly-exit", message_behind_a_deadly_exit_is_never_seen);
  add_test ("order/1.3-kill-does-not-wait", kill_does_not_wait_behind_messages);
  add_test ("order/1.4-send-to-the-dead", sending_to_the_dead_is_harmless);
  add_test ("order/1.7-exit-before-down", exit_comes_before_down);
  add_test ("exit/2.1-normal-ignored", normal_exit_is_ignored);
  add_test ("exit/2.1-normal-trapped", normal_exit_is_a_message_when_trapping);
  add_test ("exit/2.2-normal-to-self", normal_exit_to_oneself_ends);
  add_test ("exit/2.2-normal-to-self-trapped", normal_exit_to_oneself_is_trapped);
  add_test ("exit/2.3-kill-is-not-trapped", kill_is_not_trapped);
  add_test ("exit/2.3-kill-to-self", killing_oneself_while_trapping);
  add_test ("exit/2.4-other-reason", other_reason_ends_who_does_not_trap);
  add_test ("exit/2.5-own-kill-is-trappable", own_kill_reason_is_trappable);
  add_test ("exit/2.5-own-kill-spreads-as-kill", own_kill_reason_spreads_as_kill);
  add_test ("exit/2.6-normal-along-a-link", normal_end_of_a_link_is_ignored);
  add_test ("exit/2.7-trap-is-read-when-handled", trap_is_read_when_handled);
  add_test ("exit/2.9-name-free-before-down", name_is_free_before_down);
  add_test ("exit/terminate-sees-the-reason", terminate_sees_the_reason);
  add_test ("exit/7.13-exit-of-the-parent", exit_of_the_parent_ends_a_trapping_child);
  return g_test_run ();
}

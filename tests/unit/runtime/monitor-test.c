/* OTP.md rows 4.1 to 4.6 (monitors) and section 5 (names). Left for later: aliases, rows 4.7 to 4.9, are not built. */
#include "tests/unit/runtime/puppet.h"

#include "runtime/sched/worker.h"

static void
monitors_stack (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  puppet_settle (a, puppet_new (world));
  assert_log (a, "DOWN:b:bye DOWN:b:bye");
}

static void
monitors_go_one_way (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  puppet_do (a, do_stop, (gpointer) "bye");
  puppet_await_gone (a);
  puppet_settle (b, puppet_new (world));
  assert_log (b, "");
}

static void
do_register (HemeraActor *self, Puppet *puppet, gpointer name)
{
  g_assert_true (hemera_actor_register (self, name));
}

static void
do_unregister (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera_actor_unregister (self);
}

static void
do_monitor_name (HemeraActor *self, Puppet *puppet, gpointer name)
{
  hemera_actor_monitor_name (self, name);
}

static void
monitor_by_name_shows_the_name (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_register, (gpointer) "bert");
  puppet_do (a, do_monitor_name, (gpointer) "bert");
  puppet_settle (a, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await (a, "DOWN:bert:bye");
}

static void
monitor_of_no_name_gives_noproc (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_monitor_name, (gpointer) "nobody");
  puppet_await (a, "DOWN:nobody:noproc");
}

static void
monitor_of_the_dead_gives_noproc (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  puppet_do (a, do_monitor, b);
  puppet_await (a, "DOWN:b:noproc");
}

static void
stop_at_gate (HemeraActor *self, Puppet *puppet, gpointer data)
{
  sem_t *gates = data;

  sem_post (&gates[0]);
  sem_wait (&gates[1]);
  do_stop (self, puppet, (gpointer) "bye");
}

/* The signals stand in the inbox, not handled, when the receiver ends: they are answered as by the dead. */
static void
signals_unhandled_at_the_end (World *world)
{
  Puppet *b = puppet_new (world), *a = puppet_new (world);
  sem_t gates[2];

  if (world->kind != WORLD_OTHER)
    return; /* the receiver must be busy while others run */
  sem_init (&gates[0], 0, 0);
  sem_init (&gates[1], 0, 0);
  puppet_do (a, do_trap, NULL);
  puppet_post (b, stop_at_gate, gates);
  sem_wait (&gates[0]);
  puppet_do (a, do_monitor, b);
  puppet_do (a, do_link, b);
  sem_post (&gates[1]);
  puppet_await (a, "EXIT:a:noproc");
  assert_log (a, "DOWN:a:noproc EXIT:a:noproc");
}

/* A sender that looked the pid up while its actor lived, and pushes when the slot has its next owner. */
static void
push_late (Puppet *to, HemeraActorMessage *block)
{
  HemeraSlot *slot = hemera__slot_lookup (to->pid);

  block->generation = (guint32) (to->pid.id >> 32) - 1;
  if (hemera__inbox_push (&slot->inbox, &block->node) == HEMERA_PUSH_WAKE)
    hemera__worker_schedule (atomic_load (&slot->worker), &slot->work);
}

static void
do_monitor_late (HemeraActor *self, Puppet *puppet, gpointer other)
{
  HemeraRef ref = hemera_actor_monitor (self, ((Puppet *) other)->pid); /* for its entry in the own table */
  HemeraActorMessage *block = hemera__block_new (HEMERA_SIGNAL_MONITOR, NULL);
  HemeraMonitor *monitor = hemera__block_payload (block);

  monitor->peer = hemera_actor_self (self);
  monitor->node.key = ref.id;
  push_late (other, block);
  push_late (other, text_new_of ("stray"));
}

static void
signal_for_an_earlier_owner (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor_late, b);
  puppet_await (a, "DOWN:?:noproc");
  puppet_settle (a, b);
  assert_log (b, "");
}

static void
do_monitor_nobody (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera_actor_monitor (self, HEMERA_PID_NONE);
}

static void
monitor_of_no_pid_gives_noproc (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_monitor_nobody, NULL);
  puppet_await (a, "DOWN:?:noproc");
}

static void
name_binds_once (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world), *c = puppet_new (world);

  puppet_do (b, do_register, (gpointer) "moving");
  puppet_do (a, do_monitor_name, (gpointer) "moving");
  puppet_settle (a, b);
  puppet_do (b, do_unregister, NULL);
  puppet_do (c, do_register, (gpointer) "moving");
  puppet_do (c, do_stop, (gpointer) "c_ends");
  puppet_await_gone (c);
  puppet_do (b, do_stop, (gpointer) "b_ends");
  puppet_await (a, "DOWN:moving:b_ends");
  assert_log (a, "DOWN:moving:b_ends");
}

static void
unregister_at_gate (HemeraActor *self, Puppet *puppet, gpointer data)
{
  sem_t *gates = data;

  sem_post (&gates[0]);
  sem_wait (&gates[1]);
  hemera_actor_unregister (self);
}

/* The holder gives the name away after the signal was sent and before it is handled. */
static void
name_binds_when_handled (World *world)
{
  Puppet *b = puppet_new (world), *a = puppet_new (world);
  sem_t gates[2];

  if (world->kind != WORLD_OTHER)
    return; /* the holder must be busy while others run */
  sem_init (&gates[0], 0, 0);
  sem_init (&gates[1], 0, 0);
  puppet_do (b, do_register, (gpointer) "moving");
  puppet_post (b, unregister_at_gate, gates);
  sem_wait (&gates[0]);
  puppet_do (a, do_monitor_name, (gpointer) "moving");
  sem_post (&gates[1]);
  puppet_await (a, "DOWN:moving:noproc");
}

static void
do_monitor_self (HemeraActor *self, Puppet *puppet, gpointer data)
{
  HemeraRef ref = hemera_actor_monitor (self, hemera_actor_self (self));

  g_assert_cmpuint (ref.id, !=, 0);
  g_assert_false (hemera_actor_demonitor (self, ref, TRUE));
}

static void
monitor_of_oneself_never_fires (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_monitor_self, NULL);
  puppet_settle (a, puppet_new (world));
  assert_log (a, "");
}

static void
do_monitor_demonitor (HemeraActor *self, Puppet *puppet, gpointer other)
{
  HemeraRef ref = hemera_actor_monitor (self, ((Puppet *) other)->pid);

  g_assert_true (hemera_actor_demonitor (self, ref, FALSE));
  g_assert_false (hemera_actor_demonitor (self, ref, FALSE));
}

static void
no_down_after_demonitor (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor_demonitor, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  puppet_do (a, do_monitor_demonitor, b); /* of a dead one: the DOWN on its way is dropped */
  puppet_settle (a, puppet_new (world));
  assert_log (a, "");
}

static HemeraRef kept_ref;
static gboolean was_active;

static void
do_monitor_keep (HemeraActor *self, Puppet *puppet, gpointer other)
{
  kept_ref = hemera_actor_monitor (self, ((Puppet *) other)->pid);
}

static void
do_demonitor_flush (HemeraActor *self, Puppet *puppet, gpointer flush)
{
  was_active = hemera_actor_demonitor (self, kept_ref, GPOINTER_TO_INT (flush));
}

static void
post_flush_and_stop (HemeraActor *self, Puppet *puppet, gpointer other)
{
  puppet_post (other, do_demonitor_flush, GINT_TO_POINTER (TRUE));
  do_stop (self, puppet, (gpointer) "bye");
}

static void
post_demonitor_and_stop (HemeraActor *self, Puppet *puppet, gpointer other)
{
  puppet_post (other, do_demonitor_flush, GINT_TO_POINTER (FALSE));
  do_stop (self, puppet, (gpointer) "bye");
}

static void
demonitor_behind_a_down (World *world, PuppetFunc func, const char *expected)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  sem_t gate;

  was_active = TRUE;
  puppet_do (a, do_monitor_keep, b);
  puppet_settle (a, b);
  puppet_hold (a, &gate);
  puppet_do (b, func, a);
  puppet_await_gone (b);
  puppet_release (a, &gate);
  puppet_settle (a, puppet_new (world));
  assert_log (a, expected);
  g_assert_false (was_active);
}

static void
flush_removes_a_down_in_the_queue (World *world)
{
  demonitor_behind_a_down (world, post_flush_and_stop, "");
}

static void
without_flush_the_down_stays (World *world)
{
  demonitor_behind_a_down (world, post_demonitor_and_stop, "DOWN:b:bye");
}

/* ---- names --------------------------------------------------------------------------------------------------------------------- */

static void
do_fail_to_register (HemeraActor *self, Puppet *puppet, gpointer name)
{
  g_assert_false (hemera_actor_register (self, name));
}

static void
taken_names_are_refused (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_register, (gpointer) "taken");
  puppet_do (b, do_fail_to_register, (gpointer) "taken");
  puppet_do (a, do_fail_to_register, (gpointer) "second");
  puppet_do (b, do_fail_to_register, (gpointer) "undefined");
  puppet_do (b, do_fail_to_register, (gpointer) "");
  puppet_do (a, do_unregister, NULL);
  puppet_do (b, do_register, (gpointer) "taken");
  g_assert_true (hemera_pid_equal (hemera_system_whereis (world->system, "taken"), b->pid));
}

static void
send_by_name (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_register, (gpointer) "here");
  g_assert_true (hemera_send_name (world->system, "here", text_new_of ("hello")));
  puppet_await (a, "hello");
  g_assert_false (hemera_send_name (world->system, "not_here", text_new_of ("hello")));
}

static void
spawn_with_a_taken_name (HemeraActor *self, Puppet *puppet, gpointer data)
{
  puppet_spawn (
      self, puppet,
      (HemeraSpawn){
          .name = "taken", .link = TRUE, .ack_to = hemera_actor_self (self), .ack_ref = hemera_ref_new () });
}

static void
spawn_finds_it_already_started (World *world)
{
  Puppet *a = puppet_new (world);
  g_autofree char *pid = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (a->pid));
  g_autoptr (HemeraTerm) reason = hemera_term_new ("{already_started, ~s}", pid);
  g_autofree char *text = hemera_view_to_string (hemera_term_view (reason));
  g_autofree char *expected = g_strconcat ("started:", text, NULL);

  puppet_do (a, do_register, (gpointer) "taken");
  puppet_do (a, spawn_with_a_taken_name, NULL);
  puppet_await (a, expected);
  assert_log (a, expected);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("monitor/4.1-stack", monitors_stack);
  add_test ("monitor/4.1-one-way", monitors_go_one_way);
  add_test ("monitor/4.2-by-name", monitor_by_name_shows_the_name);
  add_test ("monitor/4.3-no-name", monitor_of_no_name_gives_noproc);
  add_test ("monitor/4.3-dead", monitor_of_the_dead_gives_noproc);
  add_test ("monitor/4.3-no-pid", monitor_of_no_pid_gives_noproc);
  add_test ("monitor/4.3-unhandled-at-the-end", signals_unhandled_at_the_end);
  add_test ("monitor/4.3-for-an-earlier-owner", signal_for_an_earlier_owner);
  add_test ("monitor/4.4-name-binds-once", name_binds_once);
  add_test ("monitor/4.4-name-binds-when-handled", name_binds_when_handled);
  add_test ("monitor/4.5-self", monitor_of_oneself_never_fires);
  add_test ("monitor/4.6-no-down-after-demonitor", no_down_after_demonitor);
  add_test ("monitor/4.6-flush", flush_removes_a_down_in_the_queue);
  add_test ("monitor/4.6-without-flush", without_flush_the_down_stays);
  add_test ("name/5-refused", taken_names_are_refused);
  add_test ("name/1.5-send-by-name", send_by_name);
  add_test ("name/5-already-started", spawn_finds_it_already_started);
  return g_test_run ();
}

/* The ways between actors and GLib: sources, GIO results, callbacks of the network (hemera__actor_run()), ports; and that the run queue
 * starves no other source. */
#include "tests/unit/runtime/puppet.h"

#include <stdatomic.h>

/* ---- sources ------------------------------------------------------------------------------------------------------------------- */

static HemeraPid source_ran_as;

static gboolean
on_idle (gpointer data)
{
  HemeraActor *self = data;

  g_assert_true (hemera_actor_current () == self);
  source_ran_as = hemera_actor_self (hemera_actor_current ());
  hemera_send (source_ran_as, text_new_of ("from_source"));
  return G_SOURCE_REMOVE;
}

static void
do_add_idle (HemeraActor *self, Puppet *puppet, gpointer data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_idle, self, NULL);
  hemera_actor_add_source (self, source);
  g_source_unref (source);
}

static void
source_runs_as_the_actor (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_add_idle, NULL);
  puppet_await (a, "from_source");
  g_assert_true (hemera_pid_equal (source_ran_as, a->pid));
}

static gboolean
on_stop (gpointer data)
{
  hemera_actor_stop (data, hemera_term_new_atom ("by_source"));
  return G_SOURCE_CONTINUE;
}

static void
do_add_stop (HemeraActor *self, Puppet *puppet, gpointer data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_stop, self, NULL);
  hemera_actor_add_source (self, source);
  g_source_unref (source);
}

static void
source_may_stop_the_actor (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_monitor, a);
  puppet_settle (b, a);
  puppet_do (a, do_add_stop, NULL);
  puppet_await (b, "DOWN:a:by_source");
}

static gboolean
on_destroy_itself (gpointer data)
{
  g_source_destroy (g_main_current_source ());
  g_assert_nonnull (hemera_actor_current ());
  hemera_send (hemera_actor_self (data), text_new_of ("destroyed"));
  return G_SOURCE_CONTINUE;
}

static void
do_add_destroying (HemeraActor *self, Puppet *puppet, gpointer data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_destroy_itself, self, NULL);
  hemera_actor_add_source (self, source);
  g_source_unref (source);
}

static void
source_may_destroy_itself (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_add_destroying, NULL);
  puppet_await (a, "destroyed");
  puppet_do (a, do_add_idle, NULL);
  puppet_await (a, "from_source");
}

static _Atomic guint notified;

static void
count_notify (gpointer data)
{
  atomic_fetch_add (&notified, 1);
}

static gboolean
never (gpointer data)
{
  g_assert_not_reached ();
}

static void
do_add_far_timeout (HemeraActor *self, Puppet *puppet, gpointer data)
{
  GSource *source = g_timeout_source_new_seconds (3600);

  g_source_set_callback (source, never, self, count_notify);
  hemera_actor_add_source (self, source);
  g_source_unref (source);
}

static void
source_goes_with_the_actor (World *world)
{
  Puppet *a = puppet_new (world);

  atomic_store (&notified, 0);
  puppet_do (a, do_add_far_timeout, NULL);
  puppet_do (a, do_stop, (gpointer) "normal");
  puppet_await_gone (a);
  g_assert_cmpuint (atomic_load (&notified), ==, 1);
}

/* ---- GIO results --------------------------------------------------------------------------------------------------------------- */

static void
do_ready (HemeraActor *self, Puppet *puppet, gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, hemera_actor_ready_cb, hemera_actor_ready (self, 7));

  g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
gio_result_becomes_a_message (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_ready, NULL);
  puppet_await (a, "ready");
}

static void
ready_then_stop (HemeraActor *self, Puppet *puppet, gpointer data)
{
  do_ready (self, puppet, NULL);
  do_stop (self, puppet, (gpointer) "normal");
}

static void
gio_result_of_the_dead_is_dropped (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, ready_then_stop, NULL);
  puppet_await_gone (a);
}

/* ---- hemera__actor_run() ------------------------------------------------------------------------------------------------------- */

static HemeraNext
run_note (HemeraActor *self, gpointer state, gpointer data)
{
  g_assert_true (hemera_actor_current () == self);
  hemera_send (hemera_actor_self (self), text_new_of ("ran"));
  return HEMERA_CONTINUE;
}

static HemeraNext
run_stop (HemeraActor *self, gpointer state, gpointer data)
{
  return hemera_actor_stop (self, hemera_term_new_atom ("by_run"));
}

static gboolean
on_plain_idle (gpointer data)
{
  g_assert_null (hemera_actor_current ());
  g_assert_true (hemera__actor_run (data, run_note, NULL));
  g_assert_null (hemera_actor_current ());
  g_assert_false (hemera__actor_run (data, run_stop, NULL));
  return G_SOURCE_REMOVE;
}

static void
do_attach_plain (HemeraActor *self, Puppet *puppet, gpointer data)
{
  GSource *source = g_idle_source_new ();

  g_source_set_callback (source, on_plain_idle, self, NULL);
  g_source_attach (source, hemera_actor_context (self));
  g_source_unref (source);
}

static void
run_as_the_actor (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (b, do_monitor, a);
  puppet_settle (b, a);
  puppet_do (a, do_attach_plain, NULL);
  puppet_await (b, "DOWN:a:by_run");
  g_assert_nonnull (a->terminated);
}

/* ---- other sources of the worker ----------------------------------------------------------------------------------------------- */

static gboolean
on_low (gpointer gate)
{
  sem_post (gate);
  return G_SOURCE_REMOVE;
}

static void
do_attach_low (HemeraActor *self, Puppet *puppet, gpointer gate)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, on_low, gate, NULL);
  g_source_attach (source, hemera_actor_context (self));
  g_source_unref (source);
}

static _Atomic gboolean spinning;

static void
spin (HemeraActor *self, Puppet *puppet, gpointer data)
{
  if (atomic_load (&spinning))
    puppet_post (puppet, spin, NULL);
}

static void
busy_actors_do_not_starve_low_priorities (void)
{
  World *world = world_new (WORLD_SAME);
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  struct timespec until;
  sem_t gate;

  sem_init (&gate, 0, 0);
  atomic_store (&spinning, TRUE);
  puppet_post (a, spin, NULL);
  puppet_post (b, spin, NULL);
  puppet_do (a, do_attach_low, &gate);
  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  g_assert_cmpint (sem_timedwait (&gate, &until), ==, 0);
  atomic_store (&spinning, FALSE);
  world_free (world);
}

/* ---- ports --------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GMainContext *context;
  HemeraPort *port;
  GString *log;
  gboolean closes;
} Inbox;

static void
on_port (HemeraPort *port, HemeraActorMessage *message, gpointer data)
{
  Inbox *inbox = data;

  if (text_peek (message))
    g_string_append (inbox->log, text_peek (message)->text);
  if (inbox->closes)
    hemera__port_close (g_steal_pointer (&inbox->port));
}

static Inbox
inbox_new (void)
{
  Inbox inbox = { .context = g_main_context_new (), .log = g_string_new (NULL) };
  return inbox;
}

static void
inbox_open (Inbox *self, World *world)
{
  self->port = hemera__port_new (world->system, self->context, on_port, self, 2);
}

static void
inbox_clear (Inbox *self)
{
  if (self->port)
    hemera__port_close (self->port);
  g_main_context_unref (self->context);
  g_string_free (self->log, TRUE);
}

typedef struct {
  HemeraPid to;
  const char *text;
} Send;

static void
do_send_letters (HemeraActor *self, Puppet *puppet, gpointer data)
{
  Send *send = data;

  for (const char *letter = send->text; *letter; letter++) {
    char text[2] = { *letter, 0 };
    hemera_send (send->to, text_new_of (text));
  }
}

static void
iterate_until (Inbox *self, gsize length)
{
  gint64 until = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  while (self->log->len < length) {
    g_assert_cmpint (g_get_monotonic_time (), <, until);
    g_main_context_iteration (self->context, FALSE);
  }
}

static void
port_gets_messages_in_order (World *world)
{
  Puppet *a = puppet_new (world);
  Inbox inbox = inbox_new ();

  inbox_open (&inbox, world);
  puppet_do (a, do_send_letters, &(Send){ hemera__port_pid (inbox.port), "abcdefgh" });
  iterate_until (&inbox, 8);
  g_assert_cmpstr (inbox.log->str, ==, "abcdefgh");
  puppet_do (a, do_send_letters, &(Send){ hemera__port_pid (inbox.port), "ij" });
  iterate_until (&inbox, 10);
  g_assert_cmpstr (inbox.log->str, ==, "abcdefghij");
  inbox_clear (&inbox);
}

static void
port_keeps_to_its_budget (World *world)
{
  Puppet *a = puppet_new (world);
  Inbox inbox = inbox_new ();

  inbox_open (&inbox, world);
  puppet_do (a, do_send_letters, &(Send){ hemera__port_pid (inbox.port), "abcdefgh" });
  g_main_context_iteration (inbox.context, TRUE);
  g_assert_cmpuint (inbox.log->len, <=, 2);
  inbox_clear (&inbox);
}

static gboolean
on_low_priority (gpointer data)
{
  Inbox *inbox = data;

  g_string_append_c (inbox->log, '!');
  return G_SOURCE_REMOVE;
}

static void
port_starves_no_other_source (World *world)
{
  Puppet *a = puppet_new (world);
  Inbox inbox = inbox_new ();
  GSource *source = g_idle_source_new ();

  inbox_open (&inbox, world);
  g_source_set_callback (source, on_low_priority, &inbox, NULL);
  puppet_do (a, do_send_letters, &(Send){ hemera__port_pid (inbox.port), "abcdefgh" });
  g_source_attach (source, inbox.context);
  g_source_unref (source);
  iterate_until (&inbox, 9);
  g_assert_cmpint (inbox.log->str[8], !=, '!'); /* not the last */
  inbox_clear (&inbox);
}

static void
port_may_close_in_its_func (World *world)
{
  Puppet *a = puppet_new (world);
  Inbox inbox = inbox_new ();
  HemeraPid pid;

  inbox.closes = TRUE;
  inbox_open (&inbox, world);
  pid = hemera__port_pid (inbox.port);
  puppet_do (a, do_send_letters, &(Send){ pid, "abc" });
  iterate_until (&inbox, 1);
  puppet_do (a, do_send_letters, &(Send){ pid, "abc" });
  g_assert_cmpstr (inbox.log->str, ==, "a");
  inbox_clear (&inbox);
}

static void
do_monitor_pid (HemeraActor *self, Puppet *puppet, gpointer pid)
{
  hemera_actor_monitor (self, *(HemeraPid *) pid);
}

static void
do_link_pid (HemeraActor *self, Puppet *puppet, gpointer pid)
{
  hemera_actor_link (self, *(HemeraPid *) pid);
}

static void
port_can_be_monitored (World *world)
{
  Puppet *a = puppet_new (world);
  Inbox inbox = inbox_new ();
  HemeraPid pid;

  inbox_open (&inbox, world);
  pid = hemera__port_pid (inbox.port);
  puppet_do (a, do_monitor_pid, &pid);
  puppet_do (a, do_send_letters, &(Send){ pid, "x" });
  iterate_until (&inbox, 1);
  hemera__port_close (g_steal_pointer (&inbox.port));
  puppet_await (a, "DOWN:?:normal");
  puppet_do (a, do_monitor_pid, &pid);
  puppet_await (a, "DOWN:?:noproc");
  inbox_clear (&inbox);
}

static void
port_cannot_be_linked (World *world)
{
  Puppet *a = puppet_new (world);
  Inbox inbox = inbox_new ();
  HemeraPid pid;

  inbox_open (&inbox, world);
  pid = hemera__port_pid (inbox.port);
  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link_pid, &pid);
  puppet_do (a, do_send_letters, &(Send){ pid, "x" });
  iterate_until (&inbox, 1);
  puppet_await (a, "EXIT:?:noproc");
  inbox_clear (&inbox);
}

/* Opened and closed while an actor sends: nothing is lost but what the close cuts off, and nothing is touched after it. */
static void
port_close_races_with_senders (void)
{
  World *world = world_new (WORLD_OTHER);
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  for (guint i = 0; i < 300; i++) {
    Inbox inbox = inbox_new ();
    Send send;
    inbox_open (&inbox, world);
    send = (Send){ hemera__port_pid (inbox.port), "abcdefghijklmnop" };
    puppet_post (a, do_send_letters, &send);
    puppet_post (b, do_send_letters, &send);
    for (guint j = 0; j < i % 5; j++)
      g_main_context_iteration (inbox.context, FALSE);
    inbox_clear (&inbox);
    puppet_settle (a, b);
    puppet_settle (b, a);
  }
  world_free (world);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("source/runs-as-the-actor", source_runs_as_the_actor);
  add_test ("source/may-stop-the-actor", source_may_stop_the_actor);
  add_test ("source/may-destroy-itself", source_may_destroy_itself);
  add_test ("source/goes-with-the-actor", source_goes_with_the_actor);
  add_test ("ready/becomes-a-message", gio_result_becomes_a_message);
  add_test ("ready/of-the-dead-is-dropped", gio_result_of_the_dead_is_dropped);
  add_test ("run/as-the-actor", run_as_the_actor);
  g_test_add_func ("/runtime/worker/low-priorities-are-not-starved",
                   busy_actors_do_not_starve_low_priorities);
  add_test ("port/order", port_gets_messages_in_order);
  add_test ("port/budget", port_keeps_to_its_budget);
  add_test ("port/low-priorities-are-not-starved", port_starves_no_other_source);
  add_test ("port/close-in-its-func", port_may_close_in_its_func);
  add_test ("port/monitored", port_can_be_monitored);
  add_test ("port/not-linked", port_cannot_be_linked);
  g_test_add_func ("/runtime/port/close-races-with-senders", port_close_races_with_senders);
  return g_test_run ();
}

/* From spawn to finalize: init and its acknowledgement, arguments, placement, the filter, and the end of a system. */
#include "tests/unit/runtime/puppet.h"

#include "runtime/sched/system.h"

#include <stdatomic.h>
#include <string.h>

typedef struct {
  Puppet *child;
  HemeraSpawn spawn;
} Spawning;

static void
do_spawn_ack (HemeraActor *self, Puppet *puppet, gpointer data)
{
  Spawning *spawning = data;

  spawning->spawn.ack_to = hemera_actor_self (self);
  spawning->spawn.ack_ref = hemera_ref_new ();
  spawning->child = puppet_spawn (self, puppet, spawning->spawn);
}

static void
started_is_told (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_spawn_ack, &(Spawning){ 0 });
  puppet_await (a, "started:ok");
}

static HemeraNext
init_stop (HemeraActor *self, gpointer state, gconstpointer args)
{
  return hemera_actor_stop (self, hemera_term_new_atom ("why"));
}

static _Atomic guint terminated;

static void
count_terminate (HemeraActor *self, gpointer state, HemeraTerm *reason)
{
  atomic_fetch_add (&terminated, 1);
}

static const HemeraActorClass failing = { .name = "failing",
                                          .init = init_stop,
                                          .terminate = count_terminate };

/* OTP 26's form: one error, no EXIT with it. */
static void
failed_start_is_told_once (World *world)
{
  Puppet *a = puppet_new (world);

  atomic_store (&terminated, 0);
  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_spawn_ack, &(Spawning){ .spawn = { .actor_class = &failing, .link = TRUE } });
  puppet_await (a, "started:why");
  puppet_settle (a, puppet_new (world));
  assert_log (a, "started:why");
  g_assert_cmpuint (atomic_load (&terminated), ==, 0); /* not for what never started */
}

static HemeraNext
init_ignore (HemeraActor *self, gpointer state, gconstpointer args)
{
  return HEMERA_IGNORE;
}

static const HemeraActorClass ignoring = { .name = "ignoring", .init = init_ignore };

static void
ignore_ends_normally (World *world)
{
  Puppet *a = puppet_new (world);
  HemeraRef ref;

  puppet_do (a, do_trap, NULL);
  puppet_do (
      a, do_spawn_ack,
      &(Spawning){ .spawn = { .actor_class = &ignoring, .link = TRUE, .monitor = &ref, .name = "ignored" } });
  puppet_await (a, "DOWN:b:normal");
  assert_log (a, "started:ignored DOWN:b:normal");
  g_assert_cmpuint (hemera_system_whereis (world->system, "ignored").id, ==, 0);
}

static HemeraNext
init_defer (HemeraActor *self, gpointer state, gconstpointer args)
{
  hemera_actor_defer_init_ack (self);
  return HEMERA_CONTINUE;
}

static HemeraNext
receive_deferred (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  if (!text_peek (message))
    return HEMERA_CONTINUE;
  if (g_str_equal (text_peek (message)->text, "fail"))
    return hemera_actor_stop (self, hemera_term_new_atom ("later"));
  hemera_actor_init_ack (self);
  hemera_actor_init_ack (self);
  return HEMERA_CONTINUE;
}

static const HemeraActorClass deferring = { .name = "deferring",
                                            .init = init_defer,
                                            .receive = receive_deferred };

static void
deferred_ack_waits (World *world)
{
  Puppet *a = puppet_new (world);
  Spawning spawning = { .spawn = { .actor_class = &deferring } };

  puppet_do (a, do_spawn_ack, &spawning);
  assert_log (a, "");
  hemera_send (spawning.child->pid, text_new_of ("go"));
  puppet_await (a, "started:ok");
  puppet_settle (a, puppet_new (world));
  assert_log (a, "started:ok");
}

static void
end_before_a_deferred_ack (World *world)
{
  Puppet *a = puppet_new (world);
  Spawning spawning = { .spawn = { .actor_class = &deferring } };

  puppet_do (a, do_spawn_ack, &spawning);
  hemera_send (spawning.child->pid, text_new_of ("fail"));
  puppet_await (a, "started:later");
}

static void
killed_before_a_deferred_ack (World *world)
{
  Puppet *a = puppet_new (world);
  Spawning spawning = { .spawn = { .actor_class = &deferring, .link = TRUE } };

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_spawn_ack, &spawning);
  hemera_exit (spawning.child->pid, hemera_reason_kill ());
  puppet_await (a, "started:killed");
  puppet_settle (a, puppet_new (world));
  assert_log (a, "started:killed");
}

static void
name_that_is_too_long (World *world)
{
  Puppet *a = puppet_new (world);
  g_autofree char *name = g_strnfill (256, 'n');

  puppet_do (a, do_spawn_ack, &(Spawning){ .spawn = { .name = name } });
  puppet_await (a, "started:badarg");
  name[255] = 0;
  puppet_do (a, do_spawn_ack, &(Spawning){ .spawn = { .name = name } });
  puppet_await (a, "started:ok");
}

/* ---- arguments ----------------------------------------------------------------------------------------------------------------- */

static _Atomic guint args_copied, args_freed;
static _Atomic gboolean args_seen, args_alive_in_finalize;

static gpointer
copy_args (gconstpointer data)
{
  atomic_fetch_add (&args_copied, 1);
  return g_strdup (data);
}

static void
free_args (gpointer data)
{
  atomic_fetch_add (&args_freed, 1);
  g_free (data);
}

typedef struct {
  const char *args;
} ArgsState;

static HemeraNext
init_args (HemeraActor *self, gpointer state, gconstpointer args)
{
  ((ArgsState *) state)->args = args;
  atomic_store (&args_seen, TRUE);
  return HEMERA_CONTINUE;
}

static void
finalize_args (gpointer state)
{
  atomic_store (&args_alive_in_finalize, g_strcmp0 (((ArgsState *) state)->args, "argument") == 0);
}

static const HemeraActorClass with_args = {
  .name = "args", .state_size = sizeof (ArgsState), .init = init_args, .finalize = finalize_args
};

static void
arguments_are_copied_and_freed_last (void)
{
  HemeraSystem *system = hemera_system_new (&(HemeraSystemOptions){ .workers = 1 }, NULL);
  char text[] = "argument";

  hemera_system_spawn (system,
                       &(HemeraSpawn){ .actor_class = &with_args, .args = { text, copy_args, free_args } });
  text[0] = 'x';
  g_assert_cmpuint (atomic_load (&args_copied), ==, 1);
  for (guint ms = 0; !atomic_load (&args_seen); ms++) {
    g_assert_cmpuint (ms, <, 20000);
    g_usleep (1000);
  }
  g_assert_cmpuint (atomic_load (&args_freed), ==, 0);
  hemera_system_unref (system);
  g_assert_cmpuint (atomic_load (&args_freed), ==, 1);
  g_assert_true (atomic_load (&args_alive_in_finalize));
}

/* ---- placement ----------------------------------------------------------------------------------------------------------------- */

static GMainContext *child_context;

static HemeraNext
init_context (HemeraActor *self, gpointer state, gconstpointer args)
{
  child_context = hemera_actor_context (self);
  return HEMERA_CONTINUE;
}

static const HemeraActorClass placed = { .name = "placed", .init = init_context };

static void
do_spawn_placed (HemeraActor *self, Puppet *puppet, gpointer placement)
{
  hemera_actor_spawn (self, &(HemeraSpawn){ .actor_class = &placed,
                                            .placement = (HemeraPlacement) GPOINTER_TO_INT (placement),
                                            .ack_to = hemera_actor_self (self) });
}

static void
get_context (HemeraActor *self, Puppet *puppet, gpointer context)
{
  *(GMainContext **) context = hemera_actor_context (self);
}

static void
placement (World *world, HemeraPlacement where, gboolean expected_same)
{
  Puppet *a = puppet_new (world);
  GMainContext *own;

  puppet_do (a, get_context, &own);
  puppet_do (a, do_spawn_placed, GINT_TO_POINTER (where));
  puppet_await (a, "started:ok");
  g_assert_cmpint (child_context == own, ==, expected_same);
}

static void
placed_with_its_parent (World *world)
{
  placement (world, HEMERA_PLACE_WITH_PARENT, TRUE);
}

static void
placed_apart (World *world)
{
  placement (world, HEMERA_PLACE_OTHER, world->kind != WORLD_OTHER);
}

/* ---- the filter of the behaviours ---------------------------------------------------------------------------------------------- */

static HemeraActorMessage *
drop_secrets (HemeraActor *self, gpointer data, HemeraActorMessage *message)
{
  if (text_peek (message) && g_str_equal (text_peek (message)->text, "secret")) {
    hemera_actor_message_free (message);
    return NULL;
  }
  return message;
}

static void
do_filter (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera__actor_set_filter (self, drop_secrets, g_strdup ("data"), g_free);
  g_assert_cmpstr (hemera__actor_filter_data (self), ==, "data");
}

static void
filter_sees_messages_first (World *world)
{
  Puppet *a = puppet_new (world);

  puppet_do (a, do_filter, NULL);
  hemera_send (a->pid, text_new_of ("secret"));
  hemera_send (a->pid, text_new_of ("open"));
  puppet_await (a, "open");
  assert_log (a, "open");
}

/* ---- crash reports -------------------------------------------------------------------------------------------------------------- */

static void
crash_is_reported (World *world)
{
  Puppet *a = puppet_new (world);
  g_autofree char *report = NULL;
  g_autofree char *pid = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (a->pid));
  g_autofree char *expected = g_strdup_printf ("HEMERA_PID=%s;HEMERA_NAME=puppet;HEMERA_REASON=boom;"
                                               "MESSAGE=actor %s puppet ended: boom;GLIB_DOMAIN=Hemera;",
                                               pid, pid);
  guint before, after;

  g_free (puppet_last_crash_report (&before));
  puppet_do (a, do_stop, (gpointer) "boom");
  puppet_await_gone (a);
  report = puppet_last_crash_report (&after);
  g_assert_cmpuint (after, ==, before + 1);
  g_assert_cmpstr (report, ==, expected);
}

/* As in OTP: who is ended by an exit signal did not crash; its supervisor reports it. */
static void
other_ends_are_not_reported (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world), *c = puppet_new (world);
  guint before, after;

  g_free (puppet_last_crash_report (&before));
  puppet_do (a, do_stop, (gpointer) "shutdown");
  puppet_do (b, do_stop, (gpointer) "normal");
  puppet_do (c, do_trap, NULL);
  hemera_exit (c->pid, hemera_reason_kill ());
  puppet_await_gone (a);
  puppet_await_gone (b);
  puppet_await_gone (c);
  g_free (puppet_last_crash_report (&after));
  g_assert_cmpuint (after, ==, before);
}

/* ---- the end of a system ------------------------------------------------------------------------------------------------------- */

static _Atomic guint n_finalized;

static void
count_finalize (gpointer state)
{
  atomic_fetch_add (&n_finalized, 1);
}

static HemeraNext
spawn_more (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  hemera_send (hemera_actor_self (self), text_new_of ("again"));
  return HEMERA_CONTINUE;
}

static const HemeraActorClass busy = { .name = "busy", .receive = spawn_more, .finalize = count_finalize };

static void
unref_ends_all_actors (void)
{
  HemeraSystem *system = hemera_system_new (&(HemeraSystemOptions){ .workers = 2 }, NULL);
  HemeraPid last = HEMERA_PID_NONE;

  atomic_store (&n_finalized, 0);
  for (guint i = 0; i < 100; i++) {
    last = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &busy });
    hemera_send (last, text_new_of ("go"));
  }
  hemera_system_unref (system);
  g_assert_cmpuint (atomic_load (&n_finalized), ==, 100);
  hemera_send (last, text_new_of ("after the end"));
}

static void
default_system_is_shared (void)
{
  g_autoptr (HemeraSystem) one = hemera_system_get_default (NULL);
  g_autoptr (HemeraSystem) two = hemera_system_get_default (NULL);

  g_assert_nonnull (one);
  g_assert_true (one == two);
  g_assert_cmpuint (hemera_system_workers (one), >=, 1);
}

static void
message_may_outlive_its_system (void)
{
  HemeraSystem *system = hemera_system_new (&(HemeraSystemOptions){ .workers = 1 }, NULL);
  HemeraActorMessage *message = text_new_of ("kept");

  hemera_system_unref (system);
  g_assert_cmpstr (text_peek (message)->text, ==, "kept");
  hemera_actor_message_free (message);
}

static void
dump_shows_the_tree (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  g_autofree char *dump = NULL;
  g_autofree char *pid = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (b->pid));

  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  dump = hemera_system_dump (world->system, 60000);
  g_assert_nonnull (strstr (dump, "puppet"));
  g_assert_nonnull (strstr (dump, pid));
  g_assert_nonnull (strstr (dump, "status=waiting"));
  g_assert_nonnull (strstr (dump, "links=1"));
}

/* a's child b, b's child c; all with the same parent's pid printed before. */
static void
spawn_labelled (HemeraActor *self, Puppet *puppet, gpointer child)
{
  *(Puppet **) child = puppet_spawn (self, puppet, (HemeraSpawn){ .label = "a child", .link = TRUE });
}

static void
dump_indents_children (World *world)
{
  Puppet *a = puppet_new (world), *b, *c;
  g_autofree char *dump = NULL, *line_b = NULL, *line_c = NULL;
  g_auto (GStrv) lines = NULL;

  puppet_do (a, spawn_labelled, &b);
  puppet_do (b, spawn_labelled, &c);
  puppet_settle (b, c);
  dump = hemera_system_dump (world->system, 60000);
  lines = g_strsplit (dump, "\n", -1);
  line_b = g_strdup_printf ("  " HEMERA_PID_FORMAT " a child", HEMERA_PID_ARGS (b->pid));
  line_c = g_strdup_printf ("    " HEMERA_PID_FORMAT " a child", HEMERA_PID_ARGS (c->pid));
  g_assert_cmpuint (g_strv_length (lines), ==, 4); /* and an empty one */
  g_assert_true (g_str_has_prefix (lines[1], line_b));
  g_assert_true (g_str_has_prefix (lines[2], line_c));
}

static HemeraView
entry_of (HemeraTerm *dump, guint i)
{
  return hemera_view_element (hemera_term_view (dump), i);
}

static void
fill_queue (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera_actor_set_label (self, "one that is filled");
  hemera_actor_register (self, "filled");
  hemera_actor_monitor (self, ((Puppet *) data)->pid);
  hemera_actor_start_timer (self, 1000000, puppet->pid, NULL);
}

static void
dump_term_has_all_of_an_actor (World *world)
{
  Puppet *a = puppet_new (world), *b;
  g_autoptr (HemeraTerm) dump = NULL;
  g_autofree char *parent = NULL;
  HemeraView first, second;

  puppet_do (a, spawn_labelled, &b);
  puppet_do (a, fill_queue, b);
  puppet_settle (a, b);
  dump = hemera_system_dump_term (world->system, 60000);
  g_assert_nonnull (dump);
  g_assert_cmpuint (hemera_view_length (hemera_term_view (dump)), ==, 2);
  first = entry_of (dump, 0);
  second = entry_of (dump, 1);
  parent = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (a->pid));
  g_assert_true (hemera_view_equals_string (hemera_view_get (first, "pid"), parent));
  g_assert_true (hemera_view_equals_string (hemera_view_get (second, "parent"), parent));
  g_assert_true (hemera_view_equals_string (hemera_view_get (first, "name"), "filled"));
  g_assert_true (hemera_view_equals_string (hemera_view_get (first, "label"), "one that is filled"));
  g_assert_true (hemera_view_equals_string (hemera_view_get (second, "label"), "a child"));
  g_assert_true (hemera_view_is_atom (hemera_view_get (first, "status"), "waiting"));
  g_assert_cmpuint (hemera_view_length (hemera_view_get (first, "links")), ==, 1);
  g_assert_cmpuint (hemera_view_length (hemera_view_get (first, "monitors")), ==, 1);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (second, "monitored_by"), -1), ==, 1);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (first, "timers"), -1), ==, 1);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (first, "queue"), -1), ==, 0);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (first, "inbox"), -1), ==, 0);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (first, "reductions"), -1), >=, 3);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (first, "memory"), -1), >, 100);
}

static void
sleep_at_gate (HemeraActor *self, Puppet *puppet, gpointer gate)
{
  sem_wait (gate);
}

static void
dump_shows_who_is_busy (void)
{
  World *world = world_new (WORLD_SAME);
  Puppet *a = puppet_new (world);
  g_autofree char *dump = NULL;
  sem_t gate;

  sem_init (&gate, 0, 0);
  puppet_post (a, sleep_at_gate, &gate);
  dump = hemera_system_dump (world->system, 30);
  sem_post (&gate);
  g_assert_nonnull (strstr (dump, "status=busy"));
  world_free (world);
}

/* ---- a system that ends -------------------------------------------------------------------------------------------------------- */

static void
spawn_while_it_ends (HemeraActor *self, Puppet *puppet, gpointer data)
{
  HemeraSystem *system = hemera_actor_system (self);
  HemeraRef monitor;

  hemera_actor_set_trap_exit (self, TRUE);
  pthread_mutex_lock (&system->spawn_lock);
  system->closing = TRUE;
  pthread_mutex_unlock (&system->spawn_lock);
  puppet_spawn (
      self, puppet,
      (HemeraSpawn){ .link = TRUE, .monitor = &monitor, .ack_to = data ? puppet->pid : HEMERA_PID_NONE });
}

static void
spawn_while_it_ends_fails (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, spawn_while_it_ends, NULL);
  puppet_settle (a, b);
  assert_log (a, "DOWN:c:noproc EXIT:c:noproc");
}

static void
start_while_it_ends_fails_once (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, spawn_while_it_ends, (gpointer) "ack");
  puppet_settle (a, b);
  assert_log (a, "started:killed DOWN:c:noproc");
}

/* ---- simulation ---------------------------------------------------------------------------------------------------------------- */

static void
send_its_letter (HemeraActor *self, Puppet *puppet, gpointer data)
{
  gpointer *pair = data;

  hemera_send (((Puppet *) pair[0])->pid, text_new_of (pair[1]));
}

static char *
simulated_order (guint64 seed)
{
  World *world = world_new (WORLD_SIMULATED);
  Puppet *sink, *sources[8];
  gpointer pairs[8][2];
  static const char *const letters[] = { "a", "b", "c", "d", "e", "f", "g", "h" };
  char *log;

  hemera_system_unref (world->system);
  world->system = hemera__system_new_simulated (seed);
  sink = puppet_new (world);
  for (guint i = 0; i < 8; i++) {
    sources[i] = puppet_new (world);
    pairs[i][0] = sink;
    pairs[i][1] = (gpointer) letters[i];
    puppet_post (sources[i], send_its_letter, pairs[i]);
  }
  hemera__system_run_until_idle (world->system);
  log = puppet_log (sink);
  world_free (world);
  return log;
}

static void
same_seed_same_order (void)
{
  g_autofree char *one = simulated_order (7), *two = simulated_order (7);
  guint different = 0;

  g_assert_cmpstr (one, ==, two);
  for (guint64 seed = 8; seed < 12; seed++) {
    g_autofree char *other = simulated_order (seed);
    different += !g_str_equal (one, other);
  }
  g_assert_cmpuint (different, >, 0);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("init/started", started_is_told);
  add_test ("init/7.7-failed-start-is-told-once", failed_start_is_told_once);
  add_test ("init/name-too-long", name_that_is_too_long);
  add_test ("init/ignore", ignore_ends_normally);
  add_test ("init/deferred", deferred_ack_waits);
  add_test ("init/deferred-end", end_before_a_deferred_ack);
  add_test ("init/deferred-kill", killed_before_a_deferred_ack);
  g_test_add_func ("/runtime/args/copied-and-freed", arguments_are_copied_and_freed_last);
  add_test ("placement/with-parent", placed_with_its_parent);
  add_test ("placement/other", placed_apart);
  add_test ("filter/sees-messages-first", filter_sees_messages_first);
  add_test ("report/crash", crash_is_reported);
  add_test ("report/no-other-end", other_ends_are_not_reported);
  add_test ("dump/tree", dump_shows_the_tree);
  add_test ("dump/children", dump_indents_children);
  add_test ("dump/term", dump_term_has_all_of_an_actor);
  add_test ("system/spawn-while-it-ends", spawn_while_it_ends_fails);
  add_test ("system/start-while-it-ends", start_while_it_ends_fails_once);
  g_test_add_func ("/runtime/dump/busy", dump_shows_who_is_busy);
  g_test_add_func ("/runtime/system/unref-ends-all", unref_ends_all_actors);
  g_test_add_func ("/runtime/system/default-is-shared", default_system_is_shared);
  g_test_add_func ("/runtime/system/message-outlives-it", message_may_outlive_its_system);
  g_test_add_func ("/runtime/simulated/same-seed-same-order", same_seed_same_order);
  return g_test_run ();
}

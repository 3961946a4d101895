/* OTP.md rows 3.x (links) with section 12's difference for 3.2. Row 3.6 belongs to the node. */
#include "tests/unit/runtime/puppet.h"

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
two_links_are_one (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_do (b, do_link, a);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await (a, "EXIT:b:bye");
  puppet_settle (a, puppet_new (world));
  assert_log (a, "EXIT:b:bye");
}

static void
links_go_both_ways (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world), *c = puppet_new (world);

  puppet_do (c, do_monitor, b);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_settle (c, b);
  puppet_do (a, do_stop, (gpointer) "bye");
  puppet_await (c, "DOWN:b:bye");
}

static void
link_to_oneself_is_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  g_autofree char *dump = NULL;

  puppet_do (a, do_link, a);
  puppet_settle (a, b);
  dump = hemera_system_dump (world->system, 60000);
  g_assert_nonnull (g_strrstr (dump, "links=0"));
  g_assert_null (g_strrstr (dump, "links=1"));
}

static void
link_to_the_dead_gives_noproc (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (b, do_stop, (gpointer) "normal");
  puppet_await_gone (b);
  puppet_do (a, do_link, b);
  puppet_await (a, "EXIT:b:noproc");
  puppet_do (a, do_link, b);
  puppet_settle (a, puppet_new (world));
  assert_log (a, "EXIT:b:noproc EXIT:b:noproc");
}

static void
link_to_the_dead_ends_who_does_not_trap (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world), *c = puppet_new (world);

  puppet_do (c, do_monitor, a);
  puppet_settle (c, a);
  puppet_do (b, do_stop, (gpointer) "normal");
  puppet_await_gone (b);
  puppet_do (a, do_link, b);
  puppet_await (c, "DOWN:a:noproc");
}

static HemeraNext
init_stop (HemeraActor *self, gpointer state, gconstpointer args)
{
  return hemera_actor_stop (self, hemera_term_new_atom ("at_once"));
}

static const HemeraActorClass stillborn = { .name = "stillborn", .init = init_stop };

static void
spawn_link_is_atomic (World *world)
{
  Puppet *a = puppet_new (world);
  Spawning spawning = { .spawn = { .actor_class = &stillborn, .link = TRUE } };

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_spawn, &spawning);
  puppet_await (a, "EXIT:b:at_once");
}

static void
spawn_monitor_is_atomic (World *world)
{
  Puppet *a = puppet_new (world);
  HemeraRef ref = HEMERA_REF_NONE;
  Spawning spawning = { .spawn = { .actor_class = &stillborn, .monitor = &ref } };

  puppet_do (a, do_spawn, &spawning);
  puppet_await (a, "DOWN:b:at_once");
  g_assert_cmpuint (ref.id, !=, 0);
}

static void
no_exit_after_unlink (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_do (a, do_unlink, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  puppet_settle (a, puppet_new (world));
  assert_log (a, "");
}

static void
unlink_by_the_other_side (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_do (b, do_unlink, a);
  puppet_settle (b, a);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  puppet_settle (a, puppet_new (world));
  assert_log (a, "");
}

static void
post_unlink_and_stop (HemeraActor *self, Puppet *puppet, gpointer other)
{
  puppet_post (other, do_unlink, puppet);
  do_stop (self, puppet, (gpointer) "bye");
}

/* The EXIT stands in a's queue when a unlinks. */
static void
exit_in_the_mailbox_stays (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  sem_t gate;

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_hold (a, &gate);
  puppet_do (b, post_unlink_and_stop, a);
  puppet_await_gone (b);
  puppet_release (a, &gate);
  puppet_await (a, "EXIT:b:bye");
}

static Puppet *unlinked;

static void
unlink_at_gate (HemeraActor *self, Puppet *puppet, gpointer data)
{
  sem_t *gates = data;

  sem_post (&gates[0]);
  sem_wait (&gates[1]);
  hemera_actor_unlink (self, unlinked->pid);
}

/* The EXIT stands in a's inbox, not handled, when a unlinks. */
static void
exit_that_crosses_is_ignored (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  sem_t gates[2];

  if (world->kind != WORLD_OTHER)
    return; /* a must be busy while b ends */
  sem_init (&gates[0], 0, 0);
  sem_init (&gates[1], 0, 0);
  unlinked = b;
  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_post (a, unlink_at_gate, gates);
  sem_wait (&gates[0]);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await_gone (b);
  sem_post (&gates[1]);
  puppet_settle (a, puppet_new (world));
  assert_log (a, "");
}

static void
unlink_and_link (HemeraActor *self, Puppet *puppet, gpointer other)
{
  hemera_actor_unlink (self, ((Puppet *) other)->pid);
  hemera_actor_link (self, ((Puppet *) other)->pid);
}

static void
link_after_unlink_is_new (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_trap, NULL);
  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  for (guint i = 0; i < 3; i++)
    puppet_do (a, unlink_and_link, b);
  puppet_settle (a, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await (a, "EXIT:b:bye");
  puppet_settle (a, puppet_new (world));
  assert_log (a, "EXIT:b:bye");
}

typedef struct {
  Puppet *other;
  const char *ops; /* l: link, u: unlink */
  pthread_barrier_t *barrier;
} Crossing;

/* Between the barriers both act: neither drains what the other sends. Their signals cross. */
static void
do_crossing (HemeraActor *self, Puppet *puppet, gpointer data)
{
  Crossing *crossing = data;

  pthread_barrier_wait (crossing->barrier);
  for (const char *op = crossing->ops; *op; op++)
    if (*op == 'l')
      hemera_actor_link (self, crossing->other->pid);
    else
      hemera_actor_unlink (self, crossing->other->pid);
  pthread_barrier_wait (crossing->barrier);
}

static gboolean
shows_link (World *world, Puppet *to)
{
  g_autofree char *dump = hemera_system_dump (world->system, 60000);
  g_autofree char *linked = g_strdup_printf ("linked=" HEMERA_PID_FORMAT, HEMERA_PID_ARGS (to->pid));

  return g_strrstr (dump, linked) != NULL;
}

/* Whatever both ends do at once, they agree afterwards, and a new link is a link. */
static void
crossing_signals_agree (World *world)
{
  static const char *const ops[] = { "", "l", "u", "ul", "lu", "ulu", "lul" };
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  if (world->kind != WORLD_OTHER)
    return; /* on one thread a turn drains before it acts: nothing crosses */
  for (guint round = 0; round < G_N_ELEMENTS (ops) * G_N_ELEMENTS (ops) * 2; round++) {
    pthread_barrier_t barrier;
    Crossing of_a = { b, ops[round / 2 % G_N_ELEMENTS (ops)], &barrier };
    Crossing of_b = { a, ops[round / 2 / G_N_ELEMENTS (ops)], &barrier };

    pthread_barrier_init (&barrier, NULL, 2);
    puppet_do (a, round % 2 ? do_link : do_unlink, b);
    puppet_settle (a, b);
    puppet_post (a, do_crossing, &of_a);
    puppet_post (b, do_crossing, &of_b);
    puppet_settle (a, b);
    puppet_settle (b, a);
    pthread_barrier_destroy (&barrier);
    if (shows_link (world, a) != shows_link (world, b))
      g_error ("one end is linked: a did \"%s\", b did \"%s\", linked before: %u", of_a.ops, of_b.ops,
               round % 2);
    puppet_do (a, do_link, b);
    puppet_settle (a, b);
    g_assert_true (shows_link (world, a) && shows_link (world, b));
  }
}

static void
unlink_of_the_dead_leaves_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  g_autofree char *dump = NULL;
  sem_t gate;

  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  puppet_hold (a, &gate);
  puppet_post (a, do_unlink, b);
  puppet_do (b, do_stop, (gpointer) "normal");
  puppet_await_gone (b);
  puppet_release (a, &gate);
  puppet_settle (a, puppet_new (world));
  dump = hemera_system_dump (world->system, 60000);
  g_assert_null (g_strrstr (dump, "links=1"));
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("link/3.1-two-links-are-one", two_links_are_one);
  add_test ("link/3.1-both-ways", links_go_both_ways);
  add_test ("link/3.1-self", link_to_oneself_is_nothing);
  add_test ("link/3.2-noproc-trapped", link_to_the_dead_gives_noproc);
  add_test ("link/3.2-noproc-deadly", link_to_the_dead_ends_who_does_not_trap);
  add_test ("link/3.3-spawn-link-is-atomic", spawn_link_is_atomic);
  add_test ("link/3.3-spawn-monitor-is-atomic", spawn_monitor_is_atomic);
  add_test ("link/3.4-no-exit-after-unlink", no_exit_after_unlink);
  add_test ("link/3.4-unlink-by-the-other-side", unlink_by_the_other_side);
  add_test ("link/3.4-exit-in-the-mailbox-stays", exit_in_the_mailbox_stays);
  add_test ("link/3.5-exit-that-crosses", exit_that_crosses_is_ignored);
  add_test ("link/3.5-link-after-unlink-is-new", link_after_unlink_is_new);
  add_test ("link/3.5-crossing-signals-agree", crossing_signals_agree);
  add_test ("link/3.5-unlink-of-the-dead", unlink_of_the_dead_leaves_nothing);
  return g_test_run ();
}

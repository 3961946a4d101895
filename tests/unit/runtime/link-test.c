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
  dump = hemera_system_dump (world->system, 5000);
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

/* Both ends unlink and link again at once: whatever wins, both agree. */
static void
crossing_unlinks_agree (World *world)
{
  for (guint round = 0; round < 20; round++) {
    Puppet *a = puppet_new (world), *b = puppet_new (world);
    g_autofree char *dump = NULL;
    g_autofree char *pid_a = g_strdup_printf ("linked=" HEMERA_PID_FORMAT, HEMERA_PID_ARGS (a->pid));
    g_autofree char *pid_b = g_strdup_printf ("linked=" HEMERA_PID_FORMAT, HEMERA_PID_ARGS (b->pid));

    puppet_do (a, do_link, b);
    puppet_settle (a, b);
    puppet_post (a, round % 3 ? unlink_and_link : do_unlink, b);
    puppet_post (b, round % 2 ? unlink_and_link : do_unlink, a);
    puppet_post (a, do_link, b);
    puppet_settle (a, b);
    puppet_settle (b, a);
    dump = hemera_system_dump (world->system, 5000);
    g_assert_cmpint (g_strrstr (dump, pid_a) != NULL, ==, g_strrstr (dump, pid_b) != NULL);
    puppet_do (a, do_unlink, b);
    puppet_settle (a, b);
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
  dump = hemera_system_dump (world->system, 5000);
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
  add_test ("link/3.5-link-after-unlink-is-new", link_after_unlink_is_new);
  add_test ("link/3.5-crossing-unlinks-agree", crossing_unlinks_agree);
  add_test ("link/3.5-unlink-of-the-dead", unlink_of_the_dead_leaves_nothing);
  return g_test_run ();
}

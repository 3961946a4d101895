/* What actors keep of each other: nothing is left of a link or a monitor that is over, on either side. Months of monitors and links that
 * come and go must not fill a table. */
#include "tests/unit/runtime/puppet.h"

#include "runtime/signal/actor.h"

typedef struct {
  guint links, entries, watchers;
} Kept;

static void
do_count (HemeraActor *self, Puppet *puppet, gpointer data)
{
  *(Kept *) data = (Kept){ self->links.count, self->entries.count, self->watchers.count };
}

static void
assert_kept (Puppet *puppet, guint links, guint entries, guint watchers)
{
  Kept kept;

  puppet_do (puppet, do_count, &kept);
  g_assert_cmpuint (kept.links, ==, links);
  g_assert_cmpuint (kept.entries, ==, entries);
  g_assert_cmpuint (kept.watchers, ==, watchers);
}

static void
do_demonitor (HemeraActor *self, Puppet *puppet, gpointer ref)
{
  g_assert_true (hemera_actor_demonitor (self, *(HemeraRef *) ref, FALSE));
}

typedef struct {
  Puppet *other;
  const char *name; /* NULL: by pid */
  HemeraRef ref;
} Watch;

static void
do_watch (HemeraActor *self, Puppet *puppet, gpointer data)
{
  Watch *watch = data;

  watch->ref = watch->name != NULL ? hemera_actor_monitor_name (self, watch->name)
                                   : hemera_actor_monitor (self, watch->other->pid);
}

static void
do_register (HemeraActor *self, Puppet *puppet, gpointer name)
{
  g_assert_true (hemera_actor_register (self, name));
}

static void
demonitor_leaves_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  Watch watches[] = { { b, NULL, HEMERA_REF_NONE }, { b, "bert", HEMERA_REF_NONE } };

  puppet_do (b, do_register, (gpointer) "bert");
  for (guint i = 0; i < G_N_ELEMENTS (watches); i++) {
    puppet_do (a, do_watch, &watches[i]);
    puppet_settle (a, b);
    assert_kept (a, 0, 1, 0);
    assert_kept (b, 0, 0, 1);
    puppet_do (a, do_demonitor, &watches[i].ref);
    puppet_settle (a, b);
    assert_kept (a, 0, 0, 0);
    assert_kept (b, 0, 0, 0);
  }
}

static void
hand_over_the_name (HemeraActor *self, Puppet *puppet, gpointer data)
{
  sem_t *gates = data;

  sem_post (&gates[0]); /* busy */
  sem_wait (&gates[1]); /* until the monitor is on its way */
  hemera_actor_unregister (self);
  sem_post (&gates[2]);
  sem_wait (&gates[3]); /* until another has the name */
}

/* A monitor by name goes on to the new holder of the name; so does its end. */
static void
demonitor_follows_the_name (World *world)
{
  Puppet *b = puppet_new (world), *a = puppet_new (world), *c;
  Watch watch = { b, "moving", HEMERA_REF_NONE };
  sem_t gates[4];

  if (world->kind != WORLD_OTHER)
    return;           /* the holder must be busy while others run */
  puppet_new (world); /* so that c is not on the busy worker */
  c = puppet_new (world);
  for (guint i = 0; i < G_N_ELEMENTS (gates); i++)
    sem_init (&gates[i], 0, 0);
  puppet_do (b, do_register, (gpointer) "moving");
  puppet_post (b, hand_over_the_name, gates);
  sem_wait (&gates[0]);
  puppet_do (a, do_watch, &watch);
  sem_post (&gates[1]);
  sem_wait (&gates[2]);
  puppet_do (c, do_register, (gpointer) "moving");
  sem_post (&gates[3]);
  puppet_settle (a, b);
  puppet_settle (b, c);
  assert_kept (b, 0, 0, 0);
  assert_kept (c, 0, 0, 1);
  puppet_do (a, do_demonitor, &watch.ref);
  puppet_settle (a, b);
  puppet_settle (b, c);
  assert_kept (c, 0, 0, 0);
}

static void
down_leaves_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_do (b, do_stop, (gpointer) "bye");
  puppet_await (a, "DOWN:b:bye");
  assert_kept (a, 0, 0, 0);
}

static void
watcher_that_ends_leaves_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_monitor, b);
  puppet_settle (a, b);
  assert_kept (b, 0, 0, 1);
  puppet_do (a, do_stop, (gpointer) "bye");
  puppet_await_gone (a);
  puppet_settle (b, puppet_new (world));
  assert_kept (b, 0, 0, 0);
}

static void
monitor_of_oneself_by_name_never_fires (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);
  Watch watch = { a, "anna", HEMERA_REF_NONE };

  puppet_do (a, do_register, (gpointer) "anna");
  puppet_do (a, do_watch, &watch);
  puppet_settle (a, b);
  g_assert_cmpuint (watch.ref.id, !=, 0);
  assert_kept (a, 0, 0, 0);
}

static void
unlink_leaves_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_link, b);
  puppet_settle (a, b);
  assert_kept (a, 1, 0, 0);
  assert_kept (b, 1, 0, 0);
  puppet_do (a, do_unlink, b);
  puppet_settle (a, b);
  assert_kept (a, 0, 0, 0);
  assert_kept (b, 0, 0, 0);
}

static HemeraNext
refuse_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  return hemera_actor_stop (self, hemera_term_new_atom ("nope"));
}

static HemeraNext
never_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  g_assert_not_reached ();
}

static const HemeraActorClass refusing = { .name = "refusing",
                                           .init = refuse_init,
                                           .receive = never_receive };

static void
do_spawn_refusing (HemeraActor *self, Puppet *puppet, gpointer data)
{
  hemera_actor_spawn (self, &(HemeraSpawn){ .actor_class = &refusing,
                                            .link = TRUE,
                                            .ack_to = hemera_actor_self (self),
                                            .ack_ref = hemera_ref_new (),
                                            .placement = HEMERA_PLACE_OTHER });
}

/* Who starts it learns of it by the answer, and is not linked any more. */
static void
failed_start_leaves_nothing (World *world)
{
  Puppet *a = puppet_new (world), *b = puppet_new (world);

  puppet_do (a, do_spawn_refusing, NULL);
  puppet_await (a, "started:nope");
  puppet_settle (a, b);
  assert_kept (a, 0, 0, 0);
  assert_log (a, "started:nope");
}

static void
do_take_length (HemeraActor *self, Puppet *puppet, gpointer length)
{
  *(guint *) length = self->n_messages;
}

static void
do_fill_own_queue (HemeraActor *self, Puppet *puppet, gpointer length)
{
  puppet_post (puppet, do_take_length, length);
  hemera_send (puppet->pid, text_new_of ("one"));
  hemera_send (puppet->pid, text_new_of ("two"));
}

/* What dumps show as the queue: the messages behind the one at hand. */
static void
queue_length_is_of_what_waits (World *world)
{
  Puppet *a = puppet_new (world);
  guint length = G_MAXUINT;

  puppet_do (a, do_fill_own_queue, &length);
  puppet_await (a, "two");
  g_assert_cmpuint (length, ==, 2);
  puppet_do (a, do_take_length, &length);
  g_assert_cmpuint (length, ==, 0);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  add_test ("tables/demonitor", demonitor_leaves_nothing);
  add_test ("tables/demonitor-follows-the-name", demonitor_follows_the_name);
  add_test ("tables/down", down_leaves_nothing);
  add_test ("tables/end-of-the-watcher", watcher_that_ends_leaves_nothing);
  add_test ("tables/oneself-by-name", monitor_of_oneself_by_name_never_fires);
  add_test ("tables/unlink", unlink_leaves_nothing);
  add_test ("tables/queue-length", queue_length_is_of_what_waits);
  add_test ("tables/failed-start", failed_start_leaves_nothing);
  return g_test_run ();
}

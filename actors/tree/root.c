/* The root of a gateway's tree: an actor without a parent that spawns the application supervisor, opens and closes the shards, and tells
 * the facade when everything is down. It runs no risk of its own: all it knows are names. */
#include "messages.h"
#include "tree.h"

typedef struct {
  HemeraTree *tree;
  HemeraPid application;
  HemeraRef *disposing; /* a monitor for each shard that is to close; none when 0 */
  guint n_disposing;
  HemeraRef deadline;
  gboolean closing;
} Root;

static HemeraNext
root_init (HemeraActor *self, gpointer state, gconstpointer data)
{
  Root *root = state;
  const HemeraTreeArgs *args = data;
  HemeraSupervisorSpec *spec = hemera__tree_spec (args->tree);
  HemeraSpawn spawn = hemera_supervisor_spawn (spec);

  root->tree = hemera__tree_ref (args->tree);
  spawn.link = TRUE;
  spawn.label = "application";
  spawn.ack_to = hemera_actor_self (self);
  spawn.ack_ref = hemera_ref_new ();
  root->application = hemera_actor_spawn (self, &spawn);
  hemera_supervisor_spec_free (spec);
  return HEMERA_CONTINUE;
}

static HemeraNext
end (HemeraActor *self, Root *root, HemeraTerm *reason)
{
  hemera__tree_down_send (root->tree->facade,
                          &(HemeraTreeDown){ hemera__tree_ref (root->tree), hemera_term_ref (reason) });
  return hemera_actor_stop (self, NULL);
}

/* The message may find a shard that dies before it reads it, or none as it is just being restarted: then its successor sees `started`. */
static void
start_shards (Root *root, HemeraActor *self)
{
  for (guint i = 0; i < root->tree->n_slots; i++) {
    HemeraSlot *slot = &root->tree->slots[i];

    atomic_store_explicit (&slot->started, TRUE, memory_order_release);
    hemera_send_name (hemera_actor_system (self), slot->shard_name,
                      hemera__start_shard_new (&(HemeraStartShard){ 0 }));
  }
}

static void
stop_application (HemeraActor *self, Root *root)
{
  g_clear_pointer (&root->disposing, g_free);
  root->n_disposing = 0;
  hemera_actor_exit (self, root->application, hemera_reason_shutdown ());
}

/* Every shard closes its websocket with the code of @mode; then, or when that takes too long, the tree is shut down. */
static void
close_shards (HemeraActor *self, Root *root, HemeraCloseMode mode)
{
  HemeraTree *tree = root->tree;
  guint ms = tree->config.times.close_ms != 0 ? tree->config.times.close_ms : 5000;

  if (root->closing)
    return;
  root->closing = TRUE;
  atomic_store_explicit (&tree->closing, TRUE, memory_order_relaxed);
  root->disposing = g_new0 (HemeraRef, tree->n_slots);
  root->n_disposing = tree->n_slots;
  for (guint i = 0; i < tree->n_slots; i++) {
    HemeraPid shard = hemera_system_whereis (hemera_actor_system (self), tree->slots[i].shard_name);

    root->disposing[i] = hemera_actor_monitor (self, shard);
    hemera_send (shard, hemera__dispose_new (&(HemeraDispose){ mode }));
  }
  root->deadline = hemera_actor_start_timer (self, ms + 1000, hemera_actor_self (self), NULL);
}

static void
shard_down (HemeraActor *self, Root *root, HemeraRef ref)
{
  guint left = 0;

  if (root->disposing == NULL)
    return;
  for (guint i = 0; i < root->n_disposing; i++) {
    if (hemera_ref_equal (root->disposing[i], ref))
      root->disposing[i] = HEMERA_REF_NONE;
    left += root->disposing[i].id != 0;
  }
  if (left == 0)
    stop_application (self, root);
}

static HemeraNext
root_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Root *root = state;
  HemeraStartedMessage *started = hemera_started_message_peek (message);
  HemeraExitMessage *exit = hemera_exit_message_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  HemeraTreeClose *close = hemera__tree_close_peek (message);

  if (exit != NULL && hemera_pid_equal (exit->from, root->application))
    return end (self, root, exit->reason);
  if (exit != NULL) { /* the facade is gone: the application ends with us, as with any parent */
    atomic_store_explicit (&root->tree->closing, TRUE, memory_order_relaxed);
    return hemera_actor_stop (self, hemera_term_ref (exit->reason));
  }
  if (started != NULL && started->reason != NULL)
    return end (self, root, started->reason); /* there comes no exit signal of a start that failed */
  if (started != NULL)
    start_shards (root, self);
  else if (down != NULL)
    shard_down (self, root, down->ref);
  else if (timeout != NULL && root->disposing != NULL && hemera_ref_equal (timeout->ref, root->deadline))
    stop_application (self, root);
  else if (close != NULL)
    close_shards (self, root, close->mode);
  return HEMERA_CONTINUE;
}

static void
root_finalize (gpointer state)
{
  Root *root = state;

  g_free (root->disposing);
  g_clear_pointer (&root->tree, hemera__tree_unref);
}

static const HemeraActorClass root_class = {
  .name = "hemera_root",
  .state_size = sizeof (Root),
  .init = root_init,
  .receive = root_receive,
  .finalize = root_finalize,
};

HemeraPid
hemera__tree_spawn (HemeraSystem *system, HemeraTree *self)
{
  const HemeraTreeArgs args = { self, 0 };

  return hemera_system_spawn (system, &(HemeraSpawn){
                                          .actor_class = &root_class,
                                          .args = hemera__tree_args (&args),
                                          .name = self->root_name,
                                          .trap_exit = TRUE,
                                      });
}

/* Making an actor. A link and a monitor of the spawner are in both tables before the actor can run: spawn_link and spawn_monitor
 * are atomic. */
#include "runtime/signal/actor.h"
#include "runtime/signal/signal.h"
#include "runtime/sched/system.h"

HemeraRef
hemera_ref_new (void)
{
  static _Atomic guint64 next = 1;
  HemeraThread *thread = &hemera__thread;

  /* In batches, so that threads do not fight for one cache line. Relaxed: only uniqueness counts. */
  if (thread->ref_next == thread->ref_end) {
    thread->ref_next = atomic_fetch_add_explicit (&next, 1024, memory_order_relaxed);
    thread->ref_end = thread->ref_next + 1024;
  }
  return (HemeraRef){ .id = thread->ref_next++ };
}

static HemeraActor *
alloc (HemeraWorker *worker, HemeraActor *parent, const HemeraSpawn *spawn)
{
  HemeraActor *self = g_malloc0 (sizeof *self + spawn->actor_class->state_size);

  self->number = atomic_fetch_add_explicit (&worker->system->spawned, 1, memory_order_relaxed);
  self->actor_class = spawn->actor_class;
  self->worker = worker;
  self->parent = parent ? parent->pid : HEMERA_PID_NONE;
  self->args = spawn->args.copy ? spawn->args.copy (spawn->args.data) : (gpointer) spawn->args.data;
  self->args_free = spawn->args.copy ? spawn->args.free : NULL;
  self->spawn_name = hemera__intern (spawn->name);
  self->has_bad_name = spawn->name && !self->spawn_name;
  self->label = g_strdup (spawn->label);
  self->trap_exit = spawn->trap_exit != FALSE;
  self->ack_to = spawn->ack_to;
  self->ack_ref = spawn->ack_ref;
  self->ack_pending = spawn->ack_to.id != 0;
  self->random = worker->system->seed ^ (self->number * G_GUINT64_CONSTANT (0xD1B54A32D192ED03));
  return self;
}

static void
insert_monitor (HemeraTable *table, HemeraPid peer, guint64 ref)
{
  HemeraMonitor *monitor = hemera__block_payload (hemera__block_new (HEMERA_SIGNAL_MONITOR, NULL));

  monitor->kind = HEMERA_ENTRY_MONITOR;
  monitor->peer = peer;
  hemera__table_insert (table, &monitor->node, ref);
}

/* A pid whose actor has ended before anything could be asked of it: the system is closing, or the table full. */
static HemeraPid
spawn_nobody (HemeraActor *parent, const HemeraSpawn *spawn)
{
  HemeraPid pid = HEMERA_PID_NONE;

  if (spawn->ack_to.id != 0) {
    HemeraStartedMessage started = { .ref = spawn->ack_ref,
                                     .reason = hemera_term_ref (hemera_reason_killed ()) };
    hemera_send (spawn->ack_to, hemera_actor_message_new (&hemera_started_message_type, &started));
  }
  if (parent && spawn->monitor)
    *spawn->monitor = hemera_actor_monitor (parent, pid);
  /* As of every start that failed: who gets the HemeraStartedMessage gets no exit signal too. */
  if (parent && spawn->link && !hemera_pid_equal (spawn->ack_to, parent->pid))
    hemera_actor_link (parent, pid);
  return pid;
}

static HemeraPid
spawn_on (HemeraSystem *system, HemeraActor *parent, const HemeraSpawn *spawn)
{
  HemeraWorker *worker = hemera__system_place (system, spawn->placement, parent ? parent->worker : NULL);
  HemeraSlot *slot;
  HemeraActor *self;
  HemeraPid pid;

  if (!worker)
    return spawn_nobody (parent, spawn);
  slot = hemera__slot_new (&pid);
  if (!slot) {
    atomic_fetch_sub_explicit (&worker->live, 1, memory_order_relaxed);
    return spawn_nobody (parent, spawn);
  }
  self = alloc (worker, parent, spawn);
  self->slot = slot;
  self->pid = pid;
  if (parent && spawn->link) {
    hemera__link_add (self, parent->pid);
    hemera__link_add (parent, pid);
  }
  if (parent && spawn->monitor) {
    *spawn->monitor = hemera_ref_new ();
    insert_monitor (&parent->entries, pid, spawn->monitor->id);
    insert_monitor (&self->watchers, parent->pid, spawn->monitor->id);
  }
  slot->owner.actor = self;
  slot->work.func = hemera__actor_begin;
  atomic_store_explicit (&slot->worker, worker, memory_order_relaxed);
  hemera__inbox_open (&slot->inbox, FALSE);
  hemera__worker_schedule (worker, &slot->work);
  return pid;
}

/* The first turn: from here on its worker knows it. */
void
hemera__actor_begin (HemeraWorker *worker, HemeraWork *work)
{
  HemeraSlot *slot = (HemeraSlot *) ((guint8 *) work - G_STRUCT_OFFSET (HemeraSlot, work));
  HemeraActor *self = slot->owner.actor;

  self->next = worker->actors;
  if (self->next)
    self->next->prev = self;
  worker->actors = self;
  work->func = hemera__actor_turn;
  hemera__actor_turn (worker, work);
}

/**
 * hemera_actor_spawn:
 * @self: the parent
 * @spawn: what to run
 *
 * Returns: its pid. While the system ends, a pid that names nobody.
 */
HemeraPid
hemera_actor_spawn (HemeraActor *self, const HemeraSpawn *spawn)
{
  g_return_val_if_fail (self != NULL && spawn->actor_class != NULL, HEMERA_PID_NONE);
  g_return_val_if_fail (hemera__actor_is_here (self), HEMERA_PID_NONE);
  return spawn_on (self->worker->system, self, spawn);
}

HemeraPid
hemera_system_spawn (HemeraSystem *self, const HemeraSpawn *spawn)
{
  g_return_val_if_fail (self != NULL && spawn->actor_class != NULL, HEMERA_PID_NONE);
  g_return_val_if_fail (!spawn->link && !spawn->monitor, HEMERA_PID_NONE);
  return spawn_on (self, NULL, spawn);
}

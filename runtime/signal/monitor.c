/* Monitors, from the watcher's side: its end is an entry of its table under the reference, the other end the signal itself, which becomes
 * an entry of the watched one's table and, in the end, the DOWN. A DOWN whose reference is no entry any more is dropped: so a
 * demonitor needs no answer. */
#include "runtime/signal/actor.h"
#include "runtime/signal/signal.h"
#include "runtime/sched/system.h"

static HemeraRef
monitor (HemeraActor *self, HemeraPid to, const char *name)
{
  HemeraRef ref = hemera_ref_new ();
  HemeraActorMessage *block = hemera__block_new (HEMERA_SIGNAL_MONITOR, NULL);
  HemeraMonitor *theirs = hemera__block_payload (block);
  HemeraMonitor *own = hemera__block_payload (hemera__block_new (HEMERA_SIGNAL_MONITOR, NULL));

  own->kind = HEMERA_ENTRY_MONITOR;
  own->peer = to;
  own->name = name;
  own->system = self->worker->system;
  *theirs = *own;
  theirs->peer = self->pid;
  theirs->node.key = ref.id;
  hemera__table_insert (&self->entries, &own->node, ref.id);
  hemera__deliver (to, block);
  return ref;
}

HemeraRef
hemera_actor_monitor (HemeraActor *self, HemeraPid to)
{
  g_return_val_if_fail (hemera__actor_is_here (self), HEMERA_REF_NONE);
  if (hemera_pid_equal (to, self->pid)) /* never fires */
    return hemera_ref_new ();
  return monitor (self, to, NULL);
}

HemeraRef
hemera_actor_monitor_name (HemeraActor *self, const char *name)
{
  const char *interned = hemera__intern (name);
  HemeraPid to =
      interned ? hemera__registry_lookup (&self->worker->system->registry, interned) : HEMERA_PID_NONE;

  if (hemera_pid_equal (to, self->pid))
    return hemera_ref_new ();
  return monitor (self, to, interned);
}

static gboolean
is_down_of (HemeraActorMessage *message, gpointer data)
{
  HemeraDownMessage *down = hemera_down_message_peek (message);

  return down && down->ref.id == *(guint64 *) data;
}

gboolean
hemera_actor_demonitor (HemeraActor *self, HemeraRef ref, gboolean flush)
{
  HemeraMonitor *own;

  g_return_val_if_fail (hemera__actor_is_here (self), FALSE);
  own = (HemeraMonitor *) hemera__table_lookup (&self->entries, ref.id);
  if (own && own->kind == HEMERA_ENTRY_MONITOR) {
    HemeraActorMessage *block = hemera__block_of (own);
    hemera__table_remove (&self->entries, &own->node);
    block->signal = HEMERA_SIGNAL_DEMONITOR;
    hemera__deliver (own->peer, block);
    return TRUE;
  }
  if (flush)
    hemera__actor_flush (self, is_down_of, &ref.id);
  return FALSE;
}

/* The handling of signals: see signal.h. The unlink protocol is OTP's (erts, "unlink" of erl_proc_sig_queue.c):
 *
 * Each unlink carries an id and is acknowledged. Until the acknowledgement comes the link's end stays, marked: an exit that crosses the
 * unlink is ignored by the mark. A LINK of the peer that arrives while the mark is set was sent before the peer handled our UNLINK (its
 * acknowledgement would have come first), so the peer drops that link when it does: we ignore it too. A link made after the unlink takes
 * the mark off; the acknowledgement then names an id that is no longer ours, and is ignored. */
#include "runtime/signal/signal.h"
#include "runtime/sched/slot.h"
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

HemeraExitEffect
hemera__exit_effect (HemeraTerm *reason, gboolean by_link, gboolean from_self, gboolean traps)
{
  HemeraView view = hemera_term_view (reason);

  if (!by_link && hemera_view_is_atom (view, "kill"))
    return HEMERA_EXIT_KILLED;
  if (traps)
    return HEMERA_EXIT_MESSAGE;
  if (hemera_view_is_atom (view, "normal") && !from_self)
    return HEMERA_EXIT_IGNORE;
  return HEMERA_EXIT_DIE;
}

void
hemera__signal_send_down (HemeraActorMessage *block, HemeraPid watched, HemeraTerm *reason)
{
  HemeraMonitor monitor = *(HemeraMonitor *) hemera__block_payload (block);
  HemeraDownMessage *down;

  hemera__block_recast (block, HEMERA_SIGNAL_DOWN, &hemera_down_message_type);
  down = hemera__block_payload (block);
  down->ref = (HemeraRef){ .id = monitor.node.key };
  down->pid = watched;
  down->name = monitor.name;
  down->reason = hemera_term_ref (reason);
  hemera__deliver (monitor.peer, block);
}

void
hemera__signal_send_link_exit (HemeraActorMessage *block, HemeraPid from, HemeraPid to, HemeraTerm *reason)
{
  HemeraExitMessage *message;

  hemera__block_recast (block, HEMERA_SIGNAL_LINK_EXIT, &hemera_exit_message_type);
  message = hemera__block_payload (block);
  message->from = from;
  message->reason = hemera_term_ref (reason);
  hemera__deliver (to, block);
}

/* A monitor by name whose process lost the name, or its life, before the signal came: to who has the name now. */
static gboolean
forward_by_name (HemeraActorMessage *block)
{
  HemeraMonitor *monitor = hemera__block_payload (block);
  HemeraWorker *worker = hemera__thread.worker;
  HemeraPid holder;

  if (!monitor->name || !worker || worker->system != monitor->system)
    return FALSE;
  holder = hemera__registry_lookup (&monitor->system->registry, monitor->name);
  if (holder.id == 0)
    return FALSE;
  hemera__deliver (holder, block);
  return TRUE;
}

static void
acknowledge_unlink (HemeraActorMessage *block, HemeraPid self)
{
  HemeraLink *link = hemera__block_payload (block);
  HemeraPid to = link->peer;

  block->signal = HEMERA_SIGNAL_UNLINK_ACK;
  link->peer = self;
  hemera__deliver (to, block);
}

void
hemera__signal_bounce (HemeraPid pid, HemeraActorMessage *block)
{
  switch ((HemeraSignal) block->signal) {
  case HEMERA_SIGNAL_LINK: {
    HemeraPid sender = ((HemeraLink *) hemera__block_payload (block))->peer;
    hemera__signal_send_link_exit (block, pid, sender, hemera_reason_noproc ());
    break;
  }
  case HEMERA_SIGNAL_UNLINK: acknowledge_unlink (block, pid); break;
  case HEMERA_SIGNAL_MONITOR:
    if (!forward_by_name (block))
      hemera__signal_send_down (block, pid, hemera_reason_noproc ());
    break;
  case HEMERA_SIGNAL_MESSAGE:
  case HEMERA_SIGNAL_EXIT:
  case HEMERA_SIGNAL_LINK_EXIT:
  case HEMERA_SIGNAL_UNLINK_ACK:
  case HEMERA_SIGNAL_DEMONITOR:
  case HEMERA_SIGNAL_DOWN: hemera_actor_message_free (block); break;
  }
}

/* ---- at the receiver ----------------------------------------------------------------------------------------------------------- */

static void
free_link (HemeraActor *self, HemeraLink *link)
{
  hemera__table_remove (&self->links, &link->node);
  hemera__block_free (hemera__block_of (link));
}

static HemeraHandled
handle_exit (HemeraActor *self, HemeraActorMessage *block, gboolean by_link, HemeraTerm **reason)
{
  HemeraExitMessage *message = hemera__block_payload (block);

  if (by_link) {
    HemeraLink *link = hemera__link_lookup (self, message->from);
    /* It crossed our unlink, or is a dead one's answer to a second link. */
    if (!link || link->unlink_id != 0) {
      hemera_actor_message_free (block);
      return HEMERA_HANDLED;
    }
    free_link (self, link);
  }
  switch (hemera__exit_effect (message->reason, by_link, hemera_pid_equal (message->from, self->pid),
                               self->trap_exit)) {
  case HEMERA_EXIT_MESSAGE: block->signal = HEMERA_SIGNAL_MESSAGE; return HEMERA_HANDLED_MESSAGE;
  case HEMERA_EXIT_DIE:
    *reason = hemera_term_ref (message->reason);
    hemera_actor_message_free (block);
    return HEMERA_HANDLED_END;
  case HEMERA_EXIT_KILLED:
    *reason = hemera_term_ref (hemera_reason_killed ());
    hemera_actor_message_free (block);
    return HEMERA_HANDLED_END;
  case HEMERA_EXIT_IGNORE: break;
  }
  hemera_actor_message_free (block);
  return HEMERA_HANDLED;
}

static void
handle_link (HemeraActor *self, HemeraActorMessage *block)
{
  HemeraLink *link = hemera__block_payload (block);

  if (hemera__link_lookup (self, link->peer))
    hemera__block_free (block);
  else
    hemera__table_insert (&self->links, &link->node, link->peer.id);
}

static void
handle_unlink (HemeraActor *self, HemeraActorMessage *block)
{
  HemeraLink *link = hemera__link_lookup (self, ((HemeraLink *) hemera__block_payload (block))->peer);

  if (link && link->unlink_id == 0)
    free_link (self, link);
  acknowledge_unlink (block, self->pid);
}

static void
handle_unlink_ack (HemeraActor *self, HemeraActorMessage *block)
{
  HemeraLink *acknowledged = hemera__block_payload (block);
  HemeraLink *link = hemera__link_lookup (self, acknowledged->peer);

  if (link && link->unlink_id == acknowledged->unlink_id)
    free_link (self, link);
  hemera__block_free (block);
}

static void
handle_monitor (HemeraActor *self, HemeraActorMessage *block)
{
  HemeraMonitor *monitor = hemera__block_payload (block);

  if (monitor->name && monitor->name != self->name) {
    if (!forward_by_name (block))
      hemera__signal_send_down (block, HEMERA_PID_NONE, hemera_reason_noproc ());
    return;
  }
  hemera__table_insert (&self->watchers, &monitor->node, monitor->node.key);
}

static void
handle_demonitor (HemeraActor *self, HemeraActorMessage *block)
{
  HemeraMonitor *monitor = hemera__block_payload (block);
  HemeraTableNode *node = hemera__table_lookup (&self->watchers, monitor->node.key);

  if (node) {
    hemera__table_remove (&self->watchers, node);
    hemera__block_free (hemera__block_of (node));
  } else if (monitor->name != self->name && forward_by_name (block)) {
    return; /* the monitor had been sent on as well */
  }
  hemera__block_free (block);
}

static HemeraHandled
handle_down (HemeraActor *self, HemeraActorMessage *block)
{
  HemeraDownMessage *down = hemera__block_payload (block);
  HemeraTableNode *node = hemera__table_lookup (&self->entries, down->ref.id);

  if (!node) { /* demonitored meanwhile */
    hemera_actor_message_free (block);
    return HEMERA_HANDLED;
  }
  hemera__table_remove (&self->entries, node);
  hemera__block_free (hemera__block_of (node));
  block->signal = HEMERA_SIGNAL_MESSAGE;
  return HEMERA_HANDLED_MESSAGE;
}

HemeraHandled
hemera__signal_handle (HemeraActor *self, HemeraActorMessage *block, HemeraTerm **reason)
{
  switch ((HemeraSignal) block->signal) {
  case HEMERA_SIGNAL_MESSAGE: return HEMERA_HANDLED_MESSAGE;
  case HEMERA_SIGNAL_EXIT: return handle_exit (self, block, FALSE, reason);
  case HEMERA_SIGNAL_LINK_EXIT: return handle_exit (self, block, TRUE, reason);
  case HEMERA_SIGNAL_LINK: handle_link (self, block); break;
  case HEMERA_SIGNAL_UNLINK: handle_unlink (self, block); break;
  case HEMERA_SIGNAL_UNLINK_ACK: handle_unlink_ack (self, block); break;
  case HEMERA_SIGNAL_MONITOR: handle_monitor (self, block); break;
  case HEMERA_SIGNAL_DEMONITOR: handle_demonitor (self, block); break;
  case HEMERA_SIGNAL_DOWN: return handle_down (self, block);
  }
  return HEMERA_HANDLED;
}

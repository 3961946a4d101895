/* Links and exit signals, from the sender's side. The receiver's side, and the unlink protocol, are in signal.c. */
#include "runtime/signal/actor.h"
#include "runtime/signal/signal.h"

HemeraLink *
hemera__link_lookup (HemeraActor *self, HemeraPid peer)
{
  return (HemeraLink *) hemera__table_lookup (&self->links, peer.id);
}

static void
send_link_signal (HemeraActor *self, HemeraSignal signal, HemeraPid to, guint64 unlink_id)
{
  HemeraActorMessage *block = hemera__block_new (signal, NULL);
  HemeraLink *link = hemera__block_payload (block);

  link->peer = self->pid;
  link->unlink_id = unlink_id;
  hemera__deliver (to, block);
}

gboolean
hemera__link_add (HemeraActor *self, HemeraPid peer)
{
  HemeraLink *link = hemera__link_lookup (self, peer);

  if (link) {
    gboolean was_unlinking = link->unlink_id != 0;
    link->unlink_id = 0;
    return was_unlinking;
  }
  link = hemera__block_payload (hemera__block_new (HEMERA_SIGNAL_LINK, NULL));
  link->peer = peer;
  hemera__table_insert (&self->links, &link->node, peer.id);
  return TRUE;
}

void
hemera__link_drop (HemeraActor *self, HemeraPid peer)
{
  HemeraLink *link = hemera__link_lookup (self, peer);

  if (!link || link->unlink_id != 0)
    return;
  send_link_signal (self, HEMERA_SIGNAL_UNLINK, peer, hemera_ref_new ().id);
  hemera__table_remove (&self->links, &link->node);
  hemera__block_free (hemera__block_of (link));
}

void
hemera_actor_link (HemeraActor *self, HemeraPid to)
{
  g_return_if_fail (hemera__actor_is_here (self));
  if (hemera_pid_equal (to, self->pid))
    return;
  if (hemera__link_add (self, to))
    send_link_signal (self, HEMERA_SIGNAL_LINK, to, 0);
}

void
hemera_actor_unlink (HemeraActor *self, HemeraPid to)
{
  HemeraLink *link;

  g_return_if_fail (hemera__actor_is_here (self));
  link = hemera__link_lookup (self, to);
  if (!link || link->unlink_id != 0)
    return;
  link->unlink_id = hemera_ref_new ().id;
  send_link_signal (self, HEMERA_SIGNAL_UNLINK, to, link->unlink_id);
}

static void
send_exit (HemeraPid from, HemeraPid to, HemeraTerm *reason)
{
  HemeraActorMessage *block = hemera__block_new (HEMERA_SIGNAL_EXIT, &hemera_exit_message_type);
  HemeraExitMessage *message = hemera__block_payload (block);

  message->from = from;
  message->reason = hemera_term_ref (reason);
  hemera__deliver (to, block);
}

void
hemera_actor_exit (HemeraActor *self, HemeraPid to, HemeraTerm *reason)
{
  g_return_if_fail (reason != NULL);
  send_exit (self ? self->pid : HEMERA_PID_NONE, to, reason);
}

void
hemera_exit (HemeraPid to, HemeraTerm *reason)
{
  hemera_actor_exit (hemera_actor_current (), to, reason);
}

/* The end of an actor. In this order: its name is free, its sources are gone, finalize has freed what it held; then links fire,
 * then monitors: who learns of the end finds nothing of it left. */
#include "runtime/signal/actor.h"
#include "runtime/signal/signal.h"
#include "runtime/sched/system.h"

static void
finalize (HemeraActor *self)
{
  HemeraActor *before = hemera__actor_enter (self);

  if (self->filter_destroy)
    self->filter_destroy (self->filter_data);
  if (self->actor_class->finalize)
    self->actor_class->finalize (self->state);
  hemera__actor_leave (self, before);
  if (self->args_free)
    self->args_free (self->args);
}

static void
fire_links (HemeraActor *self, HemeraTerm *reason)
{
  HemeraTableNode *node;

  while ((node = hemera__table_pop (&self->links))) {
    HemeraLink *link = (HemeraLink *) node;
    if (link->unlink_id != 0)
      hemera__block_free (hemera__block_of (link));
    else
      hemera__signal_send_link_exit (hemera__block_of (link), self->pid, link->peer, reason);
  }
}

static void
fire_monitors (HemeraActor *self, HemeraTerm *reason)
{
  HemeraTableNode *node;

  while ((node = hemera__table_pop (&self->watchers)))
    hemera__signal_send_down (hemera__block_of (node), self->pid, reason);
}

/* Its own monitors: the watched ones are told to forget them. */
static void
demonitor_all (HemeraActor *self)
{
  HemeraTableNode *node;

  while ((node = hemera__table_pop (&self->entries))) {
    HemeraMonitor *monitor = (HemeraMonitor *) node;
    hemera__block_of (monitor)->signal = HEMERA_SIGNAL_DEMONITOR;
    hemera__deliver (monitor->peer, hemera__block_of (monitor));
  }
}

static void
bounce_all (HemeraActor *self, HemeraInboxNode *node)
{
  while (node) {
    HemeraActorMessage *block = (HemeraActorMessage *) node;
    node = node->next;
    hemera__signal_bounce ((HemeraPid){ .id = (guint64) block->generation << 32 | self->slot->index }, block);
  }
}

static void
leave_worker (HemeraActor *self)
{
  if (self->prev)
    self->prev->next = self->next;
  else
    self->worker->actors = self->next;
  if (self->next)
    self->next->prev = self->prev;
}

/* After this the pid names nobody. The slot is free at once unless its work stands in the run queue, or a sender that found it idle is
 * on the way to put it there: then its turn frees it. */
static void
close_slot (HemeraActor *self)
{
  HemeraInboxNode *arrived = self->arrived;
  HemeraInboxNode *left;
  gboolean was_idle;

  self->arrived = NULL;
  left = hemera__inbox_close (&self->slot->inbox, &was_idle);
  bounce_all (self, arrived);
  bounce_all (self, left);
  self->slot->owner.actor = NULL;
  if (was_idle || self->in_turn) {
    hemera__slot_free (self->slot);
    atomic_fetch_sub_explicit (&self->worker->live, 1, memory_order_relaxed);
  }
}

static void
free_messages (HemeraActor *self)
{
  while (self->first) {
    HemeraActorMessage *message = (HemeraActorMessage *) self->first;
    self->first = message->node.next;
    hemera_actor_message_free (message);
  }
}

void
hemera__actor_end (HemeraActor *self, HemeraTerm *reason, HemeraEnd how)
{
  leave_worker (self);
  if (how == HEMERA_END_SELF && !hemera_reason_is_clean (reason))
    hemera__crash_report (self, reason);
  if (self->name)
    hemera__registry_remove (&self->worker->system->registry, self->name);
  hemera__actor_end_sources (self);
  finalize (self);
  hemera__actor_end_timers (self);
  if (self->ack_pending) {
    /* Whose start failed is reported once: the starter gets no exit signal too (OTP 26). */
    hemera__link_drop (self, self->ack_to);
    hemera__actor_ack (self, FALSE, reason);
  }
  fire_links (self, reason);
  fire_monitors (self, reason);
  demonitor_all (self);
  close_slot (self);
  free_messages (self);
  hemera__table_clear (&self->links);
  hemera__table_clear (&self->entries);
  hemera__table_clear (&self->watchers);
  g_clear_pointer (&self->reason, hemera_term_unref);
  hemera_term_unref (reason);
  g_free (self->label);
  g_free (self);
}

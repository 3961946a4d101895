/* Timers of an actor: each is an entry of its table, under the reference, and a node of its worker's heap. */
#include "runtime/signal/actor.h"
#include "runtime/sched/system.h"

static HemeraRef
start (HemeraActor *self, gint64 us, HemeraPid to, HemeraActorMessage *message, gboolean is_plain,
       gint64 interval)
{
  HemeraTimer *timer = hemera__block_payload (hemera__block_new (HEMERA_SIGNAL_MESSAGE, NULL));
  HemeraRef ref = hemera_ref_new ();

  timer->kind = HEMERA_ENTRY_TIMER;
  timer->owner = self;
  timer->to = to;
  timer->message = message;
  timer->due = hemera_system_now (self->worker->system) + us;
  timer->interval = interval;
  timer->plain = is_plain != FALSE;
  hemera__table_insert (&self->entries, &timer->node, ref.id);
  hemera__timers_add (&self->worker->timers, timer);
  return ref;
}

HemeraRef
hemera_actor_send_after (HemeraActor *self, guint ms, HemeraPid to, HemeraActorMessage *message)
{
  g_return_val_if_fail (message != NULL && hemera__actor_is_here (self), HEMERA_REF_NONE);
  return start (self, (gint64) ms * 1000, to, message, TRUE, 0);
}

HemeraRef
hemera_actor_start_timer (HemeraActor *self, guint ms, HemeraPid to, HemeraActorMessage *message)
{
  g_return_val_if_fail (hemera__actor_is_here (self), HEMERA_REF_NONE);
  return start (self, (gint64) ms * 1000, to, message, FALSE, 0);
}

HemeraRef
hemera_actor_start_interval (HemeraActor *self, guint ms)
{
  gint64 us = MAX ((gint64) ms, 1) * 1000;

  return start (self, us, self->pid, NULL, FALSE, us);
}

static void
discard (HemeraActor *self, HemeraTimer *timer)
{
  hemera__timers_remove (&self->worker->timers, timer);
  hemera_actor_message_free (timer->message);
  hemera__block_free (hemera__block_of (timer));
}

gint64
hemera_actor_cancel_timer (HemeraActor *self, HemeraRef ref)
{
  HemeraTimer *timer = (HemeraTimer *) hemera__table_lookup (&self->entries, ref.id);
  gint64 left;

  if (!timer || timer->kind != HEMERA_ENTRY_TIMER)
    return -1;
  left = (MAX (timer->due - hemera_system_now (self->worker->system), 0) + 999) / 1000;
  if (!hemera_pid_equal (timer->to, self->pid) && !hemera__pid_is_alive (timer->to))
    left = -1; /* it went with its receiver */
  hemera__table_remove (&self->entries, &timer->node);
  discard (self, timer);
  return left;
}

void
hemera__actor_timeout_handled (HemeraActor *self, HemeraActorMessage *message)
{
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  HemeraTimer *timer = (HemeraTimer *) hemera__table_lookup (&self->entries, timeout->ref.id);

  if (timer && timer->kind == HEMERA_ENTRY_TIMER)
    timer->unread = FALSE;
}

void
hemera__actor_end_timers (HemeraActor *self)
{
  HemeraTableNode *node = self->entries.first;

  while (node) {
    HemeraTimer *timer = (HemeraTimer *) node;
    node = node->next;
    if (timer->kind != HEMERA_ENTRY_TIMER)
      continue;
    hemera__table_remove (&self->entries, &timer->node);
    timer->owner = NULL;
    if (hemera_pid_equal (timer->to, self->pid))
      discard (self, timer);
  }
}

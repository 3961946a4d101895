/* The turn of an actor on its worker: drain, start, handle messages up to the budget; then idle, or back into the run queue.
 *
 * The inbox is drained before each message, so a kill waits for the message being handled at most. A new actor drains before its init,
 * as a new process of Erlang does: an exit signal that came before ends it unstarted. */
#include "runtime/signal/actor.h"
#include "runtime/signal/signal.h"
#include "runtime/sched/system.h"

#include <hemera/term-builder.h>

void
hemera__actor_queue (HemeraActor *self, HemeraActorMessage *message)
{
  message->node.next = NULL;
  if (self->last)
    self->last->next = &message->node;
  else
    self->first = &message->node;
  self->last = &message->node;
  self->n_messages++;
}

void
hemera__actor_queue_first (HemeraActor *self, HemeraActorMessage *message)
{
  message->node.next = self->first;
  self->first = &message->node;
  if (!self->last)
    self->last = &message->node;
  self->n_messages++;
}

static HemeraActorMessage *
dequeue (HemeraActor *self)
{
  HemeraInboxNode *node = self->first;

  self->first = node->next;
  if (!self->first)
    self->last = NULL;
  self->n_messages--;
  return (HemeraActorMessage *) node;
}

guint
hemera__actor_flush (HemeraActor *self, gboolean (*match) (HemeraActorMessage *message, gpointer data),
                     gpointer data)
{
  HemeraInboxNode *node = self->first;
  guint flushed = 0;

  self->first = self->last = NULL;
  self->n_messages = 0;
  while (node) {
    HemeraActorMessage *message = (HemeraActorMessage *) node;
    node = node->next;
    if (match (message, data)) {
      hemera_actor_message_free (message);
      flushed++;
    } else {
      hemera__actor_queue (self, message);
    }
  }
  return flushed;
}

gboolean
hemera__actor_drain (HemeraActor *self)
{
  guint32 generation = (guint32) (self->pid.id >> 32);

  self->arrived = hemera__inbox_take (&self->slot->inbox);
  while (self->arrived) {
    HemeraActorMessage *block = (HemeraActorMessage *) self->arrived;
    HemeraTerm *reason = NULL;

    self->arrived = block->node.next;
    if (block->generation != generation) { /* for an earlier owner of the slot */
      hemera__signal_bounce ((HemeraPid){ .id = (guint64) block->generation << 32 | self->slot->index },
                             block);
      continue;
    }
    switch (hemera__signal_handle (self, block, &reason)) {
    case HEMERA_HANDLED: break;
    case HEMERA_HANDLED_MESSAGE: hemera__actor_queue (self, block); break;
    case HEMERA_HANDLED_END: hemera__actor_end (self, reason, HEMERA_END_SIGNAL); return FALSE;
    }
  }
  return TRUE;
}

void
hemera__actor_ack (HemeraActor *self, gboolean ignored, HemeraTerm *reason)
{
  HemeraStartedMessage started = { .ref = self->ack_ref, .pid = self->pid, .ignored = ignored };

  if (!self->ack_pending)
    return;
  self->ack_pending = FALSE;
  started.reason = reason ? hemera_term_ref (reason) : NULL;
  hemera_send (self->ack_to, hemera_actor_message_new (&hemera_started_message_type, &started));
}

static HemeraTerm *
already_started (HemeraPid holder)
{
  g_autofree char *text = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (holder));

  return hemera_term_new ("{already_started, ~s}", text);
}

/* FALSE: it has ended. */
static gboolean
start (HemeraActor *self)
{
  HemeraPid holder = HEMERA_PID_NONE;
  HemeraNext next = HEMERA_CONTINUE;

  if (self->has_bad_name) {
    hemera__actor_end (self, hemera_term_new_atom ("badarg"), HEMERA_END_SELF);
    return FALSE;
  }
  if (self->spawn_name) {
    if (!hemera__registry_add (&self->worker->system->registry, self->spawn_name, self->pid, &holder)) {
      hemera__actor_end (self, already_started (holder), HEMERA_END_SIGNAL);
      return FALSE;
    }
    self->name = self->spawn_name;
  }
  if (self->actor_class->init) {
    HemeraActor *before = hemera__actor_enter (self);
    next = self->actor_class->init (self, self->state, self->args);
    hemera__actor_leave (self, before);
  }
  self->stop_asked = FALSE;
  switch (next) {
  case HEMERA_CONTINUE:
    self->started = TRUE;
    if (!self->ack_deferred)
      hemera__actor_ack (self, FALSE, NULL);
    return TRUE;
  case HEMERA_STOP:
    hemera__actor_end (
        self, self->reason ? g_steal_pointer (&self->reason) : hemera_term_ref (hemera_reason_normal ()),
        HEMERA_END_SELF);
    return FALSE;
  case HEMERA_IGNORE:
    /* The name goes before the starter knows, and it is told nothing of a link. */
    if (self->name)
      hemera__registry_remove (&self->worker->system->registry, g_steal_pointer (&self->name));
    if (self->ack_pending)
      hemera__link_drop (self, self->ack_to);
    hemera__actor_ack (self, TRUE, NULL);
    hemera__actor_end (self, hemera_term_ref (hemera_reason_normal ()), HEMERA_END_SELF);
    return FALSE;
  }
  g_assert_not_reached ();
}

/* gen_server's rule: the parent's EXIT, when trapped, ends the child with its reason, in the order of the mailbox. */
static gboolean
is_parent_exit (HemeraActor *self, HemeraActorMessage *message)
{
  HemeraExitMessage *exit = hemera_exit_message_peek (message);

  return exit && !self->receives_parent_exit && self->parent.id != 0
         && hemera_pid_equal (exit->from, self->parent);
}

/* Behind a callback: FALSE: the actor has ended. */
static gboolean
obey (HemeraActor *self, HemeraNext next)
{
  self->stop_asked = FALSE;
  if (next == HEMERA_CONTINUE)
    return TRUE;
  hemera__actor_stop (self);
  return FALSE;
}

/* FALSE: it has ended. */
static gboolean
handle (HemeraActor *self, HemeraActorMessage *message)
{
  HemeraNext next = HEMERA_CONTINUE;
  HemeraActor *before = hemera__actor_enter (self);

  self->reductions++;
  if (message->type == &hemera_timeout_message_type)
    hemera__actor_timeout_handled (self, message);
  if (self->filter)
    message = self->filter (self, self->filter_data, message);
  if (message && is_parent_exit (self, message)) {
    hemera_actor_set_reason (self, hemera_term_ref (hemera_exit_message_peek (message)->reason));
    next = HEMERA_STOP;
  } else if (message && self->actor_class->receive) {
    next = self->actor_class->receive (self, self->state, message);
  }
  hemera_actor_message_free (message);
  hemera__actor_leave (self, before);
  return obey (self, next);
}

void
hemera__actor_stop (HemeraActor *self)
{
  HemeraTerm *reason =
      self->reason ? g_steal_pointer (&self->reason) : hemera_term_ref (hemera_reason_normal ());

  if (self->actor_class->terminate) {
    HemeraActor *before = hemera__actor_enter (self);
    self->actor_class->terminate (self, self->state, reason);
    hemera__actor_leave (self, before);
  }
  hemera__actor_end (self, reason, HEMERA_END_SELF);
}

/* FALSE: it has ended. */
static gboolean
run (HemeraActor *self)
{
  if (!hemera__actor_drain (self) || (!self->started && !start (self)))
    return FALSE;
  for (guint budget = self->worker->system->budget; budget > 0; budget--) {
    if (hemera__inbox_has (&self->slot->inbox) && !hemera__actor_drain (self))
      return FALSE;
    if (!self->first)
      break;
    if (!handle (self, dequeue (self)))
      return FALSE;
  }
  return TRUE;
}

void
hemera__actor_turn (HemeraWorker *worker, HemeraWork *work)
{
  HemeraSlot *slot = (HemeraSlot *) ((guint8 *) work - G_STRUCT_OFFSET (HemeraSlot, work));
  HemeraActor *self = slot->owner.actor;

  if (!self) { /* it ended while its work stood in the queue */
    hemera__slot_free (slot);
    atomic_fetch_sub_explicit (&worker->live, 1, memory_order_relaxed);
    return;
  }
  if (worker->stop_by != 0) {
    self->in_turn = TRUE;
    hemera__actor_end (self, hemera_term_ref (hemera_reason_killed ()), HEMERA_END_SYSTEM);
    return;
  }
  self->in_turn = TRUE;
  if (!run (self))
    return;
  self->in_turn = FALSE;
  if (self->first || !hemera__inbox_try_idle (&slot->inbox))
    hemera__worker_schedule (worker, work);
  /* Idle now: any sender may wake it, but only this thread runs it. */
}

gboolean
hemera__actor_run (HemeraActor *self, HemeraNext (*func) (HemeraActor *self, gpointer state, gpointer data),
                   gpointer data)
{
  HemeraActor *before;
  HemeraNext next;

  g_assert (hemera__thread.worker == self->worker);
  g_return_val_if_fail (!self->running, TRUE);
  before = hemera__actor_enter (self);
  next = func (self, self->state, data);
  hemera__actor_leave (self, before);
  return obey (self, next);
}

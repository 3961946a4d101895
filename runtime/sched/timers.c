/* The heap of timers: see timers.h. */
#include "runtime/sched/timers.h"
#include "runtime/signal/actor.h"
#include "runtime/sched/slot.h"

static gboolean
before (const HemeraTimer *a, const HemeraTimer *b)
{
  return a->due < b->due || (a->due == b->due && a->sequence < b->sequence);
}

static void
place (HemeraTimers *self, HemeraTimer *timer, guint index)
{
  self->heap[index] = timer;
  timer->heap_index = index;
}

static void
sift_up (HemeraTimers *self, HemeraTimer *timer, guint index)
{
  while (index > 0 && before (timer, self->heap[(index - 1) / 2])) {
    place (self, self->heap[(index - 1) / 2], index);
    index = (index - 1) / 2;
  }
  place (self, timer, index);
}

static void
sift_down (HemeraTimers *self, HemeraTimer *timer, guint index)
{
  for (;;) {
    guint child = 2 * index + 1;
    if (child >= self->count)
      break;
    if (child + 1 < self->count && before (self->heap[child + 1], self->heap[child]))
      child++;
    if (!before (self->heap[child], timer))
      break;
    place (self, self->heap[child], index);
    index = child;
  }
  place (self, timer, index);
}

void
hemera__timers_add (HemeraTimers *self, HemeraTimer *timer)
{
  if (self->count == self->capacity) {
    self->capacity = MAX (16, self->capacity * 2);
    self->heap = g_renew (HemeraTimer *, self->heap, self->capacity);
  }
  timer->sequence = self->sequence++;
  sift_up (self, timer, self->count++);
}

void
hemera__timers_remove (HemeraTimers *self, HemeraTimer *timer)
{
  guint index = timer->heap_index;
  HemeraTimer *last = self->heap[--self->count];

  if (last == timer)
    return;
  if (index > 0 && before (last, self->heap[(index - 1) / 2]))
    sift_up (self, last, index);
  else
    sift_down (self, last, index);
}

gint64
hemera__timers_next (HemeraTimers *self)
{
  return self->count ? self->heap[0]->due : G_MAXINT64;
}

static void
send_timeout (HemeraPid to, guint64 ref, HemeraActorMessage *block, HemeraActorMessage *message)
{
  HemeraTimeoutMessage *timeout;

  hemera__block_recast (block, HEMERA_SIGNAL_MESSAGE, &hemera_timeout_message_type);
  timeout = hemera__block_payload (block);
  timeout->ref = (HemeraRef){ .id = ref };
  timeout->message = message;
  hemera__deliver (to, block);
}

/* The next time on the interval's own grid: late firings do not shift it, and missed ones are left out. */
static void
repeat (HemeraTimers *self, HemeraTimer *timer, gint64 now)
{
  gint64 missed = (now - timer->due) / timer->interval;

  timer->due += (missed + 1) * timer->interval;
  hemera__timers_add (self, timer);
  if (timer->unread)
    return;
  timer->unread = TRUE;
  send_timeout (timer->to, timer->node.key, hemera__block_new (HEMERA_SIGNAL_MESSAGE, NULL), NULL);
}

static void
fire (HemeraTimers *self, HemeraTimer *timer, gint64 now)
{
  HemeraActorMessage *block = hemera__block_of (timer);
  HemeraActorMessage *message = timer->message;
  HemeraPid to = timer->to;
  guint64 ref = timer->node.key;

  if (timer->interval > 0) {
    repeat (self, timer, now);
    return;
  }
  if (timer->owner)
    hemera__table_remove (&timer->owner->entries, &timer->node);
  if (timer->plain) {
    hemera__block_free (block);
    hemera__deliver (to, message);
  } else {
    send_timeout (to, ref, block, message);
  }
}

void
hemera__timers_fire (HemeraTimers *self, gint64 now)
{
  HemeraInboxNode *due = NULL, **last = &due;

  /* First out of the heap, then fired: what re-arms is not met again in this round. */
  while (self->count && self->heap[0]->due <= now) {
    HemeraTimer *timer = self->heap[0];
    hemera__timers_remove (self, timer);
    hemera__block_of (timer)->node.next = NULL;
    *last = &hemera__block_of (timer)->node;
    last = &(*last)->next;
  }
  while (due) {
    HemeraActorMessage *block = (HemeraActorMessage *) due;
    due = due->next;
    fire (self, hemera__block_payload (block), now);
  }
}

void
hemera__timers_clear (HemeraTimers *self)
{
  while (self->count) {
    HemeraTimer *timer = self->heap[0];
    hemera__timers_remove (self, timer);
    hemera_actor_message_free (timer->message);
    hemera__block_free (hemera__block_of (timer));
  }
  g_clear_pointer (&self->heap, g_free);
  self->capacity = 0;
}

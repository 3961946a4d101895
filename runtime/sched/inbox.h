/* HemeraInbox: an intrusive, lock-free queue of many senders and one owner that also says whether the owner sleeps. Actors, workers and
 * ports use it alike.
 *
 * All of its state is one word, the head: a list of nodes, newest first, or one of three marks:
 *   NULL    empty; the owner is awake (it runs, or stands in a run queue) and will look again
 *   IDLE    empty; the owner does not look until it is woken
 *   CLOSED  the owner has ended; nothing is taken any more
 * A push is one compare-and-swap that replaces the word by the node; the owner takes the whole list by one exchange and turns it round.
 *
 * Nothing is half pushed: a node is linked to its elder before the swap that publishes it (a queue that exchanges its tail first and
 * links afterwards can look empty in between). No ABA: a push that finds the same head again links to the same node, whatever
 * happened meanwhile; the owner never takes less than the whole.
 *
 * No wake-up is lost or doubled: the owner falls asleep by a compare-and-swap of NULL to IDLE. If a push came before, the word is no longer
 * NULL, the swap fails and the owner looks again. If it comes after, the push itself replaces IDLE, and exactly one push can: that sender
 * wakes the owner. Since "is there work" and "does it sleep" are the same word, there is no store-then-load between two words, and no
 * sequentially consistent fence is needed: every step is a read-modify-write of one location, and those are totally ordered.
 * (tests/unit/runtime/model-test.c walks over all interleavings of a model of this, of the worker's sleep and of the close;
 * interleaving-test.c runs this code itself, and shows that each order below is needed.)
 *
 * Order: pushes of one sender come out in the order pushed. */
#pragma once

#include <glib.h>
#include <stdatomic.h>

typedef struct _HemeraInboxNode {
  struct _HemeraInboxNode *next;
} HemeraInboxNode;

typedef struct {
  _Atomic (HemeraInboxNode *) head;
} HemeraInbox;

#define HEMERA_INBOX_IDLE   ((HemeraInboxNode *) 1)
#define HEMERA_INBOX_CLOSED ((HemeraInboxNode *) 2)

typedef enum {
  HEMERA_PUSH_QUEUED, /* the owner will find it */
  HEMERA_PUSH_WAKE,   /* the caller, and nobody else, must wake the owner */
  HEMERA_PUSH_CLOSED, /* not taken: the node is still the caller's */
} HemeraPush;

/* Any thread. */
static inline HemeraPush
hemera__inbox_push (HemeraInbox *self, HemeraInboxNode *node)
{
  HemeraInboxNode *head = atomic_load_explicit (&self->head, memory_order_relaxed);

  do {
    if (head == HEMERA_INBOX_CLOSED)
      return HEMERA_PUSH_CLOSED;
    node->next = head == HEMERA_INBOX_IDLE ? NULL : head;
    /* release: what the node holds, for the acquire of hemera__inbox_take() and _close(); the later pushes on top of it are
     * read-modify-writes and so carry it on (release sequence). acquire: pairs with the release of hemera__inbox_try_idle() and
     * _open(), so that who replaces IDLE sees what the owner wrote before (its worker, its descriptor). */
  } while (!atomic_compare_exchange_weak_explicit (&self->head, &head, node, memory_order_acq_rel,
                                                   memory_order_relaxed));
  return head == HEMERA_INBOX_IDLE ? HEMERA_PUSH_WAKE : HEMERA_PUSH_QUEUED;
}

/* Newest first to oldest first. */
static inline HemeraInboxNode *
hemera__inbox_reverse (HemeraInboxNode *node)
{
  HemeraInboxNode *reversed = NULL;

  while (node) {
    HemeraInboxNode *next = node->next;
    node->next = reversed;
    reversed = node;
    node = next;
  }
  return reversed;
}

/* Owner, awake: whether a take would find something. */
static inline gboolean
hemera__inbox_has (HemeraInbox *self)
{
  return atomic_load_explicit (&self->head, memory_order_relaxed) > HEMERA_INBOX_CLOSED;
}

/* Owner, awake: how many a take would give. What is pushed never changes until it is taken, so the list can be walked. */
static inline guint
hemera__inbox_count (HemeraInbox *self)
{
  /* acquire: pairs with the pushes, as in hemera__inbox_take(). */
  HemeraInboxNode *node = atomic_load_explicit (&self->head, memory_order_acquire);
  guint count = 0;

  for (; node > HEMERA_INBOX_CLOSED; node = node->next)
    count++;
  return count;
}

/* Owner, awake: everything, oldest first; NULL when there is nothing. It stays awake. */
static inline HemeraInboxNode *
hemera__inbox_take (HemeraInbox *self)
{
  HemeraInboxNode *head = atomic_load_explicit (&self->head, memory_order_relaxed);

  if (head <= HEMERA_INBOX_CLOSED)
    return NULL;
  /* acquire: pairs with the release of every hemera__inbox_push() whose node is in the list. */
  return hemera__inbox_reverse (atomic_exchange_explicit (&self->head, NULL, memory_order_acquire));
}

/* Owner: TRUE: it sleeps (or slept already), and the next push will wake it: an actor may not be touched after this but by who is woken.
 * FALSE: there is something to take. */
static inline gboolean
hemera__inbox_try_idle (HemeraInbox *self)
{
  HemeraInboxNode *expected = NULL;

  /* release: pairs with the acquire of the push that replaces IDLE. */
  return atomic_compare_exchange_strong_explicit (&self->head, &expected, HEMERA_INBOX_IDLE,
                                                  memory_order_release, memory_order_relaxed)
         || expected == HEMERA_INBOX_IDLE;
}

/* Owner, after it slept and woke for whatever reason: TRUE: it is awake again. FALSE: a sender woke it first, whose wake-up (an eventfd
 * write) has come or is still to come. */
static inline gboolean
hemera__inbox_end_idle (HemeraInbox *self)
{
  HemeraInboxNode *expected = HEMERA_INBOX_IDLE;

  return atomic_compare_exchange_strong_explicit (&self->head, &expected, NULL, memory_order_relaxed,
                                                  memory_order_relaxed);
}

/* Owner: nothing is taken any more. What was left, oldest first. @was_idle: it slept, so nobody is on the way to wake it. */
static inline HemeraInboxNode *
hemera__inbox_close (HemeraInbox *self, gboolean *was_idle)
{
  /* acquire: pairs with the pushes, as in hemera__inbox_take(). */
  HemeraInboxNode *head = atomic_exchange_explicit (&self->head, HEMERA_INBOX_CLOSED, memory_order_acquire);

  *was_idle = head == HEMERA_INBOX_IDLE;
  return head <= HEMERA_INBOX_CLOSED ? NULL : hemera__inbox_reverse (head);
}

/* The owner to be, while it is closed: opens it, awake or asleep. */
static inline void
hemera__inbox_open (HemeraInbox *self, gboolean idle)
{
  /* release: pairs with the acquire in hemera__inbox_push(). */
  atomic_store_explicit (&self->head, idle ? HEMERA_INBOX_IDLE : NULL, memory_order_release);
}

/* The pools of message blocks: see pool.h. Under sanitizers every block is malloc's own, so that a use after free is seen. */
#include "runtime/sched/pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

_Thread_local HemeraThread hemera__thread;

struct _HemeraPool {
  /* the worker alone */
  HemeraInboxNode *free;
  guint n_free; /* about: not less than 0 */
  HemeraPool *next_spare;
  /* any thread */
  _Alignas(64) _Atomic (HemeraInboxNode *) given;
  _Atomic guint n_given;
};

static pthread_mutex_t spare_lock = PTHREAD_MUTEX_INITIALIZER;
static HemeraPool *spares;

HemeraPool *
hemera__pool_acquire (void)
{
  HemeraPool *self;

  pthread_mutex_lock (&spare_lock);
  self = spares;
  if (self)
    spares = self->next_spare;
  pthread_mutex_unlock (&spare_lock);
  if (!self) {
    self = aligned_alloc (64, sizeof *self);
    if (!self)
      g_error ("out of memory");
    memset (self, 0, sizeof *self);
  }
  return self;
}

void
hemera__pool_release (HemeraPool *self)
{
  HemeraInboxNode *node = self->free;

  while (node) {
    HemeraInboxNode *next = node->next;
    g_free (node);
    node = next;
  }
  self->free = NULL;
  self->n_free = 0;
  pthread_mutex_lock (&spare_lock);
  self->next_spare = spares;
  spares = self;
  pthread_mutex_unlock (&spare_lock);
}

#ifndef HEMERA_SANITIZED
static HemeraInboxNode *
take (HemeraPool *self)
{
  HemeraInboxNode *node = self->free;

  if (!node) {
    if (!atomic_load_explicit (&self->given, memory_order_relaxed))
      return NULL;
    /* acquire: pairs with the release in give(): what the giver did with the block is over. */
    node = atomic_exchange_explicit (&self->given, NULL, memory_order_acquire);
    self->n_free = atomic_exchange_explicit (&self->n_given, 0, memory_order_relaxed);
  }
  self->free = node->next;
  if (self->n_free > 0)
    self->n_free--;
  return node;
}

static void
give (HemeraPool *self, HemeraInboxNode *node)
{
  HemeraInboxNode *head;

  /* Looked at first, never taken back: take() may set it to 0 in between, and less than that is a full pool for ever. */
  if (atomic_load_explicit (&self->n_given, memory_order_relaxed) >= HEMERA_POOL_MAX) {
    g_free (node);
    return;
  }
  atomic_fetch_add_explicit (&self->n_given, 1, memory_order_relaxed);
  head = atomic_load_explicit (&self->given, memory_order_relaxed);
  do
    node->next = head;
  /* release: pairs with the acquire in take(). No ABA: the taker takes all. */
  while (!atomic_compare_exchange_weak_explicit (&self->given, &head, node, memory_order_release,
                                                 memory_order_relaxed));
}
#endif

HemeraActorMessage *
hemera__pool_block (gsize payload)
{
  HemeraActorMessage *self = NULL;
  gboolean is_small = payload <= HEMERA_BLOCK_PAYLOAD;

#ifndef HEMERA_SANITIZED
  HemeraPool *pool = hemera__thread.pool;
  if (is_small && pool)
    self = (HemeraActorMessage *) take (pool);
#endif
  if (!self)
    self = g_malloc (sizeof *self + MAX (payload, HEMERA_BLOCK_PAYLOAD));
  memset (self, 0, sizeof *self);
  self->small = is_small;
#ifndef HEMERA_SANITIZED
  self->home = is_small ? pool : NULL;
#endif
  return self;
}

void
hemera__block_free (HemeraActorMessage *self)
{
#ifndef HEMERA_SANITIZED
  HemeraPool *home = self->home;

  if (home && home == hemera__thread.pool && home->n_free < HEMERA_POOL_MAX) {
    self->node.next = home->free;
    home->free = &self->node;
    home->n_free++;
    return;
  }
  if (home && home != hemera__thread.pool) {
    give (home, &self->node);
    return;
  }
#endif
  g_free (self);
}

HemeraActorMessage *
hemera__block_new (HemeraSignal signal, const HemeraMessageType *type)
{
  HemeraActorMessage *self = hemera__pool_block (HEMERA_BLOCK_PAYLOAD);

  memset (self->payload, 0, HEMERA_BLOCK_PAYLOAD);
  self->signal = signal;
  self->type = type;
  return self;
}

void
hemera__block_recast (HemeraActorMessage *self, HemeraSignal signal, const HemeraMessageType *type)
{
  memset (self->payload, 0, HEMERA_BLOCK_PAYLOAD);
  self->signal = signal;
  self->type = type;
  self->empty = FALSE;
}

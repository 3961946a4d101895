/* The table of slots and the way of a signal into an inbox: see slot.h. */
#include "runtime/sched/slot.h"
#include "runtime/sched/worker.h"
#include "runtime/signal/signal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#define CHUNK_BITS 10
#define CHUNK_SIZE (1u << CHUNK_BITS)
#define MAX_CHUNKS 4096

static _Atomic (HemeraSlot *) chunks[MAX_CHUNKS];
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;
static HemeraSlot *free_slots;
static guint n_chunks;

/* With the lock held. Slot 0 stays unused: an id of 0 names nobody. */
static gboolean
grow (void)
{
  HemeraSlot *chunk;

  if (n_chunks == MAX_CHUNKS)
    return FALSE;
  chunk = aligned_alloc (64, CHUNK_SIZE * sizeof *chunk);
  if (!chunk)
    return FALSE;
  memset (chunk, 0, CHUNK_SIZE * sizeof *chunk);
  for (guint i = CHUNK_SIZE; i-- > 0;) {
    HemeraSlot *slot = &chunk[i];
    slot->index = n_chunks * CHUNK_SIZE + i;
    atomic_store_explicit (&slot->inbox.head, HEMERA_INBOX_CLOSED, memory_order_relaxed);
    slot->wake_fd = -1;
    if (slot->index > 0) {
      slot->owner.next_free = free_slots;
      free_slots = slot;
    }
  }
  /* release: pairs with the acquire in hemera__slot_lookup(). */
  atomic_store_explicit (&chunks[n_chunks++], chunk, memory_order_release);
  return TRUE;
}

HemeraSlot *
hemera__slot_new (HemeraPid *pid)
{
  HemeraSlot *self = NULL;
  guint32 generation = 0;

  pthread_mutex_lock (&free_lock);
  if (free_slots || grow ()) {
    self = free_slots;
    free_slots = self->owner.next_free;
    self->owner.actor = NULL;
    generation = atomic_load_explicit (&self->generation, memory_order_relaxed) + 1;
    atomic_store_explicit (&self->generation, generation, memory_order_relaxed);
  }
  pthread_mutex_unlock (&free_lock);
  if (self)
    *pid = (HemeraPid){ .id = (guint64) generation << 32 | self->index };
  return self;
}

void
hemera__slot_free (HemeraSlot *self)
{
  pthread_mutex_lock (&free_lock);
  /* One that has had all its generations stays empty for ever: no pid names two actors, however long the process runs. */
  if (atomic_load_explicit (&self->generation, memory_order_relaxed) < G_MAXUINT32) {
    self->owner.next_free = free_slots;
    free_slots = self;
  }
  pthread_mutex_unlock (&free_lock);
}

HemeraSlot *
hemera__slot_lookup (HemeraPid pid)
{
  guint32 index = (guint32) pid.id;
  HemeraSlot *chunk;

  if (pid.node != 0 || index == 0 || index >> CHUNK_BITS >= MAX_CHUNKS)
    return NULL;
  /* acquire: pairs with the release in grow(). */
  chunk = atomic_load_explicit (&chunks[index >> CHUNK_BITS], memory_order_acquire);
  if (!chunk)
    return NULL;
  /* Relaxed: who knows the pid has seen its generation or a later one, and a later one means that it is gone. */
  if (atomic_load_explicit (&chunk[index & (CHUNK_SIZE - 1)].generation, memory_order_relaxed)
      != pid.id >> 32)
    return NULL;
  return &chunk[index & (CHUNK_SIZE - 1)];
}

gboolean
hemera__pid_is_alive (HemeraPid pid)
{
  HemeraSlot *slot = hemera__slot_lookup (pid);

  return slot && atomic_load_explicit (&slot->inbox.head, memory_order_relaxed) != HEMERA_INBOX_CLOSED;
}

static void
wake (HemeraSlot *self)
{
  HemeraWorker *worker = atomic_load_explicit (&self->worker, memory_order_relaxed);

  if (worker)
    hemera__worker_schedule (worker, &self->work);
  else
    eventfd_write (self->wake_fd, 1);
}

void
hemera__deliver (HemeraPid pid, HemeraActorMessage *block)
{
  HemeraSlot *slot = hemera__slot_lookup (pid);

  if (!slot) {
    hemera__signal_bounce (pid, block);
    return;
  }
  block->generation = (guint32) (pid.id >> 32);
  switch (hemera__inbox_push (&slot->inbox, &block->node)) {
  case HEMERA_PUSH_QUEUED: break;
  case HEMERA_PUSH_WAKE: wake (slot); break;
  case HEMERA_PUSH_CLOSED: hemera__signal_bounce (pid, block); break;
  }
}

void
hemera_send (HemeraPid to, HemeraActorMessage *message)
{
  g_return_if_fail (message != NULL);
  hemera__deliver (to, message);
}

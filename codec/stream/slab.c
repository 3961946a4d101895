/* Slabs and the two places of the process where slabs wait: the free ones, and the open ones that a writer has lent half filled.
 *
 * Both places are arrays of slots, and a slot is a pointer that is taken by exchange and filled by compare-and-swap from NULL. Whoever
 * exchanged a pointer out of a slot owns that slab alone, and nobody reads a slab to learn of the next one: so there is no ABA and
 * nothing to reclaim late, and the number of slots is the bound. The hint (about as many slots as are full) only says where to look
 * first; any value of it is right. Every function may be called from any thread. */
#include "slab.h"

#include <stdatomic.h>

struct _HemeraSlab {
  atomic_uint refs;
  guint32 used; /* by whoever holds the slab; written before it is put into a slot */
  gsize size;
  _Alignas(16) guint8 data[];
};

typedef struct {
  _Atomic (HemeraSlab *) *slots;
  guint n_slots;
  atomic_uint hint;
} Shelf;

static _Atomic (HemeraSlab *) free_slots[HEMERA_SLAB_FREE_KEPT];
static _Atomic (HemeraSlab *) open_slots[HEMERA_SLAB_OPEN_KEPT];
static Shelf free_shelf = { free_slots, HEMERA_SLAB_FREE_KEPT, 0 };
static Shelf open_shelf = { open_slots, HEMERA_SLAB_OPEN_KEPT, 0 };
static atomic_size_t total_bytes;

/* NULL when every slot looked empty as it was passed. */
static HemeraSlab *
take (Shelf *shelf)
{
  guint start = atomic_load_explicit (&shelf->hint, memory_order_relaxed);

  for (guint i = 0; i < shelf->n_slots; i++) {
    guint slot = (start + shelf->n_slots - 1 - i) % shelf->n_slots;
    HemeraSlab *slab;

    if (atomic_load_explicit (&shelf->slots[slot], memory_order_relaxed) == NULL)
      continue;
    /* acquire: pairs with the release in put(); what the slab's former holders did with it happened before. */
    slab = atomic_exchange_explicit (&shelf->slots[slot], NULL, memory_order_acquire);
    if (slab != NULL) {
      atomic_store_explicit (&shelf->hint, slot, memory_order_relaxed);
      return slab;
    }
  }
  return NULL;
}

/* FALSE when every slot was full: the slab stays the caller's. */
static gboolean
put (Shelf *shelf, HemeraSlab *slab)
{
  guint start = atomic_load_explicit (&shelf->hint, memory_order_relaxed);

  for (guint i = 0; i < shelf->n_slots; i++) {
    guint slot = (start + i) % shelf->n_slots;
    HemeraSlab *empty = NULL;

    if (atomic_load_explicit (&shelf->slots[slot], memory_order_relaxed) != NULL)
      continue;
    /* release: pairs with the acquire in take(). */
    if (atomic_compare_exchange_strong_explicit (&shelf->slots[slot], &empty, slab, memory_order_release,
                                                 memory_order_relaxed)) {
      atomic_store_explicit (&shelf->hint, (slot + 1) % shelf->n_slots, memory_order_relaxed);
      return TRUE;
    }
  }
  return FALSE;
}

HemeraSlab *
hemera__slab_new (gsize size)
{
  HemeraSlab *self = NULL;

  if (size <= HEMERA_SLAB_USUAL) {
    size = HEMERA_SLAB_USUAL;
    self = take (&free_shelf);
  }
  if (self == NULL) {
    self = g_malloc (sizeof *self + size);
    self->size = size;
    atomic_fetch_add_explicit (&total_bytes, sizeof *self + size, memory_order_relaxed);
  }
  atomic_init (&self->refs, 1);
  return self;
}

HemeraSlab *
hemera__slab_ref (HemeraSlab *self)
{
  /* relaxed: the caller's own reference keeps the slab, and whoever gets the new one gets it by some ordered means. */
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera__slab_unref (HemeraSlab *self)
{
  /* release: what this holder read of the bytes is done before the last holder, which acquires here, lets them be written again. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (self->size == HEMERA_SLAB_USUAL && put (&free_shelf, self))
    return;
  atomic_fetch_sub_explicit (&total_bytes, sizeof *self + self->size, memory_order_relaxed);
  g_free (self);
}

guint8 *
hemera__slab_data (HemeraSlab *self)
{
  return self->data;
}

gsize
hemera__slab_size (HemeraSlab *self)
{
  return self->size;
}

gboolean
hemera__slab_is_sole (HemeraSlab *self)
{
  /* acquire: pairs with the release half of the other holders' unref. The caller's is the last reference, so nobody can add one. */
  return atomic_load_explicit (&self->refs, memory_order_acquire) == 1;
}

gsize
hemera__slab_total_bytes (void)
{
  return atomic_load_explicit (&total_bytes, memory_order_relaxed);
}

HemeraSlab *
hemera__slab_open (gsize *used)
{
  HemeraSlab *self = take (&open_shelf);

  if (self == NULL) {
    *used = 0;
    return hemera__slab_new (0);
  }
  *used = hemera__slab_is_sole (self) ? 0 : self->used;
  return self;
}

void
hemera__slab_close (HemeraSlab *self, gsize used)
{
  if (self->size == HEMERA_SLAB_USUAL && used < self->size && !hemera__slab_is_sole (self)) {
    self->used = (guint32) used;
    if (put (&open_shelf, self))
      return;
  }
  hemera__slab_unref (self);
}

gpointer
hemera__slab_reserve (HemeraSlab *self, gsize *used)
{
#ifndef HEMERA_SANITIZED
  gsize start = (*used + 15) & ~(gsize) 15;

  if (start + HEMERA_SLICE_ROOM <= self->size) {
    *used = start + HEMERA_SLICE_ROOM;
    return self->data + start;
  }
#endif
  return NULL;
}

void
hemera__slice_clear (HemeraSlice *self)
{
  if (self->slab != NULL)
    hemera__slab_unref (self->slab);
  *self = (HemeraSlice){ NULL, NULL, 0, NULL };
}

/* HemeraSlab: a counted run of bytes that payloads are sliced from without copying; HemeraSlice: a counted part of one.
 * One writer fills a slab (the inflater, or the websocket of an uncompressed connection), readers hold slices from any thread; bytes
 * already handed out are never written again. A slab goes to the process's free ones when the last slice goes (the count is the one
 * atomic; lock-free). Memory is counted, and so many slabs are kept at most. */
#pragma once

#include <hemera/term.h>

#define HEMERA_SLAB_USUAL (64 * 1024)
#define HEMERA_SLAB_FREE_KEPT                                                                                \
  64 /* free slabs that the process keeps at most; only slabs of the usual size are kept */
#define HEMERA_SLAB_OPEN_KEPT 16 /* half filled slabs that wait for their next writer at most */

#define HEMERA_SLICE_ROOM 48 /* what a HemeraTerm takes: so a payload's term costs no malloc */

typedef struct _HemeraSlab HemeraSlab;

typedef struct {
  HemeraSlab *slab; /* counted */
  const guint8 *data;
  gsize size;
  gpointer
      room; /* (nullable): HEMERA_SLICE_ROOM aligned bytes of the slab that are the slice's, for what describes it */
} HemeraSlice;

/* A slab of at least @size writable bytes; 0: the usual 64 KiB. Reuses a free one. */
HemeraSlab *hemera__slab_new (gsize size);
HemeraSlab *hemera__slab_ref (HemeraSlab *self);
void hemera__slab_unref (HemeraSlab *self);
guint8 *hemera__slab_data (HemeraSlab *self);
gsize hemera__slab_size (HemeraSlab *self);
/* Whether the caller's reference is the only one: no slice is left, so its writer may write from the start again. */
gboolean hemera__slab_is_sole (HemeraSlab *self);
/* Bytes held by all slabs of the process, free ones included. */
gsize hemera__slab_total_bytes (void);

/* A writer that has nothing to write for now lends its slab, so that an idle connection holds none. open takes one that was lent, or
 * else a new one of the usual size, and tells from where on it may be written; close gives it back with the bytes used so far. */
HemeraSlab *hemera__slab_open (gsize *used);
void hemera__slab_close (HemeraSlab *self /* (transfer full) */, gsize used);

/* Takes the room of a slice out of the slab, behind the *@used bytes that are written, and counts it in; NULL when it does not fit, and
 * under sanitizers, which could not see a term that is used after its end there. */
gpointer hemera__slab_reserve (HemeraSlab *self, gsize *used);

void hemera__slice_clear (HemeraSlice *self);

/* A term over a slice: validates, takes a reference on the slab, copies nothing. Uses the room of the slice, which is then the term's:
 * at most one term a slice. No allocation where there is room, one otherwise. */
HemeraTerm *hemera__term_new_from_slice (const HemeraSlice *slice,
                                         const void *limits /* HemeraEtfLimits, nullable */, GError **error);

/* HemeraInflater: the inflate context of one zlib-stream connection (Discord gateway, "Transport Compression"): feed websocket data in
 * any splitting, take whole payloads as slices. Belongs to one connection, is never carried over; reset keeps its memory.
 * One thread at a time. Bounded: a payload over the limit is an error within one slab step, never an allocation of what is announced. */
#pragma once

#include "slab.h"

typedef struct _HemeraInflater HemeraInflater;

/* @max_message: inflated bytes of one payload at most; 0: 64 MiB. (transfer full) */
HemeraInflater *hemera__inflater_new (gsize max_message);
void hemera__inflater_free (HemeraInflater *self);
void hemera__inflater_reset (HemeraInflater *self);

/* Gives input; @data must stay valid until next_ returned FALSE. */
void hemera__inflater_feed (HemeraInflater *self, const guint8 *data, gsize size);
/* TRUE: @slice (transfer full) is the next complete payload (ended by a sync flush). FALSE with @error unset: needs more input.
 * FALSE with @error (#HemeraCodecError): the stream is broken for good. */
gboolean hemera__inflater_next (HemeraInflater *self, HemeraSlice *slice, GError **error);
/* Input bytes consumed and output bytes produced since new or reset. */
guint64 hemera__inflater_bytes_in (HemeraInflater *self);
guint64 hemera__inflater_bytes_out (HemeraInflater *self);

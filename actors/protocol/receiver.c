/* See receiver.h. */
#include "receiver.h"

#include <hemera/json.h>
#include <string.h>

void
hemera__receiver_init (HemeraReceiver *self, gsize max_payload)
{
  *self = (HemeraReceiver){ .max_payload = max_payload };
}

void
hemera__receiver_close (HemeraReceiver *self)
{
  if (self->slab != NULL)
    hemera__slab_close (g_steal_pointer (&self->slab), self->used);
  self->used = self->filled = 0;
  self->in_message = self->complete = FALSE;
}

void
hemera__receiver_clear (HemeraReceiver *self)
{
  hemera__receiver_close (self);
  g_clear_pointer (&self->inflater, hemera__inflater_free);
}

void
hemera__receiver_open (HemeraReceiver *self, HemeraEncoding encoding, HemeraCompression compression)
{
  hemera__receiver_close (self);
  self->encoding = encoding;
  self->compression = compression;
  if (compression != HEMERA_COMPRESSION_ZLIB_STREAM)
    return;
  if (self->inflater != NULL)
    hemera__inflater_reset (self->inflater);
  else
    self->inflater = hemera__inflater_new (self->max_payload);
}

static gboolean
violate (GError **error, const char *what)
{
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PROTOCOL, "protocol violated: %s", what);
  return FALSE;
}

/* Room for @size more bytes of the message: in the slab, or in a larger one that takes the message along. */
static void
make_room (HemeraReceiver *self, gsize size)
{
  gsize need = self->filled + size;
  HemeraSlab *larger;

  if (self->slab == NULL)
    self->slab = hemera__slab_open (&self->used);
  if (hemera__slab_size (self->slab) - self->used >= need)
    return;

  larger = hemera__slab_new (MAX (need, MIN (2 * self->filled, self->max_payload)));
  memcpy (hemera__slab_data (larger), hemera__slab_data (self->slab) + self->used, self->filled);
  hemera__slab_unref (self->slab);
  self->slab = larger;
  self->used = 0;
}

gboolean
hemera__receiver_feed (HemeraReceiver *self, const guint8 *data, gsize size, gboolean first, gboolean final,
                       gboolean binary, GError **error)
{
  if (first == self->in_message)
    return violate (error,
                    first ? "a message began inside another" : "a piece of a message that never began");
  self->in_message = !final;
  /* JSON comes in text frames or in binary ones; ETF and compressed bytes are no text. */
  if (!binary && (self->encoding == HEMERA_ENCODING_ETF || self->compression != HEMERA_COMPRESSION_NONE))
    return violate (error, "a text frame where only binary ones can be");

  if (self->compression == HEMERA_COMPRESSION_ZLIB_STREAM) {
    /* Payloads end where the stream is flushed, wherever messages end: one may span several of them. */
    hemera__inflater_feed (self->inflater, size > 0 ? data : (const guint8 *) "", size);
    return TRUE;
  }

  if (size > self->max_payload - MIN (self->filled, self->max_payload))
    return violate (error, "a message over the size limit");
  make_room (self, size);
  if (size > 0)
    memcpy (hemera__slab_data (self->slab) + self->used + self->filled, data, size);
  self->filled += size;
  self->complete = final;
  return TRUE;
}

static HemeraReceived
decode (HemeraReceiver *self, const HemeraSlice *slice, HemeraTerm **term, GError **error)
{
  const HemeraEtfLimits limits = { .max_size = self->max_payload, .max_inflated = self->max_payload };

  if (self->encoding == HEMERA_ENCODING_ETF)
    *term = hemera__term_new_from_slice (slice, &limits, error);
  else
    *term = hemera_term_new_from_json ((const char *) slice->data, slice->size, &limits, error);
  return *term != NULL ? HEMERA_RECEIVED_TERM : HEMERA_RECEIVED_UNDECODABLE;
}

static HemeraReceived
take_message (HemeraReceiver *self, HemeraTerm **term, GError **error)
{
  HemeraSlice slice;
  HemeraReceived received;

  if (!self->complete)
    return HEMERA_RECEIVED_NOTHING;

  slice = (HemeraSlice){ hemera__slab_ref (self->slab), hemera__slab_data (self->slab) + self->used,
                         self->filled, NULL };
  self->used += self->filled;
  slice.room = hemera__slab_reserve (self->slab, &self->used);
  self->filled = 0;
  self->complete = FALSE;
  hemera__slab_close (g_steal_pointer (&self->slab), self->used);
  self->used = 0;

  received = decode (self, &slice, term, error);
  hemera__slice_clear (&slice);
  return received;
}

HemeraReceived
hemera__receiver_next (HemeraReceiver *self, HemeraTerm **term, GError **error)
{
  HemeraSlice slice;
  HemeraReceived received;
  GError *broken = NULL;

  if (self->compression == HEMERA_COMPRESSION_NONE)
    return take_message (self, term, error);

  if (!hemera__inflater_next (self->inflater, &slice, &broken)) {
    if (broken == NULL)
      return HEMERA_RECEIVED_NOTHING;
    g_propagate_error (error, broken);
    return HEMERA_RECEIVED_BROKEN;
  }
  received = decode (self, &slice, term, error);
  hemera__slice_clear (&slice);
  return received;
}

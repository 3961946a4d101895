/* The zlib-stream inflater: bytes in, payloads out, written straight into slabs.
 *
 * A payload ends where the sender flushed (Z_SYNC_FLUSH): at an empty stored block, whose four bytes are 00 00 ff ff. These four bytes
 * may as well stand inside a payload, so they are never searched for: inflate() stops at every block (Z_BLOCK), and a block that gave
 * no output, ends on a byte boundary and has these bytes last is the flush. So it does not matter how websocket messages split the
 * stream, and one message may hold several payloads.
 *
 * Memory: zlib's 40 KB, made once, and the slab that is being written, which is lent to others while no payload is under way. A
 * payload that does not fit into the rest of its slab moves to a new one, twice the size it has by now and never beyond the limit. */
#include "inflater.h"

#include <hemera/etf.h>
#include <string.h>
#include <zlib.h>

#define DEFAULT_MAX_MESSAGE (64u * 1024 * 1024)
#define BLOCK_END           128 /* of z_stream.data_type: inflate() stopped behind a block or the stream's header */
#define UNUSED_BITS         63

struct _HemeraInflater {
  z_stream z;
  gsize max_message;
  const guint8 *input; /* what zlib has not been given yet; z.next_in is in front of it */
  gsize input_left;

  HemeraSlab *slab; /* (nullable) */
  gsize start;      /* of the payload under way, in the slab */
  gsize fill;       /* end of what is written */

  guint64 bytes_in;
  guint64 bytes_out;
  guint64 block_start; /* bytes_out at the start of the current block */
  guint8 last[4];      /* last bytes of input that were consumed */
  gboolean in_body;    /* the two bytes of the stream's header are read */

  int failed; /* a HemeraCodecError plus one, once the stream is broken */
};

HemeraInflater *
hemera__inflater_new (gsize max_message)
{
  HemeraInflater *self = g_new0 (HemeraInflater, 1);

  self->max_message = max_message > 0 ? MIN (max_message, G_MAXSIZE / 4) : DEFAULT_MAX_MESSAGE;
  if (inflateInit2 (&self->z, 15) != Z_OK)
    g_error ("inflateInit2: %s", self->z.msg != NULL ? self->z.msg : "out of memory");
  /* The stream never ends, so its checksum never comes: do not compute it. */
  inflateValidate (&self->z, 0);
  return self;
}

void
hemera__inflater_free (HemeraInflater *self)
{
  if (self == NULL)
    return;
  if (self->slab != NULL)
    hemera__slab_unref (self->slab);
  inflateEnd (&self->z);
  g_free (self);
}

void
hemera__inflater_reset (HemeraInflater *self)
{
  inflateReset (&self->z);
  self->z.next_in = NULL;
  self->z.avail_in = self->z.avail_out = 0;
  self->input = NULL;
  self->input_left = 0;
  if (self->slab != NULL)
    hemera__slab_close (g_steal_pointer (&self->slab), self->start);
  self->start = self->fill = 0;
  self->bytes_in = self->bytes_out = self->block_start = 0;
  memset (self->last, 0, sizeof self->last);
  self->in_body = FALSE;
  self->failed = 0;
}

void
hemera__inflater_feed (HemeraInflater *self, const guint8 *data, gsize size)
{
  g_assert (self->z.avail_in == 0 && self->input_left == 0);
  self->input = data;
  self->input_left = size;
}

static gboolean
fail (HemeraInflater *self, HemeraCodecError code, GError **error, const char *what)
{
  self->failed = (int) code + 1;
  self->z.avail_in = 0;
  self->input_left = 0;
  g_set_error (error, HEMERA_CODEC_ERROR, code, "%s at byte %" G_GUINT64_FORMAT " of the compressed stream",
               what, self->bytes_in);
  return FALSE;
}

/* Hands zlib as much input as its 32-bit count takes. */
static void
refill_input (HemeraInflater *self)
{
  gsize size = MIN (self->input_left, G_MAXUINT32);

  self->z.next_in = (Bytef *) self->input;
  self->z.avail_in = (uInt) size;
  self->input += size;
  self->input_left -= size;
}

/* Makes the slab have room behind what is written; the payload's first part moves with it. */
static void
make_room (HemeraInflater *self)
{
  gsize written = self->fill - self->start;
  HemeraSlab *slab;

  if (written == 0 && self->start > 0 && self->slab != NULL && hemera__slab_is_sole (self->slab))
    self->start = self->fill = 0; /* all slices of this slab are gone */
  if (self->slab != NULL && self->fill < hemera__slab_size (self->slab))
    return;
  if (self->slab == NULL) {
    self->slab = hemera__slab_open (&self->start);
    self->fill = self->start;
    return;
  }
  /* One byte more than the limit shows that the limit is passed, so there is always room for one. */
  slab = hemera__slab_new (written < HEMERA_SLAB_USUAL / 2 ? 0 : MIN (2 * written, self->max_message + 1));
  memcpy (hemera__slab_data (slab), hemera__slab_data (self->slab) + self->start, written);
  hemera__slab_unref (self->slab);
  self->slab = slab;
  self->start = 0;
  self->fill = written;
}

static void
remember_last (HemeraInflater *self, const guint8 *from, gsize size)
{
  if (size >= 4) {
    memcpy (self->last, from + size - 4, 4);
  } else if (size > 0) {
    memmove (self->last, self->last + size, 4 - size);
    memcpy (self->last + 4 - size, from, size);
  }
}

/* Whether inflate() stopped behind the empty block of a sync flush; at every block's end it notes where the next one starts. */
static gboolean
is_flush (HemeraInflater *self)
{
  gboolean empty = self->bytes_out == self->block_start;

  if (!(self->z.data_type & BLOCK_END))
    return FALSE;
  if (!self->in_body) {
    self->in_body = TRUE;
    return FALSE;
  }
  self->block_start = self->bytes_out;
  return empty && (self->z.data_type & UNUSED_BITS) == 0 && memcmp (self->last, "\0\0\xff\xff", 4) == 0;
}

static void
take_payload (HemeraInflater *self, HemeraSlice *slice)
{
  slice->data = hemera__slab_data (self->slab) + self->start;
  slice->size = self->fill - self->start;
  slice->room = NULL;
  if (hemera__slab_size (self->slab) > HEMERA_SLAB_USUAL || self->fill == hemera__slab_size (self->slab)) {
    /* A large slab is this payload's alone: small ones behind it would keep it long. */
    slice->slab = g_steal_pointer (&self->slab);
    self->start = self->fill = 0;
  } else {
    slice->slab = hemera__slab_ref (self->slab);
    slice->room = hemera__slab_reserve (self->slab, &self->fill);
    self->start = self->fill;
  }
}

/* One call of inflate() into the rest of the slab. */
static int
step (HemeraInflater *self)
{
  gsize room =
      MIN (hemera__slab_size (self->slab) - self->fill, self->max_message + 1 - (self->fill - self->start));
  const guint8 *in = self->z.next_in;
  uInt in_before = self->z.avail_in;
  uInt out_before = (uInt) MIN (room, G_MAXUINT32);
  int result;

  self->z.next_out = hemera__slab_data (self->slab) + self->fill;
  self->z.avail_out = out_before;
  result = inflate (&self->z, Z_BLOCK);
  remember_last (self, in, in_before - self->z.avail_in);
  self->bytes_in += in_before - self->z.avail_in;
  self->bytes_out += out_before - self->z.avail_out;
  self->fill += out_before - self->z.avail_out;
  return result;
}

gboolean
hemera__inflater_next (HemeraInflater *self, HemeraSlice *slice, GError **error)
{
  if (self->failed != 0)
    return fail (self, (HemeraCodecError) (self->failed - 1), error, "the stream is broken");

  for (;;) {
    if (self->z.avail_in == 0)
      refill_input (self);
    /* A slab that came back full can hide output that is pending although all input is read. */
    if (self->z.avail_in == 0 && self->z.avail_out > 0) {
      if (self->slab != NULL && self->start == self->fill)
        hemera__slab_close (g_steal_pointer (&self->slab), self->fill);
      return FALSE;
    }
    make_room (self);

    switch (step (self)) {
    case Z_OK:
    case Z_BUF_ERROR: /* it took no input and gave no output: no error, and it may have ended a block */
      break;
    case Z_STREAM_END: return fail (self, HEMERA_CODEC_ERROR_COMPRESSION, error, "the stream ends");
    case Z_NEED_DICT:
      return fail (self, HEMERA_CODEC_ERROR_COMPRESSION, error, "the stream wants a preset dictionary");
    case Z_MEM_ERROR: return fail (self, HEMERA_CODEC_ERROR_COMPRESSION, error, "out of memory");
    default:
      return fail (self, HEMERA_CODEC_ERROR_COMPRESSION, error,
                   self->z.msg != NULL ? self->z.msg : "corrupt data");
    }
    if (self->fill - self->start > self->max_message)
      return fail (self, HEMERA_CODEC_ERROR_SIZE, error, "a payload is larger than the limit");
    /* An empty payload is none: a second flush in a row says nothing. */
    if (is_flush (self) && self->fill > self->start) {
      take_payload (self, slice);
      return TRUE;
    }
  }
}

guint64
hemera__inflater_bytes_in (HemeraInflater *self)
{
  return self->bytes_in;
}

guint64
hemera__inflater_bytes_out (HemeraInflater *self)
{
  return self->bytes_out;
}

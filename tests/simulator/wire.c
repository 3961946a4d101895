/* Payload -> encoded bytes -> compressed bytes -> websocket frames. */
#include "wire.h"

#include <string.h>

void
sim_wire_init (SimWire *self, const SimOptions *options, gboolean etf, gboolean zlib_stream, guint32 salt)
{
  *self = (SimWire){ .etf = etf,
                     .zlib_stream = zlib_stream,
                     .options = options,
                     .style = { options->etf_style, salt },
                     .doc = sim_doc_new (),
                     .plain = g_byte_array_new (),
                     .packed = g_byte_array_new () };
  if (zlib_stream)
    self->deflating = deflateInit (&self->z, options->zlib_level) == Z_OK;
}

void
sim_wire_clear (SimWire *self)
{
  if (self->doc == NULL)
    return;
  if (self->deflating)
    deflateEnd (&self->z);
  g_clear_pointer (&self->doc, sim_doc_free);
  g_clear_pointer (&self->plain, g_byte_array_unref);
  g_clear_pointer (&self->packed, g_byte_array_unref);
}

static void
append_text (GByteArray *out, const char *text, gssize size)
{
  g_byte_array_append (out, (const guint8 *) text, (guint) (size < 0 ? (gssize) strlen (text) : size));
}

static void
encode_json (SimWire *self, int op, const char *t, gint64 s, const char *d, gsize d_size, guint order)
{
  static const char orders[3][5] = { "tsod", "ostd", "dsto" };
  char number[32];
  for (const char *at = orders[order]; *at != '\0'; at++) {
    append_text (self->plain, at == orders[order] ? "{" : ",", 1);
    switch (*at) {
    case 't':
      append_text (self->plain, t != NULL ? "\"t\":\"" : "\"t\":null", -1);
      if (t != NULL) {
        append_text (self->plain, t, -1);
        append_text (self->plain, "\"", 1);
      }
      break;
    case 's':
      g_snprintf (number, sizeof number, s >= 0 ? "\"s\":%" G_GINT64_FORMAT : "\"s\":null", s);
      append_text (self->plain, number, -1);
      break;
    case 'o':
      g_snprintf (number, sizeof number, "\"op\":%d", op);
      append_text (self->plain, number, -1);
      break;
    default: append_text (self->plain, "\"d\":", 4); append_text (self->plain, d, (gssize) d_size);
    }
  }
  append_text (self->plain, "}", 1);
}

static void
encode (SimWire *self, int op, const char *t, gint64 s, const char *d, gsize d_size)
{
  guint order = self->options->key_order == 3 ? self->count % 3 : (guint) self->options->key_order;
  self->count++;
  g_byte_array_set_size (self->plain, 0);
  if (!self->etf) {
    encode_json (self, op, t, s, d, d_size, order);
    return;
  }
  sim_doc_reset (self->doc);
  const SimValue *value = sim_json_parse (self->doc, d, d_size, NULL);
  g_assert (value != NULL); /* streams are checked when they are loaded, the rest is our own */
  sim_etf_append_envelope (&self->style, self->plain, op, t, s, value, order);
}

static void
deflate_plain (SimWire *self, z_stream *z, int flush)
{
  z->next_in = self->plain->data;
  z->avail_in = self->plain->len;
  g_byte_array_set_size (self->packed, 0);
  do {
    guint8 buffer[16384];
    z->next_out = buffer;
    z->avail_out = sizeof buffer;
    deflate (z, flush);
    g_byte_array_append (self->packed, buffer, (guint) (sizeof buffer - z->avail_out));
  } while (z->avail_out == 0);
}

static void
append_packed (SimWire *self, GByteArray *out)
{
  gsize split = (gsize) self->options->split_messages, size = self->packed->len, at = 0;
  if (split == 0)
    split = MAX (size, 1);
  for (; at < size; at += split)
    sim_frames_append (out, 2, self->packed->data + at, MIN (split, size - at),
                       (gsize) self->options->fragment);
}

static void
append_plain (SimWire *self, GByteArray *out)
{
  if (self->zlib_stream) {
    deflate_plain (self, &self->z, Z_SYNC_FLUSH);
    append_packed (self, out);
  } else if (self->payload_zlib && !self->etf && self->plain->len >= 256) {
    z_stream whole = { 0 };
    if (deflateInit (&whole, self->options->zlib_level) == Z_OK)
      deflate_plain (self, &whole, Z_FINISH);
    deflateEnd (&whole);
    sim_frames_append (out, 2, self->packed->data, self->packed->len, (gsize) self->options->fragment);
  } else {
    sim_frames_append (out, self->etf ? 2 : 1, self->plain->data, self->plain->len,
                       (gsize) self->options->fragment);
  }
}

void
sim_wire_append (SimWire *self, GByteArray *out, int op, const char *t, gint64 s, const char *d, gsize d_size)
{
  encode (self, op, t, s, d, d_size);
  append_plain (self, out);
}

void
sim_wire_append_broken (SimWire *self, GByteArray *out, const char *t, gint64 s, const char *d, gsize d_size,
                        gboolean cut)
{
  if (self->zlib_stream && !cut) {
    /* A sync flush ends on a byte boundary, so this is the head of a block of the type that does not exist. */
    static const guint8 bad[] = { 0x07, 0x55, 0xAA, 0x00, 0x00, 0xFF, 0xFF };
    sim_frames_append (out, 2, bad, sizeof bad, 0);
    return;
  }
  encode (self, 0, t, s, d, d_size);
  g_byte_array_set_size (self->plain, self->plain->len - MIN (self->plain->len, 3));
  append_plain (self, out);
}

/* Reading is bounded: a message over MAX_MESSAGE is told by its announced length, before its bytes are waited for. */
#include "frames.h"

#include <string.h>

#define MAX_MESSAGE 32768u

void
sim_frames_init (SimFrames *self)
{
  *self = (SimFrames){ .in = g_byte_array_new (), .message = g_byte_array_new () };
}

void
sim_frames_clear (SimFrames *self)
{
  g_clear_pointer (&self->in, g_byte_array_unref);
  g_clear_pointer (&self->message, g_byte_array_unref);
}

void
sim_frames_feed (SimFrames *self, const guint8 *data, gsize size)
{
  g_byte_array_append (self->in, data, (guint) size);
}

static SimFrameKind
broken (const char **what, const char *why)
{
  *what = why;
  return SIM_FRAME_BROKEN;
}

static const char *
check_head (const SimFrames *self, guint8 first, guint8 second, guint64 size)
{
  guint8 opcode = first & 15;
  gboolean final = (first & 128) != 0;
  if ((first & 0x70) != 0)
    return "reserved bits";
  if ((second & 128) == 0)
    return "unmasked frame";
  if (opcode >= 8 && (!final || size > 125 || opcode > 10))
    return "bad control frame";
  if (opcode > 2 && opcode < 8)
    return "unknown frame opcode";
  if (opcode == 0 && self->opcode == 0)
    return "continuation of nothing";
  if ((opcode == 1 || opcode == 2) && self->opcode != 0)
    return "message inside a message";
  return NULL;
}

/* Nothing, or a code that may stand in a frame and a reason in UTF-8. */
static const char *
check_close (const guint8 *data, gsize size)
{
  guint code = size >= 2 ? (guint) data[0] << 8 | data[1] : 1000;
  if (size == 1)
    return "half a close code";
  if (code < 1000 || (code >= 1004 && code <= 1006) || (code > 1014 && code < 3000) || code > 4999)
    return "a close code that no frame may have";
  if (size > 2 && !g_utf8_validate_len ((const char *) data + 2, size - 2, NULL))
    return "a close reason that is no UTF-8";
  return NULL;
}

static SimFrameKind
finish_data (SimFrames *self, const guint8 **data, gsize *size)
{
  SimFrameKind kind = self->opcode == 1 ? SIM_FRAME_TEXT : SIM_FRAME_BINARY;
  self->opcode = 0;
  *data = self->message->data;
  *size = self->message->len;
  return kind;
}

SimFrameKind
sim_frames_next (SimFrames *self, const guint8 **data, gsize *size, const char **what)
{
  *data = NULL;
  *size = 0;
  if (self->taken > 0)
    g_byte_array_remove_range (self->in, 0, (guint) self->taken);
  self->taken = 0;
  for (;;) {
    if (self->opcode == 0)
      g_byte_array_set_size (self->message, 0);
    guint8 *in = self->in->data;
    gsize have = self->in->len, head = 2;
    if (have < head)
      return SIM_FRAME_MORE;
    guint64 length = in[1] & 127;
    guint width = length == 126 ? 2 : length == 127 ? 8 : 0;
    head += width;
    if (have < head)
      return SIM_FRAME_MORE;
    if (width > 0)
      length = 0;
    for (guint i = 0; i < width; i++)
      length = length << 8 | in[2 + i];
    const char *why = check_head (self, in[0], in[1], length);
    if (why == NULL && ((width == 2 && length < 126) || (width == 8 && length < 65536)))
      why = "a length in more bytes than it needs";
    if (why != NULL)
      return broken (what, why);
    if (length > MAX_MESSAGE || self->message->len + length > MAX_MESSAGE)
      return SIM_FRAME_TOO_BIG;
    head += 4;
    if (have < head + length)
      return SIM_FRAME_MORE;
    for (guint64 i = 0; i < length; i++)
      in[head + i] ^= in[head - 4 + (i & 3)];
    guint8 opcode = in[0] & 15;
    gboolean final = (in[0] & 128) != 0;
    if (opcode == 8 && (why = check_close (in + head, length)) != NULL)
      return broken (what, why);
    if (opcode >= 8) {
      self->taken = head + length;
      *data = in + head;
      *size = length;
      return opcode == 8 ? SIM_FRAME_CLOSE : opcode == 9 ? SIM_FRAME_PING : SIM_FRAME_PONG;
    }
    if (opcode != 0)
      self->opcode = opcode;
    g_byte_array_append (self->message, in + head, (guint) length);
    g_byte_array_remove_range (self->in, 0, (guint) (head + length));
    if (final)
      return finish_data (self, data, size);
  }
}

static void
append_frame (GByteArray *out, guint8 first, const guint8 *data, gsize size)
{
  guint8 head[10] = { first };
  guint used = 2;
  if (size < 126) {
    head[1] = (guint8) size;
  } else if (size < 65536) {
    head[1] = 126;
    head[2] = (guint8) (size >> 8);
    head[3] = (guint8) size;
    used = 4;
  } else {
    head[1] = 127;
    guint64 big = GUINT64_TO_BE ((guint64) size);
    memcpy (head + 2, &big, 8);
    used = 10;
  }
  g_byte_array_append (out, head, used);
  g_byte_array_append (out, data, (guint) size);
}

void
sim_frames_append (GByteArray *out, guint8 opcode, const guint8 *data, gsize size, gsize fragment)
{
  if (fragment == 0 || opcode >= 8)
    fragment = MAX (size, 1);
  gsize at = 0;
  do {
    gsize part = MIN (fragment, size - at);
    gboolean final = at + part == size;
    append_frame (out, (guint8) ((final ? 128 : 0) | (at == 0 ? opcode : 0)), data + at, part);
    at += part;
  } while (at < size);
}

char *
sim_frames_accept (const char *key)
{
  g_autofree char *text = g_strconcat (key, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", NULL);
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize size = sizeof digest;
  g_checksum_update (sum, (const guchar *) text, -1);
  g_checksum_get_digest (sum, digest, &size);
  return g_base64_encode (digest, size);
}

/* hemera_term_new_from_json(): events of the reader straight into ETF bytes, one growing buffer a document. A container's count is
 * written when it closes; the open ones are a stack on the heap, bounded by the depth limit. */
#include "json-reader.h"
#include "key-set.h"
#include "number.h"

#include "codec/term/cursor.h"
#include "codec/term/term-internal.h"

#include <hemera/json.h>
#include <string.h>

#define MAX_TEXT ((gsize) G_MAXINT32) /* whatever the limit: every length of the term then has 32 bits */

typedef struct {
  gsize head; /* of the container's tag in the bytes */
  gsize keys; /* mark of its keys */
  guint32 count;
  gboolean is_object;
} Frame;

typedef struct {
  const char *text;
  guint8 *bytes;
  gsize size, allocated;
  Frame *frames;
  guint depth, frames_allocated, max_depth;
  HemeraKeySet keys;
  guint64 work; /* of converting integers: digits squared */
} Encoder;

static guint8 *
reserve (Encoder *self, gsize more)
{
  if (self->allocated - self->size < more) {
    self->allocated = MAX (self->size + more, self->allocated * 2);
    self->bytes = g_realloc (self->bytes, self->allocated);
  }
  return self->bytes + self->size;
}

static void
put (Encoder *self, const void *data, gsize size)
{
  memcpy (reserve (self, size), data, size);
  self->size += size;
}

static void
put_head (guint8 *out, guint8 tag, gsize count)
{
  guint32 word = GUINT32_TO_BE ((guint32) count);

  out[0] = tag;
  memcpy (out + 1, &word, 4);
}

static void
put_atom (Encoder *self, const char *name)
{
  gsize size = strlen (name);
  guint8 head[2] = { ETF_SMALL_ATOM_UTF8, (guint8) size };

  put (self, head, 2);
  put (self, name, size);
}

static void
put_binary (Encoder *self, const guint8 *data, gsize size)
{
  guint8 *out = reserve (self, size + 5);

  put_head (out, ETF_BINARY, size);
  if (size > 0)
    memcpy (out + 5, data, size);
  self->size += size + 5;
}

static gboolean
put_number (Encoder *self, const guint8 *text, gsize size, gsize end, GError **error)
{
  guint64 bits;
  double value;
  guint8 *out;

  if (hemera__json_number_is_integer (text, size)) {
    self->work += (guint64) size * size;
    if (self->work > (guint64) HEMERA_JSON_MAX_DIGITS * HEMERA_JSON_MAX_DIGITS) {
      g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
                   "JSON has too many digits in integers at byte %" G_GSIZE_FORMAT, end - size);
      return FALSE;
    }
    out = reserve (self, hemera__json_integer_bound (size));
    self->size += hemera__json_put_integer (out, text, size);
    return TRUE;
  }
  if (!hemera__json_parse_double (text, size, &value)) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_MALFORMED,
                 "JSON number is beyond the range of floats at byte %" G_GSIZE_FORMAT, end - size);
    return FALSE;
  }
  memcpy (&bits, &value, 8);
  bits = GUINT64_TO_BE (bits);
  out = reserve (self, 9);
  out[0] = ETF_NEW_FLOAT;
  memcpy (out + 1, &bits, 8);
  self->size += 9;
  return TRUE;
}

static gboolean
open_container (Encoder *self, gboolean is_object, gsize end, GError **error)
{
  if (self->depth == self->max_depth) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_DEPTH,
                 "JSON value is nested deeper than %u levels at byte %" G_GSIZE_FORMAT, self->max_depth,
                 end - 1);
    return FALSE;
  }
  if (self->depth == self->frames_allocated) {
    self->frames_allocated = MAX (16, self->frames_allocated * 2);
    self->frames = g_renew (Frame, self->frames, self->frames_allocated);
  }
  self->frames[self->depth++] = (Frame){ self->size, hemera__key_set_open (&self->keys), 0, is_object };
  put (self, (const guint8[]){ is_object ? ETF_MAP : ETF_LIST, 0, 0, 0, 0 }, 5);
  return TRUE;
}

static gboolean
close_container (Encoder *self, GError **error)
{
  const Frame *frame = &self->frames[--self->depth];
  guint8 *head = self->bytes + frame->head;
  HemeraKey twice;

  if (frame->is_object) {
    put_head (head, ETF_MAP, frame->count);
    if (!hemera__key_set_close (&self->keys, frame->keys, self->bytes, &twice)) {
      g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_DUPLICATE,
                   "JSON object has a key twice at byte %" G_GSIZE_FORMAT,
                   hemera__json_string_start (self->text, twice.where));
      return FALSE;
    }
  } else if (frame->count > 0) {
    put_head (head, ETF_LIST, frame->count);
    put (self, (const guint8[]){ ETF_NIL }, 1);
  } else {
    head[0] = ETF_NIL;
    self->size = frame->head + 1;
  }
  return TRUE;
}

static gboolean
encode (gpointer data, HemeraJsonEvent event, const guint8 *bytes, gsize size, gsize end, GError **error)
{
  Encoder *self = data;

  /* Keys do not count: a pair is counted with its value. */
  if (self->depth > 0 && event != HEMERA_JSON_KEY && event != HEMERA_JSON_OBJECT_END
      && event != HEMERA_JSON_ARRAY_END)
    self->frames[self->depth - 1].count++;

  switch (event) {
  case HEMERA_JSON_NULL: put_atom (self, "nil"); return TRUE;
  case HEMERA_JSON_TRUE: put_atom (self, "true"); return TRUE;
  case HEMERA_JSON_FALSE: put_atom (self, "false"); return TRUE;
  case HEMERA_JSON_NUMBER: return put_number (self, bytes, size, end, error);
  case HEMERA_JSON_STRING: put_binary (self, bytes, size); return TRUE;
  case HEMERA_JSON_KEY:
    put_binary (self, bytes, size);
    hemera__key_set_add (&self->keys, self->bytes, self->size - size, size, end);
    return TRUE;
  case HEMERA_JSON_OBJECT: return open_container (self, TRUE, end, error);
  case HEMERA_JSON_ARRAY: return open_container (self, FALSE, end, error);
  case HEMERA_JSON_OBJECT_END:
  case HEMERA_JSON_ARRAY_END: return close_container (self, error);
  }
  g_assert_not_reached ();
}

/**
 * hemera_term_new_from_json:
 * @text: JSON, not NUL-terminated
 * @size: its bytes
 * @given: (nullable): limits; of these @max_size (of the text) and @max_depth count; %NULL for the defaults
 * @error: #HemeraCodecError
 *
 * Reads one value that fills @text. A key twice in an object is an error whatever @given says.
 *
 * Returns: (transfer full) (nullable): the term, or %NULL with @error set
 */
HemeraTerm *
hemera_term_new_from_json (const char *text, gsize size, const HemeraEtfLimits *given, GError **error)
{
  const HemeraEtfLimits limits = hemera__limits_resolve (given);
  gsize max_size = MIN (limits.max_size, MAX_TEXT);
  Encoder self = { .text = text, .max_depth = limits.max_depth, .keys = HEMERA_KEY_SET_INIT };
  HemeraTerm *term = NULL;
  guint8 *payload;

  if (size > max_size) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
                 "JSON text is longer than %" G_GSIZE_FORMAT " bytes at byte %" G_GSIZE_FORMAT, max_size,
                 max_size);
    return NULL;
  }
  self.allocated = size + size / 4 + 64;
  self.bytes = g_malloc (self.allocated);
  if (hemera__json_read (text, size, encode, &self, error)) {
    /* Valid as they are made, so no validating pass; copied, for the term's memory is then no more than it needs. */
    term = hemera__term_new_inline (self.size, &payload);
    memcpy (payload, self.bytes, self.size);
  }
  g_free (self.bytes);
  g_free (self.frames);
  hemera__key_set_clear (&self.keys);
  return term;
}

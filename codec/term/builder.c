/* HemeraTermBuilder: terms are written by ei into a buffer that always has room for the piece at hand, so ei never grows or sizes anything.
 *
 * A container's header is written when it is closed, over five bytes kept at its start. The first thing that cannot be held is remembered
 * and fails the end; all later calls do nothing then. */
#include <hemera/term-builder.h>

#include "codec/term/term-internal.h"
#include "codec/term/cursor.h"
#include "codec/term/utf8.h"

#include <ei.h>
#include <math.h>

#define HEADER_SIZE   5
#define MAX_BYTES     ((gsize) G_MAXINT - 64) /* ei counts in int */
#define SHIFT_AT_MOST 4096
#define PIECE         64

typedef enum { TUPLE, LIST, MAP } Kind;

typedef struct {
  Kind kind;
  gsize start;
  guint64 n; /* terms so far; in maps keys and values */
} Open;

struct _HemeraTermBuilder {
  char *buffer;
  gsize size, capacity;
  GArray *open; /* Open */
  guint roots;
  gboolean has_pairs; /* some map has two pairs at least, or a copied term may */
  GError *error;
};

HemeraTermBuilder *
hemera_term_builder_new (void)
{
  HemeraTermBuilder *self = g_new0 (HemeraTermBuilder, 1);
  self->capacity = 256;
  self->buffer = g_malloc (self->capacity);
  self->open = g_array_new (FALSE, FALSE, sizeof (Open));
  return self;
}

void
hemera_term_builder_free (HemeraTermBuilder *self)
{
  if (self == NULL)
    return;
  g_free (self->buffer);
  g_array_unref (self->open);
  g_clear_error (&self->error);
  g_free (self);
}

static void __attribute__ ((cold)) refuse (HemeraTermBuilder *self, HemeraCodecError code, const char *what)
{
  if (self->error == NULL)
    self->error = g_error_new (HEMERA_CODEC_ERROR, code, "%s at byte %" G_GSIZE_FORMAT, what, self->size + 1);
}

static Open *
innermost (HemeraTermBuilder *self)
{
  return self->open->len > 0 ? &g_array_index (self->open, Open, self->open->len - 1) : NULL;
}

/* Makes room for @size bytes. */
static gboolean
reserve (HemeraTermBuilder *self, gsize size)
{
  if (self->error != NULL)
    return FALSE;
  if (size > MAX_BYTES - self->size) {
    refuse (self, HEMERA_CODEC_ERROR_SIZE, "a term of more than 2 GiB");
    return FALSE;
  }
  if (self->size + size > self->capacity) {
    self->capacity = MAX (2 * self->capacity, self->size + size);
    self->buffer = g_realloc (self->buffer, self->capacity);
  }
  return TRUE;
}

/* Counts one more term and makes room for its @size bytes. */
static gboolean
begin (HemeraTermBuilder *self, gsize size)
{
  Open *open = innermost (self);
  if (!reserve (self, size))
    return FALSE;
  if (open != NULL)
    open->n++;
  else if (self->roots++ > 0)
    refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "a second root term");
  return self->error == NULL;
}

/* Runs one ei_encode call at the end of the buffer; its result is 0 or the room was wrong. */
#define ENCODE(self, function, ...)                                                                          \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    int index_ = (int) (self)->size;                                                                         \
    int result_ = function ((self)->buffer, &index_, __VA_ARGS__);                                           \
    g_assert (result_ == 0 && (gsize) index_ <= (self)->capacity);                                           \
    (self)->size = (gsize) index_;                                                                           \
  }                                                                                                          \
  G_STMT_END

void
hemera_term_builder_add_int64 (HemeraTermBuilder *self, gint64 value)
{
  if (begin (self, PIECE))
    ENCODE (self, ei_encode_longlong, value);
}

void
hemera_term_builder_add_uint64 (HemeraTermBuilder *self, guint64 value)
{
  if (begin (self, PIECE))
    ENCODE (self, ei_encode_ulonglong, value);
}

void
hemera_term_builder_add_big (HemeraTermBuilder *self, gboolean negative, const guint8 *digits, gsize size)
{
  while (size > 0 && digits[size - 1] == 0)
    size--;
  if (size <= 8) {
    guint64 word = 0;
    for (gsize i = size; i-- > 0;)
      word = word << 8 | digits[i];
    if (!negative) {
      hemera_term_builder_add_uint64 (self, word);
      return;
    }
    if (word <= (guint64) G_MAXINT64 + 1) {
      hemera_term_builder_add_int64 (self, (gint64) (0 - word));
      return;
    }
  }
  if (size > 4194296) {
    refuse (self, HEMERA_CODEC_ERROR_UNSUPPORTED, "an integer of more bytes than BEAM takes");
    return;
  }
  /* ei has bigs in digits of 16 bits only, and would pad an odd size. */
  if (!begin (self, size + 8))
    return;
  guint8 *p = (guint8 *) self->buffer + self->size;
  if (size < 256) {
    *p++ = ETF_SMALL_BIG;
    *p++ = (guint8) size;
  } else {
    guint32 count = GUINT32_TO_BE ((guint32) size);
    *p++ = ETF_LARGE_BIG;
    memcpy (p, &count, 4);
    p += 4;
  }
  *p++ = negative != FALSE;
  memcpy (p, digits, size);
  self->size = (gsize) ((char *) p - self->buffer) + size;
}

/* @words times @factor plus @carry. */
static gsize
multiply_add (guint64 *words, gsize n, guint64 factor, guint64 carry)
{
  for (gsize i = 0; i < n; i++) {
    __uint128_t product = (__uint128_t) words[i] * factor + carry;
    words[i] = (guint64) product;
    carry = (guint64) (product >> 64);
  }
  if (carry > 0)
    words[n++] = carry;
  return n;
}

void
hemera_term_builder_add_decimal (HemeraTermBuilder *self, const char *digits, gsize size)
{
  const char *c = digits, *end = digits + size;
  gboolean negative = size > 0 && *c == '-';
  c += negative;
  if (c == end) {
    refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "a number without digits");
    return;
  }
  while (end - c > 1 && *c == '0')
    c++;
  if ((gsize) (end - c) > 10100900) { /* the digits of BEAM's largest integer */
    refuse (self, HEMERA_CODEC_ERROR_UNSUPPORTED, "an integer of more digits than BEAM takes");
    return;
  }
  guint64 short_words[8] = { 0 }, *words = short_words;
  gsize n = 0, room = (gsize) (end - c) / 19 + 2;
  if (room > G_N_ELEMENTS (short_words))
    words = g_new (guint64, room);
  while (c < end) {
    guint64 factor = 1, chunk = 0;
    for (int i = 0; i < 19 && c < end; i++, c++) {
      if (!g_ascii_isdigit (*c)) {
        refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "a character that is no digit in a number");
        break;
      }
      chunk = chunk * 10 + (guint64) (*c - '0');
      factor *= 10;
    }
    if (self->error != NULL)
      break;
    n = multiply_add (words, n, factor, chunk);
  }
  if (self->error == NULL) {
    for (gsize i = 0; i < n; i++)
      words[i] = GUINT64_TO_LE (words[i]);
    hemera_term_builder_add_big (self, negative, (const guint8 *) words, 8 * n);
  }
  if (words != short_words)
    g_free (words);
}

void
hemera_term_builder_add_double (HemeraTermBuilder *self, double value)
{
  if (!isfinite (value)) /* ei writes what no BEAM reads */
    refuse (self, HEMERA_CODEC_ERROR_UNSUPPORTED, "a float that is not finite");
  else if (begin (self, PIECE))
    ENCODE (self, ei_encode_double, value);
}

void
hemera_term_builder_add_atom (HemeraTermBuilder *self, const char *name)
{
  gsize size = strlen (name);
  if (!hemera__utf8_valid (name, size)) /* ei lets overlong forms and surrogates pass, and cuts long names */
    refuse (self, HEMERA_CODEC_ERROR_UNSUPPORTED, "an atom that is no UTF-8");
  else if (hemera__utf8_length ((const guint8 *) name, size) > 255)
    refuse (self, HEMERA_CODEC_ERROR_UNSUPPORTED, "an atom of more than 255 characters");
  else if (begin (self, size + PIECE))
    ENCODE (self, ei_encode_atom_len_as, name, (int) size, ERLANG_UTF8, ERLANG_UTF8);
}

void
hemera_term_builder_add_boolean (HemeraTermBuilder *self, gboolean value)
{
  hemera_term_builder_add_atom (self, value ? "true" : "false");
}

void
hemera_term_builder_add_nil (HemeraTermBuilder *self)
{
  hemera_term_builder_add_atom (self, "nil");
}

void
hemera_term_builder_add_binary (HemeraTermBuilder *self, gconstpointer data, gsize size)
{
  if (size > MAX_BYTES - PIECE)
    refuse (self, HEMERA_CODEC_ERROR_SIZE, "a term of more than 2 GiB");
  else if (begin (self, size + PIECE))
    ENCODE (self, ei_encode_binary, size > 0 ? data : "", (long) size);
}

void
hemera_term_builder_add_string (HemeraTermBuilder *self, const char *utf8)
{
  gsize size = strlen (utf8);
  if (!hemera__utf8_valid (utf8, size))
    refuse (self, HEMERA_CODEC_ERROR_UNSUPPORTED, "a string that is no UTF-8");
  else
    hemera_term_builder_add_binary (self, utf8, size);
}

void
hemera_term_builder_key (HemeraTermBuilder *self, const char *key)
{
  hemera_term_builder_add_string (self, key);
}

void
hemera_term_builder_add_snowflake (HemeraTermBuilder *self, guint64 id)
{
  char digits[24];
  int size = g_snprintf (digits, sizeof digits, "%" G_GUINT64_FORMAT, id);
  hemera_term_builder_add_binary (self, digits, (gsize) size);
}

void
hemera_term_builder_add_view (HemeraTermBuilder *self, HemeraView term)
{
  gsize size;
  const guint8 *bytes = hemera_view_bytes (term, &size);
  if (bytes == NULL) {
    refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "an invalid view");
  } else if (begin (self, size)) {
    memcpy (self->buffer + self->size, bytes, size);
    self->size += size;
    self->has_pairs = self->has_pairs || size >= 9; /* the smallest map of two pairs */
  }
}

static void
open_container (HemeraTermBuilder *self, Kind kind)
{
  if (!begin (self, HEADER_SIZE))
    return;
  Open open = { kind, self->size, 0 };
  g_array_append_val (self->open, open);
  self->size += HEADER_SIZE;
}

void
hemera_term_builder_open_tuple (HemeraTermBuilder *self)
{
  open_container (self, TUPLE);
}

void
hemera_term_builder_open_list (HemeraTermBuilder *self)
{
  open_container (self, LIST);
}

void
hemera_term_builder_open_map (HemeraTermBuilder *self)
{
  open_container (self, MAP);
}

/* ei writes a tuple's header in two bytes where it can. A short body moves up; a long one keeps LARGE_TUPLE_EXT, which is as good. */
static void
close_tuple (HemeraTermBuilder *self, const Open *open)
{
  gsize body = open->start + HEADER_SIZE, size = self->size - body;
  int index = (int) open->start;
  if (open->n < 256 && size > SHIFT_AT_MOST) {
    guint32 arity = GUINT32_TO_BE ((guint32) open->n);
    self->buffer[open->start] = ETF_LARGE_TUPLE;
    memcpy (self->buffer + open->start + 1, &arity, 4);
    return;
  }
  ei_encode_tuple_header (self->buffer, &index, (int) open->n);
  memmove (self->buffer + index, self->buffer + body, size);
  self->size = (gsize) index + size;
}

void
hemera_term_builder_close (HemeraTermBuilder *self)
{
  if (self->error != NULL)
    return;
  if (self->open->len == 0) {
    refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "a close without an open container");
    return;
  }
  Open open = *innermost (self);
  int index = (int) open.start;
  switch (open.kind) {
  case TUPLE: close_tuple (self, &open); break;
  case LIST:
    if (open.n == 0)
      self->size = open.start;
    else
      ei_encode_list_header (self->buffer, &index, (int) open.n);
    if (reserve (self, PIECE)) {
      int end = (int) self->size;
      ei_encode_empty_list (self->buffer, &end);
      self->size = (gsize) end;
    }
    break;
  case MAP:
    if (open.n % 2 != 0)
      refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "a map key without a value");
    self->has_pairs = self->has_pairs || open.n > 2;
    ei_encode_map_header (self->buffer, &index, (int) (open.n / 2));
    break;
  }
  g_array_set_size (self->open, self->open->len - 1);
}

HemeraTerm *
hemera_term_builder_end (HemeraTermBuilder *self, GError **error)
{
  HemeraTerm *term = NULL;
  guint8 *payload;

  if (self->open->len > 0)
    refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "a container that is not closed");
  else if (self->roots == 0)
    refuse (self, HEMERA_CODEC_ERROR_MALFORMED, "no term");
  if (self->error == NULL) {
    term = hemera__term_new_inline (self->size, &payload);
    memcpy (payload, self->buffer, self->size);
    if (self->has_pairs && !hemera__etf_check_unique (term->data, term->size, &self->error))
      g_clear_pointer (&term, hemera_term_unref);
  }
  if (self->error != NULL)
    g_propagate_error (error, g_steal_pointer (&self->error));
  self->size = 0;
  self->roots = 0;
  self->has_pairs = FALSE;
  g_array_set_size (self->open, 0);
  return term;
}

/* What a client sent in ETF, into a SimValue tree: every read is bounded, nesting is limited, and what the gateway refuses (atom keys,
 * compression, tuples, processes) is an error of its own kind. */
#include "etf.h"

#include <math.h>
#include <string.h>

#define MAX_DEPTH 64

typedef struct {
  SimDoc *doc;
  const guint8 *start, *at, *end;
  GError **error;
} Reader;

G_GNUC_PRINTF (3, 4)
static gpointer
fail (Reader *self, SimError code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  if (self->error != NULL && *self->error == NULL)
    g_set_error (self->error, SIM_ERROR, code, "%s at byte %" G_GSIZE_FORMAT, what,
                 (gsize) (self->at - self->start));
  return NULL;
}

/* @size bytes, or NULL with the error set. */
static const guint8 *
take (Reader *self, gsize size)
{
  if ((gsize) (self->end - self->at) < size)
    return fail (self, SIM_ERROR_MALFORMED, "truncated term");
  const guint8 *data = self->at;
  self->at += size;
  return data;
}

/* A big-endian length of @width bytes. */
static gboolean
length (Reader *self, guint width, gsize *value)
{
  const guint8 *data = take (self, width);
  *value = 0;
  for (guint i = 0; data != NULL && i < width; i++)
    *value = *value << 8 | data[i];
  return data != NULL;
}

static SimValue *
number (Reader *self, gint64 value)
{
  char text[24];
  int size = g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, value);
  return sim_doc_text (self->doc, SIM_NUMBER, text, (gsize) size);
}

static SimValue *
big (Reader *self, guint width)
{
  gsize size;
  if (!length (self, width, &size))
    return NULL;
  const guint8 *sign = take (self, 1);
  const guint8 *data = sign != NULL ? take (self, size) : NULL;
  if (data == NULL)
    return NULL;
  while (size > 0 && data[size - 1] == 0)
    size--;
  if (size > 8)
    return fail (self, SIM_ERROR_TYPE, "an integer beyond 64 bits");
  guint64 value = 0;
  for (gsize i = size; i-- > 0;)
    value = value << 8 | data[i];
  char text[24];
  int used =
      g_snprintf (text, sizeof text, "%s%" G_GUINT64_FORMAT, *sign != 0 && value != 0 ? "-" : "", value);
  return sim_doc_text (self->doc, SIM_NUMBER, text, (gsize) used);
}

static SimValue *
real (Reader *self, gboolean old)
{
  const guint8 *data = take (self, old ? 31 : 8);
  g_autofree char *text = NULL;
  if (data == NULL)
    return NULL;
  if (old) {
    text = g_strndup ((const char *) data, 31);
  } else {
    union {
      double number;
      guint64 bits;
    } both = { .bits = 0 };
    for (guint i = 0; i < 8; i++)
      both.bits = both.bits << 8 | data[i];
    if (!isfinite (both.number))
      return fail (self, SIM_ERROR_MALFORMED, "a float that is not finite");
    char digits[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_formatd (digits, sizeof digits, "%.17g", both.number);
    text = g_strconcat (digits, strpbrk (digits, ".e") == NULL ? ".0" : "", NULL);
  }
  return sim_doc_text (self->doc, SIM_NUMBER, text, strlen (text));
}

static SimValue *
atom (Reader *self, guint width)
{
  gsize size;
  const guint8 *data = length (self, width, &size) ? take (self, size) : NULL;
  if (data == NULL)
    return NULL;
  if ((size == 3 && memcmp (data, "nil", 3) == 0) || (size == 4 && memcmp (data, "null", 4) == 0))
    return sim_doc_value (self->doc, SIM_NULL);
  if (size == 4 && memcmp (data, "true", 4) == 0)
    return sim_doc_value (self->doc, SIM_TRUE);
  if (size == 5 && memcmp (data, "false", 5) == 0)
    return sim_doc_value (self->doc, SIM_FALSE);
  return sim_doc_text (self->doc, SIM_STRING, (const char *) data, size);
}

static SimValue *
binary (Reader *self)
{
  gsize size;
  const guint8 *data = length (self, 4, &size) ? take (self, size) : NULL;
  if (data == NULL)
    return NULL;
  if (!g_utf8_validate_len ((const char *) data, size, NULL) && memchr (data, 0, size) == NULL)
    return fail (self, SIM_ERROR_MALFORMED, "a binary that is no UTF-8");
  return sim_doc_text (self->doc, SIM_STRING, (const char *) data, size);
}

static SimValue *read_term (Reader *self, guint depth);

static SimValue *
bytes (Reader *self)
{
  gsize size;
  const guint8 *data = length (self, 2, &size) ? take (self, size) : NULL;
  SimValue *array = sim_doc_value (self->doc, SIM_ARRAY);
  for (gsize i = 0; data != NULL && i < size; i++)
    sim_value_append (array, number (self, data[i]));
  return data != NULL ? array : NULL;
}

static SimValue *
list (Reader *self, guint depth)
{
  gsize count;
  if (!length (self, 4, &count))
    return NULL;
  SimValue *array = sim_doc_value (self->doc, SIM_ARRAY);
  for (gsize i = 0; i < count; i++) {
    SimValue *item = read_term (self, depth + 1);
    if (item == NULL)
      return NULL;
    sim_value_append (array, item);
  }
  const guint8 *tail = take (self, 1);
  if (tail == NULL)
    return NULL;
  return *tail == 106 ? array : fail (self, SIM_ERROR_TYPE, "an improper list");
}

static SimValue *
map (Reader *self, guint depth)
{
  gsize count;
  if (!length (self, 4, &count))
    return NULL;
  SimValue *object = sim_doc_value (self->doc, SIM_OBJECT);
  for (gsize i = 0; i < count; i++) {
    const guint8 *tag = take (self, 1);
    if (tag == NULL)
      return NULL;
    if (*tag == 100 || *tag == 115 || *tag == 118 || *tag == 119)
      return fail (self, SIM_ERROR_ATOM_KEY, "a key that is an atom");
    if (*tag != 109)
      return fail (self, SIM_ERROR_TYPE, "a key with tag %u", *tag);
    SimValue *key = binary (self);
    if (key == NULL)
      return NULL;
    for (const SimValue *other = object->first; other != NULL; other = other->next)
      if (other->key_size == key->size && memcmp (other->key, key->text, key->size) == 0)
        return fail (self, SIM_ERROR_MALFORMED, "a key twice");
    SimValue *member = read_term (self, depth + 1);
    if (member == NULL)
      return NULL;
    member->key = key->text;
    member->key_size = key->size;
    sim_value_append (object, member);
  }
  return object;
}

static SimValue *
read_term (Reader *self, guint depth)
{
  if (depth > MAX_DEPTH)
    return fail (self, SIM_ERROR_MALFORMED, "too deep");
  const guint8 *tag = take (self, 1);
  if (tag == NULL)
    return NULL;
  const guint8 *data;
  switch (*tag) {
  case 97: data = take (self, 1); return data != NULL ? number (self, *data) : NULL;
  case 98:
    data = take (self, 4);
    return data != NULL ? number (self, (gint32) ((guint32) data[0] << 24 | (guint32) data[1] << 16
                                                  | (guint32) data[2] << 8 | data[3]))
                        : NULL;
  case 110: return big (self, 1);
  case 111: return big (self, 4);
  case 70: return real (self, FALSE);
  case 99: return real (self, TRUE);
  case 100:
  case 118: return atom (self, 2);
  case 115:
  case 119: return atom (self, 1);
  case 106: return sim_doc_value (self->doc, SIM_ARRAY);
  case 107: return bytes (self);
  case 108: return list (self, depth);
  case 109: return binary (self);
  case 116: return map (self, depth);
  default: return fail (self, SIM_ERROR_TYPE, "tag %u", *tag);
  }
}

SimValue *
sim_etf_parse (SimDoc *doc, const guint8 *data, gsize size, GError **error)
{
  g_autoptr (GError) local = NULL;
  Reader reader = { .doc = doc, .start = data, .at = data, .end = data + size, .error = &local };
  SimValue *value = NULL;
  const guint8 *version = take (&reader, 1);
  if (version != NULL && *version != 131)
    fail (&reader, SIM_ERROR_MALFORMED, "no version byte");
  else if (version != NULL && reader.at < reader.end && *reader.at == 80)
    fail (&reader, SIM_ERROR_COMPRESSED, "a compressed term");
  else if (version != NULL && (value = read_term (&reader, 0)) != NULL && reader.at != reader.end)
    value = fail (&reader, SIM_ERROR_MALFORMED, "bytes behind the term");
  if (value == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return value;
}

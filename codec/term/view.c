/* Reading scalars through a view. Every function takes any view: the invalid one and one of another type give FALSE or the fallback. */
#include "codec/term/cursor.h"
#include "codec/term/utf8.h"

#include <math.h>

HemeraTermType
hemera_view_type (HemeraView self)
{
  static const guint8 types[256] = {
    [ETF_SMALL_INTEGER] = HEMERA_TERM_INTEGER,
    [ETF_INTEGER] = HEMERA_TERM_INTEGER,
    [ETF_SMALL_BIG] = HEMERA_TERM_INTEGER,
    [ETF_LARGE_BIG] = HEMERA_TERM_INTEGER,
    [ETF_NEW_FLOAT] = HEMERA_TERM_FLOAT,
    [ETF_FLOAT] = HEMERA_TERM_FLOAT,
    [ETF_ATOM] = HEMERA_TERM_ATOM,
    [ETF_SMALL_ATOM] = HEMERA_TERM_ATOM,
    [ETF_ATOM_UTF8] = HEMERA_TERM_ATOM,
    [ETF_SMALL_ATOM_UTF8] = HEMERA_TERM_ATOM,
    [ETF_REFERENCE] = HEMERA_TERM_REFERENCE,
    [ETF_NEW_REFERENCE] = HEMERA_TERM_REFERENCE,
    [ETF_NEWER_REFERENCE] = HEMERA_TERM_REFERENCE,
    [ETF_NEW_FUN] = HEMERA_TERM_FUN,
    [ETF_EXPORT] = HEMERA_TERM_FUN,
    [ETF_PORT] = HEMERA_TERM_PORT,
    [ETF_NEW_PORT] = HEMERA_TERM_PORT,
    [ETF_V4_PORT] = HEMERA_TERM_PORT,
    [ETF_PID] = HEMERA_TERM_PID,
    [ETF_NEW_PID] = HEMERA_TERM_PID,
    [ETF_SMALL_TUPLE] = HEMERA_TERM_TUPLE,
    [ETF_LARGE_TUPLE] = HEMERA_TERM_TUPLE,
    [ETF_MAP] = HEMERA_TERM_MAP,
    [ETF_NIL] = HEMERA_TERM_LIST,
    [ETF_STRING] = HEMERA_TERM_LIST,
    [ETF_LIST] = HEMERA_TERM_LIST,
    [ETF_BINARY] = HEMERA_TERM_BINARY,
    [ETF_BIT_BINARY] = HEMERA_TERM_BITSTRING,
  };

  if (self.data == NULL)
    return HEMERA_TERM_INVALID;
  if (*self.data == ETF_BIT_BINARY && (self.data[5] == 8 || self.data[5] == 0))
    return HEMERA_TERM_BINARY; /* all bits of the last byte are used */
  return types[*self.data];
}

const guint8 *
hemera_view_bytes (HemeraView self, gsize *size)
{
  *size = self.data != NULL ? (gsize) (hemera__etf_skip (self.data) - self.data) : 0;
  return self.data;
}

/* ---- numbers -------------------------------------------------------------------------------------------------------------------- */

gboolean
hemera_view_get_int64 (HemeraView self, gint64 *value)
{
  EtfInteger integer;
  if (self.data == NULL)
    return FALSE;
  if (*self.data == ETF_SMALL_INTEGER) {
    *value = self.data[1];
    return TRUE;
  }
  if (!hemera__etf_integer (self.data, &integer) || integer.size > 8)
    return FALSE;
  guint64 word = hemera__etf_integer_word (&integer);
  if (word > (guint64) G_MAXINT64 + integer.negative)
    return FALSE;
  *value = integer.negative ? (gint64) (0 - word) : (gint64) word;
  return TRUE;
}

gboolean
hemera_view_get_uint64 (HemeraView self, guint64 *value)
{
  EtfInteger integer;
  if (self.data == NULL || !hemera__etf_integer (self.data, &integer) || integer.size > 8 || integer.negative)
    return FALSE;
  *value = hemera__etf_integer_word (&integer);
  return TRUE;
}

gint64
hemera_view_int64 (HemeraView self, gint64 fallback)
{
  hemera_view_get_int64 (self, &fallback);
  return fallback;
}

guint64
hemera_view_uint64 (HemeraView self, guint64 fallback)
{
  hemera_view_get_uint64 (self, &fallback);
  return fallback;
}

gboolean
hemera_view_get_snowflake (HemeraView self, guint64 *value)
{
  const guint8 *digits;
  gsize size;
  guint64 id = 0;

  if (!hemera_view_get_binary (self, &digits, &size))
    return hemera_view_get_uint64 (self, value);
  if (size == 0)
    return FALSE;
  for (gsize i = 0; i < size; i++) {
    if (digits[i] < '0' || digits[i] > '9')
      return FALSE;
    if (__builtin_mul_overflow (id, 10, &id) || __builtin_add_overflow (id, (guint64) (digits[i] - '0'), &id))
      return FALSE;
  }
  *value = id;
  return TRUE;
}

gboolean
hemera_view_get_double (HemeraView self, double *value)
{
  return self.data != NULL && hemera__etf_double (self.data, value);
}

double
hemera_view_number (HemeraView self, double fallback)
{
  EtfInteger integer;
  double value;
  if (hemera_view_get_double (self, &value))
    return value;
  if (self.data == NULL || !hemera__etf_integer (self.data, &integer))
    return fallback;
  if (integer.size == 0)
    return 0;
  /* The top 64 bits, with a last bit that stands for all lower ones, round to the nearest double as the whole number would. */
  guint64 bits;
  gboolean rest;
  guint64 top = hemera__etf_integer_top (&integer, &bits, &rest);
  if (bits > 1024)
    return fallback;
  value = ldexp ((double) (top | rest), (int) bits - 64);
  if (!isfinite (value))
    return fallback;
  return integer.negative ? -value : value;
}

/* ---- atoms and binaries ----------------------------------------------------------------------------------------------------------- */

gboolean
hemera_view_is_atom (HemeraView self, const char *name)
{
  gsize size;
  const char *own;
  char buffer[512];
  if (self.data == NULL || !etf_is_atom_tag (*self.data))
    return FALSE;
  own = hemera__etf_atom_utf8 (self.data, buffer, &size);
  return strlen (name) == size && memcmp (own, name, size) == 0;
}

gboolean
hemera_view_get_boolean (HemeraView self, gboolean *value)
{
  if (hemera_view_is_atom (self, "true"))
    *value = TRUE;
  else if (hemera_view_is_atom (self, "false"))
    *value = FALSE;
  else
    return FALSE;
  return TRUE;
}

gboolean
hemera_view_boolean (HemeraView self, gboolean fallback)
{
  hemera_view_get_boolean (self, &fallback);
  return fallback;
}

gboolean
hemera_view_is_null (HemeraView self)
{
  return hemera_view_is_atom (self, "nil") || hemera_view_is_atom (self, "null");
}

gboolean
hemera_view_get_bitstring (HemeraView self, const guint8 **data, gsize *bits)
{
  if (self.data == NULL)
    return FALSE;
  if (*self.data == ETF_BINARY) {
    *data = self.data + 5;
    *bits = 8 * (gsize) etf_get32 (self.data + 1);
    return TRUE;
  }
  if (*self.data != ETF_BIT_BINARY)
    return FALSE;
  gsize size = etf_get32 (self.data + 1);
  *data = self.data + 6;
  *bits = size > 0 ? 8 * (size - 1) + self.data[5] : 0;
  return TRUE;
}

gboolean
hemera_view_get_binary (HemeraView self, const guint8 **data, gsize *size)
{
  const guint8 *bytes;
  gsize bits;
  if (!hemera_view_get_bitstring (self, &bytes, &bits) || bits % 8 != 0)
    return FALSE;
  *data = bytes;
  *size = bits / 8;
  return TRUE;
}

gboolean
hemera_view_get_string (HemeraView self, const char **data, gsize *size)
{
  if (self.data == NULL)
    return FALSE;
  if (!etf_is_atom_tag (*self.data))
    return hemera_view_get_binary (self, (const guint8 **) data, size);
  gsize n;
  const guint8 *name = etf_atom_name (self.data, &n);
  if (etf_is_latin1_tag (*self.data) && !hemera__is_ascii (name, n))
    return FALSE;
  *data = (const char *) name;
  *size = n;
  return TRUE;
}

char *
hemera_view_dup_string (HemeraView self)
{
  const char *text;
  gsize size;
  char buffer[512];
  if (self.data != NULL && etf_is_atom_tag (*self.data))
    text = hemera__etf_atom_utf8 (self.data, buffer, &size);
  else if (!hemera_view_get_string (self, &text, &size) || !hemera__utf8_valid (text, size))
    return NULL;
  char *copy = g_malloc (size + 1);
  memcpy (copy, text, size);
  copy[size] = '\0';
  return copy;
}

gboolean
hemera_view_equals_string (HemeraView self, const char *text)
{
  const char *own;
  gsize size;
  if (hemera_view_get_string (self, &own, &size))
    return strlen (text) == size && memcmp (own, text, size) == 0;
  return hemera_view_is_atom (self, text);
}

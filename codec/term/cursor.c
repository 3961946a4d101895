/* The compound readings of cursor.h. Validated bytes only; pure functions, any thread. */
#include "codec/term/cursor.h"
#include "codec/term/utf8.h"

/* In line in both of its callers: a skip is nothing but a loop of it. */
static inline __attribute__ ((always_inline)) const guint8 *
enter (const guint8 *p, gsize *parts)
{
  *parts = 0;
  switch (*p) {
  case ETF_SMALL_INTEGER: return p + 2;
  case ETF_INTEGER: return p + 5;
  case ETF_NEW_FLOAT: return p + 9;
  case ETF_FLOAT: return p + 32;
  case ETF_SMALL_ATOM:
  case ETF_SMALL_ATOM_UTF8: return p + 2 + p[1];
  case ETF_ATOM:
  case ETF_ATOM_UTF8:
  case ETF_STRING: return p + 3 + etf_get16 (p + 1);
  case ETF_BINARY: return p + 5 + (gsize) etf_get32 (p + 1);
  case ETF_BIT_BINARY:
  case ETF_LARGE_BIG: return p + 6 + (gsize) etf_get32 (p + 1);
  case ETF_SMALL_BIG: return p + 3 + p[1];
  case ETF_NIL: return p + 1;
  case ETF_SMALL_TUPLE: *parts = p[1]; return p + 2;
  case ETF_LARGE_TUPLE: *parts = etf_get32 (p + 1); return p + 5;
  case ETF_LIST: *parts = (gsize) etf_get32 (p + 1) + 1; return p + 5;
  case ETF_MAP: *parts = 2 * (gsize) etf_get32 (p + 1); return p + 5;
  case ETF_NEW_PID: return etf_skip_atom (p + 1) + 12;
  case ETF_PID: return etf_skip_atom (p + 1) + 9;
  case ETF_NEW_PORT: return etf_skip_atom (p + 1) + 8;
  case ETF_PORT:
  case ETF_REFERENCE: return etf_skip_atom (p + 1) + 5;
  case ETF_V4_PORT: return etf_skip_atom (p + 1) + 12;
  case ETF_NEWER_REFERENCE: return etf_skip_atom (p + 3) + 4 + 4 * (gsize) etf_get16 (p + 1);
  case ETF_NEW_REFERENCE: return etf_skip_atom (p + 3) + 1 + 4 * (gsize) etf_get16 (p + 1);
  case ETF_NEW_FUN: *parts = 4 + (gsize) etf_get32 (p + 26); return p + ETF_FUN_HEADER;
  case ETF_EXPORT: *parts = 3; return p + 1;
  default: g_assert_not_reached ();
  }
}

const guint8 *
hemera__etf_enter (const guint8 *p, gsize *parts)
{
  return enter (p, parts);
}

const guint8 *
hemera__etf_skip_n (const guint8 *p, gsize n)
{
  gsize parts;

  while (n > 0) {
    p = enter (p, &parts);
    n += parts - 1;
  }
  return p;
}

gboolean
hemera__etf_integer (const guint8 *p, EtfInteger *out)
{
  gint64 value;
  switch (*p) {
  case ETF_SMALL_INTEGER: value = p[1]; break;
  case ETF_INTEGER: value = (gint32) etf_get32 (p + 1); break;
  case ETF_SMALL_BIG:
  case ETF_LARGE_BIG: {
    gsize head = *p == ETF_SMALL_BIG ? 3 : 6;
    out->size = *p == ETF_SMALL_BIG ? p[1] : etf_get32 (p + 1);
    out->negative = p[head - 1] != 0;
    out->digits = p + head;
    while (out->size > 0 && out->digits[out->size - 1] == 0)
      out->size--;
    if (out->size == 0)
      out->negative = FALSE;
    return TRUE;
  }
  default: return FALSE;
  }
  out->negative = value < 0;
  guint64 word = (guint64) ABS (value);
  out->digits = out->word;
  for (out->size = 0; word != 0; word >>= 8)
    out->word[out->size++] = (guint8) word;
  return TRUE;
}

guint64
hemera__etf_integer_word (const EtfInteger *integer)
{
  guint64 word = 0;
  for (gsize i = integer->size; i-- > 0;)
    word = word << 8 | integer->digits[i];
  return word;
}

guint64
hemera__etf_integer_top (const EtfInteger *integer, guint64 *bits, gboolean *rest)
{
  gsize size = integer->size, low = size > 8 ? size - 8 : 0;
  guint64 top = 0;
  for (gsize i = size; i-- > low;)
    top = top << 8 | integer->digits[i];
  guint shift = (guint) __builtin_clzll (top);
  guint used = 64 - shift; /* bits in @top */
  *bits = (guint64) low * 8 + used;
  top <<= shift;
  *rest = FALSE;
  if (low > 0) {
    /* The shift made room at the bottom for the high bits of the next byte. */
    guint8 next = integer->digits[low - 1];
    if (shift > 0)
      top |= (guint64) next >> (8 - shift);
    *rest = (guint8) (next << shift) != 0;
    for (gsize i = 0; i + 1 < low && !*rest; i++)
      *rest = integer->digits[i] != 0;
  }
  return top;
}

gboolean
hemera__etf_double (const guint8 *p, double *out)
{
  if (*p == ETF_NEW_FLOAT) {
    guint64 bits = etf_get64 (p + 1);
    memcpy (out, &bits, 8);
    return TRUE;
  }
  if (*p != ETF_FLOAT)
    return FALSE;
  char text[32];
  memcpy (text, p + 1, 31);
  text[31] = '\0';
  for (char *c = text; *c != '\0'; c++)
    if (*c == ',')
      *c = '.';
  *out = g_ascii_strtod (text, NULL);
  return TRUE;
}

const char *
hemera__etf_atom_utf8 (const guint8 *p, char *buffer, gsize *size)
{
  gsize n, used = 0;
  const guint8 *name = etf_atom_name (p, &n);
  if (!etf_is_latin1_tag (*p) || hemera__is_ascii (name, n)) {
    *size = n;
    return (const char *) name;
  }
  for (gsize i = 0; i < n; i++) {
    if (name[i] < 0x80) {
      buffer[used++] = (char) name[i];
    } else {
      buffer[used++] = (char) (0xc0 | name[i] >> 6);
      buffer[used++] = (char) (0x80 | (name[i] & 0x3f));
    }
  }
  *size = used;
  return buffer;
}

void
hemera__etf_identity (const guint8 *p, EtfIdentity *out)
{
  guint8 tag = *p;
  gboolean counted = tag == ETF_NEWER_REFERENCE || tag == ETF_NEW_REFERENCE;
  out->node = p + (counted ? 3 : 1);
  out->n_words = counted ? etf_get16 (p + 1) : 1;
  const guint8 *q = etf_skip_atom (out->node);

  switch (tag) {
  case ETF_NEW_PID:
  case ETF_PID:
    out->n_words = 2;
    out->words[0] = etf_get32 (q);
    out->words[1] = etf_get32 (q + 4);
    out->creation = tag == ETF_NEW_PID ? etf_get32 (q + 8) : q[8];
    return;
  case ETF_V4_PORT:
    out->words[0] = etf_get64 (q);
    out->creation = etf_get32 (q + 8);
    return;
  case ETF_NEW_PORT:
    out->words[0] = etf_get32 (q);
    out->creation = etf_get32 (q + 4);
    return;
  case ETF_PORT:
  case ETF_REFERENCE:
    out->words[0] = etf_get32 (q);
    out->creation = q[4];
    return;
  default: break;
  }
  out->creation = tag == ETF_NEWER_REFERENCE ? etf_get32 (q) : q[0];
  q += tag == ETF_NEWER_REFERENCE ? 4 : 1;
  for (guint i = 0; i < out->n_words; i++)
    out->words[i] = etf_get32 (q + 4 * i);
}

static gint64
small_integer (const guint8 **p)
{
  EtfInteger integer;
  gboolean is_integer = hemera__etf_integer (*p, &integer);
  g_assert (is_integer); /* the term is validated */
  gint64 word = (gint64) hemera__etf_integer_word (&integer);
  *p = hemera__etf_skip (*p);
  return integer.negative ? -word : word;
}

void
hemera__etf_fun (const guint8 *p, EtfFun *out)
{
  out->arity = p[5];
  out->uniq = p + 6;
  out->index = (gint32) etf_get32 (p + 22);
  out->n_free = etf_get32 (p + 26);
  out->module = p + ETF_FUN_HEADER;
  p = etf_skip_atom (out->module);
  out->old_index = small_integer (&p);
  out->old_uniq = (gint32) small_integer (&p);
  out->creator = p;
}

void
hemera__etf_export (const guint8 *p, EtfExport *out)
{
  out->module = p + 1;
  out->name = etf_skip_atom (out->module);
  p = etf_skip_atom (out->name);
  out->arity = (guint32) small_integer (&p);
}

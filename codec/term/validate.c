/* The validating pass: decides whether bytes from outside are one term that binary_to_term() of OTP 25 takes, before anything else reads
 * them. One loop over an explicit stack that holds how many terms each open container still lacks; no recursion, and no allocation up to
 * 128 levels. A container's count is compared with the bytes left before anything is computed from it (a term has at least one byte).
 *
 * Stricter than BEAM in three places, each a slip of BEAM's: references without words (it reads past them), the tags of its internal atom
 * table (73, 75), and text floats without a NUL (it reads on into the next term). */
#include "codec/term/term-internal.h"
#include "codec/term/cursor.h"
#include "codec/term/utf8.h"

#include <math.h>

#define INLINE_LEVELS 128
#define MAX_BIG_BYTES 4194296 /* BEAM's limit: 524,287 words of 64 bits */
#define MAX_SMALL     (G_GINT64_CONSTANT (1) << 59)

/* An open container. Lists count their tail as one more term, and the tail is told by @is_list and one term left. */
typedef struct {
  guint64 left : 63;
  guint64 is_list : 1;
} Level;

typedef struct {
  const guint8 *start, *p, *end;
  Level *levels;
  guint depth, capacity, max_depth;
  gboolean irregular;
  GError **error;
  Level inline_levels[INLINE_LEVELS];
} Scan;

static gboolean __attribute__ ((cold, format (printf, 4, 5)))
fail (Scan *scan, const guint8 *at, HemeraCodecError code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (scan->error, HEMERA_CODEC_ERROR, code, "%s at byte %" G_GSIZE_FORMAT, what,
               (gsize) (at - scan->start));
  return FALSE;
}

static gboolean __attribute__ ((cold)) fail_short (Scan *scan)
{
  return fail (scan, scan->end, HEMERA_CODEC_ERROR_TRUNCATED, "the bytes end inside a term");
}

static inline gsize
left (const Scan *scan)
{
  return (gsize) (scan->end - scan->p);
}

/* Takes @n bytes, all of which must be there. */
static inline gboolean
take (Scan *scan, gsize n)
{
  if (left (scan) < n)
    return fail_short (scan);
  scan->p += n;
  return TRUE;
}

static gboolean
push (Scan *scan, const guint8 *at, guint64 terms, gboolean is_list)
{
  if (terms > left (scan))
    return fail (scan, at, HEMERA_CODEC_ERROR_TRUNCATED, "a container of more elements than bytes left");
  if (scan->depth == scan->max_depth)
    return fail (scan, at, HEMERA_CODEC_ERROR_DEPTH, "nested deeper than %u levels", scan->max_depth);
  if (scan->depth == scan->capacity) {
    guint grown = scan->capacity * 2;
    g_assert (grown > scan->capacity); /* the depth is limited far below */
    if (scan->levels == scan->inline_levels) {
      scan->levels = g_new (Level, grown);
      memcpy (scan->levels, scan->inline_levels, sizeof scan->inline_levels);
    } else {
      scan->levels = g_renew (Level, scan->levels, grown);
    }
    scan->capacity = grown;
  }
  scan->levels[scan->depth++] = (Level){ .left = terms, .is_list = is_list };
  return TRUE;
}

/* The name behind an atom's length bytes. */
static inline gboolean
check_name (Scan *scan, const guint8 *at, gsize size, gboolean latin1)
{
  const guint8 *name = scan->p;
  if (!take (scan, size))
    return FALSE;
  if (latin1) {
    if (size > 255)
      return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "an atom of more than 255 characters");
    return TRUE;
  }
  if (!hemera__utf8_valid (name, size))
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "an atom that is no UTF-8");
  if (size > 255 && hemera__utf8_length (name, size) > 255)
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "an atom of more than 255 characters");
  return TRUE;
}

/* An atom where the format wants one: node, module, function. */
static gboolean
check_atom (Scan *scan)
{
  const guint8 *at = scan->p;
  if (!take (scan, 2))
    return FALSE;
  if (!etf_is_atom_tag (*at))
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "tag %u where an atom belongs", *at);
  gsize size = at[1];
  if (*at == ETF_ATOM || *at == ETF_ATOM_UTF8) {
    if (!take (scan, 1))
      return FALSE;
    size = etf_get16 (at + 1);
  }
  return check_name (scan, at, size, etf_is_latin1_tag (*at));
}

/* An integer of at most 60 bits with sign, at least @min, where the format wants one. */
static gboolean
check_small (Scan *scan, gint64 min)
{
  while (left (scan) >= 5 && scan->p[0] == ETF_LIST && etf_get32 (scan->p + 1) == 0) {
    scan->irregular = TRUE;
    scan->p += 5;
  }
  const guint8 *at = scan->p;
  EtfInteger integer;
  gsize size;
  if (left (scan) < 2)
    return fail_short (scan);
  switch (*at) {
  case ETF_SMALL_INTEGER: size = 2; break;
  case ETF_INTEGER: size = 5; break;
  case ETF_SMALL_BIG: size = 3 + (gsize) at[1]; break;
  case ETF_LARGE_BIG:
    if (left (scan) < 6)
      return fail_short (scan);
    size = 6 + (gsize) etf_get32 (at + 1);
    break;
  default: return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "tag %u where an integer belongs", *at);
  }
  if (!take (scan, size))
    return FALSE;
  hemera__etf_integer (at, &integer);
  guint64 magnitude = integer.size > 8 ? G_MAXUINT64 : hemera__etf_integer_word (&integer);
  if (magnitude > (guint64) MAX_SMALL - !integer.negative || (integer.negative && min >= 0))
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "an integer out of range");
  return TRUE;
}

static gboolean
check_big (Scan *scan, const guint8 *at, gsize size)
{
  const guint8 *digits = scan->p + 1;
  if (!take (scan, 1) || !take (scan, size))
    return FALSE;
  while (size > MAX_BIG_BYTES && digits[size - 1] == 0)
    size--;
  if (size > MAX_BIG_BYTES)
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "an integer of more than %d bytes", MAX_BIG_BYTES);
  return TRUE;
}

/* FLOAT_EXT: [sign] digits (point or comma) digits [e [sign] digits], then a NUL within 31 bytes. What a locale would make of it is no matter. */
static gboolean
check_text_float (Scan *scan, const guint8 *at)
{
  char text[32];
  const char *c = text;
  if (!take (scan, 31))
    return FALSE;
  memcpy (text, at + 1, 31);
  text[31] = '\0';
  gboolean ok = memchr (text, '\0', 31) != NULL;
  if (*c == '+' || *c == '-')
    c++;
  ok = ok && g_ascii_isdigit (*c);
  while (g_ascii_isdigit (*c))
    c++;
  ok = ok && (*c == '.' || *c == ',') && g_ascii_isdigit (c[1]);
  for (c += *c != '\0'; g_ascii_isdigit (*c);)
    c++;
  if (ok && (*c == 'e' || *c == 'E')) {
    c++;
    if (*c == '+' || *c == '-')
      c++;
    ok = g_ascii_isdigit (*c);
    while (g_ascii_isdigit (*c))
      c++;
  }
  double value = 0;
  if (ok && *c == '\0')
    hemera__etf_double (at, &value);
  if (!ok || *c != '\0' || !isfinite (value))
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a float that is no finite decimal number");
  return TRUE;
}

/* Node, number words and creation of a pid, port or reference. @words counts 32-bit words; the old forms have one creation byte, 0 to 3. */
static gboolean
check_identity (Scan *scan, const guint8 *at, gsize words, gboolean old, gboolean is_reference)
{
  if (!check_atom (scan))
    return FALSE;
  const guint8 *rest = scan->p;
  if (!take (scan, 4 * words + (old ? 1 : 4)))
    return FALSE;
  /* In counted references the creation stands in front of the words. */
  gboolean creation_first = is_reference && *at != ETF_REFERENCE;
  if (old && (creation_first ? rest[0] : rest[4 * words]) > 3)
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a creation above 3 in an old identifier");
  if (old && is_reference && etf_get32 (rest + creation_first) >= 1 << 18)
    return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a first word above 18 bits in an old reference");
  return TRUE;
}

static gboolean
check_rare (Scan *scan, const guint8 *at)
{
  gsize words;
  switch (*at) {
  case ETF_FLOAT: return check_text_float (scan, at);
  case ETF_NEW_PID: return check_identity (scan, at, 2, FALSE, FALSE);
  case ETF_PID: return check_identity (scan, at, 2, TRUE, FALSE);
  case ETF_V4_PORT: return check_identity (scan, at, 2, FALSE, FALSE);
  case ETF_NEW_PORT: return check_identity (scan, at, 1, FALSE, FALSE);
  case ETF_PORT: return check_identity (scan, at, 1, TRUE, FALSE);
  case ETF_REFERENCE: return check_identity (scan, at, 1, TRUE, TRUE);
  case ETF_NEW_REFERENCE:
  case ETF_NEWER_REFERENCE:
    if (!take (scan, 2))
      return FALSE;
    words = etf_get16 (at + 1);
    if (words < 1 || words > 5)
      return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a reference of %" G_GSIZE_FORMAT " words", words);
    return check_identity (scan, at, words, *at == ETF_NEW_REFERENCE, TRUE);
  case ETF_EXPORT: /* module, function, arity */
    if (!check_atom (scan))
      return FALSE;
    return check_atom (scan) && check_small (scan, 0);
  case ETF_LARGE_BIG: return take (scan, 4) && check_big (scan, at, etf_get32 (at + 1));
  case ETF_BIT_BINARY: {
    if (!take (scan, 5))
      return FALSE;
    gsize size = etf_get32 (at + 1);
    if (at[5] > 8 || (at[5] == 0) != (size == 0))
      return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a bit count of %u", at[5]);
    return take (scan, size);
  }
  default: return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "unknown tag %u", *at);
  }
}

/* TRUE when the term about to be read is the tail of a list. */
static inline gboolean
at_tail (const Scan *scan)
{
  return scan->depth > 0 && scan->levels[scan->depth - 1].is_list && scan->levels[scan->depth - 1].left == 1;
}

static gboolean
scan_term (Scan *scan)
{
  for (;;) {
    const guint8 *at = scan->p;
    if (at == scan->end)
      return fail_short (scan);
    scan->p++;
    gsize n;
    switch (*at) {
    case ETF_SMALL_ATOM_UTF8:
    case ETF_SMALL_ATOM:
      if (!take (scan, 1) || !check_name (scan, at, at[1], *at == ETF_SMALL_ATOM))
        return FALSE;
      break;
    case ETF_ATOM:
    case ETF_ATOM_UTF8:
      if (!take (scan, 2) || !check_name (scan, at, etf_get16 (at + 1), *at == ETF_ATOM))
        return FALSE;
      break;
    case ETF_BINARY:
      if (!take (scan, 4) || !take (scan, etf_get32 (at + 1)))
        return FALSE;
      break;
    case ETF_SMALL_INTEGER:
      if (!take (scan, 1))
        return FALSE;
      break;
    case ETF_INTEGER:
      if (!take (scan, 4))
        return FALSE;
      break;
    case ETF_SMALL_BIG:
      if (!take (scan, 1) || !check_big (scan, at, at[1]))
        return FALSE;
      break;
    case ETF_NEW_FLOAT:
      if (!take (scan, 8))
        return FALSE;
      if ((etf_get16 (at + 1) & 0x7ff0) == 0x7ff0)
        return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a float that is not finite");
      break;
    case ETF_NIL: break;
    case ETF_STRING:
      if (!take (scan, 2) || !take (scan, etf_get16 (at + 1)))
        return FALSE;
      scan->irregular |= at_tail (scan);
      break;
    case ETF_MAP:
      if (!take (scan, 4))
        return FALSE;
      n = etf_get32 (at + 1);
      if (n == 0)
        break;
      if (!push (scan, at, 2 * (guint64) n, FALSE))
        return FALSE;
      continue;
    case ETF_LIST:
      if (!take (scan, 4))
        return FALSE;
      n = etf_get32 (at + 1);
      if (n == 0) { /* BEAM takes the tail for the list */
        scan->irregular = TRUE;
        continue;
      }
      if (at_tail (scan)) { /* the rest of the same list: no level deeper */
        scan->irregular = TRUE;
        scan->depth--;
      }
      if (!push (scan, at, (guint64) n + 1, TRUE))
        return FALSE;
      continue;
    case ETF_SMALL_TUPLE:
    case ETF_LARGE_TUPLE:
      if (!take (scan, *at == ETF_SMALL_TUPLE ? 1 : 4))
        return FALSE;
      n = *at == ETF_SMALL_TUPLE ? at[1] : etf_get32 (at + 1);
      if (n == 0)
        break;
      if (!push (scan, at, n, FALSE))
        return FALSE;
      continue;
    case ETF_NEW_FUN:
      if (!take (scan, ETF_FUN_HEADER - 1))
        return FALSE;
      n = etf_get32 (at + 26);
      if (n > 255)
        return fail (scan, at, HEMERA_CODEC_ERROR_MALFORMED, "a fun with more than 255 free variables");
      if (!check_atom (scan) || !check_small (scan, -1) || !check_small (scan, -1)
          || !push (scan, at, 1 + n, FALSE))
        return FALSE;
      continue;
    default:
      if (!check_rare (scan, at))
        return FALSE;
    }
    for (;;) {
      if (scan->depth == 0)
        return TRUE;
      if (--scan->levels[scan->depth - 1].left > 0)
        break;
      scan->depth--;
    }
  }
}

gboolean
hemera__etf_validate (const guint8 *data, gsize size, gsize offset, guint max_depth, gboolean *irregular,
                      GError **error)
{
  Scan scan;
  scan.start = data;
  scan.p = data + offset;
  scan.end = data + size;
  scan.levels = scan.inline_levels;
  scan.depth = 0;
  scan.capacity = INLINE_LEVELS;
  scan.max_depth = max_depth;
  scan.irregular = FALSE;
  scan.error = error;
  gboolean ok = scan_term (&scan);
  if (ok && scan.p != scan.end)
    ok = fail (&scan, scan.p, HEMERA_CODEC_ERROR_TRAILING, "bytes behind the term");
  if (scan.levels != scan.inline_levels)
    g_free (scan.levels);
  *irregular = scan.irregular;
  return ok;
}

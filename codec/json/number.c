/* JSON's numbers: an integer's digits, 19 at a time, into the limbs of a big integer; all others through strtod. */
#include "number.h"

#include "codec/term/cursor.h"

#include <math.h>
#include <string.h>

#define CHUNK_DIGITS 19 /* decimal digits that a 64-bit limb holds */

gboolean
hemera__json_number_is_integer (const guint8 *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (text[i] == '.' || text[i] == 'e' || text[i] == 'E')
      return FALSE;
  return TRUE;
}

gsize
hemera__json_integer_bound (gsize size)
{
  return 6 + (size / CHUNK_DIGITS + 1) * 8;
}

static guint64
parse_digits (const guint8 *digits, gsize size)
{
  guint64 value = 0;

  for (gsize i = 0; i < size; i++)
    value = value * 10 + (digits[i] - '0');
  return value;
}

static gsize
put_big (guint8 *out, gboolean negative, const guint64 *limbs, gsize n_limbs)
{
  gsize n, head;

  while (n_limbs > 1 && limbs[n_limbs - 1] == 0)
    n_limbs--;
  n = n_limbs * 8;
  while (n > 1 && (limbs[(n - 1) / 8] >> (n - 1) % 8 * 8 & 0xff) == 0)
    n--;
  if (n <= 255) {
    out[0] = ETF_SMALL_BIG;
    out[1] = (guint8) n;
    head = 2;
  } else {
    guint32 size = GUINT32_TO_BE ((guint32) n);

    out[0] = ETF_LARGE_BIG;
    memcpy (out + 1, &size, 4);
    head = 5;
  }
  out[head++] = negative;
  for (gsize i = 0; i < n; i++)
    out[head + i] = (guint8) (limbs[i / 8] >> i % 8 * 8);
  return head + n;
}

static gsize
put_small (guint8 *out, gboolean negative, guint64 magnitude)
{
  guint32 word;

  if (magnitude > 255 || (negative && magnitude != 0)) {
    if (magnitude > (guint64) G_MAXINT32 + negative)
      return put_big (out, negative, &magnitude, 1);
    word = GUINT32_TO_BE (negative ? -(guint32) magnitude : (guint32) magnitude);
    out[0] = ETF_INTEGER;
    memcpy (out + 1, &word, 4);
    return 5;
  }
  out[0] = ETF_SMALL_INTEGER;
  out[1] = (guint8) magnitude;
  return 2;
}

/* Horner's scheme over chunks of 19 digits: each chunk is one pass over the limbs so far. */
static gsize
put_long (guint8 *out, gboolean negative, const guint8 *digits, gsize size)
{
  guint64 few[16], *limbs = few;
  gsize n_limbs = 0, n, first = size % CHUNK_DIGITS;

  if (size / CHUNK_DIGITS + 1 > G_N_ELEMENTS (few))
    limbs = g_new (guint64, size / CHUNK_DIGITS + 1);
  for (gsize at = 0; at < size;) {
    gsize chunk = at == 0 && first > 0 ? first : CHUNK_DIGITS;
    unsigned __int128 carry = parse_digits (digits + at, chunk);

    for (gsize i = 0; i < n_limbs; i++) {
      carry += (unsigned __int128) limbs[i] * G_GUINT64_CONSTANT (10000000000000000000);
      limbs[i] = (guint64) carry;
      carry >>= 64;
    }
    if (carry != 0)
      limbs[n_limbs++] = (guint64) carry;
    at += chunk;
  }
  n = put_big (out, negative, limbs, n_limbs);
  if (limbs != few)
    g_free (limbs);
  return n;
}

gsize
hemera__json_put_integer (guint8 *out, const guint8 *text, gsize size)
{
  gboolean negative = text[0] == '-';
  const guint8 *digits = text + negative;
  gsize n_digits = size - negative;

  if (n_digits <= CHUNK_DIGITS)
    return put_small (out, negative, parse_digits (digits, n_digits));
  return put_long (out, negative, digits, n_digits);
}

gboolean
hemera__json_parse_double (const guint8 *text, gsize size, double *value)
{
  char few[128], *copy = few;

  /* A copy, for the text may end with the number. */
  if (size >= sizeof few)
    copy = g_malloc (size + 1);
  memcpy (copy, text, size);
  copy[size] = '\0';
  *value = g_ascii_strtod (copy, NULL);
  if (copy != few)
    g_free (copy);
  return isfinite (*value);
}

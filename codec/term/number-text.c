/* Decimal text of numbers. Floats: the digits come from printf and strtod (only digits are taken from the text, so no locale shows), the
 * form is OTP's: plain or with an exponent, whichever is shorter, plain on a tie, always an exponent from 2^53 on. */
#include "codec/term/number-text.h"
#include "codec/term/cursor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A power of two has a gap below it half as wide as the one above: sixteen digits that are not the nearest may still read back as it. */
static gboolean
try_one_up (char *text, double value)
{
  char other[40];
  int exponent;
  if (frexp (value, &exponent) != 0.5)
    return FALSE;
  snprintf (other, sizeof other, "%.15e", value);
  int i = 16;
  for (; i > 1 && other[i] == '9'; i--)
    other[i] = '0';
  other[i]++;
  if (strtod (other, NULL) != value)
    return FALSE;
  memcpy (text, other, sizeof other);
  return TRUE;
}

/* The shortest digits, without trailing zeros, of a positive number d.ddd * 10^exponent. */
static int
shortest_digits (double value, char *digits, int *exponent)
{
  char text[40];
  int precision = value < 2.2250738585072014e-308 ? 0 : 14; /* a subnormal may need fewer than 15 digits */
  for (;; precision++) {
    snprintf (text, sizeof text, "%.*e", precision, value);
    if (precision == 16 || strtod (text, NULL) == value)
      break;
  }
  if (precision == 16)
    try_one_up (text, value);
  int n = 0;
  const char *c = text;
  for (; *c != 'e'; c++)
    if (g_ascii_isdigit (*c))
      digits[n++] = *c;
  g_assert (n > 0);
  *exponent = (int) g_ascii_strtoll (c + 1, NULL, 10);
  while (n > 1 && digits[n - 1] == '0')
    n--;
  return n;
}

void
hemera__append_double (GString *out, double value)
{
  char digits[24];
  int exponent;
  if (signbit (value))
    g_string_append_c (out, '-');
  value = fabs (value);
  if (value == 0) {
    g_string_append (out, "0.0");
    return;
  }
  int n = shortest_digits (value, digits, &exponent);
  int exponent_size = snprintf (NULL, 0, "%d", exponent);
  int scientific = 2 + MAX (n - 1, 1) + 1 + exponent_size;
  int plain = exponent < 0 ? 1 - exponent + n : exponent + 1 < n ? n + 1 : exponent + 3;

  if (value >= 9007199254740992.0 || scientific < plain) {
    g_string_append_c (out, digits[0]);
    g_string_append_c (out, '.');
    if (n > 1)
      g_string_append_len (out, digits + 1, n - 1);
    else
      g_string_append_c (out, '0');
    g_string_append_printf (out, "e%d", exponent);
  } else if (exponent < 0) {
    g_string_append (out, "0.");
    for (int i = -1; i > exponent; i--)
      g_string_append_c (out, '0');
    g_string_append_len (out, digits, n);
  } else {
    for (int i = 0; i <= exponent || i < n; i++) {
      if (i == exponent + 1)
        g_string_append_c (out, '.');
      g_string_append_c (out, i < n ? digits[i] : '0');
    }
    if (exponent + 1 >= n)
      g_string_append (out, ".0");
  }
}

void
hemera__append_word (GString *out, guint64 word)
{
  char digits[20];
  gsize at = sizeof digits;
  do
    digits[--at] = (char) ('0' + word % 10);
  while ((word /= 10) != 0);
  g_string_append_len (out, digits + at, (gssize) (sizeof digits - at));
}

/* Long division by 10^19, the largest power of ten in a word. Quadratic in the size, as BEAM's own and OpenSSL's BN_bn2dec() are, which
 * take fourteen times and 1.3 times as long. */
static void
append_large (GString *out, const EtfInteger *integer)
{
  const guint64 chunk = G_GUINT64_CONSTANT (10000000000000000000);
  gsize n = (integer->size + 7) / 8, n_chunks = 0;
  guint64 *words = g_new0 (guint64, n);
  guint64 *chunks = g_new (guint64, n + n / 64 + 2); /* 63.1 bits each */

  for (gsize i = 0; i < integer->size; i++)
    words[i / 8] |= (guint64) integer->digits[i] << (8 * (i % 8));
  while (n > 0) {
    guint64 remainder = 0;
    for (gsize i = n; i-- > 0;) {
#if defined(__x86_64__)
      /* The compiler would call a library function for a quotient that is known to fit one word. */
      __asm__("divq %4" : "=a"(words[i]), "=d"(remainder) : "0"(words[i]), "1"(remainder), "r"(chunk) : "cc");
#else
      __uint128_t dividend = (__uint128_t) remainder << 64 | words[i];
      words[i] = (guint64) (dividend / chunk);
      remainder = (guint64) (dividend % chunk);
#endif
    }
    chunks[n_chunks++] = remainder;
    while (n > 0 && words[n - 1] == 0)
      n--;
  }
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, chunks[--n_chunks]);
  while (n_chunks > 0)
    g_string_append_printf (out, "%019" G_GUINT64_FORMAT, chunks[--n_chunks]);
  g_free (words);
  g_free (chunks);
}

void
hemera__append_integer (GString *out, HemeraView view)
{
  EtfInteger integer;
  if (view.data == NULL || !hemera__etf_integer (view.data, &integer))
    return;
  if (integer.negative)
    g_string_append_c (out, '-');
  if (integer.size <= 8)
    hemera__append_word (out, hemera__etf_integer_word (&integer));
  else
    append_large (out, &integer);
}

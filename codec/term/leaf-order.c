/* Erlang's order of leaves. Numbers compare by exact value, however large, with no float arithmetic: an integer against a float as two
 * magnitudes of 64 leading bits at the same binary exponent. The order of pids, ports and references is that of OTP 25: pids by serial,
 * number, node; ports and references by node first; references by their last word first, missing words as zeros. */
#include "codec/term/leaf-order.h"
#include "codec/term/cursor.h"

#include <math.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

int
hemera__term_rank (HemeraView view)
{
  switch (hemera_view_type (view)) {
  case HEMERA_TERM_INVALID: return 0;
  case HEMERA_TERM_INTEGER:
  case HEMERA_TERM_FLOAT: return 1;
  case HEMERA_TERM_ATOM: return 2;
  case HEMERA_TERM_REFERENCE: return 3;
  case HEMERA_TERM_FUN: return 4;
  case HEMERA_TERM_PORT: return 5;
  case HEMERA_TERM_PID: return 6;
  case HEMERA_TERM_TUPLE: return 7;
  case HEMERA_TERM_MAP: return 8;
  case HEMERA_TERM_LIST: return hemera_view_length (view) == 0 ? 9 : 10;
  case HEMERA_TERM_BINARY:
  case HEMERA_TERM_BITSTRING: return 11;
  }
  return 0;
}

static int
compare_integers (const EtfInteger *a, const EtfInteger *b)
{
  if (a->negative != b->negative)
    return a->negative ? -1 : 1;
  int order = ORDER (a->size, b->size);
  for (gsize i = a->size; order == 0 && i-- > 0;)
    order = ORDER (a->digits[i], b->digits[i]);
  return a->negative ? -order : order;
}

static int
compare_with_double (const EtfInteger *a, double b)
{
  int exponent;
  guint64 bits;
  gboolean rest;
  int sign_a = a->size == 0 ? 0 : a->negative ? -1 : 1, sign_b = ORDER (b, 0.0);

  if (sign_a != sign_b || sign_a == 0)
    return ORDER (sign_a, sign_b);
  guint64 top = hemera__etf_integer_top (a, &bits, &rest);
  guint64 mantissa = (guint64) ldexp (frexp (fabs (b), &exponent), 64 - 1)
                     << 1; /* 53 bits, at the top of 64 */
  int order;
  if (exponent <= 0 || bits != (guint64) exponent)
    order = exponent <= 0 ? 1 : ORDER (bits, (guint64) exponent);
  else
    order = top != mantissa ? ORDER (top, mantissa) : rest;
  return sign_a * order;
}

static int
compare_numbers (HemeraView a, HemeraView b, gboolean exact)
{
  EtfInteger x, y;
  double f = 0, g = 0;
  gboolean x_integer = hemera__etf_integer (a.data, &x), y_integer = hemera__etf_integer (b.data, &y);

  if (x_integer && y_integer)
    return compare_integers (&x, &y);
  if (exact && x_integer != y_integer)
    return x_integer ? -1 : 1;
  hemera__etf_double (a.data, &f);
  hemera__etf_double (b.data, &g);
  if (x_integer)
    return compare_with_double (&x, g);
  if (y_integer)
    return -compare_with_double (&y, f);
  return ORDER (f, g);
}

static int
compare_bytes (const void *a, gsize a_size, const void *b, gsize b_size)
{
  int order = memcmp (a, b, MIN (a_size, b_size));
  return order != 0 ? ORDER (order, 0) : ORDER (a_size, b_size);
}

/* UTF-8 sorts as its code points do. */
static int
compare_atoms (const guint8 *a, const guint8 *b)
{
  char a_buffer[512], b_buffer[512];
  gsize a_size, b_size;
  const char *a_name = hemera__etf_atom_utf8 (a, a_buffer, &a_size);
  const char *b_name = hemera__etf_atom_utf8 (b, b_buffer, &b_size);
  return compare_bytes (a_name, a_size, b_name, b_size);
}

static int
compare_bitstrings (HemeraView a, HemeraView b)
{
  const guint8 *x = NULL, *y = NULL;
  gsize x_bits = 0, y_bits = 0;
  hemera_view_get_bitstring (a, &x, &x_bits);
  hemera_view_get_bitstring (b, &y, &y_bits);
  gsize common = MIN (x_bits, y_bits);
  int order = common >= 8 ? memcmp (x, y, common / 8) : 0;
  if (order == 0 && common % 8 != 0) {
    guint8 mask = (guint8) (0xff << (8 - common % 8));
    order = ORDER (x[common / 8] & mask, y[common / 8] & mask);
  }
  return order != 0 ? ORDER (order, 0) : ORDER (x_bits, y_bits);
}

static int
compare_identities (HemeraView a, HemeraView b, HemeraTermType type)
{
  EtfIdentity x, y;
  hemera__etf_identity (a.data, &x);
  hemera__etf_identity (b.data, &y);
  int node = compare_atoms (x.node, y.node);
  if (node == 0)
    node = ORDER (x.creation, y.creation);
  if (type != HEMERA_TERM_PID && node != 0)
    return node;
  for (guint i = MAX (x.n_words, y.n_words); i-- > 0;) {
    guint64 x_word = i < x.n_words ? x.words[i] : 0, y_word = i < y.n_words ? y.words[i] : 0;
    if (x_word != y_word)
      return ORDER (x_word, y_word);
  }
  return node;
}

int
hemera__leaf_compare (HemeraView a, HemeraView b, gboolean exact)
{
  HemeraTermType type = hemera_view_type (a);
  switch (type) {
  case HEMERA_TERM_INTEGER:
  case HEMERA_TERM_FLOAT: return compare_numbers (a, b, exact);
  case HEMERA_TERM_ATOM: return compare_atoms (a.data, b.data);
  case HEMERA_TERM_REFERENCE:
  case HEMERA_TERM_PORT:
  case HEMERA_TERM_PID: return compare_identities (a, b, type);
  case HEMERA_TERM_BINARY:
  case HEMERA_TERM_BITSTRING: return compare_bitstrings (a, b);
  default: return 0; /* both [] */
  }
}

/* What a fun is, is its module, index and old uniq (OTP finds the code by these); arity, checksum and creator follow from it or do not count. */
int
hemera__fun_compare (HemeraView a, HemeraView b, gboolean *parts)
{
  gboolean a_export = *a.data == ETF_EXPORT, b_export = *b.data == ETF_EXPORT;
  int order;

  *parts = FALSE;
  if (a_export != b_export)
    return a_export ? 1 : -1;
  if (a_export) {
    EtfExport x, y;
    hemera__etf_export (a.data, &x);
    hemera__etf_export (b.data, &y);
    if ((order = compare_atoms (x.module, y.module)) == 0 && (order = compare_atoms (x.name, y.name)) == 0)
      order = ORDER (x.arity, y.arity);
    return order;
  }
  EtfFun x, y;
  hemera__etf_fun (a.data, &x);
  hemera__etf_fun (b.data, &y);
  if ((order = compare_atoms (x.module, y.module)) != 0)
    return order;
  if (x.index != y.index)
    return ORDER (x.index, y.index);
  if (x.old_uniq != y.old_uniq)
    return ORDER (x.old_uniq, y.old_uniq);
  if (x.n_free != y.n_free)
    return ORDER (x.n_free, y.n_free);
  *parts = x.n_free > 0;
  return 0;
}

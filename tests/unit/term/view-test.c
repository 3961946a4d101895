/* Accessors: every type read by the right one, and every accessor total on all others. Terms are given as bytes, so that each encoding of a value
 * is met, also those that the builder does not write. */
#include "codec/stream/slab.h"
#include "codec/term/term-internal.h"

#include <hemera/term-builder.h>
#include <pthread.h>
#include <string.h>

#define TERM(...) make ((const guint8[]){ 131, __VA_ARGS__ }, sizeof ((const guint8[]){ 131, __VA_ARGS__ }))
#define VIEW(...) hemera_term_view (keep (TERM (__VA_ARGS__)))

static GPtrArray *kept;

static HemeraTerm *
make (const guint8 *bytes, gsize size)
{
  GError *error = NULL;
  HemeraTerm *term = hemera_term_new_from_etf_data (bytes, size, NULL, &error);
  g_assert_no_error (error);
  return term;
}

static HemeraTerm *
keep (HemeraTerm *term)
{
  g_ptr_array_add (kept, term);
  return term;
}

static void
test_integers (void)
{
  gint64 i = 42;
  guint64 u = 42;
  g_assert_cmpint (hemera_view_int64 (VIEW (97, 255), 0), ==, 255);
  g_assert_cmpint (hemera_view_int64 (VIEW (98, 255, 255, 255, 255), 0), ==, -1);
  g_assert_cmpint (hemera_view_int64 (VIEW (110, 2, 1, 0, 1), 0), ==, -256);
  g_assert_true (hemera_view_get_int64 (VIEW (110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128), &i));
  g_assert_cmpint (i, ==, G_MININT64);
  i = 42;
  g_assert_false (hemera_view_get_int64 (VIEW (110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128), &i));
  g_assert_false (hemera_view_get_int64 (VIEW (110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 128), &i));
  g_assert_false (hemera_view_get_int64 (VIEW (110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), &i));
  g_assert_cmpint (i, ==, 42);
  g_assert_true (hemera_view_get_uint64 (VIEW (110, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0), &u));
  g_assert_cmpuint (u, ==, G_MAXUINT64);
  u = 42;
  g_assert_false (hemera_view_get_uint64 (VIEW (98, 255, 255, 255, 255), &u));
  g_assert_cmpuint (u, ==, 42);
}

static void
test_snowflakes (void)
{
  guint64 id = 1;
  g_assert_true (hemera_view_get_snowflake (VIEW (110, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8), &id));
  g_assert_cmpuint (id, ==, 0x0807060504030201);
  g_assert_true (hemera_view_get_snowflake (VIEW (97, 5), &id));
  g_assert_cmpuint (id, ==, 5);
  g_autoptr (HemeraTerm) largest = hemera_term_new_string ("18446744073709551615");
  g_assert_true (hemera_view_get_snowflake (hemera_term_view (largest), &id));
  g_assert_cmpuint (id, ==, G_MAXUINT64);
  id = 1;
  const char *const wrong[] = {
    "", "18446744073709551616", "184467440737095516150", "-1", "+1", " 1", "1 ", "0x1", "1.0"
  };
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (HemeraTerm) term = hemera_term_new_string (wrong[i]);
    g_assert_false (hemera_view_get_snowflake (hemera_term_view (term), &id));
  }
  g_assert_false (hemera_view_get_snowflake (VIEW (98, 255, 255, 255, 255), &id));
  g_assert_false (hemera_view_get_snowflake (VIEW (119, 1, '7'), &id));
  g_assert_cmpuint (id, ==, 1);
}

static void
test_floats (void)
{
  double value = 0;
  g_assert_true (hemera_view_get_double (VIEW (70, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0), &value));
  g_assert_cmpfloat (value, ==, 1.5);
  g_assert_true (hemera_view_get_double (VIEW (99, '-', '2', ',', '5', 'e', '1', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                               0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
                                         &value));
  g_assert_cmpfloat (value, ==, -25);
  g_assert_false (hemera_view_get_double (VIEW (97, 1), &value));
}

/* Whole numbers round to the nearest double, as C does where it can. */
static void
test_number (void)
{
  g_assert_cmpfloat (hemera_view_number (VIEW (97, 7), 0), ==, 7);
  g_assert_cmpfloat (hemera_view_number (VIEW (110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 128), 0), ==,
                     -9223372036854775808.0);
  g_assert_cmpfloat (hemera_view_number (VIEW (110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0), ==,
                     18446744073709551616.0);
  /* 2^64 + 2^11 lies half way and goes to the even side; one more goes up. */
  g_assert_cmpfloat (hemera_view_number (VIEW (110, 9, 0, 0, 8, 0, 0, 0, 0, 0, 0, 1), 0), ==,
                     18446744073709551616.0);
  g_assert_cmpfloat (hemera_view_number (VIEW (110, 9, 0, 1, 8, 0, 0, 0, 0, 0, 0, 1), 0), ==,
                     18446744073709555712.0);
  g_assert_cmpfloat (hemera_view_number (VIEW (110, 9, 0, 2, 8, 0, 0, 0, 0, 0, 0, 1), 0), ==,
                     18446744073709555712.0);
  g_autoptr (HemeraTermBuilder) builder = hemera_term_builder_new ();
  guint8 digits[129] = { [128] = 1 }; /* 2^1024 */
  hemera_term_builder_add_big (builder, FALSE, digits, sizeof digits);
  g_autoptr (HemeraTerm) huge = hemera_term_builder_end (builder, NULL);
  g_assert_cmpfloat (hemera_view_number (hemera_term_view (huge), 3), ==, 3);
}

static void
test_atoms (void)
{
  gboolean flag = FALSE;
  const char *text = NULL;
  gsize size = 0;
  g_assert_true (hemera_view_get_boolean (VIEW (100, 0, 4, 't', 'r', 'u', 'e'), &flag));
  g_assert_true (flag);
  g_assert_false (hemera_view_boolean (VIEW (119, 5, 'f', 'a', 'l', 's', 'e'), TRUE));
  g_assert_true (hemera_view_boolean (VIEW (109, 0, 0, 0, 5, 'f', 'a', 'l', 's', 'e'), TRUE));
  g_assert_true (hemera_view_is_null (VIEW (115, 3, 'n', 'i', 'l')));
  g_assert_true (hemera_view_is_null (VIEW (118, 0, 4, 'n', 'u', 'l', 'l')));
  g_assert_false (hemera_view_is_null (VIEW (106)));
  g_assert_true (hemera_view_is_atom (VIEW (100, 0, 1, 0xe9), "é"));
  g_assert_false (hemera_view_is_atom (VIEW (109, 0, 0, 0, 1, 'a'), "a"));
  g_assert_true (hemera_view_equals_string (VIEW (109, 0, 0, 0, 1, 'a'), "a"));
  g_assert_true (hemera_view_equals_string (VIEW (115, 1, 0xe9), "é"));
  g_assert_false (hemera_view_get_string (VIEW (115, 1, 0xe9), &text, &size));
  g_assert_true (hemera_view_get_string (VIEW (119, 3, 'a', 0, 'b'), &text, &size));
  g_assert_cmpmem (text, size, "a\0b", 3);
}

static void
test_strings (void)
{
  g_autofree char *latin1 = hemera_view_dup_string (VIEW (100, 0, 2, 'x', 0xff));
  g_autofree char *binary = hemera_view_dup_string (VIEW (109, 0, 0, 0, 2, 0xc3, 0xa9));
  g_assert_cmpstr (latin1, ==, "xÿ");
  g_assert_cmpstr (binary, ==, "é");
  g_assert_null (hemera_view_dup_string (VIEW (109, 0, 0, 0, 1, 0xff)));
  g_assert_null (hemera_view_dup_string (VIEW (107, 0, 1, 'a')));
}

static void
test_bits (void)
{
  const guint8 *data = NULL;
  gsize n = 0;
  HemeraView bits = VIEW (77, 0, 0, 0, 2, 3, 0xff, 0xe0), bytes = VIEW (77, 0, 0, 0, 2, 8, 1, 2);
  g_assert_cmpint (hemera_view_type (bits), ==, HEMERA_TERM_BITSTRING);
  g_assert_true (hemera_view_get_bitstring (bits, &data, &n));
  g_assert_cmpuint (n, ==, 11);
  g_assert_false (hemera_view_get_binary (bits, &data, &n));
  g_assert_cmpint (hemera_view_type (bytes), ==, HEMERA_TERM_BINARY);
  g_assert_true (hemera_view_get_binary (bytes, &data, &n));
  g_assert_cmpmem (data, n, "\1\2", 2);
  g_assert_cmpint (hemera_view_type (VIEW (77, 0, 0, 0, 0, 0)), ==, HEMERA_TERM_BINARY);
}

static void
test_lists (void)
{
  HemeraViewIter iter;
  HemeraView element, improper = VIEW (108, 0, 0, 0, 2, 97, 1, 97, 2, 97, 3), string = VIEW (107, 0, 2, 8, 9);
  g_assert_cmpuint (hemera_view_length (improper), ==, 2);
  g_assert_cmpint (hemera_view_int64 (hemera_view_element (improper, 1), 0), ==, 2);
  g_assert_false (hemera_view_is_valid (hemera_view_element (improper, 2)));
  hemera_view_iter_init (&iter, improper);
  g_assert_false (hemera_view_is_valid (hemera_view_iter_tail (&iter)));
  while (hemera_view_iter_next (&iter, &element))
    continue;
  g_assert_cmpint (hemera_view_int64 (hemera_view_iter_tail (&iter), 0), ==, 3);
  g_assert_cmpuint (hemera_view_length (string), ==, 2);
  HemeraView eight = hemera_view_element (string, 0);
  g_assert_cmpint (hemera_view_int64 (hemera_view_element (string, 1), 0), ==, 9);
  g_assert_cmpint (hemera_view_int64 (eight, 0), ==, 8);
  g_assert_false (hemera_view_is_valid (hemera_view_element (string, 2)));
  gint64 sum = 0;
  hemera_view_iter_init (&iter, string);
  while (hemera_view_iter_next (&iter, &element))
    sum = 100 * sum + hemera_view_int64 (element, 0);
  g_assert_cmpint (sum, ==, 809);
  g_assert_false (hemera_view_is_valid (hemera_view_iter_tail (&iter)));
  g_assert_cmpuint (hemera_view_length (VIEW (106)), ==, 0);
}

/* What follows a tuple in the buffer is not its tail. */
static void
test_no_tail (void)
{
  HemeraViewIter iter;
  HemeraView element, outer = VIEW (104, 2, 104, 1, 97, 1, 97, 2);
  hemera_view_iter_init (&iter, hemera_view_element (outer, 0));
  while (hemera_view_iter_next (&iter, &element))
    continue;
  g_assert_false (hemera_view_is_valid (hemera_view_iter_tail (&iter)));
}

/* Lists in lists' tails, and lists of nothing in front of a tail, read as what they amount to, wherever they stand. */
static void
test_odd_lists (void)
{
  HemeraView odd = VIEW (104, 3, 108, 0, 0, 0, 1, 97, 1, 108, 0, 0, 0, 1, 97, 2, 107, 0, 1, 3, 108, 0, 0, 0,
                         0, 97, 7, 108, 0, 0, 0, 1, 97, 4, 107, 0, 0);
  g_autofree char *text = hemera_view_to_string (odd);
  g_assert_cmpstr (text, ==, "{[1,2,3],7,[4]}");
  g_assert_cmpuint (hemera_view_length (hemera_view_element (odd, 0)), ==, 3);
  g_assert_cmpint (hemera_view_type (hemera_view_element (odd, 1)), ==, HEMERA_TERM_INTEGER);
}

static void
test_lookup (void)
{
  HemeraView value, map = VIEW (116, 0, 0, 0, 4, 119, 1, 'a', 97, 1, 109, 0, 0, 0, 1, 'b', 97, 2, 97, 9, 97,
                                3, 100, 0, 1, 0xe9, 97, 4);
  g_assert_cmpuint (hemera_view_length (map), ==, 4);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (map, "a"), 0), ==, 1);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (map, "b"), 0), ==, 2);
  g_assert_cmpint (hemera_view_int64 (hemera_view_get (map, "é"), 0), ==, 4);
  g_assert_false (hemera_view_lookup (map, "c", &value));
  g_assert_false (hemera_view_is_valid (value));
  g_assert_false (hemera_view_lookup (VIEW (106), "a", &value));
  g_assert_false (hemera_view_is_valid (hemera_view_get (hemera_view_get (map, "x"), "y")));
  g_assert_false (hemera_view_is_valid (hemera_view_element (map, 0)));
}

static void
test_pairs (void)
{
  HemeraViewIter iter;
  HemeraView key, value;
  gint64 sum = 0;
  hemera_view_iter_init (&iter, VIEW (116, 0, 0, 0, 2, 97, 1, 97, 2, 97, 3, 97, 4));
  g_assert_false (hemera_view_iter_next (&iter, &key));
  while (hemera_view_iter_next_pair (&iter, &key, &value))
    sum = sum * 100 + hemera_view_int64 (key, 0) * 10 + hemera_view_int64 (value, 0);
  g_assert_cmpint (sum, ==, 1234);
}

/* However much of an element the inner iterator has read, the outer one goes on behind it, and knows where that is at once. */
static void
test_leave (void)
{
  HemeraView pairs[] = {
    VIEW (104, 2, 108, 0, 0, 0, 2, 97, 1, 97, 2, 106, 97, 7),
    VIEW (104, 2, 108, 0, 0, 0, 1, 104, 1, 97, 1, 97, 2, 97, 7), /* improper */
    VIEW (104, 2, 107, 0, 3, 97, 98, 99, 97, 7),
    VIEW (104, 2, 104, 2, 109, 0, 0, 0, 1, 'x', 106, 97, 7),
    VIEW (104, 2, 116, 0, 0, 0, 2, 97, 1, 97, 2, 97, 3, 104, 0, 97, 7),
    VIEW (104, 2, 116, 0, 0, 0, 0, 97, 7),
    VIEW (104, 2, 106, 97, 7),
    VIEW (104, 2, 97, 1, 97, 7),
  };
  for (gsize i = 0; i < G_N_ELEMENTS (pairs); i++) {
    HemeraView seven = hemera_view_element (pairs[i], 1), first, element, value;
    gboolean has_head = hemera_view_type (hemera_view_element (pairs[i], 0)) != HEMERA_TERM_INTEGER
                        && hemera_view_element (pairs[i], 0).data[0] != 106;
    for (gsize steps = 0; steps < 5; steps++) {
      HemeraViewIter outer, inner;
      hemera_view_iter_init (&outer, pairs[i]);
      g_assert_true (hemera_view_iter_next (&outer, &first));
      hemera_view_iter_init (&inner, first);
      for (gsize n = 0; n < steps; n++)
        if (!hemera_view_iter_next_pair (&inner, &element, &value)
            && !hemera_view_iter_next (&inner, &element))
          hemera_view_iter_tail (&inner);
      hemera_view_iter_leave (&outer, &inner);
      g_assert_true (!has_head || outer.at == seven.data);
      hemera_view_iter_leave (&outer, &inner);
      g_assert_true (hemera_view_iter_next (&outer, &element));
      g_assert_true (element.data == seven.data);
      g_assert_false (hemera_view_iter_next (&outer, &element));
    }
  }
}

/* An iterator over anything but the element that was given last tells nothing. */
static void
test_leave_another (void)
{
  HemeraView list = VIEW (108, 0, 0, 0, 2, 104, 1, 97, 1, 104, 1, 97, 2, 106), element;
  HemeraViewIter outer, inner, none = { 0 };
  hemera_view_iter_init (&outer, list);
  g_assert_true (hemera_view_iter_next (&outer, &element));
  hemera_view_iter_init (&inner, element);
  g_assert_true (hemera_view_iter_next (&outer, &element));
  hemera_view_iter_leave (&outer, &inner);
  hemera_view_iter_leave (&outer, &none);
  hemera_view_iter_leave (&none, &inner);
  hemera_view_iter_leave (NULL, &inner);
  g_assert_false (hemera_view_is_valid (hemera_view_iter_tail (&outer)));
  g_assert_true (outer.at == list.data + 13);
}

/* Every accessor on every type: the fallback, FALSE or an invalid view. */
static void
test_total (void)
{
  HemeraView views[] = { HEMERA_VIEW_INVALID,
                         VIEW (97, 1),
                         VIEW (70, 0x40, 8, 0, 0, 0, 0, 0, 0),
                         VIEW (119, 1, 'a'),
                         VIEW (90, 0, 1, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 2),
                         VIEW (113, 119, 1, 'm', 119, 1, 'f', 97, 1),
                         VIEW (89, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 2),
                         VIEW (88, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3),
                         VIEW (104, 0),
                         VIEW (116, 0, 0, 0, 0),
                         VIEW (106),
                         VIEW (109, 0, 0, 0, 0),
                         VIEW (77, 0, 0, 0, 1, 1, 128) };
  for (gsize i = 0; i < G_N_ELEMENTS (views); i++) {
    HemeraView v = views[i], key, value;
    HemeraViewIter iter;
    gint64 integer = 0;
    double number = 0;
    gboolean flag = FALSE;
    const guint8 *data;
    gsize size;
    HemeraTermType type = (HemeraTermType) i;
    g_assert_cmpint (hemera_view_type (v), ==, type);
    g_assert_cmpint (hemera_view_get_int64 (v, &integer), ==, type == HEMERA_TERM_INTEGER);
    g_assert_cmpint (hemera_view_get_double (v, &number), ==, type == HEMERA_TERM_FLOAT);
    g_assert_false (hemera_view_get_boolean (v, &flag));
    g_assert_cmpint (hemera_view_get_binary (v, &data, &size), ==, type == HEMERA_TERM_BINARY);
    g_assert_cmpint (hemera_view_get_bitstring (v, &data, &size), ==, type >= HEMERA_TERM_BINARY);
    g_assert_false (hemera_view_equals_string (v, "b"));
    g_assert_cmpuint (hemera_view_length (v), ==, 0);
    g_assert_false (hemera_view_is_valid (hemera_view_element (v, 0)));
    g_assert_false (hemera_view_lookup (v, "a", &value));
    hemera_view_iter_init (&iter, v);
    g_assert_false (hemera_view_iter_next (&iter, &key));
    g_assert_false (hemera_view_iter_next_pair (&iter, &key, &value));
    g_assert_false (hemera_view_is_valid (hemera_view_iter_tail (&iter)));
    for (gsize j = 0; j < G_N_ELEMENTS (views);
         j++) /* the enum's order is Erlang's, but [] is a list and bitstrings are one type */
      g_assert_cmpint (hemera_view_compare (v, views[j]), ==, i < j ? -1 : i > j);
    if (type != HEMERA_TERM_INVALID)
      g_assert_true (hemera_view_bytes (v, &size) == v.data && size > 0);
  }
}

/* 2^64 + 1 and + 2 are more than the float 2^64, however few bits of them a float could hold. */
static void
test_big_against_float (void)
{
  HemeraView real = VIEW (70, 0x43, 0xf0, 0, 0, 0, 0, 0, 0);
  g_assert_cmpint (hemera_view_compare (VIEW (110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), real), ==, 0);
  g_assert_cmpint (hemera_view_compare (VIEW (110, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1), real), ==, 1);
  g_assert_cmpint (hemera_view_compare (VIEW (110, 9, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1), real), ==, 1);
  g_assert_cmpint (hemera_view_compare (real, VIEW (110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255)), ==,
                   1);
  g_assert_false (hemera_view_equal (VIEW (110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), real));
}

/* BEAM's index is signed. Where two lie 2^31 apart and more its order is none; this one still is. */
static void
test_fun_index (void)
{
#define FUN(...)                                                                                             \
  VIEW (112, 0, 0, 0, 50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, __VA_ARGS__, 0, 0, 0, 0, 119,   \
        1, 'm', 97, 0, 97, 7, 88, 119, 1, 'n', 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1)
  HemeraView three = FUN (0, 0, 0, 3), below = FUN (128, 0, 0, 5), most = FUN (127, 255, 255, 255);
  g_assert_cmpint (hemera_view_compare (below, three), ==, -1);
  g_assert_cmpint (hemera_view_compare (three, most), ==, -1);
  g_assert_cmpint (hemera_view_compare (below, most), ==, -1);
#undef FUN
}

static void
test_copies (void)
{
  HemeraView outer = VIEW (104, 2, 109, 0, 0, 0, 1, 'x', 106);
  g_autoptr (HemeraTerm) copy = hemera_term_new_from_view (hemera_view_element (outer, 0));
  g_autoptr (GBytes) etf = hemera_term_to_etf (copy);
  const guint8 expected[] = { 131, 109, 0, 0, 0, 1, 'x' };
  g_assert_cmpmem (g_bytes_get_data (etf, NULL), g_bytes_get_size (etf), expected, sizeof expected);
}

static void
test_no_copy (void)
{
  static const guint8 bytes[] = { 131, 109, 0, 0, 0, 1, 'x' };
  g_autoptr (GBytes) given = g_bytes_new_static (bytes, sizeof bytes);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf (given, NULL, NULL);
  g_assert_true (hemera_term_view (term).data == bytes + 1);
  g_autoptr (GBytes) etf = hemera_term_to_etf (term);
  g_assert_true (g_bytes_get_data (etf, NULL) == bytes);
}

static void
test_slices (void)
{
  HemeraSlab *slab = hemera__slab_new (0);
  const guint8 bytes[] = { 131, 97, 7 };
  GError *error = NULL;
  memcpy (hemera__slab_data (slab), bytes, sizeof bytes);
  HemeraSlice slice = { slab, hemera__slab_data (slab), sizeof bytes };
  g_autoptr (HemeraTerm) term = hemera__term_new_from_slice (&slice, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (hemera__slab_is_sole (slab));
  g_assert_cmpint (hemera_view_int64 (hemera_term_view (term), 0), ==, 7);
  slice.size = 2;
  g_assert_null (hemera__term_new_from_slice (&slice, NULL, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRUNCATED);
  g_error_free (error);
  g_clear_pointer (&term, hemera_term_unref);
  g_assert_true (hemera__slab_is_sole (slab));
  hemera__slab_unref (slab);
}

static void
test_shared (void)
{
  g_autoptr (HemeraTerm) a = hemera_term_new_atom ("normal"), b = hemera_term_new_atom ("normal");
  g_autoptr (HemeraTerm) one = hemera_term_new_int64 (1), uno = hemera_term_new_int64 (1),
                         large = hemera_term_new_int64 (-70000);
  g_assert_true (a == b);
  g_assert_true (one == uno);
  g_assert_cmpint (hemera_view_int64 (hemera_term_view (large), 0), ==, -70000);
}

static void *
take_shared (void *data)
{
  HemeraTerm *common = data;
  for (int i = 0; i < 2000; i++) {
    g_autoptr (HemeraTerm) atom = hemera_term_new_atom (i % 2 == 0 ? "noproc" : "timeout");
    g_autoptr (HemeraTerm) mine = hemera_term_ref (common);
    g_autoptr (HemeraTerm) integer = hemera_term_new_int64 (i % 32);
    g_assert_cmpint (hemera_view_int64 (hemera_term_view (integer), -1), ==, i % 32);
    g_assert_true (hemera_view_is_atom (hemera_term_view (atom), i % 2 == 0 ? "noproc" : "timeout"));
    g_assert_cmpuint (hemera_view_length (hemera_term_view (mine)), ==, 1);
  }
  return NULL;
}

static void
test_threads (void)
{
  pthread_t threads[4];
  g_autoptr (HemeraTerm) common = hemera_term_new ("[a]");
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, take_shared, common), ==, 0);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
}

static void
test_boxed (void)
{
  GValue value = G_VALUE_INIT, copy = G_VALUE_INIT;
  g_value_init (&value, HEMERA_TYPE_TERM);
  g_value_init (&copy, HEMERA_TYPE_TERM);
  g_value_take_boxed (&value, hemera_term_new_int64 (12345));
  g_value_copy (&value, &copy);
  g_assert_true (g_value_get_boxed (&value) == g_value_get_boxed (&copy));
  g_value_unset (&value);
  g_assert_cmpint (hemera_view_int64 (hemera_term_view (g_value_get_boxed (&copy)), 0), ==, 12345);
  g_value_unset (&copy);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  kept = g_ptr_array_new_with_free_func ((GDestroyNotify) hemera_term_unref);
  g_test_add_func ("/term/view/integers", test_integers);
  g_test_add_func ("/term/view/snowflakes", test_snowflakes);
  g_test_add_func ("/term/view/floats", test_floats);
  g_test_add_func ("/term/view/number", test_number);
  g_test_add_func ("/term/view/atoms", test_atoms);
  g_test_add_func ("/term/view/strings", test_strings);
  g_test_add_func ("/term/view/bits", test_bits);
  g_test_add_func ("/term/view/lists", test_lists);
  g_test_add_func ("/term/view/no-tail", test_no_tail);
  g_test_add_func ("/term/view/odd-lists", test_odd_lists);
  g_test_add_func ("/term/view/lookup", test_lookup);
  g_test_add_func ("/term/view/pairs", test_pairs);
  g_test_add_func ("/term/view/leave", test_leave);
  g_test_add_func ("/term/view/leave-another", test_leave_another);
  g_test_add_func ("/term/view/total", test_total);
  g_test_add_func ("/term/order/big-against-float", test_big_against_float);
  g_test_add_func ("/term/order/fun-index", test_fun_index);
  g_test_add_func ("/term/owner/copies", test_copies);
  g_test_add_func ("/term/owner/no-copy", test_no_copy);
  g_test_add_func ("/term/owner/slices", test_slices);
  g_test_add_func ("/term/owner/shared", test_shared);
  g_test_add_func ("/term/owner/threads", test_threads);
  g_test_add_func ("/term/owner/boxed", test_boxed);
  int result = g_test_run ();
  g_ptr_array_unref (kept);
  return result;
}

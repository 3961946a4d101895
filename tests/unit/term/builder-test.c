/* The builder, hemera_term_new() and the text form. Against OTP: differential.escript; here what that cannot reach. */
#include <hemera/etf.h>
#include <hemera/term-builder.h>

#include <locale.h>
#include <math.h>
#include <string.h>

static void
expect (HemeraTermBuilder *builder, const char *text)
{
  GError *error = NULL;
  g_autoptr (HemeraTerm) term = hemera_term_builder_end (builder, &error);
  g_assert_no_error (error);
  g_autofree char *printed = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpstr (printed, ==, text);
  /* What was built passes the validating pass. */
  g_autoptr (GBytes) etf = hemera_term_to_etf (term);
  g_autoptr (HemeraTerm) again = hemera_term_new_from_etf (etf, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_term_view (again)));
}

static void
expect_error (HemeraTermBuilder *builder, HemeraCodecError code)
{
  GError *error = NULL;
  g_assert_null (hemera_term_builder_end (builder, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, (gint) code);
  g_error_free (error);
  hemera_term_builder_add_int64 (builder, 1); /* empty again */
  expect (builder, "1");
}

static void
test_containers (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  hemera_term_builder_open_tuple (b);
  hemera_term_builder_open_list (b);
  hemera_term_builder_close (b);
  hemera_term_builder_open_list (b);
  hemera_term_builder_add_boolean (b, TRUE);
  hemera_term_builder_add_nil (b);
  hemera_term_builder_close (b);
  hemera_term_builder_open_map (b);
  hemera_term_builder_key (b, "k");
  hemera_term_builder_add_snowflake (b, G_MAXUINT64);
  hemera_term_builder_close (b);
  hemera_term_builder_open_tuple (b);
  hemera_term_builder_close (b);
  hemera_term_builder_close (b);
  expect (b,
          "{[],[true,nil],#{<<107>> => <<49,56,52,52,54,55,52,52,48,55,51,55,48,57,53,53,49,54,49,53>>},{}}");
}

static void
test_large_tuples (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  static const guint sizes[] = { 255, 256, 5000 };
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    hemera_term_builder_open_tuple (b);
    for (guint n = 0; n < sizes[i]; n++)
      hemera_term_builder_add_uint64 (b, G_MAXUINT64 - n);
    hemera_term_builder_close (b);
    g_autoptr (HemeraTerm) term = hemera_term_builder_end (b, NULL);
    g_assert_cmpuint (hemera_view_length (hemera_term_view (term)), ==, sizes[i]);
    g_assert_cmpuint (hemera_view_uint64 (hemera_view_element (hemera_term_view (term), sizes[i] - 1), 0), ==,
                      G_MAXUINT64 - (sizes[i] - 1));
  }
}

static void
test_decimals (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  static const char *const texts[] = { "0",
                                       "-1",
                                       "9223372036854775807",
                                       "-9223372036854775808",
                                       "-9223372036854775809",
                                       "18446744073709551615",
                                       "18446744073709551616",
                                       "10000000000000000000000000000000000000000",
                                       "-340282366920938463463374607431768211456" };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    hemera_term_builder_add_decimal (b, texts[i], strlen (texts[i]));
    expect (b, texts[i]);
  }
  hemera_term_builder_add_decimal (b, "-000", 4);
  expect (b, "0");
}

/* The widest integer of a SMALL_BIG, and the first of a LARGE_BIG. */
static void
test_long_decimals (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  for (gsize n = 600; n <= 640; n++) {
    g_autofree char *digits = g_strnfill (n, '7');
    hemera_term_builder_add_decimal (b, digits, n);
    expect (b, digits);
  }
}

static void
test_bad_decimals (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  static const char *const texts[] = { "", "-", "1x", "+1", "1.5" };
  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    hemera_term_builder_add_decimal (b, texts[i], strlen (texts[i]));
    expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
  }
}

static void
test_unsupported (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  g_autofree char *long_name = g_strnfill (256, 'a');
  hemera_term_builder_add_double (b, NAN);
  expect_error (b, HEMERA_CODEC_ERROR_UNSUPPORTED);
  hemera_term_builder_add_double (b, -INFINITY);
  expect_error (b, HEMERA_CODEC_ERROR_UNSUPPORTED);
  hemera_term_builder_add_atom (b, long_name);
  expect_error (b, HEMERA_CODEC_ERROR_UNSUPPORTED);
  hemera_term_builder_add_atom (b, "\xed\xa0\x80");
  expect_error (b, HEMERA_CODEC_ERROR_UNSUPPORTED);
  hemera_term_builder_add_string (b, "\xff");
  expect_error (b, HEMERA_CODEC_ERROR_UNSUPPORTED);
  hemera_term_builder_open_map (b);
  hemera_term_builder_key (b, "\xc0\x80");
  expect_error (b, HEMERA_CODEC_ERROR_UNSUPPORTED);
}

/* 255 characters are 1,020 bytes, more than ei's own default of 255 bytes. */
static void
test_longest_atom (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  g_autoptr (GString) name = g_string_new (NULL);
  for (int i = 0; i < 255; i++)
    g_string_append (name, "😀");
  hemera_term_builder_add_atom (b, name->str);
  g_autoptr (HemeraTerm) term = hemera_term_builder_end (b, NULL);
  g_assert_true (hemera_view_is_atom (hemera_term_view (term), name->str));
}

static void
test_duplicates (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  hemera_term_builder_open_map (b);
  for (int i = 0; i < 2; i++) {
    hemera_term_builder_key (b, "a");
    hemera_term_builder_add_nil (b);
  }
  hemera_term_builder_close (b);
  expect_error (b, HEMERA_CODEC_ERROR_DUPLICATE);
}

/* A copied view may come from a payload whose keys nobody looked at. */
static void
test_duplicates_in_view (void)
{
  const guint8 bytes[] = { 131, 116, 0, 0, 0, 2, 106, 106, 106, 106 };
  HemeraEtfLimits limits = { .unique_keys = FALSE };
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (bytes, sizeof bytes, &limits, NULL);
  hemera_term_builder_add_view (b, hemera_term_view (term));
  expect_error (b, HEMERA_CODEC_ERROR_DUPLICATE);
}

static void
test_unbalanced (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
  hemera_term_builder_close (b);
  expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
  hemera_term_builder_open_list (b);
  expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
  hemera_term_builder_add_nil (b);
  hemera_term_builder_add_nil (b);
  expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
  hemera_term_builder_open_map (b);
  hemera_term_builder_add_nil (b);
  hemera_term_builder_close (b);
  expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
  hemera_term_builder_add_view (b, HEMERA_VIEW_INVALID);
  expect_error (b, HEMERA_CODEC_ERROR_MALFORMED);
}

static void
test_format (void)
{
  g_autoptr (HemeraTerm) inner = hemera_term_new ("#{1 => [], 'An atom' => -2}");
  g_autoptr (HemeraTerm) term = hemera_term_new (
      "{shutdown, [~a, ~s, ~i, ~u, ~f, ~b], #{shard => ~t, code => ~v}, {}, 12345678901234567890123}", "x y",
      "s", G_MININT64, G_MAXUINT64, 0.1, FALSE, inner, hemera_term_view (inner));
  g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpstr (text, ==,
                   "{shutdown,['x y',<<115>>,-9223372036854775808,18446744073709551615,0.1,false],"
                   "#{code => #{1 => [],'An atom' => -2},shard => #{1 => [],'An atom' => "
                   "-2}},{},12345678901234567890123}");
}

static void
test_bad_format (gconstpointer format)
{
  if (g_test_subprocess ()) {
    hemera_term_new (format);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
}

/* Pids, ports, references and funs have no text in Erlang that means anything elsewhere; ours holds all fields. */
static void
test_identities (void)
{
  static const struct {
    guint8 bytes[64];
    gsize size;
    const char *text;
  } cases[] = {
    { { 131, 88, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3 }, 19, "#Pid<a@b.1.2.3>" },
    { { 131, 89, 119, 3, 'a', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 3 }, 15, "#Port<a@b.1.3>" },
    { { 131, 90, 0, 2, 119, 3, 'a', '@', 'b', 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5 }, 21, "#Ref<a@b.3.4.5>" },
    { { 131, 88, 119, 3, 'A', '@', 'b', 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3 }, 19, "#Pid<'A@b'.1.2.3>" },
    { { 131, 113, 119, 1, 'm', 119, 1, 'F', 97, 2 }, 10, "fun m:'F'/2" },
    { { 131, 112, 0, 0, 0, 0, 2, [22] = 255, [26] = 7, [30] = 1, 119, 1, 'm', 97, 3, 97, 4, 106, 106 },
      40,
      "#Fun<m.7.000000000000000000000000000000ff.3.4/2.1>" },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    GError *error = NULL;
    g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (cases[i].bytes, cases[i].size, NULL, &error);
    g_assert_no_error (error);
    g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
    g_assert_cmpstr (text, ==, cases[i].text);
  }
}

/* Keys of large maps stand in order, too (OTP prints those in hash order), integers before floats. */
static void
test_large_map_order (void)
{
  g_autoptr (HemeraTermBuilder) b = hemera_term_builder_new ();
  g_autoptr (GString) expected = g_string_new ("#{");
  hemera_term_builder_open_map (b);
  for (int i = 99; i >= 0; i--) {
    hemera_term_builder_add_int64 (b, i);
    hemera_term_builder_add_nil (b);
    g_string_append_printf (expected, "%d => nil,", 99 - i);
  }
  hemera_term_builder_add_double (b, 1.5);
  hemera_term_builder_add_nil (b);
  hemera_term_builder_close (b);
  g_string_append (expected, "1.5 => nil}");
  expect (b, expected->str);
}

/* A locale with a decimal comma shows neither in reading nor in printing. The environment may have none: then this is the C locale twice. */
static void
test_locale (void)
{
  g_autofree char *before = g_strdup (setlocale (LC_ALL, NULL));
  static const char *const names[] = { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8" };
  for (gsize i = 0; i < G_N_ELEMENTS (names) && setlocale (LC_ALL, names[i]) == NULL; i++)
    continue;
  const guint8 bytes[33] = { 131, 99, '1', '.', '2', '5' };
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (bytes, sizeof bytes, NULL, NULL);
  g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
  setlocale (LC_ALL, before);
  g_assert_cmpstr (text, ==, "1.25");
}

static void
test_format_broken_text (void)
{
  g_autoptr (HemeraTerm) term = hemera_term_new ("{cause, ~s}", "a\xff");

  g_assert_true (
      hemera_view_equals_string (hemera_view_element (hemera_term_view (term), 1), "a\xef\xbf\xbd"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/term/builder/containers", test_containers);
  g_test_add_func ("/term/builder/large-tuples", test_large_tuples);
  g_test_add_func ("/term/builder/decimals", test_decimals);
  g_test_add_func ("/term/builder/long-decimals", test_long_decimals);
  g_test_add_func ("/term/builder/bad-decimals", test_bad_decimals);
  g_test_add_func ("/term/builder/unsupported", test_unsupported);
  g_test_add_func ("/term/builder/longest-atom", test_longest_atom);
  g_test_add_func ("/term/builder/duplicates", test_duplicates);
  g_test_add_func ("/term/builder/duplicates-in-view", test_duplicates_in_view);
  g_test_add_func ("/term/builder/unbalanced", test_unbalanced);
  g_test_add_func ("/term/format/all", test_format);
  g_test_add_func ("/term/format/text-that-is-no-utf8", test_format_broken_text);
  g_test_add_data_func ("/term/format/unbalanced", "{a, ]", test_bad_format);
  g_test_add_data_func ("/term/format/open", "{a", test_bad_format);
  g_test_add_data_func ("/term/format/unknown-argument", "~q", test_bad_format);
  g_test_add_data_func ("/term/format/stray-character", "{a; b}", test_bad_format);
  g_test_add_func ("/term/text/identities", test_identities);
  g_test_add_func ("/term/text/large-map-order", test_large_map_order);
  g_test_add_func ("/term/text/locale", test_locale);
  return g_test_run ();
}

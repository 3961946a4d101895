/* hemera_term_new_from_json(): what is read as which term, what is refused with which code and offset, and the limits. */
#include <hemera/json.h>

#include <locale.h>
#include <string.h>

static void
assert_reads (const char *json, gsize size, const char *text)
{
  g_autofree char *copy = g_memdup2 (json, size), *got = NULL; /* no byte behind it, not even a NUL */
  g_autoptr (HemeraTerm) term = NULL;
  GError *error = NULL;

  term = hemera_term_new_from_json (copy, size, NULL, &error);
  g_assert_no_error (error);
  got = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpstr (got, ==, text);
}

#define READS(json, text) assert_reads (json, sizeof (json) - 1, text)

static void
assert_refuses (const char *json, gsize size, const HemeraEtfLimits *limits, HemeraCodecError code,
                gsize offset)
{
  g_autofree char *copy = g_memdup2 (json, size),
                  *end = g_strdup_printf (" at byte %" G_GSIZE_FORMAT, offset);
  GError *error = NULL;

  g_assert_null (hemera_term_new_from_json (copy, size, limits, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, (int) code);
  if (!g_str_has_suffix (error->message, end))
    g_error ("%.*s: %s, wanted %s", (int) MIN (size, 60), json, error->message, end);
  g_assert_null (strstr (error->message, ". at byte"));
  g_clear_error (&error);
}

#define REFUSES(json, code, offset)                                                                          \
  assert_refuses (json, sizeof (json) - 1, NULL, HEMERA_CODEC_ERROR_##code, offset)

static void
test_words (void)
{
  READS ("null", "nil");
  READS (" true\n", "true");
  READS ("\tfalse\r", "false");
}

static void
test_integers (void)
{
  READS ("0", "0");
  READS ("-0", "0");
  READS ("255", "255");
  READS ("256", "256");
  READS ("-1", "-1");
  READS ("2147483647", "2147483647");
  READS ("2147483648", "2147483648");
  READS ("-2147483648", "-2147483648");
  READS ("-2147483649", "-2147483649");
  READS ("999999999999999999", "999999999999999999");
  READS ("9223372036854775807", "9223372036854775807");
  READS ("-9223372036854775808", "-9223372036854775808");
  READS ("18446744073709551615", "18446744073709551615");
  READS ("18446744073709551616", "18446744073709551616");
  READS ("-100000000000000000000000000000000000000000", "-100000000000000000000000000000000000000000");
}

static void
test_integer_forms (void)
{
  static const struct {
    const char *json;
    guint8 tag;
  } rows[] = { { "255", 97 }, { "256", 98 }, { "-1", 98 }, { "2147483648", 110 }, { "-2147483649", 110 } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HemeraTerm) term = hemera_term_new_from_json (rows[i].json, strlen (rows[i].json), NULL, NULL);
    gsize size;

    g_assert_cmpuint (hemera_view_bytes (hemera_term_view (term), &size)[0], ==, rows[i].tag);
  }
}

static void
test_floats (void)
{
  READS ("-0.0", "-0.0");
  READS ("1.0", "1.0");
  READS ("1e2", "100.0");
  READS ("1E+2", "100.0");
  READS ("-1.5e-7", "-1.5e-7");
  READS ("1e-400", "0.0");
  READS ("1.7976931348623157e308", "1.7976931348623157e308");
  READS ("[0.1]", "[0.1]");
}

static void
test_long_float (void)
{
  g_autofree char *json = g_strnfill (5000, '0');

  json[0] = '1';
  json[1] = '.';
  json[4999] = '1';
  assert_reads (json, 5000, "1.0");
}

static void
test_locale (void)
{
  if (setlocale (LC_NUMERIC, "de_DE.UTF-8") == NULL) {
    g_test_skip ("no German locale here");
    return;
  }
  READS ("[1.5]", "[1.5]");
  setlocale (LC_NUMERIC, "C");
}

static void
test_strings (void)
{
  READS ("\"\"", "<<>>");
  READS ("\"a\\u0000b\"", "<<97,0,98>>");
  READS ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "<<34,92,47,8,12,10,13,9>>");
  READS ("\"\\u20AC\\u00e9\"", "<<226,130,172,195,169>>");
  READS ("\"\\ud83d\\ude00\"", "<<240,159,152,128>>");
  READS ("\"\xf0\x9f\x98\x80\x7f\"", "<<240,159,152,128,127>>");
  READS ("\"\\\\ud800\"", "<<92,117,100,56,48,48>>");
}

static void
test_containers (void)
{
  READS ("[]", "[]");
  READS ("{}", "#{}");
  READS ("[[],{},[[]]]", "[[],#{},[[]]]");
  READS ("{\"b\":1,\"a\":[1,2]}", "#{<<97>> => [1,2],<<98>> => 1}");
  READS ("{\"\":{\"\":null},\"\\u0000\":0}", "#{<<>> => #{<<>> => nil},<<0>> => 0}");
}

static void
test_syntax (void)
{
  REFUSES ("nul", TRUNCATED, 3);
  REFUSES ("[1,]", MALFORMED, 3);
  REFUSES ("{\"a\" 1}", MALFORMED, 5);
  REFUSES ("[01]", MALFORMED, 1);
  REFUSES ("[1 -2.5e3]", MALFORMED, 3);
  REFUSES ("[1.2.3]", MALFORMED, 4);
  REFUSES ("[5rue]", MALFORMED, 2);
  REFUSES ("[1 \"b\\\"\"]", MALFORMED, 3);
  REFUSES ("}", MALFORMED, 0);
  REFUSES ("\"\t\"", MALFORMED, 1);
  REFUSES ("\"\\x\"", MALFORMED, 2);
  REFUSES ("[\0]", MALFORMED, 1);
  REFUSES ("\xef\xbb\xbf[]", MALFORMED, 0);
}

static void
test_truncated (void)
{
  static const char json[] = "{\"a\":[1,\"b\\n\",{\"c\":null}],\"d\":true}";

  for (gsize size = 0; size < sizeof json - 1; size++)
    assert_refuses (json, size, NULL, HEMERA_CODEC_ERROR_TRUNCATED, size);
}

static void
test_trailing (void)
{
  REFUSES ("{} {}", TRAILING, 3);
  REFUSES ("1 2", TRAILING, 2);
  REFUSES ("null\n,", TRAILING, 5);
  REFUSES ("[]\0", TRAILING, 2);
}

static void
test_utf8 (void)
{
  REFUSES ("[\"\xff\"]", MALFORMED, 2);
  REFUSES ("\"\xc0\x80\"", MALFORMED, 1);
  REFUSES ("\"ab\xed\xa0\x80\"", MALFORMED, 3);
  REFUSES ("\"\xf4\x90\x80\x80\"", MALFORMED, 1);
  REFUSES ("\"\xe2\x82\"", MALFORMED, 1);
}

static void
test_surrogates (void)
{
  REFUSES ("\"\\ud800\"", MALFORMED, 1);
  REFUSES ("\"a\\udc00\"", MALFORMED, 2);
  REFUSES ("\"\\ud800\\u0041\"", MALFORMED, 1);
  REFUSES ("\"\\ud800\\ud800\\udc00\"", MALFORMED, 1);
  REFUSES ("\"\\ud83d\\\\ude00\"", MALFORMED, 1);
}

static void
test_numbers_refused (void)
{
  REFUSES ("[1e400]", MALFORMED, 1);
  REFUSES ("-1e400", MALFORMED, 0);
}

static void
test_keys_twice (void)
{
  REFUSES ("{\"a\":1,\"b\":2,\"a\":3}", DUPLICATE, 13);
  REFUSES ("{\"a\":1,\"\\u0061\":2}", DUPLICATE, 7);
  REFUSES ("{\"\":1,\"\":2}", DUPLICATE, 6);
  REFUSES ("{\"\\\"\":1,\"\\\"\":2}", DUPLICATE, 8);
  REFUSES ("[{\"x\":{\"a\":1}},{\"a\":{\"b\":0,\"b\":1}}]", DUPLICATE, 27);
  READS ("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":2}}",
         "#{<<97>> => #{<<97>> => #{<<97>> => 1}},<<98>> => #{<<97>> => 2}}");
}

static void
test_many_keys (void)
{
  g_autoptr (GString) json = g_string_new ("{");
  g_autoptr (HemeraTerm) term = NULL;
  GError *error = NULL;

  for (guint i = 0; i < 100000; i++)
    g_string_append_printf (json, "\"key%u\":%u,", i, i);
  g_string_append (json, "\"key100000\":0}");
  term = hemera_term_new_from_json (json->str, json->len, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hemera_view_length (hemera_term_view (term)), ==, 100001);

  g_string_truncate (json, json->len - 1);
  g_string_append (json, ",\"key77777\":0}");
  assert_refuses (json->str, json->len, NULL, HEMERA_CODEC_ERROR_DUPLICATE, json->len - 13);
}

static void
test_depth (void)
{
  const HemeraEtfLimits limits = { .max_depth = 3 };
  g_autofree char *deep = g_strnfill (1000000, '[');

  g_autoptr (HemeraTerm) term = hemera_term_new_from_json ("[[[]]]", 6, &limits, NULL);

  g_assert_nonnull (term);
  assert_refuses ("[{\"a\":[[]]}]", 12, &limits, HEMERA_CODEC_ERROR_DEPTH, 7);
  assert_refuses (deep, 1000000, NULL, HEMERA_CODEC_ERROR_DEPTH, 512);
}

static void
test_deep_allowed (void)
{
  const HemeraEtfLimits limits = { .max_depth = 1000001 };
  g_autofree char *deep = g_strnfill (2000000, '[');
  g_autoptr (HemeraTerm) term = NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  GError *error = NULL;

  memset (deep + 1000000, ']', 1000000);
  term = hemera_term_new_from_json (deep, 2000000, &limits, &error);
  g_assert_no_error (error);
  g_assert_true (hemera_view_append_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, out, NULL));
  g_assert_cmpstr (out->str, ==, deep);
}

static void
test_size (void)
{
  const HemeraEtfLimits limits = { .max_size = 8 };

  assert_refuses ("[1,2,3,4]", 9, &limits, HEMERA_CODEC_ERROR_SIZE, 8);
}

static void
test_digits (void)
{
  g_autofree char *few = g_strnfill (20000, '7'), *many = g_strnfill (1024 * 1024 + 1, '7');

  assert_reads (few, 20000, few);
  assert_refuses (many, 1024 * 1024 + 1, NULL, HEMERA_CODEC_ERROR_SIZE, 0);
}

/* The term that is made passes the validating pass that it was spared, and gives the same bytes. */
static void
test_valid_etf (void)
{
  static const char json[] = "{\"a\":[1,-1,256,1e10,18446744073709551616,\"\\u00e9\",null,true,[],{}]}";
  g_autoptr (HemeraTerm) term = hemera_term_new_from_json (json, sizeof json - 1, NULL, NULL), again = NULL;
  g_autoptr (GBytes) etf = hemera_term_to_etf (term);
  GError *error = NULL;

  again = hemera_term_new_from_etf (etf, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_term_view (again)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-in/reads/words", test_words);
  g_test_add_func ("/json-in/reads/integers", test_integers);
  g_test_add_func ("/json-in/reads/integer-forms", test_integer_forms);
  g_test_add_func ("/json-in/reads/floats", test_floats);
  g_test_add_func ("/json-in/reads/long-float", test_long_float);
  g_test_add_func ("/json-in/reads/any-locale", test_locale);
  g_test_add_func ("/json-in/reads/strings", test_strings);
  g_test_add_func ("/json-in/reads/containers", test_containers);
  g_test_add_func ("/json-in/reads/valid-etf", test_valid_etf);
  g_test_add_func ("/json-in/refuses/syntax", test_syntax);
  g_test_add_func ("/json-in/refuses/every-prefix", test_truncated);
  g_test_add_func ("/json-in/refuses/trailing", test_trailing);
  g_test_add_func ("/json-in/refuses/bad-utf8", test_utf8);
  g_test_add_func ("/json-in/refuses/half-surrogates", test_surrogates);
  g_test_add_func ("/json-in/refuses/infinite-floats", test_numbers_refused);
  g_test_add_func ("/json-in/refuses/keys-twice", test_keys_twice);
  g_test_add_func ("/json-in/refuses/key-twice-of-many", test_many_keys);
  g_test_add_func ("/json-in/limits/depth", test_depth);
  g_test_add_func ("/json-in/limits/million-levels-allowed", test_deep_allowed);
  g_test_add_func ("/json-in/limits/size", test_size);
  g_test_add_func ("/json-in/limits/digits", test_digits);
  return g_test_run ();
}

/* hemera_view_append_json(): the text of each type, what has no JSON form, keys that become one. */
#include <hemera/json.h>
#include <hemera/term-builder.h>

#include <string.h>

static HemeraTerm *
new_from_bytes (const char *bytes, gsize size)
{
  const HemeraEtfLimits limits = { .unique_keys = FALSE };
  GError *error = NULL;
  HemeraTerm *term = hemera_term_new_from_etf_data (bytes, size, &limits, &error);

  g_assert_no_error (error);
  return term;
}

static void
assert_writes (const char *bytes, gsize size, HemeraJsonFlags flags, const char *json)
{
  g_autoptr (HemeraTerm) term = new_from_bytes (bytes, size);
  g_autofree char *got = NULL;
  GError *error = NULL;

  got = hemera_view_to_json (hemera_term_view (term), flags, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (got, ==, json);
}

/* The bytes behind the version byte, which is byte 0 of offsets. */
#define WRITES(bytes, json)      assert_writes ("\x83" bytes, sizeof (bytes), HEMERA_JSON_DEFAULT, json)
#define WRITES_SAFE(bytes, json) assert_writes ("\x83" bytes, sizeof (bytes), HEMERA_JSON_SAFE_IDS, json)

static void
assert_refuses (const char *bytes, gsize size, HemeraCodecError code, const char *message)
{
  g_autoptr (HemeraTerm) term = new_from_bytes (bytes, size);
  g_autoptr (GString) out = g_string_new ("before");
  GError *error = NULL;

  g_assert_false (hemera_view_append_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, out, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, (int) code);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_cmpstr (out->str, ==, "before");
  g_clear_error (&error);
}

#define REFUSES(bytes, code, message)                                                                        \
  assert_refuses ("\x83" bytes, sizeof (bytes), HEMERA_CODEC_ERROR_##code, message)

static void
test_atoms (void)
{
  WRITES ("w\4true", "true");
  WRITES ("d\0\5false", "false");
  WRITES ("w\3nil", "null");
  WRITES ("s\4null", "null");
  WRITES ("w\2ok", "\"ok\"");
  WRITES ("w\0", "\"\"");
  WRITES ("d\0\3\xe9\0a", "\"\xc3\xa9\\u0000a\"");
  WRITES ("w\2\xc3\xa9", "\"\xc3\xa9\"");
}

static void
test_numbers (void)
{
  WRITES ("a\xff", "255");
  WRITES ("b\xff\xff\xff\xff", "-1");
  WRITES ("n\x08\0\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615");
  WRITES ("n\x08\1\0\0\0\0\0\0\0\x80", "-9223372036854775808");
  WRITES ("n\x09\1\0\0\0\0\0\0\0\0\1", "-18446744073709551616");
  WRITES ("F\x3f\xf8\0\0\0\0\0\0", "1.5");
  WRITES ("F\x80\0\0\0\0\0\0\0", "-0.0");
}

static void
test_safe_ids (void)
{
  WRITES_SAFE ("n\7\0\xff\xff\xff\xff\xff\xff\x1f", "9007199254740991");
  WRITES_SAFE ("n\7\0\0\0\0\0\0\0\x20", "\"9007199254740992\"");
  WRITES_SAFE ("n\7\1\xff\xff\xff\xff\xff\xff\x1f", "-9007199254740991");
  WRITES_SAFE ("n\7\1\0\0\0\0\0\0\x20", "\"-9007199254740992\"");
  WRITES_SAFE ("n\x09\0\0\0\0\0\0\0\0\0\1", "\"18446744073709551616\"");
  WRITES_SAFE ("t\0\0\0\1n\7\0\0\0\0\0\0\0\x20"
               "a\1",
               "{\"9007199254740992\":1}");
}

static void
test_strings (void)
{
  WRITES ("m\0\0\0\0", "\"\"");
  WRITES ("m\0\0\0\x0b\0\x01\x08\t\n\x0b\f\r\x1f\"\\",
          "\"\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f\\\"\\\\\"");
  WRITES ("m\0\0\0\5/\x7f\xe2\x82\xac", "\"/\x7f\xe2\x82\xac\"");
}

static void
test_lists (void)
{
  WRITES ("j", "[]");
  WRITES ("k\0\3\0\x61\xff", "[0,97,255]");
  WRITES ("l\0\0\0\2jk\0\1\1j", "[[],[1]]");
  WRITES ("l\0\0\0\0j", "[]");
}

static void
test_maps (void)
{
  WRITES ("t\0\0\0\0", "{}");
  WRITES ("t\0\0\0\3w\1b"
          "a\1m\0\0\0\1aa\2a\7t\0\0\0\0",
          "{\"b\":1,\"a\":2,\"7\":{}}");
  WRITES ("t\0\0\0\2w\3nil"
          "a\1w\4true"
          "a\2",
          "{\"nil\":1,\"true\":2}");
}

static void
test_no_form (void)
{
  REFUSES ("h\0", UNSUPPORTED, "a tuple has no JSON form at byte 1");
  REFUSES ("l\0\0\0\2a\1h\1a\1j", UNSUPPORTED, "a tuple has no JSON form at byte 8");
  REFUSES ("l\0\0\0\1a\1a\2", UNSUPPORTED, "an improper list has no JSON form at byte 8");
  REFUSES ("M\0\0\0\1\4\xf0", UNSUPPORTED, "a bitstring has no JSON form at byte 1");
  REFUSES ("m\0\0\0\1\xff", UNSUPPORTED, "a binary that is no UTF-8 has no JSON form at byte 1");
  REFUSES ("Xw\3a@b\0\0\0\1\0\0\0\2\0\0\0\3", UNSUPPORTED, "a pid has no JSON form at byte 1");
  REFUSES ("Yw\3a@b\0\0\0\1\0\0\0\2", UNSUPPORTED, "a port has no JSON form at byte 1");
  REFUSES ("Z\0\1w\3a@b\0\0\0\1\0\0\0\2", UNSUPPORTED, "a reference has no JSON form at byte 1");
  REFUSES ("qw\5listsw\3mapa\2", UNSUPPORTED, "a fun has no JSON form at byte 1");
}

static void
test_no_key (void)
{
  REFUSES ("t\0\0\0\1F\x3f\xf8\0\0\0\0\0\0a\1", UNSUPPORTED, "a float is no JSON key at byte 6");
  REFUSES ("t\0\0\0\1ja\1", UNSUPPORTED, "a list is no JSON key at byte 6");
  REFUSES ("t\0\0\0\1t\0\0\0\0a\1", UNSUPPORTED, "a map is no JSON key at byte 6");
  REFUSES ("t\0\0\0\1h\0a\1", UNSUPPORTED, "a tuple has no JSON form at byte 6");
}

static void
test_keys_become_one (void)
{
  REFUSES ("t\0\0\0\2w\1aa\1m\0\0\0\1aa\2", DUPLICATE,
           "two keys of a map become the JSON key \"a\" at byte 11");
  REFUSES ("t\0\0\0\2a\1a\1m\0\0\0\1\x31"
           "a\2",
           DUPLICATE, "two keys of a map become the JSON key \"1\" at byte 10");
  REFUSES ("t\0\0\0\2w\1aa\1w\1aa\2", DUPLICATE, "two keys of a map become the JSON key \"a\" at byte 11");
}

static void
test_invalid (void)
{
  GError *error = NULL;

  g_assert_null (hemera_view_to_json (HEMERA_VIEW_INVALID, HEMERA_JSON_DEFAULT, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_UNSUPPORTED);
  g_clear_error (&error);
}

/* Printing is quadratic in the digits, so they are bounded, together too: an answer comes at once. */
static void
test_many_digits (void)
{
  g_autoptr (HemeraTermBuilder) builder = hemera_term_builder_new ();
  g_autofree guint8 *ones = g_malloc (1 << 20);
  g_autoptr (HemeraTerm) term = NULL;
  g_autoptr (GError) error = NULL;

  memset (ones, 0xff, 1 << 20);
  hemera_term_builder_open_list (builder);
  for (guint i = 0; i < 2; i++)
    hemera_term_builder_add_big (builder, FALSE, ones, 1 << 20);
  hemera_term_builder_close (builder);
  term = hemera_term_builder_end (builder, NULL);
  g_assert_null (hemera_view_to_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE);
}

static void
test_appends (void)
{
  g_autoptr (HemeraTerm) term = new_from_bytes ("\x83t\0\0\0\1w\1aa\1", 11);
  g_autoptr (GString) out = g_string_new ("x=");

  g_assert_true (hemera_view_append_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, out, NULL));
  g_assert_cmpstr (out->str, ==, "x={\"a\":1}");
}

/* Deeper than what the writer has room for at first, and commas at every level on the way back. */
static void
test_deep (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (HemeraTerm) term = NULL;
  g_autofree char *got = NULL;
  GError *error = NULL;

  for (guint i = 0; i < 200; i++)
    g_string_append (text, "[0,{\"k\":");
  g_string_append (text, "null");
  for (guint i = 0; i < 200; i++)
    g_string_append (text, ",\"l\":1},2]");
  term = hemera_term_new_from_json (text->str, text->len, NULL, &error);
  g_assert_no_error (error);
  got = hemera_view_to_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (got, ==, text->str);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/json-out/writes/atoms", test_atoms);
  g_test_add_func ("/json-out/writes/numbers", test_numbers);
  g_test_add_func ("/json-out/writes/safe-ids", test_safe_ids);
  g_test_add_func ("/json-out/writes/strings", test_strings);
  g_test_add_func ("/json-out/writes/lists", test_lists);
  g_test_add_func ("/json-out/writes/maps", test_maps);
  g_test_add_func ("/json-out/writes/behind-what-is-there", test_appends);
  g_test_add_func ("/json-out/refuses/types-without-form", test_no_form);
  g_test_add_func ("/json-out/refuses/keys-without-form", test_no_key);
  g_test_add_func ("/json-out/refuses/keys-that-become-one", test_keys_become_one);
  g_test_add_func ("/json-out/refuses/invalid-view", test_invalid);
  g_test_add_func ("/json-out/refuses/more-digits-than-can-be-printed", test_many_digits);
  g_test_add_func ("/json-out/deep", test_deep);
  return g_test_run ();
}

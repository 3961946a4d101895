/* What is written, to the byte: golden ETF and JSON, Discord's profile of ETF checked by Erlang itself, and what is refused. */
#include "actors/protocol/payload.h"

#include <glib/gstdio.h>
#include <hemera/json.h>
#include <hemera/term-builder.h>
#include <string.h>

static HemeraTerm *
from_json (const char *json)
{
  HemeraTerm *term = hemera_term_new_from_json (json, strlen (json), NULL, NULL);

  g_assert_nonnull (term);
  return term;
}

static HemeraShardConfig
config_new (void)
{
  return (HemeraShardConfig){ .shard_id = 2,
                              .total_shards = 300,
                              .intents = 53608447,
                              .os = "linux",
                              .browser = "hemera",
                              .device = "hemera",
                              .token = hemera__token_new ("Bot the.token", NULL) };
}

static void
assert_bytes (GBytes *bytes, const void *expected, gsize size)
{
  gsize n;
  const void *data = g_bytes_get_data (bytes, &n);

  g_assert_cmpmem (data, n, expected, size);
}

/* ---- golden bytes ---------------------------------------------------------------------------------------------------------------- */

static void
heartbeat_etf (void)
{
  /* #{<<"op">> => 1, <<"d">> => nil} and => 7, after "External Term Format" */
  static const guint8 none[] = "\203t\0\0\0\2m\0\0\0\2opa\1m\0\0\0\1dw\3nil";
  static const guint8 seven[] = "\203t\0\0\0\2m\0\0\0\2opa\1m\0\0\0\1da\7";
  guint64 seq = 7;
  g_autoptr (GBytes) first = hemera__payload_heartbeat (HEMERA_ENCODING_ETF, NULL);
  g_autoptr (GBytes) second = hemera__payload_heartbeat (HEMERA_ENCODING_ETF, &seq);

  assert_bytes (first, none, sizeof none - 1);
  assert_bytes (second, seven, sizeof seven - 1);
}

static void
heartbeat_json (void)
{
  guint64 seq = G_MAXINT64;
  g_autoptr (GBytes) first = hemera__payload_heartbeat (HEMERA_ENCODING_JSON, NULL);
  g_autoptr (GBytes) second = hemera__payload_heartbeat (HEMERA_ENCODING_JSON, &seq);

  assert_bytes (first, "{\"op\":1,\"d\":null}", 17);
  assert_bytes (second, "{\"op\":1,\"d\":9223372036854775807}", 32);
}

static void
identify_json (void)
{
  HemeraShardConfig config = config_new ();
  g_autoptr (GBytes) bytes = hemera__payload_identify (HEMERA_ENCODING_JSON, &config, NULL);
  const char expected[] = "{\"op\":2,\"d\":{\"token\":\"the.token\",\"properties\":{\"os\":\"linux\","
                          "\"browser\":\"hemera\",\"device\":\"hemera\"},"
                          "\"intents\":53608447,\"shard\":[2,300]}}";

  assert_bytes (bytes, expected, sizeof expected - 1);
  hemera__token_unref (config.token);
}

static void
identify_json_all (void)
{
  HemeraShardConfig config = config_new ();
  g_autoptr (GBytes) bytes = NULL;
  const char expected[] = "{\"op\":2,\"d\":{\"token\":\"the.token\",\"properties\":{\"os\":\"linux\","
                          "\"browser\":\"hemera\",\"device\":\"hemera\"},"
                          "\"intents\":53608447,\"large_threshold\":250,\"shard\":[2,300],"
                          "\"presence\":{\"since\":1700000000000,\"status\":\"dnd\",\"afk\":true,"
                          "\"activities\":[{\"name\":\"\303\244\",\"type\":0}]}}}";

  config.large_threshold = 250;
  config.presence = from_json ("{\"since\":1700000000000,\"status\":\"dnd\",\"afk\":true,\"activities\":[{"
                               "\"name\":\"\303\244\",\"type\":0}]}");
  bytes = hemera__payload_identify (HEMERA_ENCODING_JSON, &config, NULL);
  assert_bytes (bytes, expected, sizeof expected - 1);
  hemera_term_unref (config.presence);
  hemera__token_unref (config.token);
}

static void
resume_json (void)
{
  HemeraShardConfig config = config_new ();
  HemeraSession session = { .id = (char *) "abc", .seq = 1337 };
  g_autoptr (GBytes) bytes = hemera__payload_resume (HEMERA_ENCODING_JSON, &config, &session, NULL);
  const char expected[] = "{\"op\":6,\"d\":{\"token\":\"the.token\",\"session_id\":\"abc\",\"seq\":1337}}";

  assert_bytes (bytes, expected, sizeof expected - 1);
  hemera__token_unref (config.token);
}

static void
oversized_presence (void)
{
  HemeraShardConfig config = config_new ();
  g_autofree char *text = g_strnfill (5000, 'x');
  g_autoptr (GError) error = NULL;

  config.presence = hemera_term_new_string (text);
  g_assert_null (hemera__payload_identify (HEMERA_ENCODING_ETF, &config, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
  g_assert_null (strstr (error->message, "the.token"));
  hemera_term_unref (config.presence);
  hemera__token_unref (config.token);
}

static void
unsendable_presence (void)
{
  HemeraShardConfig config = config_new ();
  g_autoptr (GError) error = NULL;

  config.presence = hemera_term_new ("{a, tuple}");
  g_assert_null (hemera__payload_identify (HEMERA_ENCODING_ETF, &config, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
  g_assert_nonnull (strstr (error->message, "tuple"));
  hemera_term_unref (config.presence);
  hemera__token_unref (config.token);
}

/* ---- sends ------------------------------------------------------------------------------------------------------------------------ */

/* Atom keys and values, integer keys, old encodings: all become what Discord takes. The term is made by hand, byte by byte. */
static const guint8 mixed[] = "\203t\0\0\0\7"
                              "w\10activity"
                              "w\4idle" /* small UTF-8 atoms */
                              "d\0\1k"
                              "d\0\4null" /* old atoms */
                              "s\1\344"
                              "w\4true" /* a Latin-1 atom */
                              "a\7"
                              "l\0\0\0\2w\3nilt\0\0\0\1w\1aa\1j" /* key 7 => [nil, #{a => 1}] */
                              "m\0\0\0\1b"
                              "k\0\3\1\2\3" /* STRING_EXT */
                              "m\0\0\0\1f"
                              "F\77\370\0\0\0\0\0\0" /* 1.5 */
                              "m\0\0\0\1n"
                              "n\10\1\0\0\0\0\0\0\0\200" /* -2^63 */;

static void
mixed_term_json (void)
{
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (mixed, sizeof mixed - 1, NULL, NULL);
  GError *error = NULL;
  g_autoptr (GBytes) bytes = hemera__payload_send (HEMERA_ENCODING_JSON, 3, hemera_term_view (term), &error);
  const char expected[] = "{\"op\":3,\"d\":{\"activity\":\"idle\",\"k\":null,\"\303\244\":true,\"7\":[null,{"
                          "\"a\":1}],\"b\":[1,2,3],\"f\":1.5,"
                          "\"n\":-9223372036854775808}}";

  g_assert_no_error (error);
  assert_bytes (bytes, expected, sizeof expected - 1);
}

/* Erlang reads the payload of argv 1 and compares it with a literal. Skips without erl. */
static void
assert_erlang_equals (GBytes *bytes, const char *literal)
{
  g_autofree char *erl = g_find_program_in_path ("erl"), *path = NULL, *code = NULL, *out = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  int fd, status;

  if (erl == NULL) {
    g_test_skip ("no erl here");
    return;
  }
  fd = g_file_open_tmp ("payload-XXXXXX", &path, &error);
  g_assert_no_error (error);
  g_close (fd, NULL);
  g_file_set_contents (path, data, (gssize) size, &error);
  g_assert_no_error (error);
  code = g_strdup_printf ("{ok, B} = file:read_file(\"%s\"), T = binary_to_term(B, [safe]), E = %s, "
                          "case T =:= E of true -> io:put_chars(\"equal\"); false -> io:format(\"~tw~n~tw\", "
                          "[T, E]) end, halt().",
                          path, literal);
  {
    char *argv[] = { erl, (char *) "-noshell", (char *) "-eval", code, NULL };

    g_spawn_sync (NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, NULL, &status, &error);
  }
  g_assert_no_error (error);
  g_assert_cmpstr (out, ==, "equal");
  g_unlink (path);
}

static void
mixed_term_erlang (void)
{
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (mixed, sizeof mixed - 1, NULL, NULL);
  g_autoptr (GBytes) bytes = hemera__payload_send (HEMERA_ENCODING_ETF, 3, hemera_term_view (term), NULL);

  assert_erlang_equals (bytes,
                        "#{<<\"op\">> => 3, <<\"d\">> => #{<<\"activity\">> => <<\"idle\">>, <<\"k\">> => "
                        "nil, <<195,164>> => true, "
                        "<<\"7\">> => [nil, #{<<\"a\">> => 1}], <<\"b\">> => [1,2,3], <<\"f\">> => 1.5, "
                        "<<\"n\">> => -9223372036854775808}}");
}

static void
identify_erlang (void)
{
  HemeraShardConfig config = config_new ();
  g_autoptr (GBytes) bytes = NULL;

  config.large_threshold = 50;
  config.presence =
      from_json ("{\"since\":1700000000000,\"status\":\"online\",\"afk\":false,\"activities\":[]}");
  bytes = hemera__payload_identify (HEMERA_ENCODING_ETF, &config, NULL);
  assert_erlang_equals (
      bytes,
      "#{<<\"op\">> => 2, <<\"d\">> => #{<<\"token\">> => <<\"the.token\">>, <<\"properties\">> => "
      "#{<<\"os\">> => <<\"linux\">>, <<\"browser\">> => <<\"hemera\">>, <<\"device\">> => <<\"hemera\">>}, "
      "<<\"intents\">> => 53608447, <<\"large_threshold\">> => 50, <<\"shard\">> => [2,300], "
      "<<\"presence\">> => "
      "#{<<\"since\">> => 1700000000000, <<\"status\">> => <<\"online\">>, <<\"afk\">> => false, "
      "<<\"activities\">> => []}}}");
  hemera_term_unref (config.presence);
  hemera__token_unref (config.token);
}

static void
refusals (void)
{
  /* d of a payload, without the version byte */
  const struct {
    const char *bytes;
    gsize size;
    const char *what;
  } rows[] = {
    { "j", 1, "map" },
    { "a\1", 2, "map" },
    { "t\0\0\0\1m\0\0\0\1ah\0", 13, "tuple" },
    { "t\0\0\0\1m\0\0\0\1am\0\0\0\1\377", 17, "UTF-8" },
    { "t\0\0\0\1m\0\0\0\1\377a\1", 13, "UTF-8" },
    { "t\0\0\0\1F\77\370\0\0\0\0\0\0a\1", 16, "key" },
    { "t\0\0\0\1ja\1", 8, "key" },
    { "t\0\0\0\1m\0\0\0\1al\0\0\0\1a\1a\2", 20, "improper" },
    { "t\0\0\0\1m\0\0\0\1an\11\0\0\0\0\0\0\0\0\0\1", 23, "64 bits" },
    { "t\0\0\0\1m\0\0\0\1aM\0\0\0\1\4\360", 18, "bitstring" },
    { "t\0\0\0\1m\0\0\0\1aXw\1n\0\0\0\1\0\0\0\0\0\0\0\1", 27, "a pid" },
    { "t\0\0\0\1m\0\0\0\1aYw\1n\0\0\0\1\0\0\0\1", 23, "a port" },
    { "t\0\0\0\1m\0\0\0\1aZ\0\1w\1n\0\0\0\1\0\0\0\1", 25, "a reference" },
    { "t\0\0\0\1m\0\0\0\1aqw\1mw\1fa\1", 20, "a fun" },
    { "t\0\0\0\2m\0\0\0\1aa\1w\1aa\2", 18, "twice" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GByteArray) etf = g_byte_array_new ();
    g_autoptr (HemeraTerm) term = NULL;
    GError *error = NULL;

    g_byte_array_append (etf, (const guint8 *) "\203", 1);
    g_byte_array_append (etf, (const guint8 *) rows[i].bytes, (guint) rows[i].size);
    term = hemera_term_new_from_etf_data (etf->data, etf->len, NULL, &error);
    g_assert_no_error (error);
    for (guint encoding = HEMERA_ENCODING_ETF; encoding <= HEMERA_ENCODING_JSON; encoding++) {
      g_assert_null (hemera__payload_send ((HemeraEncoding) encoding, 3, hemera_term_view (term), &error));
      g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
      g_test_message ("%s", error->message);
      if (strcmp (rows[i].what, "twice") != 0) /* its words are the builder's */
        g_assert_nonnull (strstr (error->message, rows[i].what));
      g_clear_error (&error);
    }
  }
}

static void
depth_and_bulk (void)
{
  g_autoptr (GString) deep = g_string_new ("{\"x\":");
  g_autoptr (GString) bulk = g_string_new ("{\"x\":[0");
  g_autoptr (HemeraTerm) deep_term = NULL, bulk_term = NULL;
  GError *error = NULL;

  for (guint i = 0; i < 200; i++)
    g_string_append_c (deep, '[');
  for (guint i = 0; i < 200; i++)
    g_string_append_c (deep, ']');
  g_string_append_c (deep, '}');
  for (guint i = 0; i < 200000; i++)
    g_string_append (bulk, ",70000");
  g_string_append (bulk, "]}");
  deep_term = from_json (deep->str);
  bulk_term = from_json (bulk->str);
  g_assert_null (hemera__payload_send (HEMERA_ENCODING_ETF, 8, hemera_term_view (deep_term), &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
  g_clear_error (&error);
  g_assert_null (hemera__payload_send (HEMERA_ENCODING_ETF, 8, hemera_term_view (bulk_term), &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
  g_clear_error (&error);
}

static void
recoding (void)
{
  g_autoptr (HemeraTerm) term =
      from_json ("{\"guild_id\":\"1\",\"n\":[null,true,18446744073709551615,1.5e10,\"\\u0000\"],\"m\":{}}");
  g_autoptr (GBytes) etf = hemera__payload_send (HEMERA_ENCODING_ETF, 8, hemera_term_view (term), NULL);
  g_autoptr (GBytes) json = hemera__payload_send (HEMERA_ENCODING_JSON, 8, hemera_term_view (term), NULL);
  g_autoptr (GBytes) etf_again =
      hemera__payload_recode (HEMERA_ENCODING_JSON, HEMERA_ENCODING_ETF, json, NULL);
  g_autoptr (GBytes) json_again =
      hemera__payload_recode (HEMERA_ENCODING_ETF, HEMERA_ENCODING_JSON, etf, NULL);
  g_autoptr (HemeraTerm) first = hemera_term_new_from_etf (etf, NULL, NULL);
  g_autoptr (HemeraTerm) second = hemera_term_new_from_etf (etf_again, NULL, NULL);

  g_assert_true (g_bytes_equal (json, json_again));
  g_assert_true (hemera_view_equal (hemera_term_view (first), hemera_term_view (second)));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shard/payload/heartbeat/etf", heartbeat_etf);
  g_test_add_func ("/shard/payload/heartbeat/json", heartbeat_json);
  g_test_add_func ("/shard/payload/identify/json", identify_json);
  g_test_add_func ("/shard/payload/identify/json-all", identify_json_all);
  g_test_add_func ("/shard/payload/identify/erlang", identify_erlang);
  g_test_add_func ("/shard/payload/identify/oversized-presence", oversized_presence);
  g_test_add_func ("/shard/payload/identify/unsendable-presence", unsendable_presence);
  g_test_add_func ("/shard/payload/resume/json", resume_json);
  g_test_add_func ("/shard/payload/send/mixed-json", mixed_term_json);
  g_test_add_func ("/shard/payload/send/mixed-erlang", mixed_term_erlang);
  g_test_add_func ("/shard/payload/send/refusals", refusals);
  g_test_add_func ("/shard/payload/send/depth-and-bulk", depth_and_bulk);
  g_test_add_func ("/shard/payload/send/recoding", recoding);
  return g_test_run ();
}

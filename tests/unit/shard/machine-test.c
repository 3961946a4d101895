/* The shard machine, input by input and state by state, on a virtual clock, in every encoding and compression: the usual way, each op in
 * each state, what breaks the protocol. */
#include "rig-states.h"

#include <hemera/json.h>
#include <string.h>

static const HemeraShardState open_states[] = { HEMERA_SHARD_AWAITING_HELLO, HEMERA_SHARD_AWAITING_LEASE,
                                                HEMERA_SHARD_IDENTIFYING, HEMERA_SHARD_RESUMING,
                                                HEMERA_SHARD_ACTIVE };

/* ---- the usual way --------------------------------------------------------------------------------------------------------------- */

static void
identifies (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);

  rig_start (rig);
  rig_expect (rig, "connect:1 stopped>resolving");
  rig_resolved (rig);
  rig_expect (rig, "resolving>connecting");
  rig_opened (rig);
  rig_expect (rig, "connecting>awaiting_hello");
  rig_hello (rig, 41250);
  rig_expect (rig, "event:10 request awaiting_hello>awaiting_lease");
  rig_lease (rig);
  rig_expect (rig, "identify identified awaiting_lease>identifying");
  rig_payload (
      rig,
      "{\"d\":{\"session_id\":\"s1\",\"resume_gateway_url\":\"wss://r\"},\"t\":\"READY\",\"op\":0,\"s\":1}");
  rig_expect (rig, "session:s1 event:0:1:READY release:used identifying>active");
  rig_event (rig, 2);
  rig_event (rig, 7);
  rig_expect (rig, "event:0:2:TYPING_START event:0:7:TYPING_START");
  rig_free (rig);
}

static void
url_says_encoding (gconstpointer data)
{
  const RigVariant *variant = data;
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESOLVING);
  g_autofree char *url = g_strdup_printf (
      "wss://base.example/?v=10&encoding=%s%s", variant->encoding == HEMERA_ENCODING_ETF ? "etf" : "json",
      variant->compression != HEMERA_COMPRESSION_NONE ? "&compress=zlib-stream" : "");

  g_assert_cmpstr (rig->last_url, ==, url);
  rig_free (rig);
}

static void
resumes (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_event (rig, 2);
  rig_event (rig, 3);
  hemera__shard_machine_set_watermark (rig->machine, "s1", 2);
  rig_ended (rig, 0);
  rig_expect (rig,
              "event:0:2:TYPING_START event:0:3:TYPING_START reconnecting:connection_lost active>waiting");
  rig_tick (rig);
  rig_expect (rig, "connect:2 waiting>resolving");
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://resume.example/?v=10&encoding="));
  rig_open (rig);
  rig_hello (rig, 41250);
  rig_expect (rig,
              "resolving>connecting connecting>awaiting_hello event:10 resume:2 awaiting_hello>resuming");
  rig_event (rig, 3); /* given already: on its way to the subscribers */
  rig_event (rig, 4);
  rig_payload (rig, "{\"op\":0,\"s\":5,\"t\":\"RESUMED\",\"d\":null}");
  rig_event (rig, 6);
  rig_expect (rig, "event:0:4:TYPING_START event:0:5:RESUMED resuming>active event:0:6:TYPING_START");
  g_assert_cmpuint (rig->gaps, ==, 0);
  rig_free (rig);
}

static void
resumes_from_store (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = rig_stored (variant->encoding);
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_open (rig);
  rig_hello (rig, 41250);
  rig_expect (rig, "connect:1 stopped>resolving resolving>connecting connecting>awaiting_hello event:10 "
                   "resume:10 awaiting_hello>resuming");
  rig_event (rig, 9);
  rig_event (rig, 10);
  rig_event (rig, 11);
  rig_payload (rig, "{\"op\":0,\"s\":11,\"t\":\"RESUMED\",\"d\":{\"_trace\":[]}}");
  rig_expect (rig, "event:0:11:TYPING_START event:0:0:RESUMED resuming>active");
  rig_free (rig);
}

static void
resumed_without_seq (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESUMING);

  rig_payload (rig, "{\"op\":0,\"s\":null,\"t\":\"RESUMED\",\"d\":{}}");
  rig_expect (rig, "event:0:0:RESUMED resuming>active");
  rig_free (rig);
}

/* Killed between READY and its fan-out: nothing is safe yet, so READY comes again. */
static void
ready_is_replayed (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = { .id = (char *) "s0", .encoding = variant->encoding };
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_open (rig);
  rig_hello (rig, 41250);
  rig_expect_word (rig, "resume:0");
  rig_payload (rig, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s0\",\"resume_gateway_url\":"
                    "\"wss://resume.example\"}}");
  rig_payload (rig, "{\"op\":0,\"s\":2,\"t\":\"RESUMED\",\"d\":null}");
  rig_expect (rig, "event:0:1:READY event:0:2:RESUMED resuming>active");
  rig_free (rig);
}

static void
key_orders (gconstpointer variant)
{
  const char *forms[] = { "{\"t\":\"A\",\"s\":2,\"op\":0,\"d\":{}}",
                          "{\"d\":{\"op\":9,\"s\":1,\"t\":\"B\"},\"s\":2,\"op\":0,\"t\":\"A\"}",
                          "{\"op\":0,\"d\":[],\"x\":{\"op\":7},\"t\":\"A\",\"s\":2}" };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

    rig_payload (rig, forms[i]);
    rig_expect (rig, "event:0:2:A");
    rig_free (rig);
  }
}

/* What subscribers get is the same, whatever the wire. */
static void
bodies_are_the_same (gconstpointer variant)
{
  const char *bodies[] = {
    "null",
    "{}",
    "[]",
    "[0,1]",
    "{\"id\":\"18446744073709551615\",\"n\":[0,255,256,-1,9007199254740993,18446744073709551615,-"
    "9223372036854775808,1.5,1e300]}",
    "{\"content\":\"\303\244 \360\237\246\204 \\u0000 "
    "\\n\",\"\":null,\"a\":{\"a\":{\"a\":[[[]],{}]}},\"t\":true,\"f\":false}",
    "{\"op\":7,\"s\":1,\"t\":\"RESUMED\",\"d\":{\"op\":9}}",
  };
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  for (guint i = 0; i < G_N_ELEMENTS (bodies); i++) {
    g_autofree char *json = g_strdup_printf ("{\"t\":\"X\",\"s\":%u,\"op\":0,\"d\":%s}", i + 2, bodies[i]);
    g_autoptr (HemeraTerm) term = hemera_term_new_from_json (bodies[i], strlen (bodies[i]), NULL, NULL);
    g_autofree char *expected = hemera_view_to_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, NULL);

    rig_payload (rig, json);
    g_assert_cmpstr (rig->last_d, ==, expected);
  }
  rig_free (rig);
}

/* Keys as atoms and binaries, s as a big, t as an atom, as Discord's ETF has them; and what no JSON can hold: a key twice. */
static void
etf_envelopes (gconstpointer data)
{
  static const char mixed[] = "\203t\0\0\0\4d\0\1dw\3nil"
                              "w\1tw\14TYPING_START"
                              "m\0\0\0\1sn\5\0\1\0\0\0\1"
                              "s\2opa\0";
  static const char twice[] = "\203t\0\0\0\2m\0\0\0\2opa\13w\2opa\7";
  const RigVariant *variant = data;
  Rig *rig;

  if (variant->encoding != HEMERA_ENCODING_ETF || variant->compression != HEMERA_COMPRESSION_NONE) {
    g_test_skip ("raw ETF");
    return;
  }
  rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  rig_bytes (rig, mixed, sizeof mixed - 1, TRUE, TRUE, TRUE);
  rig_expect (rig, "event:0:4294967297:TYPING_START");
  rig_bytes (rig, twice, sizeof twice - 1, TRUE, TRUE, TRUE);
  rig_expect (rig, "error close:4000 active>stopped stop:crash");
  rig_free (rig);
}

static void
broken_framing (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_bytes (rig, "x", 1, FALSE, TRUE, TRUE);
  rig_expect (rig, "error close:4000 active>stopped stop:crash");
  rig_free (rig);

  rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  rig_bytes (rig, "\0", 1, TRUE, FALSE, TRUE);
  rig_bytes (rig, "\0", 1, TRUE, FALSE, TRUE);
  rig_expect_word (rig, "error close:4000 active>stopped stop:crash");
  rig_free (rig);
}

static void
duplicates_are_dropped (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_event (rig, 5);
  rig_event (rig, 5);
  rig_event (rig, 4);
  rig_event (rig, 6);
  rig_expect (rig, "event:0:5:TYPING_START event:0:6:TYPING_START");
  rig_free (rig);
}

/* ---- each op in each state -------------------------------------------------------------------------------------------------------- */

static void
op_7_anywhere (gconstpointer variant)
{
  for (guint i = 0; i < G_N_ELEMENTS (open_states); i++) {
    Rig *rig = rig_in (variant, open_states[i]);

    rig_payload (rig, "{\"op\":7,\"d\":null,\"s\":null,\"t\":null}");
    rig_expect_word (rig, "event:7 reconnecting:op_7 ");
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_CLOSING);
    g_assert_true (rig->closing);
    rig_ended (rig, 4000);
    rig_tick (rig);
    g_assert_cmpuint (rig->connection, ==, open_states[i] == HEMERA_SHARD_RESUMING ? 3 : 2);
    rig_open (rig);
    rig_hello (rig, 41250);
    g_assert_cmpint (rig_state (rig), ==,
                     rig_keeps_session (open_states[i]) ? HEMERA_SHARD_RESUMING
                                                        : HEMERA_SHARD_AWAITING_LEASE);
    g_assert_cmpuint (rig->gaps, ==, 0);
    rig_free (rig);
  }
}

static void
op_9_anywhere (const RigVariant *variant, gboolean resumable)
{
  for (guint i = 0; i < G_N_ELEMENTS (open_states); i++) {
    Rig *rig = rig_in (variant, open_states[i]);
    gboolean kept = resumable && rig_keeps_session (open_states[i]);
    gint64 start = rig->now;

    rig_payload (rig, resumable ? "{\"op\":9,\"d\":true}" : "{\"op\":9,\"d\":false}");
    g_assert_true (rig->closing);
    rig_ended (rig, 4000);
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_WAITING);
    rig_tick (rig);
    g_assert_cmpint (rig->now - start, >=, 1000000);
    g_assert_cmpint (rig->now - start, <=, 5000000);
    g_assert_true (g_str_has_prefix (rig->last_url, kept ? "wss://resume.example/" : "wss://base.example/"));
    rig_open (rig);
    rig_hello (rig, 41250);
    g_assert_cmpint (rig_state (rig), ==, kept ? HEMERA_SHARD_RESUMING : HEMERA_SHARD_AWAITING_LEASE);
    g_assert_cmpuint (rig->gaps, ==, !kept && rig_keeps_session (open_states[i]));
    rig_free (rig);
  }
}

static void
op_9_true_anywhere (gconstpointer variant)
{
  op_9_anywhere (variant, TRUE);
}

static void
op_9_false_anywhere (gconstpointer variant)
{
  op_9_anywhere (variant, FALSE);
}

static void
op_1_anywhere (gconstpointer variant)
{
  for (guint i = 0; i < G_N_ELEMENTS (open_states); i++) {
    Rig *rig = rig_in (variant, open_states[i]);

    rig_payload (rig, "{\"op\":1,\"d\":null}");
    rig_expect (rig, "event:1 beat:0");
    rig_payload (rig, "{\"op\":11}");
    rig_expect (rig, "event:11 latency:0");
    rig_free (rig);
  }
}

static void
unknown_ops_pass (gconstpointer variant)
{
  for (guint i = 0; i < G_N_ELEMENTS (open_states); i++) {
    Rig *rig = rig_in (variant, open_states[i]);

    rig_payload (rig, "{\"op\":40,\"d\":{\"x\":1}}");
    rig_payload (rig, "{\"op\":2,\"d\":null}");
    rig_expect (rig, "event:40 event:2");
    g_assert_cmpint (rig_state (rig), ==, open_states[i]);
    rig_free (rig);
  }
}

static void
closes_anywhere (gconstpointer variant)
{
  const guint codes[] = { 0,    1000, 1001, 1006, 1011, 3000, 4000, 4001, 4002, 4003, 4004, 4005,
                          4006, 4007, 4008, 4009, 4010, 4011, 4012, 4013, 4014, 4015, 4999 };

  for (guint i = 0; i < G_N_ELEMENTS (open_states); i++) {
    for (guint k = 0; k < G_N_ELEMENTS (codes); k++) {
      Rig *rig = rig_in (variant, open_states[i]);
      HemeraClosePolicy policy = hemera__close_code_policy (codes[k]);
      gboolean had = rig_keeps_session (open_states[i]);

      rig_ended (rig, codes[k]);
      if (policy == HEMERA_CLOSE_FATAL) {
        rig_expect_word (rig, "stop:shutdown");
        g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_STOPPED);
      } else {
        rig_reconnect (rig);
        g_assert_cmpint (rig_state (rig), ==,
                         had && policy == HEMERA_CLOSE_RESUME ? HEMERA_SHARD_RESUMING
                                                              : HEMERA_SHARD_AWAITING_LEASE);
        g_assert_cmpuint (rig->gaps, ==, had && policy == HEMERA_CLOSE_NEW_SESSION);
      }
      rig_free (rig);
    }
  }
}

static void
fatal_close_explains (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_IDENTIFYING);
  HemeraShardAction action;
  gboolean seen = FALSE;

  hemera__shard_machine_ended (rig->machine, rig->now, rig->connection, 4004, 0, 0, "bye");
  while (hemera__shard_machine_next_action (rig->machine, &action)) {
    if (action.type == HEMERA_SHARD_ACTION_DISCONNECTING) {
      g_assert_cmpuint (action.code, ==, 4004);
      g_assert_nonnull (strstr (action.cause, "token"));
    }
    if (action.type == HEMERA_SHARD_ACTION_STOP) {
      HemeraView reason = hemera_view_element (hemera_term_view (action.reason), 1);
      HemeraView map = hemera_view_element (reason, 1);

      seen = TRUE;
      g_assert_true (
          hemera_view_is_atom (hemera_view_element (hemera_term_view (action.reason), 0), "shutdown"));
      g_assert_true (hemera_view_is_atom (hemera_view_element (reason, 0), "shard_disconnected"));
      g_assert_cmpuint (hemera_view_uint64 (hemera_view_get (map, "shard"), 99), ==, 1);
      g_assert_cmpuint (hemera_view_uint64 (hemera_view_get (map, "code"), 99), ==, 4004);
      g_assert_true (
          hemera_view_equals_string (hemera_view_get (map, "cause"), hemera__close_code_explain (4004)));
    }
    hemera__shard_action_clear (&action);
  }
  g_assert_true (seen);
  rig_free (rig);
}

/* ---- violations ------------------------------------------------------------------------------------------------------------------- */

static void
violations_crash (gconstpointer variant)
{
  const struct {
    HemeraShardState state;
    const char *payload;
  } rows[] = {
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":0,\"s\":1,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_AWAITING_LEASE, "{\"op\":0,\"s\":1,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"GUILD_CREATE\",\"d\":{}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"RESUMED\",\"d\":{}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"\"}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"a\\u0000b\"}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"a\\u001b[2J\"}}" },
    { HEMERA_SHARD_IDENTIFYING, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":null}" },
    { HEMERA_SHARD_RESUMING, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"z\"}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":9,\"t\":\"READY\",\"d\":{\"session_id\":\"z\"}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":null,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":2,\"t\":null,\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":2,\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":2,\"t\":\"\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":2,\"t\":7,\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":-2,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":\"2\",\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":18446744073709551615,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":0,\"s\":281474976710656,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":\"0\",\"s\":2,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":-1}" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":99999999999999999999999}" },
    { HEMERA_SHARD_ACTIVE, "{\"s\":2,\"t\":\"X\",\"d\":{}}" },
    { HEMERA_SHARD_ACTIVE, "{}" },
    { HEMERA_SHARD_ACTIVE, "[0,1]" },
    { HEMERA_SHARD_ACTIVE, "\"op\"" },
    { HEMERA_SHARD_ACTIVE, "null" },
    { HEMERA_SHARD_ACTIVE, "{\"op\":10,\"d\":{\"heartbeat_interval\":41250}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":null}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":0}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":99}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":-41250}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":600001}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":\"41250\"}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":99.9}}" },
    { HEMERA_SHARD_AWAITING_HELLO, "{\"op\":10,\"d\":{\"heartbeat_interval\":1e300}}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    Rig *rig = rig_in (variant, rows[i].state);
    g_autofree char *words = NULL;

    rig_payload (rig, rows[i].payload);
    words = rig_take (rig);
    g_test_message ("%s: %s", rows[i].payload, words);
    g_assert_nonnull (strstr (words, "error close:4000"));
    g_assert_true (g_str_has_suffix (words, ">stopped stop:crash"));
    g_assert_null (strstr (words, "failures"));
    g_assert_cmpuint (rig->gaps, ==, 0);
    g_assert_cmpint (hemera__shard_machine_deadline (rig->machine), ==, G_MAXINT64);
    rig_free (rig);
  }
}

static void
hello_bounds (gconstpointer variant)
{
  const guint intervals[] = { 100, 1000, 41250, 45000, 600000 };

  for (guint i = 0; i < G_N_ELEMENTS (intervals); i++) {
    Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_HELLO);

    rig_hello (rig, intervals[i]);
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
    rig_advance (rig, intervals[i] / 2);
    rig_expect (rig, "event:10 request awaiting_hello>awaiting_lease beat:0");
    rig_free (rig);
  }
}

static void
hello_with_a_float (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_HELLO);

  rig_payload (rig, "{\"op\":10,\"d\":{\"heartbeat_interval\":41250.0}}");
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
  rig_advance (rig, 41250 / 2);
  rig_expect (rig, "event:10 request awaiting_hello>awaiting_lease beat:0");
  rig_free (rig);
}

static void
bad_resume_url_is_not_kept (gconstpointer variant)
{
  const char *urls[] = { "null", "\"ws://plain.example\"", "\"http://x\"", "\"\"", "7" };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++) {
    Rig *rig = rig_in (variant, HEMERA_SHARD_IDENTIFYING);
    g_autofree char *json = g_strdup_printf (
        "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s1\",\"resume_gateway_url\":%s}}",
        urls[i]);

    rig_payload (rig, json);
    rig_ended (rig, 0);
    rig_reconnect (rig);
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
    g_assert_true (g_str_has_prefix (rig->last_url, "wss://base.example/"));
    rig_free (rig);
  }
}

/* A session that a run against another API left in the file. */
static void
stored_resume_url_is_no_downgrade (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = {
    .id = (char *) "s0", .resume_url = (char *) "ws://plain.example", .seq = 10, .encoding = variant->encoding
  };
  Rig *rig = rig_new (variant, &session, 0, NULL);

  hemera__shard_machine_start (rig->machine, rig->now);
  rig_collect (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://base.example/"));
  rig_free (rig);
}

static void
garbage_crashes (gconstpointer data)
{
  const RigVariant *variant = data;
  const struct {
    const char *bytes;
    gsize size;
  } rows[] = {
    { "\203", 1 }, { "garbage", 7 }, { "\203t\0\0\0\1", 6 }, { "{\"op\":", 6 }, { "\0\0\0\0", 4 }
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
    g_autofree char *words = NULL;

    rig_bytes (rig, rows[i].bytes, rows[i].size, TRUE, TRUE, TRUE);
    words = rig_take (rig);
    if (variant->compression == HEMERA_COMPRESSION_NONE)
      g_assert_cmpstr (words, ==,
                       variant->encoding == HEMERA_ENCODING_ETF
                           ? "failures:1 error close:4000 active>stopped stop:crash"
                           : "error close:4000 active>stopped stop:crash");
    else if (words[0] != '\0') /* a piece of a compressed stream may look well for a while */
      g_assert_cmpstr (words, ==, "error close:4000 active>stopped stop:crash");
    rig_free (rig);
  }
}

static void
text_frames (gconstpointer data)
{
  const RigVariant *variant = data;
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  const char *json = "{\"op\":11}";

  if (variant->encoding == HEMERA_ENCODING_JSON && variant->compression == HEMERA_COMPRESSION_NONE) {
    rig_bytes (rig, json, strlen (json), TRUE, TRUE, TRUE); /* binary JSON is fine */
    rig_expect (rig, "event:11");
  } else {
    rig_bytes (rig, json, strlen (json), TRUE, TRUE, FALSE);
    rig_expect (rig, "error close:4000 active>stopped stop:crash");
  }
  rig_free (rig);
}

static void
small_limit (HemeraShardConfig *config)
{
  config->max_payload = 1000;
}

static void
large_message_is_refused (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, small_limit);
  g_autofree char *text = g_strnfill (2000, 'a');
  g_autofree char *json = g_strdup_printf ("{\"op\":50,\"d\":\"%s\"}", text);

  rig_open (rig);
  g_free (rig_take (rig));
  rig_payload (rig, json);
  rig_expect_word (rig, "error close:4000 awaiting_hello>stopped stop:crash");
  rig_free (rig);
}

static void
bytes_of_old_connections_are_dropped (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESUMING);

  hemera__shard_machine_received (rig->machine, rig->now, 1, (const guint8 *) "garbage", 7, TRUE, TRUE,
                                  FALSE);
  hemera__shard_machine_ended (rig->machine, rig->now, 1, 4004, 0, 0, NULL);
  hemera__shard_machine_opened (rig->machine, rig->now, 1);
  hemera__shard_machine_drained (rig->machine, rig->now, 1);
  hemera__shard_machine_lease (rig->machine, rig->now, 1);
  hemera__shard_machine_lease_denied (rig->machine, rig->now, 1, 5);
  rig_expect (rig, "");
  rig_free (rig);
}

static void
nothing_is_read_while_closing (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_CLOSING);

  rig_event (rig, 2);
  rig_payload (rig, "{\"op\":1}");
  rig_advance (rig, 4000);
  rig_expect (rig, "");
  rig_advance (rig, 1000);
  rig_expect_word (rig, "abort closing>waiting");
  rig_free (rig);
}

/* ---- all ----------------------------------------------------------------------------------------------------------------------------- */

static const RigTest tests[] = {
  { "identifies", identifies },
  { "url-says-encoding", url_says_encoding },
  { "resumes", resumes },
  { "resumes-from-store", resumes_from_store },
  { "resumed-without-seq", resumed_without_seq },
  { "ready-is-replayed", ready_is_replayed },
  { "key-orders", key_orders },
  { "bodies-are-the-same", bodies_are_the_same },
  { "etf-envelopes", etf_envelopes },
  { "broken-framing", broken_framing },
  { "duplicates-are-dropped", duplicates_are_dropped },
  { "op-7-anywhere", op_7_anywhere },
  { "op-9-true-anywhere", op_9_true_anywhere },
  { "op-9-false-anywhere", op_9_false_anywhere },
  { "op-1-anywhere", op_1_anywhere },
  { "unknown-ops-pass", unknown_ops_pass },
  { "closes-anywhere", closes_anywhere },
  { "fatal-close-explains", fatal_close_explains },
  { "violations-crash", violations_crash },
  { "hello-bounds", hello_bounds },
  { "hello-with-a-float", hello_with_a_float },
  { "bad-resume-url-is-not-kept", bad_resume_url_is_not_kept },
  { "stored-resume-url-is-no-downgrade", stored_resume_url_is_no_downgrade },
  { "garbage-crashes", garbage_crashes },
  { "text-frames", text_frames },
  { "large-message-is-refused", large_message_is_refused },
  { "old-connections-are-dropped", bytes_of_old_connections_are_dropped },
  { "nothing-is-read-while-closing", nothing_is_read_while_closing },
};

int
main (int argc, char **argv)
{
  return rig_run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}

/* The shard machine, input by input and state by state, on a virtual clock, in every encoding and compression. */
#include "rig.h"

#include <hemera/json.h>
#include <string.h>

static const HemeraShardState open_states[] = { HEMERA_SHARD_AWAITING_HELLO, HEMERA_SHARD_AWAITING_LEASE,
                                                HEMERA_SHARD_IDENTIFYING, HEMERA_SHARD_RESUMING,
                                                HEMERA_SHARD_ACTIVE };

static HemeraShardState
state_of (Rig *rig)
{
  return hemera__shard_machine_state (rig->machine);
}

static HemeraSession
stored (HemeraEncoding encoding)
{
  return (HemeraSession){
    .id = (char *) "s0", .resume_url = (char *) "wss://resume.example", .seq = 10, .encoding = encoding
  };
}

/* A rig in @state. In ACTIVE, RESUMING, CLOSING and WAITING it has session s1 with seq 1 given. */
static Rig *
rig_in (const RigVariant *variant, HemeraShardState state)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);

  switch (state) {
  case HEMERA_SHARD_STOPPED: break;
  case HEMERA_SHARD_RESOLVING: rig_start (rig); break;
  case HEMERA_SHARD_CONNECTING:
    rig_start (rig);
    rig_resolved (rig);
    break;
  case HEMERA_SHARD_AWAITING_HELLO: rig_open (rig); break;
  case HEMERA_SHARD_AWAITING_LEASE:
    rig_open (rig);
    rig_hello (rig, 41250);
    break;
  case HEMERA_SHARD_IDENTIFYING:
    rig_open (rig);
    rig_hello (rig, 41250);
    rig_lease (rig);
    break;
  case HEMERA_SHARD_RESUMING:
    rig_ready (rig);
    rig_ended (rig, 0);
    rig_reconnect (rig);
    break;
  case HEMERA_SHARD_ACTIVE: rig_ready (rig); break;
  case HEMERA_SHARD_WAITING:
    rig_ready (rig);
    rig_ended (rig, 0);
    break;
  case HEMERA_SHARD_CLOSING:
    rig_ready (rig);
    rig_payload (rig, "{\"op\":7,\"d\":null}");
    break;
  }
  g_assert_cmpint (state_of (rig), ==, state);
  g_free (rig_take (rig));
  return rig;
}

static gboolean
keeps_session (HemeraShardState state)
{
  return state == HEMERA_SHARD_RESUMING || state == HEMERA_SHARD_ACTIVE || state == HEMERA_SHARD_WAITING
         || state == HEMERA_SHARD_CLOSING;
}

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
  HemeraSession session = stored (variant->encoding);
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
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_CLOSING);
    g_assert_true (rig->closing);
    rig_ended (rig, 4000);
    rig_tick (rig);
    g_assert_cmpuint (rig->connection, ==, open_states[i] == HEMERA_SHARD_RESUMING ? 3 : 2);
    rig_open (rig);
    rig_hello (rig, 41250);
    g_assert_cmpint (state_of (rig), ==,
                     keeps_session (open_states[i]) ? HEMERA_SHARD_RESUMING : HEMERA_SHARD_AWAITING_LEASE);
    g_assert_cmpuint (rig->gaps, ==, 0);
    rig_free (rig);
  }
}

static void
op_9_anywhere (const RigVariant *variant, gboolean resumable)
{
  for (guint i = 0; i < G_N_ELEMENTS (open_states); i++) {
    Rig *rig = rig_in (variant, open_states[i]);
    gboolean kept = resumable && keeps_session (open_states[i]);
    gint64 start = rig->now;

    rig_payload (rig, resumable ? "{\"op\":9,\"d\":true}" : "{\"op\":9,\"d\":false}");
    g_assert_true (rig->closing);
    rig_ended (rig, 4000);
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_WAITING);
    rig_tick (rig);
    g_assert_cmpint (rig->now - start, >=, 1000000);
    g_assert_cmpint (rig->now - start, <=, 5000000);
    g_assert_true (g_str_has_prefix (rig->last_url, kept ? "wss://resume.example/" : "wss://base.example/"));
    rig_open (rig);
    rig_hello (rig, 41250);
    g_assert_cmpint (state_of (rig), ==, kept ? HEMERA_SHARD_RESUMING : HEMERA_SHARD_AWAITING_LEASE);
    g_assert_cmpuint (rig->gaps, ==, !kept && keeps_session (open_states[i]));
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
    g_assert_cmpint (state_of (rig), ==, open_states[i]);
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
      gboolean had = keeps_session (open_states[i]);

      rig_ended (rig, codes[k]);
      if (policy == HEMERA_CLOSE_FATAL) {
        rig_expect_word (rig, "stop:shutdown");
        g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_STOPPED);
      } else {
        rig_reconnect (rig);
        g_assert_cmpint (state_of (rig), ==,
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
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
    rig_advance (rig, intervals[i] / 2);
    rig_expect (rig, "event:10 request awaiting_hello>awaiting_lease beat:0");
    rig_free (rig);
  }
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
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
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

/* ---- time-outs -------------------------------------------------------------------------------------------------------------------- */

static void
time_outs (gconstpointer variant)
{
  const struct {
    HemeraShardState state;
    guint ms;
    const char *cause, *how;
  } rows[] = {
    { HEMERA_SHARD_RESOLVING, 10000, "resolve_timeout", "abort" },
    { HEMERA_SHARD_CONNECTING, 10000, "connect_timeout", "abort" },
    { HEMERA_SHARD_AWAITING_HELLO, 20000, "hello_timeout", "close:4000" },
    { HEMERA_SHARD_IDENTIFYING, 30000, "ready_timeout", "close:4000" },
    { HEMERA_SHARD_RESUMING, 60000, "resumed_timeout", "close:4000" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    Rig *rig = rig_in (variant, rows[i].state);
    g_autofree char *early = NULL, *late = NULL;

    for (guint ms = 0; ms + 5000 < rows[i].ms; ms += 5000) { /* alive, but not what is waited for */
      rig_advance (rig, 5000);
      rig_payload (rig, "{\"op\":11}");
    }
    rig_advance (rig, 4999);
    early = rig_take (rig);
    g_assert_null (strstr (early, "reconnecting"));
    rig_advance (rig, 1);
    late = rig_take (rig);
    g_assert_nonnull (strstr (late, rows[i].cause));
    g_assert_nonnull (strstr (late, rows[i].how));
    rig_free (rig);
  }
}

static void
lease_times_out (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_LEASE);
  g_autofree char *words = NULL;

  for (guint i = 0; i < 3599; i++) {
    rig_advance (rig, 1000);
    rig_payload (rig, "{\"op\":11}");
  }
  words = rig_take (rig);
  g_assert_null (strstr (words, "reconnecting"));
  g_assert_nonnull (strstr (words, "beat:0"));
  rig_advance (rig, 1000);
  rig_expect_word (rig, "reconnecting:lease_timeout release:unused close:4000 awaiting_lease>closing");
  rig_free (rig);
}

static void
replay_keeps_resuming_alive (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESUMING);

  for (guint64 seq = 2; seq < 10; seq++) {
    rig_advance (rig, 40000);
    rig_event (rig, seq);
    rig_payload (rig, "{\"op\":11}");
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
  }
  rig_free (rig);
}

static void
pause_delays_time_outs (gconstpointer variant)
{
  const HemeraShardState states[] = { HEMERA_SHARD_AWAITING_HELLO, HEMERA_SHARD_IDENTIFYING,
                                      HEMERA_SHARD_RESUMING, HEMERA_SHARD_ACTIVE };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++) {
    Rig *rig = rig_in (variant, states[i]);

    hemera__shard_machine_paused (rig->machine, rig->now, TRUE);
    rig_advance (rig, 600000);
    g_assert_cmpint (state_of (rig), ==, states[i]);
    hemera__shard_machine_paused (rig->machine, rig->now, FALSE);
    rig_advance (rig, 10000);
    g_assert_cmpint (state_of (rig), ==, states[i]);
    rig_advance (rig, 120000);
    g_assert_cmpint (state_of (rig), !=, states[i]);
    rig_free (rig);
  }
}

/* ---- heartbeats ------------------------------------------------------------------------------------------------------------------- */

static void
beats_carry_the_watermark (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_event (rig, 2);
  rig_event (rig, 3);
  hemera__shard_machine_set_watermark (rig->machine, "other", 3);
  rig_advance (rig, 20625);
  rig_expect (rig, "event:0:2:TYPING_START event:0:3:TYPING_START beat:0");
  hemera__shard_machine_set_watermark (rig->machine, "s1", 2);
  hemera__shard_machine_set_watermark (rig->machine, "s1", 1);
  rig_payload (rig, "{\"op\":11}");
  rig_advance (rig, 41250);
  rig_expect (rig, "event:11 latency:0 beat:2");
  rig_advance (rig, 250);
  rig_payload (rig, "{\"op\":11}");
  rig_expect (rig, "event:11 latency:250000");
  rig_free (rig);
}

static void
zombie_is_left (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_advance (rig, 20625);
  rig_expect (rig, "beat:0");
  rig_advance (rig, 41250);
  rig_expect (rig, "reconnecting:no_traffic close:4000 active>closing");
  rig_advance (rig, 5000);
  rig_expect_word (rig, "abort closing>waiting");
  rig_open (rig);
  rig_hello (rig, 41250);
  rig_expect_word (rig, "resume:0");
  g_assert_cmpuint (rig->gaps, ==, 0);
  rig_free (rig);
}

static void
zombie_while_awaiting_lease (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_LEASE);

  rig_advance (rig, 70000);
  rig_expect_word (rig, "beat:0 reconnecting:no_traffic release:unused close:4000 awaiting_lease>closing");
  rig_free (rig);
}

static void
op_1_flood_keeps_the_window (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_HELLO);

  rig_hello (rig, 600000);
  for (guint i = 0; i < 300; i++)
    rig_payload (rig, "{\"op\":1}");
  g_assert_cmpuint (rig->writes->len, <=, 120);
  g_assert_cmpuint (rig->writes->len, >=, 110);
  rig_advance (rig, 60999);
  g_free (rig_take (rig));
  rig_advance (rig, 1); /* the answer that is owed goes as soon as it may */
  rig_expect (rig, "beat:0");
  rig_free (rig);
}

/* ---- the host of a session --------------------------------------------------------------------------------------------------------- */

static void
resume_host_and_base_alternate (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_WAITING);
  const char *hosts[] = { "wss://resume.example/", "wss://base.example/", "wss://resume.example/",
                          "wss://base.example/" };

  for (guint i = 0; i < G_N_ELEMENTS (hosts); i++) {
    rig_tick (rig);
    g_assert_true (g_str_has_prefix (rig->last_url, hosts[i]));
    if (i < 3)
      rig_ended (rig, 0);
  }
  rig_open (rig);
  rig_hello (rig, 41250);
  g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
  rig_payload (rig, "{\"op\":0,\"s\":2,\"t\":\"RESUMED\",\"d\":null}");
  rig_ended (rig, 0);
  rig_tick (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://resume.example/"));
  g_assert_cmpuint (rig->gaps, ==, 0);
  rig_free (rig);
}

/* Accepts and says nothing: as bad as not there. */
static void
mute_resume_host_is_left (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_WAITING);

  rig_tick (rig);
  rig_open (rig);
  rig_ended (rig, 1011);
  rig_tick (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://base.example/"));
  rig_open (rig);
  rig_advance (rig, 20000);
  rig_ended (rig, 0);
  rig_tick (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://resume.example/"));
  g_assert_cmpuint (rig->gaps, ==, 0);
  rig_free (rig);
}

static void
rate_limited_pauses (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  gint64 start = rig->now;

  rig->random = 0.0; /* the back-off alone would be none */
  rig_ended (rig, 4008);
  rig_tick (rig);
  g_assert_cmpint (rig->now - start, ==, 1000000);
  rig_free (rig);
}

static void
new_base_url_is_used (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESOLVING);

  hemera__shard_machine_set_gateway_url (rig->machine, "wss://other.example/");
  rig_ended (rig, 0);
  rig_tick (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://other.example/?v=10"));
  rig_free (rig);
}

static void
barren_resumes_end_the_session (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_WAITING);

  for (guint i = 0; i < 5; i++) {
    g_assert_cmpuint (rig->gaps, ==, 0);
    rig_reconnect (rig);
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
    rig_ended (rig, 0);
  }
  g_assert_cmpuint (rig->gaps, ==, 1);
  rig_reconnect (rig);
  g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
  rig_free (rig);
}

static void
fruitful_resumes_do_not (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_WAITING);

  for (guint i = 0; i < 20; i++) {
    rig_reconnect (rig);
    g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
    if (i % 4 == 3)
      rig_event (rig, 10 + i);
    rig_ended (rig, 0);
  }
  g_assert_cmpuint (rig->gaps, ==, 0);
  rig_free (rig);
}

static void
refused_upgrades (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_CONNECTING);
  gint64 start = rig->now;

  hemera__shard_machine_ended (rig->machine, rig->now, rig->connection, 0, 429, 30, "Too Many Requests");
  rig_expect (rig, "reconnecting:upgrade_refused:429 connecting>waiting");
  rig_tick (rig);
  g_assert_cmpint (rig->now - start, >=, 30000000);
  g_assert_cmpint (rig->now - start, <=, 31000000);
  start = rig->now;
  rig_resolved (rig);
  g_free (rig_take (rig));
  hemera__shard_machine_ended (rig->machine, rig->now, rig->connection, 0, 401, 0, NULL);
  rig_expect (rig, "alarm reconnecting:upgrade_refused:401 connecting>waiting");
  rig_tick (rig);
  g_assert_cmpint (rig->now - start, ==, 45000000); /* half of the cap and half of the rest */
  rig_resolved (rig);
  start = rig->now;
  hemera__shard_machine_ended (rig->machine, rig->now, rig->connection, 0, 429, G_MAXUINT, NULL);
  rig_tick (rig);
  g_assert_cmpint (rig->now - start, <=, G_GINT64_CONSTANT (3660) * G_USEC_PER_SEC);
  rig_free (rig);
}

/* ---- back-off ---------------------------------------------------------------------------------------------------------------------- */

static void
outage_backs_off (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESOLVING);
  const gint64 waits_ms[] = { 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000 };

  for (guint i = 0; i < G_N_ELEMENTS (waits_ms); i++) {
    gint64 start = rig->now;

    rig_ended (rig, 0);
    rig_tick (rig);
    g_assert_cmpint (rig->now - start, ==, waits_ms[i] * 1000);
  }
  rig_free (rig);
}

/* Each identify that is refused costs a session start: less and less often. */
static void
refused_identifies_back_off (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_IDENTIFYING);
  const gint64 waits_ms[] = { 3000, 3000, 3000, 4000, 8000, 16000, 30000, 30000 };

  for (guint i = 0; i < G_N_ELEMENTS (waits_ms); i++) {
    gint64 start = rig->now;

    rig_payload (rig, "{\"op\":9,\"d\":false}");
    rig_reconnect (rig);
    rig_lease (rig);
    g_assert_cmpint (rig->now - start, ==, waits_ms[i] * 1000);
  }
  rig_free (rig);
}

static void
accept_and_close_backs_off (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESOLVING);
  gint64 start = rig->now;

  for (guint i = 0; i < 8; i++) {
    rig_open (rig);
    rig_ended (rig, 1000);
    rig_tick (rig);
  }
  g_assert_cmpint (rig->now - start, >, 60000000);
  rig_free (rig);
}

static void
long_activity_resets (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESOLVING);
  gint64 start;

  for (guint i = 0; i < 6; i++) {
    rig_ended (rig, 0);
    rig_tick (rig);
  }
  rig_ready (rig);
  for (guint i = 0; i < 6; i++) {
    rig_advance (rig, 10000);
    rig_payload (rig, "{\"op\":11}");
  }
  start = rig->now;
  rig_ended (rig, 0);
  rig_tick (rig);
  g_assert_cmpint (rig->now - start, ==, 500000);
  rig_free (rig);
}

static void
flapping_sessions_stay_quick (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  for (guint i = 0; i < 10; i++) {
    gint64 start = rig->now;

    rig_ended (rig, 4000);
    rig_reconnect (rig);
    rig_payload (rig, "{\"op\":0,\"s\":null,\"t\":\"RESUMED\",\"d\":null}");
    g_assert_cmpint (rig->now - start, <=, 4000000);
  }
  rig_free (rig);
}

static void
back_off_overlaps_closing (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_CLOSING);
  gint64 start = rig->now;

  rig_advance (rig, 5000);
  g_assert_cmpint (rig->now - start, ==, 5000000);
  rig_expect (rig, "abort closing>waiting connect:2 waiting>resolving");
  rig_free (rig);
}

/* ---- gaps --------------------------------------------------------------------------------------------------------------------------- */

static void
gap_is_exact (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  gint64 alive;

  rig_event (rig, 2);
  rig_event (rig, 5);
  rig_advance (rig, 7000);
  rig_payload (rig, "{\"op\":11}"); /* nothing was missed up to here */
  alive = rig->now;
  hemera__shard_machine_set_watermark (rig->machine, "s1", 2);
  rig_ended (rig, 0);
  rig_tick (rig);
  rig_open (rig);
  rig_hello (rig, 41250);
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":9,\"d\":false}");
  rig_expect (rig, "event:9 gap:5 session:- reconnecting:invalid_session close:4000 resuming>closing");
  g_assert_cmpint (rig->last_since_ms, ==, (alive + RIG_WALL) / 1000);
  rig_ended (rig, 0);
  rig_reconnect (rig);
  rig_lease (rig);
  rig_payload (rig, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s2\"}}");
  g_assert_cmpuint (rig->gaps, ==, 1);
  rig_free (rig);
}

static void
gap_of_a_stored_session (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = stored (variant->encoding);
  Rig *rig;

  session.alive_ms = 1234567;
  rig = rig_new (variant, &session, 0, NULL);
  rig_open (rig);
  rig_hello (rig, 41250);
  hemera__shard_machine_set_watermark (rig->machine, "s0",
                                       12); /* what an earlier machine gave arrives meanwhile */
  rig_payload (rig, "{\"op\":9,\"d\":false}");
  rig_expect_word (rig, "gap:12 session:-");
  g_assert_cmpint (rig->last_since_ms, ==, 1234567);
  rig_free (rig);
}

static void
interrupted_replay_gap (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_RESUMING);
  gint64 alive = 1000000; /* all of the set-up happened at one moment, but for the back-off */

  rig_advance (rig, 9000);
  rig_event (rig, 2);
  rig_event (rig, 3);
  rig_ended (rig, 4007);
  rig_expect_word (rig, "gap:3 session:-");
  g_assert_cmpint (rig->last_since_ms, ==,
                   (alive + RIG_WALL) / 1000); /* replayed events are older than their arrival */
  rig_free (rig);
}

/* ---- commands ----------------------------------------------------------------------------------------------------------------------- */

static void
dispose_anywhere (gconstpointer variant)
{
  for (HemeraShardState state = HEMERA_SHARD_STOPPED; state <= HEMERA_SHARD_CLOSING; state++) {
    for (guint mode = HEMERA_CLOSE_KEEP; mode <= HEMERA_CLOSE_END; mode++) {
      Rig *rig = rig_in (variant, state);
      gboolean open = state >= HEMERA_SHARD_AWAITING_HELLO && state <= HEMERA_SHARD_ACTIVE;
      g_autofree char *words = NULL;

      hemera__shard_machine_dispose (rig->machine, rig->now, (HemeraCloseMode) mode);
      hemera__shard_machine_dispose (rig->machine, rig->now, (HemeraCloseMode) mode); /* harmless */
      rig_collect (rig);
      if (open || state == HEMERA_SHARD_CLOSING) {
        g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_CLOSING);
        rig_ended (rig, 0);
      }
      words = rig_take (rig);
      g_assert_true (g_str_has_suffix (words, ">stopped stop:normal"));
      g_assert_true ((strstr (words, "close:") != NULL) == open);
      if (open)
        g_assert_nonnull (strstr (words, mode == HEMERA_CLOSE_END ? "close:1000" : "close:4000"));
      g_assert_true ((strstr (words, "abort") != NULL)
                     == (state == HEMERA_SHARD_RESOLVING || state == HEMERA_SHARD_CONNECTING));
      g_assert_true ((strstr (words, "session:-") != NULL)
                     == (mode == HEMERA_CLOSE_END && keeps_session (state)));
      g_assert_cmpuint (rig->gaps, ==, 0);
      g_assert_true ((hemera__shard_machine_session (rig->machine)->id != NULL)
                     == (mode == HEMERA_CLOSE_KEEP && keeps_session (state)));
      rig_free (rig);
    }
  }
}

static void
dispose_is_bounded (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  hemera__shard_machine_dispose (rig->machine, rig->now, HEMERA_CLOSE_KEEP);
  rig_advance (rig, 5000);
  rig_expect (rig, "close:4000 active>closing abort closing>stopped stop:normal");
  rig_free (rig);
}

static void
reconnect_anywhere (gconstpointer variant)
{
  for (HemeraShardState state = HEMERA_SHARD_RESOLVING; state <= HEMERA_SHARD_CLOSING; state++) {
    for (guint resume = 0; resume < 2; resume++) {
      Rig *rig = rig_in (variant, state);
      gboolean open = state >= HEMERA_SHARD_AWAITING_HELLO && state <= HEMERA_SHARD_ACTIVE;
      g_autofree char *words = NULL;

      hemera__shard_machine_reconnect (rig->machine, rig->now, resume != 0);
      words = rig_take (rig);
      if (open)
        g_assert_nonnull (strstr (words, resume != 0 ? "close:4000" : "close:1000"));
      else
        g_assert_null (strstr (words, "close:"));
      g_assert_cmpuint (rig->gaps, ==, resume == 0 && keeps_session (state));
      if (state_of (rig) == HEMERA_SHARD_CLOSING)
        rig_ended (rig, 0);
      if (state_of (rig) == HEMERA_SHARD_WAITING)
        rig_tick (rig);
      rig_open (rig);
      rig_hello (rig, 41250);
      g_assert_cmpint (state_of (rig), ==,
                       resume != 0 && keeps_session (state) ? HEMERA_SHARD_RESUMING
                                                            : HEMERA_SHARD_AWAITING_LEASE);
      rig_free (rig);
    }
  }
}

static void
reconnect_leaves_a_dead_host (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = stored (variant->encoding);
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_start (rig);
  hemera__shard_machine_reconnect (rig->machine, rig->now, TRUE);
  rig_expect (rig, "connect:1 stopped>resolving");
  hemera__shard_machine_reconnect (rig->machine, rig->now, FALSE);
  rig_expect (rig, "gap:10 session:- reconnecting:reconnect abort resolving>waiting");
  rig_tick (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://base.example/"));
  rig_free (rig);
}

static void
fatal_code_crosses_our_close (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_CLOSING);

  rig_ended (rig, 4004);
  rig_expect (rig, "disconnecting:4004 closing>stopped stop:shutdown");
  rig_free (rig);
}

static void
nothing_after_stop (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  g_autoptr (GError) error = NULL;

  rig_ended (rig, 4014);
  g_free (rig_take (rig));
  hemera__shard_machine_start (rig->machine, rig->now);
  hemera__shard_machine_tick (rig->machine, rig->now + 1000000000);
  hemera__shard_machine_opened (rig->machine, rig->now, rig->connection);
  hemera__shard_machine_received (rig->machine, rig->now, rig->connection, (const guint8 *) "x", 1, TRUE,
                                  TRUE, TRUE);
  hemera__shard_machine_ended (rig->machine, rig->now, rig->connection, 1000, 0, 0, NULL);
  hemera__shard_machine_dispose (rig->machine, rig->now, HEMERA_CLOSE_END);
  hemera__shard_machine_reconnect (rig->machine, rig->now, TRUE);
  g_assert_false (hemera__shard_machine_send (rig->machine, rig->now, 3, HEMERA_VIEW_INVALID, 1, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED);
  rig_expect (rig, "");
  g_assert_cmpint (hemera__shard_machine_deadline (rig->machine), ==, G_MAXINT64);
  rig_free (rig);
}

/* ---- leases ------------------------------------------------------------------------------------------------------------------------- */

static void
lease_is_given_back (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_LEASE);

  rig_ended (rig, 0);
  rig_expect (rig, "reconnecting:connection_lost release:unused awaiting_lease>waiting");
  rig_reconnect (rig);
  hemera__shard_machine_lease (rig->machine, rig->now, 1); /* for the request of connection 1 */
  g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
  rig_lease (rig);
  rig_lease (rig); /* once is enough */
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":9,\"d\":false}");
  rig_expect (rig, "event:9 reconnecting:invalid_session release:used close:4000 identifying>closing");
  rig_free (rig);
}

static void
lease_denied (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_AWAITING_LEASE);
  gint64 start = rig->now;

  rig->lease = FALSE;
  hemera__shard_machine_lease_denied (rig->machine, rig->now, rig->connection, 3600000);
  rig_expect (rig, "alarm reconnecting:no_session_starts close:4000 awaiting_lease>closing");
  rig_ended (rig, 4000);
  rig_tick (rig);
  g_assert_cmpint (rig->now - start, >=, G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC);
  g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESOLVING);
  rig_free (rig);
}

/* ---- encodings ----------------------------------------------------------------------------------------------------------------------- */

static void
falls_back_to_json (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = stored (HEMERA_ENCODING_ETF);
  Rig *rig;

  if (variant->encoding != HEMERA_ENCODING_ETF) {
    g_test_skip ("a rule for ETF");
    return;
  }
  rig = rig_new (variant, &session, 3, NULL);
  rig_start (rig);
  rig_expect (rig, "gap:10 session:- encoding:json connect:1 stopped>resolving");
  g_assert_nonnull (strstr (rig->last_url, "wss://base.example/?v=10&encoding=json"));
  rig_open (rig);
  rig_hello (rig, 41250);
  rig_lease (rig);
  rig_payload (rig, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s2\"}}");
  rig_event (rig, 2);
  g_assert_cmpint (hemera__shard_machine_session (rig->machine)->encoding, ==, HEMERA_ENCODING_JSON);
  rig_ended (rig, 4009); /* and stays with it */
  rig_tick (rig);
  g_assert_nonnull (strstr (rig->last_url, "encoding=json"));
  rig_free (rig);
}

static void
fallen_back_session_is_resumed (gconstpointer data)
{
  HemeraSession session = stored (HEMERA_ENCODING_JSON);
  Rig *rig = rig_new (data, &session, 3, NULL);

  rig_start (rig);
  rig_open (rig);
  rig_hello (rig, 41250);
  g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
  g_assert_cmpuint (rig->gaps, ==, 0);
  g_assert_nonnull (strstr (rig->last_url, "encoding=json"));
  rig_payload (rig, "{\"op\":0,\"s\":11,\"t\":\"RESUMED\",\"d\":null}");
  g_free (rig_take (rig));
  rig_event (rig, 12);
  rig_expect (rig, "event:0:12:TYPING_START"); /* JSON that works says nothing of ETF: the count stays */
  rig_free (rig);
}

static void
failures_count_and_reset (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = stored (HEMERA_ENCODING_ETF);
  Rig *rig;

  if (variant->encoding != HEMERA_ENCODING_ETF || variant->compression != HEMERA_COMPRESSION_NONE) {
    g_test_skip ("a rule for ETF");
    return;
  }
  rig = rig_new (variant, &session, 1, NULL);
  rig_open (rig);
  rig_hello (rig, 41250);
  rig_event (rig, 11); /* a replay proves little: the bad payload may be next, each time */
  rig_bytes (rig, "\203\377", 2, TRUE, TRUE, TRUE);
  rig_expect_word (rig, "failures:2 error");
  rig_free (rig);

  rig = rig_new (variant, &session, 2, NULL);
  rig_open (rig);
  rig_hello (rig, 41250);
  rig_payload (rig, "{\"op\":0,\"s\":11,\"t\":\"RESUMED\",\"d\":null}");
  rig_event (rig, 12);
  rig_expect_word (rig, "event:0:12:TYPING_START failures:0");
  rig_free (rig);
}

static void
sessions_keep_their_encoding (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraEncoding other =
      variant->encoding == HEMERA_ENCODING_ETF ? HEMERA_ENCODING_JSON : HEMERA_ENCODING_ETF;
  HemeraSession session = stored (other);
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_open (rig);
  g_assert_nonnull (strstr (rig->last_url, other == HEMERA_ENCODING_ETF ? "encoding=etf" : "encoding=json"));
  rig_hello (rig, 41250);
  g_assert_cmpint (state_of (rig), ==, HEMERA_SHARD_RESUMING);
  rig_payload (rig, "{\"op\":9,\"d\":false}");
  rig_ended (rig, 0);
  rig->variant.encoding = variant->encoding; /* the next session is free to choose */
  rig_tick (rig);
  g_assert_nonnull (strstr (rig->last_url, other == HEMERA_ENCODING_ETF ? "encoding=json" : "encoding=etf"));
  rig_free (rig);
}

static void
connections_go_on (HemeraShardConfig *config)
{
  config->connections = 41;
}

static void
connection_numbers_go_on (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, connections_go_on);

  rig->connection = 41;
  rig_start (rig);
  rig_expect (rig, "connect:42 stopped>resolving");
  rig_free (rig);
}

/* ---- all ----------------------------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  GTestDataFunc func;
} tests[] = {
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
  { "bad-resume-url-is-not-kept", bad_resume_url_is_not_kept },
  { "stored-resume-url-is-no-downgrade", stored_resume_url_is_no_downgrade },
  { "garbage-crashes", garbage_crashes },
  { "text-frames", text_frames },
  { "large-message-is-refused", large_message_is_refused },
  { "old-connections-are-dropped", bytes_of_old_connections_are_dropped },
  { "nothing-is-read-while-closing", nothing_is_read_while_closing },
  { "time-outs", time_outs },
  { "lease-times-out", lease_times_out },
  { "replay-keeps-resuming-alive", replay_keeps_resuming_alive },
  { "pause-delays-time-outs", pause_delays_time_outs },
  { "beats-carry-the-watermark", beats_carry_the_watermark },
  { "zombie-is-left", zombie_is_left },
  { "zombie-while-awaiting-lease", zombie_while_awaiting_lease },
  { "op-1-flood-keeps-the-window", op_1_flood_keeps_the_window },
  { "resume-host-and-base-alternate", resume_host_and_base_alternate },
  { "mute-resume-host-is-left", mute_resume_host_is_left },
  { "rate-limited-pauses", rate_limited_pauses },
  { "new-base-url-is-used", new_base_url_is_used },
  { "barren-resumes-end-the-session", barren_resumes_end_the_session },
  { "fruitful-resumes-do-not", fruitful_resumes_do_not },
  { "refused-upgrades", refused_upgrades },
  { "outage-backs-off", outage_backs_off },
  { "refused-identifies-back-off", refused_identifies_back_off },
  { "accept-and-close-backs-off", accept_and_close_backs_off },
  { "long-activity-resets", long_activity_resets },
  { "flapping-sessions-stay-quick", flapping_sessions_stay_quick },
  { "back-off-overlaps-closing", back_off_overlaps_closing },
  { "gap-is-exact", gap_is_exact },
  { "gap-of-a-stored-session", gap_of_a_stored_session },
  { "interrupted-replay-gap", interrupted_replay_gap },
  { "dispose-anywhere", dispose_anywhere },
  { "dispose-is-bounded", dispose_is_bounded },
  { "reconnect-anywhere", reconnect_anywhere },
  { "reconnect-leaves-a-dead-host", reconnect_leaves_a_dead_host },
  { "fatal-code-crosses-our-close", fatal_code_crosses_our_close },
  { "nothing-after-stop", nothing_after_stop },
  { "lease-is-given-back", lease_is_given_back },
  { "lease-denied", lease_denied },
  { "falls-back-to-json", falls_back_to_json },
  { "fallen-back-session-is-resumed", fallen_back_session_is_resumed },
  { "failures-count-and-reset", failures_count_and_reset },
  { "sessions-keep-their-encoding", sessions_keep_their_encoding },
  { "connection-numbers-go-on", connection_numbers_go_on },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint v = 0; v < rig_n_variants; v++) {
    for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
      g_autofree char *path = g_strdup_printf ("/shard/machine/%s/%s", rig_variants[v].name, tests[i].name);

      g_test_add_data_func (path, &rig_variants[v], tests[i].func);
    }
  }
  return g_test_run ();
}

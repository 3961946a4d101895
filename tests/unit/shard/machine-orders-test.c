/* What others tell the shard machine: commands and leases; and its fall back to JSON. In every encoding and compression. */
#include "rig-states.h"

#include <string.h>

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
        g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_CLOSING);
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
                     == (mode == HEMERA_CLOSE_END && rig_keeps_session (state)));
      g_assert_cmpuint (rig->gaps, ==, 0);
      g_assert_true ((hemera__shard_machine_session (rig->machine)->id != NULL)
                     == (mode == HEMERA_CLOSE_KEEP && rig_keeps_session (state)));
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
      g_assert_cmpuint (rig->gaps, ==, resume == 0 && rig_keeps_session (state));
      if (rig_state (rig) == HEMERA_SHARD_CLOSING)
        rig_ended (rig, 0);
      if (rig_state (rig) == HEMERA_SHARD_WAITING)
        rig_tick (rig);
      rig_open (rig);
      rig_hello (rig, 41250);
      g_assert_cmpint (rig_state (rig), ==,
                       resume != 0 && rig_keeps_session (state) ? HEMERA_SHARD_RESUMING
                                                                : HEMERA_SHARD_AWAITING_LEASE);
      rig_free (rig);
    }
  }
}

static void
reconnect_leaves_a_dead_host (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = rig_stored (variant->encoding);
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

/* Each tells of a step of the connection; told twice, or late, it changes nothing. */
static void
late_steps_are_ignored (gconstpointer variant)
{
  for (HemeraShardState state = HEMERA_SHARD_CONNECTING; state <= HEMERA_SHARD_CLOSING; state++) {
    Rig *rig = rig_in (variant, state);

    hemera__shard_machine_resolved (rig->machine, rig->now, rig->connection);
    if (state != HEMERA_SHARD_CONNECTING)
      hemera__shard_machine_opened (rig->machine, rig->now, rig->connection);
    hemera__shard_machine_start (rig->machine, rig->now);
    rig_expect (rig, "");
    g_assert_cmpint (rig_state (rig), ==, state);
    rig_free (rig);
  }
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
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
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
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESOLVING);
  rig_free (rig);
}

/* ---- encodings ----------------------------------------------------------------------------------------------------------------------- */

static void
falls_back_to_json (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = rig_stored (HEMERA_ENCODING_ETF);
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
  HemeraSession session = rig_stored (HEMERA_ENCODING_JSON);
  Rig *rig = rig_new (data, &session, 3, NULL);

  rig_start (rig);
  rig_open (rig);
  rig_hello (rig, 41250);
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
  g_assert_cmpuint (rig->gaps, ==, 0);
  g_assert_nonnull (strstr (rig->last_url, "encoding=json"));
  rig_payload (rig, "{\"op\":0,\"s\":11,\"t\":\"RESUMED\",\"d\":null}");
  g_free (rig_take (rig));
  rig_event (rig, 12);
  rig_expect (rig, "event:0:12:TYPING_START"); /* JSON that works says nothing of ETF: the count stays */
  rig_free (rig);
}

/* There is nothing to fall back from. */
static void
json_does_not_fall_back (gconstpointer data)
{
  const RigVariant *variant = data;
  Rig *rig = rig_new (variant, NULL, 3, NULL);

  rig_start (rig);
  rig_expect (rig, variant->encoding == HEMERA_ENCODING_JSON ? "connect:1 stopped>resolving"
                                                             : "encoding:json connect:1 stopped>resolving");
  rig_free (rig);
}

static void
failures_count_and_reset (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = rig_stored (HEMERA_ENCODING_ETF);
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
  HemeraSession session = rig_stored (other);
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_open (rig);
  g_assert_nonnull (strstr (rig->last_url, other == HEMERA_ENCODING_ETF ? "encoding=etf" : "encoding=json"));
  rig_hello (rig, 41250);
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
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

static const RigTest tests[] = {
  { "dispose-anywhere", dispose_anywhere },
  { "dispose-is-bounded", dispose_is_bounded },
  { "reconnect-anywhere", reconnect_anywhere },
  { "reconnect-leaves-a-dead-host", reconnect_leaves_a_dead_host },
  { "fatal-code-crosses-our-close", fatal_code_crosses_our_close },
  { "nothing-after-stop", nothing_after_stop },
  { "late-steps-are-ignored", late_steps_are_ignored },
  { "lease-is-given-back", lease_is_given_back },
  { "lease-denied", lease_denied },
  { "falls-back-to-json", falls_back_to_json },
  { "fallen-back-session-is-resumed", fallen_back_session_is_resumed },
  { "json-does-not-fall-back", json_does_not_fall_back },
  { "failures-count-and-reset", failures_count_and_reset },
  { "sessions-keep-their-encoding", sessions_keep_their_encoding },
  { "connection-numbers-go-on", connection_numbers_go_on },
};

int
main (int argc, char **argv)
{
  return rig_run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}

/* The shard machine over time: time-outs, heartbeats, the host of a session, back-off, gaps. In every encoding and compression. */
#include "rig-states.h"

#include <string.h>

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
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
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
    g_assert_cmpint (rig_state (rig), ==, states[i]);
    hemera__shard_machine_paused (rig->machine, rig->now, FALSE);
    rig_advance (rig, 10000);
    g_assert_cmpint (rig_state (rig), ==, states[i]);
    rig_advance (rig, 120000);
    g_assert_cmpint (rig_state (rig), !=, states[i]);
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
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
  rig_payload (rig, "{\"op\":0,\"s\":2,\"t\":\"RESUMED\",\"d\":null}");
  rig_ended (rig, 0);
  rig_tick (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://resume.example/"));
  g_assert_cmpuint (rig->gaps, ==, 0);
  rig_free (rig);
}

static void
stored_resume_host_is_used (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraSession session = rig_stored (variant->encoding);
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_start (rig);
  g_assert_true (g_str_has_prefix (rig->last_url, "wss://resume.example/"));
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
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
    rig_ended (rig, 0);
  }
  g_assert_cmpuint (rig->gaps, ==, 1);
  rig_reconnect (rig);
  g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_AWAITING_LEASE);
  rig_free (rig);
}

static void
barren_resumes_are_of_a_session (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_WAITING);

  for (guint i = 0; i < 5; i++) {
    rig_reconnect (rig);
    rig_ended (rig, 0);
  }
  rig_reconnect (rig);
  rig_lease (rig);
  rig_payload (rig, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s2\"}}");
  rig_ended (rig, 0);
  for (guint i = 0; i < 4; i++) {
    rig_reconnect (rig);
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
    rig_ended (rig, 0);
  }
  g_assert_cmpuint (rig->gaps, ==, 1);
  rig_free (rig);
}

static void
fruitful_resumes_do_not (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_WAITING);

  for (guint i = 0; i < 20; i++) {
    rig_reconnect (rig);
    g_assert_cmpint (rig_state (rig), ==, HEMERA_SHARD_RESUMING);
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

static void
failed_connect_is_named (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_CONNECTING);

  rig_ended (rig, 0);
  rig_expect (rig, "reconnecting:connect_failed connecting>waiting");
  rig_free (rig);
}

/* The peer's words: for logs, so they are text, and not without end. */
static void
check_detail (gpointer data, const HemeraShardAction *action)
{
  if (action->type != HEMERA_SHARD_ACTION_RECONNECTING)
    return;
  g_assert_nonnull (action->detail);
  g_assert_true (g_str_has_prefix (action->detail, "bye\357\277\275"));
  g_assert_true (g_utf8_validate (action->detail, -1, NULL));
  g_assert_cmpuint (strlen (action->detail), ==, 202);
  (*(guint *) data)++;
}

static void
detail_is_text_and_bounded (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  g_autofree char *why = g_strnfill (5000, 'x');
  guint seen = 0;

  memcpy (why, "bye\377", 4);
  rig->on_action = check_detail;
  rig->on_action_data = &seen;
  hemera__shard_machine_ended (rig->machine, rig->now, rig->connection, 4000, 0, 0, why);
  rig_collect (rig);
  g_assert_cmpuint (seen, ==, 1);
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
  HemeraSession session = rig_stored (variant->encoding);
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

/* ---- all ----------------------------------------------------------------------------------------------------------------------------- */

static const RigTest tests[] = {
  { "time-outs", time_outs },
  { "lease-times-out", lease_times_out },
  { "replay-keeps-resuming-alive", replay_keeps_resuming_alive },
  { "pause-delays-time-outs", pause_delays_time_outs },
  { "beats-carry-the-watermark", beats_carry_the_watermark },
  { "zombie-is-left", zombie_is_left },
  { "zombie-while-awaiting-lease", zombie_while_awaiting_lease },
  { "op-1-flood-keeps-the-window", op_1_flood_keeps_the_window },
  { "resume-host-and-base-alternate", resume_host_and_base_alternate },
  { "stored-resume-host-is-used", stored_resume_host_is_used },
  { "mute-resume-host-is-left", mute_resume_host_is_left },
  { "rate-limited-pauses", rate_limited_pauses },
  { "new-base-url-is-used", new_base_url_is_used },
  { "barren-resumes-end-the-session", barren_resumes_end_the_session },
  { "barren-resumes-are-of-a-session", barren_resumes_are_of_a_session },
  { "fruitful-resumes-do-not", fruitful_resumes_do_not },
  { "refused-upgrades", refused_upgrades },
  { "failed-connect-is-named", failed_connect_is_named },
  { "detail-is-text-and-bounded", detail_is_text_and_bounded },
  { "outage-backs-off", outage_backs_off },
  { "refused-identifies-back-off", refused_identifies_back_off },
  { "accept-and-close-backs-off", accept_and_close_backs_off },
  { "long-activity-resets", long_activity_resets },
  { "flapping-sessions-stay-quick", flapping_sessions_stay_quick },
  { "back-off-overlaps-closing", back_off_overlaps_closing },
  { "gap-is-exact", gap_is_exact },
  { "gap-of-a-stored-session", gap_of_a_stored_session },
  { "interrupted-replay-gap", interrupted_replay_gap },
};

int
main (int argc, char **argv)
{
  return rig_run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}

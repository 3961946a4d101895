/* When a connection beats, and when it is dead: the pure schedule, on times of the test. */
#include "actors/protocol/heartbeat.h"

#define S G_USEC_PER_SEC

static void
first_beat_is_jittered (void)
{
  HemeraHeartbeat beat = { 0 };

  g_assert_cmpint (hemera__heartbeat_deadline (&beat), ==, G_MAXINT64);
  hemera__heartbeat_hello (&beat, 100 * S, 40 * S, 0.25);
  g_assert_cmpint (hemera__heartbeat_deadline (&beat), ==, 110 * S);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 110 * S - 1), ==, HEMERA_HEARTBEAT_WAIT);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 110 * S), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_deadline (&beat), ==, 150 * S);
}

static void
late_beat_keeps_phase (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 3 * S), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_deadline (&beat), ==, 10 * S);
  hemera__heartbeat_traffic (&beat);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 34 * S), ==, HEMERA_HEARTBEAT_BEAT); /* one, not three */
  g_assert_cmpint (hemera__heartbeat_deadline (&beat), ==, 40 * S);
}

static void
silence_is_death (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 0), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 10 * S), ==, HEMERA_HEARTBEAT_DEAD);
}

static void
traffic_is_life (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 0), ==, HEMERA_HEARTBEAT_BEAT);
  hemera__heartbeat_traffic (&beat);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 10 * S), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 20 * S), ==, HEMERA_HEARTBEAT_DEAD);
}

static void
traffic_without_acks_dies (void)
{
  HemeraHeartbeat beat = { 0 };
  guint beats = 0;

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  while (hemera__heartbeat_check (&beat, beats * 10 * S) == HEMERA_HEARTBEAT_BEAT && beats < 20) {
    hemera__heartbeat_traffic (&beat);
    beats++;
  }
  g_assert_cmpuint (beats, ==, HEMERA_HEARTBEAT_UNANSWERED);
}

static void
pause_is_not_death (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 0), ==, HEMERA_HEARTBEAT_BEAT);
  hemera__heartbeat_pause (&beat, TRUE);
  for (guint i = 1; i < 9; i++)
    g_assert_cmpint (hemera__heartbeat_check (&beat, i * 10 * S), ==, HEMERA_HEARTBEAT_BEAT);
  hemera__heartbeat_pause (&beat, FALSE);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 90 * S), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 100 * S), ==, HEMERA_HEARTBEAT_DEAD);
}

static void
own_stall_is_not_death (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 0), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 16 * S), ==, HEMERA_HEARTBEAT_BEAT);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 20 * S), ==, HEMERA_HEARTBEAT_DEAD);
}

static void
acks_answer_in_order (void)
{
  HemeraHeartbeat beat = { 0 };

  g_assert_cmpint (hemera__heartbeat_ack (&beat, 5), ==, -1);
  hemera__heartbeat_sent (&beat, 100);
  hemera__heartbeat_sent (&beat, 150);
  g_assert_cmpint (hemera__heartbeat_ack (&beat, 170), ==, 70);
  g_assert_cmpint (hemera__heartbeat_ack (&beat, 200), ==, 50);
  g_assert_cmpint (hemera__heartbeat_ack (&beat, 300), ==, -1);
}

/* Their owner judges a peer by what this connection did, so nothing of the one before may be left. */
static void
clear_forgets_the_connection (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 0), ==, HEMERA_HEARTBEAT_BEAT);
  hemera__heartbeat_sent (&beat, 0);
  hemera__heartbeat_clear (&beat);
  g_assert_cmpint (hemera__heartbeat_deadline (&beat), ==, G_MAXINT64);
  g_assert_cmpint (hemera__heartbeat_ack (&beat, 20 * S), ==, -1);
  hemera__heartbeat_hello (&beat, 20 * S, 10 * S, 0.0);
  g_assert_cmpint (hemera__heartbeat_check (&beat, 20 * S), ==,
                   HEMERA_HEARTBEAT_BEAT); /* the first: not dead */
}

static void
clear_keeps_the_pause (void)
{
  HemeraHeartbeat beat = { 0 };

  hemera__heartbeat_pause (&beat, TRUE);
  hemera__heartbeat_clear (&beat);
  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  for (guint i = 0; i < 9; i++)
    g_assert_cmpint (hemera__heartbeat_check (&beat, i * 10 * S), ==, HEMERA_HEARTBEAT_BEAT);
}

/* A quarter of the interval is what a busy loop may be late by. */
static void
small_lateness_is_no_excuse (void)
{
  for (guint late = 0; late < 2; late++) {
    HemeraHeartbeat beat = { 0 };

    hemera__heartbeat_hello (&beat, 0, 20 * S, 0.0);
    g_assert_cmpint (hemera__heartbeat_check (&beat, 0), ==, HEMERA_HEARTBEAT_BEAT);
    g_assert_cmpint (hemera__heartbeat_check (&beat, 25 * S + late), ==,
                     late == 0 ? HEMERA_HEARTBEAT_DEAD : HEMERA_HEARTBEAT_BEAT);
  }
}

/* Acks that lie unread behind a pause are not missing ones. */
static void
pause_forgives_missing_acks (void)
{
  HemeraHeartbeat beat = { 0 };
  guint beats = 0;

  hemera__heartbeat_hello (&beat, 0, 10 * S, 0.0);
  for (; beats < HEMERA_HEARTBEAT_UNANSWERED; beats++) {
    g_assert_cmpint (hemera__heartbeat_check (&beat, beats * 10 * S), ==, HEMERA_HEARTBEAT_BEAT);
    hemera__heartbeat_traffic (&beat);
  }
  hemera__heartbeat_pause (&beat, TRUE);
  hemera__heartbeat_pause (&beat, FALSE);
  for (; beats < 2 * HEMERA_HEARTBEAT_UNANSWERED; beats++) {
    g_assert_cmpint (hemera__heartbeat_check (&beat, beats * 10 * S), ==, HEMERA_HEARTBEAT_BEAT);
    hemera__heartbeat_traffic (&beat);
  }
  g_assert_cmpint (hemera__heartbeat_check (&beat, beats * 10 * S), ==, HEMERA_HEARTBEAT_DEAD);
}

/* More beats than are remembered: the oldest go, the order stays. */
static void
acks_of_many_beats (void)
{
  HemeraHeartbeat beat = { 0 };
  const guint room = G_N_ELEMENTS (beat.sent_at);

  for (guint i = 0; i < room + 3; i++)
    hemera__heartbeat_sent (&beat, i);
  for (guint i = 3; i < room + 3; i++)
    g_assert_cmpint (hemera__heartbeat_ack (&beat, 1000), ==, 1000 - i);
  g_assert_cmpint (hemera__heartbeat_ack (&beat, 1000), ==, -1);
}

static void
beats_in_a_period (void)
{
  HemeraHeartbeat beat = { 0 };

  g_assert_cmpuint (hemera__heartbeat_count_in (&beat, 60 * S), ==,
                    G_MAXUINT); /* no HELLO yet: nobody knows */
  hemera__heartbeat_hello (&beat, 0, 20 * S, 0.0);
  g_assert_cmpuint (hemera__heartbeat_count_in (&beat, 60 * S), ==, 4); /* at 0, 20, 40, 60 */
  g_assert_cmpuint (hemera__heartbeat_count_in (&beat, 59 * S), ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shard/heartbeat/first-is-jittered", first_beat_is_jittered);
  g_test_add_func ("/shard/heartbeat/late-keeps-phase", late_beat_keeps_phase);
  g_test_add_func ("/shard/heartbeat/silence-is-death", silence_is_death);
  g_test_add_func ("/shard/heartbeat/traffic-is-life", traffic_is_life);
  g_test_add_func ("/shard/heartbeat/traffic-without-acks-dies", traffic_without_acks_dies);
  g_test_add_func ("/shard/heartbeat/pause-is-not-death", pause_is_not_death);
  g_test_add_func ("/shard/heartbeat/own-stall-is-not-death", own_stall_is_not_death);
  g_test_add_func ("/shard/heartbeat/acks-answer-in-order", acks_answer_in_order);
  g_test_add_func ("/shard/heartbeat/clear-forgets-the-connection", clear_forgets_the_connection);
  g_test_add_func ("/shard/heartbeat/clear-keeps-the-pause", clear_keeps_the_pause);
  g_test_add_func ("/shard/heartbeat/small-lateness-is-no-excuse", small_lateness_is_no_excuse);
  g_test_add_func ("/shard/heartbeat/pause-forgives-missing-acks", pause_forgives_missing_acks);
  g_test_add_func ("/shard/heartbeat/acks-of-many-beats", acks_of_many_beats);
  g_test_add_func ("/shard/heartbeat/beats-in-a-period", beats_in_a_period);
  return g_test_run ();
}

/* Sends of applications: what is refused at once, what waits, what the windows let through, what becomes of the rest. */
#include "rig.h"

#include <hemera/json.h>
#include <string.h>

static const char voice[] =
    "{\"guild_id\":\"1\",\"channel_id\":null,\"self_mute\":false,\"self_deaf\":false}";
static const char presence[] = "{\"since\":null,\"activities\":[],\"status\":\"idle\",\"afk\":false}";
static const char members[] = "{\"guild_id\":\"1\",\"query\":\"\",\"limit\":0}";

static gboolean
send_json (Rig *rig, guint op, const char *json, guint64 tag, GError **error)
{
  g_autoptr (HemeraTerm) term = hemera_term_new_from_json (json, strlen (json), NULL, NULL);
  gboolean accepted;

  g_assert_nonnull (term);
  accepted = hemera__shard_machine_send (rig->machine, rig->now, op, hemera_term_view (term), tag, error);
  rig_collect (rig);
  return accepted;
}

static void
send_ok (Rig *rig, guint op, const char *json, guint64 tag)
{
  GError *error = NULL;

  send_json (rig, op, json, tag, &error);
  g_assert_no_error (error);
}

static void
drain (Rig *rig)
{
  hemera__shard_machine_drained (rig->machine, rig->now, rig->connection);
  rig_collect (rig);
}

static Rig *
active (gconstpointer variant, void (*adjust) (HemeraShardConfig *config))
{
  Rig *rig = rig_new (variant, NULL, 0, adjust);

  rig_ready (rig);
  g_free (rig_take (rig));
  return rig;
}

/* Keeps the connection alive without a word of it. */
static void
pass (Rig *rig, guint seconds)
{
  for (guint i = 0; i < seconds; i++) {
    rig_advance (rig, 1000);
    rig_payload (rig, "{\"op\":11}");
  }
}

static void
goes_at_once (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  send_ok (rig, 4, voice, 77);
  rig_expect (rig, "write:4");
  g_assert_cmpstr (
      rig->last_write, ==,
      "{\"op\":4,\"d\":{\"guild_id\":\"1\",\"channel_id\":null,\"self_mute\":false,\"self_deaf\":false}}");
  drain (rig);
  rig_expect (rig, "sent:77");
  drain (rig);
  rig_expect (rig, "");
  rig_free (rig);
}

static void
check_op (gpointer data, const HemeraShardAction *action)
{
  if (action->type == HEMERA_SHARD_ACTION_SENT || action->type == HEMERA_SHARD_ACTION_SEND_FAILED) {
    g_assert_cmpuint (action->op, ==, action->tag);
    (*(guint *) data)++;
  }
}

/* With its op as its tag: each end of a send tells both. */
static void
ends_name_the_op (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);
  guint seen = 0;

  rig->on_action = check_op;
  rig->on_action_data = &seen;
  send_ok (rig, 4, voice, 4);
  send_ok (rig, 8, members, 8);
  drain (rig);
  g_assert_cmpuint (seen, ==, 2);
  send_ok (rig, 43, members, 43);
  rig_ended (rig, 0); /* in flight */
  send_ok (rig, 3, presence, 3);
  hemera__shard_machine_dispose (rig->machine, rig->now, HEMERA_CLOSE_END); /* queued */
  rig_collect (rig);
  g_assert_cmpuint (seen, ==, 4);
  rig_free (rig);
}

static void
waits_for_ready (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);

  send_ok (rig, 3, presence, 1);
  send_ok (rig, 8, members, 2);
  rig_start (rig);
  send_ok (rig, 4, voice, 3);
  rig_open (rig);
  rig_hello (rig, 41250);
  send_ok (rig, 43, "{\"guild_id\":\"1\",\"fields\":[\"status\"]}", 4);
  rig_lease (rig);
  drain (rig);
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s1\"}}");
  drain (rig);
  rig_expect (rig, "session:s1 event:0:1:READY release:used identifying>active write:3 write:8 write:4 "
                   "write:43 sent:1 sent:2 sent:3 sent:4");
  rig_free (rig);
}

static void
waits_for_resumed (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  rig_ended (rig, 0);
  send_ok (rig, 8, members, 1);
  rig_reconnect (rig);
  rig_event (rig, 2);
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":0,\"s\":3,\"t\":\"RESUMED\",\"d\":null}");
  rig_expect (rig, "event:0:3:RESUMED resuming>active write:8");
  rig_free (rig);
}

static void
refused_ops (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  for (guint op = 0; op < 60; op++) {
    g_autoptr (GError) error = NULL;
    gboolean sendable = op == 3 || op == 4 || op == 8 || op == 31 || op == 43;

    g_assert_true (send_json (rig, op, presence, op, &error) == sendable);
    if (!sendable)
      g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
  }
  rig_expect (rig, "write:3 write:4 write:8 write:31 write:43");
  rig_free (rig);
}

static void
size_is_checked_encoded (gconstpointer data)
{
  const RigVariant *variant = data;
  Rig *rig = active (variant, NULL);
  gsize longest = 0;

  for (gsize size = 3900; size < 4200; size++) {
    g_autofree char *text = g_strnfill (size, 'a');
    g_autofree char *json = g_strdup_printf ("{\"x\":\"%s\"}", text);
    g_autoptr (GError) error = NULL;

    if (send_json (rig, 8, json, size, &error))
      longest = size;
    else {
      g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
      break;
    }
    drain (rig);
    rig_advance (rig, 1000);
    rig_payload (rig, "{\"op\":11}");
  }
  /* What is around the text: {"op":8,"d":{"x":""}} is 21 bytes, #{<<"op">> => 8, <<"d">> => #{<<"x">> => <<>>}} in ETF 37. */
  g_assert_cmpuint (longest, ==, variant->encoding == HEMERA_ENCODING_JSON ? 4096 - 21 : 4096 - 37);
  rig_free (rig);
}

static void
queue_is_bounded (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 256; i++)
    send_ok (rig, 8, members, i);
  g_assert_false (send_json (rig, 8, members, 999, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_QUEUE_FULL);
  rig_free (rig);
}

static void
no_time_outs (HemeraShardConfig *config)
{
  config->times.resolve_ms = 3600000;
}

static void
queue_expires (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, no_time_outs);

  rig_start (rig);
  send_ok (rig, 8, members, 5);
  rig_advance (rig, 179999);
  rig_expect (rig, "connect:1 stopped>resolving");
  rig_advance (rig, 1);
  rig_expect (rig, "failed:5:8");
  rig_free (rig);
}

static void
window_is_kept (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);
  guint written;

  for (guint i = 0; i < 200; i++) {
    send_ok (rig, 8, members, i);
    drain (rig);
  }
  written = rig->writes->len; /* rig.c checks each: at most 120 in 60 s */
  g_assert_cmpuint (written, >=, 110);
  g_assert_cmpuint (written, <=, 118);
  pass (rig, 58);
  drain (rig);
  g_assert_cmpuint (rig->writes->len, <=, 120); /* beats went meanwhile, sends did not */
  g_assert_cmpuint (rig->writes->len, >, written);
  pass (rig, 4);
  for (guint i = 0; i < 10; i++)
    drain (rig);
  g_assert_cmpuint (rig->writes->len, >, 190);
  rig_free (rig);
}

/* The limit is a connection's; and op 1 is answered at once even when sends must wait. */
static void
window_is_of_a_connection (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  for (guint i = 0; i < 200; i++) {
    send_ok (rig, 8, members, i);
    drain (rig);
  }
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":1}");
  rig_payload (rig, "{\"op\":1}");
  rig_expect (rig, "event:1 beat:0 event:1 beat:0");
  rig_ended (rig, 4008);
  rig_reconnect (rig);
  rig_payload (rig, "{\"op\":0,\"s\":3,\"t\":\"RESUMED\",\"d\":null}");
  for (guint i = 0; i < 10; i++)
    drain (rig);
  g_assert_cmpuint (rig->writes->len, >, 80);
  rig_free (rig);
}

/* Beats that are asked for leave room for those that are due, and for the handshake; rig.c checks each write. */
static void
asked_beats_leave_room (gconstpointer variant, gboolean before_hello, guint interval_ms)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);

  rig->random = 0.001; /* the first beat is due soon */
  rig_open (rig);
  for (guint i = 0; before_hello && i < 200; i++)
    rig_payload (rig, "{\"op\":1}");
  rig_hello (rig, interval_ms);
  for (guint i = 0; i < 200; i++)
    rig_payload (rig, "{\"op\":1}");
  g_assert_cmpuint (rig->writes->len, >, 10);
  rig_lease (rig);
  rig_payload (
      rig, "{\"t\":\"READY\",\"s\":1,\"op\":0,\"d\":{\"session_id\":\"s1\",\"resume_gateway_url\":null}}");
  for (guint i = 0; i < 120; i++) {
    rig_advance (rig, 1000);
    rig_payload (rig, "{\"op\":11}");
  }
  g_assert_cmpuint (rig->writes->len, >, 100); /* those owed went when there was room */
  rig_free (rig);
}

static void
asked_before_the_handshake (gconstpointer variant)
{
  asked_beats_leave_room (variant, FALSE, 59000); /* two beats in 60 s */
}

static void
asked_before_hello (gconstpointer variant)
{
  asked_beats_leave_room (variant, TRUE, 1000);
}

static void
voice_overtakes_when_throttled (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);
  g_autofree char *words = NULL;

  for (guint i = 0; i < 150; i++) {
    send_ok (rig, 8, members, i);
    drain (rig);
  }
  send_ok (rig, 4, voice, 1000);
  g_free (rig_take (rig));
  pass (rig, 62);
  drain (rig);
  words = rig_take (rig);
  g_assert_nonnull (strstr (words, "sent:1000"));
  g_assert_true (strstr (words, "write:4") < strstr (words, "write:8"));
  rig_free (rig);
}

static void
presences_within_the_limit (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  for (guint i = 1; i <= 5; i++)
    send_ok (rig, 3, presence, i);
  rig_expect (rig, "write:3 write:3 write:3 write:3 write:3");
  for (guint i = 6; i <= 9; i++)
    send_ok (rig, 3, presence, i);
  send_ok (rig, 8, members, 10); /* not held up */
  rig_expect (rig, "failed:6:8 failed:7:8 failed:8:8 write:8");
  pass (rig, 20);
  g_free (rig_take (rig));
  rig_advance (rig, 500);
  rig_expect (rig, "write:3");
  drain (rig);
  rig_expect_word (rig, "sent:9");
  rig_free (rig);
}

static void
presence_limit_outlives_connections (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  for (guint i = 1; i <= 5; i++)
    send_ok (rig, 3, presence, i);
  drain (rig);
  rig_ended (rig, 0);
  send_ok (rig, 3, presence, 6);
  rig_reconnect (rig);
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":0,\"s\":3,\"t\":\"RESUMED\",\"d\":null}");
  rig_expect (rig, "event:0:3:RESUMED resuming>active");
  pass (rig, 21);
  rig_expect_word (rig, "write:3");
  rig_free (rig);
}

static void
in_flight_is_not_sent_again (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  send_ok (rig, 8, members, 1);
  g_free (rig_take (rig));
  rig_ended (rig, 4002);
  rig_expect (rig, "reconnecting:closed:4002 failed:1:9 active>waiting");
  rig_reconnect (rig);
  rig_payload (rig, "{\"op\":0,\"s\":3,\"t\":\"RESUMED\",\"d\":null}");
  rig_expect (rig,
              "connect:2 waiting>resolving resolving>connecting connecting>awaiting_hello event:10 resume:0 "
              "awaiting_hello>resuming event:0:3:RESUMED resuming>active");
  rig_free (rig);
}

static void
in_flight_may_drain_while_closing (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);

  send_ok (rig, 8, members, 1);
  rig_payload (rig, "{\"op\":7}");
  g_free (rig_take (rig));
  drain (rig);
  rig_expect (rig, "sent:1");
  rig_ended (rig, 0);
  rig_expect (rig, "closing>waiting");
  rig_free (rig);
}

static void
slow_socket_holds_sends_back (gconstpointer variant)
{
  Rig *rig = active (variant, NULL);
  guint before = rig->writes->len;

  for (guint i = 0; i < 60; i++)
    send_ok (rig, 8, members, i);
  g_assert_cmpuint (rig->writes->len - before, ==, 32);
  drain (rig);
  g_assert_cmpuint (rig->writes->len - before, ==, 60);
  rig_free (rig);
}

static void
dispose_fails_what_waits (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);

  send_ok (rig, 8, members, 1);
  rig_start (rig);
  g_free (rig_take (rig));
  hemera__shard_machine_dispose (rig->machine, rig->now, HEMERA_CLOSE_KEEP);
  rig_expect (rig, "failed:1:9 abort resolving>stopped stop:normal");
  rig_free (rig);
}

static void
queue_survives_a_change_of_encoding (gconstpointer data)
{
  const RigVariant *variant = data;
  HemeraEncoding other =
      variant->encoding == HEMERA_ENCODING_ETF ? HEMERA_ENCODING_JSON : HEMERA_ENCODING_ETF;
  HemeraSession session = { .id = (char *) "s0", .seq = 10, .encoding = other };
  Rig *rig = rig_new (variant, &session, 0, NULL);

  rig_open (rig);
  send_ok (rig, 4, voice, 1); /* one of each lane */
  send_ok (rig, 3, presence, 2);
  send_ok (rig, 8, members, 3);
  rig_hello (rig, 41250);
  rig_payload (rig, "{\"op\":9,\"d\":false}");
  rig->variant.encoding = variant->encoding;
  rig_reconnect (rig);
  rig_lease (rig);
  g_free (rig_take (rig));
  rig_payload (rig, "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s1\"}}");
  rig_expect_word (rig,
                   "identifying>active write:4 write:3 write:8"); /* rig.c decodes it in the new encoding */
  g_assert_cmpstr (rig->last_write, ==, "{\"op\":8,\"d\":{\"guild_id\":\"1\",\"query\":\"\",\"limit\":0}}");
  rig_free (rig);
}

static const struct {
  const char *name;
  GTestDataFunc func;
} tests[] = {
  { "goes-at-once", goes_at_once },
  { "ends-name-the-op", ends_name_the_op },
  { "waits-for-ready", waits_for_ready },
  { "waits-for-resumed", waits_for_resumed },
  { "refused-ops", refused_ops },
  { "size-is-checked-encoded", size_is_checked_encoded },
  { "queue-is-bounded", queue_is_bounded },
  { "queue-expires", queue_expires },
  { "window-is-kept", window_is_kept },
  { "window-is-of-a-connection", window_is_of_a_connection },
  { "asked-before-the-handshake", asked_before_the_handshake },
  { "asked-before-hello", asked_before_hello },
  { "voice-overtakes-when-throttled", voice_overtakes_when_throttled },
  { "presences-within-the-limit", presences_within_the_limit },
  { "presence-limit-outlives-connections", presence_limit_outlives_connections },
  { "in-flight-is-not-sent-again", in_flight_is_not_sent_again },
  { "in-flight-may-drain-while-closing", in_flight_may_drain_while_closing },
  { "slow-socket-holds-sends-back", slow_socket_holds_sends_back },
  { "dispose-fails-what-waits", dispose_fails_what_waits },
  { "queue-survives-a-change-of-encoding", queue_survives_a_change_of_encoding },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint v = 0; v < rig_n_variants; v++) {
    for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
      g_autofree char *path = g_strdup_printf ("/shard/sending/%s/%s", rig_variants[v].name, tests[i].name);

      g_test_add_data_func (path, &rig_variants[v], tests[i].func);
    }
  }
  return g_test_run ();
}

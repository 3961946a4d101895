/* The pure parts of the shard machine: queue, back-off, close codes, urls, token. No codec, no machine. */
#include "actors/protocol/backoff.h"
#include "actors/protocol/gateway-url.h"
#include "actors/protocol/machine.h"
#include "actors/protocol/send-queue.h"

#include <string.h>

/* ---- queue ----------------------------------------------------------------------------------------------------------------------- */

static void
push (HemeraSendQueue *queue, guint op, guint64 tag, gint64 expires)
{
  g_assert_true (hemera__send_queue_push (queue, op, tag, g_bytes_new_static ("x", 1), expires));
}

static guint64
tag_of (HemeraSendEntry *entry)
{
  guint64 tag = entry != NULL ? entry->tag : 0;

  hemera__send_entry_free (entry);
  return tag;
}

static void
queue_is_in_order (void)
{
  HemeraSendQueue queue;

  hemera__send_queue_init (&queue, 10);
  push (&queue, 8, 1, 100);
  push (&queue, 3, 2, 100);
  push (&queue, 4, 3, 100);
  push (&queue, 8, 4, 100);
  for (guint64 tag = 1; tag <= 4; tag++)
    g_assert_cmpuint (tag_of (hemera__send_queue_pop (&queue, 7, FALSE)), ==, tag);
  g_assert_null (hemera__send_queue_pop (&queue, 7, FALSE));
}

static void
queue_lets_voice_first (void)
{
  HemeraSendQueue queue;

  hemera__send_queue_init (&queue, 10);
  push (&queue, 8, 1, 100);
  push (&queue, 3, 2, 100);
  push (&queue, 4, 3, 100);
  g_assert_cmpuint (tag_of (hemera__send_queue_pop (&queue, 7, TRUE)), ==, 3);
  g_assert_cmpuint (tag_of (hemera__send_queue_pop (&queue, 7, TRUE)), ==, 2);
  g_assert_cmpuint (tag_of (hemera__send_queue_pop (&queue, 7, TRUE)), ==, 1);
}

static void
queue_is_bounded (void)
{
  HemeraSendQueue queue;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  hemera__send_queue_init (&queue, 2);
  push (&queue, 8, 1, 100);
  push (&queue, 3, 2, 100);
  g_assert_false (hemera__send_queue_push (&queue, 4, 3, bytes, 100));
  hemera__send_queue_clear (&queue);
  push (&queue, 8, 4, 100);
  hemera__send_queue_clear (&queue);
}

/* The bound is of what waits, not of what ever came. */
static void
queue_has_room_again (void)
{
  HemeraSendQueue queue;

  hemera__send_queue_init (&queue, 2);
  for (guint64 tag = 1; tag <= 10; tag++) {
    push (&queue, 8, tag, 100);
    g_assert_cmpuint (tag_of (hemera__send_queue_pop (&queue, 7, FALSE)), ==, tag);
  }
  g_assert_cmpuint (queue.length, ==, 0);
}

static void
queue_deadline_is_of_every_lane (void)
{
  const guint ops[] = { 3, 4, 8 };

  for (guint i = 0; i < G_N_ELEMENTS (ops); i++) {
    HemeraSendQueue queue;

    hemera__send_queue_init (&queue, 2);
    push (&queue, ops[i], 1, 70);
    g_assert_cmpint (hemera__send_queue_deadline (&queue), ==, 70);
    g_assert_cmpuint (tag_of (hemera__send_queue_pop_expired (&queue, 70)), ==, 1);
  }
}

static void
queue_expires (void)
{
  HemeraSendQueue queue;

  hemera__send_queue_init (&queue, 10);
  push (&queue, 8, 1, 100);
  push (&queue, 3, 2, 50);
  g_assert_cmpint (hemera__send_queue_deadline (&queue), ==, 50);
  g_assert_null (hemera__send_queue_pop_expired (&queue, 49));
  g_assert_cmpuint (tag_of (hemera__send_queue_pop_expired (&queue, 50)), ==, 2);
  g_assert_cmpint (hemera__send_queue_deadline (&queue), ==, 100);
  g_assert_cmpuint (tag_of (hemera__send_queue_pop_expired (&queue, 200)), ==, 1);
  g_assert_cmpint (hemera__send_queue_deadline (&queue), ==, G_MAXINT64);
}

static void
queue_keeps_the_last_presence (void)
{
  HemeraSendQueue queue;

  hemera__send_queue_init (&queue, 10);
  push (&queue, 3, 1, 100);
  push (&queue, 8, 2, 100);
  push (&queue, 3, 3, 100);
  push (&queue, 3, 4, 100);
  g_assert_cmpuint (tag_of (hemera__send_queue_pop_superseded (&queue)), ==, 1);
  g_assert_cmpuint (tag_of (hemera__send_queue_pop_superseded (&queue)), ==, 3);
  g_assert_null (hemera__send_queue_pop_superseded (&queue));
  hemera__send_queue_clear (&queue);
}

/* ---- back-off -------------------------------------------------------------------------------------------------------------------- */

static void
backoff_doubles_to_the_cap (void)
{
  const gint64 windows_ms[] = { 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000 };
  HemeraBackoff backoff;

  hemera__backoff_init (&backoff, 1000, 60000);
  for (guint i = 0; i < G_N_ELEMENTS (windows_ms); i++)
    g_assert_cmpint (hemera__backoff_next (&backoff, 0.5, G_MAXUINT), ==, windows_ms[i] * 500);
  hemera__backoff_reset (&backoff);
  g_assert_cmpint (hemera__backoff_next (&backoff, 1.0, G_MAXUINT), ==, 1000 * 1000);
  g_assert_cmpint (hemera__backoff_next (&backoff, 0.0, G_MAXUINT), ==, 0);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (hemera__backoff_next (&backoff, 1.0, G_MAXUINT), <=, 60000 * 1000);
}

static void
backoff_is_limited (void)
{
  HemeraBackoff backoff;

  hemera__backoff_init (&backoff, 1000, 60000);
  for (guint i = 0; i < 20; i++)
    g_assert_cmpint (hemera__backoff_next (&backoff, 1.0, 3), <=, 8000 * 1000);
  g_assert_cmpint (hemera__backoff_next (&backoff, 1.0, G_MAXUINT), ==, 16000 * 1000);
}

/* ---- close codes ----------------------------------------------------------------------------------------------------------------- */

static void
close_codes (void)
{
  const guint fatal[] = { 4004, 4010, 4011, 4012, 4013, 4014 },
              new_session[] = { 4003, 4005, 4006, 4007, 4009 };

  for (guint code = 0; code < 5000; code++) {
    HemeraClosePolicy expected = HEMERA_CLOSE_RESUME;

    for (guint i = 0; i < G_N_ELEMENTS (fatal); i++)
      if (fatal[i] == code)
        expected = HEMERA_CLOSE_FATAL;
    for (guint i = 0; i < G_N_ELEMENTS (new_session); i++)
      if (new_session[i] == code)
        expected = HEMERA_CLOSE_NEW_SESSION;
    g_assert_cmpint (hemera__close_code_policy (code), ==, expected);
    g_assert_cmpuint (strlen (hemera__close_code_explain (code)), >, 10);
  }
}

/* ---- urls ------------------------------------------------------------------------------------------------------------------------ */

static void
url_building (void)
{
  const struct {
    const char *base, *url;
  } rows[] = {
    { "wss://gateway.discord.gg", "wss://gateway.discord.gg/?v=10&encoding=etf&compress=zlib-stream" },
    { "wss://gateway.discord.gg/", "wss://gateway.discord.gg/?v=10&encoding=etf&compress=zlib-stream" },
    { "ws://127.0.0.1:8080", "ws://127.0.0.1:8080/?v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h/ws", "wss://h/ws?v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h?a=b", "wss://h/?a=b&v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h/?", "wss://h/?v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h/?a=b&", "wss://h/?a=b&v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h/p#frag?x", "wss://h/p?v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h?a=/b", "wss://h/?a=/b&v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h/?v=9&a=b&encoding=json&vv=1&compress=x&v",
      "wss://h/?a=b&vv=1&v=10&encoding=etf&compress=zlib-stream" },
    { "wss://h/?v=10&encoding=etf", "wss://h/?v=10&encoding=etf&compress=zlib-stream" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *url =
        hemera__gateway_url_build (rows[i].base, 10, HEMERA_ENCODING_ETF, HEMERA_COMPRESSION_ZLIB_STREAM);

    g_assert_cmpstr (url, ==, rows[i].url);
  }
}

static void
url_plain_json (void)
{
  g_autofree char *url =
      hemera__gateway_url_build ("wss://h", 9, HEMERA_ENCODING_JSON, HEMERA_COMPRESSION_NONE);

  g_assert_cmpstr (url, ==, "wss://h/?v=9&encoding=json");
}

static void
url_usable (void)
{
  g_assert_true (hemera__gateway_url_is_usable ("wss://gateway-us-east1-b.discord.gg", TRUE));
  g_assert_true (hemera__gateway_url_is_usable ("WSS://h:443/x", TRUE));
  g_assert_true (hemera__gateway_url_is_usable ("ws://127.0.0.1:1", FALSE));
  g_assert_true (hemera__gateway_url_is_usable ("wss://h", TRUE));
  g_assert_false (hemera__gateway_url_is_usable ("ws://h", TRUE));
  g_assert_false (hemera__gateway_url_is_usable ("https://h", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("wss://", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("wss://:1", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("wss:///path", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("wss://user:pw@h", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("wss://h/a b", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("wss://h/\r\nX: y", FALSE));
  g_assert_false (hemera__gateway_url_is_usable ("", FALSE));
}

static void
url_length (void)
{
  for (guint over = 0; over < 2; over++) {
    g_autofree char *path = g_strnfill (1024 - strlen ("wss://h/") + over, 'x');
    g_autofree char *url = g_strconcat ("wss://h/", path, NULL);

    g_assert_true (hemera__gateway_url_is_usable (url, TRUE) == (over == 0));
  }
}

/* ---- token ----------------------------------------------------------------------------------------------------------------------- */

static void
token_trims (void)
{
  const char *forms[] = { "abc.def", "Bot abc.def", "  Bot   abc.def\n", "\tabc.def \r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    HemeraToken *token = hemera__token_new (forms[i], NULL);

    g_assert_cmpstr (hemera__token_reveal (token), ==, "abc.def");
    hemera__token_unref (hemera__token_ref (token));
    hemera__token_unref (token);
  }
}

static void
token_refuses (void)
{
  const char *forms[] = { "", " \n", "Bot ", "se cret", "secret\nX: y", "s\303\244cret", "secret\177" };

  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hemera__token_new (forms[i], &error));
    g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
    g_assert_null (strstr (error->message, "cret"));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/shard/queue/is-in-order", queue_is_in_order);
  g_test_add_func ("/shard/queue/lets-voice-first", queue_lets_voice_first);
  g_test_add_func ("/shard/queue/is-bounded", queue_is_bounded);
  g_test_add_func ("/shard/queue/has-room-again", queue_has_room_again);
  g_test_add_func ("/shard/queue/deadline-is-of-every-lane", queue_deadline_is_of_every_lane);
  g_test_add_func ("/shard/queue/expires", queue_expires);
  g_test_add_func ("/shard/queue/keeps-the-last-presence", queue_keeps_the_last_presence);
  g_test_add_func ("/shard/backoff/doubles-to-the-cap", backoff_doubles_to_the_cap);
  g_test_add_func ("/shard/backoff/is-limited", backoff_is_limited);
  g_test_add_func ("/shard/close-code/policies", close_codes);
  g_test_add_func ("/shard/url/building", url_building);
  g_test_add_func ("/shard/url/plain-json", url_plain_json);
  g_test_add_func ("/shard/url/usable", url_usable);
  g_test_add_func ("/shard/url/length", url_length);
  g_test_add_func ("/shard/token/trims", token_trims);
  g_test_add_func ("/shard/token/refuses", token_refuses);
  return g_test_run ();
}

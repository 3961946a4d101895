/* Open websockets: messages both ways, pauses, limits, every way to end; each over plain TCP and over TLS. */
#include "tests/unit/net/fixture.h"

#include <string.h>
#include <time.h>

/* ---- what servers do ---------------------------------------------------------------------------------------------------------------- */

static void
echo (Peer *peer, gpointer arg)
{
  Frame frame;

  if (!peer_upgrade (peer))
    return;
  while (peer_receive (peer, &frame)) {
    gboolean closing = (frame.first_byte & 15) == 8;
    gboolean ok = (frame.first_byte & 15) == 10
                  || peer_send (peer, frame.first_byte, frame.data->data, frame.data->len);
    g_byte_array_unref (frame.data);
    if (closing || !ok)
      return;
  }
}

/* Keeps the request's head in @arg, a char **. */
static void
keep_head (Peer *peer, gpointer arg)
{
  *(char **) arg = peer_read_head (peer);
}

static void
send_fragments (Peer *peer, gpointer arg)
{
  int *pong = arg;
  Frame frame;

  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x01, "one ", 4);
  peer_send (peer, 0x89, "are you there", 13);
  peer_send (peer, 0x00, "two ", 4);
  peer_send (peer, 0x80, "three", 5);
  while (peer_receive (peer, &frame)) {
    *pong |= frame.first_byte == 0x8a && frame.data->len == 13
             && memcmp (frame.data->data, "are you there", 13) == 0;
    g_byte_array_unref (frame.data);
  }
}

typedef struct {
  const char *payload;
  gsize size;
  int answer; /* what the client's close frame says */
} CloseScript;

static void
send_close (Peer *peer, gpointer arg)
{
  CloseScript *script = arg;

  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x88, script->payload, script->size);
  script->answer = peer_receive_close (peer);
}

/* Waits for the client's close frame and answers it. */
static void
await_close (Peer *peer, gpointer arg)
{
  int code;
  guint8 payload[2];

  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x81, "hello", 5);
  code = peer_receive_close (peer);
  payload[0] = (guint8) (code >> 8);
  payload[1] = (guint8) code;
  peer_send (peer, 0x88, payload, code > 0 ? 2 : 0);
  *(int *) arg = code;
}

static void
never_answer_close (Peer *peer, gpointer arg)
{
  if (peer_upgrade (peer))
    peer_wait (peer, 4000);
}

#define FLOOD      120
#define FLOOD_SIZE 500

static void
send_large (Peer *peer, gpointer arg)
{
  g_autofree char *bytes = g_malloc0 (5000);

  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x02, bytes, 4000);
  peer_send (peer, 0x80, bytes, 1000);
  peer_wait (peer, 4000);
}

static void
announce_huge (Peer *peer, gpointer arg)
{
  guint8 head[10], bytes[1000] = { 0 };

  if (!peer_upgrade (peer))
    return;
  peer_write (peer, head, frame_head (head, 0x82, (guint64) 1 << 62));
  for (int i = 0; i < 10; i++)
    peer_write (peer, bytes, sizeof bytes);
  peer_wait (peer, 4000);
}

static void
send_reserved_bits (Peer *peer, gpointer arg)
{
  if (peer_upgrade (peer) && peer_send (peer, 0xf2, "x", 1))
    peer_wait (peer, 4000);
}

/* Adds 30 numbered messages, nearly 16 KiB. */
static void
add_record (GByteArray *record, guint32 from)
{
  for (guint32 i = from; i < from + 30; i++) {
    guint8 head[10], payload[FLOOD_SIZE] = { 0 };

    memcpy (payload, &i, sizeof i);
    g_byte_array_append (record, head, (guint) frame_head (head, 0x82, sizeof payload));
    g_byte_array_append (record, payload, sizeof payload);
  }
}

/* 120 messages, 30 in a write: one TLS record each. */
static void
flood (Peer *peer, gpointer arg)
{
  if (!peer_upgrade (peer))
    return;
  for (guint32 i = 0; i < FLOOD; i += 30) {
    g_autoptr (GByteArray) record = g_byte_array_new ();
    add_record (record, i);
    peer_write (peer, record->data, record->len);
  }
  peer_wait (peer, 4000);
}

/* 30 messages that come with the answer to the upgrade, and nothing after them. */
static void
greet_with_answer (Peer *peer, gpointer arg)
{
  g_autoptr (GByteArray) record = g_byte_array_new ();

  add_record (record, 0);
  if (peer_upgrade_with (peer, record->data, record->len))
    peer_wait (peer, 4000);
}

static void
send_and_leave (Peer *peer, gpointer arg)
{
  if (peer_upgrade (peer))
    peer_send (peer, 0x81, "bye", 3);
}

static void
send_and_reset (Peer *peer, gpointer arg)
{
  Frame frame;

  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x81, "bye", 3);
  if (peer_receive (peer, &frame))
    g_byte_array_unref (frame.data);
  peer_reset (peer);
}

/* ---- fixture ------------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  World world;
  Server *server;
  Client client;
} Case;

static void
set_up (Case *self, gconstpointer data, Script script, gpointer arg)
{
  world_init (&self->world);
  self->server = server_start (cert_of (data), script, arg);
  client_init (&self->client, &self->world, cert_of (data) != CERT_NONE, "gateway.test",
               server_port (self->server), "/");
}

static void
tear_down (Case *self)
{
  client_clear (&self->client);
  world_clear (&self->world);
  server_stop (self->server);
}

/* ---- messages ----------------------------------------------------------------------------------------------------------------------- */

static void
test_echo (gconstpointer data)
{
  static const gsize sizes[] = { 0, 1, 125, 126, 4096, 65536, 300000 };
  Case c;

  set_up (&c, data, echo, NULL);
  client_open (&c.client);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree char *bytes = g_strnfill (sizes[i], 'a' + (char) i);
    c.client.messages = 0;
    hemera__websocket_send (c.client.websocket, bytes, sizes[i], i % 2);
    g_assert_true (world_run (&c.world, PATIENCE_MS, &c.client.messages));
    g_assert_cmpmem (c.client.message->data, c.client.message->len, bytes, sizes[i]);
    g_assert_cmpint (c.client.binary, ==, i % 2);
  }
  hemera__websocket_close (c.client.websocket, 1000);
  client_finish (&c.client);
  tear_down (&c);
}

static void
test_order (gconstpointer data)
{
  Case c;

  set_up (&c, data, echo, NULL);
  client_connect (&c.client);
  for (int i = 0; i < 100; i++) { /* queued before it is open */
    g_autofree char *text = g_strdup_printf ("%d", i);
    client_send (&c.client, text);
  }
  g_assert_cmpuint (hemera__websocket_pending (c.client.websocket), ==, 190);
  for (int i = 0; i < 500 && c.client.messages < 100; i++)
    world_run (&c.world, 10, &c.client.ended);
  g_assert_cmpint (c.client.messages, ==, 100);
  g_assert_cmpmem (c.client.message->data, c.client.message->len, "99", 2);
  hemera__websocket_abort (c.client.websocket);
  tear_down (&c);
}

static void
test_drained (gconstpointer data)
{
  g_autofree char *bytes = g_malloc0 (200000);
  Case c;

  set_up (&c, data, echo, NULL);
  client_open (&c.client);
  hemera__websocket_send (c.client.websocket, bytes, 200000, TRUE);
  hemera__websocket_send (c.client.websocket, bytes, 10, TRUE);
  g_assert_cmpuint (hemera__websocket_pending (c.client.websocket), ==, 200010);
  g_assert_true (world_run (&c.world, PATIENCE_MS, &c.client.drained));
  g_assert_cmpuint (hemera__websocket_pending (c.client.websocket), ==, 0);
  hemera__websocket_abort (c.client.websocket);
  tear_down (&c);
}

static void
test_request (gconstpointer data)
{
  char *head = NULL;
  Case c;

  set_up (&c, data, keep_head, &head);
  g_free (c.client.url);
  c.client.url = g_strdup_printf ("%s://gateway.test:%u/a/b?v=10&encoding=etf&x=%%2F",
                                  cert_of (data) ? "wss" : "ws", server_port (c.server));
  c.client.options.url = c.client.url;
  client_connect (&c.client);
  client_finish (&c.client);
  g_autofree char *host = g_strdup_printf ("\r\nHost: gateway.test:%u\r\n", server_port (c.server));
  tear_down (&c);
  g_assert_true (g_str_has_prefix (head, "GET /a/b?v=10&encoding=etf&x=%2F HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (head, host));
  g_assert_nonnull (strstr (head, "\r\nUser-Agent: HemeraTest (1)\r\n"));
  g_assert_null (strstr (head, "permessage-deflate"));
  g_free (head);
}

static void
test_fragments (gconstpointer data)
{
  int pong = 0;
  Case c;

  set_up (&c, data, send_fragments, &pong);
  client_open (&c.client);
  if (!c.client.messages)
    g_assert_true (world_run (&c.world, PATIENCE_MS, &c.client.messages));
  g_assert_cmpmem (c.client.message->data, c.client.message->len, "one two three", 13);
  g_assert_cmpint (c.client.pieces, ==, 3);
  world_run (&c.world, 50, NULL);
  hemera__websocket_abort (c.client.websocket);
  tear_down (&c);
  g_assert_cmpint (pong, ==, 1);
}

static void
test_greeting (gconstpointer data)
{
  Case c;

  set_up (&c, data, greet_with_answer, NULL);
  client_open (&c.client);
  for (int i = 0; i < 500 && c.client.messages < 30; i++)
    world_run (&c.world, 5, &c.client.ended);
  g_assert_cmpint (c.client.messages, ==, 30);
  hemera__websocket_abort (c.client.websocket);
  tear_down (&c);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------------ */

static void
test_peer_close (gconstpointer data)
{
  static const struct {
    const char *payload;
    gsize size;
    guint code;
  } closes[] = { { "\x03\xe8", 2, 1000 },
                 { "\x0f\xa9", 2, 4009 },
                 { "\x0f\xa4"
                   "Authentication failed.",
                   24, 4004 },
                 { "", 0, 1005 },
                 { "\x03\xf4", 2, 1002 } /* 1012, which lws rewrites */,
                 { "\x03", 1, 1002 } };

  for (gsize i = 0; i < G_N_ELEMENTS (closes); i++) {
    CloseScript script = { closes[i].payload, closes[i].size, -2 };
    Case c;

    set_up (&c, data, send_close, &script);
    client_open (&c.client);
    client_finish (&c.client);
    g_assert_cmpuint (c.client.code, ==, closes[i].code);
    g_assert_false (c.client.by_us);
    g_assert_no_error (c.client.error);
    tear_down (&c);
    g_assert_cmpint (script.answer, ==, closes[i].code == 1005 ? 0 : closes[i].code);
  }
}

static void
close_4000 (Client *client)
{
  hemera__websocket_close (client->websocket, 4000);
  hemera__websocket_close (client->websocket, 1000); /* changes nothing */
  client_send (client, "ignored");
}

static void
expect_4000 (gconstpointer data, ClientHook *hook, Case *c, int *seen)
{
  *hook = close_4000;
  client_connect (&c->client);
  client_finish (&c->client);
  g_assert_true (c->client.by_us);
  g_assert_cmpuint (c->client.code, ==, 0);
  g_assert_no_error (c->client.error);
  tear_down (c);
  g_assert_cmpint (*seen, ==, 4000);
}

static void
test_close_in_opened (gconstpointer data)
{
  int seen = -2;
  Case c;

  set_up (&c, data, await_close, &seen);
  expect_4000 (data, &c.client.on_opened, &c, &seen);
}

static void
test_close_in_received (gconstpointer data)
{
  int seen = -2;
  Case c;

  set_up (&c, data, await_close, &seen);
  expect_4000 (data, &c.client.on_message, &c, &seen);
}

static void
send_something (Client *client)
{
  client_send (client, "something");
}

static void
test_close_in_drained (gconstpointer data)
{
  int seen = -2;
  Case c;

  set_up (&c, data, await_close, &seen);
  c.client.on_opened = send_something;
  expect_4000 (data, &c.client.on_drained, &c, &seen);
}

static void
test_close_outside (gconstpointer data)
{
  int seen = -2;
  Case c;

  set_up (&c, data, await_close, &seen);
  client_open (&c.client);
  world_run (&c.world, 20, NULL);
  close_4000 (&c.client);
  client_finish (&c.client);
  g_assert_true (c.client.by_us);
  tear_down (&c);
  g_assert_cmpint (seen, ==, 4000);
}

/* The peer's answer must be read although reading was paused. */
static void
test_close_while_paused (gconstpointer data)
{
  int seen = -2;
  Case c;

  set_up (&c, data, await_close, &seen);
  client_open (&c.client);
  hemera__websocket_set_paused (c.client.websocket, TRUE);
  world_run (&c.world, 20, NULL);
  close_4000 (&c.client);
  client_finish (&c.client);
  tear_down (&c);
  g_assert_cmpint (seen, ==, 4000);
}

static void
test_close_unanswered (gconstpointer data)
{
  gint64 start;
  Case c;

  set_up (&c, data, never_answer_close, NULL);
  c.client.options.close_timeout_ms = 200;
  client_open (&c.client);
  start = g_get_monotonic_time ();
  hemera__websocket_close (c.client.websocket, 4000);
  client_finish (&c.client);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 190000);
  g_assert_true (c.client.by_us);
  tear_down (&c);
}

static void
test_close_while_connecting (gconstpointer data)
{
  Case c;

  set_up (&c, data, never_answer_close, NULL);
  client_connect (&c.client);
  hemera__websocket_close (c.client.websocket, 1000);
  g_assert_cmpint (c.client.ended, ==, 0);
  client_finish (&c.client);
  g_assert_true (c.client.by_us);
  g_assert_cmpint (c.client.opened, ==, 0);
  tear_down (&c);
}

static void
abort_it (Client *client)
{
  hemera__websocket_abort (g_steal_pointer (&client->websocket));
}

static void
abort_other (Client *client)
{
  if (((Client *) client->arg)->websocket)
    abort_it (client->arg);
}

static void
expect_silence (Case *c)
{
  int before = c->client.opened + c->client.messages + c->client.drained;

  g_assert_null (c->client.websocket);
  world_run (&c->world, 60, NULL);
  g_assert_cmpint (c->client.opened + c->client.messages + c->client.drained, ==, before);
  g_assert_cmpint (c->client.ended, ==, 0);
  tear_down (c);
}

static void
test_abort_in_callbacks (gconstpointer data)
{
  for (int i = 0; i < 4; i++) {
    Case c;
    ClientHook *hooks[] = { &c.client.on_resolved, &c.client.on_opened, &c.client.on_message,
                            &c.client.on_drained };

    set_up (&c, data, echo, NULL);
    *hooks[i] = abort_it;
    client_connect (&c.client);
    client_send (&c.client, "hello");
    for (int j = 0; j < 500 && c.client.websocket; j++)
      world_run (&c.world, 5, NULL);
    expect_silence (&c);
  }
}

static void
test_abort_in_ended (gconstpointer data)
{
  Case c;

  set_up (&c, data, send_and_leave, NULL);
  c.client.on_ended = abort_it; /* in its own last callback it is harmless */
  client_connect (&c.client);
  client_finish (&c.client);
  tear_down (&c);
}

static void
test_abort_outside (gconstpointer data)
{
  static const int after_ms[] = { 0, 1, 3, 8, 40 };

  for (gsize i = 0; i < G_N_ELEMENTS (after_ms); i++) {
    Case c;

    set_up (&c, data, echo, NULL);
    client_connect (&c.client);
    client_send (&c.client, "hello");
    if (after_ms[i])
      world_run (&c.world, after_ms[i], NULL);
    abort_it (&c.client);
    expect_silence (&c);
  }
}

static void
test_abort_another (gconstpointer data)
{
  Client other;
  Case c;

  set_up (&c, data, echo, NULL);
  client_init (&other, &c.world, cert_of (data) != CERT_NONE, "gateway.test", server_port (c.server), "/");
  client_open (&c.client);
  client_open (&other);
  other.on_message = abort_other;
  other.arg = &c.client;
  client_send (&c.client, "hello");
  client_send (&other, "hello");
  g_assert_true (world_run (&c.world, PATIENCE_MS, &other.messages));
  g_assert_null (c.client.websocket);
  world_run (&c.world, 20, NULL);
  g_assert_cmpint (c.client.ended, ==, 0);
  abort_it (&other);
  client_clear (&other);
  tear_down (&c);
}

static void
test_lost (gconstpointer data)
{
  static const Script scripts[] = { send_and_leave, send_and_reset, send_reserved_bits };

  for (gsize i = 0; i < G_N_ELEMENTS (scripts); i++) {
    Case c;

    set_up (&c, data, scripts[i], NULL);
    c.client.on_message = send_something;
    client_open (&c.client);
    client_finish (&c.client);
    g_assert_cmpuint (c.client.code, ==, 0);
    g_assert_false (c.client.by_us);
    g_assert_error (c.client.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT);
    g_assert_cmpint (c.client.messages, ==, scripts[i] == send_reserved_bits ? 0 : 1);
    tear_down (&c);
  }
}

/* ---- pauses and limits -------------------------------------------------------------------------------------------------------------- */

static void
pause_at_seventh (Client *client)
{
  guint32 number;

  memcpy (&number, client->message->data, sizeof number);
  g_assert_cmpuint (number, ==, client->messages - 1);
  if (client->messages == 7)
    hemera__websocket_set_paused (client->websocket, TRUE);
}

static double
cpu_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void
test_pause (gconstpointer data)
{
  double cpu;
  int held;
  Case c;

  set_up (&c, data, flood, NULL);
  c.client.on_message = pause_at_seventh;
  client_open (&c.client);
  world_run (&c.world, 60, NULL);
  held = c.client.messages;
  g_assert_cmpint (held, >=, 7);
  g_assert_cmpint (held, <, FLOOD); /* a record or lws' buffer went on */
  cpu = cpu_seconds ();
  world_run (&c.world, 100, NULL);
  g_assert_cmpint (c.client.messages, ==, held);
  g_assert_cmpfloat (cpu_seconds () - cpu, <, 0.05);
  hemera__websocket_set_paused (c.client.websocket, FALSE);
  for (int i = 0; i < 500 && c.client.messages < FLOOD; i++)
    world_run (&c.world, 10, &c.client.ended);
  g_assert_cmpint (c.client.messages, ==, FLOOD);
  g_assert_cmpuint (c.client.bytes, ==, FLOOD * FLOOD_SIZE);
  abort_it (&c.client);
  tear_down (&c);
}

/* Stopped and started again and again, between any two messages: nothing is lost, doubled or stuck. */
static void
toggle (Client *client)
{
  guint32 number;

  memcpy (&number, client->message->data, sizeof number);
  g_assert_cmpuint (number, ==, client->messages - 1);
  hemera__websocket_set_paused (client->websocket, TRUE);
}

static void
test_pause_often (gconstpointer data)
{
  Case c;

  set_up (&c, data, flood, NULL);
  c.client.on_message = toggle;
  client_open (&c.client);
  for (int i = 0; i < 1000 && c.client.messages < FLOOD; i++) {
    world_run (&c.world, 2, NULL);
    hemera__websocket_set_paused (c.client.websocket, FALSE);
  }
  g_assert_cmpint (c.client.messages, ==, FLOOD);
  abort_it (&c.client);
  tear_down (&c);
}

static void
test_send_while_paused (gconstpointer data)
{
  Case c;

  set_up (&c, data, echo, NULL);
  client_connect (&c.client);
  hemera__websocket_set_paused (c.client.websocket, TRUE); /* before it is open */
  client_send (&c.client, "hello");
  g_assert_true (world_run (&c.world, PATIENCE_MS, &c.client.drained));
  world_run (&c.world, 50, NULL);
  g_assert_cmpint (c.client.messages, ==, 0);
  hemera__websocket_set_paused (c.client.websocket, FALSE);
  g_assert_true (world_run (&c.world, PATIENCE_MS, &c.client.messages));
  world_run (&c.world, 20, NULL);
  g_assert_cmpint (c.client.drained, ==, 1); /* the resume is no drain */
  abort_it (&c.client);
  tear_down (&c);
}

static void
test_limit (gconstpointer data)
{
  static const Script scripts[] = { send_large, announce_huge };

  for (gsize i = 0; i < G_N_ELEMENTS (scripts); i++) {
    Case c;

    set_up (&c, data, scripts[i], NULL);
    c.client.options.max_message = 4096;
    client_open (&c.client);
    client_finish (&c.client);
    g_assert_error (c.client.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_LIMIT);
    g_assert_false (c.client.by_us);
    g_assert_cmpint (c.client.messages, ==, 0);
    tear_down (&c);
  }
}

static void
test_at_limit (gconstpointer data)
{
  g_autofree char *bytes = g_malloc0 (4096);
  Case c;

  set_up (&c, data, echo, NULL);
  c.client.options.max_message = 4096;
  client_open (&c.client);
  for (int i = 0; i < 2; i++) {
    c.client.messages = 0;
    hemera__websocket_send (c.client.websocket, bytes, 4096, TRUE);
    g_assert_true (world_run (&c.world, PATIENCE_MS, &c.client.messages));
  }
  abort_it (&c.client);
  tear_down (&c);
}

static void
pause_it (Client *client)
{
  hemera__websocket_set_paused (client->websocket, TRUE);
}

/* What came with the answer to the upgrade sits in buffers of lws and OpenSSL when the pause begins: it may still
 * come, but nothing is lost. */
static void
test_pause_greeting (gconstpointer data)
{
  Case c;

  set_up (&c, data, greet_with_answer, NULL);
  c.client.on_opened = pause_it;
  client_open (&c.client);
  world_run (&c.world, 50, NULL);
  hemera__websocket_set_paused (c.client.websocket, FALSE);
  for (int i = 0; i < 50 && c.client.messages < 30; i++)
    world_run (&c.world, 20, &c.client.ended);
  g_assert_cmpint (c.client.messages, ==, 30);
  hemera__websocket_abort (c.client.websocket);
  tear_down (&c);
}

void
add_websocket_tests (void)
{
  static const TestCase cases[] = {
    { "echo", test_echo },
    { "order", test_order },
    { "drained", test_drained },
    { "request", test_request },
    { "fragments", test_fragments },
    { "greeting", test_greeting },
    { "peer-close", test_peer_close },
    { "close-in-opened", test_close_in_opened },
    { "close-in-received", test_close_in_received },
    { "close-in-drained", test_close_in_drained },
    { "close-outside", test_close_outside },
    { "close-while-paused", test_close_while_paused },
    { "close-unanswered", test_close_unanswered },
    { "close-while-connecting", test_close_while_connecting },
    { "abort-in-callbacks", test_abort_in_callbacks },
    { "abort-in-ended", test_abort_in_ended },
    { "abort-outside", test_abort_outside },
    { "abort-another", test_abort_another },
    { "lost", test_lost },
    { "pause", test_pause },
    { "pause-often", test_pause_often },
    { "pause-greeting", test_pause_greeting },
    { "send-while-paused", test_send_while_paused },
    { "message-over-limit", test_limit },
    { "message-at-limit", test_at_limit },
  };

  add_for_both ("/net/websocket", cases, G_N_ELEMENTS (cases));
}

/* From url to open: names, several addresses, refusals and silence at every step, the deadline. */
#include "tests/unit/net/fixture.h"

#include <string.h>

/* ---- what servers do ---------------------------------------------------------------------------------------------------------------- */

static void
accept_upgrade (Peer *peer, gpointer arg)
{
  if (peer_upgrade (peer))
    peer_wait (peer, PATIENCE_MS);
}

static void
stay_silent (Peer *peer, gpointer arg)
{
  peer_wait (peer, PATIENCE_MS);
}

/* ---- fixture ------------------------------------------------------------------------------------------------------------------------ */

/* Connects, waits for the end; the failure must have @code, before @timeout_ms + 1 s. */
static void
expect_failure (Client *client, HemeraNetError code)
{
  client_connect (client);
  g_assert_true (world_run (client->world, (int) client->options.connect_timeout_ms + 4000, &client->ended));
  g_test_message ("%s", client->error ? client->error->message : "no error");
  g_assert_cmpint (client->opened, ==, 0);
  g_assert_error (client->error, HEMERA_NET_ERROR, (int) code);
  g_assert_false (client->by_us);
}

static void
expect_failure_of (gconstpointer data, Script script, gpointer arg, HemeraNetError code)
{
  Server *server = server_start (cert_of (data), script, arg);
  World world;
  Client client;

  world_init (&world);
  client_init (&client, &world, cert_of (data) != CERT_NONE, "gateway.test", server_port (server), "/");
  client.options.connect_timeout_ms = 300;
  expect_failure (&client, code);
  client_clear (&client);
  world_clear (&world);
  server_stop (server);
}

/* ---- answers to the upgrade --------------------------------------------------------------------------------------------------------- */

static void
test_refusals (gconstpointer data)
{
  static const struct {
    const char *answer;
    guint status, retry_after_s;
  } refusals[] = {
    { "HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnope", 401, 0 },
    { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n", 429, 7 },
    { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.25\r\nContent-Length: 0\r\n\r\n", 429, 1 },
    { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 99999999999999\r\nContent-Length: 0\r\n\r\n", 429,
      604800 },
    { "HTTP/1.1 429 Too Many Requests\r\nRetry-After: nan\r\nContent-Length: 0\r\n\r\n", 429, 0 },
    { "HTTP/1.1 503 Service Unavailable\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", 503, 0 },
    { "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", 302, 0 },
    { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++) {
    Server *server = server_start (cert_of (data), script_answer, (gpointer) refusals[i].answer);
    World world;
    Client client;

    world_init (&world);
    client_init (&client, &world, cert_of (data) != CERT_NONE, "gateway.test", server_port (server), "/");
    expect_failure (&client, HEMERA_NET_ERROR_UPGRADE);
    g_assert_cmpuint (client.http_status, ==, refusals[i].status);
    g_assert_cmpuint (client.retry_after_s, ==, refusals[i].retry_after_s);
    g_assert_cmpint (server_connections (server), ==, 1);
    client_clear (&client);
    world_clear (&world);
    server_stop (server);
  }
}

static void
test_wrong_accept (gconstpointer data)
{
  expect_failure_of (
      data, script_answer,
      (gpointer) "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
      HEMERA_NET_ERROR_PROTOCOL);
}

static void
test_silent (gconstpointer data)
{
  expect_failure_of (data, stay_silent, NULL, HEMERA_NET_ERROR_TIMEOUT);
}

static void
test_half_answer (gconstpointer data)
{
  expect_failure_of (data, script_answer, (gpointer) "HTTP/1.1 101 Switching", HEMERA_NET_ERROR_TIMEOUT);
}

static void
test_left (gconstpointer data)
{
  expect_failure_of (data, script_leave, NULL, HEMERA_NET_ERROR_CONNECT);
}

static void
test_reset (gconstpointer data)
{
  expect_failure_of (data, script_reset, NULL, HEMERA_NET_ERROR_CONNECT);
}

/* ---- addresses ---------------------------------------------------------------------------------------------------------------------- */

static void
test_refused (gconstpointer data)
{
  Server *server = server_start (CERT_NONE, script_leave, NULL);
  guint16 port = server_port (server);
  World world;
  Client client;

  server_stop (server);
  world_init (&world);
  client_init (&client, &world, cert_of (data) != CERT_NONE, "gateway.test", port, "/");
  expect_failure (&client, HEMERA_NET_ERROR_CONNECT);
  g_assert_cmpint (client.resolved, ==, 1);
  client_clear (&client);
  world_clear (&world);
}

static void
test_black_hole (gconstpointer data)
{
  BlackHole hole;
  World world;
  Client client;

  black_hole_open (&hole, "127.0.0.1", 0);
  world_init (&world);
  client_init (&client, &world, cert_of (data) != CERT_NONE, "gateway.test", hole.port, "/");
  client.options.connect_timeout_ms = 300;
  expect_failure (&client, HEMERA_NET_ERROR_TIMEOUT);
  client_clear (&client);
  world_clear (&world);
  black_hole_close (&hole);
}

static void
open_and_abort (World *world, gboolean tls, const char *host, guint16 port)
{
  Client client;

  client_init (&client, world, tls, host, port, "/");
  client.options.connect_timeout_ms = 1000;
  client_open (&client);
  g_assert_cmpint (client.resolved, ==, 1);
  hemera__websocket_abort (client.websocket);
  client_clear (&client);
}

/* The first address refuses, then is silent: the second one serves. */
static void
test_second_address (gconstpointer data)
{
  Server *server = server_start (cert_of (data), accept_upgrade, NULL);
  BlackHole hole;
  World world;

  world_init (&world);
  open_and_abort (&world, cert_of (data) != CERT_NONE, "two.test", server_port (server));
  black_hole_open (&hole, "127.0.0.2", server_port (server));
  open_and_abort (&world, cert_of (data) != CERT_NONE, "two.test", server_port (server));
  black_hole_close (&hole);
  world_clear (&world);
  server_stop (server);
}

static void
test_silent_address (gconstpointer data)
{
  Server *server = server_start (CERT_NONE, accept_upgrade, NULL);
  BlackHole hole;
  World world;

  black_hole_open (&hole, "127.0.0.2", server_port (server));
  world_init (&world);
  open_and_abort (&world, FALSE, "two.test", server_port (server));
  world_clear (&world);
  black_hole_close (&hole);
  server_stop (server);
}

static void
test_numeric (gconstpointer data)
{
  Server *server = server_start (cert_of (data), accept_upgrade, NULL);
  World world;

  world_init (&world);
  resolver_count ();
  open_and_abort (&world, cert_of (data) != CERT_NONE, "127.0.0.1", server_port (server));
  g_assert_cmpint (resolver_count (), ==, 0);
  world_clear (&world);
  server_stop (server);
}

static void
test_ipv6 (gconstpointer data)
{
  Server *server;
  World world;

  if (!g_file_test ("/proc/net/if_inet6", G_FILE_TEST_EXISTS)) {
    g_test_skip ("no IPv6 here");
    return;
  }
  server = server_start_at ("::1", 0, cert_of (data), accept_upgrade, NULL);
  world_init (&world);
  open_and_abort (&world, cert_of (data) != CERT_NONE, "[::1]", server_port (server));
  world_clear (&world);
  server_stop (server);
}

/* ---- names -------------------------------------------------------------------------------------------------------------------------- */

static void
test_unknown_name (void)
{
  World world;
  Client client;

  world_init (&world);
  client_init (&client, &world, TRUE, "none.test", 443, "/");
  expect_failure (&client, HEMERA_NET_ERROR_RESOLVE);
  g_assert_cmpint (client.resolved, ==, 0);
  client_clear (&client);
  world_clear (&world);
}

/* A look-up that hangs ends the connection at its deadline; the next one joins the same look-up. */
static void
test_dead_resolver (void)
{
  World world;
  Client client;

  resolver_count ();
  world_init (&world);
  for (int i = 0; i < 2; i++) {
    client_init (&client, &world, TRUE, "dead.test", 443, "/");
    client.options.connect_timeout_ms = 50;
    expect_failure (&client, HEMERA_NET_ERROR_TIMEOUT);
    client_clear (&client);
  }
  g_assert_cmpint (resolver_count (), ==, 1);
  world_clear (&world);
}

static void
test_shared_lookup (void)
{
  enum { N = 20 };
  Server *server = server_start (CERT_NONE, accept_upgrade, NULL);
  Client clients[N];
  World world;

  resolver_count ();
  world_init (&world);
  for (int i = 0; i < N; i++) {
    client_init (&clients[i], &world, FALSE, "slow.test", server_port (server), "/");
    client_connect (&clients[i]);
  }
  hemera__websocket_abort (clients[3].websocket);
  for (int i = 0; i < N; i++)
    if (i != 3 && !clients[i].opened)
      g_assert_true (world_run (&world, PATIENCE_MS, &clients[i].opened));
  g_assert_cmpint (clients[3].resolved, ==, 0);
  g_assert_cmpint (resolver_count (), ==, 1);
  open_and_abort (&world, FALSE, "slow.test", server_port (server)); /* nothing is remembered */
  g_assert_cmpint (resolver_count (), ==, 1);
  for (int i = 0; i < N; i++) {
    if (i != 3)
      hemera__websocket_abort (clients[i].websocket);
    client_clear (&clients[i]);
  }
  world_clear (&world);
  server_stop (server);
}

/* GLib's own resolver, which answers for localhost itself. */
static void
test_system_resolver (void)
{
  Server *server = server_start (CERT_GOOD, accept_upgrade, NULL);
  World world;

  resolver_remove ();
  world_init (&world);
  open_and_abort (&world, TRUE, "localhost", server_port (server));
  world_clear (&world);
  resolver_install ();
  server_stop (server);
}

static void
test_bad_url (void)
{
  static const HemeraWebsocketEvents events = { 0 };
  static const HemeraWebsocketOptions bad[] = { { .url = "http://gateway.test/" },
                                                { .url = "wss://gateway.test/", .user_agent = "a\r\nb" } };
  World world;

  world_init (&world);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (hemera__websocket_connect (world.net, &bad[i], &events, NULL, &error));
    g_assert_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL);
  }
  world_clear (&world);
}

void
add_connect_tests (void)
{
  static const TestCase cases[] = {
    { "refusals", test_refusals },
    { "wrong-accept", test_wrong_accept },
    { "silent", test_silent },
    { "half-answer", test_half_answer },
    { "left", test_left },
    { "reset", test_reset },
    { "refused", test_refused },
    { "black-hole", test_black_hole },
    { "second-address", test_second_address },
    { "silent-address", test_silent_address },
    { "numeric", test_numeric },
    { "ipv6", test_ipv6 },
  };

  add_for_both ("/net/connect", cases, G_N_ELEMENTS (cases));
  g_test_add_func ("/net/connect/bad-url", test_bad_url);
  g_test_add_func ("/net/resolve/unknown-name", test_unknown_name);
  g_test_add_func ("/net/resolve/dead", test_dead_resolver);
  g_test_add_func ("/net/resolve/shared", test_shared_lookup);
  g_test_add_func ("/net/resolve/system", test_system_resolver);
}

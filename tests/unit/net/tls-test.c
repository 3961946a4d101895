/* Certificates that must be refused, with the reason told, those that must be accepted, and handshakes that break. */
#include "tests/unit/net/fixture.h"

#include <string.h>

static void
accept_upgrade (Peer *peer, gpointer arg)
{
  int *reached = arg;

  *reached = 1;
  if (peer_upgrade (peer))
    peer_wait (peer, PATIENCE_MS);
}

typedef struct {
  const char *path;
  CertKind cert;
  const char *host;
  gboolean no_trust;  /* the system's roots alone */
  const char *reason; /* NULL: accepted */
} CertCase;

static void
test_certificate (gconstpointer data)
{
  const CertCase *cert = data;
  int reached = 0;
  Server *server = server_start (cert->cert, accept_upgrade, &reached);
  World world;
  Client client;

  world_init (&world);
  client_init (&client, &world, TRUE, cert->host, server_port (server), "/");
  if (cert->no_trust)
    client.options.trust = NULL;
  if (cert->reason) {
    client_connect (&client);
    client_finish (&client);
    g_assert_error (client.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS);
    g_test_message ("%s", client.error->message);
    g_assert_nonnull (strstr (client.error->message, cert->reason));
    g_assert_cmpint (client.opened, ==, 0);
  } else {
    client_open (&client);
    hemera__websocket_abort (client.websocket);
  }
  client_clear (&client);
  world_clear (&world);
  server_stop (server);
}

static const CertCase cert_cases[] = {
  { "/net/tls/accept/name", CERT_GOOD, "gateway.test", FALSE, NULL },
  { "/net/tls/accept/wildcard", CERT_GOOD, "a.wild.test", FALSE, NULL },
  { "/net/tls/accept/address", CERT_GOOD, "127.0.0.1", FALSE, NULL },
  { "/net/tls/accept/tls-1.2", CERT_TLS_1_2, "gateway.test", FALSE, NULL },
  { "/net/tls/refuse/tls-1.1", CERT_TLS_1_1, "gateway.test", FALSE, "protocol" },
  { "/net/tls/refuse/h2", CERT_H2, "gateway.test", FALSE, "handshake failed" },
  { "/net/tls/refuse/other-name", CERT_OTHER_NAME, "gateway.test", FALSE, "hostname mismatch" },
  { "/net/tls/refuse/two-labels", CERT_GOOD, "a.b.wild.test", FALSE, "hostname mismatch" },
  { "/net/tls/refuse/other-address", CERT_OTHER_NAME, "127.0.0.1", FALSE, "IP address mismatch" },
  { "/net/tls/refuse/expired", CERT_EXPIRED, "gateway.test", FALSE, "expired" },
  { "/net/tls/refuse/not-yet", CERT_NOT_YET, "gateway.test", FALSE, "not yet valid" },
  { "/net/tls/refuse/other-ca", CERT_OTHER_CA, "gateway.test", FALSE, "unable to get local issuer" },
  { "/net/tls/refuse/self-signed", CERT_SELF_SIGNED, "gateway.test", FALSE, "self-signed" },
  { "/net/tls/refuse/without-trust", CERT_GOOD, "gateway.test", TRUE, "unable to get local issuer" },
};

/* ---- broken handshakes -------------------------------------------------------------------------------------------------------------- */

static void
speak_plainly (Peer *peer, gpointer arg)
{
  peer_say (peer, "HTTP/1.1 400 Bad Request\r\n\r\nThis is not TLS, whatever you think of it.");
  peer_wait (peer, PATIENCE_MS);
}

static void
stay_silent (Peer *peer, gpointer arg)
{
  peer_wait (peer, PATIENCE_MS);
}

static void
reset_after_hello (Peer *peer, gpointer arg)
{
  char buffer[64];

  peer_read (peer, buffer, sizeof buffer);
  peer_reset (peer);
}

/* A fatal alert, handshake_failure. */
static void
send_alert (Peer *peer, gpointer arg)
{
  char buffer[64];

  peer_read (peer, buffer, sizeof buffer);
  peer_write (peer, "\x15\x03\x03\x00\x02\x02\x28", 7);
  peer_wait (peer, PATIENCE_MS);
}

static void
expect_broken (Script script, HemeraNetError code, const char *text)
{
  Server *server = server_start_raw (script, NULL);
  World world;
  Client client;

  world_init (&world);
  client_init (&client, &world, TRUE, "gateway.test", server_port (server), "/");
  client.options.connect_timeout_ms = 300;
  client_connect (&client);
  client_finish (&client);
  g_test_message ("%s", client.error->message);
  g_assert_error (client.error, HEMERA_NET_ERROR, (int) code);
  g_assert_nonnull (strstr (client.error->message, text));
  client_clear (&client);
  world_clear (&world);
  server_stop (server);
}

static void
test_plain_server (void)
{
  expect_broken (speak_plainly, HEMERA_NET_ERROR_TLS, "wrong version");
}

static void
test_silent_server (void)
{
  expect_broken (stay_silent, HEMERA_NET_ERROR_TIMEOUT, "TLS");
}

static void
test_reset (void)
{
  expect_broken (reset_after_hello, HEMERA_NET_ERROR_CONNECT, "broke");
}

static void
test_alert (void)
{
  expect_broken (send_alert, HEMERA_NET_ERROR_TLS, "handshake failure");
}

static void
test_trust_file (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hemera__trust_new ("/nonexistent/ca.pem", &error));
  g_assert_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS);
  g_clear_error (&error);
  g_assert_null (hemera__trust_new ("/dev/null", &error));
  g_assert_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS);
}

/* Two connections of one net at once, each with its own anchors: neither lends the other its trust. */
static void
test_trust_is_per_connection (void)
{
  int reached[2] = { 0 };
  Server *good = server_start (CERT_GOOD, accept_upgrade, &reached[0]);
  World world;
  Client with, without;

  world_init (&world);
  client_init (&with, &world, TRUE, "gateway.test", server_port (good), "/");
  client_init (&without, &world, TRUE, "gateway.test", server_port (good), "/");
  without.options.trust = NULL;
  client_connect (&without);
  client_connect (&with);
  client_finish (&without);
  if (!with.opened)
    g_assert_true (world_run (&world, PATIENCE_MS, &with.opened));
  g_assert_error (without.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS);
  hemera__websocket_abort (with.websocket);
  client_clear (&with);
  client_clear (&without);
  world_clear (&world);
  server_stop (good);
}

void
add_tls_tests (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (cert_cases); i++)
    g_test_add_data_func (cert_cases[i].path, &cert_cases[i], test_certificate);
  g_test_add_func ("/net/tls/broken/plain-server", test_plain_server);
  g_test_add_func ("/net/tls/broken/silent-server", test_silent_server);
  g_test_add_func ("/net/tls/broken/reset", test_reset);
  g_test_add_func ("/net/tls/broken/alert", test_alert);
  g_test_add_func ("/net/tls/trust/file", test_trust_file);
  g_test_add_func ("/net/tls/trust/per-connection", test_trust_is_per_connection);
}

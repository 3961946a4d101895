/* Urls: what is taken, what becomes of it, what is refused, and that no message repeats one. */
#include "runtime/net/net-internal.h"
#include "tests/unit/net/fixture.h"

#include <string.h>

typedef struct {
  const char *text, *host, *authority, *path;
  guint16 port;
  gboolean websocket, tls, numeric;
} Good;

static void
test_good (void)
{
  static const Good good[] = {
    { "wss://gateway.discord.gg", "gateway.discord.gg", "gateway.discord.gg", "/", 443, TRUE, TRUE, FALSE },
    { "wss://gateway.discord.gg/?v=10&encoding=etf", "gateway.discord.gg", "gateway.discord.gg",
      "/?v=10&encoding=etf", 443, TRUE, TRUE, FALSE },
    { "wss://g.example:443?v=10", "g.example", "g.example", "/?v=10", 443, TRUE, TRUE, FALSE },
    { "WSS://G.example:8443/a%2Fb", "g.example", "g.example:8443", "/a%2Fb", 8443, TRUE, TRUE, FALSE },
    { "ws://127.0.0.1:1", "127.0.0.1", "127.0.0.1:1", "/", 1, TRUE, FALSE, TRUE },
    { "wss://[::1]:8443/", "::1", "[::1]:8443", "/", 8443, TRUE, TRUE, TRUE },
    { "https://[2001:db8::1]/x", "2001:db8::1", "[2001:db8::1]", "/x", 443, FALSE, TRUE, TRUE },
    { "http://localhost/api/v10", "localhost", "localhost", "/api/v10", 80, FALSE, FALSE, FALSE },
    { "https://b\xc3\xbc"
      "cher.example/",
      "xn--bcher-kva.example", "xn--bcher-kva.example", "/", 443, FALSE, TRUE, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    HemeraUrl *url = hemera__url_parse (good[i].text, good[i].websocket, &error);

    g_test_message ("%s", good[i].text);
    g_assert_no_error (error);
    g_assert_cmpstr (url->host, ==, good[i].host);
    g_assert_cmpstr (url->authority, ==, good[i].authority);
    g_assert_cmpstr (url->path, ==, good[i].path);
    g_assert_cmpuint (url->port, ==, good[i].port);
    g_assert_cmpint (url->tls, ==, good[i].tls);
    g_assert_cmpint (url->numeric, ==, good[i].numeric);
    hemera__url_free (url);
  }
}

static void
test_bad (void)
{
  static const char *const bad[] = {
    "",
    "secret",
    "http://secret/",
    "wss:secret",
    "wss:///secret",
    "wss://user:secret@host/",
    "wss://secret@host/",
    "wss://host:0/secret",
    "wss://host:65536/secret",
    "wss://host:x/secret",
    "wss://host/se cret",
    "wss://host/\r\nsecret",
    "wss://ho st/secret",
    "wss://host/#secret",
    "wss://[fe80::1%25eth0]/secret",
    "wss://[::1/secret",
    "wss://se..cret/",
    "wss://.secret/",
    "wss://host\n/secret",
    "wss://host%0d/secret",
    "wss://host/secret\xff",
    "wss://ho$t/secret",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", bad[i]);
    g_assert_null (hemera__url_parse (bad[i], TRUE, &error));
    g_assert_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL);
    g_assert_null (strstr (error->message, "secret"));
  }
}

static void
test_lengths (void)
{
  g_autofree char *name = g_strnfill (200, 'a');
  g_autofree char *long_host = g_strdup_printf ("wss://%s/", name);
  g_autofree char *path = g_strnfill (3000, 'a');
  g_autofree char *long_path = g_strdup_printf ("wss://host/%s", path);

  g_assert_null (hemera__url_parse (long_host, TRUE, NULL));
  g_assert_null (hemera__url_parse (long_path, TRUE, NULL));
}

static void
test_headers (void)
{
  g_autofree char *longer = g_strnfill (1025, 'a');

  g_assert_true (hemera__header_is_clean ("DiscordBot (https://example.org, 1.0)"));
  g_assert_false (hemera__header_is_clean ("a\r\nb: c"));
  g_assert_false (hemera__header_is_clean ("a\tb"));
  g_assert_false (hemera__header_is_clean ("\x7f"));
  g_assert_false (hemera__header_is_clean ("\xc3\xa4"));
  g_assert_false (hemera__header_is_clean (longer));
}

void
add_url_tests (void)
{
  g_test_add_func ("/net/url/good", test_good);
  g_test_add_func ("/net/url/bad", test_bad);
  g_test_add_func ("/net/url/lengths", test_lengths);
  g_test_add_func ("/net/url/headers", test_headers);
}

/* GETs: every form of a body, whole and broken, over plain TCP and TLS; limits, deadlines, cancelling, secrets. */
#include "tests/unit/net/fixture.h"

#include <string.h>

typedef struct {
  const char *text;
  gsize filler;  /* bytes of 'x' after it */
  int stall_ms;  /* then the connection stays open so long */
  gboolean rude; /* the stream ends without close_notify */
  char *head;    /* (out) the request */
} Answer;

static void
give_answer (Peer *peer, gpointer arg)
{
  Answer *answer = arg;

  g_free (answer->head);
  answer->head = peer_read_head (peer);
  peer->rude = answer->rude;
  peer_say (peer, answer->text);
  if (answer->filler > 0) {
    g_autofree char *filler = g_strnfill (answer->filler, 'x');
    peer_write (peer, filler, answer->filler);
  }
  if (answer->stall_ms)
    peer_wait (peer, answer->stall_ms);
}

typedef struct {
  World world;
  Server *server;
  char *url;
  HemeraHttpOptions options;
  HemeraHttpGet *get;
  HemeraHttpResponse *response;
  GError *error;
  int done;
} Case;

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Case *self = user_data;

  self->response = hemera__http_get_finish (result, &self->error);
  self->done++;
}

static void
set_up (Case *self, gconstpointer data, Answer *answer)
{
  memset (self, 0, sizeof *self);
  world_init (&self->world);
  self->server = server_start (cert_of (data), give_answer, answer);
  self->url = g_strdup_printf ("%s://gateway.test:%u/api/v10/gateway/bot?x=1",
                               cert_of (data) ? "https" : "http", server_port (self->server));
  self->options =
      (HemeraHttpOptions){ .url = self->url, .trust = self->world.trust, .user_agent = "HemeraTest (1)" };
}

static void
start (Case *self)
{
  self->get = hemera__http_get_async (self->world.net, &self->options, on_done, self);
  g_assert_nonnull (self->get);
  g_assert_cmpint (self->done, ==, 0);
}

static void
get (Case *self)
{
  start (self);
  g_assert_true (world_run (&self->world, PATIENCE_MS, &self->done));
  g_assert_cmpint (self->done, ==, 1);
  g_assert_true ((self->response == NULL) != (self->error == NULL));
}

/* After this the server's thread is gone, and what it kept may be read. */
static void
stop (Case *self)
{
  if (self->server)
    server_stop (self->server);
  self->server = NULL;
}

static void
tear_down (Case *self, Answer *answer)
{
  world_clear (&self->world);
  stop (self);
  hemera__http_get_free (self->get);
  g_clear_pointer (&self->response, hemera__http_response_free);
  g_clear_error (&self->error);
  g_free (self->url);
  g_clear_pointer (&answer->head, g_free);
}

/* The answer's status and body. */
static void
expect (gconstpointer data, Answer answer, guint status, const char *body)
{
  Case c;

  set_up (&c, data, &answer);
  get (&c);
  g_assert_no_error (c.error);
  g_assert_cmpuint (c.response->status, ==, status);
  g_assert_cmpmem (g_bytes_get_data (c.response->body, NULL), g_bytes_get_size (c.response->body), body,
                   strlen (body));
  tear_down (&c, &answer);
}

static void
expect_error (gconstpointer data, Answer answer, guint timeout_ms, HemeraNetError code)
{
  Case c;

  set_up (&c, data, &answer);
  c.options.timeout_ms = timeout_ms;
  get (&c);
  g_assert_error (c.error, HEMERA_NET_ERROR, (int) code);
  tear_down (&c, &answer);
}

static void
test_ok (gconstpointer data)
{
  Answer answer = {
    .text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{\"url\":\"wss\"}"
  };
  Case c;

  set_up (&c, data, &answer);
  c.options.authorization = "Bot SECRET.TOKEN";
  get (&c);
  g_assert_no_error (c.error);
  g_assert_cmpuint (c.response->status, ==, 200);
  g_assert_cmpstr (c.response->content_type, ==, "application/json");
  g_assert_null (c.response->retry_after);
  g_assert_cmpmem (g_bytes_get_data (c.response->body, NULL), g_bytes_get_size (c.response->body),
                   "{\"url\":\"wss\"}", 13);
  stop (&c);
  g_assert_true (g_str_has_prefix (answer.head, "GET /api/v10/gateway/bot?x=1 HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (answer.head, "\r\nUser-Agent: HemeraTest (1)\r\n"));
  g_assert_nonnull (strstr (answer.head, "\r\nAuthorization: Bot SECRET.TOKEN\r\n"));
  tear_down (&c, &answer);
}

/* A server that would keep the connection does not delay the end. */
static void
test_kept_alive (gconstpointer data)
{
  expect (data,
          (Answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", .stall_ms = 2 * PATIENCE_MS },
          200, "ok");
}

static void
test_not_found (gconstpointer data)
{
  expect (data, (Answer){ .text = "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope" }, 404, "nope");
}

static void
test_unauthorized (gconstpointer data)
{
  expect (data, (Answer){ .text = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}" }, 401, "{}");
}

static void
test_server_error (gconstpointer data)
{
  expect (data, (Answer){ .text = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n" }, 503, "");
}

static void
test_no_content (gconstpointer data)
{
  expect (data, (Answer){ .text = "HTTP/1.1 204 No Content\r\n\r\n" }, 204, "");
}

static void
test_rate_limited (gconstpointer data)
{
  Answer answer = {
    .text = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 65.25\r\nContent-Length: 2\r\n\r\n{}"
  };
  Case c;

  set_up (&c, data, &answer);
  get (&c);
  g_assert_no_error (c.error);
  g_assert_cmpuint (c.response->status, ==, 429);
  g_assert_cmpstr (c.response->retry_after, ==, "65.25");
  tear_down (&c, &answer);
}

static void
test_redirect (gconstpointer data)
{
  Answer answer = { .text = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\nno" };
  Case c;

  set_up (&c, data, &answer);
  get (&c);
  g_assert_no_error (c.error);
  g_assert_cmpuint (c.response->status, ==, 302);
  g_assert_cmpint (server_connections (c.server), ==, 1);
  tear_down (&c, &answer);
}

static void
test_chunked (gconstpointer data)
{
  expect (data,
          (Answer){ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                            "chunked\r\n\r\n3\r\nabc\r\n5\r\ndefgh\r\n0\r\n\r\n" },
          200, "abcdefgh");
}

static void
test_until_close (gconstpointer data)
{
  g_autofree char *body = g_strnfill (20000, 'x');

  expect (data, (Answer){ .text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", .filler = 20000 }, 200,
          body);
}

static void
test_long_body (gconstpointer data)
{
  g_autofree char *body = g_strnfill (300000, 'x');

  expect (data, (Answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", .filler = 300000 },
          200, body);
}

static void
test_truncated (gconstpointer data)
{
  expect_error (data, (Answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort" }, 0,
                HEMERA_NET_ERROR_CONNECT);
}

static void
test_truncated_chunk (gconstpointer data)
{
  expect_error (data, (Answer){ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nshort" },
                0, HEMERA_NET_ERROR_CONNECT);
}

/* Between two chunks, where a naive reader would see an end. */
static void
test_missing_chunk (gconstpointer data)
{
  expect_error (data, (Answer){ .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n" },
                0, HEMERA_NET_ERROR_CONNECT);
}

static void
test_huge_chunk (gconstpointer data)
{
  static const char *const sizes[] = { "7fffffff", "80000000", "ffffffff", "fffffffffffffffff" };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree char *text =
        g_strdup_printf ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s\r\n", sizes[i]);

    expect_error (data, (Answer){ .text = text, .filler = 2000000 }, 0, HEMERA_NET_ERROR_LIMIT);
  }
}

static void
test_bad_framing (gconstpointer data)
{
  static const char *const texts[] = {
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nok",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    expect_error (data, (Answer){ .text = texts[i] }, 0, HEMERA_NET_ERROR_PROTOCOL);
}

/* Without a length only TLS can tell an end from a cut. */
static void
test_cut_until_close (void)
{
  expect_error (GINT_TO_POINTER (CERT_GOOD),
                (Answer){ .text = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsome", .rude = TRUE }, 0,
                HEMERA_NET_ERROR_CONNECT);
}

static void
test_no_answer (gconstpointer data)
{
  expect_error (data, (Answer){ .text = "" }, 0, HEMERA_NET_ERROR_CONNECT);
}

static void
test_large_body (gconstpointer data)
{
  expect_error (data,
                (Answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", .filler = 10485760 },
                0, HEMERA_NET_ERROR_LIMIT);
}

static void
test_stalled_body (gconstpointer data)
{
  expect_error (data,
                (Answer){ .text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", .stall_ms = 4000 },
                300, HEMERA_NET_ERROR_TIMEOUT);
}

static void
test_stalled_head (gconstpointer data)
{
  expect_error (data, (Answer){ .text = "HTTP/1.1 200", .stall_ms = 4000 }, 300, HEMERA_NET_ERROR_TIMEOUT);
}

static void
test_large_header (gconstpointer data)
{
  g_autofree char *filler = g_strnfill (8000, 'h');
  g_autofree char *text =
      g_strconcat ("HTTP/1.1 200 OK\r\nX-Large: ", filler, "\r\nContent-Length: 2\r\n\r\nok", NULL);

  expect (data, (Answer){ .text = text }, 200, "ok");
}

static void
test_huge_header (gconstpointer data)
{
  g_autofree char *filler = g_strnfill (60000, 'h');
  g_autofree char *text =
      g_strconcat ("HTTP/1.1 200 OK\r\nX-Huge: ", filler, "\r\nContent-Length: 2\r\n\r\nok", NULL);
  Answer answer = { .text = text };
  Case c;

  set_up (&c, data, &answer);
  get (&c);
  g_assert_nonnull (c.error);
  tear_down (&c, &answer);
}

static void
test_not_http (gconstpointer data)
{
  Answer answer = { .text = "SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n" };
  Case c;

  set_up (&c, data, &answer);
  get (&c);
  g_assert_nonnull (c.error);
  tear_down (&c, &answer);
}

static gboolean
cancel (gpointer data)
{
  Case *self = data;

  hemera__http_get_free (g_steal_pointer (&self->get));
  return G_SOURCE_REMOVE;
}

static void
test_cancel (gconstpointer data)
{
  static const int after_ms[] = { -1, 0, 2, 50 };

  for (gsize i = 0; i < G_N_ELEMENTS (after_ms); i++) {
    Answer answer = { .text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
                      .stall_ms = PATIENCE_MS };
    GSource *timer = g_timeout_source_new ((guint) MAX (after_ms[i], 0));
    Case c;

    set_up (&c, data, &answer);
    start (&c);
    if (after_ms[i] < 0)
      cancel (&c);
    else
      g_source_attach (timer, c.world.context);
    g_source_set_callback (timer, cancel, &c, NULL);
    g_assert_true (world_run (&c.world, PATIENCE_MS, &c.done));
    g_assert_error (c.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_source_unref (timer);
    tear_down (&c, &answer);
  }
}

static void
on_done_free (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Case *self = user_data;

  hemera__http_get_free (g_steal_pointer (&self->get));
  on_done (source, result, user_data);
}

static void
test_free_in_callback (gconstpointer data)
{
  Answer answer = { .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" };
  Case c;

  set_up (&c, data, &answer);
  c.get = hemera__http_get_async (c.world.net, &c.options, on_done_free, &c);
  g_assert_true (world_run (&c.world, PATIENCE_MS, &c.done));
  g_assert_null (c.get);
  g_assert_no_error (c.error);
  g_assert_cmpuint (c.response->status, ==, 200);
  tear_down (&c, &answer);
}

static void
test_refused (gconstpointer data)
{
  Answer answer = { .text = "" };
  Case c;

  set_up (&c, data, &answer);
  stop (&c);
  get (&c);
  g_assert_error (c.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT);
  tear_down (&c, &answer);
}

static void
test_bad_options (void)
{
  static const HemeraHttpOptions bad[] = {
    { .url = "ws://gateway.test/" },
    { .url = NULL },
    { .url = "http://gateway.test/", .authorization = "Bot x\r\nEvil: 1" },
    { .url = "http://gateway.test/", .user_agent = "x\n" },
  };
  World world;

  world_init (&world);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    Case c = { 0 };
    g_assert_null (hemera__http_get_async (world.net, &bad[i], on_done, &c));
    g_assert_cmpint (c.done, ==, 0);
    g_assert_true (world_run (&world, PATIENCE_MS, &c.done));
    g_assert_error (c.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL);
    g_assert_null (strstr (c.error->message, "Bot"));
    g_clear_error (&c.error);
  }
  world_clear (&world);
}

static void
test_untrusted (void)
{
  Answer answer = { .text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" };
  Case c;

  set_up (&c, GINT_TO_POINTER (CERT_OTHER_CA), &answer);
  c.options.authorization = "Bot SECRET.TOKEN";
  get (&c);
  g_assert_error (c.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS);
  stop (&c);
  g_assert_null (answer.head); /* the secret was not sent */
  tear_down (&c, &answer);
}

void
add_http_tests (void)
{
  static const TestCase cases[] = {
    { "ok", test_ok },
    { "kept-alive", test_kept_alive },
    { "not-found", test_not_found },
    { "unauthorized", test_unauthorized },
    { "server-error", test_server_error },
    { "no-content", test_no_content },
    { "rate-limited", test_rate_limited },
    { "redirect", test_redirect },
    { "chunked", test_chunked },
    { "until-close", test_until_close },
    { "long-body", test_long_body },
    { "truncated", test_truncated },
    { "truncated-chunk", test_truncated_chunk },
    { "missing-chunk", test_missing_chunk },
    { "huge-chunk", test_huge_chunk },
    { "bad-framing", test_bad_framing },
    { "no-answer", test_no_answer },
    { "body-over-limit", test_large_body },
    { "stalled-body", test_stalled_body },
    { "stalled-head", test_stalled_head },
    { "large-header", test_large_header },
    { "huge-header", test_huge_header },
    { "not-http", test_not_http },
    { "cancel", test_cancel },
    { "free-in-callback", test_free_in_callback },
    { "refused", test_refused },
  };

  add_for_both ("/net/http", cases, G_N_ELEMENTS (cases));
  g_test_add_func ("/net/http/bad-options", test_bad_options);
  g_test_add_func ("/net/http/cut-until-close", test_cut_until_close);
  g_test_add_func ("/net/http/untrusted", test_untrusted);
}

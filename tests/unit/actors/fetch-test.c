/* The fetch actor against a server that the test plays itself, over plain HTTP on loopback: what is asked, what is tried again, when it
 * ends. How single answers are judged is in rest-test.c. */
#include "actors/rest/fetch.h"
#include "actors/token.h"
#include "http-server.h"

#include <pthread.h>
#include <string.h>

#define BOT                                                                                                  \
  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"                                                             \
  "{\"url\":\"ws://gateway.test\",\"shards\":3,\"session_start_limit\":"                                     \
  "{\"total\":1000,\"remaining\":7,\"reset_after\":1,\"max_concurrency\":2}}"
#define BUSY   "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define DENIED "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

typedef struct {
  HemeraSystem *system;
  HttpServer server;
  HemeraToken *token;
  HemeraPid sink;
  pthread_mutex_t lock; /* pthread's own: TSan does not see GLib's */
  pthread_cond_t changed;
  GPtrArray *messages; /* what the sink got, under the lock */
} Fixture;

static HemeraNext
sink_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(Fixture **) state = (Fixture *) args;
  return HEMERA_CONTINUE;
}

static HemeraNext
sink_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Fixture *f = *(Fixture **) state;
  const HemeraMessageType *type = hemera_actor_message_type (message);

  pthread_mutex_lock (&f->lock);
  g_ptr_array_add (f->messages, hemera_actor_message_new (type, hemera_actor_message_payload (message)));
  memset (hemera_actor_message_payload (message), 0, type->size); /* moved */
  pthread_cond_signal (&f->changed);
  pthread_mutex_unlock (&f->lock);
  return HEMERA_CONTINUE;
}

static const HemeraActorClass sink_class = {
  .name = "sink",
  .state_size = sizeof (Fixture *),
  .init = sink_init,
  .receive = sink_receive,
};

static void
set_up (Fixture *f, gconstpointer data)
{
  const HemeraSystemOptions options = { .workers = 1 };

  f->system = hemera_system_new (&options, NULL);
  http_server_start (&f->server);
  f->token = hemera__token_new ("the.token", NULL);
  f->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) hemera_actor_message_free);
  pthread_mutex_init (&f->lock, NULL);
  pthread_cond_init (&f->changed, NULL);
  f->sink =
      hemera_system_spawn (f->system, &(HemeraSpawn){ .actor_class = &sink_class, .args = { .data = f } });
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  hemera_system_unref (f->system);
  http_server_stop (&f->server);
  hemera__token_unref (f->token);
  g_ptr_array_unref (f->messages);
  pthread_mutex_destroy (&f->lock);
  pthread_cond_destroy (&f->changed);
}

static HemeraPid
fetch (Fixture *f, HemeraToken *token, guint attempts)
{
  return hemera__fetch_spawn (f->system, NULL,
                              &(HemeraFetch){ .token = token,
                                              .api_url = f->server.api_url,
                                              .timeout_ms = 600000,
                                              .attempts = attempts,
                                              .backoff_base_ms = 1,
                                              .backoff_cap_ms = 1,
                                              .reply_to = f->sink,
                                              .tag = 42 });
}

static gpointer
await (Fixture *f, const HemeraMessageType *type, guint n)
{
  gpointer payload;

  pthread_mutex_lock (&f->lock);
  while (f->messages->len <= n)
    pthread_cond_wait (&f->changed, &f->lock);
  payload = hemera_actor_message_peek (f->messages->pdata[n], type);
  pthread_mutex_unlock (&f->lock);
  g_assert_nonnull (payload);
  return payload;
}

static void
test_with_token (Fixture *f, gconstpointer data)
{
  g_autofree char *head = NULL;
  HemeraFetchResult *result;

  fetch (f, f->token, 0);
  head = http_server_serve (&f->server, BOT);
  g_assert_true (g_str_has_prefix (head, "GET /api/gateway/bot HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (head, "\r\nAuthorization: Bot the.token\r\n"));
  result = await (f, &hemera__fetch_result_type, 0);
  g_assert_no_error (result->error);
  g_assert_cmpuint (result->tag, ==, 42);
  g_assert_cmpuint (hemera_gateway_bot_get_remaining (result->bot), ==, 7);
  g_assert_cmpuint (hemera_gateway_bot_get_max_concurrency (result->bot), ==, 2);
}

static void
test_without_token (Fixture *f, gconstpointer data)
{
  g_autofree char *head = NULL;

  fetch (f, NULL, 0);
  head = http_server_serve (&f->server, BOT);
  g_assert_true (g_str_has_prefix (head, "GET /api/gateway HTTP/1.1\r\n"));
  g_assert_null (strstr (head, "Authorization"));
  g_assert_nonnull (((HemeraFetchResult *) await (f, &hemera__fetch_result_type, 0))->bot);
}

static void
test_tries_again (Fixture *f, gconstpointer data)
{
  HemeraFetchRetry *retry;

  fetch (f, f->token, 0);
  for (guint i = 0; i < 3; i++) {
    g_free (http_server_serve (&f->server, BUSY));
    retry = await (f, &hemera__fetch_retry_type, i);
    g_assert_cmpuint (retry->tag, ==, 42);
    g_assert_error (retry->error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST);
  }
  g_free (http_server_serve (&f->server, BOT));
  g_assert_nonnull (((HemeraFetchResult *) await (f, &hemera__fetch_result_type, 3))->bot);
}

static void
test_attempts_are_counted (Fixture *f, gconstpointer data)
{
  HemeraFetchResult *result;

  fetch (f, f->token, 2);
  g_free (http_server_serve (&f->server, BUSY));
  await (f, &hemera__fetch_retry_type, 0);
  g_free (http_server_serve (&f->server, BUSY));
  result = await (f, &hemera__fetch_result_type, 1);
  g_assert_null (result->bot);
  g_assert_error (result->error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST);
}

static void
test_pointless_is_not_tried_again (Fixture *f, gconstpointer data)
{
  HemeraFetchResult *result;

  fetch (f, f->token, 0);
  g_free (http_server_serve (&f->server, DENIED));
  result = await (f, &hemera__fetch_result_type, 0);
  g_assert_error (result->error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_UNAUTHORIZED);
  g_assert_null (strstr (result->error->message, "the.token"));
}

static void
test_exit_cancels (Fixture *f, gconstpointer data)
{
  HemeraPid pid = fetch (f, f->token, 0);
  g_autofree char *head = NULL;
  g_autoptr (GSocketConnection) connection = http_server_accept (&f->server, &head);

  hemera_exit (pid, hemera_reason_kill ());
  /* Waits for the end of the connection, which no time-out brings so soon. */
  http_server_await_end (connection);
  g_assert_cmpuint (f->messages->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/fetch/with-token", Fixture, NULL, set_up, test_with_token, tear_down);
  g_test_add ("/fetch/without-token", Fixture, NULL, set_up, test_without_token, tear_down);
  g_test_add ("/fetch/retry/until-it-works", Fixture, NULL, set_up, test_tries_again, tear_down);
  g_test_add ("/fetch/retry/attempts", Fixture, NULL, set_up, test_attempts_are_counted, tear_down);
  g_test_add ("/fetch/retry/not-when-pointless", Fixture, NULL, set_up, test_pointless_is_not_tried_again,
              tear_down);
  g_test_add ("/fetch/exit-cancels", Fixture, NULL, set_up, test_exit_cancels, tear_down);
  return g_test_run ();
}

/* HemeraGatewayManager as an application uses it, against a server that the test plays itself. The requests run on the system's worker, so
 * that this thread may serve them before it runs its loop. */
#include "http-server.h"
#include "tests/descriptors.h"
#include <hemera/hemera.h>
#include <string.h>

#define TOKEN "token.of.tests"
#define HEAD  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
#define BOT                                                                                                  \
  HEAD "{\"url\":\"wss://gateway.test\",\"shards\":3,\"session_start_limit\":"                               \
       "{\"total\":1000,\"remaining\":7,\"reset_after\":14400000,\"max_concurrency\":2}}"
#define DENIED "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define BUSY   "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
#define TRIES  5

typedef struct {
  HttpServer server;
  HemeraSystem *system;
  HemeraGatewayApiOptions *options;
  HemeraGatewayManager *manager;
  GPtrArray *results; /* #GAsyncResult, as they came */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  http_server_start (&self->server);
  self->system = hemera_system_new (&(HemeraSystemOptions){ .workers = 1 }, NULL);
  self->options = hemera_gateway_api_options_new (TOKEN, NULL);
  g_assert_true (hemera_gateway_api_options_set_api_url (self->options, self->server.api_url, NULL));
  hemera_gateway_api_options_set_backoff (self->options, 1, 1, 0);
  self->manager = hemera_gateway_manager_new (self->system, self->options, NULL);
  g_assert_nonnull (self->manager);
  self->results = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_ptr_array_unref (self->results);
  g_clear_object (&self->manager);
  g_object_unref (self->options);
  hemera_system_unref (self->system);
  http_server_stop (&self->server);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_true (HEMERA_IS_GATEWAY_MANAGER (source));
  g_ptr_array_add (self->results, g_object_ref (result));
}

static GAsyncResult *
await (Fixture *self, guint n)
{
  while (self->results->len <= n)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  return self->results->pdata[n];
}

static void
test_gateway (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *head = NULL, *url = NULL;

  hemera_gateway_manager_fetch_gateway_async (self->manager, NULL, on_done, self);
  head = http_server_serve (&self->server, HEAD "{\"url\":\"wss://gateway.test\"}");
  g_assert_true (g_str_has_prefix (head, "GET /api/gateway HTTP/1.1\r\n"));
  g_assert_null (strstr (head, "Authorization"));
  g_assert_nonnull (strstr (head, "\r\nUser-Agent: DiscordBot ("));
  url = hemera_gateway_manager_fetch_gateway_finish (self->manager, await (self, 0), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (url, ==, "wss://gateway.test");
}

static void
test_gateway_bot (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayBot) bot = NULL;
  g_autofree char *head = NULL;

  hemera_gateway_manager_fetch_gateway_bot_async (self->manager, NULL, on_done, self);
  head = http_server_serve (&self->server, BOT);
  g_assert_true (g_str_has_prefix (head, "GET /api/gateway/bot HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (head, "\r\nAuthorization: Bot " TOKEN "\r\n"));
  bot = hemera_gateway_manager_fetch_gateway_bot_finish (self->manager, await (self, 0), &error);
  g_assert_no_error (error);
  g_assert_cmpstr (hemera_gateway_bot_get_url (bot), ==, "wss://gateway.test");
  g_assert_cmpuint (hemera_gateway_bot_get_shards (bot), ==, 3);
  g_assert_cmpuint (hemera_gateway_bot_get_total (bot), ==, 1000);
  g_assert_cmpuint (hemera_gateway_bot_get_remaining (bot), ==, 7);
  g_assert_cmpuint (hemera_gateway_bot_get_reset_after_ms (bot), ==, 14400000);
  g_assert_cmpuint (hemera_gateway_bot_get_max_concurrency (bot), ==, 2);
}

static void
test_unauthorized (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  hemera_gateway_manager_fetch_gateway_bot_async (self->manager, NULL, on_done, self);
  g_free (http_server_serve (&self->server, DENIED));
  g_assert_null (hemera_gateway_manager_fetch_gateway_bot_finish (self->manager, await (self, 0), &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_UNAUTHORIZED);
  g_assert_null (strstr (error->message, TOKEN));
}

static void
test_tries (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  hemera_gateway_manager_fetch_gateway_bot_async (self->manager, NULL, on_done, self);
  for (guint i = 0; i < TRIES; i++)
    g_free (http_server_serve (&self->server, BUSY));
  g_assert_null (hemera_gateway_manager_fetch_gateway_bot_finish (self->manager, await (self, 0), &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST);
}

static void
test_nobody_listens (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayManager) manager = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (hemera_gateway_api_options_set_api_url (self->options, "http://127.0.0.1:1", NULL));
  manager = hemera_gateway_manager_new (self->system, self->options, NULL);
  hemera_gateway_manager_fetch_gateway_bot_async (manager, NULL, on_done, self);
  g_assert_null (hemera_gateway_manager_fetch_gateway_bot_finish (manager, await (self, 0), &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST);
  g_assert_null (strstr (error->message, TOKEN));
}

static void
test_cancelled_before (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  hemera_gateway_manager_fetch_gateway_async (self->manager, cancellable, on_done, self);
  g_assert_cmpuint (self->results->len, ==, 0); /* never from inside the call */
  g_assert_null (hemera_gateway_manager_fetch_gateway_finish (self->manager, await (self, 0), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* The request ends with it, not only the wait. */
static void
test_cancelled_on_the_way (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *head = NULL;

  hemera_gateway_manager_fetch_gateway_bot_async (self->manager, cancellable, on_done, self);
  connection = http_server_accept (&self->server, &head);
  g_cancellable_cancel (cancellable);
  g_assert_null (hemera_gateway_manager_fetch_gateway_bot_finish (self->manager, await (self, 0), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  http_server_await_end (connection);
}

/* A request keeps its manager, and brings its answer to the context that asked. */
static void
test_own_context (Fixture *self, gconstpointer data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *url = NULL;
  g_autoptr (GObject) manager = NULL;

  g_main_context_push_thread_default (context);
  hemera_gateway_manager_fetch_gateway_async (self->manager, NULL, on_done, self);
  g_clear_object (&self->manager);
  g_free (http_server_serve (&self->server, HEAD "{\"url\":\"wss://gateway.test\"}"));
  manager = g_async_result_get_source_object (await (self, 0));
  g_main_context_pop_thread_default (context);
  url = hemera_gateway_manager_fetch_gateway_finish (HEMERA_GATEWAY_MANAGER (manager),
                                                     self->results->pdata[0], &error);
  g_assert_no_error (error);
  g_assert_cmpstr (url, ==, "wss://gateway.test");
}

static void
test_two_at_once (Fixture *self, gconstpointer data)
{
  hemera_gateway_manager_fetch_gateway_bot_async (self->manager, NULL, on_done, self);
  hemera_gateway_manager_fetch_gateway_bot_async (self->manager, NULL, on_done, self);
  for (guint i = 0; i < 2; i++)
    g_free (http_server_serve (&self->server, BOT));
  for (guint i = 0; i < 2; i++) {
    g_autoptr (HemeraGatewayBot) bot = NULL;

    bot = hemera_gateway_manager_fetch_gateway_bot_finish (self->manager, await (self, i), NULL);
    g_assert_cmpuint (hemera_gateway_bot_get_shards (bot), ==, 3);
  }
}

static void
test_no_descriptor (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  AllDescriptors all;

  take_all_descriptors (&all);
  hemera_gateway_manager_fetch_gateway_async (self->manager, NULL, on_done, self);
  give_back_descriptors (&all);
  g_assert_null (hemera_gateway_manager_fetch_gateway_finish (self->manager, await (self, 0), &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES);
}

static void
test_ca_file (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  hemera_gateway_api_options_set_ca_file (self->options, "/nowhere/ca.pem");
  g_assert_null (hemera_gateway_manager_new (self->system, self->options, &error));
  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, "/nowhere/ca.pem"));
}

#define ADD(path, func) g_test_add ("/manager/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("gateway", test_gateway);
  ADD ("gateway-bot", test_gateway_bot);
  ADD ("unauthorized", test_unauthorized);
  ADD ("five-tries", test_tries);
  ADD ("nobody-listens", test_nobody_listens);
  ADD ("cancelled/before", test_cancelled_before);
  ADD ("cancelled/on-the-way", test_cancelled_on_the_way);
  ADD ("own-context", test_own_context);
  ADD ("two-at-once", test_two_at_once);
  ADD ("no-descriptor", test_no_descriptor);
  ADD ("ca-file", test_ca_file);
  return g_test_run ();
}

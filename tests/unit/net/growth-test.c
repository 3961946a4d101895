/* What connections leave behind in a net that goes on: nothing, whichever way they end. A leak checker at the exit does not see what is
 * still referred to there, a bot that runs for months does. Live blocks are counted by a malloc of our own in front of libc's; sanitizers
 * have theirs, so there it is skipped. */
#include "tests/unit/net/fixture.h"

#ifndef HEMERA_SANITIZED

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTED __attribute__ ((visibility ("default"))) /* else GLib does not see it */
#define ROUNDS   50

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);
void *__libc_memalign (size_t alignment, size_t size);
void __libc_free (void *block);

static atomic_long live;

static void *
counted (void *block)
{
  atomic_fetch_add_explicit (&live, block != NULL, memory_order_relaxed);
  return block;
}

EXPORTED void *
malloc (size_t size)
{
  return counted (__libc_malloc (size));
}

EXPORTED void *
calloc (size_t n, size_t size)
{
  return counted (__libc_calloc (n, size));
}

EXPORTED void *
realloc (void *old, size_t size)
{
  void *block = __libc_realloc (old, size);

  if (old == NULL)
    counted (block);
  else if (size == 0)
    atomic_fetch_sub_explicit (&live, 1, memory_order_relaxed);
  return block;
}

EXPORTED void *
aligned_alloc (size_t alignment, size_t size)
{
  return counted (__libc_memalign (alignment, size));
}

EXPORTED int
posix_memalign (void **block, size_t alignment, size_t size)
{
  *block = aligned_alloc (alignment, size);
  return *block != NULL ? 0 : ENOMEM;
}

EXPORTED void
free (void *block)
{
  atomic_fetch_sub_explicit (&live, block != NULL, memory_order_relaxed);
  __libc_free (block);
}

/* ---- what servers do ---------------------------------------------------------------------------------------------------------------- */

static void
answer_and_leave (Peer *peer, gpointer arg)
{
  peer_skip_head (peer);
  peer_say (peer, arg);
}

static void
upgrade_and_wait (Peer *peer, gpointer arg)
{
  if (!peer_upgrade (peer))
    return;
  peer_receive_close (peer);
  peer_send (peer, 0x88, "\x03\xe8", 2);
}

static void
upgrade_and_close (Peer *peer, gpointer arg)
{
  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x82, "1234", 4);
  peer_send (peer, 0x88, "\x0f\xa0", 2);
  peer_receive_close (peer);
}

static void
upgrade_and_reset (Peer *peer, gpointer arg)
{
  if (!peer_upgrade (peer))
    return;
  peer_send (peer, 0x82, "1234", 4);
  peer_reset (peer);
}

static void
upgrade_and_babble (Peer *peer, gpointer arg)
{
  if (peer_upgrade (peer))
    peer_send (peer, 0xff, "nonsense", 8);
}

/* ---- what clients do ---------------------------------------------------------------------------------------------------------------- */

static void
wait_for_the_end (Client *client)
{
  client_connect (client);
  client_finish (client);
}

static void
time_out (Client *client)
{
  client->options.connect_timeout_ms = 10;
  wait_for_the_end (client);
  g_assert_error (client->error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TIMEOUT);
}

static void
send_and_close (Client *client)
{
  client_open (client);
  client_send (client, "hello");
  hemera__websocket_close (client->websocket, 1000);
  client_finish (client);
}

static void
abort_it (Client *client)
{
  client_open (client);
  client_send (client, "hello");
  hemera__websocket_abort (client->websocket);
}

static void
abort_early (Client *client)
{
  client_connect (client);
  g_main_context_iteration (client->world->context, FALSE);
  g_main_context_iteration (client->world->context, FALSE);
  hemera__websocket_abort (client->websocket);
}

static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Client *client = user_data;
  HemeraHttpResponse *response = hemera__http_get_finish (result, &client->error);

  if (response != NULL)
    hemera__http_response_free (response);
  client->ended++;
}

static HemeraHttpGet *
get_async (Client *client)
{
  g_autofree char *url = g_strconcat ("http", client->url + strlen ("ws"), NULL);
  HemeraHttpOptions options = { .url = url, .trust = client->world->trust, .user_agent = "HemeraTest (1)" };

  return hemera__http_get_async (client->world->net, &options, on_response, client);
}

static void
get (Client *client)
{
  HemeraHttpGet *get = get_async (client);

  client_finish (client);
  hemera__http_get_free (get);
}

static void
get_and_cancel (Client *client)
{
  HemeraHttpGet *get = get_async (client);

  g_main_context_iteration (client->world->context, FALSE);
  g_main_context_iteration (client->world->context, FALSE);
  hemera__http_get_free (get);
  client_finish (client);
}

/* ---- the ways ----------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  const char *name;
  ClientHook act;
  Script script; /* NULL: nobody listens */
  const char *arg;
  const char *host; /* NULL: gateway.test */
  gboolean fails;   /* the client gets an error */
  gboolean tls_only;
} Way;

static const Way ways[] = {
  { .name = "refused", .act = wait_for_the_end, .fails = TRUE },
  { .name = "unreachable", .act = wait_for_the_end, .host = "255.255.255.255", .fails = TRUE },
  { .name = "unknown", .act = wait_for_the_end, .host = "none.test", .fails = TRUE },
  { .name = "left", .act = wait_for_the_end, .script = script_leave, .fails = TRUE },
  { .name = "reset", .act = wait_for_the_end, .script = script_reset, .fails = TRUE },
  { .name = "silence", .act = time_out, .script = script_answer, .arg = "", .fails = TRUE },
  { .name = "unauthorized",
    .act = wait_for_the_end,
    .script = script_answer,
    .arg = "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
    .fails = TRUE },
  { .name = "wrong-host",
    .act = wait_for_the_end,
    .script = upgrade_and_close,
    .host = "two.test.wild.test",
    .fails = TRUE,
    .tls_only = TRUE },
  { .name = "closed-by-peer", .act = wait_for_the_end, .script = upgrade_and_close },
  { .name = "broken", .act = wait_for_the_end, .script = upgrade_and_reset, .fails = TRUE },
  { .name = "nonsense", .act = wait_for_the_end, .script = upgrade_and_babble, .fails = TRUE },
  { .name = "closed", .act = send_and_close, .script = upgrade_and_wait },
  { .name = "aborted", .act = abort_it, .script = upgrade_and_wait },
  { .name = "aborted-early", .act = abort_early, .script = upgrade_and_wait },
  { .name = "get",
    .act = get,
    .script = answer_and_leave,
    .arg = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" },
  { .name = "get-cut",
    .act = get,
    .script = answer_and_leave,
    .arg = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    .fails = TRUE },
  { .name = "get-reset", .act = get, .script = script_reset, .fails = TRUE },
  { .name = "get-refused", .act = get, .fails = TRUE },
  { .name = "get-unreachable", .act = get, .host = "255.255.255.255", .fails = TRUE },
  { .name = "get-cancelled", .act = get_and_cancel, .script = script_answer, .arg = "", .fails = TRUE },
};

static long
live_after (World *world, const Way *way, gboolean tls)
{
  Server *server = server_start (tls ? CERT_GOOD : CERT_NONE, way->script ? way->script : script_leave,
                                 (gpointer) way->arg);
  guint16 port = server_port (server);

  if (way->script == NULL)
    server_stop (g_steal_pointer (&server));
  for (int i = 0; i < ROUNDS; i++) {
    Client client;

    client_init (&client, world, tls, way->host ? way->host : "gateway.test", port, "/");
    way->act (&client);
    g_assert_cmpint (client.error != NULL, ==, way->fails);
    client_clear (&client);
  }
  if (server != NULL)
    server_stop (server);
  world_run (world, 20, NULL);
  return atomic_load (&live);
}

static void
test_growth (const Way *way, gboolean tls)
{
  World world;
  long before, after;

  world_init (&world);
  before = live_after (&world, way, tls);
  before = live_after (&world, way, tls); /* all that is kept has been made */
  after = live_after (&world, way, tls);
  g_test_message ("%ld blocks, %ld before", after, before);
  g_assert_cmpint (after - before, <, ROUNDS / 2); /* threads come and go, and what is kept for them */
  world_clear (&world);
}

static void
test_plain (gconstpointer way)
{
  test_growth (way, FALSE);
}

static void
test_tls (gconstpointer way)
{
  test_growth (way, TRUE);
}

void
add_growth_tests (void)
{
  void *block = NULL;
  long before = atomic_load (&live);

  block = g_strdup ("x");
  g_assert_cmpint (atomic_load (&live), ==, before + 1); /* it does count */
  g_free (block);
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++) {
    g_autofree char *plain = g_strdup_printf ("/net/growth/plain/%s", ways[i].name);
    g_autofree char *tls = g_strdup_printf ("/net/growth/tls/%s", ways[i].name);

    if (!ways[i].tls_only)
      g_test_add_data_func (plain, &ways[i], test_plain);
    g_test_add_data_func (tls, &ways[i], test_tls);
  }
}

#else

static void
skip (void)
{
  g_test_skip ("sanitizers have their own malloc");
}

void
add_growth_tests (void)
{
  g_test_add_func ("/net/growth", skip);
}

#endif

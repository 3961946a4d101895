/* event-mallocs: what an ETF event costs from the socket to a typed handler, TLS and zlib-stream included: at most two mallocs in the steady
 * state, the term over its slice and the event. This program's own malloc counts, in all threads, between event 2,000 and event 12,000.
 * A started program needs DISCORD_TOKEN, HEMERA_API_URL and HEMERA_CA_FILE; it prints the count and exits 0 when it is within the bound. */
#include <hemera/hemera.h>

#include <stdatomic.h>
#include <stdlib.h>

#define FIRST   2000
#define COUNTED 10000

#define VISIBLE __attribute__ ((visibility ("default"))) /* GLib must find it before libc's */

static _Atomic guint64 mallocs;

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *old, size_t size);

VISIBLE void *
malloc (size_t size)
{
  atomic_fetch_add_explicit (&mallocs, 1, memory_order_relaxed);
  return __libc_malloc (size);
}

VISIBLE void *
calloc (size_t n, size_t size)
{
  atomic_fetch_add_explicit (&mallocs, 1, memory_order_relaxed);
  return __libc_calloc (n, size);
}

VISIBLE void *
realloc (void *old, size_t size)
{
  atomic_fetch_add_explicit (&mallocs, 1, memory_order_relaxed);
  return __libc_realloc (old, size);
}

static GMainLoop *loop;
static guint events, typed;
static guint64 before, after;

static void
on_closed (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  hemera_gateway_close_finish (HEMERA_GATEWAY (gateway), result, NULL);
  g_main_loop_quit (loop);
}

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  events++;
  if (events == FIRST)
    before = atomic_load_explicit (&mallocs, memory_order_relaxed);
  if (events == FIRST + COUNTED) {
    after = atomic_load_explicit (&mallocs, memory_order_relaxed);
    hemera_gateway_close_async (gateway, HEMERA_CLOSE_END, 0, NULL, on_closed, NULL);
  }
}

static void
on_message (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data)
{
  typed += hemera_message_get_id (message) != 0;
}

int
main (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (NULL);
  g_autoptr (HemeraGateway) gateway = hemera_gateway_new (NULL, options);
  double an_event;

  loop = g_main_loop_new (NULL, FALSE);
  hemera_gateway_on_event (gateway, NULL, NULL, on_event, NULL, NULL);
  hemera_gateway_on_message_create (gateway, NULL, on_message, NULL, NULL);
  hemera_gateway_connect_async (gateway, NULL, NULL, NULL);
  g_main_loop_run (loop);
  g_main_loop_unref (loop);
  an_event = (double) (after - before) / COUNTED;
  g_print ("%.3f mallocs an event, %u typed messages\n", an_event, typed);
  return an_event > 2.0 || typed == 0;
}

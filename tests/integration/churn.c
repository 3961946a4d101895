/* churn MS SEED: gateways and requests that come and go at any moment, over TLS, on all workers, while actors of all kinds are killed. Prints
 * what it counted. Exit 0: each operation has ended once, and no descriptor is left. */
#include "tests/descriptors.h"

#include <hemera/hemera.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GATEWAYS  3
#define REQUESTS  4
#define LIFE_MS   800
#define CANCEL_MS 20
#define CLOSE_MS  30000
#define KILL_MS   150
/* What a process opens once: the signal pipe of libuv, the eventfd of GLib's worker thread. */
#define ONCE 3

typedef struct {
  guint started, ended, failed;
} Count;

static HemeraSystem *actors;
static HemeraGatewayApiOptions *options;
static GMainLoop *loop;
static GRand *dice;
static Count connects, closes, requests;
static guint events, at_work;
static gint64 end_time;

/* TRUE: one more; else one less, and the last one ends the program. */
static gboolean
goes_on (void)
{
  if (g_get_monotonic_time () < end_time)
    return TRUE;
  if (--at_work == 0)
    g_main_loop_quit (loop);
  return FALSE;
}

/* ---- gateways ----------------------------------------------------------------------------------------------------------------------- */

static void start_gateway (void);

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  events++;
}

static void
on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  connects.ended++;
  if (!hemera_gateway_connect_finish (HEMERA_GATEWAY (gateway), result, &error))
    connects.failed++;
}

static void
next_gateway (gpointer gateway)
{
  g_object_unref (gateway);
  if (goes_on ())
    start_gateway ();
}

static void
on_closed (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  closes.ended++;
  if (!hemera_gateway_close_finish (HEMERA_GATEWAY (gateway), result, &error))
    closes.failed++;
  next_gateway (gateway);
}

/* Three of four are closed, the fourth is dropped. */
static gboolean
end_gateway (gpointer gateway)
{
  if (g_rand_int_range (dice, 0, 4) == 0) {
    next_gateway (gateway);
    return G_SOURCE_REMOVE;
  }
  closes.started++;
  hemera_gateway_close_async (gateway, g_rand_boolean (dice) ? HEMERA_CLOSE_END : HEMERA_CLOSE_KEEP, CLOSE_MS,
                              NULL, on_closed, NULL);
  return G_SOURCE_REMOVE;
}

static void
start_gateway (void)
{
  HemeraGateway *gateway = hemera_gateway_new (actors, options);

  hemera_gateway_on_event (gateway, NULL, NULL, on_event, NULL, NULL);
  connects.started++;
  hemera_gateway_connect_async (gateway, NULL, on_connected, NULL);
  g_timeout_add ((guint) g_rand_int_range (dice, 0, LIFE_MS), end_gateway, gateway);
}

static gboolean
kill_one (gpointer user_data)
{
  static const char *const names[] = { "hemera_gateway", "hemera_session_store",  "hemera_identify_broker",
                                       "hemera_shard_0", "hemera_event_parser_1", "hemera_shards" };

  hemera_exit (hemera_system_whereis (actors, names[g_rand_int_range (dice, 0, G_N_ELEMENTS (names))]),
               hemera_reason_kill ());
  return G_SOURCE_CONTINUE;
}

/* ---- requests ----------------------------------------------------------------------------------------------------------------------- */

static void start_request (void);

static void
on_fetched (GObject *manager, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayBot) bot =
      hemera_gateway_manager_fetch_gateway_bot_finish (HEMERA_GATEWAY_MANAGER (manager), result, &error);

  requests.ended++;
  if (bot == NULL)
    requests.failed++;
  if (bot == NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_printerr ("%s\n", error->message);
  if (goes_on ())
    start_request ();
}

static gboolean
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* Each by a manager of its own, so that trust anchors come and go too; every third is cancelled on its way. */
static void
start_request (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (HemeraGatewayManager) manager = hemera_gateway_manager_new (actors, options, &error);

  if (manager == NULL)
    g_error ("%s", error->message);
  requests.started++;
  hemera_gateway_manager_fetch_gateway_bot_async (manager, cancellable, on_fetched, NULL);
  if (g_rand_int_range (dice, 0, 3) == 0)
    g_timeout_add_full (G_PRIORITY_DEFAULT, (guint) g_rand_int_range (dice, 0, CANCEL_MS), cancel,
                        g_object_ref (cancellable), g_object_unref);
}

/* ---- all of it ---------------------------------------------------------------------------------------------------------------------- */

/* GLib's own asks localtime(), which is no function for two threads. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer user_data)
{
  if (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) {
    for (gsize i = 0; i < n; i++)
      if (strcmp (fields[i].key, "MESSAGE") == 0)
        fprintf (stderr, "%s\n", (const char *) fields[i].value);
    abort ();
  }
  return G_LOG_WRITER_HANDLED;
}

static gboolean
all_ended (void)
{
  return connects.ended == connects.started && closes.ended == closes.started
         && requests.ended == requests.started;
}

int
main (int argc, char **argv)
{
  guint killer, before;

  if (argc != 3 || (options = hemera_gateway_api_options_new_from_environment (NULL)) == NULL)
    return 2;
  g_log_set_writer_func (write_log, NULL, NULL);
  loop = g_main_loop_new (NULL, FALSE);
  dice = g_rand_new_with_seed ((guint32) atoi (argv[2]));
  hemera_gateway_api_options_set_backoff (options, 20, 200, 0);
  hemera_gateway_api_options_set_restart_backoff (options, 20, 200);
  hemera_gateway_api_options_set_identify_spacing (options, 50);
  before = count_descriptors ();
  actors = hemera_system_new (NULL, NULL);
  end_time = g_get_monotonic_time () + atoi (argv[1]) * G_GINT64_CONSTANT (1000);
  at_work = GATEWAYS + REQUESTS;
  for (guint i = 0; i < GATEWAYS; i++)
    start_gateway ();
  for (guint i = 0; i < REQUESTS; i++)
    start_request ();
  killer = g_timeout_add (KILL_MS, kill_one, NULL);
  g_main_loop_run (loop);
  g_source_remove (killer);
  while (!all_ended ()) /* connects of those that were dropped last */
    g_main_context_iteration (NULL, TRUE);
  hemera_system_unref (actors);
  g_object_unref (options);
  g_main_loop_unref (loop);
  g_rand_free (dice);
  g_print ("connects %u failed %u closes %u failed %u requests %u failed %u events %u descriptors %u %u\n",
           connects.started, connects.failed, closes.started, closes.failed, requests.started,
           requests.failed, events, before, count_descriptors ());
  return count_descriptors () > before + ONCE;
}

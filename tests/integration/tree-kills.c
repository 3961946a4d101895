/* tree-kills KILLS MS SEED: a bot whose actors are killed at random, the gateway actor, the store and the broker among them, while events
 * stream and its subscriptions are slow, one of them in another thread. Each event must come to each subscription once and in order.
 * SIGTERM ends it; it prints what it counted. Exit 0: all of that held. */
#include <glib-unix.h>
#include <hemera/hemera.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 4
/* Kills of actors below the application supervisor: it gives up beyond ten a minute, as it should. */
#define TOP_KILLS 9

typedef struct {
  guint events, wrong;
  guint64 seq[SHARDS];
  guint pause_every;
} Watch;

static HemeraSystem *hemera_system;
static GMainLoop *loop;
static Watch here = { .pause_every = 40 }, there = { .pause_every = 5 };
static guint kills_left, top_left = TOP_KILLS, gaps, ended;
static GRand *dice;
static atomic_bool is_there, over;

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  Watch *watch = user_data;
  guint shard = hemera_event_get_shard (event);
  guint64 seq = hemera_event_get_seq (event);

  if (seq != watch->seq[shard] + 1) {
    g_printerr ("shard %u: %" G_GUINT64_FORMAT " after %" G_GUINT64_FORMAT "\n", shard, seq,
                watch->seq[shard]);
    watch->wrong++;
  }
  watch->seq[shard] = seq;
  if (++watch->events % watch->pause_every == 0)
    g_usleep (20000);
}

static void
on_gap (HemeraGateway *gateway, guint shard, guint64 seq, gint64 since_ms, gpointer user_data)
{
  gaps++;
}

static void
on_disconnected (HemeraGateway *gateway, guint shard, GError *error, gboolean will_restart,
                 gpointer user_data)
{
  g_printerr ("%s\n", error->message);
  ended++;
}

static gboolean
kill_one (gpointer user_data)
{
  static const char *const top[] = { "hemera_gateway", "hemera_session_store", "hemera_identify_broker" };
  g_autofree char *below =
      g_strdup_printf (g_rand_int_range (dice, 0, 3) == 0 ? "hemera_event_parser_%d" : "hemera_shard_%d",
                       g_rand_int_range (dice, 0, SHARDS));
  const char *name = below;

  if (kills_left-- == 0)
    return G_SOURCE_REMOVE;
  if (top_left > 0 && g_rand_int_range (dice, 0, 3) == 0)
    name = top[--top_left % G_N_ELEMENTS (top)];
  hemera_exit (hemera_system_whereis (hemera_system, name), hemera_reason_kill ());
  return G_SOURCE_CONTINUE;
}

static void
on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!hemera_gateway_connect_finish (HEMERA_GATEWAY (gateway), result, &error))
    g_error ("%s", error->message);
  g_timeout_add (*(guint *) user_data, kill_one, NULL);
}

static void
on_closed (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  g_main_loop_quit (loop);
}

static gboolean
on_term (gpointer user_data)
{
  hemera_gateway_close_async (user_data, HEMERA_CLOSE_END, 10000, NULL, on_closed, NULL);
  return G_SOURCE_REMOVE;
}

/* GLib's own asks localtime(), which is no function for two threads. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer user_data)
{
  for (gsize i = 0; i < n; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      fprintf (stderr, "%s\n", (const char *) fields[i].value);
  if (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR))
    abort ();
  return G_LOG_WRITER_HANDLED;
}

static void *
run_there (void *data)
{
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  hemera_gateway_on_event (data, NULL, NULL, on_event, &there, NULL);
  atomic_store (&is_there, TRUE);
  while (!atomic_load (&over))
    if (!g_main_context_iteration (context, FALSE))
      g_usleep (1000);
  while (g_main_context_iteration (context, FALSE)) {}
  g_main_context_pop_thread_default (context);
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (NULL);
  HemeraGateway *gateway;
  pthread_t thread;
  guint ms;

  if (argc != 4 || options == NULL)
    return 2;
  g_log_set_writer_func (write_log, NULL, NULL);
  kills_left = (guint) atoi (argv[1]);
  ms = (guint) atoi (argv[2]);
  dice = g_rand_new_with_seed ((guint32) atoi (argv[3]));
  hemera_gateway_api_options_set_backoff (options, 20, 200, 0);
  hemera_gateway_api_options_set_restart_backoff (options, 20, 200);
  hemera_gateway_api_options_set_identify_spacing (options, 300);
  hemera_gateway_api_options_set_subscription_credit (options, 64);
  hemera_system = hemera_system_new (NULL, NULL);
  gateway = hemera_gateway_new (hemera_system, options);
  loop = g_main_loop_new (NULL, FALSE);
  g_signal_connect (gateway, "gap", G_CALLBACK (on_gap), NULL);
  g_signal_connect (gateway, "shard-disconnected", G_CALLBACK (on_disconnected), NULL);
  hemera_gateway_on_event (gateway, NULL, NULL, on_event, &here, NULL);
  pthread_create (&thread, NULL, run_there, gateway);
  while (!atomic_load (&is_there)) /* its subscription, before the first event */
    g_usleep (1000);
  hemera_gateway_connect_async (gateway, NULL, on_connected, &ms);
  g_unix_signal_add (SIGTERM, on_term, gateway);
  g_main_loop_run (loop);
  atomic_store (&over, TRUE);
  pthread_join (thread, NULL);
  g_object_unref (gateway);
  g_main_loop_unref (loop);
  g_rand_free (dice);
  hemera_system_unref (hemera_system);
  g_print ("events %u %u wrong %u %u gaps %u ended %u kills %u\n", here.events, there.events, here.wrong,
           there.wrong, gaps, ended, (guint) atoi (argv[1]) - (kills_left + 1));
  return here.wrong + there.wrong + gaps + ended != 0;
}

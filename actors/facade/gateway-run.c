/* hemera_gateway_run(): the main() of a small program. */
#include "facade.h"

#include <glib-unix.h>
#include <signal.h>

#define DRAIN_MS 2000

#define STATUS_FAILED 1
#define STATUS_FATAL  4

typedef struct {
  HemeraGateway *gateway;
  GMainLoop *loop;
  int status;
  gboolean closing;
} Run;

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;

  hemera_gateway_close_finish (run->gateway, result, NULL);
  g_main_loop_quit (run->loop);
}

static void
finish (Run *run, int status)
{
  if (run->status == 0)
    run->status = status;
  if (run->closing)
    return;
  run->closing = TRUE;
  hemera_gateway_close_async (
      run->gateway, run->gateway->config.session_file != NULL ? HEMERA_CLOSE_KEEP : HEMERA_CLOSE_END,
      DRAIN_MS, NULL, on_closed, run);
}

static gboolean
on_signal (gpointer user_data)
{
  Run *run = user_data;

  if (!run->closing)
    g_message ("gateway: closing");
  finish (run, 0);
  return G_SOURCE_CONTINUE;
}

static void
on_disconnected (HemeraGateway *gateway, guint shard, GError *error, gboolean will_restart,
                 gpointer user_data)
{
  if (!will_restart)
    finish (user_data, STATUS_FATAL);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Run *run = user_data;
  g_autoptr (GError) error = NULL;

  if (hemera_gateway_connect_finish (run->gateway, result, &error) || run->closing)
    return;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "gateway: %s", error->message);
  finish (run,
          g_error_matches (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_UNAUTHORIZED)
                  || g_error_matches (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED)
              ? STATUS_FATAL
              : STATUS_FAILED);
}

static GSource *
watch_signal (Run *run, int number)
{
  GSource *source = g_unix_signal_source_new (number);

  g_source_set_callback (source, on_signal, run, NULL);
  g_source_attach (source, run->gateway->context);
  return source;
}

int
hemera_gateway_run (HemeraGateway *self)
{
  Run run = { .gateway = self };
  GSource *sources[2];
  gulong handler;

  g_return_val_if_fail (HEMERA_IS_GATEWAY (self), STATUS_FAILED);
  g_object_ref (self);
  g_main_context_push_thread_default (self->context); /* where the callbacks of our own calls come */
  run.loop = g_main_loop_new (self->context, FALSE);
  sources[0] = watch_signal (&run, SIGINT);
  sources[1] = watch_signal (&run, SIGTERM);
  handler = g_signal_connect (self, "shard-disconnected", G_CALLBACK (on_disconnected), &run);
  hemera_gateway_connect_async (self, NULL, on_connected, &run);
  g_main_loop_run (run.loop);
  g_signal_handler_disconnect (self, handler);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    hemera__facade_clear_source (&sources[i]);
  g_main_loop_unref (run.loop);
  g_main_context_pop_thread_default (self->context);
  g_object_unref (self);
  return run.status;
}

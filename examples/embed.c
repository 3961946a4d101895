/* embed: an application whose main loop runs on a context of its own. It gets a hundred events there and closes cleanly.
 * DISCORD_TOKEN holds the token. */
#include <hemera/hemera.h>

static GMainLoop *loop;
static guint events;

static void
on_closed (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  hemera_gateway_close_finish (HEMERA_GATEWAY (gateway), result, NULL);
  g_main_loop_quit (loop);
}

static void
on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (hemera_gateway_connect_finish (HEMERA_GATEWAY (gateway), result, &error) || events >= 100)
    return;
  g_printerr ("%s\n", error->message);
  hemera_gateway_close_async (HEMERA_GATEWAY (gateway), HEMERA_CLOSE_END, 0, NULL, on_closed, NULL);
}

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  g_print ("%s\n", hemera_event_get_name (event));
  if (++events == 100)
    hemera_gateway_close_async (gateway, HEMERA_CLOSE_END, 1000, NULL, on_closed, NULL);
}

int
main (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (&error);
  g_autoptr (HemeraGateway) gateway = NULL;

  if (options == NULL)
    return g_printerr ("%s\n", error->message), 2;
  g_main_context_push_thread_default (context);
  loop = g_main_loop_new (context, FALSE);
  gateway = hemera_gateway_new (NULL, options);
  hemera_gateway_on_event (gateway, NULL, NULL, on_event, NULL, NULL);
  hemera_gateway_connect_async (gateway, NULL, on_connected, NULL);
  g_main_loop_run (loop);
  g_main_loop_unref (loop);
  g_main_context_pop_thread_default (context);
  return events >= 100 ? 0 : 1;
}

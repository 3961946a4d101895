/* embed: an application with a main loop of its own, on a context of its own, that gets the gateway's events there for a while and then
 * closes cleanly. DISCORD_TOKEN holds the token; HEMERA_API_URL and HEMERA_CA_FILE point it at a simulator. */
#include <hemera/hemera.h>

typedef struct {
  GMainLoop *loop;
  HemeraGateway *gateway;
  guint events;
} App;

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  App *app = user_data;

  hemera_gateway_close_finish (app->gateway, result, NULL);
  g_main_loop_quit (app->loop);
}

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  App *app = user_data;

  g_print ("%s\n", hemera_event_get_name (event));
  if (++app->events == 100)
    hemera_gateway_close_async (gateway, HEMERA_CLOSE_END, 1000, NULL, on_closed, app);
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  App *app = user_data;
  g_autoptr (GError) error = NULL;

  if (!hemera_gateway_connect_finish (app->gateway, result, &error)) {
    g_printerr ("%s\n", error->message);
    hemera_gateway_close_async (app->gateway, HEMERA_CLOSE_END, 0, NULL, on_closed, app);
  }
}

int
main (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (&error);
  App app = { 0 };

  if (options == NULL)
    g_error ("%s", error->message);
  g_main_context_push_thread_default (context);
  app.loop = g_main_loop_new (context, FALSE);
  app.gateway = hemera_gateway_new (NULL, options);
  hemera_gateway_on_event (app.gateway, NULL, NULL, on_event, &app, NULL);
  hemera_gateway_connect_async (app.gateway, NULL, on_connected, &app);
  g_main_loop_run (app.loop);
  g_object_unref (app.gateway);
  g_main_loop_unref (app.loop);
  g_main_context_pop_thread_default (context);
  return app.events >= 100 ? 0 : 1;
}

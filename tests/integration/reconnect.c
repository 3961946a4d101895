/* reconnect [keep|end]: one gateway that is connected three times and closed in between: prints the seq of each event, and "closed" each
 * time. With SESSION_FILE set it keeps one. */
#include <hemera/hemera.h>

#define ROUNDS 3
#define EVENTS 60

static GMainLoop *loop;
static HemeraCloseMode mode;
static guint rounds, events;

static void on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data);

static void
on_closed (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  hemera_gateway_close_finish (HEMERA_GATEWAY (gateway), result, NULL);
  g_print ("closed\n");
  events = 0;
  if (++rounds == ROUNDS)
    g_main_loop_quit (loop);
  else
    hemera_gateway_connect_async (HEMERA_GATEWAY (gateway), NULL, on_connected, NULL);
}

static void
on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!hemera_gateway_connect_finish (HEMERA_GATEWAY (gateway), result, &error)
      && !g_error_matches (error, HEMERA_GATEWAY_ERROR,
                           HEMERA_GATEWAY_ERROR_CLOSED)) /* a replay that was enough */
    g_error ("%s", error->message);
}

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  g_print ("%" G_GUINT64_FORMAT "\n", hemera_event_get_seq (event));
  if (++events == EVENTS)
    hemera_gateway_close_async (gateway, mode, 2000, NULL, on_closed, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (&error);
  g_autoptr (HemeraGateway) gateway = NULL;

  g_assert_no_error (error);
  hemera_gateway_api_options_set_identify_spacing (options, 100);
  hemera_gateway_api_options_set_session_file (options, g_getenv ("SESSION_FILE"));
  mode = argc > 1 && g_str_equal (argv[1], "end") ? HEMERA_CLOSE_END : HEMERA_CLOSE_KEEP;
  loop = g_main_loop_new (NULL, FALSE);
  gateway = hemera_gateway_new (NULL, options);
  hemera_gateway_on_event (gateway, NULL, NULL, on_event, NULL, NULL);
  hemera_gateway_connect_async (gateway, NULL, on_connected, NULL);
  g_main_loop_run (loop);
  g_main_loop_unref (loop);
  return 0;
}

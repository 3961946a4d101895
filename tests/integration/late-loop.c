/* late-loop: an embedder whose main loop starts only a second after the gateway was told to connect. Every callback must come in its own
 * context and thread, each event in the order of its shard, none after the close. Exit 0 when all of that held for 300 events. */
#include <hemera/hemera.h>

#define EVENTS 300

static GMainLoop *loop;
static GThread *home;
static guint events, readies, guilds, messages; /* raw, and typed */
static guint raw_readies, raw_guilds, raw_messages;
static guint64 last_seq[64];
static gboolean is_connected, is_closed, is_wrong;

static void
expect (gboolean holds, const char *what)
{
  if (holds)
    return;
  g_printerr ("late-loop: %s\n", what);
  is_wrong = TRUE;
}

static void
on_closed (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  expect (hemera_gateway_close_finish (HEMERA_GATEWAY (gateway), result, NULL), "close failed");
  is_closed = TRUE;
  g_main_loop_quit (loop);
}

static void
on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data)
{
  expect (g_thread_self () == home, "connected in another thread");
  is_connected = hemera_gateway_connect_finish (HEMERA_GATEWAY (gateway), result, NULL);
}

static gboolean
close_gateway (gpointer gateway)
{
  hemera_gateway_close_async (gateway, HEMERA_CLOSE_END, 500, NULL, on_closed, NULL);
  return G_SOURCE_REMOVE;
}

static void
on_event (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  guint shard = hemera_event_get_shard (event);

  expect (g_thread_self () == home, "an event in another thread");
  expect (!is_closed, "an event after the close");
  expect (hemera_event_get_seq (event) == last_seq[shard] + 1, "an event out of order");
  last_seq[shard] = hemera_event_get_seq (event);
  if (events >= EVENTS)
    return;
  raw_readies += g_str_equal (hemera_event_get_name (event), "READY");
  raw_guilds += g_str_equal (hemera_event_get_name (event), "GUILD_CREATE");
  raw_messages += g_str_equal (hemera_event_get_name (event), "MESSAGE_CREATE");
  if (++events == EVENTS) { /* not before the typed handlers had their turn */
    g_autoptr (GSource) idle = g_idle_source_new ();

    g_source_set_callback (idle, close_gateway, gateway, NULL);
    g_source_attach (idle, g_main_context_get_thread_default ());
  }
}

static void
on_ready (HemeraGateway *gateway, HemeraReady *ready, gpointer user_data)
{
  expect (g_thread_self () == home, "a READY in another thread");
  expect (hemera_ready_get_session_id (ready) != NULL, "a READY without a session");
  readies++;
}

static void
on_guild_create (HemeraGateway *gateway, HemeraGuild *guild, gpointer user_data)
{
  expect (hemera_guild_get_id (guild) != 0, "a guild without an id");
  guilds++;
}

static void
on_message_create (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data)
{
  expect (hemera_message_get_id (message) != 0, "a message without an id");
  messages++;
}

int
main (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (NULL);
  HemeraGateway *gateway;

  home = g_thread_self ();
  g_main_context_push_thread_default (context);
  loop = g_main_loop_new (context, FALSE);
  gateway = hemera_gateway_new (NULL, options);
  hemera_gateway_on_ready (gateway, NULL, on_ready, NULL, NULL);
  hemera_gateway_on_guild_create (gateway, NULL, on_guild_create, NULL, NULL);
  hemera_gateway_on_message_create (gateway, NULL, on_message_create, NULL, NULL);
  hemera_gateway_on_event (gateway, NULL, NULL, on_event, NULL, NULL);
  hemera_gateway_connect_async (gateway, NULL, on_connected, NULL);
  g_usleep (G_USEC_PER_SEC);
  expect (events == 0 && !is_connected, "a callback before the loop ran");
  g_main_loop_run (loop);
  expect (is_connected, "not connected");
  expect (raw_readies > 0 && raw_guilds > 0 && raw_messages > 0, "a kind of event did not come");
  expect (readies == raw_readies && guilds >= raw_guilds && messages >= raw_messages,
          "a typed handler missed an event");
  g_object_unref (gateway);
  g_main_loop_unref (loop);
  g_main_context_pop_thread_default (context);
  return is_wrong || events < EVENTS;
}

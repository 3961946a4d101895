/* HemeraGateway: Discord's gateway for an application: a GObject facade in the application's own main context. Its actors (shards,
 * parsers, gateway, identify broker, session store) live on the workers of a HemeraSystem, supervised. nyxx's Gateway.
 *
 *   static void
 *   on_message (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data)
 *   {
 *     g_print ("%s\n", hemera_message_get_content (message));
 *   }
 *
 *   static void
 *   on_connected (GObject *gateway, GAsyncResult *result, gpointer user_data)
 *   {
 *     g_autoptr (GError) error = NULL;
 *
 *     if (!hemera_gateway_connect_finish (HEMERA_GATEWAY (gateway), result, &error))
 *       g_printerr ("%s\n", error->message);
 *   }
 *
 *   HemeraGatewayApiOptions *options = hemera_gateway_api_options_new_from_environment (&error);
 *   HemeraGateway *gateway = hemera_gateway_new (NULL, options);
 *
 *   hemera_gateway_on_message_create (gateway, NULL, on_message, NULL, NULL);
 *   hemera_gateway_connect_async (gateway, NULL, on_connected, NULL);
 *   g_main_loop_run (loop);
 *
 * The facade belongs to the thread whose default context was there when it was made; what may be called from others says so. */
#pragma once

#include <hemera/events.h>
#include <hemera/gateway-api-options.h>
#include <hemera/gateway-manager.h>
#include <hemera/gateway-messages.h>
#include <hemera/gateway-types.h>
#include <hemera/system.h>

G_BEGIN_DECLS

#define HEMERA_TYPE_GATEWAY (hemera_gateway_get_type ())
HEMERA_API
G_DECLARE_FINAL_TYPE (HemeraGateway, hemera_gateway, HEMERA, GATEWAY, GObject)

/* Properties, for the constructor alone and not readable: "system" (boxed HemeraSystem), "options" (HemeraGatewayApiOptions).
 * Signals, in the context that made the gateway:
 *  "state-changed"      (guint shard, guint connection, HemeraShardState from, HemeraShardState to, const char *cause)
 *  "shard-disconnected" (guint shard, GError *error, gboolean will_restart)
 *  "restarted"          (guint shard, guint restarts, HemeraTerm *reason)
 *  "gap"                (guint shard, guint64 last_seq, gint64 since_ms)
 *  "alarm"              (guint shard, const char *text); shard HEMERA_NO_SHARD when it is of all */

/* @system: (nullable): the shared one. @options are copied. For the context where signals are to come: the caller's thread-default one. The
 * last reference is dropped there too; that ends what still runs, without a close frame: hemera_gateway_close_async() before.
 * Without threads or descriptors for it the process is aborted, as without memory. (transfer full) */
HEMERA_API HemeraGateway *hemera_gateway_new (HemeraSystem *system, HemeraGatewayApiOptions *options);

/* Asks the API for url and shards, starts the tree. Finishes when every shard is READY (or RESUMED), or with the first fatal error: FALSE
 * with HEMERA_GATEWAY_ERROR. An API that cannot be reached is asked again and again ("alarm" tells). @cancellable: (nullable): ends the
 * attempt and all that it started, with G_IO_ERROR_CANCELLED; too late, it does nothing. A gateway that connects stays alive until
 * @callback has been called. From the context that made the gateway. */
HEMERA_API void hemera_gateway_connect_async (HemeraGateway *self, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API gboolean hemera_gateway_connect_finish (HemeraGateway *self, GAsyncResult *result, GError **error);

/* Closes every shard (KEEP: sessions stay, END: bot offline), stops the tree, then gives what was already fanned out to the subscribers
 * (up to @drain_ms milliseconds) and finishes. Bounded; @cancellable is not looked at. FALSE with HEMERA_GATEWAY_ERROR_CLOSED when another
 * close runs. The gateway can be connected again afterwards: after KEEP its sessions are resumed. From the context that made it. */
HEMERA_API void
hemera_gateway_close_async (HemeraGateway *self, HemeraCloseMode mode, guint drain_ms,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API gboolean hemera_gateway_close_finish (HemeraGateway *self, GAsyncResult *result, GError **error);

/* A small program's main(): own loop, connect, until SIGINT or SIGTERM, then close. The exit status: 0, or 4 after a fatal close or
 * authentication failure, 1 otherwise; errors are logged. Keeps the sessions where there is a session file, else ends them. From the main
 * thread; the loop runs in the gateway's context. */
HEMERA_API int hemera_gateway_run (HemeraGateway *self);

/* ---- subscriptions: callbacks come in the caller's thread-default context at that time, in order per shard ------------------------- */
#define HEMERA_TYPE_SUBSCRIPTION (hemera_subscription_get_type ())
HEMERA_API
G_DECLARE_FINAL_TYPE (HemeraSubscription, hemera_subscription, HEMERA, SUBSCRIPTION, GObject)

/**
 * HemeraFilter:
 * @guild_ids, @n_guild_ids: only events of these guilds (and those of none); 0: all
 * @shards, @n_shards: only these shards; 0: all
 *
 * What a subscription wants, beside the event name. Copied.
 */
typedef struct {
  const guint64 *guild_ids;
  guint n_guild_ids;
  const guint *shards;
  guint n_shards;
} HemeraFilter;

/* What they are given is (transfer none); an event or model is kept with its _ref(). They may block their own context: the shards stop
 * reading once the subscription's credit is used up. */
typedef void (*HemeraEventFunc) (HemeraGateway *gateway, HemeraEvent *event /* transfer none */,
                                 gpointer user_data);
typedef void (*HemeraReadyFunc) (HemeraGateway *gateway, HemeraReady *ready, gpointer user_data);
typedef void (*HemeraMessageCreateFunc) (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data);
typedef void (*HemeraGuildCreateFunc) (HemeraGateway *gateway, HemeraGuild *guild, gpointer user_data);

/* Every dispatch with this name (NULL: all), from the next one on; hemera_message_from_event() and its like give its model. Any thread with
 * a main context. @filter: (nullable): all. @destroy: (nullable): frees @user_data, in the same context, when func can be called no more.
 * The subscription lives until cancelled or the gateway is gone; the gateway owns it. (transfer none) */
HEMERA_API HemeraSubscription *
hemera_gateway_on_event (HemeraGateway *self, const char *name, const HemeraFilter *filter,
                         HemeraEventFunc func, gpointer user_data, GDestroyNotify destroy);
/* The same for one kind of event, as its typed model. */
HEMERA_API HemeraSubscription *
hemera_gateway_on_ready (HemeraGateway *self, const HemeraFilter *filter, HemeraReadyFunc func,
                         gpointer user_data, GDestroyNotify destroy);
HEMERA_API HemeraSubscription *
hemera_gateway_on_message_create (HemeraGateway *self, const HemeraFilter *filter,
                                  HemeraMessageCreateFunc func, gpointer user_data, GDestroyNotify destroy);
HEMERA_API HemeraSubscription *
hemera_gateway_on_guild_create (HemeraGateway *self, const HemeraFilter *filter, HemeraGuildCreateFunc func,
                                gpointer user_data, GDestroyNotify destroy);
/* Any thread. The gateway may give up its reference now: a second use wants one of its own. In its own context func is never called again;
 * from another thread a call that runs may still go on. A thread that ends has to cancel what it subscribed: a context that nobody runs uses
 * up its credit, and then the shards stop reading. Together with hemera_gateway_close_async() (KEEP) in one callback: what it has not
 * handled is replayed to the next run. */
HEMERA_API void hemera_subscription_cancel (HemeraSubscription *self);

/* Everything that shards say, nyxx's Gateway.messages: EventReceived for each payload of any op, Sent, RequestingIdentify, Reconnecting,
 * Disconnecting, ErrorReceived, and state changes, gaps, restarts, in the order of each shard. */
typedef void (*HemeraShardMessageFunc) (HemeraGateway *gateway,
                                        HemeraShardMessage *message /* transfer none */, gpointer user_data);
HEMERA_API HemeraSubscription *
hemera_gateway_on_shard_message (HemeraGateway *self, const HemeraFilter *filter, HemeraShardMessageFunc func,
                                 gpointer user_data, GDestroyNotify destroy);

/* ---- sending ----------------------------------------------------------------------------------------------------------------------- */
/* A gateway send event, ops 3, 4, 8, 31, 43, to a shard that runs here. @data: (transfer none). Finishes when the bytes have left. FALSE with
 * HEMERA_GATEWAY_ERROR: PAYLOAD for what must not be sent, which is found before anything is sent; QUEUE_FULL; EXPIRED; CLOSED when the
 * shard does not run or ended before. Any thread with a main context, where @callback comes; sends of one thread to one shard leave in the
 * order of the calls, but that above the gateway's limits voice goes before requests, and a later presence replaces one that waits. */
HEMERA_API void
hemera_gateway_send_async (HemeraGateway *self, guint shard, guint op, HemeraTerm *data,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API gboolean hemera_gateway_send_finish (HemeraGateway *self, GAsyncResult *result, GError **error);

/* Where each session stands: the last event that all subscriptions have handled. For hemera_gateway_api_options_set_sessions() of a later
 * run; hemera_gateway_api_options_set_session_file() does it by itself. Those that were given, while nothing has run. From the context that made
 * the gateway. (transfer full) */
HEMERA_API HemeraTerm *hemera_gateway_dup_sessions (HemeraGateway *self);

/* Shards of the whole bot, those of other processes too; 0 before the API answered. Any thread. */
HEMERA_API guint hemera_gateway_get_total_shards (HemeraGateway *self);
/* (guild_id >> 22) % total: which shard a guild is on; 0 before the API answered. Any thread. */
HEMERA_API guint hemera_gateway_shard_id_for (HemeraGateway *self, guint64 guild_id);

/* Exit signal to a shard's actors, for tests and drills: "shard" or "event_parser". TRUE when the shard's own actor was up: its supervisor
 * will start it again, which is told as restarted. One that waits for its restart cannot be hit. Any thread. */
HEMERA_API gboolean hemera_gateway_kill (HemeraGateway *self, guint shard, const char *child);

G_END_DECLS

/* HemeraGateway: Discord's gateway for an application: a GObject facade in the application's own main context. Its actors (shards,
 * parsers, gateway, identify broker, session store) live on the workers of a HemeraSystem, supervised. nyxx's Gateway. */
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

/* Signals, in the context that made the gateway:
 *  "state-changed"      (guint shard, guint connection, HemeraShardState from, HemeraShardState to, const char *cause)
 *  "shard-disconnected" (guint shard, GError *error, gboolean will_restart)
 *  "restarted"          (guint shard, guint restarts, HemeraTerm *reason)
 *  "gap"                (guint shard, guint64 last_seq, gint64 since_ms)
 *  "alarm"              (guint shard, const char *text); shard HEMERA_NO_SHARD when it is of all */

/* @system: (nullable): the shared one. @options are copied. (transfer full) */
HEMERA_API HemeraGateway *hemera_gateway_new (HemeraSystem *system, HemeraGatewayApiOptions *options);

/* Asks the API for url and shards, starts the tree. Finishes when every shard is READY (or RESUMED), or with the first fatal error. */
HEMERA_API void hemera_gateway_connect_async (HemeraGateway *self, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API gboolean hemera_gateway_connect_finish (HemeraGateway *self, GAsyncResult *result, GError **error);

/* Closes every shard (KEEP: sessions stay, END: bot offline), stops the tree, then gives what was already fanned out to the subscribers
 * (up to @drain_ms) and finishes. Bounded. */
HEMERA_API void
hemera_gateway_close_async (HemeraGateway *self, HemeraCloseMode mode, guint drain_ms,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API gboolean hemera_gateway_close_finish (HemeraGateway *self, GAsyncResult *result, GError **error);

/* A small program's main(): own loop, connect, until SIGINT or SIGTERM, then close. The exit status: 0, or 4 after a fatal close or
 * authentication failure, 1 otherwise; errors are logged. From the main thread. */
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

typedef void (*HemeraEventFunc) (HemeraGateway *gateway, HemeraEvent *event /* transfer none */,
                                 gpointer user_data);
typedef void (*HemeraReadyFunc) (HemeraGateway *gateway, HemeraReady *ready, gpointer user_data);
typedef void (*HemeraMessageCreateFunc) (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data);
typedef void (*HemeraGuildCreateFunc) (HemeraGateway *gateway, HemeraGuild *guild, gpointer user_data);

/* Every dispatch with this name (NULL: all). The subscription lives until cancelled or the gateway is gone. (transfer none) */
HEMERA_API HemeraSubscription *
hemera_gateway_on_event (HemeraGateway *self, const char *name, const HemeraFilter *filter,
                         HemeraEventFunc func, gpointer user_data, GDestroyNotify destroy);
HEMERA_API HemeraSubscription *
hemera_gateway_on_ready (HemeraGateway *self, const HemeraFilter *filter, HemeraReadyFunc func,
                         gpointer user_data, GDestroyNotify destroy);
HEMERA_API HemeraSubscription *
hemera_gateway_on_message_create (HemeraGateway *self, const HemeraFilter *filter,
                                  HemeraMessageCreateFunc func, gpointer user_data, GDestroyNotify destroy);
HEMERA_API HemeraSubscription *
hemera_gateway_on_guild_create (HemeraGateway *self, const HemeraFilter *filter, HemeraGuildCreateFunc func,
                                gpointer user_data, GDestroyNotify destroy);
/* From its own context: func is never called again. Together with hemera_gateway_close_async() (KEEP) in one callback: what
 * it has not handled is replayed to the next run. */
HEMERA_API void hemera_subscription_cancel (HemeraSubscription *self);

/* Everything that shards say, nyxx's Gateway.messages: EventReceived for each payload of any op, Sent, RequestingIdentify, Reconnecting,
 * Disconnecting, ErrorReceived, and state changes, gaps, restarts, in the order of each shard. */
typedef void (*HemeraShardMessageFunc) (HemeraGateway *gateway,
                                        HemeraShardMessage *message /* transfer none */, gpointer user_data);
HEMERA_API HemeraSubscription *
hemera_gateway_on_shard_message (HemeraGateway *self, const HemeraFilter *filter, HemeraShardMessageFunc func,
                                 gpointer user_data, GDestroyNotify destroy);

/* ---- sending ----------------------------------------------------------------------------------------------------------------------- */
/* A gateway send event, ops 3, 4, 8, 31, 43. @data: (transfer none). Encoded and checked here: FALSE with HEMERA_GATEWAY_ERROR_PAYLOAD at
 * once; finishes when the bytes left. Any thread with a main context. */
HEMERA_API void
hemera_gateway_send_async (HemeraGateway *self, guint shard, guint op, HemeraTerm *data,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API gboolean hemera_gateway_send_finish (HemeraGateway *self, GAsyncResult *result, GError **error);

/* Where each session stands: the last event that all subscriptions have handled. For hemera_gateway_api_options_set_sessions() of a later
 * run; hemera_gateway_api_options_set_session_file() does it by itself. From the context that made the gateway. (transfer full) */
HEMERA_API HemeraTerm *hemera_gateway_dup_sessions (HemeraGateway *self);

HEMERA_API guint hemera_gateway_get_total_shards (HemeraGateway *self); /* 0 before the API answered */
/* (guild_id >> 22) % total: which shard a guild is on. */
HEMERA_API guint hemera_gateway_shard_id_for (HemeraGateway *self, guint64 guild_id);

/* Exit signal to a shard's actors, for tests and drills: "shard" or "event_parser". TRUE when the shard's own actor was up: its supervisor
 * will start it again, which is told as restarted. One that waits for its restart cannot be hit. Any thread. */
HEMERA_API gboolean hemera_gateway_kill (HemeraGateway *self, guint shard, const char *child);

G_END_DECLS

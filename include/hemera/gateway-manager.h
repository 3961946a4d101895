/* HemeraGatewayManager: Discord's REST calls that belong to the gateway: Get Gateway and Get Gateway Bot. nyxx's GatewayManager.
 * Asynchronous: each request runs in an actor on a worker; callbacks come in the caller's thread-default context. Any thread with one.
 *
 * A request that fails for a passing reason (network, time-out, 5xx, 429 with its Retry-After) is tried up to five times with full
 * jitter; 401, another 4xx and an answer that makes no sense end it at once (HEMERA_GATEWAY_ERROR_UNAUTHORIZED, _REST). */
#pragma once

#include <gio/gio.h>
#include <hemera/gateway-api-options.h>
#include <hemera/system.h>

G_BEGIN_DECLS

/* Get Gateway Bot: immutable, counted, any thread. */
typedef struct _HemeraGatewayBot HemeraGatewayBot;
#define HEMERA_TYPE_GATEWAY_BOT (hemera_gateway_bot_get_type ())
HEMERA_API GType hemera_gateway_bot_get_type (void);
/* ref: (transfer full) */
HEMERA_API HemeraGatewayBot *hemera_gateway_bot_ref (HemeraGatewayBot *self);
HEMERA_API void hemera_gateway_bot_unref (HemeraGatewayBot *self);
/* (transfer none): where the gateway is, wss:// */
HEMERA_API const char *hemera_gateway_bot_get_url (HemeraGatewayBot *self);
/* How many shards Discord recommends; not 0. */
HEMERA_API guint hemera_gateway_bot_get_shards (HemeraGatewayBot *self);
/* session_start_limit: starts in a day, how many are left, milliseconds until all are back, shards that may identify at once (not 0). */
HEMERA_API guint hemera_gateway_bot_get_total (HemeraGatewayBot *self);
HEMERA_API guint hemera_gateway_bot_get_remaining (HemeraGatewayBot *self);
HEMERA_API guint64 hemera_gateway_bot_get_reset_after_ms (HemeraGatewayBot *self);
HEMERA_API guint hemera_gateway_bot_get_max_concurrency (HemeraGatewayBot *self);

#define HEMERA_TYPE_GATEWAY_MANAGER (hemera_gateway_manager_get_type ())
HEMERA_API
G_DECLARE_FINAL_TYPE (HemeraGatewayManager, hemera_gateway_manager, HEMERA, GATEWAY_MANAGER, GObject)

/* @system: (nullable): the shared one. @options are copied. Reads their ca-file: blocks. (transfer full)
 * (nullable): NULL with @error when that is no PEM file, or as hemera_system_get_default(). */
HEMERA_API HemeraGatewayManager *
hemera_gateway_manager_new (HemeraSystem *system, HemeraGatewayApiOptions *options, GError **error);

/* GET /gateway, no token is sent: the url. @cancellable: (nullable). finish: (transfer full) (nullable): NULL with @error:
 * HEMERA_GATEWAY_ERROR, G_IO_ERROR_CANCELLED, or G_IO_ERROR_TOO_MANY_OPEN_FILES when there is no descriptor, or no pid, for the request */
HEMERA_API void
hemera_gateway_manager_fetch_gateway_async (HemeraGatewayManager *self, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API char *hemera_gateway_manager_fetch_gateway_finish (HemeraGatewayManager *self,
                                                              GAsyncResult *result, GError **error);

/* GET /gateway/bot, with the token. The same. */
HEMERA_API void
hemera_gateway_manager_fetch_gateway_bot_async (HemeraGatewayManager *self, GCancellable *cancellable,
                                                GAsyncReadyCallback callback, gpointer user_data);
HEMERA_API HemeraGatewayBot *
hemera_gateway_manager_fetch_gateway_bot_finish (HemeraGatewayManager *self, GAsyncResult *result,
                                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraGatewayBot, hemera_gateway_bot_unref)

G_END_DECLS

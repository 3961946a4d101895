/* HemeraGatewayApiOptions: who the bot is and how it connects: token, intents, shards, wire form, times. nyxx's GatewayApiOptions.
 *
 *   g_autoptr (HemeraGatewayApiOptions) options = hemera_gateway_api_options_new_from_environment (&error);   // DISCORD_TOKEN
 *   hemera_gateway_api_options_set_intents (options, HEMERA_INTENTS_NOT_PRIVILEGED | HEMERA_INTENT_MESSAGE_CONTENT);
 *
 * One thread at a time; a gateway copies them when it is made, so later changes are for later gateways. Times are in milliseconds; 0 gives
 * the default in brackets. Strings given are copied, strings got are (transfer none) and live until the next set. */
#pragma once

#include <glib-object.h>
#include <hemera/gateway-types.h>
#include <hemera/intents.h>

G_BEGIN_DECLS

#define HEMERA_TYPE_GATEWAY_API_OPTIONS (hemera_gateway_api_options_get_type ())
HEMERA_API
G_DECLARE_FINAL_TYPE (HemeraGatewayApiOptions, hemera_gateway_api_options, HEMERA, GATEWAY_API_OPTIONS,
                      GObject)

/* ---- making: the token is copied into a type that nothing prints ------------------------------------------------------------------ */
/* (transfer full) (nullable): NULL with HEMERA_GATEWAY_ERROR_OPTIONS when @token is empty or cannot be one. */
HEMERA_API HemeraGatewayApiOptions *hemera_gateway_api_options_new (const char *token, GError **error);
/* The token from the variable DISCORD_TOKEN. HEMERA_API_URL and HEMERA_CA_FILE, where set, point the bot at a simulator. (transfer full)
 * (nullable): NULL with HEMERA_GATEWAY_ERROR_OPTIONS that says which variable is wrong. */
HEMERA_API HemeraGatewayApiOptions *hemera_gateway_api_options_new_from_environment (GError **error);
/* The token from the variable @name. (transfer full) (nullable): NULL with HEMERA_GATEWAY_ERROR_OPTIONS when it is not set. */
HEMERA_API HemeraGatewayApiOptions *
hemera_gateway_api_options_new_from_variable (const char *name, GError **error);
/* The token from the first line of @path; a name without a slash is looked for in systemd's $CREDENTIALS_DIRECTORY. Reads the file: blocks.
 * (transfer full) (nullable): NULL with HEMERA_GATEWAY_ERROR_OPTIONS when it cannot be read or holds no token. */
HEMERA_API HemeraGatewayApiOptions *
hemera_gateway_api_options_new_from_file (const char *path, GError **error);

/* ---- where ------------------------------------------------------------------------------------------------------------------------- */
/* REST base [https://discord.com/api/v10]. With http:// (a simulator) the gateway may be ws:// too; never otherwise. FALSE with
 * HEMERA_GATEWAY_ERROR_OPTIONS for what is no such url. */
HEMERA_API gboolean hemera_gateway_api_options_set_api_url (HemeraGatewayApiOptions *self, const char *url,
                                                            GError **error);
HEMERA_API const char *hemera_gateway_api_options_get_api_url (HemeraGatewayApiOptions *self);
/* (nullable): a PEM file of trust anchors beside the system's. Read by a thread when the gateway connects. */
HEMERA_API void hemera_gateway_api_options_set_ca_file (HemeraGatewayApiOptions *self, const char *path);
HEMERA_API const char *hemera_gateway_api_options_get_ca_file (HemeraGatewayApiOptions *self);
/* (nullable): sessions are kept here across runs: read at connect, written (mode 0600, atomically) by a thread of the library
 * every two seconds when they changed, and at close. The next run RESUMEs after the last event that all subscriptions have handled. */
HEMERA_API void hemera_gateway_api_options_set_session_file (HemeraGatewayApiOptions *self, const char *path);
HEMERA_API const char *hemera_gateway_api_options_get_session_file (HemeraGatewayApiOptions *self);
/* (nullable) (transfer none): what hemera_gateway_dup_sessions() gave. FALSE with @error when it is something else. */
HEMERA_API gboolean hemera_gateway_api_options_set_sessions (HemeraGatewayApiOptions *self,
                                                             HemeraTerm *sessions, GError **error);

/* ---- the wire ---------------------------------------------------------------------------------------------------------------------- */
/* What payloads are written in [ETF]. */
HEMERA_API void
hemera_gateway_api_options_set_encoding (HemeraGatewayApiOptions *self, HemeraEncoding encoding);
HEMERA_API HemeraEncoding hemera_gateway_api_options_get_encoding (HemeraGatewayApiOptions *self);
/* How the connection is compressed [zlib-stream]. */
HEMERA_API void
hemera_gateway_api_options_set_compression (HemeraGatewayApiOptions *self, HemeraCompression compression);
HEMERA_API HemeraCompression hemera_gateway_api_options_get_compression (HemeraGatewayApiOptions *self);

/* ---- shards ------------------------------------------------------------------------------------------------------------------------- */
/* 0: what the API recommends. */
HEMERA_API void hemera_gateway_api_options_set_total_shards (HemeraGatewayApiOptions *self, guint total);
HEMERA_API guint hemera_gateway_api_options_get_total_shards (HemeraGatewayApiOptions *self);
/* Which of them this process runs; @n 0: all. Copied, sorted; one named twice counts once. get: (transfer none) */
HEMERA_API void
hemera_gateway_api_options_set_shards (HemeraGatewayApiOptions *self, const guint *shards, guint n);
HEMERA_API const guint *hemera_gateway_api_options_get_shards (HemeraGatewayApiOptions *self, guint *n);

/* ---- what IDENTIFY says --------------------------------------------------------------------------------------------------------------- */
/* Bits of #HemeraIntent [all that are not privileged]. */
HEMERA_API void hemera_gateway_api_options_set_intents (HemeraGatewayApiOptions *self, guint64 intents);
HEMERA_API guint64 hemera_gateway_api_options_get_intents (HemeraGatewayApiOptions *self);
/* 50 to 250; 0: not sent, Discord takes 50. Others are brought into the range. */
HEMERA_API void hemera_gateway_api_options_set_large_threshold (HemeraGatewayApiOptions *self, guint members);
HEMERA_API guint hemera_gateway_api_options_get_large_threshold (HemeraGatewayApiOptions *self);
/* (nullable) (transfer none): what IDENTIFY gives as presence, d of a Presence Update: #{since, activities, status, afk} */
HEMERA_API void hemera_gateway_api_options_set_presence (HemeraGatewayApiOptions *self, HemeraTerm *presence);
/* (nullable): identify properties ["linux", "hemera", "hemera"] */
HEMERA_API void hemera_gateway_api_options_set_properties (HemeraGatewayApiOptions *self, const char *os,
                                                           const char *browser, const char *device);

/* ---- times and limits ------------------------------------------------------------------------------------------------------------------ */
/* The whole opening of a connection (name, TCP, TLS, upgrade) [10000]. */
HEMERA_API void hemera_gateway_api_options_set_connect_timeout (HemeraGatewayApiOptions *self, guint ms);
/* From the open connection to HELLO [20000]. */
HEMERA_API void hemera_gateway_api_options_set_hello_timeout (HemeraGatewayApiOptions *self, guint ms);
/* From IDENTIFY to READY [30000]. */
HEMERA_API void hemera_gateway_api_options_set_ready_timeout (HemeraGatewayApiOptions *self, guint ms);
/* From RESUME to the next dispatch or RESUMED; each dispatch starts it anew [60000]. */
HEMERA_API void hemera_gateway_api_options_set_resumed_timeout (HemeraGatewayApiOptions *self, guint ms);
/* How long the peer has to answer a close [5000]. */
HEMERA_API void hemera_gateway_api_options_set_close_timeout (HemeraGatewayApiOptions *self, guint ms);
/* One request to the REST API, answer included [15000]. */
HEMERA_API void hemera_gateway_api_options_set_rest_timeout (HemeraGatewayApiOptions *self, guint ms);
/* Reconnecting: full jitter from @base_ms [1000] up to @cap_ms [60000]; active for @reset_ms [60000] it starts again at the base. */
HEMERA_API void hemera_gateway_api_options_set_backoff (HemeraGatewayApiOptions *self, guint base_ms,
                                                        guint cap_ms, guint reset_ms);
/* Random wait after op 9 before the next try [1000, 5000]. */
HEMERA_API void hemera_gateway_api_options_set_invalid_session_wait (HemeraGatewayApiOptions *self,
                                                                     guint min_ms, guint max_ms);
/* A crashed shard actor is restarted with this back-off [500, 60000]. */
HEMERA_API void
hemera_gateway_api_options_set_restart_backoff (HemeraGatewayApiOptions *self, guint base_ms, guint cap_ms);
/* Crashes of one shard within @period_ms [60000] before its supervisor gives up [5]. */
HEMERA_API void hemera_gateway_api_options_set_restart_intensity (HemeraGatewayApiOptions *self,
                                                                  guint intensity, guint period_ms);
/* A shard whose supervisor gave up is started again after this [300000]. */
HEMERA_API void hemera_gateway_api_options_set_cool_down (HemeraGatewayApiOptions *self, guint ms);
/* Between two IDENTIFYs of one bucket [5000]: Discord's; for a simulator that announces another. A margin is added (1 % and 50 ms). */
HEMERA_API void hemera_gateway_api_options_set_identify_spacing (HemeraGatewayApiOptions *self, guint ms);
/* No IDENTIFY is sent while this many session starts or fewer are left; 10 when it is not set, 0: the last one may be used. */
HEMERA_API void hemera_gateway_api_options_set_session_floor (HemeraGatewayApiOptions *self, guint floor);
/* Messages that may wait for one subscription before the shards stop reading [1024]. */
HEMERA_API void
hemera_gateway_api_options_set_subscription_credit (HemeraGatewayApiOptions *self, guint messages);

G_END_DECLS

/* Answers of GET /gateway and /gateway/bot, read with suspicion. Pure; any thread. */
#pragma once

#include <hemera/gateway-manager.h>

#define HEMERA_SHARDS_MAX 65536

/* @body: of a 200. @bot: FALSE for GET /gateway, where only the url is there. @plain: ws:// is allowed too, as the API is http://.
 * NULL with @error (HEMERA_GATEWAY_ERROR_REST). (transfer full) (nullable) */
HemeraGatewayBot *hemera__gateway_bot_parse (GBytes *body, gboolean bot, gboolean plain, GError **error);
HemeraGatewayBot *hemera__gateway_bot_new (const char *url, guint shards, guint total, guint remaining,
                                           guint64 reset_after_ms, guint max_concurrency);
/* TRUE for wss://HOST...; with @plain for ws:// too. No user, no fragment. */
gboolean hemera__gateway_url_is_allowed (const char *url, gboolean plain);
/* Seconds of a 429: the larger of the header (seconds) and the body's retry_after, within [0.25 s, 1 h]. In milliseconds. */
guint64 hemera__rest_retry_after_ms (const char *header, GBytes *body);

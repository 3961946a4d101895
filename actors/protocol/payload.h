/* Payloads to the gateway, encoded and checked: HEARTBEAT, IDENTIFY, RESUME and the sends of applications, in ETF or JSON. The only file
 * where the token enters a payload. What the gateway takes (gateway.mdx, "Sending Events", "Encoding"): at most 4096 bytes encoded; in ETF
 * map keys as binaries at every level and no compression. Pure. */
#pragma once

#include "machine.h"

#define HEMERA_PAYLOAD_MAX 4096

/* @seq: NULL: none. (transfer full) */
GBytes *hemera__payload_heartbeat (HemeraEncoding encoding, const guint64 *seq);
/* NULL with @error (HEMERA_GATEWAY_ERROR_PAYLOAD): the presence cannot be sent, or it is all too large. (transfer full) (nullable) */
GBytes *hemera__payload_identify (HemeraEncoding encoding, const HemeraShardConfig *config, GError **error);
GBytes *hemera__payload_resume (HemeraEncoding encoding, const HemeraShardConfig *config,
                                const HemeraSession *session, GError **error);
/* @data: d. Keys become binaries, atoms but true, false and nil strings; what JSON could not hold (tuples, pids, binaries that are no
 * UTF-8, integers beyond 64 bits ...) is refused in ETF too, so that a bot does not come to depend on one encoding. */
GBytes *hemera__payload_send (HemeraEncoding encoding, guint op, HemeraView data, GError **error);
/* A payload of hemera__payload_send() in another encoding. */
GBytes *hemera__payload_recode (HemeraEncoding from, HemeraEncoding to, GBytes *payload, GError **error);
gboolean hemera__payload_is_sendable (guint op);

/* The url of a websocket to the gateway: a base url of Get Gateway or READY with the query of "Connecting". Pure. */
#pragma once

#include <hemera/gateway-types.h>

/* Whether @url is one we would connect to: ws or wss with a host, no credentials, white space or control bytes, of sane length; and wss if
 * @must_encrypt (a gateway reached through TLS must not send us, and with a RESUME our token, to a plain host). */
gboolean hemera__gateway_url_is_usable (const char *url, gboolean must_encrypt);
gboolean hemera__gateway_url_is_encrypted (const char *url);

/* @base with ?v=..&encoding=..[&compress=zlib-stream]; a missing path becomes "/" (a proxy before the gateway answers 400 otherwise);
 * a query that is there already stays in front, but for these three; a fragment is cut. (transfer full) */
char *hemera__gateway_url_build (const char *base, guint version, HemeraEncoding encoding,
                                 HemeraCompression compression);

/* HemeraReceiver: from pieces of websocket messages to terms, for one connection at a time: assembles messages (no compression) or feeds
 * the connection's inflate context (zlib-stream), cuts payloads and decodes them. Bounded: a payload over the limit is an error before it is
 * held. Payloads are slices of slabs: an ETF payload costs one allocation, its term. Embedded; one thread. */
#pragma once

#include "codec/stream/inflater.h"

#include <hemera/gateway-types.h>

typedef struct {
  HemeraEncoding encoding;
  HemeraCompression compression;
  gsize max_payload;
  HemeraInflater *inflater; /* (nullable) until the first compressed connection; reset for each */
  HemeraSlab *slab;         /* (nullable): holds the message that is being assembled */
  gsize used, filled;       /* bytes of the slab before the message, and of the message */
  gboolean in_message, complete;
} HemeraReceiver;

typedef enum {
  HEMERA_RECEIVED_NOTHING, /* needs more bytes */
  HEMERA_RECEIVED_TERM,
  HEMERA_RECEIVED_BROKEN,      /* framing, compression or size: the stream cannot go on */
  HEMERA_RECEIVED_UNDECODABLE, /* a whole payload that is not valid in its encoding */
} HemeraReceived;

void hemera__receiver_init (HemeraReceiver *self, gsize max_payload);
void hemera__receiver_clear (HemeraReceiver *self);
/* A new connection: nothing of the last one is left. */
void hemera__receiver_open (HemeraReceiver *self, HemeraEncoding encoding, HemeraCompression compression);
/* Lets go of what is half read. */
void hemera__receiver_close (HemeraReceiver *self);

/* A piece of a message; @data must stay until next gave something else than a term. FALSE with @error (HEMERA_GATEWAY_ERROR_PROTOCOL): a
 * frame of the wrong type, pieces that make no message, or too large. */
gboolean hemera__receiver_feed (HemeraReceiver *self, const guint8 *data, gsize size, gboolean first,
                                gboolean final, gboolean binary, GError **error);
/* @term (transfer full) with TERM, @error with BROKEN and UNDECODABLE. */
HemeraReceived hemera__receiver_next (HemeraReceiver *self, HemeraTerm **term, GError **error);

/* HemeraNet: the network of one worker: one lws context on libuv, its loop one GSource (G_PRIORITY_DEFAULT) of the worker's context.
 * Made before the first connect of any; belongs to its thread, callbacks come there, outside of any actor. facts: one SSL_CTX a process,
 * whose verify callback knows why a certificate was refused; host names through GResolver, one look-up a host in flight, shared. */
#pragma once

#include <gio/gio.h>

typedef struct _HemeraNet HemeraNet;

/* On the context's thread, which has pushed it as thread-default */
HemeraNet *hemera__net_new (GMainContext *context, GError **error);
/* Same thread, not from a callback of its own; aborts what is still open */
void hemera__net_free (HemeraNet *self);

/* An extra trust anchor, immutable, counted, any thread: OS roots plus the PEM file. Reads the file: not on a loop. */
typedef struct _HemeraTrust HemeraTrust;
HemeraTrust *hemera__trust_new (const char *ca_file, GError **error);
HemeraTrust *hemera__trust_ref (HemeraTrust *self);
void hemera__trust_unref (HemeraTrust *self);

#define HEMERA_NET_ERROR (hemera__net_error_quark ())
GQuark hemera__net_error_quark (void);
typedef enum {
  HEMERA_NET_ERROR_URL,     /* not ws, wss, http or https, or malformed */
  HEMERA_NET_ERROR_RESOLVE, /* the name */
  HEMERA_NET_ERROR_CONNECT, /* refused, unreachable, reset before the upgrade */
  HEMERA_NET_ERROR_TLS,     /* the message names the reason: host name, expired, issuer ... */
  HEMERA_NET_ERROR_UPGRADE, /* an HTTP status other than 101 */
  HEMERA_NET_ERROR_TIMEOUT,
  HEMERA_NET_ERROR_LIMIT, /* a message or body over its limit */
  HEMERA_NET_ERROR_PROTOCOL,
} HemeraNetError;

/* ---- websocket ---------------------------------------------------------------------------------------------------------------- */

typedef struct _HemeraWebsocket HemeraWebsocket;

typedef struct {
  guint code;          /* close code the peer sent; 0: none came (1006) */
  gboolean by_us;      /* close() or abort() */
  guint http_status;   /* of a refused upgrade, 0 otherwise */
  guint retry_after_s; /* of a refused upgrade */
  const GError *error; /* (nullable): why it never opened, or broke */
} HemeraWebsocketEnd;

typedef struct {
  /* (nullable): the name is known, TCP begins */
  void (*resolved) (HemeraWebsocket *self, gpointer user_data);
  void (*opened) (HemeraWebsocket *self, gpointer user_data);
  /* A piece of a message, as it came: @first and @final of the message. @data is lws' own and gone after the call. */
  void (*received) (HemeraWebsocket *self, const guint8 *data, gsize size, gboolean first, gboolean final,
                    gboolean binary, gpointer user_data);
  /* All that was sent so far is in the kernel. */
  void (*drained) (HemeraWebsocket *self, gpointer user_data);
  /* Terminal: exactly once, last; the websocket is freed after it returns. */
  void (*ended) (HemeraWebsocket *self, const HemeraWebsocketEnd *end, gpointer user_data);
} HemeraWebsocketEvents;

typedef struct {
  const char *url;          /* ws:// or wss://, path and query as given */
  HemeraTrust *trust;       /* (nullable) */
  const char *user_agent;   /* (nullable) */
  guint connect_timeout_ms; /* all of resolve, TCP, TLS, upgrade; 0: 10000 */
  guint close_timeout_ms;   /* for the peer's answer to our close; 0: 5000 */
  gsize max_message;        /* bytes of a message (as on the wire); 0: 16 MiB */
} HemeraWebsocketOptions;

/* Returns at once; failures come to @ended later, never before this returns. NULL with @error for a bad url only. */
HemeraWebsocket *
hemera__websocket_connect (HemeraNet *net, const HemeraWebsocketOptions *options,
                           const HemeraWebsocketEvents *events, gpointer user_data, GError **error);
/* Queues one message (copied); writes when the socket can. Order is kept. Ignored after close. */
void hemera__websocket_send (HemeraWebsocket *self, gconstpointer data, gsize size, gboolean binary);
/* Bytes queued and not yet in the kernel. */
gsize hemera__websocket_pending (HemeraWebsocket *self);
/* Stops and starts reading; what was read already may still be delivered. Safe from inside callbacks. */
void hemera__websocket_set_paused (HemeraWebsocket *self, gboolean paused);
/* Sends a close frame, waits for the answer or the time-out, then @ended. Data not yet written may be lost. Idempotent. Safe from inside callbacks. */
void hemera__websocket_close (HemeraWebsocket *self, guint16 code);
/* No frame, no wait: @events are not called again, not even ended; the pointer is gone. Safe from inside callbacks. For finalizers. */
void hemera__websocket_abort (HemeraWebsocket *self);

/* ---- REST: one GET ------------------------------------------------------------------------------------------------------------ */

typedef struct {
  guint status;
  char *content_type; /* (nullable) */
  char *retry_after;  /* (nullable): header as it came */
  GBytes *body;
} HemeraHttpResponse;

void hemera__http_response_free (HemeraHttpResponse *self);

typedef struct {
  const char *url;    /* http:// or https:// */
  HemeraTrust *trust; /* (nullable) */
  const char *user_agent;
  const char *authorization; /* (nullable): header value; secret, never logged */
  guint timeout_ms;          /* for the whole; 0: 15000 */
  gsize max_body;            /* 0: 1 MiB */
} HemeraHttpOptions;

/* One on its way or over. No GCancellable, whose signal takes locks and a table that all threads of the process share. */
typedef struct _HemeraHttpGet HemeraHttpGet;

/* On the net's thread; @callback there. Redirects are not followed. (transfer full) (nullable): NULL when the @options say enough for the
 * answer. */
HemeraHttpGet *hemera__http_get_async (HemeraNet *net, const HemeraHttpOptions *options,
                                       GAsyncReadyCallback callback, gpointer user_data);
/* Whoever started it, at any time, on the net's thread: one that is still on its way ends with G_IO_ERROR_CANCELLED, if with nothing else
 * already. @self: (nullable) */
void hemera__http_get_free (HemeraHttpGet *self);
/* (transfer full) (nullable) */
HemeraHttpResponse *hemera__http_get_finish (GAsyncResult *result, GError **error);

/* HemeraWebsocket: a link whose answer is 101. Sending is a queue of copied messages, one a WRITEABLE; `drained` comes when lws holds
 * nothing back. Receiving hands lws' pieces on as they come, counts them against the message limit, and stops and starts outside of lws'
 * callbacks only: inside, with TLS records larger than lws' buffer, lws would loop for ever.
 *
 * A close of ours goes through LWS_CALLBACK_TIMER: the one place from which lws always sends the close frame. lws waits at most 5 s for
 * the answer. lws rewrites the peer's codes 1005, 1012 to 1014 and 1016 to 2999 to 1002 before anybody sees them. */
#include "runtime/net/net-internal.h"

#include <math.h>
#include <string.h>

#define CONNECT_MS        10000
#define CLOSE_MS          5000
#define MAX_MESSAGE       ((gsize) 16 * 1024 * 1024)
#define MAX_RETRY_AFTER_S (7 * 86400)

typedef struct {
  GList node;
  gsize size;
  gboolean binary;
  guint8 bytes[]; /* LWS_PRE bytes for lws, then the message, which lws masks in place */
} Message;

struct _HemeraWebsocket {
  HemeraLink link; /* first */
  HemeraWebsocketEvents events;
  gpointer user_data;
  guint close_timeout_ms;
  gsize max_message;
  GSource *close_timer;

  GQueue queue;  /* Message */
  gsize queued;  /* bytes in the queue */
  gsize written; /* bytes lws took and may still hold */
  gboolean undrained;
  gsize received; /* bytes of the message that is coming in */

  gboolean paused;
  gboolean stopped; /* what lws was told last */
  gboolean by_us;   /* closed */
  gboolean close_sent;
  gboolean in_ended;
  guint16 close_code;
  guint peer_code;
  guint http_status;
  guint retry_after_s;
};

static HemeraWebsocket *
websocket_of (HemeraLink *link)
{
  return (HemeraWebsocket *) link;
}

static gboolean
is_open (HemeraWebsocket *self)
{
  return self->link.phase == HEMERA_PHASE_UP && self->link.attempt && !self->link.attempt->closed
         && !self->link.ending;
}

/* ---- sending ------------------------------------------------------------------------------------------------------------------------ */

static void
drop_queue (HemeraWebsocket *self)
{
  for (GList *node; (node = g_queue_pop_head_link (&self->queue)) != NULL;)
    g_free (node->data);
  self->queued = 0;
}

static int
write_one (HemeraWebsocket *self, struct lws *wsi)
{
  Message *message = g_queue_pop_head_link (&self->queue)->data;
  int written = lws_write (wsi, message->bytes + LWS_PRE, message->size,
                           message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);

  self->queued -= message->size;
  self->written += message->size;
  self->undrained = TRUE;
  g_free (message);
  return written < 0 ? -1 : 0;
}

/* Comes when lws holds nothing of earlier writes. After a write it is asked for once more, to know that all went out. */
static int
on_writeable (HemeraWebsocket *self, struct lws *wsi)
{
  if (self->by_us || self->peer_code != 0)
    return 0; /* nothing may follow a close frame */
  if (lws_send_pipe_choked (wsi) || lws_partial_buffered (wsi)) {
    lws_callback_on_writable (wsi);
    return 0;
  }
  self->written = 0;
  if (self->queue.length > 0) {
    lws_callback_on_writable (wsi);
    return write_one (self, wsi);
  }
  if (self->undrained) {
    self->undrained = FALSE;
    if (self->events.drained)
      self->events.drained (self, self->user_data);
  }
  return 0;
}

void
hemera__websocket_send (HemeraWebsocket *self, gconstpointer data, gsize size, gboolean binary)
{
  Message *message;

  if (self->by_us || self->link.ending || self->link.phase == HEMERA_PHASE_OVER)
    return;
  message = g_malloc (sizeof (Message) + LWS_PRE + size);
  message->node = (GList){ .data = message };
  message->size = size;
  message->binary = binary;
  if (size > 0)
    memcpy (message->bytes + LWS_PRE, data, size);
  g_queue_push_tail_link (&self->queue, &message->node);
  self->queued += size;
  if (is_open (self))
    lws_callback_on_writable (self->link.attempt->wsi);
}

gsize
hemera__websocket_pending (HemeraWebsocket *self)
{
  return self->queued + self->written;
}

/* ---- receiving ---------------------------------------------------------------------------------------------------------------------- */

static void
on_flow (HemeraLink *link)
{
  HemeraWebsocket *self = websocket_of (link);
  gboolean stop = self->paused && !self->by_us; /* the answer to our close must be read */
  HemeraNet *before;

  if (!is_open (self) || stop == self->stopped)
    return;
  self->stopped = stop;
  before = hemera__net_enter (link->net);
  lws_rx_flow_control (link->attempt->wsi, !stop);
  if (!stop)
    lws_callback_on_writable (link->attempt->wsi); /* lws looks at what it read before the stop */
  lws_cancel_service (link->net->lws);
  hemera__net_leave (link->net, before);
}

static void
update_flow (HemeraWebsocket *self)
{
  if (!is_open (self))
    return; /* on_opened() looks again */
  if (self->link.net->depth == 0)
    on_flow (&self->link);
  else
    hemera__link_todo (&self->link, HEMERA_TODO_FLOW);
}

void
hemera__websocket_set_paused (HemeraWebsocket *self, gboolean paused)
{
  self->paused = paused;
  update_flow (self);
}

static int
on_receive (HemeraWebsocket *self, struct lws *wsi, const guint8 *data, gsize size)
{
  gboolean first = lws_is_first_fragment (wsi) != 0;
  gsize to_come = lws_remaining_packet_payload (wsi);

  if (self->by_us)
    return 0;
  if (first)
    self->received = 0;
  self->received += size;
  if (self->received > self->max_message || to_come > self->max_message - self->received) {
    hemera__link_end (&self->link,
                      g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_LIMIT,
                                   "a message is larger than %" G_GSIZE_FORMAT " bytes", self->max_message));
    return -1;
  }
  if (self->events.received)
    self->events.received (self, data, size, first, lws_is_final_fragment (wsi) != 0,
                           lws_frame_is_binary (wsi) != 0, self->user_data);
  return 0;
}

/* ---- opening and the end ------------------------------------------------------------------------------------------------------------ */

static void
on_resolved (HemeraLink *link)
{
  HemeraWebsocket *self = websocket_of (link);

  if (self->events.resolved)
    self->events.resolved (self, self->user_data);
}

static int
on_opened (HemeraWebsocket *self, struct lws *wsi)
{
  hemera__link_is_up (&self->link, TRUE);
  if (self->paused)
    update_flow (self);
  if (self->queue.length > 0)
    lws_callback_on_writable (wsi);
  if (self->events.opened)
    self->events.opened (self, self->user_data);
  return 0;
}

/* Seconds, perhaps with a fraction, which is rounded up; an HTTP date is taken for no answer. */
static guint
parse_retry_after (const char *text)
{
  char *end;
  double seconds = g_ascii_strtod (text, &end);

  if (end == text || !isfinite (seconds) || seconds <= 0)
    return 0;
  seconds = MIN (seconds, MAX_RETRY_AFTER_S);
  return (guint) seconds + ((guint) seconds < seconds);
}

/* Before the 101 only: an HTTP answer of another status, if one came. */
static void
on_refused (HemeraWebsocket *self, struct lws *wsi, const void *in, gsize size)
{
  HemeraLink *link = &self->link;
  g_autofree char *text = NULL;
  char value[64];

  if (link->phase != HEMERA_PHASE_HTTP || link->ending)
    return;
  self->http_status = lws_http_client_http_response (wsi);
  if (lws_hdr_copy (wsi, value, sizeof value, WSI_TOKEN_HTTP_RETRY_AFTER) > 0)
    self->retry_after_s = parse_retry_after (value);
  g_clear_error (&link->refusal);
  if (self->http_status != 0 && self->http_status != 101) {
    link->refusal =
        g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_UPGRADE,
                     "%s answered the upgrade with HTTP status %u", link->url->host, self->http_status);
    return;
  }
  text = hemera__link_text (in, size);
  link->refusal =
      g_error_new (HEMERA_NET_ERROR, self->http_status ? HEMERA_NET_ERROR_PROTOCOL : HEMERA_NET_ERROR_CONNECT,
                   "the upgrade with %s failed: %s", link->url->host, *text ? text : "the connection broke");
  self->http_status = 0;
}

/* lws echoes the payload, even half a code (RFC 6455, section 5.5.1), which nobody may send: for that the code is 1002, as lws makes of
 * every other wrong one. */
static int
on_peer_close (HemeraWebsocket *self, struct lws *wsi, const guint8 *payload, gsize size)
{
  if (size >= 2 && !self->by_us)
    self->peer_code = (guint) payload[0] << 8 | payload[1];
  else if (!self->by_us)
    self->peer_code = size == 1 ? LWS_CLOSE_STATUS_PROTOCOL_ERR : 1005;
  if (size != 1)
    return 0;
  lws_close_reason (wsi, LWS_CLOSE_STATUS_PROTOCOL_ERR, NULL, 0);
  return -1;
}

static int
on_event (HemeraLink *link, struct lws *wsi, enum lws_callback_reasons reason, void *in, gsize size)
{
  HemeraWebsocket *self = websocket_of (link);

  switch (reason) {
  case LWS_CALLBACK_CLIENT_ESTABLISHED: return on_opened (self, wsi);
  case LWS_CALLBACK_CLIENT_RECEIVE: return on_receive (self, wsi, in, size);
  case LWS_CALLBACK_CLIENT_WRITEABLE: return on_writeable (self, wsi);
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR: on_refused (self, wsi, in, size); return 0;
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return on_peer_close (self, wsi, in, size);
  case LWS_CALLBACK_TIMER:
    if (!self->by_us || self->close_sent)
      return 0;
    self->close_sent = TRUE;
    lws_close_reason (wsi, (enum lws_close_status) self->close_code, NULL, 0);
    return -1;
  default: return 0;
  }
}

static void
free_websocket (HemeraWebsocket *self)
{
  hemera__source_clear (&self->close_timer);
  drop_queue (self);
  hemera__link_clear (&self->link);
  g_free (self);
}

static GError *
why_over (HemeraWebsocket *self)
{
  HemeraLink *link = &self->link;

  if (self->by_us || self->peer_code != 0)
    return NULL;
  if (link->error)
    return g_error_copy (link->error);
  if (link->refusal)
    return g_error_copy (link->refusal);
  return g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT,
                      "the connection to %s was lost without a close frame", link->url->host);
}

static void
on_over (HemeraLink *link, gboolean abandoned)
{
  HemeraWebsocket *self = websocket_of (link);

  if (!abandoned) {
    g_autoptr (GError) error = why_over (self);
    HemeraWebsocketEnd end = {
      .code = self->peer_code,
      .by_us = self->by_us,
      .http_status = self->http_status,
      .retry_after_s = self->retry_after_s,
      .error = error,
    };

    self->in_ended = TRUE;
    self->events.ended (self, &end, self->user_data);
  }
  free_websocket (self);
}

static const HemeraLinkClass link_class = {
  .resolved = on_resolved, .event = on_event, .flow = on_flow, .over = on_over
};

HemeraWebsocket *
hemera__websocket_connect (HemeraNet *net, const HemeraWebsocketOptions *options,
                           const HemeraWebsocketEvents *events, gpointer user_data, GError **error)
{
  HemeraUrl *url = hemera__url_parse (options->url, TRUE, error);
  HemeraWebsocket *self;

  if (!url)
    return NULL;
  if (options->user_agent && !hemera__header_is_clean (options->user_agent)) {
    g_set_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL, "bad User-Agent");
    hemera__url_free (url);
    return NULL;
  }
  self = g_new0 (HemeraWebsocket, 1);
  self->events = *events;
  self->user_data = user_data;
  self->close_timeout_ms = options->close_timeout_ms ? options->close_timeout_ms : CLOSE_MS;
  self->max_message = options->max_message ? options->max_message : MAX_MESSAGE;
  hemera__link_init (&self->link, net, &link_class, NULL, url, options->trust, options->user_agent,
                     options->connect_timeout_ms ? options->connect_timeout_ms : CONNECT_MS);
  return self;
}

/* ---- closing ------------------------------------------------------------------------------------------------------------------------ */

static gboolean
on_close_timeout (gpointer user_data)
{
  HemeraWebsocket *self = user_data;

  hemera__source_clear (&self->close_timer);
  hemera__link_end (&self->link, NULL);
  return G_SOURCE_REMOVE;
}

void
hemera__websocket_close (HemeraWebsocket *self, guint16 code)
{
  HemeraNet *net = self->link.net;
  HemeraNet *before;

  if (self->by_us || self->peer_code != 0 || self->link.ending || self->link.phase == HEMERA_PHASE_OVER)
    return;
  if (self->link.phase != HEMERA_PHASE_UP) {
    self->by_us = TRUE;
    hemera__link_end (&self->link, NULL);
    return;
  }
  if (!is_open (self))
    return; /* lost already, the end is on its way */
  self->by_us = TRUE;
  self->close_code = code;
  drop_queue (self);
  update_flow (self);
  self->close_timer = hemera__net_timer (net, self->close_timeout_ms, on_close_timeout, self);
  before = hemera__net_enter (net);
  lws_set_timer_usecs (self->link.attempt->wsi, 1);
  lws_cancel_service (net->lws);
  hemera__net_leave (net, before);
}

void
hemera__websocket_abort (HemeraWebsocket *self)
{
  if (self->in_ended)
    return; /* freed when ended() returns */
  hemera__link_detach (&self->link);
  free_websocket (self);
}

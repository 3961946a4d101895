/* One GET: a link whose answer is a body. Only lws' COMPLETED is success: a body cut short ends without it. The deadline covers all of it,
 * as lws has none once the headers are there. Every status with a whole body is a response, redirects too, which are never followed. */
#include "runtime/net/net-internal.h"

#include <string.h>

#define TIMEOUT_MS 15000
#define MAX_BODY   ((gsize) 1024 * 1024)

typedef struct _HemeraHttpGet Get;

struct _HemeraHttpGet {
  HemeraLink link;  /* first */
  GTask *task;      /* NULL: over */
  gboolean is_free; /* by whoever started it */
  GByteArray *body;
  gsize max_body;
  HemeraHttpResponse *response;
  gboolean chunked;
  gboolean has_length;
  char *start, *at; /* lws' cursor while it reads */
  gboolean completed;
};

static Get *
get_of (HemeraLink *link)
{
  return (Get *) link;
}

void
hemera__http_response_free (HemeraHttpResponse *self)
{
  g_free (self->content_type);
  g_free (self->retry_after);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self);
}

static void
response_free (gpointer response)
{
  hemera__http_response_free (response);
}

/* ---- lws -------------------------------------------------------------------------------------------------------------------------- */

/* NULL: absent, or too long to be meant seriously. */
static char *
copy_header (struct lws *wsi, enum lws_token_indexes token)
{
  char value[256];

  return lws_hdr_copy (wsi, value, sizeof value, token) > 0 ? hemera__link_text (value, sizeof value) : NULL;
}

static int
fail (Get *self, HemeraNetError code, const char *what)
{
  hemera__link_end (&self->link,
                    g_error_new (HEMERA_NET_ERROR, (int) code, "%s: %s", self->link.url->host, what));
  return -1;
}

/* lws takes a length it cannot read for none, and knows "chunked" alone. */
static int
check_framing (Get *self, struct lws *wsi)
{
  char value[32];
  guint64 length;

  if (lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
    self->chunked = TRUE;
    if (lws_hdr_copy (wsi, value, sizeof value, WSI_TOKEN_HTTP_TRANSFER_ENCODING) <= 0
        || strcmp (value, "chunked") != 0)
      return fail (self, HEMERA_NET_ERROR_PROTOCOL, "unknown transfer encoding");
  } else if (lws_hdr_total_length (wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0) {
    self->has_length = TRUE;
    if (lws_hdr_copy (wsi, value, sizeof value, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0
        || !g_ascii_string_to_unsigned (value, 10, 0, G_MAXINT64, &length, NULL))
      return fail (self, HEMERA_NET_ERROR_PROTOCOL, "bad content length");
    if (length > self->max_body)
      return fail (self, HEMERA_NET_ERROR_LIMIT, "the body is over the limit");
  }
  return 0;
}

static int
on_headers (Get *self, struct lws *wsi)
{
  hemera__link_is_up (&self->link, FALSE);
  if (self->response)
    return fail (self, HEMERA_NET_ERROR_PROTOCOL, "a second answer");
  self->response = g_new0 (HemeraHttpResponse, 1);
  self->response->status = lws_http_client_http_response (wsi);
  self->response->content_type = copy_header (wsi, WSI_TOKEN_HTTP_CONTENT_TYPE);
  self->response->retry_after = copy_header (wsi, WSI_TOKEN_HTTP_RETRY_AFTER);
  return check_framing (self, wsi);
}

static int
read_some (Get *self, struct lws *wsi)
{
  char buffer[LWS_PRE + 4096];
  int size = sizeof buffer - LWS_PRE;
  int result;

  self->start = self->at = buffer + LWS_PRE;
  result = lws_http_client_read (wsi, &self->at, &size);
  self->start = self->at = NULL;
  return result < 0 ? -1 : 0;
}

/* Without a length the end of the stream is the end of the body for lws, in the middle of a chunk too (then lws has read nothing: its
 * cursor has not moved), and over TLS if anybody cut the connection (then no close_notify came). */
static gboolean
is_whole (Get *self, struct lws *wsi)
{
  if (self->chunked)
    return self->at != self->start;
  if (self->has_length || !self->link.url->tls)
    return TRUE;
  return self->response
         && (self->response->status == 204 || self->response->status == 304
             || (SSL_get_shutdown (lws_get_ssl (wsi)) & SSL_RECEIVED_SHUTDOWN) != 0);
}

static int
on_body (Get *self, const guint8 *data, gsize size)
{
  if (size > self->max_body - self->body->len) {
    hemera__link_end (&self->link,
                      g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_LIMIT,
                                   "the body is larger than %" G_GSIZE_FORMAT " bytes", self->max_body));
    return -1;
  }
  g_byte_array_append (self->body, data, (guint) size);
  return 0;
}

static int
on_event (HemeraLink *link, struct lws *wsi, enum lws_callback_reasons reason, void *in, gsize size)
{
  Get *self = get_of (link);

  switch (reason) {
  case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP: return on_headers (self, wsi);
  case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: return read_some (self, wsi);
  case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ: return on_body (self, in, size);
  case LWS_CALLBACK_COMPLETED_CLIENT_HTTP: self->completed = is_whole (self, wsi); return -1;
  default: return 0;
  }
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------------ */

static GError *
why_failed (Get *self)
{
  HemeraLink *link = &self->link;

  if (link->error)
    return g_error_copy (link->error);
  if (link->refusal)
    return g_error_copy (link->refusal);
  return g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT,
                      "%s ended the connection before the whole %s was there", link->url->host,
                      self->response ? "body" : "answer");
}

static void
on_over (HemeraLink *link, gboolean abandoned)
{
  Get *self = get_of (link);

  if (abandoned) {
    g_task_return_new_error (self->task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "the network is shut down");
  } else if (self->completed && self->response && !link->error) {
    self->response->body = g_byte_array_free_to_bytes (g_steal_pointer (&self->body));
    g_task_return_pointer (self->task, g_steal_pointer (&self->response), response_free);
  } else {
    g_task_return_error (self->task, why_failed (self));
  }
  g_clear_object (&self->task);
  g_clear_pointer (&self->body, g_byte_array_unref);
  g_clear_pointer (&self->response, response_free);
  hemera__link_clear (link);
  if (self->is_free)
    g_free (self);
}

static const HemeraLinkClass link_class = { .event = on_event, .over = on_over };

/* ---- the start ---------------------------------------------------------------------------------------------------------------------- */

static HemeraUrl *
check (HemeraNet *net, const HemeraHttpOptions *options, GError **error)
{
  if (net->closing) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "the network is shut down");
    return NULL;
  }
  if ((options->user_agent && !hemera__header_is_clean (options->user_agent))
      || (options->authorization && !hemera__header_is_clean (options->authorization))) {
    g_set_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL, "bad User-Agent or Authorization");
    return NULL;
  }
  return hemera__url_parse (options->url, FALSE, error);
}

HemeraHttpGet *
hemera__http_get_async (HemeraNet *net, const HemeraHttpOptions *options, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);
  GError *error = NULL;
  HemeraUrl *url = check (net, options, &error);
  Get *self;

  g_task_set_source_tag (task, hemera__http_get_async);
  if (!url) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return NULL;
  }
  self = g_new0 (Get, 1);
  self->task = task;
  self->body = g_byte_array_new ();
  self->max_body = MIN (options->max_body ? options->max_body : MAX_BODY, G_MAXINT32);
  hemera__link_init (&self->link, net, &link_class, "GET", url, options->trust, options->user_agent,
                     options->timeout_ms ? options->timeout_ms : TIMEOUT_MS);
  self->link.authorization = g_strdup (options->authorization);
  return self;
}

void
hemera__http_get_free (HemeraHttpGet *self)
{
  if (!self)
    return;
  if (!self->task) {
    g_free (self);
    return;
  }
  self->is_free = TRUE;
  hemera__link_end (&self->link,
                    g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "the request was cancelled"));
}

HemeraHttpResponse *
hemera__http_get_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_async_result_is_tagged (result, hemera__http_get_async), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

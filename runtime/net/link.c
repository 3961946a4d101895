/* HemeraLink: from a url to an established connection, and its end. Look-up, one TCP attempt an address within the deadline, the failure's
 * text, the terminal event. lws' callbacks of all connections enter here. See net-internal.h for the two lives of link and attempt.
 *
 * The end: lws promises one callback in every case, WSI_DESTROY, last. over() follows from the chores, outside of lws, so that what the
 * owner does there (connect again) is not done inside a callback of lws. */
#include "runtime/net/net-internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- what is to be done outside of lws ---------------------------------------------------------------------------------------------- */

void
hemera__link_todo (HemeraLink *self, guint todo)
{
  if (self->todo == 0)
    g_queue_push_tail_link (&self->net->due, &self->due_node);
  self->todo |= todo;
  hemera__net_chore (self->net);
}

static void
forget_todo (HemeraLink *self)
{
  if (self->todo != 0)
    g_queue_unlink (&self->net->due, &self->due_node);
  self->todo = 0;
}

static void
set_over (HemeraLink *self)
{
  self->phase = HEMERA_PHASE_OVER;
  hemera__source_clear (&self->deadline);
  hemera__source_clear (&self->patience);
  hemera__link_todo (self, HEMERA_TODO_OVER);
}

/* Outside of lws only: inside, lws would free what it is working with. */
void
hemera__attempt_kill (HemeraAttempt *self)
{
  HemeraNet *net = self->net;
  HemeraNet *before;

  if (self->doomed)
    net->doomed--;
  self->doomed = FALSE;
  if (self->closed || !self->wsi)
    return;
  self->closed = TRUE;
  before = hemera__net_enter (net);
  lws_set_timeout (self->wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_SYNC);
  hemera__net_leave (net, before);
}

static void
doom (HemeraAttempt *self)
{
  if (self->net->depth == 0) {
    hemera__attempt_kill (self);
  } else if (!self->doomed) {
    self->doomed = TRUE;
    self->net->doomed++;
    hemera__net_chore (self->net);
  }
}

/* ---- dialling ----------------------------------------------------------------------------------------------------------------------- */

static void
refused (HemeraLink *self, GError *error)
{
  g_clear_error (&self->refusal);
  self->refusal = error;
}

static void
free_attempt (HemeraAttempt *self)
{
  g_queue_unlink (&self->net->attempts, &self->node);
  if (self->doomed)
    self->net->doomed--;
  g_free (self);
}

/* The attempt's wsi is gone: the next address, or the end. */
static void
attempt_is_over (HemeraLink *self)
{
  self->attempt = NULL;
  hemera__source_clear (&self->patience);
  if (!self->ending && self->phase == HEMERA_PHASE_TCP && self->addresses)
    hemera__link_todo (self, HEMERA_TODO_NEXT);
  else
    set_over (self);
}

static void
free_handle (uv_handle_t *handle)
{
  free (handle); /* lws' allocator is malloc() */
}

static void
close_forgotten (uv_handle_t *handle, void *wsi)
{
  if (handle->type == UV_POLL && handle->data == wsi && !uv_is_closing (handle))
    uv_close (handle, free_handle);
}

/* When a connect() fails at once, or its success turns out to have been reset since, lws 4.1 closes the socket itself and forgets the uv
 * handle, which would stay in the loop for good. It goes now: by the next turn the socket's number may be somebody else's. */
static void
on_destroy (HemeraAttempt *self, struct lws *wsi)
{
  HemeraLink *link = self->link;

  uv_walk (&self->net->loop, close_forgotten, wsi);
  self->destroyed = TRUE;
  self->wsi = NULL;
  if (self->dialling)
    return; /* dial() looks after it */
  free_attempt (self);
  if (link)
    attempt_is_over (link);
}

static gboolean
on_patience (gpointer user_data)
{
  HemeraLink *self = user_data;

  hemera__source_clear (&self->patience);
  refused (self, g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_TIMEOUT, "no answer from %s port %u",
                              self->address, self->url->port));
  if (self->attempt)
    doom (self->attempt);
  return G_SOURCE_REMOVE;
}

/* Each address gets an equal part of the time left, so that a silent one does not use it up; the last one has the deadline. */
static void
be_patient (HemeraLink *self)
{
  guint others = g_list_length (self->addresses);
  gint64 left_ms = (self->deadline_us - g_get_monotonic_time ()) / 1000;

  if (others > 0)
    self->patience =
        hemera__net_timer (self->net, (guint) (MAX (left_ms, 1) / (others + 1)), on_patience, self);
}

static struct lws *
connect_now (HemeraLink *self, HemeraAttempt *attempt)
{
  static const lws_retry_bo_t no_keep_alive = { 0 };
  const struct lws_client_connect_info info = {
    .context = self->net->lws,
    .address = self->address,
    .port = self->url->port,
    .path = self->url->path,
    .host = self->url->authority,
    .method = self->method,
    .alpn = "http/1.1",
    .ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (self->url->tls ? LCCSCF_USE_SSL : 0),
    .local_protocol_name = "hemera",
    .ietf_version_or_minus_one = -1,
    .pwsi = &attempt->wsi,
    .opaque_user_data = attempt,
    .retry_and_idle_policy = &no_keep_alive,
  };

  return lws_client_connect_via_info (&info);
}

static void
dial (HemeraLink *self)
{
  GInetAddress *address = self->addresses->data;
  HemeraAttempt *attempt = g_new0 (HemeraAttempt, 1);
  HemeraNet *before;
  struct lws *wsi;

  self->addresses = g_list_delete_link (self->addresses, self->addresses);
  g_free (self->address);
  self->address = g_inet_address_to_string (address);
  g_object_unref (address);
  attempt->net = self->net;
  attempt->link = self;
  attempt->node.data = attempt;
  attempt->dialling = TRUE;
  g_queue_push_tail_link (&self->net->attempts, &attempt->node);
  self->attempt = attempt;
  self->phase = HEMERA_PHASE_TCP;
  g_clear_error (&self->refusal);
  be_patient (self);

  before = hemera__net_enter (self->net);
  wsi = connect_now (self, attempt);
  lws_cancel_service (
      self->net->lws); /* lws looks at timers armed out here only when something else wakes it */
  hemera__net_leave (self->net, before);
  attempt->dialling = FALSE;
  if (wsi && !attempt->destroyed)
    return;
  if (!self->refusal)
    refused (self, g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT, "cannot connect to %s port %u",
                                self->address, self->url->port));
  if (attempt->destroyed)
    free_attempt (attempt);
  else
    attempt->link = NULL; /* its WSI_DESTROY frees it, or else the net does */
  attempt_is_over (self);
}

void
hemera__link_resolved (HemeraLink *self, GList *addresses, GError *error)
{
  if (!addresses) {
    hemera__link_end (self, error);
    return;
  }
  self->addresses = addresses;
  self->phase = HEMERA_PHASE_TCP;
  hemera__link_todo (self, HEMERA_TODO_NEXT);
  if (self->klass->resolved)
    self->klass->resolved (self);
}

static GError *
timed_out (HemeraLink *self)
{
  static const char *const during[] = { "the name look-up",        "the TCP connect", "the TLS handshake",
                                        "the wait for the answer", "the transfer",    "the end" };

  return g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_TIMEOUT, "timed out after %u ms during %s of %s",
                      self->timeout_ms, during[self->phase], self->url->host);
}

static gboolean
on_deadline (gpointer user_data)
{
  HemeraLink *self = user_data;

  hemera__source_clear (&self->deadline);
  hemera__link_end (self, timed_out (self));
  return G_SOURCE_REMOVE;
}

/* One thing at a time: each of these may free the link. */
void
hemera__link_work (HemeraLink *self)
{
  guint todo = self->todo;

  self->todo = 0;
  if (todo & HEMERA_TODO_OVER) {
    hemera__link_detach (self);
    self->klass->over (self, FALSE);
  } else if (todo & HEMERA_TODO_KILL) {
    if (self->attempt)
      doom (self->attempt);
  } else if (todo & HEMERA_TODO_START) {
    hemera__lookup_join (self);
  } else if (todo & HEMERA_TODO_NEXT) {
    dial (self);
  } else if ((todo & HEMERA_TODO_FLOW) && self->klass->flow) {
    self->klass->flow (self);
  }
}

/* ---- life --------------------------------------------------------------------------------------------------------------------------- */

void
hemera__link_init (HemeraLink *self, HemeraNet *net, const HemeraLinkClass *klass, const char *method,
                   HemeraUrl *url, HemeraTrust *trust, const char *user_agent, guint timeout_ms)
{
  self->net = net;
  self->klass = klass;
  self->method = method;
  self->url = url;
  self->trust = trust ? hemera__trust_ref (trust) : NULL;
  self->user_agent = g_strdup (user_agent);
  self->node.data = self->due_node.data = self->wait_node.data = self;
  self->timeout_ms = timeout_ms;
  self->deadline_us = g_get_monotonic_time () + (gint64) timeout_ms * 1000;
  self->deadline = hemera__net_timer (net, timeout_ms, on_deadline, self);
  g_queue_push_tail_link (&net->links, &self->node);
  hemera__link_todo (self, HEMERA_TODO_START);
}

void
hemera__link_detach (HemeraLink *self)
{
  HemeraAttempt *attempt = self->attempt;

  if (!self->net)
    return;
  self->phase = HEMERA_PHASE_OVER;
  self->attempt = NULL;
  hemera__lookup_leave (self);
  forget_todo (self);
  hemera__source_clear (&self->deadline);
  hemera__source_clear (&self->patience);
  g_queue_unlink (&self->net->links, &self->node);
  if (attempt) {
    attempt->link = NULL;
    doom (attempt);
  }
  self->net = NULL;
}

void
hemera__link_clear (HemeraLink *self)
{
  hemera__url_free (self->url);
  g_clear_pointer (&self->trust, hemera__trust_unref);
  g_list_free_full (self->addresses, g_object_unref);
  g_clear_error (&self->error);
  g_clear_error (&self->refusal);
  g_free (self->user_agent);
  g_free (self->authorization);
  g_free (self->address);
  g_free (self->tls_reason);
}

void
hemera__link_end (HemeraLink *self, GError *error)
{
  if (error && !self->error && !self->ending)
    self->error = error;
  else
    g_clear_error (&error);
  self->ending = TRUE;
  if (self->phase == HEMERA_PHASE_OVER)
    return;
  hemera__lookup_leave (self);
  if (self->attempt)
    doom (self->attempt);
  else
    set_over (self);
}

void
hemera__link_is_up (HemeraLink *self, gboolean disarm)
{
  self->phase = HEMERA_PHASE_UP;
  if (disarm)
    hemera__source_clear (&self->deadline);
}

/* ---- lws' callbacks ----------------------------------------------------------------------------------------------------------------- */

HemeraLink *
hemera__link_of_fd (int fd)
{
  HemeraNet *net = hemera__net_current ();

  for (GList *node = net && fd >= 0 ? net->attempts.tail : NULL; node; node = node->prev) {
    HemeraAttempt *attempt = node->data;

    if (attempt->wsi && !attempt->closed && attempt->link && lws_get_socket_fd (attempt->wsi) == fd)
      return attempt->link;
  }
  return NULL;
}

char *
hemera__link_text (const void *in, gsize size)
{
  GString *text = g_string_new (NULL);
  const char *p = in;

  for (gsize i = 0; p && i < MIN (size, 255) && p[i]; i++)
    if (p[i] >= 0x20 && p[i] <= 0x7e)
      g_string_append_c (text, p[i]);
  return g_string_free (text, FALSE);
}

/* CLIENT_CONNECTION_ERROR: TCP, TLS, or the answer. The class has seen the status of an answer already. */
static void
note_failure (HemeraLink *self, const void *in, gsize size)
{
  g_autofree char *text = hemera__link_text (in, size);

  if (self->phase == HEMERA_PHASE_TLS)
    refused (self, g_error_new (HEMERA_NET_ERROR,
                                self->tls_reason ? HEMERA_NET_ERROR_TLS : HEMERA_NET_ERROR_CONNECT,
                                "TLS with %s failed: %s", self->url->host,
                                self->tls_reason ? self->tls_reason : "the connection broke"));
  else
    refused (self, g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT,
                                "cannot connect to %s (%s port %u): %s", self->url->host, self->address,
                                self->url->port, *text ? text : "the connection broke"));
}

static int
add_header (struct lws *wsi, const char *name, const char *value, void *in, gsize size)
{
  unsigned char **at = in;

  if (!value)
    return 0;
  return lws_add_http_header_by_name (wsi, (const unsigned char *) name, (const unsigned char *) value,
                                      (int) strlen (value), at, *at + size);
}

static int
add_headers (HemeraLink *self, struct lws *wsi, void *in, gsize size)
{
  unsigned char *start = *(unsigned char **) in;

  if (add_header (wsi, "User-Agent:", self->user_agent, in, size))
    return -1;
  return add_header (wsi, "Authorization:", self->authorization, in,
                     size - (gsize) (*(unsigned char **) in - start))
             ? -1
             : 0;
}

/* The callbacks whose result ends a connection. In others lws ignores it, or takes it for something else. */
static gboolean
can_refuse (enum lws_callback_reasons reason)
{
  switch (reason) {
  case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
  case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
  case LWS_CALLBACK_CLIENT_ESTABLISHED:
  case LWS_CALLBACK_CLIENT_RECEIVE:
  case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
  case LWS_CALLBACK_CLIENT_WRITEABLE:
  case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
  case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
  case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
  case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
  case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
  case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
  case LWS_CALLBACK_TIMER: return TRUE;
  default: return FALSE;
  }
}

static int
on_event (HemeraAttempt *self, struct lws *wsi, enum lws_callback_reasons reason, void *in, gsize size)
{
  HemeraLink *link = self->link;

  switch (reason) {
  case LWS_CALLBACK_WSI_CREATE:
    hemera__source_clear (&link->patience);
    if (link->phase == HEMERA_PHASE_TCP && !link->url->tls)
      link->phase = HEMERA_PHASE_HTTP;
    return 0;
  case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER: return add_headers (link, wsi, in, size);
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
    if (!link->ending && !link->refusal)
      note_failure (link, in, size);
    break;
  default: break;
  }
  return link->klass->event (link, wsi, reason, in, size);
}

int
hemera__link_callback (struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t size)
{
  HemeraAttempt *self = wsi ? lws_get_opaque_user_data (wsi) : NULL;
  int result = 0;

  if (!self)
    return 0;
  switch (reason) {
  case LWS_CALLBACK_WSI_DESTROY: on_destroy (self, wsi); return 0;
  case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
  case LWS_CALLBACK_CLIENT_CLOSED:
  case LWS_CALLBACK_CLOSED_CLIENT_HTTP: self->closed = TRUE; break;
  default: break;
  }
  if (self->link)
    result = on_event (self, wsi, reason, in, size);
  if (!self->link || self->link->ending)
    return can_refuse (reason) ? -1 : 0;
  return result;
}

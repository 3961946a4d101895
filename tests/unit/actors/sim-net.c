/* Websockets and GETs of a simulated system. See sim-net.h. */
#include "sim-net.h"

#include <string.h>

SimNet *sim_net;

SimNet *
sim_net_new (void)
{
  SimNet *self = g_new0 (SimNet, 1);

  self->sockets = g_ptr_array_new ();
  self->gets = g_ptr_array_new_with_free_func (g_object_unref);
  return self;
}

void
sim_net_free (SimNet *self)
{
  g_assert_cmpuint (self->sockets->len, ==, 0); /* a shard that is gone has aborted its own */
  g_ptr_array_unref (self->sockets);
  g_ptr_array_unref (self->gets);
  g_free (self);
}

static void
frame_free (gpointer data)
{
  if (data != NULL)
    g_bytes_unref (data);
}

static void
free_socket (HemeraWebsocket *self)
{
  g_queue_clear_full (&self->sent, frame_free);
  g_queue_clear_full (&self->frames, frame_free);
  g_free (self->url);
  g_free (self);
}

static void
over (HemeraWebsocket *self)
{
  if (self->stage == SIM_OVER)
    return;
  if (sim_net->on_over != NULL)
    sim_net->on_over (self, sim_net->data);
  self->stage = SIM_OVER;
  g_ptr_array_remove_fast (sim_net->sockets, self);
}

/* After a callback, in which the client may have aborted. */
static gboolean
left (HemeraWebsocket *self)
{
  self->busy = FALSE;
  if (self->stage != SIM_OVER)
    return TRUE;
  free_socket (self);
  return FALSE;
}

/* ---- the client's side ------------------------------------------------------------------------------------ */

HemeraWebsocket *
hemera__websocket_connect (HemeraNet *net, const HemeraWebsocketOptions *options,
                           const HemeraWebsocketEvents *events, gpointer user_data, GError **error)
{
  HemeraWebsocket *self = g_new0 (HemeraWebsocket, 1);

  self->events = events;
  self->user_data = user_data;
  self->url = g_strdup (options->url);
  self->shard = hemera_actor_self (hemera_actor_current ());
  self->supervisor = hemera_actor_parent (hemera_actor_current ());
  self->drained = TRUE;
  g_queue_init (&self->sent);
  g_queue_init (&self->frames);
  g_ptr_array_add (sim_net->sockets, self);
  return self;
}

void
hemera__websocket_send (HemeraWebsocket *self, gconstpointer data, gsize size, gboolean binary)
{
  GBytes *bytes;

  if (self->stage != SIM_OPEN)
    return;
  bytes = g_bytes_new (data, size);
  if (sim_net->on_sent != NULL)
    sim_net->on_sent (self, bytes, sim_net->data);
  g_queue_push_tail (&self->sent, bytes);
  self->drained = FALSE;
}

gsize
hemera__websocket_pending (HemeraWebsocket *self)
{
  return self->drained ? 0 : 1;
}

void
hemera__websocket_set_paused (HemeraWebsocket *self, gboolean paused)
{
  self->paused = paused;
}

void
hemera__websocket_close (HemeraWebsocket *self, guint16 code)
{
  if (self->stage == SIM_CLOSING)
    return;
  self->close_code = code;
  self->stage = SIM_CLOSING;
}

void
hemera__websocket_abort (HemeraWebsocket *self)
{
  over (self);
  if (!self->busy)
    free_socket (self);
}

/* ---- the test's side ---------------------------------------------------------------------------------------- */

gboolean
sim_socket_resolve (HemeraWebsocket *self)
{
  if (self->stage != SIM_DIALING || self->resolved)
    return TRUE;
  self->resolved = self->busy = TRUE;
  self->events->resolved (self, self->user_data);
  return left (self);
}

gboolean
sim_socket_open (HemeraWebsocket *self)
{
  if (self->stage != SIM_DIALING || !self->resolved)
    return TRUE;
  self->stage = SIM_OPEN;
  self->busy = TRUE;
  self->events->opened (self, self->user_data);
  return left (self);
}

gboolean
sim_socket_drain (HemeraWebsocket *self)
{
  if (self->stage != SIM_OPEN || self->drained)
    return TRUE;
  self->drained = self->busy = TRUE;
  self->events->drained (self, self->user_data);
  return left (self);
}

gboolean
sim_socket_deliver (HemeraWebsocket *self)
{
  GBytes *frame;
  gconstpointer data;
  gsize size;

  if (self->stage != SIM_OPEN || self->paused || g_queue_is_empty (&self->frames))
    return TRUE;
  frame = g_queue_pop_head (&self->frames);
  if (frame == NULL) {
    sim_socket_end (self, self->frames_code);
    return FALSE;
  }
  data = g_bytes_get_data (frame, &size);
  self->busy = TRUE;
  self->events->received (self, data, size, TRUE, TRUE, strstr (self->url, "encoding=etf") != NULL,
                          self->user_data);
  g_bytes_unref (frame);
  return left (self);
}

void
sim_socket_end (HemeraWebsocket *self, guint code)
{
  GError *error = code == 0 ? g_error_new_literal (HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT, "gone") : NULL;
  const HemeraWebsocketEnd end = { .code = code, .by_us = self->stage == SIM_CLOSING, .error = error };

  over (self);
  self->busy = TRUE;
  self->events->ended (self, &end, self->user_data);
  g_clear_error (&error);
  free_socket (self);
}

/* ---- GETs --------------------------------------------------------------------------------------------------- */

void
hemera__http_response_free (HemeraHttpResponse *self)
{
  if (self == NULL)
    return;
  g_bytes_unref (self->body);
  g_free (self);
}

HemeraHttpGet *
hemera__http_get_async (HemeraNet *net, const HemeraHttpOptions *options, GAsyncReadyCallback callback,
                        gpointer user_data)
{
  g_ptr_array_add (sim_net->gets, g_task_new (NULL, NULL, callback, user_data));
  sim_net->getter = hemera_actor_self (hemera_actor_current ());
  return NULL;
}

/* One whose actor is gone is answered all the same. */
void
hemera__http_get_free (HemeraHttpGet *self)
{
}

HemeraHttpResponse *
hemera__http_get_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
sim_net_answer (SimNet *self, guint index, guint status, const char *body)
{
  GTask *task = g_ptr_array_steal_index_fast (self->gets, index);
  HemeraHttpResponse *response;

  if (body == NULL) {
    g_task_return_new_error (task, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT, "no route");
  } else {
    response = g_new0 (HemeraHttpResponse, 1);
    response->status = status;
    response->body = g_bytes_new (body, strlen (body));
    g_task_return_pointer (task, response, (GDestroyNotify) hemera__http_response_free);
  }
  g_object_unref (task);
}

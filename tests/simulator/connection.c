/* The life of a connection: bytes in, states, deadlines, the ways it ends. What payloads mean is in payloads.c, auth.c and requests.c. */
#include "connection.h"

#include <string.h>
#include <sys/socket.h>

#include "faults.h"

#define MAX_HEAD      16384u
#define LINGER        3000
#define CLOSE_WAIT    1000    /* for the client's close frame, before TCP is closed all the same */
#define MAX_FRAME_OUT 262144u /* pending output above which pongs and ACKs are not added */

static void
detach (SimConnection *self)
{
  SimSession *session = g_steal_pointer (&self->session);
  if (session != NULL && session->connection == self)
    sim_session_detach (session);
}

static void
log_closed (SimConnection *self, const char *why)
{
  if (!self->upgraded)
    return;
  sim_log_write (self->sim->log, "closed",
                 "\"connection\":%u,\"shard\":%d,\"sent_code\":%d,\"received_code\":%d,\"why\":\"%s\"",
                 self->number, self->had_session ? (int) self->shard : -1, self->close_code,
                 self->client_code, why);
}

static void
die (SimConnection *self, const char *why)
{
  if (self->state == SIM_CONNECTION_DEAD)
    return;
  detach (self);
  log_closed (self, why);
  self->state = SIM_CONNECTION_DEAD;
}

static void
begin_linger (SimConnection *self)
{
  self->state = SIM_CONNECTION_CLOSING;
  self->finish_at = sim_now () + (self->upgraded ? CLOSE_WAIT : 0);
  self->linger_until = self->finish_at + LINGER;
  sim_io_set_reading (self->io, TRUE);
  if (!self->upgraded || self->close_seen)
    sim_io_finish (self->io);
}

void
sim_connection_close (SimConnection *self, int code, const char *reason)
{
  if (self->state >= SIM_CONNECTION_CLOSING)
    return;
  detach (self);
  if (self->upgraded && !self->close_sent) {
    g_autoptr (GByteArray) out = g_byte_array_new ();
    guint8 body[125] = { (guint8) (code >> 8), (guint8) code };
    gsize size = 2;
    for (; size < sizeof body && *reason != '\0'; size++)
      body[size] = (guint8) *reason++;
    sim_frames_append (out, 8, body, size, 0);
    sim_io_write (self->io, out->data, out->len);
    self->close_sent = TRUE;
    self->close_code = code;
  }
  begin_linger (self);
}

void
sim_connection_reset (SimConnection *self, const char *why)
{
  if (self->state == SIM_CONNECTION_DEAD)
    return;
  sim_io_reset (self->io);
  die (self, why);
}

void
sim_connection_violation (SimConnection *self, const char *what, int code, const char *detail)
{
  g_autoptr (GString) text = g_string_new (NULL);
  sim_json_append_string (text, detail != NULL ? detail : "", -1);
  self->sim->violations++;
  sim_log_write (self->sim->log, "violation",
                 "\"connection\":%u,\"shard\":%d,\"what\":\"%s\",\"code\":%d,\"detail\":%s", self->number,
                 self->had_session ? (int) self->shard : -1, what, code, text->str);
  if (code != 0)
    sim_connection_close (self, code, what);
}

void
sim_connection_send (SimConnection *self, int op, const char *d)
{
  if (!self->wired || self->mute || self->state >= SIM_CONNECTION_CLOSING)
    return;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  sim_wire_append (&self->wire, out, op, NULL, -1, d, strlen (d));
  sim_io_write (self->io, out->data, out->len);
}

void
sim_connection_invalidate (SimConnection *self, gboolean resumable)
{
  sim_connection_send (self, 9, resumable ? "true" : "false");
  detach (self);
  if (self->state == SIM_CONNECTION_ACTIVE)
    self->state = SIM_CONNECTION_HELLO;
  self->invalid_at = sim_now ();
}

void
sim_connection_pump (SimConnection *self)
{
  SimSession *session = self->session;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  while (self->state == SIM_CONNECTION_ACTIVE && session != NULL && !self->mute
         && sim_io_pending (self->io) + out->len < SIM_IO_HIGH) {
    if (sim_faults_due (self)) {
      sim_io_write (self->io, out->data, out->len);
      g_byte_array_set_size (out, 0);
      sim_faults_inject_due (self);
      session = self->session;
      continue;
    }
    gboolean may_produce = self->sim->options.rate == 0 && !sim_faults_wait (self);
    if (session->sent == session->seq && !(may_produce && sim_session_produce_next (session)))
      break;
    const SimDispatch *dispatch = sim_session_dispatch (session, session->sent + 1);
    g_assert (dispatch != NULL);
    session->sent++;
    sim_wire_append (&self->wire, out, 0, dispatch->t, session->sent, dispatch->d, dispatch->d_size);
    self->dispatches++;
  }
  if (out->len > 0 && self->state < SIM_CONNECTION_CLOSING)
    sim_io_write (self->io, out->data, out->len);
}

/* A frame that is neither payload nor close. */
static void
send_control (SimConnection *self, guint8 opcode, const guint8 *data, gsize size)
{
  if (self->mute || self->state >= SIM_CONNECTION_CLOSING || sim_io_pending (self->io) > MAX_FRAME_OUT)
    return;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  sim_frames_append (out, opcode, data, size, 0);
  sim_io_write (self->io, out->data, out->len);
}

void
sim_connection_ping (SimConnection *self)
{
  send_control (self, 9, (const guint8 *) self->session->id, 32);
}

static void
on_pong (SimConnection *self, const guint8 *data, gsize size)
{
  SimSession *session = self->session;
  if (session != NULL && size == 32 && memcmp (session->id, data, size) == 0)
    session->known = TRUE;
  sim_connection_pump (self);
}

static void
on_close_frame (SimConnection *self, const guint8 *data, gsize size)
{
  self->close_seen = TRUE;
  self->client_code = size >= 2 ? data[0] << 8 | data[1] : 1005;
  SimSession *session = self->session;
  if (session != NULL && session->connection == self
      && (self->client_code == 1000 || self->client_code == 1001))
    sim_session_end (session, "closed by the client");
  if (self->mute) {
    detach (self);
    begin_linger (self);
  } else if (self->close_sent) {
    sim_io_finish (self->io);
  } else {
    sim_connection_close (self, self->client_code == 1005 ? 1000 : self->client_code, "");
  }
}

static void
read_frames (SimConnection *self)
{
  const guint8 *data;
  gsize size;
  const char *what = "";
  for (;;) {
    if (self->state == SIM_CONNECTION_DEAD || (self->state == SIM_CONNECTION_CLOSING && self->close_seen))
      return;
    SimFrameKind kind = sim_frames_next (&self->frames, &data, &size, &what);
    switch (kind) {
    case SIM_FRAME_MORE: return;
    case SIM_FRAME_PING: send_control (self, 10, data, size); break;
    case SIM_FRAME_PONG: on_pong (self, data, size); break;
    case SIM_FRAME_CLOSE: on_close_frame (self, data, size); break;
    case SIM_FRAME_BROKEN:
    case SIM_FRAME_TOO_BIG:
      if (self->state >= SIM_CONNECTION_CLOSING)
        sim_io_finish (self->io);
      else if (kind == SIM_FRAME_BROKEN)
        sim_connection_violation (self, "websocket", 1002, what);
      else
        sim_connection_violation (self, "payload_too_big", 4002, "over 32768 bytes");
      return;
    case SIM_FRAME_TEXT:
    case SIM_FRAME_BINARY:
      if (self->state < SIM_CONNECTION_CLOSING && !self->mute)
        sim_payload (self, kind == SIM_FRAME_BINARY, data, size);
    }
  }
}

static void
read_request (SimConnection *self)
{
  const guint8 *data = self->request->data;
  gsize have = self->request->len;
  const guint8 *stop = memmem (data, have, "\r\n\r\n", 4);
  if (stop == NULL) {
    if (have > MAX_HEAD)
      sim_connection_reset (self, "request too long");
    return;
  }
  g_autofree char *head = g_strndup ((const char *) data, (gsize) (stop - data));
  gsize used = (gsize) (stop - data) + 4;
  sim_rest_request (self, head);
  if (self->upgraded && have > used) {
    sim_frames_feed (&self->frames, data + used, have - used);
    read_frames (self);
  }
}

static void
on_data (gpointer owner, const guint8 *data, gsize size)
{
  SimConnection *self = owner;
  if (self->state == SIM_CONNECTION_REQUEST) {
    g_byte_array_append (self->request, data, (guint) size);
    read_request (self);
  } else if (self->upgraded && self->state != SIM_CONNECTION_DEAD) {
    sim_frames_feed (&self->frames, data, size);
    read_frames (self);
  }
}

static void
on_drained (gpointer owner)
{
  sim_connection_pump (owner);
}

static void
on_closed (gpointer owner, const char *why)
{
  die (owner, why);
}

SimConnection *
sim_connection_new (Sim *sim, int fd, gboolean resume_host)
{
  static const SimIoFuncs funcs = { on_data, on_drained, on_closed };
  SimConnection *self = g_new0 (SimConnection, 1);
  int buffer = 131072; /* the kernel's own buffer would hide a client that does not read */
  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  self->sim = sim;
  self->number = ++sim->connection_count;
  self->resume_host = resume_host;
  self->request = g_byte_array_new ();
  self->doc = sim_doc_new ();
  self->opened = sim_now ();
  self->beat_seq = -1;
  sim_frames_init (&self->frames);
  g_queue_init (&self->sends);
  g_queue_init (&self->presences);
  self->io = sim_io_new (fd, sim->tls, &funcs, self);
  return self;
}

void
sim_connection_free (SimConnection *self)
{
  detach (self);
  sim_io_free (self->io);
  g_byte_array_unref (self->request);
  sim_frames_clear (&self->frames);
  sim_wire_clear (&self->wire);
  sim_doc_free (self->doc);
  g_queue_clear_full (&self->sends, g_free);
  g_queue_clear_full (&self->presences, g_free);
  g_free (self);
}

void
sim_connection_upgrade (SimConnection *self, const char *accept, gboolean etf, gboolean zlib_stream)
{
  const SimOptions *options = &self->sim->options;
  g_autofree char *answer = g_strdup_printf ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                             accept);
  sim_io_write (self->io, answer, strlen (answer));
  self->upgraded = self->wired = TRUE;
  self->state = SIM_CONNECTION_HELLO;
  sim_wire_init (&self->wire, options, etf, zlib_stream, g_rand_int (self->sim->rand));
  if (sim_faults_greet (self))
    return;
  g_autofree char *hello = g_strdup_printf (
      "{\"heartbeat_interval\":%d,\"_trace\":[\"[\\\"hemera-sim\\\",{\\\"micros\\\":0.0}]\"]}",
      options->heartbeat_interval);
  sim_connection_send (self, 10, hello);
  self->beat_due = sim_now () + options->heartbeat_interval + options->heartbeat_grace;
}

static void
check_beat (SimConnection *self, gint64 now)
{
  if (self->mute || self->read_again_at != 0 || self->beat_due == 0)
    return;
  if (self->asked_beat_at != 0 && now > self->asked_beat_at + self->sim->options.heartbeat_grace) {
    self->asked_beat_at = 0;
    sim_connection_violation (self, "op1_unanswered", 0, NULL);
  }
  if (now > self->beat_due)
    sim_connection_violation (self, "heartbeat_late", 4000, NULL);
}

void
sim_connection_tick (SimConnection *self, gint64 now)
{
  switch (self->state) {
  case SIM_CONNECTION_REQUEST:
    if (now > self->opened + self->sim->options.handshake_timeout)
      sim_connection_reset (self, "no request in time");
    return;
  case SIM_CONNECTION_HELLO:
  case SIM_CONNECTION_ACTIVE: break;
  case SIM_CONNECTION_CLOSING:
    if (now > self->finish_at)
      sim_io_finish (self->io);
    if (now > self->linger_until)
      sim_connection_reset (self, "closed without an answer");
    return;
  case SIM_CONNECTION_DEAD: return;
  }
  if (self->read_again_at != 0 && now >= self->read_again_at) {
    self->read_again_at = 0;
    /* Beats that waited in the kernel now come together. */
    self->extra_beats += (guint) (self->sim->options.slow_read / self->sim->options.heartbeat_interval) + 2;
    self->beat_due = now + self->sim->options.heartbeat_interval + self->sim->options.heartbeat_grace;
    sim_io_set_reading (self->io, TRUE);
  }
  if (self->close_at != 0 && now >= self->close_at) {
    sim_connection_violation (self, "op7_ignored", 4000, NULL);
    return;
  }
  if (self->mute_until != 0 && now >= self->mute_until) {
    sim_connection_violation (self, "silence_not_noticed", 0, NULL);
    sim_connection_reset (self, "silence not noticed");
    return;
  }
  check_beat (self, now);
  if (self->state == SIM_CONNECTION_ACTIVE)
    sim_connection_pump (self);
}

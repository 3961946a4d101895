/* The gateway of the whole-tree test. See sim-discord.h. */
#include "sim-discord.h"

#include <hemera/json.h>
#include <string.h>

/* What the gateway knows of one connection. */
typedef struct {
  gboolean said_hello, silent, live, replaying, json;
  guint session;  /* number; 0: none yet */
  guint64 sent;   /* last seq of it that went out here */
  gint64 beat_at; /* of the client's last beat, or of HELLO; 0: it has not got HELLO */
} Peer;

static Peer *
peer_of (HemeraWebsocket *socket)
{
  if (socket->peer == NULL)
    socket->peer = g_new0 (Peer, 1);
  ((Peer *) socket->peer)->json = strstr (socket->url, "encoding=json") != NULL;
  return socket->peer;
}

static void
session_free (gpointer data)
{
  SimSession *self = data;

  g_byte_array_unref (self->log);
  g_free (self);
}

SimDiscord *
sim_discord_new (HemeraSystem *system, guint n_shards, guint max_concurrency)
{
  SimDiscord *self = g_new0 (SimDiscord, 1);

  self->system = system;
  self->sessions = g_ptr_array_new_with_free_func (session_free);
  self->n_shards = n_shards;
  self->current = g_new0 (guint, n_shards);
  self->identified_at = g_new0 (gint64, n_shards);
  self->interval_ms = 20000;
  self->spacing_ms = 5000;
  self->max_concurrency = self->next_concurrency = max_concurrency;
  self->total = self->remaining = 1000;
  self->floor = 10;
  self->reset_us = G_GINT64_CONSTANT (3600000000);
  self->reset_at = hemera_system_now (system) + self->reset_us;
  return self;
}

void
sim_discord_free (SimDiscord *self)
{
  g_ptr_array_unref (self->sessions);
  g_free (self->current);
  g_free (self->identified_at);
  g_free (self);
}

SimSession *
sim_discord_session (SimDiscord *self, guint number)
{
  return g_ptr_array_index (self->sessions, number - 1);
}

guint
sim_discord_session_of (HemeraWebsocket *socket)
{
  return peer_of (socket)->session;
}

const char *
sim_event_name (SimEvent event)
{
  static const char *const names[] = { "READY", "RESUMED", "MESSAGE_CREATE", "TYPING_START" };

  return names[event];
}

static void
refill (SimDiscord *self)
{
  gint64 now = hemera_system_now (self->system);

  while (now >= self->reset_at) {
    self->reset_at += self->reset_us;
    self->remaining = self->total;
    self->max_concurrency = self->next_concurrency;
  }
}

char *
sim_discord_bot (SimDiscord *self)
{
  refill (self);
  return g_strdup_printf (
      "{\"url\":\"wss://gateway.test\",\"shards\":%u,\"session_start_limit\":{\"total\":%u,"
      "\"remaining\":%u,\"reset_after\":%" G_GINT64_FORMAT ",\"max_concurrency\":%u}}",
      self->n_shards, self->total, self->remaining,
      (self->reset_at - hemera_system_now (self->system)) / 1000, self->max_concurrency);
}

/* ---- what goes out ------------------------------------------------------------------------------------------- */

void
sim_discord_say (HemeraWebsocket *socket, const char *json)
{
  g_autoptr (HemeraTerm) term = NULL;

  if (peer_of (socket)->json) {
    g_queue_push_tail (&socket->frames, g_bytes_new (json, strlen (json)));
    return;
  }
  term = hemera_term_new_from_json (json, strlen (json), NULL, NULL);
  g_assert_nonnull (term);
  g_queue_push_tail (&socket->frames, hemera_term_to_etf (term));
}

static void
say_event (SimDiscord *self, HemeraWebsocket *socket, guint session, guint64 seq)
{
  SimEvent event = sim_discord_session (self, session)->log->data[seq - 1];
  g_autofree char *json = g_strdup_printf (
      "{\"op\":0,\"s\":%" G_GUINT64_FORMAT ",\"t\":\"%s\",\"d\":{\"session_id\":\"s%u\","
      "\"resume_gateway_url\":\"wss://resume.test\",\"session\":%u,\"seq\":%" G_GUINT64_FORMAT "}}",
      seq, sim_event_name (event), session, session, seq);

  sim_discord_say (socket, json);
}

void
sim_discord_silence (HemeraWebsocket *socket)
{
  peer_of (socket)->silent = TRUE;
}

void
sim_discord_last_word (SimDiscord *self, HemeraWebsocket *socket, const char *json)
{
  if (peer_of (socket)->silent || socket->stage != SIM_OPEN)
    return;
  sim_discord_say (socket, json);
  sim_discord_silence (socket);
}

void
sim_discord_garbage (SimDiscord *self, HemeraWebsocket *socket)
{
  if (peer_of (socket)->silent || socket->stage != SIM_OPEN)
    return;
  self->undecodable++;
  g_queue_push_tail (&socket->frames, g_bytes_new_static ("\x83\x64\xff\xff", 4));
  sim_discord_silence (socket);
}

void
sim_discord_close (HemeraWebsocket *socket, guint code)
{
  if (peer_of (socket)->silent || socket->stage != SIM_OPEN)
    return;
  socket->frames_code = code;
  g_queue_push_tail (&socket->frames, NULL);
  sim_discord_silence (socket);
}

/* ---- what comes in -------------------------------------------------------------------------------------------- */

static void
check_beat (SimDiscord *self, Peer *peer)
{
  /* Timers are of whole milliseconds. */
  if (peer->beat_at != 0)
    g_assert_cmpint (hemera_system_now (self->system) - peer->beat_at, <=, (self->interval_ms + 2) * 1000);
}

/* A key's identifies are spaced, the budget is not overdrawn. Looked at when the client writes: the way here is the net's. */
static void
check_identify (SimDiscord *self, HemeraView d)
{
  guint shard = (guint) hemera_view_uint64 (hemera_view_element (hemera_view_get (d, "shard"), 0), 0);
  gint64 now = hemera_system_now (self->system);

  refill (self);
  g_assert_cmpuint (shard, <, self->n_shards);
  for (guint i = shard % self->max_concurrency; i < self->n_shards; i += self->max_concurrency)
    if (self->identified_at[i] != 0)
      g_assert_cmpint (now - self->identified_at[i], >=, self->spacing_ms * 1000);
  self->identified_at[shard] = now;
  self->identifies++;
  g_assert_cmpuint (self->remaining, >, self->floor);
  self->remaining--;
}

static HemeraTerm *
decode (HemeraWebsocket *socket, GBytes *data)
{
  HemeraTerm *term = peer_of (socket)->json ? hemera_term_new_from_json (g_bytes_get_data (data, NULL),
                                                                         g_bytes_get_size (data), NULL, NULL)
                                            : hemera_term_new_from_etf (data, NULL, NULL);

  g_assert_nonnull (term);
  return term;
}

void
sim_discord_sent (HemeraWebsocket *socket, GBytes *data, gpointer self_)
{
  SimDiscord *self = self_;
  g_autoptr (HemeraTerm) term = decode (socket, data);
  guint64 op = hemera_view_uint64 (hemera_view_get (hemera_term_view (term), "op"), 99);

  if (op == 1) {
    check_beat (self, peer_of (socket));
    peer_of (socket)->beat_at = hemera_system_now (self->system);
  } else if (op == 2) {
    check_identify (self, hemera_view_get (hemera_term_view (term), "d"));
  }
}

/* The client beats until the very end, however slow its subscribers are. */
void
sim_discord_over (HemeraWebsocket *socket, gpointer self)
{
  if (socket->stage == SIM_OPEN && socket->peer != NULL)
    check_beat (self, socket->peer);
  if (socket->close_code == 1000 && sim_discord_session_of (socket) != 0)
    sim_discord_session (self, sim_discord_session_of (socket))->valid = FALSE;
  g_clear_pointer (&socket->peer, g_free);
}

static void
identify (SimDiscord *self, HemeraWebsocket *socket, HemeraView d)
{
  guint shard = (guint) hemera_view_uint64 (hemera_view_element (hemera_view_get (d, "shard"), 0), 0);
  SimSession *session = g_new0 (SimSession, 1);
  Peer *peer = peer_of (socket);
  guint8 ready = SIM_READY;

  g_assert_cmpuint (peer->session, ==, 0); /* a second identify is 4005 */
  if (self->current[shard] != 0) {
    SimSession *before = sim_discord_session (self, self->current[shard]);

    self->unasked += before->valid && before->known;
    before->valid = FALSE;
  }
  session->shard = shard;
  session->valid = TRUE;
  session->json = peer->json;
  session->log = g_byte_array_new ();
  g_byte_array_append (session->log, &ready, 1);
  g_ptr_array_add (self->sessions, session);
  self->current[shard] = peer->session = self->sessions->len;
  peer->live = TRUE;
}

static void
resume (SimDiscord *self, HemeraWebsocket *socket, HemeraView d)
{
  g_autofree char *id = hemera_view_dup_string (hemera_view_get (d, "session_id"));
  guint64 seq = hemera_view_uint64 (hemera_view_get (d, "seq"), G_MAXUINT64);
  guint number = (guint) g_ascii_strtoull (id + 1, NULL, 10);
  SimSession *session;
  Peer *peer = peer_of (socket);

  g_assert_true (id[0] == 's' && number >= 1 && number <= self->sessions->len);
  g_assert_cmpuint (peer->session, ==, 0);
  session = sim_discord_session (self, number);
  g_assert_cmpuint (seq, <=, session->log->len);
  g_assert_cmpint (session->json, ==, peer->json); /* a resume keeps its encoding */
  if (!session->valid) {
    sim_discord_last_word (self, socket, "{\"op\":9,\"d\":false}");
    return;
  }
  self->resumes++;
  peer->session = number;
  peer->sent = seq;
  peer->live = peer->replaying = TRUE;
}

static void
read_one (SimDiscord *self, HemeraWebsocket *socket)
{
  g_autoptr (GBytes) data = g_queue_pop_head (&socket->sent);
  g_autoptr (HemeraTerm) term = decode (socket, data);
  HemeraView d = hemera_view_get (hemera_term_view (term), "d");

  switch (hemera_view_uint64 (hemera_view_get (hemera_term_view (term), "op"), 99)) {
  case 1: sim_discord_say (socket, "{\"op\":11}"); break;
  case 2: identify (self, socket, d); break;
  case 6: resume (self, socket, d); break;
  default: break;
  }
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

void
sim_discord_happen (SimDiscord *self, guint shard, guint n, guint32 dice)
{
  SimSession *session = self->current[shard] != 0 ? sim_discord_session (self, self->current[shard]) : NULL;

  for (guint i = 0; session != NULL && session->valid && i < n; i++) {
    guint8 event = (dice >> (i % 32) & 1) != 0 ? SIM_MESSAGE : SIM_TYPING;

    g_byte_array_append (session->log, &event, 1);
  }
}

gboolean
sim_discord_step (SimDiscord *self, HemeraWebsocket *socket)
{
  Peer *peer = peer_of (socket);
  SimSession *session;
  guint8 resumed = SIM_RESUMED;

  if (socket->stage != SIM_OPEN || peer->silent)
    return FALSE;
  if (peer->sent > 0 && g_queue_is_empty (&socket->frames))
    sim_discord_session (self, peer->session)->known = TRUE;
  if (!peer->said_hello) {
    g_autofree char *hello = g_strdup_printf ("{\"op\":10,\"d\":{\"heartbeat_interval\":%u%s}}",
                                              self->interval_ms, self->float_interval ? ".0" : "");

    peer->said_hello = TRUE;
    sim_discord_say (socket, hello);
    return TRUE;
  }
  if (!g_queue_is_empty (&socket->sent) && socket->drained) {
    read_one (self, socket);
    return TRUE;
  }
  if (!peer->live)
    return FALSE;
  session = sim_discord_session (self, peer->session);
  if (peer->sent < session->log->len) {
    say_event (self, socket, peer->session, ++peer->sent);
    return TRUE;
  }
  if (!peer->replaying)
    return FALSE;
  peer->replaying = FALSE;
  g_byte_array_append (session->log, &resumed, 1);
  say_event (self, socket, peer->session, ++peer->sent);
  return TRUE;
}

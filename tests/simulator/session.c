/* The replay memory is a window over [kept_from, seq]; what comes from the stream costs 24 bytes there. */
#include "connection.h"

#include <string.h>
#include <zlib.h>

/* With --rate 0 production follows the connection. So that a RESUME has something to replay, this many come after a loss. */
#define DETACHED_BURST 40

static void
clear_dispatch (gpointer data)
{
  g_free (((SimDispatch *) data)->owned);
}

gboolean
sim_shard_owns (const SimShard *self, guint64 guild)
{
  return sim_stream_shard (guild, self->total) == self->id;
}

SimShard *
sim_shard_get (Sim *sim, guint id, guint total)
{
  g_autofree char *key = g_strdup_printf ("%u:%u", total, id);
  SimShard *self = g_hash_table_lookup (sim->shards, key);
  if (self != NULL)
    return self;
  self = g_new0 (SimShard, 1);
  self->sim = sim;
  self->id = id;
  self->total = total;
  self->events = g_array_new (FALSE, FALSE, sizeof (guint32));
  for (guint32 i = 0; i < sim_stream_length (sim->stream); i++)
    if (sim_shard_owns (self, sim_stream_event (sim->stream, i)->guild))
      g_array_append_val (self->events, i);
  guint count;
  const guint64 *guilds = sim_stream_guilds (sim->stream, &count);
  for (guint i = 0; i < count; i++)
    self->guilds += sim_shard_owns (self, guilds[i]);
  g_hash_table_insert (sim->shards, g_steal_pointer (&key), self);
  return self;
}

void
sim_shard_free (SimShard *self)
{
  g_array_unref (self->events);
  g_clear_pointer (&self->faults, g_array_unref);
  g_free (self);
}

gboolean
sim_shard_is_done (const SimShard *self)
{
  if (self->fatal)
    return TRUE;
  return self->session != NULL && self->cursor == self->events->len
         && self->session->acked == self->session->seq;
}

static char *
make_ready (const SimSession *self, gboolean with_shard)
{
  Sim *sim = self->sim;
  GString *out = g_string_new ("{\"v\":10,\"user\":");
  g_string_append_printf (out, "%s,\"session_id\":\"%s\",\"resume_gateway_url\":\"%s\",",
                          sim_stream_user (sim->stream), self->id, sim->resume_url);
  if (with_shard)
    g_string_append_printf (out, "\"shard\":[%u,%u],", self->shard->id, self->shard->total);
  g_string_append (out, "\"guilds\":[");
  guint count, listed = 0;
  const guint64 *guilds = sim_stream_guilds (sim->stream, &count);
  for (guint i = 0; i < count; i++)
    if (sim_shard_owns (self->shard, guilds[i]))
      g_string_append_printf (out, "%s{\"id\":\"%" G_GUINT64_FORMAT "\",\"unavailable\":true}",
                              listed++ > 0 ? "," : "", guilds[i]);
  g_string_append_printf (out,
                          "],\"application\":%s,\"_trace\":[\"[\\\"hemera-sim\\\",{\\\"micros\\\":1}]\"]}",
                          sim_stream_application (sim->stream));
  return g_string_free (out, FALSE);
}

SimSession *
sim_session_start (SimShard *shard, gboolean etf, gint64 intents, gboolean with_shard)
{
  if (shard->session != NULL) {
    SimConnection *older = shard->session->connection;
    sim_session_end (shard->session, "new identify");
    if (older != NULL)
      sim_connection_close (older, 4006, "session is no longer valid");
  }
  Sim *sim = shard->sim;
  SimSession *self = g_new0 (SimSession, 1);
  self->sim = sim;
  self->shard = shard;
  self->etf = etf;
  self->intents = intents;
  self->kept = g_array_new (FALSE, FALSE, sizeof (SimDispatch));
  g_array_set_clear_func (self->kept, clear_dispatch);
  self->kept_from = 1;
  self->crc = crc32 (0, NULL, 0);
  for (guint i = 0; i < 4; i++)
    g_snprintf (self->id + i * 8, 9, "%08x", g_rand_int (sim->rand));
  shard->session = self;
  g_hash_table_insert (sim->sessions, self->id, self);
  sim->sessions_started++;
  sim_session_produce_own (self, "READY", make_ready (self, with_shard));
  return self;
}

void
sim_session_log_totals (const SimSession *self)
{
  sim_log_write (self->sim->log, "session",
                 "\"shard\":%u,\"total\":%u,\"session\":\"%s\",\"first_s\":1,\"last_s\":%" G_GINT64_FORMAT
                 ",\"sent\":%" G_GINT64_FORMAT ",\"acked\":%" G_GINT64_FORMAT ",\"resumes\":%u,\"crc\":%lu",
                 self->shard->id, self->shard->total, self->id, self->seq, self->sent, self->acked,
                 self->resumes, self->crc);
}

void
sim_session_end (SimSession *self, const char *reason)
{
  SimShard *shard = self->shard;
  guint lost = 0;
  if (shard->session == self) {
    shard->session = NULL;
    lost = MIN ((guint) self->sim->options.lose_on_gap, shard->events->len - shard->cursor);
    shard->cursor += lost;
  }
  sim_session_log_totals (self);
  sim_log_write (self->sim->log, "gap",
                 "\"shard\":%u,\"total\":%u,\"session\":\"%s\",\"last_seq\":%" G_GINT64_FORMAT
                 ",\"sent\":%" G_GINT64_FORMAT ",\"acked\":%" G_GINT64_FORMAT
                 ",\"lost\":%u,\"reason\":\"%s\"",
                 shard->id, shard->total, self->id, self->seq, self->sent, self->acked, lost, reason);
  if (self->connection != NULL)
    self->connection->session = NULL;
  g_hash_table_remove (self->sim->sessions, self->id);
}

void
sim_session_free (SimSession *self)
{
  g_array_unref (self->kept);
  g_free (self);
}

static void
produce (SimSession *self, SimDispatch dispatch, guint line)
{
  self->seq++;
  g_array_append_val (self->kept, dispatch);
  /* Whole blocks, so that the cost of moving the rest is spread. */
  guint limit = (guint) self->sim->options.replay_limit, slack = limit / 4 + 1;
  if (self->kept->len > limit + slack) {
    g_array_remove_range (self->kept, 0, slack);
    self->kept_from += slack;
  }
  char text[300];
  int size = g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT " %s\n", self->seq, dispatch.t);
  self->crc = crc32 (self->crc, (const Bytef *) text, (uInt) size);
  self->sim->events++;
  if (self->sim->options.log_dispatch)
    sim_log_write (self->sim->log, "dispatch",
                   "\"shard\":%u,\"total\":%u,\"session\":\"%s\",\"s\":%" G_GINT64_FORMAT
                   ",\"t\":\"%s\",\"line\":%u",
                   self->shard->id, self->shard->total, self->id, self->seq, dispatch.t, line);
}

void
sim_session_produce_own (SimSession *self, const char *t, char *d)
{
  produce (self, (SimDispatch){ t, d, (guint32) strlen (d), d }, 0);
}

gboolean
sim_session_produce_next (SimSession *self)
{
  SimShard *shard = self->shard;
  if (shard->session != self || self->seq - self->acked >= self->sim->options.replay_limit)
    return FALSE;
  if (shard->cursor == shard->events->len && self->sim->options.loop)
    shard->cursor = 0;
  if (shard->cursor == shard->events->len)
    return FALSE;
  const SimEvent *event =
      sim_stream_event (self->sim->stream, g_array_index (shard->events, guint32, shard->cursor++));
  produce (self, (SimDispatch){ event->t, event->d, event->d_size, NULL }, event->line);
  return TRUE;
}

const SimDispatch *
sim_session_dispatch (const SimSession *self, gint64 s)
{
  if (s < self->kept_from || s >= self->kept_from + self->kept->len)
    return NULL;
  return &g_array_index (self->kept, SimDispatch, (guint) (s - self->kept_from));
}

void
sim_session_detach (SimSession *self)
{
  if (self->connection == NULL)
    return;
  self->connection = NULL;
  self->detached_at = sim_now ();
  if (self->sim->options.rate == 0 && self->sim->options.replay_limit > DETACHED_BURST)
    for (guint i = 0; i < DETACHED_BURST && self->shard->session == self && sim_session_produce_next (self);
         i++)
      ;
}

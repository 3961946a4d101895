/* IDENTIFY and RESUME, checked as strictly as Discord documents them. */
#include "connection.h"

#include <string.h>

#include "faults.h"

#define ALL_INTENTS 53608447

const char *
sim_check_presence (const SimValue *d)
{
  gint64 since, type;
  gboolean afk;
  const SimValue *activities = sim_value_get (d, "activities"), *status = sim_value_get (d, "status");
  if (!sim_value_is (d, SIM_OBJECT))
    return "a presence is an object";
  if (!sim_value_is (sim_value_get (d, "since"), SIM_NULL)
      && !sim_value_int64 (sim_value_get (d, "since"), &since))
    return "since is an integer or null";
  if (!sim_value_is (activities, SIM_ARRAY))
    return "activities is an array";
  for (const SimValue *activity = activities->first; activity != NULL; activity = activity->next)
    if (!sim_value_is (sim_value_get (activity, "name"), SIM_STRING)
        || !sim_value_int64 (sim_value_get (activity, "type"), &type))
      return "an activity has a name and a type";
  if (!sim_value_equals (status, "online") && !sim_value_equals (status, "dnd")
      && !sim_value_equals (status, "idle") && !sim_value_equals (status, "invisible")
      && !sim_value_equals (status, "offline"))
    return "status is online, dnd, idle, invisible or offline";
  if (!sim_value_boolean (sim_value_get (d, "afk"), &afk))
    return "afk is a boolean";
  return NULL;
}

static gboolean
token_is_good (SimConnection *self, const SimValue *d)
{
  const SimValue *token = sim_value_get (d, "token");
  if (!self->sim->token_reset && sim_value_equals (token, self->sim->options.token))
    return TRUE;
  sim_connection_violation (self, "token", 4004,
                            sim_value_is (token, SIM_STRING) && token->size > 4
                                    && memcmp (token->text, "Bot ", 4) == 0
                                ? "with the prefix that only REST has"
                                : NULL);
  return FALSE;
}

/* NULL when the shape is right. */
static const char *
check_shape (const SimValue *d)
{
  gint64 number;
  gboolean flag;
  const SimValue *properties = sim_value_get (d, "properties"), *large = sim_value_get (d, "large_threshold");
  const SimValue *compress = sim_value_get (d, "compress"), *presence = sim_value_get (d, "presence");
  if (!sim_value_is (sim_value_get (d, "token"), SIM_STRING))
    return "token is a string";
  if (!sim_value_is (sim_value_get (properties, "os"), SIM_STRING)
      || !sim_value_is (sim_value_get (properties, "browser"), SIM_STRING)
      || !sim_value_is (sim_value_get (properties, "device"), SIM_STRING))
    return "properties are os, browser and device";
  if (large != NULL && !sim_value_int64 (large, &number))
    return "large_threshold is an integer";
  if (compress != NULL && !sim_value_boolean (compress, &flag))
    return "compress is a boolean";
  return presence != NULL ? sim_check_presence (presence) : NULL;
}

/* FALSE when the connection was closed for it. */
static gboolean
take_shard (SimConnection *self, const SimValue *d, gboolean *given)
{
  const SimValue *shard = sim_value_get (d, "shard");
  gint64 id = 0, total = 1;
  *given = shard != NULL;
  if (shard != NULL
      && (!sim_value_is (shard, SIM_ARRAY) || shard->count != 2 || !sim_value_int64 (shard->first, &id)
          || !sim_value_int64 (shard->last, &total) || total < 1 || total > 65536 || id < 0 || id >= total)) {
    sim_connection_violation (self, "shard", 4010, NULL);
    return FALSE;
  }
  self->shard = (guint) id;
  self->total = (guint) total;
  self->had_session = TRUE;
  if (sim_shard_get (self->sim, self->shard, self->total)->guilds > (guint) self->sim->options.max_guilds) {
    sim_connection_violation (self, "sharding_required", 4011, NULL);
    return FALSE;
  }
  return TRUE;
}

static gboolean
take_intents (SimConnection *self, const SimValue *d, gint64 *intents)
{
  if (!sim_value_int64 (sim_value_get (d, "intents"), intents) || *intents < 0
      || (*intents & ~(gint64) ALL_INTENTS) != 0) {
    sim_connection_violation (self, "intents", 4013, "no integer of known bits");
    return FALSE;
  }
  if ((*intents & self->sim->options.disallow_intents) != 0) {
    sim_connection_violation (self, "disallowed_intents", 4014, NULL);
    return FALSE;
  }
  return TRUE;
}

/* Reset of the token: every session ends, every connection is closed. */
static void
exhaust (SimConnection *self)
{
  Sim *sim = self->sim;
  sim->token_reset = TRUE;
  sim_connection_violation (self, "session_starts_exhausted", 4004, "the token is reset");
  for (guint i = 0; i < sim->connections->len; i++) {
    SimConnection *other = g_ptr_array_index (sim->connections, i);
    if (other->session != NULL)
      sim_session_end (other->session, "token reset");
    if (other->upgraded)
      sim_connection_close (other, 4004, "token reset");
  }
}

/* FALSE when it comes too soon for its bucket; op 9 was sent. */
static gboolean
take_bucket (SimConnection *self)
{
  Sim *sim = self->sim;
  gint64 now = sim_now (), *last = &sim->last_identify[self->shard % (guint) sim->options.max_concurrency];
  gint64 spacing = sim->options.identify_spacing, tolerance = MIN (spacing / 20, 250);
  gint64 since = now - *last;
  if (*last != 0 && since < spacing - tolerance) {
    g_autofree char *detail = g_strdup_printf ("%" G_GINT64_FORMAT " ms after the last in its bucket", since);
    sim_connection_violation (self, "identify_spacing", 0, detail);
    sim_connection_invalidate (self, FALSE);
    return FALSE;
  }
  *last = now;
  return TRUE;
}

static void
attach (SimConnection *self, SimSession *session)
{
  session->connection = self;
  self->session = session;
  self->state = SIM_CONNECTION_ACTIVE;
  self->invalid_at = 0;
  self->dispatches = 0;
  sim_faults_activated (self);
  sim_connection_pump (self);
}

void
sim_auth_identify (SimConnection *self, const SimValue *d)
{
  Sim *sim = self->sim;
  gint64 intents = 0;
  gboolean with_shard, compress = FALSE;
  if (self->state == SIM_CONNECTION_ACTIVE) {
    sim_connection_violation (self, "identified_twice", 4005, NULL);
    return;
  }
  const char *wrong = check_shape (d);
  if (wrong != NULL) {
    sim_connection_violation (self, "identify_payload", 4002, wrong);
    return;
  }
  if (!token_is_good (self, d) || !take_shard (self, d, &with_shard) || !take_intents (self, d, &intents))
    return;
  if (self->beat_seq >= 0 && self->invalid_at == 0)
    sim_connection_violation (self, "heartbeat_seq_before_identify", 0, NULL);
  if (sim->remaining <= 0) {
    exhaust (self);
    return;
  }
  sim_log_write (
      sim->log, "identify",
      "\"connection\":%u,\"shard\":%u,\"total\":%u,\"encoding\":\"%s\",\"intents\":%" G_GINT64_FORMAT
      ",\"remaining\":%" G_GINT64_FORMAT,
      self->number, self->shard, self->total, self->wire.etf ? "etf" : "json", intents, sim->remaining - 1);
  if (self->no_answer || !take_bucket (self))
    return;
  sim->remaining--;
  if (sim_faults_crash (self))
    return;
  sim_value_boolean (sim_value_get (d, "compress"), &compress);
  if (compress && self->wire.etf)
    sim_connection_violation (self, "compress_with_etf", 0, "payload compression is for JSON only");
  self->wire.payload_zlib = compress && !self->wire.etf && !self->wire.zlib_stream;
  SimShard *shard = sim_shard_get (sim, self->shard, self->total);
  shard->fatal = FALSE;
  SimSession *session = sim_session_start (shard, self->wire.etf, intents, with_shard);
  sim_log_write (sim->log, "ready",
                 "\"connection\":%u,\"shard\":%u,\"total\":%u,\"session\":\"%s\",\"events\":%u,\"next\":%u",
                 self->number, self->shard, self->total, session->id, shard->events->len, shard->cursor);
  attach (self, session);
  if (self->session != NULL)
    sim_connection_ping (self);
}

/* Why @session cannot go on from @seq; NULL when it can. */
static const char *
check_resume (SimConnection *self, const SimSession *session, gint64 seq)
{
  if (session == NULL)
    return "unknown session";
  if (session->etf != self->wire.etf)
    return "another encoding";
  if (seq + 1 < session->kept_from)
    return "beyond the replay limit";
  return NULL;
}

void
sim_auth_resume (SimConnection *self, const SimValue *d)
{
  Sim *sim = self->sim;
  gint64 seq = -1;
  const SimValue *id = sim_value_get (d, "session_id");
  if (self->state == SIM_CONNECTION_ACTIVE) {
    sim_connection_violation (self, "resume_after_identify", 4005, NULL);
    return;
  }
  if (!sim_value_is (id, SIM_STRING) || !sim_value_int64 (sim_value_get (d, "seq"), &seq) || seq < 0) {
    sim_connection_violation (self, "resume_payload", 4002, "session_id or seq");
    return;
  }
  if (!token_is_good (self, d))
    return;
  g_autofree char *name = sim_value_dup (id);
  SimSession *session = g_hash_table_lookup (sim->sessions, name);
  if (session != NULL) {
    self->shard = session->shard->id;
    self->total = session->shard->total;
    self->had_session = TRUE;
  }
  if (self->no_answer) {
    sim_log_write (sim->log, "resume_unanswered", "\"connection\":%u", self->number);
    return;
  }
  const char *why = check_resume (self, session, seq);
  if (why != NULL) {
    g_autoptr (GString) text = g_string_new (NULL);
    sim_json_append_string (text, name, (gssize) MIN (strlen (name), 64));
    sim_log_write (sim->log, "resume_refused",
                   "\"connection\":%u,\"session\":%s,\"seq\":%" G_GINT64_FORMAT ",\"why\":\"%s\"",
                   self->number, text->str, seq, why);
    if (session != NULL && session->etf != self->wire.etf)
      sim_connection_violation (self, "resume_encoding", 0, "a RESUME keeps its encoding");
    if (session != NULL)
      sim_session_end (session, why);
    sim_connection_invalidate (self, FALSE);
    return;
  }
  if (seq > session->sent) {
    sim_session_end (session, "resume from the future");
    sim_connection_violation (self, "resume_seq", 4007, NULL);
    return;
  }
  SimConnection *older = session->connection;
  if (older != NULL) {
    older->session = NULL;
    if (older->mute)
      sim_connection_reset (older, "taken over");
    else
      sim_connection_close (older, 4006, "session is no longer valid");
  }
  sim->resumes++;
  session->resumes++;
  session->resumed_at = seq;
  session->known = TRUE;
  sim_log_write (sim->log, "resume",
                 "\"connection\":%u,\"shard\":%u,\"total\":%u,\"session\":\"%s\",\"seq\":%" G_GINT64_FORMAT
                 ",\"replayed\":%" G_GINT64_FORMAT ",\"host\":\"%s\"",
                 self->number, self->shard, self->total, session->id, seq, session->seq - seq,
                 self->resume_host ? "resume" : "base");
  session->sent = seq;
  sim_session_produce_own (session, "RESUMED",
                           g_strdup ("{\"_trace\":[\"[\\\"hemera-sim\\\",{\\\"micros\\\":1}]\"]}"));
  attach (self, session);
}

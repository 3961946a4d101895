/* What comes in from a client: size, encoding, envelope, rate, heartbeats; then to auth.c or requests.c. */
#include "connection.h"

#include <string.h>

#define MAX_PAYLOAD 4096u

/* TRUE when one more at @now stays within @limit in @window; @times then has it. */
static gboolean
count_in_window (GQueue *times, gint64 now, int limit, int window)
{
  gint64 *oldest;
  while ((oldest = g_queue_peek_head (times)) != NULL && *oldest <= now - window)
    g_free (g_queue_pop_head (times));
  if (g_queue_get_length (times) >= (guint) limit)
    return FALSE;
  g_queue_push_tail (times, g_memdup2 (&now, sizeof now));
  return TRUE;
}

/* FALSE when the connection was closed for it. */
static gboolean
take_beat_seq (SimConnection *self, const SimValue *d)
{
  gint64 seq = -1;
  SimSession *session = self->session;
  if (!sim_value_is (d, SIM_NULL) && (!sim_value_int64 (d, &seq) || seq < 0)) {
    sim_connection_violation (self, "heartbeat_payload", 4002, "d is neither null nor a sequence number");
    return FALSE;
  }
  if (session != NULL) {
    if (seq > session->sent) {
      g_autofree char *detail =
          g_strdup_printf ("%" G_GINT64_FORMAT " is above %" G_GINT64_FORMAT, seq, session->sent);
      sim_session_end (session, "heartbeat with a sequence number from the future");
      sim_connection_violation (self, "heartbeat_seq", 4007, detail);
      return FALSE;
    }
    if (seq < 0 && (session->acked > 0 || session->resumed_at > 0))
      sim_connection_violation (self, "heartbeat_null", 0, "the session has a sequence number");
    if (seq >= 0 && seq < self->beat_seq)
      sim_connection_violation (self, "heartbeat_seq_back", 0, NULL);
    session->acked = MAX (session->acked, seq);
    session->known |= seq > 0;
  }
  self->beat_seq = seq;
  return TRUE;
}

static void
on_heartbeat (SimConnection *self, const SimValue *d)
{
  gint64 now = sim_now (), interval = self->sim->options.heartbeat_interval;
  if (!take_beat_seq (self, d))
    return;
  gboolean early = self->beat_at != 0 && now - self->beat_at < interval / 4;
  if (early && self->extra_beats == 0)
    sim_connection_violation (self, "heartbeat_early", 0, NULL);
  if (early && self->extra_beats > 0)
    self->extra_beats--;
  else /* one that came late does not move those after it */
    self->beat_at = self->beat_at == 0 ? now : MIN (now, MAX (self->beat_at + interval, now - interval));
  self->asked_beat_at = 0;
  self->beat_due = now + interval + self->sim->options.heartbeat_grace;
  sim_connection_send (self, 11, "null");
  sim_connection_pump (self);
}

static SimValue *
parse (SimConnection *self, gboolean binary, const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  if (size > MAX_PAYLOAD) {
    sim_connection_violation (self, "payload_too_big", 4002, "over 4096 bytes");
    return NULL;
  }
  if (self->wire.etf && !binary) {
    sim_connection_violation (self, "text_frame", 4002, "ETF goes in binary frames");
    return NULL;
  }
  sim_doc_reset (self->doc);
  SimValue *value = self->wire.etf ? sim_etf_parse (self->doc, data, size, &error)
                                   : sim_json_parse (self->doc, (const char *) data, size, &error);
  if (value != NULL)
    return value;
  sim_connection_violation (self,
                            g_error_matches (error, SIM_ERROR, SIM_ERROR_ATOM_KEY)     ? "atom_key"
                            : g_error_matches (error, SIM_ERROR, SIM_ERROR_COMPRESSED) ? "compressed"
                                                                                       : "decode",
                            4002, error->message);
  return NULL;
}

static void
on_op (SimConnection *self, gint64 op, const SimValue *d)
{
  if (op == 1) {
    on_heartbeat (self, d);
  } else if (op == 2) {
    sim_auth_identify (self, d);
  } else if (op == 6) {
    sim_auth_resume (self, d);
  } else if (op != 3 && op != 4 && op != 8 && op != 31 && op != 43) {
    g_autofree char *detail = g_strdup_printf ("%" G_GINT64_FORMAT, op);
    sim_connection_violation (self, "unknown_op", 4001, detail);
  } else if (self->state == SIM_CONNECTION_HELLO) {
    /* What was on its way when op 9 left is no fault of the client. */
    if (self->invalid_at == 0 || sim_now () - self->invalid_at > 2000)
      sim_connection_violation (self, "not_identified", 4003, NULL);
  } else if (op == 3
             && !count_in_window (&self->presences, sim_now (), self->sim->options.presence_limit,
                                  self->sim->options.presence_window)) {
    sim_connection_violation (self, "presence_rate", 0, "dropped");
  } else {
    sim_request (self, op, d);
  }
}

void
sim_payload (SimConnection *self, gboolean binary, const guint8 *data, gsize size)
{
  const SimOptions *options = &self->sim->options;
  if (!count_in_window (&self->sends, sim_now (), options->send_limit, options->send_window)) {
    sim_connection_violation (self, "send_rate", 4008, NULL);
    return;
  }
  const SimValue *root = parse (self, binary, data, size);
  if (root == NULL)
    return;
  gint64 op;
  const SimValue *d = sim_value_get (root, "d");
  if (d == NULL || !sim_value_int64 (sim_value_get (root, "op"), &op))
    sim_connection_violation (self, "envelope", 4002, "op or d is missing");
  else
    on_op (self, op, d);
}

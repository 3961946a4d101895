/* What the gateway's payloads mean: op by op, in each state. A payload is given to subscribers before what it causes. */
#include "machine-private.h"

#include "gateway-url.h"

#include <string.h>

/* Documented as 41250 in practice and 45000 in the example. Far outside of that something else speaks; small ones serve tests. */
#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (10 * 60 * 1000)

static void
violate (HemeraShardMachine *self, gint64 now, const char *what)
{
  hemera__machine_crash (
      self, now,
      g_error_new (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PROTOCOL, "protocol violated: %s", what),
      FALSE);
}

static void
give (HemeraShardMachine *self, const HemeraEnvelope *envelope, HemeraTerm *payload, guint64 seq)
{
  HemeraShardAction *action = hemera__machine_push (self, HEMERA_SHARD_ACTION_EVENT);

  action->op = envelope->op;
  action->seq = seq;
  action->name = envelope->name;
  action->name_size = envelope->name_size;
  action->payload = hemera_term_ref (payload);
  action->d = envelope->d;
  action->encoding = self->encoding;
}

static gboolean
is_named (const HemeraEnvelope *envelope, const char *name)
{
  return envelope->name_size == strlen (name) && memcmp (envelope->name, name, envelope->name_size) == 0;
}

/* ---- HELLO ---------------------------------------------------------------------------------------------------------------------- */

static void
hello (HemeraShardMachine *self, gint64 now, const HemeraEnvelope *envelope)
{
  /* Documented as an integer; a number that comes as a float means the same. */
  double interval_ms = hemera_view_number (hemera_view_get (envelope->d, "heartbeat_interval"), 0);

  if (self->said_hello) {
    violate (self, now, "a second HELLO");
    return;
  }
  if (!(interval_ms >= INTERVAL_MIN_MS && interval_ms <= INTERVAL_MAX_MS)) {
    violate (self, now, "HELLO has no heartbeat interval from 100 ms to 10 min");
    return;
  }
  self->said_hello = TRUE;
  hemera__heartbeat_hello (&self->heartbeat, now, (gint64) (interval_ms * 1000.0),
                           hemera__machine_random (self));

  if (self->session.id != NULL) {
    hemera__machine_resume (self, now);
    return;
  }
  self->holds_lease = TRUE;
  hemera__machine_push (self, HEMERA_SHARD_ACTION_REQUEST_IDENTIFY);
  hemera__machine_enter (self, now, HEMERA_SHARD_AWAITING_LEASE, "hello");
}

/* ---- dispatches ----------------------------------------------------------------------------------------------------------------- */

static void
become_active (HemeraShardMachine *self, gint64 now, const char *cause)
{
  self->active_since = self->live_at = now;
  self->avoid_resume_host = FALSE;
  hemera__machine_enter (self, now, HEMERA_SHARD_ACTIVE, cause);
  hemera__machine_pump (self, now);
}

static void
ready (HemeraShardMachine *self, gint64 now, const HemeraEnvelope *envelope, HemeraTerm *payload)
{
  g_autofree char *url = hemera_view_dup_string (hemera_view_get (envelope->d, "resume_gateway_url"));
  HemeraShardAction *action;
  const char *id;
  gsize id_size;

  if (!hemera_view_get_string (hemera_view_get (envelope->d, "session_id"), &id, &id_size)
      || !hemera__session_id_is_usable (id, id_size)) {
    violate (self, now, "READY has no usable session id");
    return;
  }
  /* Without a url that can be used the session is resumed at the base url. */
  if (url != NULL && !hemera__gateway_url_is_usable (url, hemera__gateway_url_is_encrypted (self->base_url)))
    g_clear_pointer (&url, g_free);

  hemera__session_clear (&self->session);
  self->session.id = g_strndup (id, id_size);
  self->session.resume_url = g_steal_pointer (&url);
  self->session.encoding = self->encoding;
  self->given = envelope->seq;

  action = hemera__machine_push (self, HEMERA_SHARD_ACTION_SESSION);
  hemera__session_copy (&action->session, &self->session);
  give (self, envelope, payload, envelope->seq);
  hemera__machine_release_lease (self);
  become_active (self, now, "ready");
}

/* One of the session's, perhaps a replayed one. */
static void
deliver (HemeraShardMachine *self, const HemeraEnvelope *envelope, HemeraTerm *payload)
{
  if (!envelope->has_seq || envelope->seq <= MAX (self->session.seq, self->given)) {
    /* RESUMED says more than its place in the order. */
    if (is_named (envelope, "RESUMED"))
      give (self, envelope, payload, 0);
    return;
  }
  self->given = envelope->seq;
  give (self, envelope, payload, envelope->seq);
}

static void
replayed (HemeraShardMachine *self, gint64 now, const HemeraEnvelope *envelope, HemeraTerm *payload)
{
  self->resume_pending = FALSE;
  self->barren_resumes = 0;
  deliver (self, envelope, payload);
  if (is_named (envelope, "RESUMED"))
    become_active (self, now, "resumed");
  else /* the replay goes on: its time-out starts anew */
    self->state_deadline = now + HEMERA_MS (self->config.times.resumed_ms);
}

/* A session that decodes events proves that its encoding works. */
static void
note_decoded (HemeraShardMachine *self, const HemeraEnvelope *envelope)
{
  if (self->failures == 0 || self->encoding != HEMERA_ENCODING_ETF || is_named (envelope, "RESUMED"))
    return;
  self->failures = 0;
  hemera__machine_push (self, HEMERA_SHARD_ACTION_FAILURES);
}

static void
dispatch (HemeraShardMachine *self, gint64 now, const HemeraEnvelope *envelope, HemeraTerm *payload)
{
  gboolean is_ready;

  if (envelope->name == NULL) {
    violate (self, now, "a dispatch without a name");
    return;
  }
  if (!envelope->has_seq && !is_named (envelope, "RESUMED")) {
    violate (self, now, "a dispatch without a sequence number");
    return;
  }
  is_ready = is_named (envelope, "READY");

  switch (self->state) {
  case HEMERA_SHARD_STOPPED:
  case HEMERA_SHARD_RESOLVING:
  case HEMERA_SHARD_CONNECTING:
  case HEMERA_SHARD_WAITING:
  case HEMERA_SHARD_CLOSING: break; /* nothing is read in these */
  case HEMERA_SHARD_AWAITING_HELLO:
  case HEMERA_SHARD_AWAITING_LEASE: violate (self, now, "a dispatch before the handshake"); break;
  case HEMERA_SHARD_IDENTIFYING:
    if (is_ready)
      ready (self, now, envelope, payload);
    else
      violate (self, now, "a dispatch before READY");
    break;
  case HEMERA_SHARD_RESUMING:
    /* A RESUME from before READY was safe replays it too; READY of another session is no answer to a RESUME. */
    if (is_ready
        && !hemera_view_equals_string (hemera_view_get (envelope->d, "session_id"), self->session.id))
      violate (self, now, "READY of another session in answer to a RESUME");
    else
      replayed (self, now, envelope, payload);
    break;
  case HEMERA_SHARD_ACTIVE:
    if (is_ready) {
      violate (self, now, "a second READY");
      break;
    }
    deliver (self, envelope, payload);
    note_decoded (self, envelope);
    break;
  }
}

/* ---- the rest ------------------------------------------------------------------------------------------------------------------- */

/* Op 9. Whatever it answers, the connection is of no more use: "Resuming" says to disconnect. The random wait spreads clients. */
static void
invalid_session (HemeraShardMachine *self, gint64 now, gboolean resumable)
{
  gint64 spread = hemera__machine_invalid_session_wait (self), delay;

  if (!resumable)
    hemera__machine_drop_session (self, now, TRUE);
  delay = hemera__machine_backoff (self, now);
  delay = MAX (delay, spread);
  hemera__machine_reconnect_after (self, now, delay, HEMERA_CLOSE_CODE_KEEP,
                                   resumable ? "invalid_session_resumable" : "invalid_session", 0, NULL);
}

void
hemera__machine_handle (HemeraShardMachine *self, gint64 now, HemeraTerm *payload)
{
  HemeraEnvelope envelope;
  GError *error = NULL;
  gint64 latency;

  if (!hemera__envelope_read (hemera_term_view (payload), &envelope, &error)) {
    hemera__machine_crash (self, now, error, FALSE);
    return;
  }
  if (self->state == HEMERA_SHARD_ACTIVE)
    self->live_at = now;
  if (envelope.op == HEMERA_OP_DISPATCH) {
    dispatch (self, now, &envelope, payload);
    return;
  }

  give (self, &envelope, payload, 0);
  switch (envelope.op) {
  case HEMERA_OP_HEARTBEAT: hemera__machine_beat_asked (self, now); break;
  case HEMERA_OP_RECONNECT:
    hemera__machine_reconnect_after (self, now, hemera__machine_backoff (self, now), HEMERA_CLOSE_CODE_KEEP,
                                     "op_7", 0, NULL);
    break;
  case HEMERA_OP_INVALID_SESSION: invalid_session (self, now, hemera_view_boolean (envelope.d, FALSE)); break;
  case HEMERA_OP_HELLO: hello (self, now, &envelope); break;
  case HEMERA_OP_HEARTBEAT_ACK:
    latency = hemera__heartbeat_ack (&self->heartbeat, now);
    if (latency >= 0)
      hemera__machine_push (self, HEMERA_SHARD_ACTION_LATENCY)->latency_us = latency;
    break;
  default: break; /* new ones come without notice */
  }
}

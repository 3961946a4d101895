/* What the owner, the broker and the connection tell the machine, beside time (machine.c) and payloads (inbound.c): each input looks at
 * the state and decides. Those of an older connection are ignored. */
#include "machine-private.h"

#define RETRY_AFTER_MAX_S 3600
#define DENIED_MAX_MS     (G_GUINT64_CONSTANT (25) * 3600 * 1000)

/* ---- inputs: commands ------------------------------------------------------------------------------------------------------------- */

/* The fallback rule: too many sessions in a row whose ETF could not be decoded. Told once: a JSON session of it is just resumed. */
static void
fall_back (HemeraShardMachine *self, gint64 now)
{
  if (self->session.id != NULL && self->session.encoding == HEMERA_ENCODING_JSON)
    return;
  if (self->session.id == NULL && self->config.encoding == HEMERA_ENCODING_JSON)
    return;
  hemera__machine_drop_session (self, now, TRUE);
  hemera__machine_push (self, HEMERA_SHARD_ACTION_ENCODING)->encoding = HEMERA_ENCODING_JSON;
}

void
hemera__shard_machine_start (HemeraShardMachine *self, gint64 now)
{
  if (self->over || self->state != HEMERA_SHARD_STOPPED)
    return;
  self->started_at = now;
  if (self->fell_back)
    fall_back (self, now);
  hemera__machine_connect (self, now, "start");
}

void
hemera__shard_machine_set_gateway_url (HemeraShardMachine *self, const char *url)
{
  g_return_if_fail (url != NULL);
  if (self->over)
    return;
  g_free (self->base_url);
  self->base_url = g_strdup (url);
}

void
hemera__shard_machine_set_watermark (HemeraShardMachine *self, const char *session_id, guint64 seq)
{
  if (self->session.id != NULL && g_strcmp0 (self->session.id, session_id) == 0 && seq > self->session.seq)
    self->session.seq = seq;
}

void
hemera__shard_machine_reconnect (HemeraShardMachine *self, gint64 now, gboolean allow_resume)
{
  guint code = allow_resume ? HEMERA_CLOSE_CODE_KEEP : HEMERA_CLOSE_CODE_END;
  gboolean had_session = self->session.id != NULL;

  if (self->over || self->disposing)
    return;
  if (!allow_resume)
    hemera__machine_drop_session (self, now, TRUE);

  switch (self->state) {
  case HEMERA_SHARD_STOPPED:
  case HEMERA_SHARD_WAITING:
  case HEMERA_SHARD_CLOSING: break; /* on its way already */
  case HEMERA_SHARD_RESOLVING:
  case HEMERA_SHARD_CONNECTING:
    /* On its way too, but perhaps to the host of a session that is no more. */
    if (had_session && !allow_resume)
      hemera__machine_reconnect_after (self, now, hemera__machine_backoff (self, now), code, "reconnect", 0,
                                       NULL);
    break;
  case HEMERA_SHARD_AWAITING_HELLO:
  case HEMERA_SHARD_AWAITING_LEASE:
  case HEMERA_SHARD_IDENTIFYING:
  case HEMERA_SHARD_RESUMING:
  case HEMERA_SHARD_ACTIVE:
    hemera__machine_reconnect_after (self, now, hemera__machine_backoff (self, now), code, "reconnect", 0,
                                     NULL);
    break;
  }
}

void
hemera__shard_machine_dispose (HemeraShardMachine *self, gint64 now, HemeraCloseMode mode)
{
  if (self->over)
    return;
  /* The end of the session is what was asked for: no gap. */
  if (mode == HEMERA_CLOSE_END)
    hemera__machine_drop_session (self, now, FALSE);
  self->disposing = TRUE;
  hemera__machine_fail_queued (self);

  switch (self->state) {
  case HEMERA_SHARD_STOPPED:
  case HEMERA_SHARD_WAITING: hemera__machine_stop (self, now, "dispose"); break;
  case HEMERA_SHARD_RESOLVING:
  case HEMERA_SHARD_CONNECTING:
    hemera__machine_push (self, HEMERA_SHARD_ACTION_ABORT);
    hemera__machine_stop (self, now, "dispose");
    break;
  case HEMERA_SHARD_CLOSING: break; /* ends with normal once it is closed */
  case HEMERA_SHARD_AWAITING_HELLO:
  case HEMERA_SHARD_AWAITING_LEASE:
  case HEMERA_SHARD_IDENTIFYING:
  case HEMERA_SHARD_RESUMING:
  case HEMERA_SHARD_ACTIVE:
    hemera__machine_release_lease (self);
    hemera__machine_push (self, HEMERA_SHARD_ACTION_CLOSE)->code =
        mode == HEMERA_CLOSE_END ? HEMERA_CLOSE_CODE_END : HEMERA_CLOSE_CODE_KEEP;
    hemera__machine_enter (self, now, HEMERA_SHARD_CLOSING, "dispose");
    break;
  }
}

/* ---- inputs: the broker ------------------------------------------------------------------------------------------------------------ */

void
hemera__shard_machine_lease (HemeraShardMachine *self, gint64 now, guint connection)
{
  if (self->over || connection != self->connection || self->state != HEMERA_SHARD_AWAITING_LEASE)
    return;
  hemera__machine_identify (self, now);
}

void
hemera__shard_machine_lease_denied (HemeraShardMachine *self, gint64 now, guint connection, guint64 retry_ms)
{
  gint64 delay;

  if (self->over || connection != self->connection || self->state != HEMERA_SHARD_AWAITING_LEASE)
    return;
  self->holds_lease = FALSE;
  delay = HEMERA_MS (MIN (retry_ms, DENIED_MAX_MS)) + hemera__machine_backoff (self, now);
  hemera__machine_push (self, HEMERA_SHARD_ACTION_ALARM)->cause =
      "no session starts are left: waiting for their reset";
  hemera__machine_reconnect_after (self, now, delay, HEMERA_CLOSE_CODE_KEEP, "no_session_starts", 0, NULL);
}

/* ---- inputs: the connection -------------------------------------------------------------------------------------------------------- */

void
hemera__shard_machine_resolved (HemeraShardMachine *self, gint64 now, guint connection)
{
  if (!self->over && connection == self->connection && self->state == HEMERA_SHARD_RESOLVING)
    hemera__machine_enter (self, now, HEMERA_SHARD_CONNECTING, "resolved");
}

void
hemera__shard_machine_opened (HemeraShardMachine *self, gint64 now, guint connection)
{
  if (!self->over && connection == self->connection && hemera__machine_is_opening (self))
    hemera__machine_enter (self, now, HEMERA_SHARD_AWAITING_HELLO, "opened");
}

/* Takes @cause. Its text names a fact and an offset, nothing of the payload. */
static GError *
as_gateway_error (GError *cause, const char *what)
{
  GError *error =
      g_error_new (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PROTOCOL, "%s: %s", what, cause->message);

  g_error_free (cause);
  return error;
}

void
hemera__shard_machine_received (HemeraShardMachine *self, gint64 now, guint connection, const guint8 *data,
                                gsize size, gboolean first, gboolean final, gboolean binary)
{
  GError *error = NULL;
  HemeraTerm *term;

  if (self->over || connection != self->connection || !hemera__machine_is_open (self))
    return;
  hemera__heartbeat_traffic (&self->heartbeat);
  if (!hemera__receiver_feed (&self->receiver, data, size, first, final, binary, &error)) {
    hemera__machine_crash (self, now, error, FALSE);
    return;
  }

  /* One piece may hold many payloads, and any of them may end the connection. */
  while (hemera__machine_is_open (self)) {
    switch (hemera__receiver_next (&self->receiver, &term, &error)) {
    case HEMERA_RECEIVED_NOTHING: return;
    case HEMERA_RECEIVED_TERM:
      hemera__machine_handle (self, now, term);
      hemera_term_unref (term);
      break;
    case HEMERA_RECEIVED_BROKEN:
      hemera__machine_crash (self, now, as_gateway_error (error, "the compressed stream is broken"), FALSE);
      break;
    case HEMERA_RECEIVED_UNDECODABLE:
      hemera__machine_crash (self, now,
                             as_gateway_error (error, self->encoding == HEMERA_ENCODING_ETF
                                                          ? "undecodable ETF"
                                                          : "undecodable JSON"),
                             TRUE);
      break;
    }
  }
}

/* The upgrade or what comes before it failed. */
static void
refused (HemeraShardMachine *self, gint64 now, guint status, guint retry_after_s, const char *why)
{
  gint64 delay = hemera__machine_backoff (self, now);

  hemera__machine_try_other_host (self);
  if (status == 429) {
    gint64 pause = HEMERA_MS (1000) * MIN (retry_after_s, RETRY_AFTER_MAX_S);

    delay += pause;
  } else if (status == 401 || status == 403) {
    gint64 half = HEMERA_MS (self->config.times.backoff_cap_ms) / 2;

    delay = half + (gint64) ((double) half * hemera__machine_random (self));
    hemera__machine_push (self, HEMERA_SHARD_ACTION_ALARM)->cause =
        "the gateway, or something before it, forbids websockets (HTTP 401 or 403)";
  }
  hemera__machine_reconnect_after (self, now, delay, 0, status != 0 ? "upgrade_refused" : "connect_failed",
                                   status, why);
}

static void
ended_open (HemeraShardMachine *self, gint64 now, guint code, const char *why)
{
  gint64 delay, pause;

  switch (hemera__close_code_policy (code)) {
  case HEMERA_CLOSE_FATAL: hemera__machine_fatal (self, now, code, hemera__close_code_explain (code)); return;
  case HEMERA_CLOSE_NEW_SESSION: hemera__machine_drop_session (self, now, TRUE); break;
  case HEMERA_CLOSE_RESUME: break;
  }
  if (!self->said_hello)
    hemera__machine_try_other_host (self);
  delay = hemera__machine_backoff (self, now);
  if (code == 4008) { /* rate limited: not at once again */
    pause = hemera__machine_invalid_session_wait (self);
    delay = MAX (delay, pause);
  }
  hemera__machine_reconnect_after (self, now, delay, 0, code != 0 ? "closed" : "connection_lost", code, why);
}

/* The end of a connection that we are closing. A code of the gateway that crossed ours still counts. */
static void
ended_closing (HemeraShardMachine *self, gint64 now, guint code)
{
  switch (hemera__close_code_policy (code)) {
  case HEMERA_CLOSE_FATAL:
    if (!self->disposing) {
      hemera__machine_fatal (self, now, code, hemera__close_code_explain (code));
      return;
    }
    break;
  case HEMERA_CLOSE_NEW_SESSION: hemera__machine_drop_session (self, now, !self->disposing); break;
  case HEMERA_CLOSE_RESUME: break;
  }
  hemera__machine_closed (self, now, "closed");
}

void
hemera__shard_machine_ended (HemeraShardMachine *self, gint64 now, guint connection, guint code,
                             guint http_status, guint retry_after_s, const char *why)
{
  if (self->over || connection != self->connection)
    return;
  switch (self->state) {
  case HEMERA_SHARD_STOPPED:
  case HEMERA_SHARD_WAITING: break; /* known: it was aborted */
  case HEMERA_SHARD_RESOLVING:
  case HEMERA_SHARD_CONNECTING: refused (self, now, http_status, retry_after_s, why); break;
  case HEMERA_SHARD_CLOSING: ended_closing (self, now, code); break;
  case HEMERA_SHARD_AWAITING_HELLO:
  case HEMERA_SHARD_AWAITING_LEASE:
  case HEMERA_SHARD_IDENTIFYING:
  case HEMERA_SHARD_RESUMING:
  case HEMERA_SHARD_ACTIVE: ended_open (self, now, code, why); break;
  }
}

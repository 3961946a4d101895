/* HemeraShardMachine: life, states and time. Every change of state goes through enter(), whose switch gives each state its deadline, and
 * every deadline through time_out(), whose switch says what its passing means. Routine leaves a connection and comes back after a
 * back-off; a crash stops with an error for the supervisor; fatal stops for good. What comes in is in inputs.c and inbound.c, what is
 * written in outbound.c; see machine.h for the use. */
#include "machine-private.h"

#include "gateway-url.h"

#include <hemera/term-builder.h>
#include <string.h>

/* Failures that a connection which worked leaves counted at most: a gateway that takes us and drops us soon after is asked again within
 * seconds, one that does not take us at all less and less often. Losing sessions costs identifies, so it waits longer. */
#define BACKOFF_LIMIT_RESUMABLE 3
#define BACKOFF_LIMIT_NEW       5

#define BARREN_RESUMES_MAX 5
#define DETAIL_MAX         200

/* ---- making and freeing --------------------------------------------------------------------------------------------------------- */

static void
default_to (guint *value, guint fallback)
{
  if (*value == 0)
    *value = fallback;
}

static void
fill_times (HemeraShardTimes *times)
{
  default_to (&times->resolve_ms, 10000);
  default_to (&times->connect_ms, 10000);
  default_to (&times->hello_ms, 20000);
  default_to (&times->lease_ms, 3600000);
  default_to (&times->ready_ms, 30000);
  default_to (&times->resumed_ms, 60000);
  default_to (&times->close_ms, 5000);
  default_to (&times->backoff_base_ms, 1000);
  default_to (&times->backoff_cap_ms, 60000);
  default_to (&times->backoff_reset_ms, 60000);
  default_to (&times->invalid_session_min_ms, 1000);
  default_to (&times->invalid_session_max_ms, 5000);
}

static void
copy_config (HemeraShardConfig *dest, const HemeraShardConfig *src)
{
  *dest = *src;
  dest->os = g_strdup (src->os != NULL ? src->os : "linux");
  dest->browser = g_strdup (src->browser != NULL ? src->browser : "hemera");
  dest->device = g_strdup (src->device != NULL ? src->device : "hemera");
  dest->presence = src->presence != NULL ? hemera_term_ref (src->presence) : NULL;
  dest->token = hemera__token_ref (src->token);
  dest->gateway_url = NULL;
  default_to (&dest->api_version, 10);
  default_to (&dest->send_queue, 256);
  default_to (&dest->send_expiry_ms, 180000);
  if (dest->max_payload == 0)
    dest->max_payload = 64 * 1024 * 1024;
  fill_times (&dest->times);
}

HemeraShardMachine *
hemera__shard_machine_new (const HemeraShardConfig *config, const HemeraSession *session, guint failures,
                           double (*random) (gpointer data), gpointer random_data)
{
  HemeraShardMachine *self;

  g_return_val_if_fail (config != NULL && config->token != NULL && config->gateway_url != NULL, NULL);
  g_return_val_if_fail (random != NULL, NULL);

  self = g_new0 (HemeraShardMachine, 1);
  copy_config (&self->config, config);
  self->random = random;
  self->random_data = random_data;
  self->base_url = g_strdup (config->gateway_url);
  self->connection = config->connections;
  self->state = HEMERA_SHARD_STOPPED;
  self->state_deadline = self->pump_at = G_MAXINT64;
  self->live_at = self->active_since = -1;
  self->failures = failures;
  self->fell_back = failures >= HEMERA_UNDECODABLE_MAX;
  if (session != NULL && session->id != NULL)
    hemera__session_copy (&self->session, session);
  /* It may stem from a run against another API: a RESUME there would give the token away. */
  if (self->session.resume_url != NULL
      && !hemera__gateway_url_is_usable (self->session.resume_url,
                                         hemera__gateway_url_is_encrypted (self->base_url)))
    g_clear_pointer (&self->session.resume_url, g_free);
  self->in_flight = g_array_new (FALSE, FALSE, sizeof (HemeraInFlight));
  hemera__receiver_init (&self->receiver, self->config.max_payload);
  hemera__send_queue_init (&self->queue, self->config.send_queue);
  /* The gateway counts arrivals: what left a little more than the period apart may arrive a little less apart. */
  hemera__send_window_init (&self->window, 120, HEMERA_MS (61000));
  hemera__send_window_init (&self->presence_window, 5, HEMERA_MS (20500));
  hemera__backoff_init (&self->backoff, self->config.times.backoff_base_ms,
                        self->config.times.backoff_cap_ms);

  /* A session keeps its encoding as long as it lives. */
  self->encoding = self->fell_back ? HEMERA_ENCODING_JSON : config->encoding;
  if (self->session.id != NULL && !self->fell_back)
    self->encoding = self->session.encoding;
  return self;
}

void
hemera__shard_machine_free (HemeraShardMachine *self)
{
  HemeraShardAction action;

  if (self == NULL)
    return;
  while (hemera__shard_machine_next_action (self, &action))
    hemera__shard_action_clear (&action);
  g_free (self->actions.ring);
  hemera__receiver_clear (&self->receiver);
  hemera__send_queue_clear (&self->queue);
  g_array_unref (self->in_flight);
  hemera__session_clear (&self->session);
  g_free (self->base_url);
  g_free ((char *) self->config.os);
  g_free ((char *) self->config.browser);
  g_free ((char *) self->config.device);
  g_clear_pointer (&self->config.presence, hemera_term_unref);
  hemera__token_unref (self->config.token);
  g_free (self);
}

/* ---- small things --------------------------------------------------------------------------------------------------------------- */

double
hemera__machine_random (HemeraShardMachine *self)
{
  double value = self->random (self->random_data);

  return CLAMP (value, 0.0, 1.0);
}

gint64
hemera__machine_unix_ms (HemeraShardMachine *self, gint64 at)
{
  return (at + self->config.wall_offset_us) / 1000;
}

gboolean
hemera__machine_is_open (HemeraShardMachine *self)
{
  return self->state >= HEMERA_SHARD_AWAITING_HELLO && self->state <= HEMERA_SHARD_ACTIVE;
}

gboolean
hemera__machine_is_opening (HemeraShardMachine *self)
{
  return self->state == HEMERA_SHARD_RESOLVING || self->state == HEMERA_SHARD_CONNECTING;
}

void
hemera__machine_release_lease (HemeraShardMachine *self)
{
  if (!self->holds_lease)
    return;
  self->holds_lease = FALSE;
  hemera__machine_push (self, HEMERA_SHARD_ACTION_RELEASE_LEASE)->used = self->identified;
}

/* Unix time up to which nothing of the session was missed. */
static gint64
alive_ms (HemeraShardMachine *self)
{
  if (self->live_at >= 0)
    return hemera__machine_unix_ms (self, self->live_at);
  return self->session.alive_ms != 0 ? self->session.alive_ms
                                     : hemera__machine_unix_ms (self, self->started_at);
}

void
hemera__machine_drop_session (HemeraShardMachine *self, gint64 now, gboolean tell_gap)
{
  HemeraEncoding old = self->encoding;
  HemeraShardAction *action;

  if (self->session.id == NULL)
    return;
  if (tell_gap && MAX (self->session.seq, self->given) > 0) {
    action = hemera__machine_push (self, HEMERA_SHARD_ACTION_GAP);
    action->seq = MAX (self->session.seq, self->given);
    action->since_ms = alive_ms (self);
    hemera__session_copy (&action->session, &self->session);
  }
  hemera__machine_push (self, HEMERA_SHARD_ACTION_SESSION);
  hemera__session_clear (&self->session);
  self->given = 0;
  self->live_at = -1;
  self->barren_resumes = 0;
  self->resume_pending = FALSE;
  self->avoid_resume_host = FALSE;

  self->encoding = self->fell_back ? HEMERA_ENCODING_JSON : self->config.encoding;
  if (self->encoding != old)
    hemera__machine_recode_queue (self, old);
}

gint64
hemera__machine_backoff (HemeraShardMachine *self, gint64 now)
{
  guint limit = G_MAXUINT;

  if (self->active_since >= 0) {
    if (now - self->active_since >= HEMERA_MS (self->config.times.backoff_reset_ms))
      hemera__backoff_reset (&self->backoff);
    limit = self->session.id != NULL ? BACKOFF_LIMIT_RESUMABLE : BACKOFF_LIMIT_NEW;
  }
  return hemera__backoff_next (&self->backoff, hemera__machine_random (self), limit);
}

gint64
hemera__machine_invalid_session_wait (HemeraShardMachine *self)
{
  const HemeraShardTimes *times = &self->config.times;
  double span = (double) MAX (times->invalid_session_max_ms, times->invalid_session_min_ms)
                - times->invalid_session_min_ms;

  return HEMERA_MS (times->invalid_session_min_ms) + (gint64) (span * 1000.0 * hemera__machine_random (self));
}

/* ---- the states ----------------------------------------------------------------------------------------------------------------- */

static gint64
deadline_of (HemeraShardMachine *self, gint64 now, HemeraShardState state)
{
  const HemeraShardTimes *times = &self->config.times;

  switch (state) {
  case HEMERA_SHARD_STOPPED: return G_MAXINT64;
  case HEMERA_SHARD_RESOLVING: return now + HEMERA_MS (times->resolve_ms);
  case HEMERA_SHARD_CONNECTING: return now + HEMERA_MS (times->connect_ms);
  case HEMERA_SHARD_AWAITING_HELLO: return now + HEMERA_MS (times->hello_ms);
  case HEMERA_SHARD_AWAITING_LEASE: return now + HEMERA_MS (times->lease_ms);
  case HEMERA_SHARD_IDENTIFYING: return now + HEMERA_MS (times->ready_ms);
  case HEMERA_SHARD_RESUMING: return now + HEMERA_MS (times->resumed_ms);
  case HEMERA_SHARD_ACTIVE: return G_MAXINT64; /* heartbeats tell whether it lives */
  case HEMERA_SHARD_WAITING: return self->wait_until;
  case HEMERA_SHARD_CLOSING: return now + HEMERA_MS (times->close_ms);
  }
  g_assert_not_reached ();
}

void
hemera__machine_enter (HemeraShardMachine *self, gint64 now, HemeraShardState to, const char *cause)
{
  HemeraShardAction *action = hemera__machine_push (self, HEMERA_SHARD_ACTION_STATE);

  action->from = self->state;
  action->to = to;
  action->cause = cause;
  self->state = to;
  self->state_deadline = deadline_of (self, now, to);
}

/* What belongs to a connection ends with it, however it ended. */
static void
forget_connection (HemeraShardMachine *self)
{
  hemera__machine_release_lease (self);
  hemera__machine_fail_in_flight (self);
  hemera__receiver_close (&self->receiver);
  hemera__heartbeat_clear (&self->heartbeat);
  self->beat_owed = FALSE;
  self->pump_at = G_MAXINT64;
}

void
hemera__machine_connect (HemeraShardMachine *self, gint64 now, const char *cause)
{
  const char *url = self->base_url;

  if (self->session.id != NULL && self->session.resume_url != NULL && !self->avoid_resume_host)
    url = self->session.resume_url;

  self->connection++;
  self->said_hello = self->identified = self->resume_pending = FALSE;
  self->active_since = -1;
  hemera__receiver_open (&self->receiver, self->encoding, self->config.compression);
  hemera__heartbeat_clear (&self->heartbeat);
  hemera__send_window_clear (&self->window);
  hemera__machine_push (self, HEMERA_SHARD_ACTION_CONNECT)->url =
      hemera__gateway_url_build (url, self->config.api_version, self->encoding, self->config.compression);
  hemera__machine_enter (self, now, HEMERA_SHARD_RESOLVING, cause);
}

static HemeraTerm *
disconnected (HemeraShardMachine *self, guint code, const char *cause, gboolean shutdown)
{
  const char *format = shutdown ? "{shutdown, {shard_disconnected, #{shard => ~u, code => ~u, cause => ~s}}}"
                                : "{shard_disconnected, #{shard => ~u, code => ~u, cause => ~s}}";

  return hemera_term_new (format, (guint64) self->config.shard_id, (guint64) code, cause);
}

static void
stop (HemeraShardMachine *self, gint64 now, const char *cause, HemeraTerm *reason)
{
  forget_connection (self);
  hemera__machine_fail_queued (self);
  hemera__machine_enter (self, now, HEMERA_SHARD_STOPPED, cause);
  hemera__machine_push (self, HEMERA_SHARD_ACTION_STOP)->reason = reason;
  self->over = TRUE;
}

void
hemera__machine_stop (HemeraShardMachine *self, gint64 now, const char *cause)
{
  stop (self, now, cause, hemera_term_new_atom ("normal"));
}

/* A RESUME that brought nothing counts; too many in a row, and the session is given up (it can be broken on the gateway's side and yet
 * not be refused). */
static void
judge_resume (HemeraShardMachine *self, gint64 now)
{
  if (!self->resume_pending)
    return;
  if (++self->barren_resumes >= BARREN_RESUMES_MAX)
    hemera__machine_drop_session (self, now, TRUE);
}

void
hemera__machine_reconnect_after (HemeraShardMachine *self, gint64 now, gint64 delay, guint close_code,
                                 const char *cause, guint code, const char *detail)
{
  HemeraShardAction *action;
  gboolean was_open = hemera__machine_is_open (self), was_opening = hemera__machine_is_opening (self);

  judge_resume (self, now);
  action = hemera__machine_push (self, HEMERA_SHARD_ACTION_RECONNECTING);
  action->cause = cause;
  action->code = code;
  action->detail = detail != NULL ? g_utf8_make_valid (detail, (gssize) strnlen (detail, DETAIL_MAX)) : NULL;

  self->wait_until = now + delay;
  if (was_open && close_code != 0) {
    /* What was written may still leave: in flight stays until the end. Beats and payloads stop here. */
    hemera__machine_release_lease (self);
    hemera__machine_push (self, HEMERA_SHARD_ACTION_CLOSE)->code = close_code;
    hemera__machine_enter (self, now, HEMERA_SHARD_CLOSING, cause);
    return;
  }
  if (was_opening && close_code != 0)
    hemera__machine_push (self, HEMERA_SHARD_ACTION_ABORT);
  forget_connection (self);
  hemera__machine_enter (self, now, HEMERA_SHARD_WAITING, cause);
}

void
hemera__machine_crash (HemeraShardMachine *self, gint64 now, GError *error, gboolean undecodable)
{
  HemeraTerm *reason = disconnected (self, 0, error->message, FALSE);

  if (undecodable && self->encoding == HEMERA_ENCODING_ETF)
    hemera__machine_push (self, HEMERA_SHARD_ACTION_FAILURES)->failures = ++self->failures;
  hemera__machine_push (self, HEMERA_SHARD_ACTION_ERROR)->error = error;
  hemera__machine_push (self, HEMERA_SHARD_ACTION_CLOSE)->code = HEMERA_CLOSE_CODE_KEEP;
  stop (self, now, undecodable ? "undecodable" : "protocol_violated", reason);
}

void
hemera__machine_fatal (HemeraShardMachine *self, gint64 now, guint code, const char *explanation)
{
  HemeraShardAction *action = hemera__machine_push (self, HEMERA_SHARD_ACTION_DISCONNECTING);

  action->cause = explanation;
  action->code = code;
  if (code == 0) /* ours, so the connection is there */
    hemera__machine_push (self, HEMERA_SHARD_ACTION_CLOSE)->code = HEMERA_CLOSE_CODE_KEEP;
  stop (self, now, "fatal", disconnected (self, code, explanation, TRUE));
}

void
hemera__machine_try_other_host (HemeraShardMachine *self)
{
  if (self->session.id != NULL)
    self->avoid_resume_host = !self->avoid_resume_host;
}

void
hemera__machine_closed (HemeraShardMachine *self, gint64 now, const char *cause)
{
  if (self->disposing) {
    hemera__machine_stop (self, now, cause);
    return;
  }
  forget_connection (self);
  hemera__machine_enter (self, now, HEMERA_SHARD_WAITING, cause);
}

static void
give_up (HemeraShardMachine *self, gint64 now, const char *cause)
{
  hemera__machine_reconnect_after (self, now, hemera__machine_backoff (self, now), HEMERA_CLOSE_CODE_KEEP,
                                   cause, 0, NULL);
}

/* What does not come because we do not read is not late. */
static void
give_up_unless_paused (HemeraShardMachine *self, gint64 now, const char *cause)
{
  if (self->paused)
    self->state_deadline = deadline_of (self, now, self->state);
  else
    give_up (self, now, cause);
}

static void
time_out (HemeraShardMachine *self, gint64 now)
{
  switch (self->state) {
  case HEMERA_SHARD_STOPPED:
  case HEMERA_SHARD_ACTIVE: break; /* have none */
  case HEMERA_SHARD_RESOLVING:
    hemera__machine_try_other_host (self);
    give_up (self, now, "resolve_timeout");
    break;
  case HEMERA_SHARD_CONNECTING:
    hemera__machine_try_other_host (self);
    give_up (self, now, "connect_timeout");
    break;
  case HEMERA_SHARD_AWAITING_HELLO:
    if (!self->paused)
      hemera__machine_try_other_host (self);
    give_up_unless_paused (self, now, "hello_timeout");
    break;
  case HEMERA_SHARD_AWAITING_LEASE: give_up (self, now, "lease_timeout"); break;
  case HEMERA_SHARD_IDENTIFYING: give_up_unless_paused (self, now, "ready_timeout"); break;
  case HEMERA_SHARD_RESUMING: give_up_unless_paused (self, now, "resumed_timeout"); break;
  case HEMERA_SHARD_WAITING: hemera__machine_connect (self, now, "backoff_over"); break;
  case HEMERA_SHARD_CLOSING:
    hemera__machine_push (self, HEMERA_SHARD_ACTION_ABORT);
    hemera__machine_closed (self, now, "close_timeout");
    break;
  }
}

/* ---- inputs: time ----------------------------------------------------------------------------------------------------------------- */

void
hemera__shard_machine_tick (HemeraShardMachine *self, gint64 now)
{
  if (self->over)
    return;
  if (hemera__machine_is_open (self)) {
    switch (hemera__heartbeat_check (&self->heartbeat, now)) {
    case HEMERA_HEARTBEAT_WAIT: break;
    case HEMERA_HEARTBEAT_BEAT: hemera__machine_beat (self, now); break;
    case HEMERA_HEARTBEAT_DEAD: give_up (self, now, "no_traffic"); break;
    }
  }
  if (now >= self->state_deadline)
    time_out (self, now);
  hemera__machine_pump (self, now);
}

gint64
hemera__shard_machine_deadline (HemeraShardMachine *self)
{
  gint64 deadline = self->state_deadline;

  if (self->over)
    return G_MAXINT64;
  if (hemera__machine_is_open (self))
    deadline = MIN (deadline, MIN (hemera__heartbeat_deadline (&self->heartbeat), self->pump_at));
  return MIN (deadline, hemera__send_queue_deadline (&self->queue));
}

void
hemera__shard_machine_paused (HemeraShardMachine *self, gint64 now, gboolean paused)
{
  if (self->over || self->paused == !!paused)
    return;
  self->paused = !!paused;
  hemera__heartbeat_pause (&self->heartbeat, self->paused);
  if (!paused
      && (self->state == HEMERA_SHARD_AWAITING_HELLO || self->state == HEMERA_SHARD_IDENTIFYING
          || self->state == HEMERA_SHARD_RESUMING))
    self->state_deadline = deadline_of (self, now, self->state);
}

/* ---- what it is ----------------------------------------------------------------------------------------------------------------- */

HemeraShardState
hemera__shard_machine_state (HemeraShardMachine *self)
{
  return self->state;
}

guint
hemera__shard_machine_interval_ms (HemeraShardMachine *self)
{
  return (guint) (self->heartbeat.interval / 1000);
}

const HemeraSession *
hemera__shard_machine_session (HemeraShardMachine *self)
{
  if (self->session.id != NULL)
    self->session.alive_ms = alive_ms (self);
  return &self->session;
}

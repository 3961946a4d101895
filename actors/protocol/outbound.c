/* What is written: beats, the handshake, and the sends of applications through queue and windows. Nothing is written but on an open
 * connection, and nothing but beats before READY or RESUMED. */
#include "machine-private.h"

#include "payload.h"

#define WINDOW_PERIOD_MS 61000
#define RESERVE_MAX      100 /* gateways of tests beat so often that nothing would be left */
#define RESERVE_ASKED    2   /* places for beats that op 1 asks for */
#define IN_FLIGHT_MAX                                                                                        \
  32 /* sends in the socket's queue: behind a peer that does not read they wait here, where they can expire */

#define LANES_ALL ((1u << HEMERA_N_LANES) - 1)

static void
write_bytes (HemeraShardMachine *self, gint64 now, GBytes *data /* (transfer full) */)
{
  HemeraShardAction *action;

  g_assert (hemera__machine_is_open (self));
  action = hemera__machine_push (self, HEMERA_SHARD_ACTION_WRITE);
  action->data = data;
  action->binary = self->encoding == HEMERA_ENCODING_ETF;
  hemera__send_window_note (&self->window, now);
}

/* ---- beats ---------------------------------------------------------------------------------------------------------------------- */

/* Places in the window that others must leave: to the scheduled beats, and to the IDENTIFY or RESUME that is still to come. */
static guint
reserve_of (HemeraShardMachine *self)
{
  gboolean handshake =
      self->state == HEMERA_SHARD_AWAITING_HELLO || self->state == HEMERA_SHARD_AWAITING_LEASE;

  return MIN (hemera__heartbeat_count_in (&self->heartbeat, HEMERA_MS (WINDOW_PERIOD_MS)), RESERVE_MAX)
         + handshake;
}

void
hemera__machine_beat (HemeraShardMachine *self, gint64 now)
{
  const guint64 *seq = self->session.seq > 0 ? &self->session.seq : NULL;

  write_bytes (self, now, hemera__payload_heartbeat (self->encoding, seq));
  hemera__heartbeat_sent (&self->heartbeat, now);
  self->beat_owed = FALSE;
}

void
hemera__machine_beat_asked (HemeraShardMachine *self, gint64 now)
{
  if (hemera__send_window_has_room (&self->window, now, reserve_of (self))) {
    hemera__machine_beat (self, now);
    return;
  }
  self->beat_owed = TRUE;
  hemera__machine_pump (self, now);
}

/* ---- the handshake -------------------------------------------------------------------------------------------------------------- */

void
hemera__machine_identify (HemeraShardMachine *self, gint64 now)
{
  g_autoptr (GError) error = NULL;
  GBytes *data = hemera__payload_identify (self->encoding, &self->config, &error);

  if (data == NULL) {
    /* Options that cannot be sent do not get better by trying again. */
    hemera__machine_push (self, HEMERA_SHARD_ACTION_ERROR)->error = g_steal_pointer (&error);
    hemera__machine_fatal (self, now, 0,
                           "the identify cannot be sent: check the presence and the identify properties");
    return;
  }
  write_bytes (self, now, data);
  self->identified = TRUE;
  hemera__machine_push (self, HEMERA_SHARD_ACTION_IDENTIFIED);
  hemera__machine_enter (self, now, HEMERA_SHARD_IDENTIFYING, "lease");
}

void
hemera__machine_resume (HemeraShardMachine *self, gint64 now)
{
  GError *error = NULL;
  GBytes *data = hemera__payload_resume (self->encoding, &self->config, &self->session, &error);

  if (data == NULL) {
    hemera__machine_crash (self, now, error, FALSE);
    return;
  }
  write_bytes (self, now, data);
  self->resume_pending = TRUE;
  hemera__machine_enter (self, now, HEMERA_SHARD_RESUMING, "hello");
}

/* ---- sends ---------------------------------------------------------------------------------------------------------------------- */

gboolean
hemera__shard_machine_send (HemeraShardMachine *self, gint64 now, guint op, HemeraView data, guint64 tag,
                            GError **error)
{
  GBytes *bytes;

  if (self->over || self->disposing) {
    g_set_error_literal (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED,
                         "the shard is closed or closing");
    return FALSE;
  }
  bytes = hemera__payload_send (self->encoding, op, data, error);
  if (bytes == NULL)
    return FALSE;
  if (!hemera__send_queue_push (&self->queue, op, tag, bytes,
                                now + HEMERA_MS (self->config.send_expiry_ms))) {
    g_bytes_unref (bytes);
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_QUEUE_FULL, "%u payloads wait already",
                 self->queue.length);
    return FALSE;
  }
  hemera__machine_pump (self, now);
  return TRUE;
}

static void
fail_send (HemeraShardMachine *self, guint op, guint64 tag, HemeraGatewayError code, const char *message)
{
  HemeraShardAction *action = hemera__machine_push (self, HEMERA_SHARD_ACTION_SEND_FAILED);

  action->op = op;
  action->tag = tag;
  action->error = g_error_new_literal (HEMERA_GATEWAY_ERROR, (gint) code, message);
}

static void
fail_entry (HemeraShardMachine *self, HemeraSendEntry *entry, HemeraGatewayError code, const char *message)
{
  fail_send (self, entry->op, entry->tag, code, message);
  hemera__send_entry_free (entry);
}

static void
send_entry (HemeraShardMachine *self, gint64 now, HemeraSendEntry *entry)
{
  HemeraInFlight in_flight = { entry->op, entry->tag };

  write_bytes (self, now, g_steal_pointer (&entry->data));
  if (entry->op == HEMERA_OP_PRESENCE_UPDATE)
    hemera__send_window_note (&self->presence_window, now);
  g_array_append_val (self->in_flight, in_flight);
  g_free (entry);
}

/* Sends what may go now; returns when the next one may, by time alone. */
static gint64
send_waiting (HemeraShardMachine *self, gint64 now)
{
  guint reserve = reserve_of (self) + RESERVE_ASKED;
  HemeraSendEntry *entry;

  for (;;) {
    guint lanes = LANES_ALL;

    if (!hemera__send_queue_has (&self->queue, LANES_ALL)) {
      self->throttled = FALSE;
      return G_MAXINT64;
    }
    if (self->in_flight->len >= IN_FLIGHT_MAX)
      return G_MAXINT64; /* drained comes */

    if (!hemera__send_window_has_room (&self->presence_window, now, 0)) {
      lanes &= ~(1u << HEMERA_LANE_PRESENCE);
      /* The gateway drops what is over the limit in silence: only the last one matters. */
      while ((entry = hemera__send_queue_pop_superseded (&self->queue)) != NULL)
        fail_entry (self, entry, HEMERA_GATEWAY_ERROR_EXPIRED,
                    "replaced by a later presence: 5 may go in 20 s");
    }
    if (!hemera__send_queue_has (&self->queue, lanes))
      return hemera__send_window_opens (&self->presence_window, now, 0);
    if (!hemera__send_window_has_room (&self->window, now, reserve)) {
      self->throttled = TRUE;
      return hemera__send_window_opens (&self->window, now, reserve);
    }
    entry = hemera__send_queue_pop (&self->queue, lanes, self->throttled);
    send_entry (self, now, entry);
  }
}

void
hemera__machine_pump (HemeraShardMachine *self, gint64 now)
{
  HemeraSendEntry *entry;

  while ((entry = hemera__send_queue_pop_expired (&self->queue, now)) != NULL)
    fail_entry (self, entry, HEMERA_GATEWAY_ERROR_EXPIRED, "it waited too long to be sent");

  self->pump_at = G_MAXINT64;
  if (!hemera__machine_is_open (self))
    return;
  if (self->beat_owed) {
    guint reserve = reserve_of (self);

    if (hemera__send_window_has_room (&self->window, now, reserve))
      hemera__machine_beat (self, now);
    else
      self->pump_at = hemera__send_window_opens (&self->window, now, reserve);
  }
  if (self->state == HEMERA_SHARD_ACTIVE) {
    gint64 sends_at = send_waiting (self, now);

    self->pump_at = MIN (self->pump_at, sends_at);
  }
}

void
hemera__shard_machine_drained (HemeraShardMachine *self, gint64 now, guint connection)
{
  if (self->over || connection != self->connection)
    return;
  for (guint i = 0; i < self->in_flight->len; i++) {
    HemeraInFlight *sent = &g_array_index (self->in_flight, HemeraInFlight, i);
    HemeraShardAction *action = hemera__machine_push (self, HEMERA_SHARD_ACTION_SENT);

    action->op = sent->op;
    action->tag = sent->tag;
  }
  g_array_set_size (self->in_flight, 0);
  hemera__machine_pump (self, now);
}

/* Not sent again: nobody knows whether it arrived, and if it was what the gateway closed for (4002) it would only do so again. */
void
hemera__machine_fail_in_flight (HemeraShardMachine *self)
{
  for (guint i = 0; i < self->in_flight->len; i++) {
    HemeraInFlight *lost = &g_array_index (self->in_flight, HemeraInFlight, i);

    fail_send (self, lost->op, lost->tag, HEMERA_GATEWAY_ERROR_CLOSED,
               "the connection ended before it was sent");
  }
  g_array_set_size (self->in_flight, 0);
}

void
hemera__machine_fail_queued (HemeraShardMachine *self)
{
  HemeraSendEntry *entry;

  while ((entry = hemera__send_queue_pop (&self->queue, LANES_ALL, FALSE)) != NULL)
    fail_entry (self, entry, HEMERA_GATEWAY_ERROR_CLOSED, "the shard ended before it was sent");
}

void
hemera__machine_recode_queue (HemeraShardMachine *self, HemeraEncoding from)
{
  for (guint i = 0; i < HEMERA_N_LANES; i++) {
    for (GList *link = self->queue.lanes[i].head, *next; link != NULL; link = next) {
      HemeraSendEntry *entry = link->data;
      GError *error = NULL;
      GBytes *data = hemera__payload_recode (from, self->encoding, entry->data, &error);

      next = link->next;
      if (data != NULL) {
        g_bytes_unref (entry->data);
        entry->data = data;
        continue;
      }
      g_queue_delete_link (&self->queue.lanes[i], link);
      self->queue.length--;
      fail_entry (self, entry, HEMERA_GATEWAY_ERROR_PAYLOAD, error->message);
      g_error_free (error);
    }
  }
}

/* The schedule keeps its phase: a beat that was sent late does not move the ones after it. See heartbeat.h. */
#include "heartbeat.h"

#include <string.h>

void
hemera__heartbeat_clear (HemeraHeartbeat *self)
{
  gboolean paused = self->paused;

  memset (self, 0, sizeof *self);
  self->paused = paused;
}

void
hemera__heartbeat_hello (HemeraHeartbeat *self, gint64 now, gint64 interval_us, double random)
{
  self->interval = interval_us;
  self->due = now + (gint64) ((double) interval_us * CLAMP (random, 0.0, 1.0));
}

gint64
hemera__heartbeat_deadline (const HemeraHeartbeat *self)
{
  return self->interval > 0 ? self->due : G_MAXINT64;
}

HemeraHeartbeatVerdict
hemera__heartbeat_check (HemeraHeartbeat *self, gint64 now)
{
  gint64 late;

  if (self->interval == 0 || now < self->due)
    return HEMERA_HEARTBEAT_WAIT;

  /* Our own loop stood still: what came meanwhile is not read yet, so silence proves nothing. */
  late = now - self->due;
  if (self->paused || late > self->interval / 4) {
    self->alive = TRUE;
    self->unanswered = 0;
  }
  if (self->beaten && (!self->alive || self->unanswered >= HEMERA_HEARTBEAT_UNANSWERED))
    return HEMERA_HEARTBEAT_DEAD;

  self->beaten = TRUE;
  self->alive = FALSE;
  self->unanswered++;
  self->due += self->interval * (late / self->interval + 1);
  return HEMERA_HEARTBEAT_BEAT;
}

void
hemera__heartbeat_sent (HemeraHeartbeat *self, gint64 now)
{
  if (self->n_sent == G_N_ELEMENTS (self->sent_at)) {
    memmove (self->sent_at, self->sent_at + 1, (self->n_sent - 1) * sizeof *self->sent_at);
    self->n_sent--;
  }
  self->sent_at[self->n_sent++] = now;
}

void
hemera__heartbeat_traffic (HemeraHeartbeat *self)
{
  self->alive = TRUE;
}

void
hemera__heartbeat_pause (HemeraHeartbeat *self, gboolean paused)
{
  self->paused = paused;
  self->alive = TRUE;
  self->unanswered = 0;
}

gint64
hemera__heartbeat_ack (HemeraHeartbeat *self, gint64 now)
{
  gint64 sent;

  self->unanswered = 0;
  if (self->n_sent == 0)
    return -1;
  sent = self->sent_at[0];
  memmove (self->sent_at, self->sent_at + 1, (self->n_sent - 1) * sizeof *self->sent_at);
  self->n_sent--;
  return now - sent;
}

guint
hemera__heartbeat_count_in (const HemeraHeartbeat *self, gint64 period_us)
{
  return self->interval > 0 ? (guint) (period_us / self->interval) + 1 : G_MAXUINT;
}

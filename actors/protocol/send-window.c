/* A log of times rather than a token bucket: a bucket of 120 lets 240 through in 60 s, once. See send-window.h. */
#include "send-window.h"

void
hemera__send_window_init (HemeraSendWindow *self, guint limit, gint64 period_us)
{
  g_assert (limit > 0 && limit <= HEMERA_SEND_WINDOW_MAX);
  self->period = period_us;
  self->limit = limit;
  hemera__send_window_clear (self);
}

void
hemera__send_window_clear (HemeraSendWindow *self)
{
  self->first = self->used = 0;
}

static void
forget_old (HemeraSendWindow *self, gint64 now)
{
  while (self->used > 0 && self->at[self->first] + self->period <= now) {
    self->first = (self->first + 1) % HEMERA_SEND_WINDOW_MAX;
    self->used--;
  }
}

/* Sends that may stand in the window when one more is asked for: at least one place is left for it, whatever is reserved. */
static guint
places (const HemeraSendWindow *self, guint reserve)
{
  return reserve < self->limit ? self->limit - reserve : 1;
}

gboolean
hemera__send_window_has_room (HemeraSendWindow *self, gint64 now, guint reserve)
{
  forget_old (self, now);
  return self->used < places (self, reserve);
}

gint64
hemera__send_window_opens (HemeraSendWindow *self, gint64 now, guint reserve)
{
  guint n = places (self, reserve);

  forget_old (self, now);
  if (self->used < n)
    return now;
  /* As many of the oldest must go as there are too many. */
  return self->at[(self->first + self->used - n) % HEMERA_SEND_WINDOW_MAX] + self->period;
}

void
hemera__send_window_note (HemeraSendWindow *self, gint64 now)
{
  forget_old (self, now);
  /* Beats go whatever the window says, so it may be full: the oldest is the least telling. */
  if (self->used == HEMERA_SEND_WINDOW_MAX) {
    self->first = (self->first + 1) % HEMERA_SEND_WINDOW_MAX;
    self->used--;
  }
  self->at[(self->first + self->used) % HEMERA_SEND_WINDOW_MAX] = now;
  self->used++;
}

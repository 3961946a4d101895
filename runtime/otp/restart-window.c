/* The restart intensity in milliseconds: times in a ring, the old ones dropped as new ones come, so a restart costs O(1). (OTP keeps
 * whole seconds in a list that it walks at each restart; the difference is on purpose.) A restart is allowed while at most `intensity`
 * of them, this one included, are not older than the period. */
#include "restart-window.h"

void
hemera__restart_window_init (HemeraRestartWindow *self, guint intensity, guint period_ms)
{
  *self = (HemeraRestartWindow){ .intensity = intensity, .period_ms = period_ms };
}

void
hemera__restart_window_clear (HemeraRestartWindow *self)
{
  g_clear_pointer (&self->times, g_free);
  self->size = self->first = self->length = 0;
}

static HemeraRestartTime *
nth (HemeraRestartWindow *self, guint n)
{
  return &self->times[(self->first + n) % self->size];
}

static void
grow (HemeraRestartWindow *self)
{
  guint64 size = MIN (MAX (8, (guint64) self->size * 2), (guint64) self->intensity + 1);
  HemeraRestartTime *times = g_new (HemeraRestartTime, size);

  for (guint i = 0; i < self->length; i++)
    times[i] = *nth (self, i);
  g_free (self->times);
  self->times = times;
  self->size = (guint) size;
  self->first = 0;
}

gboolean
hemera__restart_window_add (HemeraRestartWindow *self, gint64 now_ms, guint64 child)
{
  while (self->length > 0 && now_ms - nth (self, 0)->at_ms > self->period_ms) {
    self->first = (self->first + 1) % self->size;
    self->length--;
  }
  if (self->length >= self->intensity)
    return FALSE;
  if (self->length == self->size)
    grow (self);
  *nth (self, self->length++) = (HemeraRestartTime){ .at_ms = now_ms, .child = child };
  return TRUE;
}

void
hemera__restart_window_forget (HemeraRestartWindow *self, guint64 child)
{
  guint kept = 0;

  for (guint i = 0; i < self->length; i++)
    if (nth (self, i)->child != child)
      *nth (self, kept++) = *nth (self, i);
  self->length = kept;
}

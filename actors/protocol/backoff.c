/* Full jitter spreads shards that lost their connections at one moment evenly over the window, and is the cheapest for the server
 * of the usual jitters. See backoff.h. */
#include "backoff.h"

void
hemera__backoff_init (HemeraBackoff *self, guint base_ms, guint cap_ms)
{
  self->base_ms = base_ms;
  self->cap_ms = MAX (base_ms, cap_ms);
  self->failures = 0;
}

void
hemera__backoff_reset (HemeraBackoff *self)
{
  self->failures = 0;
}

gint64
hemera__backoff_next (HemeraBackoff *self, double random, guint limit)
{
  guint64 window;

  self->failures = MIN (self->failures, limit);
  window = MIN ((guint64) self->base_ms << MIN (self->failures, 31), self->cap_ms);

  if (self->failures < G_MAXUINT)
    self->failures++;
  return (gint64) ((double) window * CLAMP (random, 0.0, 1.0) * 1000.0);
}

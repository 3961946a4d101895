/* Restart back-off with full jitter: children that fail together do not come back together. The bound doubles with each restart in a
 * row up to the cap; the delay is anywhere below it, but for a twentieth that keeps a child that fails at once from spinning. */
#include "backoff.h"

#define DEFAULT_CAP_MS   60000
#define DEFAULT_RESET_MS 60000

guint
hemera__backoff_delay (const HemeraBackoff *self, guint attempt, guint64 random)
{
  guint64 cap = self->cap_ms != 0 ? self->cap_ms : DEFAULT_CAP_MS;
  guint64 bound;
  guint64 least;

  if (self->base_ms == 0)
    return 0;
  /* 2^31 times one millisecond is beyond any cap that fits: no need to shift further. */
  bound = MIN (cap, (guint64) self->base_ms << MIN (attempt, 31));
  least = MAX (1, bound / 20);
  return (guint) (least + random % (bound - least + 1));
}

guint
hemera__backoff_attempt (const HemeraBackoff *self, guint attempt, gint64 ran_ms)
{
  return ran_ms >= (gint64) (self->reset_ms != 0 ? self->reset_ms : DEFAULT_RESET_MS) ? 0 : attempt;
}

/* The strategies: one_for_one touches the failed child alone, rest_for_one those started after it too, one_for_all all of them.
 * Temporary siblings are stopped and not started again. */
#include "restart-group.h"

void
hemera__restart_group_init (HemeraRestartGroup *self, HemeraStrategy strategy, const HemeraRestart *restarts,
                            guint n, guint failed)
{
  guint first = strategy == HEMERA_ONE_FOR_ALL ? 0 : failed;
  guint end = strategy == HEMERA_ONE_FOR_ONE ? failed + 1 : n;

  g_assert (failed < n);

  self->stops = g_new (guint, end - first);
  self->starts = g_new (guint, end - first);
  self->n_stops = self->n_starts = 0;
  for (guint i = end; i-- > first;)
    if (i != failed)
      self->stops[self->n_stops++] = i;
  for (guint i = first; i < end; i++)
    if (i == failed || restarts[i] != HEMERA_RESTART_TEMPORARY)
      self->starts[self->n_starts++] = i;
}

void
hemera__restart_group_clear (HemeraRestartGroup *self)
{
  g_clear_pointer (&self->stops, g_free);
  g_clear_pointer (&self->starts, g_free);
}

/* Which children stop and start when one of them is restarted. Pure. */
#pragma once

#include <hemera/supervisor.h>

/* Children by their index in start order. */
typedef struct {
  guint *stops; /* in the order to stop them: the last started first; the failed one is not among them */
  guint n_stops;
  guint *starts; /* in the order to start them; the failed one is among them, temporary ones are not */
  guint n_starts;
} HemeraRestartGroup;

void hemera__restart_group_init (HemeraRestartGroup *self, HemeraStrategy strategy,
                                 const HemeraRestart *restarts, guint n, guint failed);
void hemera__restart_group_clear (HemeraRestartGroup *self);

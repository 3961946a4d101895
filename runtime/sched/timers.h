/* HemeraTimers: the timers of one worker: a binary heap of embedded nodes, by due time, then by the order of start. The worker alone. */
#pragma once

#include "runtime/sched/block.h"

typedef struct {
  HemeraTimer **heap;
  guint count;
  guint capacity;
  guint64 sequence;
} HemeraTimers;

void hemera__timers_add (HemeraTimers *self, HemeraTimer *timer);
void hemera__timers_remove (HemeraTimers *self, HemeraTimer *timer);
/* G_MAXINT64: none. */
gint64 hemera__timers_next (HemeraTimers *self);
/* Sends what is due at @now; an interval is set for its next time. Runs no actor's code. */
void hemera__timers_fire (HemeraTimers *self, gint64 now);
/* Frees all, unfired. */
void hemera__timers_clear (HemeraTimers *self);

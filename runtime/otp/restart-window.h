/* The restart intensity: how many restarts lie in the last so many milliseconds. Pure but for its memory; the time comes from outside. */
#pragma once

#include <glib.h>

typedef struct {
  gint64 at_ms;
  guint64 child; /* whose restart: hemera__restart_window_forget() */
} HemeraRestartTime;

/* A ring that grows with need up to intensity + 1 times, oldest at `first`. */
typedef struct {
  guint intensity;
  guint period_ms;
  HemeraRestartTime *times;
  guint size;
  guint first;
  guint length;
} HemeraRestartWindow;

void hemera__restart_window_init (HemeraRestartWindow *self, guint intensity, guint period_ms);
void hemera__restart_window_clear (HemeraRestartWindow *self);
/* Counts a restart; FALSE when it is one too many. @now_ms never goes back. Amortised O(1). */
gboolean hemera__restart_window_add (HemeraRestartWindow *self, gint64 now_ms, guint64 child);
/* The restarts of @child so far count no longer. O(length). */
void hemera__restart_window_forget (HemeraRestartWindow *self, guint64 child);

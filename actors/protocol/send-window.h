/* HemeraSendWindow: a sliding limit: at most N sends in any period ("Rate Limiting": 120 in 60 s a connection, beats included; presence 5
 * in 20 s). The period carries a margin of its own, as the gateway counts arrivals, not departures. Pure; embedded; one thread. */
#pragma once

#include <glib.h>

#define HEMERA_SEND_WINDOW_MAX 120

typedef struct {
  gint64 period;
  guint limit;
  gint64 at[HEMERA_SEND_WINDOW_MAX]; /* ring of the times of the last sends */
  guint first, used;
} HemeraSendWindow;

void hemera__send_window_init (HemeraSendWindow *self, guint limit, gint64 period_us);
/* A new connection: nothing counts. */
void hemera__send_window_clear (HemeraSendWindow *self);
/* Whether one may go now and @reserve more still could. */
gboolean hemera__send_window_has_room (HemeraSendWindow *self, gint64 now, guint reserve);
/* When that becomes true by time alone; @now when it is. */
gint64 hemera__send_window_opens (HemeraSendWindow *self, gint64 now, guint reserve);
/* One went. */
void hemera__send_window_note (HemeraSendWindow *self, gint64 now);

/* HemeraBackoff: how long to wait before the next connection: full jitter (uniform from 0 to the window), the window doubles from base
 * to cap with each failure in a row. Pure: randomness is given. Embedded; one thread. */
#pragma once

#include <glib.h>

typedef struct {
  guint base_ms, cap_ms;
  guint failures; /* in a row */
} HemeraBackoff;

void hemera__backoff_init (HemeraBackoff *self, guint base_ms, guint cap_ms);
void hemera__backoff_reset (HemeraBackoff *self);

/* Counts one more failure and gives the wait in microseconds. @random in [0, 1). @limit: no more than this many failures are remembered
 * (G_MAXUINT: all): after a connection that worked for a while the wait is not as long as after one that never did. */
gint64 hemera__backoff_next (HemeraBackoff *self, double random, guint limit);

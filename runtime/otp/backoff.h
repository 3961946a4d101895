/* How long a restart waits. Pure: randomness comes from outside. */
#pragma once

#include <hemera/supervisor.h>

/* Milliseconds before restart number @attempt (from 0) in a row; 0 without back-off. */
guint hemera__backoff_delay (const HemeraBackoff *self, guint attempt, guint64 random);
/* The number of a restart that follows @attempt restarts in a row, after the child ran @ran_ms: 0 when that was long enough. */
guint hemera__backoff_attempt (const HemeraBackoff *self, guint attempt, gint64 ran_ms);

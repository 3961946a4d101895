/* SimLog: the machine-readable log (a JSON object a line) and, with --verbose, the same for people on standard output. */
#pragma once

#include "value.h"

typedef struct _SimLog SimLog;

/* @path NULL: no file. NULL with @error set. (transfer full) */
SimLog *sim_log_open (const char *path, gboolean verbose, GError **error);
void sim_log_close (SimLog *self);
/* Monotonic milliseconds since the log was opened. */
gint64 sim_log_now (const SimLog *self);
/* @format makes further members, e.g. "\"shard\":%u"; the caller escapes strings. NULL: none. */
void sim_log_write (SimLog *self, const char *event, const char *format, ...) G_GNUC_PRINTF (3, 4);

/* One line per event, flushed per line: tests read the log while the simulator runs. */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct _SimLog {
  FILE *file;
  gboolean verbose;
  gint64 started;
};

SimLog *
sim_log_open (const char *path, gboolean verbose, GError **error)
{
  FILE *file = NULL;
  if (path != NULL && (file = fopen (path, "we")) == NULL) {
    g_set_error (error, SIM_ERROR, SIM_ERROR_SYSTEM, "cannot write %s: %s", path, g_strerror (errno));
    return NULL;
  }
  SimLog *self = g_new0 (SimLog, 1);
  self->file = file;
  self->verbose = verbose;
  self->started = g_get_monotonic_time ();
  if (file != NULL)
    setvbuf (file, NULL, _IOLBF, 1 << 16);
  return self;
}

void
sim_log_close (SimLog *self)
{
  if (self->file != NULL)
    fclose (self->file);
  g_free (self);
}

gint64
sim_log_now (const SimLog *self)
{
  return (g_get_monotonic_time () - self->started) / 1000;
}

static void
print_for_people (SimLog *self, gint64 now, const char *event, const char *members)
{
  g_autofree char *plain = g_strdup (members);
  char *to = plain;
  for (const char *from = plain; *from != '\0'; from++)
    if (*from != '"')
      *to++ = *from == ',' ? ' ' : *from;
  *to = '\0';
  printf ("%9.3f  %-10s %s\n", (double) now / 1000.0, event, plain);
  fflush (stdout);
}

void
sim_log_write (SimLog *self, const char *event, const char *format, ...)
{
  if (self->file == NULL && !self->verbose)
    return;
  g_autofree char *members = NULL;
  if (format != NULL) {
    va_list args;
    va_start (args, format);
    members = g_strdup_vprintf (format, args);
    va_end (args);
  }
  gint64 now = sim_log_now (self);
  if (self->file != NULL)
    fprintf (self->file, "{\"t_ms\":%" G_GINT64_FORMAT ",\"event\":\"%s\"%s%s}\n", now, event,
             members != NULL ? "," : "", members != NULL ? members : "");
  if (self->verbose && strcmp (event, "dispatch") != 0)
    print_for_people (self, now, event, members != NULL ? members : "");
}

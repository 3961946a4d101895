/* How many descriptors this process has open, one for the count itself included. */
#pragma once

#include <glib.h>

static inline guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

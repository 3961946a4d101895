/* The descriptors of this process: how many there are, and what it is like to have no more. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/resource.h>
#include <unistd.h>

/* One for the count itself included. */
static inline guint
count_descriptors (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

typedef struct {
  struct rlimit limit; /* as it was */
  GArray *fds;
} AllDescriptors;

/* Until give_back_descriptors() nobody in this process gets a descriptor. The limit stays above what is open: to wait for more descriptors
 * than a process may have is an error of poll(), and other threads wait. */
static inline void
take_all_descriptors (AllDescriptors *self)
{
  struct rlimit low = { .rlim_cur = 256 };
  int fd;

  /* GLib makes these at their first use, with descriptors of their own, and aborts without. */
  g_main_context_default ();
  g_type_ensure (G_TYPE_TASK);
  self->fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &self->limit), ==, 0);
  low.rlim_max = self->limit.rlim_max;
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &low), ==, 0);
  fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fd, >=, 0);
  for (; fd >= 0; fd = fcntl (fd, F_DUPFD_CLOEXEC, 0))
    g_array_append_val (self->fds, fd);
  g_assert_cmpint (errno, ==, EMFILE);
}

static inline void
give_back_descriptors (AllDescriptors *self)
{
  for (guint i = 0; i < self->fds->len; i++)
    close (g_array_index (self->fds, int, i));
  g_array_unref (self->fds);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &self->limit), ==, 0);
}

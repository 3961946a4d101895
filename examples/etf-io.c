/* Buffered reads and writes on the two descriptors; see etf-io.h. */
#include "etf-io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_SIZE ((gsize) 64 * 1024)

static struct {
  guint8 data[BUFFER_SIZE];
  gsize at, end;
} input;

static struct {
  guint8 data[BUFFER_SIZE];
  gsize size;
} output;

/* After a call on @fd failed: TRUE when it may be tried again, which for a non-blocking descriptor is when it is ready. */
static gboolean
may_retry (int fd, short event, const char *name, GError **error)
{
  struct pollfd ready = { .fd = fd, .events = event };

  if (errno == EINTR)
    return TRUE;
  if ((errno == EAGAIN || errno == EWOULDBLOCK) && (poll (&ready, 1, -1) >= 0 || errno == EINTR))
    return TRUE;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", name, g_strerror (errno));
  return FALSE;
}

static gboolean
write_out (const guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    ssize_t n = write (STDOUT_FILENO, data, size);

    if (n >= 0) {
      data += n;
      size -= (gsize) n;
    } else if (!may_retry (STDOUT_FILENO, POLLOUT, "standard output", error)) {
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
etf_flush (GError **error)
{
  gsize size = output.size;

  output.size = 0; /* also when it fails: what is left of it must not follow an error */
  return write_out (output.data, size, error);
}

gboolean
etf_write (const void *data, gsize size, GError **error)
{
  if (size > BUFFER_SIZE - output.size && !etf_flush (error))
    return FALSE;
  if (size >= BUFFER_SIZE)
    return write_out (data, size, error);
  memcpy (output.data + output.size, data, size);
  output.size += size;
  return TRUE;
}

/* One read, of at least one byte but at the end of the input. */
static gboolean
read_some (void *data, gsize size, gsize *got, GError **error)
{
  ssize_t n;

  if (!etf_flush (error))
    return FALSE;
  while ((n = read (STDIN_FILENO, data, size)) < 0)
    if (!may_retry (STDIN_FILENO, POLLIN, "standard input", error))
      return FALSE;
  *got = (gsize) n;
  return TRUE;
}

gboolean
etf_read (void *data, gsize size, gsize *got, GError **error)
{
  guint8 *to = data;
  gsize n;

  for (*got = 0; *got < size; *got += n) {
    if (input.at == input.end && size - *got >= BUFFER_SIZE) {
      if (!read_some (to + *got, size - *got, &n, error))
        return FALSE;
    } else {
      if (input.at == input.end) {
        input.at = input.end = 0;
        if (!read_some (input.data, BUFFER_SIZE, &input.end, error))
          return FALSE;
      }
      n = MIN (size - *got, input.end - input.at);
      memcpy (to + *got, input.data + input.at, n);
      input.at += n;
    }
    if (n == 0)
      break;
  }
  return TRUE;
}

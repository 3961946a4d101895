/* The inflater, its input split by the input: the first byte picks the limit, the second the size of the pieces. The same stream in one
 * piece must give the same payloads or fail alike. */
#include "codec/stream/inflater.h"

#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Payloads with their lengths in between; whether the stream is still whole. */
static gboolean
run (gsize limit, const guint8 *data, gsize size, gsize step, GByteArray *payloads)
{
  HemeraInflater *inflater = hemera__inflater_new (limit);
  GError *error = NULL;

  for (gsize at = 0; at < size && error == NULL; at += step) {
    gsize n = MIN (step, size - at);
    g_autofree guint8 *piece = g_memdup2 (data + at, n);
    HemeraSlice slice;

    hemera__inflater_feed (inflater, piece, n);
    while (hemera__inflater_next (inflater, &slice, &error)) {
      guint64 length = slice.size;

      g_assert_true (slice.size > 0 && slice.size <= limit);
      g_byte_array_append (payloads, (const guint8 *) &length, sizeof length);
      g_byte_array_append (payloads, slice.data, (guint) slice.size);
      hemera__slice_clear (&slice);
    }
  }
  g_assert_true (hemera__inflater_bytes_in (inflater) <= size);
  hemera__inflater_free (inflater);
  if (error == NULL)
    return TRUE;
  g_error_free (error);
  return FALSE;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GByteArray) whole = g_byte_array_new (), pieces = g_byte_array_new ();
  gsize limit;

  if (size < 2)
    return 0;
  limit = (gsize) 1 << data[0] % 18;
  g_assert_true (run (limit, data + 2, size - 2, size, whole)
                 == run (limit, data + 2, size - 2, data[1] % 64 + 1, pieces));
  g_assert_cmpmem (whole->data, whole->len, pieces->data, pieces->len);
  return 0;
}

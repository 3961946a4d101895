/* UTF-8 as Unicode defines it: no overlong forms, no surrogates, nothing above U+10FFFF. NUL is a character like any other
 * (g_utf8_validate() refuses it, and Discord's strings and atoms may hold it). Pure functions, any thread. */
#pragma once

#include <glib.h>
#include <string.h>

/* The general case; hemera__utf8_valid() calls it only for bytes that are not all ASCII. */
gboolean hemera__utf8_valid_slow (const guint8 *data, gsize size);

/* Code points of @data, which must be valid UTF-8. */
gsize hemera__utf8_length (const guint8 *data, gsize size);

/* Whether @size bytes at @data (may be NULL for 0) are ASCII. Eight bytes a step; the last step overlaps the one before it, so that no
 * byte-wise tail is left. */
static inline gboolean
hemera__is_ascii (const void *data, gsize size)
{
  const guint8 *s = data;
  guint64 word, seen = 0;
  if (size >= 8) {
    for (gsize i = 0; i + 8 < size; i += 8) {
      memcpy (&word, s + i, 8);
      seen |= word;
    }
    memcpy (&word, s + size - 8, 8);
    seen |= word;
  } else if (size >= 4) {
    guint32 head, tail;
    memcpy (&head, s, 4);
    memcpy (&tail, s + size - 4, 4);
    seen = (guint64) (head | tail) << 32 | (head | tail);
  } else if (size > 0) {
    seen = s[0] | s[size / 2] | s[size - 1];
  }
  return (seen & G_GUINT64_CONSTANT (0x8080808080808080)) == 0;
}

/* Whether @size bytes at @data (may be NULL for 0) are valid UTF-8. */
static inline gboolean
hemera__utf8_valid (const void *data, gsize size)
{
  return hemera__is_ascii (data, size) || hemera__utf8_valid_slow (data, size);
}

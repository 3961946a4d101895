/* The general case of UTF-8 validation (utf8.h), a table-free reading of Unicode's table 3-7: the lead byte gives the length and the
 * range of the second byte, which is where overlong forms, surrogates and values above U+10FFFF differ; the rest are 80 to BF. */
#include "codec/term/utf8.h"

static inline gboolean
is_continuation (guint8 byte)
{
  return (byte & 0xc0) == 0x80;
}

gboolean
hemera__utf8_valid_slow (const guint8 *data, gsize size)
{
  const guint8 *s = data, *end = data + size;
  while (s < end) {
    gsize left = (gsize) (end - s);
    guint8 lead = s[0];
    if (lead < 0x80) {
      guint64 word = 0;
      if (left >= 8)
        memcpy (&word, s, 8);
      s += left >= 8 && (word & G_GUINT64_CONSTANT (0x8080808080808080)) == 0 ? 8 : 1;
    } else if (lead < 0xc2) {
      return FALSE;
    } else if (lead < 0xe0) {
      if (left < 2 || !is_continuation (s[1]))
        return FALSE;
      s += 2;
    } else if (lead < 0xf0) {
      guint8 low = lead == 0xe0 ? 0xa0 : 0x80, high = lead == 0xed ? 0x9f : 0xbf;
      if (left < 3 || s[1] < low || s[1] > high || !is_continuation (s[2]))
        return FALSE;
      s += 3;
    } else {
      guint8 low = lead == 0xf0 ? 0x90 : 0x80, high = lead == 0xf4 ? 0x8f : 0xbf;
      if (lead > 0xf4 || left < 4 || s[1] < low || s[1] > high || !is_continuation (s[2])
          || !is_continuation (s[3]))
        return FALSE;
      s += 4;
    }
  }
  return TRUE;
}

gsize
hemera__utf8_length (const guint8 *data, gsize size)
{
  gsize count = 0;
  for (gsize i = 0; i < size; i++)
    count += !is_continuation (data[i]);
  return count;
}

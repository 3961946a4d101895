/* Rewriting odd lists. ETF can say a list whose tail is again a list, and a list without elements before its tail; BEAM takes both for the
 * plain list they amount to, no Erlang ever writes them. So the accessors need not know them: the rare payload that has one is copied
 * into the form that term_to_binary() gives: elements merged, their count summed, the empty prefix gone. */
#include "codec/term/term-internal.h"
#include "codec/term/cursor.h"

/* An open container of the copy; for a list also where its count stands and what it is so far. */
typedef struct {
  guint64 left;
  gsize header; /* offset of LIST_EXT in the copy, 0 for other containers */
  guint32 count;
} Level;

static void
put_string_elements (GByteArray *out, const guint8 *bytes, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    guint8 element[2] = { ETF_SMALL_INTEGER, bytes[i] };
    g_byte_array_append (out, element, 2);
  }
}

/* Copies the bytes of @p that are no terms of their own, and tells how many terms follow as its parts. */
static const guint8 *
copy_shell (GByteArray *out, const guint8 *p, gsize *parts)
{
  const guint8 *end = hemera__etf_enter (p, parts);
  g_byte_array_append (out, p, (guint) (end - p));
  return end;
}

static void
close_list (GByteArray *out, const Level *level)
{
  guint32 count = GUINT32_TO_BE (level->count);
  memcpy (out->data + level->header + 1, &count, 4);
}

guint8 *
hemera__etf_normalise (const guint8 *data, gsize size, gsize *normal_size)
{
  GByteArray *out = g_byte_array_new ();
  GArray *levels = g_array_new (FALSE, FALSE, sizeof (Level));
  const guint8 *p = data + 1;
  gsize parts;

  g_byte_array_append (out, data, 1);
  for (;;) {
    Level *top = NULL;
    gboolean tail = FALSE;

    if (levels->len > 0) {
      top = &g_array_index (levels, Level, levels->len - 1);
      tail = top->header != 0 && top->left == 1;
    }
    parts = 0;
    if (*p == ETF_LIST) {
      guint32 n = etf_get32 (p + 1);
      p += 5;
      if (n == 0)
        continue;
      if (tail) {
        top->left = (guint64) n + 1;
        top->count += n;
      } else {
        Level list = { (guint64) n + 1, out->len, n };
        g_byte_array_append (out, p - 5, 5);
        g_array_append_val (levels, list);
      }
      continue;
    }
    if (*p == ETF_STRING && tail) {
      gsize n = etf_get16 (p + 1);
      put_string_elements (out, p + 3, n);
      top->count += (guint32) n;
      p += 3 + n;
      g_byte_array_append (out, (const guint8[]){ ETF_NIL }, 1);
    } else {
      p = copy_shell (out, p, &parts);
    }
    if (parts > 0) {
      Level level = { parts, 0, 0 };
      g_array_append_val (levels, level);
      continue;
    }
    while (levels->len > 0) {
      Level *ended = &g_array_index (levels, Level, levels->len - 1);
      if (--ended->left > 0)
        break;
      if (ended->header != 0)
        close_list (out, ended);
      g_array_set_size (levels, levels->len - 1);
    }
    if (levels->len == 0)
      break;
  }
  g_array_unref (levels);
  *normal_size = out->len;
  return g_byte_array_free (out, FALSE);
}

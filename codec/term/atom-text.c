/* Atoms as io_lib of OTP 25 writes them: bare when the scanner would read them so (Latin-1 letters included, no other alphabets), else in
 * quotes with escapes. */
#include "codec/term/atom-text.h"
#include "codec/term/cursor.h"

static gboolean
is_lower (gunichar c)
{
  return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}

static gboolean
is_name (gunichar c)
{
  return is_lower (c) || (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7)
         || (c >= '0' && c <= '9') || c == '_' || c == '@';
}

static gboolean
is_reserved (const char *name, gsize size)
{
  static const char *const words[] = { "after",  "and",     "andalso", "band", "begin", "bnot", "bor",
                                       "bsl",    "bsr",     "bxor",    "case", "catch", "cond", "div",
                                       "end",    "fun",     "if",      "let",  "not",   "of",   "or",
                                       "orelse", "receive", "rem",     "try",  "when",  "xor" };
  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strlen (words[i]) == size && memcmp (words[i], name, size) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
is_bare (const char *name, gsize size)
{
  if (size == 0 || !is_lower (g_utf8_get_char (name)) || is_reserved (name, size))
    return FALSE;
  for (const char *c = name; c < name + size; c = g_utf8_next_char (c))
    if (!is_name (g_utf8_get_char (c)))
      return FALSE;
  return TRUE;
}

static void
append_quoted (GString *out, const char *c, const char *end)
{
  static const char letters[] = "btnvfr"; /* 8 to 13 */
  for (; c < end; c = g_utf8_next_char (c)) {
    gunichar code = g_utf8_get_char (c);
    if (code >= 8 && code <= 13)
      g_string_append_printf (out, "\\%c", letters[code - 8]);
    else if (code == 27 || code == 127)
      g_string_append (out, code == 27 ? "\\e" : "\\d");
    else if (code == '\'' || code == '\\')
      g_string_append_printf (out, "\\%c", (char) code);
    else if (code < 32 || (code >= 128 && code < 160))
      g_string_append_printf (out, "\\%03o", code);
    else
      g_string_append_len (out, c, g_utf8_next_char (c) - c);
  }
}

void
hemera__append_atom (GString *out, const guint8 *atom)
{
  char buffer[512];
  gsize size;
  const char *name = hemera__etf_atom_utf8 (atom, buffer, &size);
  if (is_bare (name, size)) {
    g_string_append_len (out, name, (gssize) size);
    return;
  }
  g_string_append_c (out, '\'');
  append_quoted (out, name, name + size);
  g_string_append_c (out, '\'');
}

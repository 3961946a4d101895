/* hemera_term_new(): a term from a format and its arguments. The format is the programmer's, so what is wrong in it aborts. */
#include <hemera/term-builder.h>

#include <string.h>

typedef struct {
  const char *format, *c;
  HemeraTermBuilder *builder;
  GString *closers; /* what closes the open containers, the innermost last */
} Reader;

static void G_GNUC_NORETURN
bad_format (const Reader *reader, const char *what)
{
  g_error ("hemera_term_new: %s at character %d of \"%s\"", what, (int) (reader->c - reader->format),
           reader->format);
}

static void
open_container (Reader *reader, char closer)
{
  g_string_append_c (reader->closers, closer);
  if (closer == ']')
    hemera_term_builder_open_list (reader->builder);
  else if (closer == '}')
    hemera_term_builder_open_tuple (reader->builder);
  else
    hemera_term_builder_open_map (reader->builder);
}

/* Maps are closed by '}' too; '>' stands for them among the closers. */
static void
close_container (Reader *reader, char closer)
{
  gsize n = reader->closers->len;
  char expected = n > 0 ? reader->closers->str[n - 1] : '\0';
  if (closer != expected && !(closer == '}' && expected == '>'))
    bad_format (reader, "unbalanced bracket");
  g_string_truncate (reader->closers, n - 1);
  hemera_term_builder_close (reader->builder);
}

static void
add_word (Reader *reader)
{
  const char *start = reader->c;
  while (g_ascii_isalnum (*reader->c) || *reader->c == '_' || *reader->c == '@')
    reader->c++;
  g_autofree char *word = g_strndup (start, (gsize) (reader->c - start));
  hemera_term_builder_add_atom (reader->builder, word);
}

static void
add_quoted (Reader *reader)
{
  const char *start = ++reader->c, *end = strchr (start, '\'');
  if (end == NULL)
    bad_format (reader, "open quote");
  g_autofree char *word = g_strndup (start, (gsize) (end - start));
  hemera_term_builder_add_atom (reader->builder, word);
  reader->c = end + 1;
}

static void
add_number (Reader *reader)
{
  const char *start = reader->c++;
  while (g_ascii_isdigit (*reader->c))
    reader->c++;
  hemera_term_builder_add_decimal (reader->builder, start, (gsize) (reader->c - start));
}

/* Text is often an error's, with words from outside in it: what is no UTF-8 is replaced, as it is nobody's reason to abort. */
static void
add_text (HemeraTermBuilder *builder, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  hemera_term_builder_add_string (builder, valid);
}

HemeraTerm *
hemera_term_new (const char *format, ...)
{
  Reader reader = { format, format, hemera_term_builder_new (), g_string_new (NULL) };
  GError *error = NULL;
  va_list args;

  va_start (args, format);
  while (*reader.c != '\0') {
    char c = *reader.c;
    if (g_ascii_isspace (c) || c == ',') {
      reader.c++;
    } else if (g_str_has_prefix (reader.c, "=>")) {
      reader.c += 2;
    } else if (g_str_has_prefix (reader.c, "#{")) {
      open_container (&reader, '>');
      reader.c += 2;
    } else if (c == '{' || c == '[') {
      open_container (&reader, c == '{' ? '}' : ']');
      reader.c++;
    } else if (c == '}' || c == ']') {
      close_container (&reader, c);
      reader.c++;
    } else if (c == '~') {
      switch (reader.c[1]) {
      case 'a': hemera_term_builder_add_atom (reader.builder, va_arg (args, const char *)); break;
      case 's': add_text (reader.builder, va_arg (args, const char *)); break;
      case 'i': hemera_term_builder_add_int64 (reader.builder, va_arg (args, gint64)); break;
      case 'u': hemera_term_builder_add_uint64 (reader.builder, va_arg (args, guint64)); break;
      case 'f': hemera_term_builder_add_double (reader.builder, va_arg (args, double)); break;
      case 'b': hemera_term_builder_add_boolean (reader.builder, va_arg (args, gboolean)); break;
      case 't':
        hemera_term_builder_add_view (reader.builder, hemera_term_view (va_arg (args, HemeraTerm *)));
        break;
      case 'v': hemera_term_builder_add_view (reader.builder, va_arg (args, HemeraView)); break;
      default: bad_format (&reader, "unknown argument");
      }
      reader.c += 2;
    } else if (c == '\'') {
      add_quoted (&reader);
    } else if (g_ascii_isdigit (c) || (c == '-' && g_ascii_isdigit (reader.c[1]))) {
      add_number (&reader);
    } else if (g_ascii_islower (c)) {
      add_word (&reader);
    } else {
      bad_format (&reader, "unexpected character");
    }
  }
  va_end (args);
  if (reader.closers->len > 0)
    bad_format (&reader, "open bracket");
  HemeraTerm *term = hemera_term_builder_end (reader.builder, &error);
  if (term == NULL)
    g_error ("hemera_term_new: %s in \"%s\"", error->message, format);
  hemera_term_builder_free (reader.builder);
  g_string_free (reader.closers, TRUE);
  return term;
}

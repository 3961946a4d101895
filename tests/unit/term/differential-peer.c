/* The C side of differential.escript: an Erlang port with 4-byte lengths. Each request is one byte and its body:
 *   v ETF        -> "ok", or "error " and the message
 *   p ETF        -> the term's text
 *   r ETF        -> the term built anew, element by element, as ETF
 *   c N A B      -> two bytes: order + 1 and equality; N is A's size in four bytes */
#include <hemera/etf.h>
#include <hemera/term-builder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static gboolean
read_all (void *data, gsize size)
{
  char *p = data;
  while (size > 0) {
    gssize n = read (0, p, size);
    if (n <= 0)
      return FALSE;
    p += n;
    size -= (gsize) n;
  }
  return TRUE;
}

static void
reply (gconstpointer data, gsize size)
{
  guint32 length = GUINT32_TO_BE ((guint32) size);
  fwrite (&length, 4, 1, stdout);
  fwrite (data, 1, size, stdout);
  fflush (stdout);
}

static void
build (HemeraTermBuilder *builder, HemeraView view)
{
  HemeraViewIter iter;
  HemeraView a, b;
  gint64 i;
  guint64 u;
  double d;
  gsize size;
  const guint8 *data;

  switch (hemera_view_type (view)) {
  case HEMERA_TERM_INTEGER:
    if (hemera_view_get_int64 (view, &i)) {
      hemera_term_builder_add_int64 (builder, i);
    } else if (hemera_view_get_uint64 (view, &u)) {
      hemera_term_builder_add_uint64 (builder, u);
    } else { /* through its digits, and so through both decimal conversions */
      g_autofree char *digits = hemera_view_to_string (view);
      hemera_term_builder_add_decimal (builder, digits, strlen (digits));
    }
    return;
  case HEMERA_TERM_FLOAT:
    g_assert_true (hemera_view_get_double (view, &d));
    hemera_term_builder_add_double (builder, d);
    return;
  case HEMERA_TERM_ATOM: {
    g_autofree char *name = hemera_view_dup_string (view);
    const char *text;
    if (hemera_view_get_string (view, &text, &size) && memchr (text, 0, size) != NULL)
      hemera_term_builder_add_view (builder, view);
    else
      hemera_term_builder_add_atom (builder, name);
    return;
  }
  case HEMERA_TERM_BINARY:
    g_assert_true (hemera_view_get_binary (view, &data, &size));
    hemera_term_builder_add_binary (builder, data, size);
    return;
  case HEMERA_TERM_MAP:
    hemera_term_builder_open_map (builder);
    hemera_view_iter_init (&iter, view);
    while (hemera_view_iter_next_pair (&iter, &a, &b)) {
      build (builder, a);
      build (builder, b);
    }
    break;
  case HEMERA_TERM_TUPLE:
    hemera_term_builder_open_tuple (builder);
    for (gsize n = 0; n < hemera_view_length (view); n++)
      build (builder, hemera_view_element (view, n));
    break;
  case HEMERA_TERM_LIST:
    hemera_view_iter_init (&iter, view);
    while (hemera_view_iter_next (&iter, &a))
      continue;
    if (hemera_view_is_valid (hemera_view_iter_tail (&iter))) {
      hemera_term_builder_add_view (builder, view);
      return;
    }
    hemera_term_builder_open_list (builder);
    hemera_view_iter_init (&iter, view);
    while (hemera_view_iter_next (&iter, &a))
      build (builder, a);
    break;
  default: hemera_term_builder_add_view (builder, view); return;
  }
  hemera_term_builder_close (builder);
}

static HemeraTerm *
decode (const char *data, gsize size)
{
  GError *error = NULL;
  HemeraTerm *term = hemera_term_new_from_etf_data (data, size, NULL, &error);
  if (term == NULL) {
    g_autofree char *text = g_strdup_printf ("error %s", error->message);
    reply (text, strlen (text));
    g_error_free (error);
  }
  return term;
}

static void
answer (char op, const char *body, gsize size)
{
  g_autoptr (HemeraTerm) other = NULL;
  g_autoptr (HemeraTerm) term = NULL;
  if (op == 'c') {
    guint32 first;
    memcpy (&first, body, 4);
    first = GUINT32_FROM_BE (first);
    if ((term = decode (body + 4, first)) == NULL
        || (other = decode (body + 4 + first, size - 4 - first)) == NULL)
      return;
    HemeraView a = hemera_term_view (term), b = hemera_term_view (other);
    int order = hemera_view_compare (a, b);
    if (order != -hemera_view_compare (b, a))
      order = 9; /* not antisymmetric */
    char result[2] = { (char) (order + 1), (char) hemera_view_equal (a, b) };
    reply (result, 2);
    return;
  }
  if ((term = decode (body, size)) == NULL)
    return;
  if (op == 'v') {
    reply ("ok", 2);
  } else if (op == 'p') {
    g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
    reply (text, strlen (text));
  } else {
    GError *error = NULL;
    HemeraTermBuilder *builder = hemera_term_builder_new ();
    build (builder, hemera_term_view (term));
    g_autoptr (HemeraTerm) built = hemera_term_builder_end (builder, &error);
    g_assert_no_error (error);
    hemera_term_builder_free (builder);
    if (!hemera_view_equal (hemera_term_view (term), hemera_term_view (built))) {
      reply ("not equal", 9);
      return;
    }
    g_autoptr (GBytes) bytes = hemera_term_to_etf (built);
    reply (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  }
}

int
main (void)
{
  guint32 length;
  while (read_all (&length, 4)) {
    length = GUINT32_FROM_BE (length);
    g_autofree char *request = g_malloc (length);
    if (length == 0 || !read_all (request, length))
      return 1;
    answer (request[0], request + 1, length - 1);
  }
  return 0;
}

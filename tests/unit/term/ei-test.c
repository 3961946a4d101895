/* The cursor against erl_interface: what ei reads of a validated term, we read too. Every term of the kept payloads and of some identifiers,
 * which ei has in structures of its own, is read by both, front to back. */
#include "codec/term/cursor.h"

#include <hemera/etf.h>

#include <ei.h>

static void
same_integer (HemeraView view, const char *bytes, int *index)
{
  long long theirs;
  unsigned long long theirs_unsigned;
  gint64 ours;
  guint64 ours_unsigned;

  if (hemera_view_get_int64 (view, &ours)) {
    g_assert_cmpint (ei_decode_longlong (bytes, index, &theirs), ==, 0);
    g_assert_cmpint (ours, ==, theirs);
  } else if (hemera_view_get_uint64 (view, &ours_unsigned)) {
    g_assert_cmpint (ei_decode_ulonglong (bytes, index, &theirs_unsigned), ==, 0);
    g_assert_cmpuint (ours_unsigned, ==, theirs_unsigned);
  } else {
    g_assert_cmpint (ei_decode_longlong (bytes, index, &theirs), ==, -1);
    g_assert_cmpint (ei_skip_term (bytes, index), ==, 0);
  }
}

static void
same_float (HemeraView view, const char *bytes, int *index)
{
  double ours = 0, theirs = 1;
  g_assert_true (hemera_view_get_double (view, &ours));
  g_assert_cmpint (ei_decode_double (bytes, index, &theirs), ==, 0);
  g_assert_true (ours == theirs);
}

static void
same_atom (HemeraView view, const char *bytes, int *index)
{
  char theirs[MAXATOMLEN_UTF8], buffer[512];
  gsize size;
  const char *ours = hemera__etf_atom_utf8 (view.data, buffer, &size);
  g_assert_cmpint (ei_decode_atom_as (bytes, index, theirs, sizeof theirs, ERLANG_UTF8, NULL, NULL), ==, 0);
  g_assert_cmpmem (ours, size, theirs, size);
  g_assert_cmpint (theirs[size], ==, '\0');
}

static void
same_bits (HemeraView view, const char *bytes, int *index)
{
  const char *theirs;
  unsigned int offset;
  size_t their_bits;
  const guint8 *ours;
  gsize bits;
  g_assert_true (hemera_view_get_bitstring (view, &ours, &bits));
  g_assert_cmpint (ei_decode_bitstring (bytes, index, &theirs, &offset, &their_bits), ==, 0);
  g_assert_true (ours == (const guint8 *) theirs);
  g_assert_cmpuint (offset, ==, 0);
  g_assert_cmpuint (bits, ==, their_bits);
}

static void
same_identity (HemeraView view, const char *bytes, int *index)
{
  EtfIdentity ours;
  char buffer[512];
  gsize size;
  erlang_pid pid;
  erlang_port port;
  erlang_ref ref;
  const char *node;
  guint64 creation;

  hemera__etf_identity (view.data, &ours);
  switch (hemera_view_type (view)) {
  case HEMERA_TERM_PID:
    g_assert_cmpint (ei_decode_pid (bytes, index, &pid), ==, 0);
    g_assert_cmpuint (ours.words[0], ==, pid.num);
    g_assert_cmpuint (ours.words[1], ==, pid.serial);
    node = pid.node;
    creation = pid.creation;
    break;
  case HEMERA_TERM_PORT:
    g_assert_cmpint (ei_decode_port (bytes, index, &port), ==, 0);
    g_assert_cmpuint (ours.words[0], ==, port.id);
    node = port.node;
    creation = port.creation;
    break;
  default:
    g_assert_cmpint (ei_decode_ref (bytes, index, &ref), ==, 0);
    g_assert_cmpuint (ours.n_words, ==, (guint) ref.len);
    for (guint i = 0; i < ours.n_words; i++)
      g_assert_cmpuint (ours.words[i], ==, ref.n[i]);
    node = ref.node;
    creation = ref.creation;
  }
  g_assert_cmpuint (ours.creation, ==, creation);
  const char *name = hemera__etf_atom_utf8 (ours.node, buffer, &size);
  g_assert_cmpmem (name, size, node, strlen (node));
}

static void same_term (HemeraView view, const char *bytes, int *index);

static void
same_parts (HemeraView view, const char *bytes, int *index)
{
  HemeraViewIter iter;
  HemeraView part, value;
  int arity = 0;

  if (*view.data == ETF_STRING) {
    g_autofree char *text = g_malloc (hemera_view_length (view) + 1);
    g_assert_cmpint (ei_decode_string (bytes, index, text), ==, 0);
    for (gsize i = 0; i < hemera_view_length (view); i++)
      g_assert_cmpint (hemera_view_int64 (hemera_view_element (view, i), -1), ==, (guint8) text[i]);
    return;
  }
  if (*view.data == ETF_MAP)
    g_assert_cmpint (ei_decode_map_header (bytes, index, &arity), ==, 0);
  else if (hemera_view_type (view) == HEMERA_TERM_TUPLE)
    g_assert_cmpint (ei_decode_tuple_header (bytes, index, &arity), ==, 0);
  else
    g_assert_cmpint (ei_decode_list_header (bytes, index, &arity), ==, 0);
  g_assert_cmpuint (hemera_view_length (view), ==, (guint) arity);

  hemera_view_iter_init (&iter, view);
  while (hemera_view_iter_next (&iter, &part))
    same_term (part, bytes, index);
  while (hemera_view_iter_next_pair (&iter, &part, &value)) {
    same_term (part, bytes, index);
    same_term (value, bytes, index);
  }
  part = hemera_view_iter_tail (&iter);
  if (hemera_view_is_valid (part))
    same_term (part, bytes, index);
  else if (*view.data == ETF_LIST)
    g_assert_cmpint (ei_skip_term (bytes, index), ==, 0); /* [] */
}

static void
same_term (HemeraView view, const char *bytes, int *index)
{
  gsize size;
  int end = *index;

  g_assert_true (view.data == (const guint8 *) bytes + *index);
  hemera_view_bytes (view, &size);
  end += (int) size;
  switch (hemera_view_type (view)) {
  case HEMERA_TERM_INTEGER: same_integer (view, bytes, index); break;
  case HEMERA_TERM_FLOAT: same_float (view, bytes, index); break;
  case HEMERA_TERM_ATOM: same_atom (view, bytes, index); break;
  case HEMERA_TERM_BINARY:
  case HEMERA_TERM_BITSTRING: same_bits (view, bytes, index); break;
  case HEMERA_TERM_PID:
  case HEMERA_TERM_PORT:
  case HEMERA_TERM_REFERENCE: same_identity (view, bytes, index); break;
  case HEMERA_TERM_FUN: g_assert_cmpint (ei_skip_term (bytes, index), ==, 0); break;
  default: same_parts (view, bytes, index);
  }
  g_assert_cmpint (*index, ==, end);
}

static void
read_both (gconstpointer data, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (data, size, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GBytes) bytes = hemera_term_to_etf (term);
  int index = 0, version;
  g_assert_cmpint (ei_decode_version (g_bytes_get_data (bytes, NULL), &index, &version), ==, 0);
  same_term (hemera_term_view (term), g_bytes_get_data (bytes, NULL), &index);
  g_assert_cmpuint ((guint) index, ==, g_bytes_get_size (bytes));
}

static void
test_payloads (void)
{
  g_autoptr (GDir) dir = g_dir_open (HEMERA_TEST_DATA "/etf", 0, NULL);
  const char *name;
  guint n = 0;
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (HEMERA_TEST_DATA "/etf", name, NULL), *data = NULL;
    gsize size;
    if (!g_str_has_suffix (name, ".etf"))
      continue;
    g_assert_true (g_file_get_contents (path, &data, &size, NULL));
    read_both (data, size);
    n++;
  }
  g_assert_cmpuint (n, >, 0);
}

#define READ(...)                                                                                            \
  read_both ((const guint8[]){ 131, __VA_ARGS__ }, sizeof ((const guint8[]){ 131, __VA_ARGS__ }))
#define NODE   119, 3, 'a', '@', 'b'
#define LATIN1 100, 0, 3, 233, '@', 'b'

static void
test_identifiers (void)
{
  READ (88, NODE, 0, 0, 0, 1, 0, 0, 0, 2, 255, 0, 0, 3);
  READ (103, LATIN1, 0, 0, 0, 1, 0, 0, 0, 2, 3);
  READ (120, NODE, 1, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4);
  READ (89, NODE, 0, 0, 0, 5, 255, 0, 0, 6);
  READ (102, LATIN1, 0, 0, 0, 5, 2);
  READ (90, 0, 5, NODE, 255, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 5);
  READ (114, 0, 2, LATIN1, 1, 0, 0, 0, 1, 0, 0, 0, 2);
  READ (101, NODE, 0, 0, 0, 9, 2);
}

static void
test_leaves (void)
{
  READ (110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128);                 /* the least int64 */
  READ (110, 8, 1, 1, 0, 0, 0, 0, 0, 0, 128);                 /* one less */
  READ (110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255);   /* the largest uint64 */
  READ (110, 11, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);         /* 7 with leading zeros */
  READ (111, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);       /* 2^64 */
  READ (70, 0x80, 0, 0, 0, 0, 0, 0, 0);                       /* -0.0 */
  READ (77, 0, 0, 0, 2, 3, 255, 224);                         /* 11 bits */
  READ (115, 2, 233, 'a');                                    /* a Latin-1 atom */
  READ (118, 0, 2, 0xd0, 0xb6);                               /* no Latin-1 */
  READ (108, 0, 0, 0, 1, 107, 0, 2, 1, 255, 116, 0, 0, 0, 0); /* an improper list */
  READ (113, NODE, NODE, 97, 2);                              /* fun 'a@b':'a@b'/2 */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/term/ei/payloads", test_payloads);
  g_test_add_func ("/term/ei/identifiers", test_identifiers);
  g_test_add_func ("/term/ei/leaves", test_leaves);
  return g_test_run ();
}

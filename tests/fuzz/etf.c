/* The validating pass; what passes it is walked with every accessor, compared with itself, printed, copied, and written as JSON. */
#include <hemera/etf.h>
#include <hemera/json.h>
#include <hemera/term-builder.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
touch (HemeraView view)
{
  const char *string;
  const guint8 *bytes;
  gint64 number;
  guint64 id;
  double real;
  gboolean truth;
  gsize n;

  g_free (hemera_view_dup_string (view));
  hemera_view_get_int64 (view, &number);
  hemera_view_get_uint64 (view, &id);
  hemera_view_get_snowflake (view, &id);
  hemera_view_get_double (view, &real);
  hemera_view_number (view, 0);
  hemera_view_get_boolean (view, &truth);
  hemera_view_is_null (view);
  hemera_view_get_string (view, &string, &n);
  hemera_view_get_binary (view, &bytes, &n);
  hemera_view_get_bitstring (view, &bytes, &n);
  hemera_view_equals_string (view, "id");
  hemera_view_is_atom (view, "nil");
  hemera_view_element (view, 1);
  hemera_view_get (view, "op");
  g_assert_true (hemera_view_is_valid (view) && hemera_view_type (view) != HEMERA_TERM_INVALID);
}

/* Every second level tells the one around it where it ended; the other has it found out. */
static void
walk (HemeraView view, guint depth, HemeraViewIter *outer)
{
  HemeraViewIter iter;
  HemeraView element, value;
  gsize n = 0;

  touch (view);
  if (depth == 0)
    return;
  hemera_view_iter_init (&iter, view);
  while (hemera_view_iter_next (&iter, &element)) {
    walk (element, depth - 1, &iter);
    n++;
  }
  while (hemera_view_iter_next_pair (&iter, &element, &value)) {
    walk (element, depth - 1, &iter);
    walk (value, depth - 1, &iter);
    n++;
  }
  element = hemera_view_iter_tail (&iter);
  if (hemera_view_is_valid (element))
    walk (element, depth - 1, &iter);
  g_assert_cmpuint (n, ==, hemera_view_length (view));
  if (depth % 2 == 0) {
    gsize size;
    const guint8 *bytes = hemera_view_bytes (view, &size);
    gboolean learns = outer != NULL && outer->is_given && outer->at == bytes && iter.at != NULL;
    hemera_view_iter_leave (outer, &iter);
    g_assert_true (!learns || outer->at == bytes + size);
  }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const HemeraEtfLimits limits = {
    .max_size = 1 << 16, .max_inflated = 1 << 18, .max_depth = 40, .unique_keys = size % 2 == 0
  };
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (data, size, &limits, NULL), copy = NULL,
                         again = NULL;
  g_autoptr (HemeraTermBuilder) builder = NULL;
  g_autoptr (GBytes) etf = NULL;
  HemeraView view = hemera_term_view (term);

  if (term == NULL)
    return 0;
  walk (view, 50, NULL);
  copy = hemera_term_new_from_view (view);
  g_assert_true (hemera_view_equal (view, hemera_term_view (copy)));
  g_assert_cmpint (hemera_view_compare (view, hemera_term_view (copy)), ==, 0);
  etf = hemera_term_to_etf (copy);
  again = hemera_term_new_from_etf (etf, &limits, NULL);
  g_assert_nonnull (again);
  g_free (hemera_view_to_string (view));
  g_free (hemera_view_to_json (view, HEMERA_JSON_SAFE_IDS, NULL));

  builder = hemera_term_builder_new ();
  hemera_term_builder_open_list (builder);
  hemera_term_builder_add_view (builder, view);
  hemera_term_builder_close (builder);
  g_clear_pointer (&copy, hemera_term_unref);
  copy = hemera_term_builder_end (builder, NULL);
  if (copy != NULL) /* it refuses keys that @limits let pass */
    g_assert_true (hemera_view_equal (hemera_view_element (hemera_term_view (copy), 0), view));
  return 0;
}

/* JSON in; what is read is written and read again, and must be the same term and the same text. */
#include <hemera/json.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *copy = g_memdup2 (data, size), *text = NULL, *text_again = NULL; /* data may be NULL */
  g_autoptr (HemeraTerm) term = hemera_term_new_from_json (copy, size, NULL, NULL), again = NULL,
                         checked = NULL;
  g_autoptr (GBytes) etf = NULL;
  const HemeraEtfLimits limits = { .unique_keys = TRUE };

  if (term == NULL)
    return 0;
  text = hemera_view_to_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, NULL);
  g_assert_nonnull (text);
  again = hemera_term_new_from_json (text, strlen (text), NULL, NULL);
  g_assert_nonnull (again);
  g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_term_view (again)));
  text_again = hemera_view_to_json (hemera_term_view (again), HEMERA_JSON_DEFAULT, NULL);
  g_assert_cmpstr (text, ==, text_again);
  /* The bytes that the reader made without the validating pass would pass it. */
  etf = hemera_term_to_etf (term);
  checked = hemera_term_new_from_etf (etf, &limits, NULL);
  g_assert_nonnull (checked);
  return 0;
}

/* Intents by name and number: the documented sums, what is taken and refused, bits without a name. */
#include <hemera/intents.h>

static void
test_totals (void)
{
  g_autofree char *all = hemera_intents_to_string (HEMERA_INTENTS_ALL);
  guint64 intents = 0;

  /* Discord's documented sums are exactly the named bits. */
  g_assert_true (hemera_intents_parse (all, &intents, NULL));
  g_assert_cmpuint (intents, ==, HEMERA_INTENTS_ALL);
  g_assert_cmpuint (HEMERA_INTENTS_ALL & ~HEMERA_INTENTS_PRIVILEGED, ==, HEMERA_INTENTS_NOT_PRIVILEGED);
}

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  guint64 intents = 0;

  g_assert_true (hemera_intents_parse ("513", &intents, NULL));
  g_assert_cmpuint (intents, ==, 513);
  g_assert_true (hemera_intents_parse ("guilds, GUILD_MESSAGES", &intents, NULL));
  g_assert_cmpuint (intents, ==, 513);
  g_assert_false (hemera_intents_parse ("GUILDS,NO_SUCH", &intents, &error));
  g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
}

static void
test_unknown_bits (void)
{
  g_autofree char *text = hemera_intents_to_string (1 | G_GUINT64_CONSTANT (1) << 40);

  g_assert_cmpstr (text, ==, "GUILDS, 1099511627776");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/intents/names/sum-to-the-documented-totals", test_totals);
  g_test_add_func ("/intents/parse/numbers-and-names", test_parse);
  g_test_add_func ("/intents/print/unknown-bits", test_unknown_bits);
  return g_test_run ();
}

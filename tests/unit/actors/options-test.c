/* Options: tokens from everywhere and never shown, urls, shards. */
#include "actors/tree/config.h"

#include <glib/gstdio.h>
#include <hemera/term-builder.h>
#include <string.h>

#define TOKEN "MTk4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"

static HemeraGatewayApiOptions *
options_new (void)
{
  g_autoptr (GError) error = NULL;
  HemeraGatewayApiOptions *options = hemera_gateway_api_options_new (TOKEN, &error);

  g_assert_no_error (error);
  return options;
}

static void
test_defaults (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  guint n;

  g_assert_cmpstr (hemera_gateway_api_options_get_api_url (options), ==, "https://discord.com/api/v10");
  g_assert_cmpint (hemera_gateway_api_options_get_encoding (options), ==, HEMERA_ENCODING_ETF);
  g_assert_cmpint (hemera_gateway_api_options_get_compression (options), ==, HEMERA_COMPRESSION_ZLIB_STREAM);
  g_assert_cmpuint (hemera_gateway_api_options_get_intents (options), ==, 53575421);
  g_assert_cmpuint (hemera_gateway_api_options_get_total_shards (options), ==, 0);
  hemera_gateway_api_options_get_shards (options, &n);
  g_assert_cmpuint (n, ==, 0);
}

static void
test_enums (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();

  g_test_expect_message ("Hemera", G_LOG_LEVEL_CRITICAL, "*assertion*failed");
  hemera_gateway_api_options_set_encoding (options, (HemeraEncoding) 2);
  g_test_expect_message ("Hemera", G_LOG_LEVEL_CRITICAL, "*assertion*failed");
  hemera_gateway_api_options_set_compression (options, (HemeraCompression) -1);
  g_test_assert_expected_messages ();
  g_assert_cmpint (hemera_gateway_api_options_get_encoding (options), ==, HEMERA_ENCODING_ETF);
  g_assert_cmpint (hemera_gateway_api_options_get_compression (options), ==, HEMERA_COMPRESSION_ZLIB_STREAM);
  hemera_gateway_api_options_set_encoding (options, HEMERA_ENCODING_JSON);
  hemera_gateway_api_options_set_compression (options, HEMERA_COMPRESSION_NONE);
  g_assert_cmpint (hemera_gateway_api_options_get_encoding (options), ==, HEMERA_ENCODING_JSON);
  g_assert_cmpint (hemera_gateway_api_options_get_compression (options), ==, HEMERA_COMPRESSION_NONE);
}

static void
test_environment (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayApiOptions) options = NULL;

  g_unsetenv ("HEMERA_TEST_TOKEN");
  g_assert_null (hemera_gateway_api_options_new_from_variable ("HEMERA_TEST_TOKEN", &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
  g_setenv ("HEMERA_TEST_TOKEN", "Bot " TOKEN, TRUE);
  options = hemera_gateway_api_options_new_from_variable ("HEMERA_TEST_TOKEN", NULL);
  g_assert_cmpstr (hemera__token_reveal (hemera__gateway_api_options_config (options)->token), ==, TOKEN);
}

static void
test_file_and_credential (void)
{
  g_autofree char *folder = g_dir_make_tmp ("hemera-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "discord", NULL);
  g_autoptr (HemeraGatewayApiOptions) from_path = NULL, from_credential = NULL;

  g_assert_true (g_file_set_contents (path, TOKEN "\nsecond line\n", -1, NULL));
  from_path = hemera_gateway_api_options_new_from_file (path, NULL);
  g_assert_cmpstr (hemera__token_reveal (hemera__gateway_api_options_config (from_path)->token), ==, TOKEN);
  g_setenv ("CREDENTIALS_DIRECTORY", folder, TRUE);
  from_credential = hemera_gateway_api_options_new_from_file ("discord", NULL);
  g_assert_nonnull (from_credential);
  g_unsetenv ("CREDENTIALS_DIRECTORY");
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_error_hides_token (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hemera_gateway_api_options_new ("secret with\na line", &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
  g_assert_null (strstr (error->message, "secret"));
}

static void
test_urls (void)
{
  static const struct {
    const char *url;
    gboolean good;
  } rows[] = {
    { "https://discord.com/api/v10", TRUE },
    { "http://127.0.0.1:8080", TRUE },
    { "https://[::1]:8443/api/", TRUE },
    { "ftp://discord.com", FALSE },
    { "discord.com", FALSE },
    { "https://", FALSE },
    { "https://a:b@discord.com", FALSE },
    { "https://discord.com/?x=1", FALSE },
    { "", FALSE },
  };
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (hemera_gateway_api_options_set_api_url (options, rows[i].url, &error), ==, rows[i].good);
    g_assert_cmpint (error == NULL, ==, rows[i].good);
  }
  g_assert_cmpstr (hemera_gateway_api_options_get_api_url (options), ==, "https://[::1]:8443/api");
}

static void
test_shards (void)
{
  const guint shards[] = { 3, 1, 3, 0 };
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  const guint *sorted;
  guint n;

  hemera_gateway_api_options_set_shards (options, shards, G_N_ELEMENTS (shards));
  sorted = hemera_gateway_api_options_get_shards (options, &n);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (sorted[0], ==, 0);
  g_assert_cmpuint (sorted[1], ==, 1);
  g_assert_cmpuint (sorted[2], ==, 3);
}

static void
test_files (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();

  g_assert_null (hemera_gateway_api_options_get_ca_file (options));
  g_assert_null (hemera_gateway_api_options_get_session_file (options));
  hemera_gateway_api_options_set_ca_file (options, "ca.pem");
  hemera_gateway_api_options_set_session_file (options, "sessions");
  g_assert_cmpstr (hemera_gateway_api_options_get_ca_file (options), ==, "ca.pem");
  g_assert_cmpstr (hemera_gateway_api_options_get_session_file (options), ==, "sessions");
  hemera_gateway_api_options_set_ca_file (options, NULL);
  g_assert_null (hemera_gateway_api_options_get_ca_file (options));
}

static void
test_large_threshold (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();

  hemera_gateway_api_options_set_large_threshold (options, 1000);
  g_assert_cmpuint (hemera_gateway_api_options_get_large_threshold (options), ==, 250);
  hemera_gateway_api_options_set_large_threshold (options, 1);
  g_assert_cmpuint (hemera_gateway_api_options_get_large_threshold (options), ==, 50);
}

static void
test_no_token_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("hemera-XXXXXX", NULL);
  g_autofree char *missing = g_build_filename (folder, "missing", NULL);
  const char *const paths[] = { missing, folder };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (hemera_gateway_api_options_new_from_file (paths[i], &error));
    g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
    g_assert_nonnull (strstr (error->message, paths[i]));
  }
  g_rmdir (folder);
}

static void
test_restarts (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  const HemeraGatewayConfig *config = hemera__gateway_api_options_config (options);

  hemera_gateway_api_options_set_restart_backoff (options, 7, 70);
  hemera_gateway_api_options_set_restart_intensity (options, 3, 30);
  g_assert_cmpuint (config->restart_base_ms, ==, 7);
  g_assert_cmpuint (config->restart_cap_ms, ==, 70);
  g_assert_cmpuint (config->intensity, ==, 3);
  g_assert_cmpuint (config->period_ms, ==, 30);
  hemera_gateway_api_options_set_restart_backoff (options, 0, 0); /* the defaults again */
  hemera_gateway_api_options_set_restart_intensity (options, 0, 0);
  g_assert_cmpuint (config->restart_base_ms, ==, 500);
  g_assert_cmpuint (config->restart_cap_ms, ==, 60000);
  g_assert_cmpuint (config->intensity, ==, 5);
  g_assert_cmpuint (config->period_ms, ==, 60000);
}

static void
test_times (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  const HemeraGatewayConfig *config = hemera__gateway_api_options_config (options);

  hemera_gateway_api_options_set_invalid_session_wait (options, 11, 12);
  g_assert_cmpuint (config->times.invalid_session_min_ms, ==, 11);
  g_assert_cmpuint (config->times.invalid_session_max_ms, ==, 12);
  hemera_gateway_api_options_set_connect_timeout (options, 13);
  hemera_gateway_api_options_set_hello_timeout (options, 14);
  hemera_gateway_api_options_set_ready_timeout (options, 15);
  hemera_gateway_api_options_set_resumed_timeout (options, 16);
  hemera_gateway_api_options_set_close_timeout (options, 17);
  g_assert_cmpuint (config->times.resolve_ms, ==, 13);
  g_assert_cmpuint (config->times.connect_ms, ==, 13);
  g_assert_cmpuint (config->times.hello_ms, ==, 14);
  g_assert_cmpuint (config->times.ready_ms, ==, 15);
  g_assert_cmpuint (config->times.resumed_ms, ==, 16);
  g_assert_cmpuint (config->times.close_ms, ==, 17);
  hemera_gateway_api_options_set_session_floor (options, 18);
  g_assert_cmpuint (config->session_floor, ==, 18);
}

static void
test_identity (void)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  const HemeraGatewayConfig *config = hemera__gateway_api_options_config (options);
  g_autoptr (HemeraTerm) presence = hemera_term_new_atom ("idle");

  hemera_gateway_api_options_set_properties (options, "os", "browser", "device");
  g_assert_cmpstr (config->os, ==, "os");
  g_assert_cmpstr (config->browser, ==, "browser");
  g_assert_cmpstr (config->device, ==, "device");
  hemera_gateway_api_options_set_presence (options, presence);
  hemera_gateway_api_options_set_presence (options, presence);
  g_assert_true (config->presence == presence);
  hemera_gateway_api_options_set_presence (options, NULL);
  g_assert_null (config->presence);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/defaults", test_defaults);
  g_test_add_func ("/options/enums", test_enums);
  g_test_add_func ("/options/token/environment", test_environment);
  g_test_add_func ("/options/token/file-and-credential", test_file_and_credential);
  g_test_add_func ("/options/token/not-in-errors", test_error_hides_token);
  g_test_add_func ("/options/api-url", test_urls);
  g_test_add_func ("/options/shards/sorted-and-unique", test_shards);
  g_test_add_func ("/options/files", test_files);
  g_test_add_func ("/options/large-threshold/range", test_large_threshold);
  g_test_add_func ("/options/token/no-file", test_no_token_file);
  g_test_add_func ("/options/restarts", test_restarts);
  g_test_add_func ("/options/times", test_times);
  g_test_add_func ("/options/identity", test_identity);
  return g_test_run ();
}

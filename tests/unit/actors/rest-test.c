/* Answers of the REST API: each hostile one has a clear end. */
#include "actors/rest/fetch.h"

#define GOOD_LIMIT                                                                                           \
  "\"session_start_limit\":{\"total\":1000,\"remaining\":997,\"reset_after\":14400000,\"max_concurrency\":"  \
  "2}"

static HemeraGatewayBot *
parse (const char *text, gboolean plain, GError **error)
{
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));

  return hemera__gateway_bot_parse (body, TRUE, plain, error);
}

static void
test_good (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraGatewayBot) bot =
      parse ("{\"url\":\"wss://gateway.discord.gg\",\"shards\":4," GOOD_LIMIT "}", FALSE, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (hemera_gateway_bot_get_url (bot), ==, "wss://gateway.discord.gg");
  g_assert_cmpuint (hemera_gateway_bot_get_shards (bot), ==, 4);
  g_assert_cmpuint (hemera_gateway_bot_get_total (bot), ==, 1000);
  g_assert_cmpuint (hemera_gateway_bot_get_remaining (bot), ==, 997);
  g_assert_cmpuint (hemera_gateway_bot_get_reset_after_ms (bot), ==, 14400000);
  g_assert_cmpuint (hemera_gateway_bot_get_max_concurrency (bot), ==, 2);
}

static void
test_bad (gconstpointer text)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (parse (text, FALSE, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST);
}

static void
test_plain_url (void)
{
  const char *text = "{\"url\":\"ws://127.0.0.1:8080\",\"shards\":1," GOOD_LIMIT "}";
  g_autoptr (HemeraGatewayBot) bot = parse (text, TRUE, NULL);

  g_assert_nonnull (bot);
  test_bad (text);
}

static void
test_gateway_needs_url_only (void)
{
  const char *text = "{\"url\":\"wss://gateway.discord.gg/\"}";
  g_autoptr (GBytes) body = g_bytes_new_static (text, strlen (text));
  g_autoptr (HemeraGatewayBot) bot = hemera__gateway_bot_parse (body, FALSE, FALSE, NULL);

  g_assert_nonnull (bot);
}

/* ---- verdicts ------------------------------------------------------------------------------------------------ */

static HemeraFetchVerdict
judge (guint status, const char *text, const char *retry_after, guint64 *wait_ms, GError **error)
{
  HemeraHttpResponse response = { .status = status,
                                  .retry_after = (char *) retry_after,
                                  .body = g_bytes_new_static (text, strlen (text)) };
  HemeraGatewayBot *bot = NULL;
  HemeraFetchVerdict verdict = hemera__fetch_judge (&response, TRUE, FALSE, &bot, wait_ms, error);

  g_clear_pointer (&bot, hemera_gateway_bot_unref);
  g_bytes_unref (response.body);
  return verdict;
}

static void
test_unauthorized (void)
{
  g_autoptr (GError) error = NULL;
  guint64 wait_ms;

  g_assert_cmpint (judge (401, "{}", NULL, &wait_ms, &error), ==, HEMERA_FETCH_FAIL);
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_UNAUTHORIZED);
}

static void
test_too_many_requests (void)
{
  static const struct {
    const char *header, *body;
    guint64 ms;
  } rows[] = {
    { "2", "{}", 2000 },
    { NULL, "{\"retry_after\":1.5,\"global\":false}", 1500 },
    { "1", "{\"retry_after\":3}", 3000 },
    { "0", "{}", 250 },
    { "-5", "not json", 250 },
    { "nan", "{\"retry_after\":\"x\"}", 250 },
    { "inf", "", 250 },
    { "inf", "{\"retry_after\":2}", 2000 },
    { "99999999999", "{}", 3600000 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    guint64 wait_ms;

    g_assert_cmpint (judge (429, rows[i].body, rows[i].header, &wait_ms, &error), ==, HEMERA_FETCH_RETRY);
    g_assert_cmpuint (wait_ms, ==, rows[i].ms);
  }
}

static void
test_statuses (void)
{
  static const struct {
    guint status;
    HemeraFetchVerdict verdict;
  } rows[] = {
    { 500, HEMERA_FETCH_RETRY }, { 502, HEMERA_FETCH_RETRY }, { 503, HEMERA_FETCH_RETRY },
    { 403, HEMERA_FETCH_FAIL },  { 404, HEMERA_FETCH_FAIL },  { 301, HEMERA_FETCH_FAIL },
    { 200, HEMERA_FETCH_FAIL }, /* and no JSON */
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    guint64 wait_ms;

    g_assert_cmpint (judge (rows[i].status, "<html>", NULL, &wait_ms, &error), ==, rows[i].verdict);
    g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST);
  }
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *path, *text;
  } bad[] = {
    { "/rest/bot/empty", "" },
    { "/rest/bot/not-json", "<html>502</html>" },
    { "/rest/bot/no-object", "[1,2]" },
    { "/rest/bot/no-url", "{\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/url-is-a-number", "{\"url\":7,\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/https-url", "{\"url\":\"https://gateway.discord.gg\",\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/url-without-host", "{\"url\":\"wss:///x\",\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/url-with-a-user", "{\"url\":\"wss://a:b@gateway.discord.gg\",\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/url-with-a-fragment",
      "{\"url\":\"wss://gateway.discord.gg/#x\",\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/url-with-a-bad-port",
      "{\"url\":\"wss://gateway.discord.gg:99999/\",\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/url-with-blanks", "{\"url\":\"wss://gateway.discord.gg/a b\",\"shards\":1," GOOD_LIMIT "}" },
    { "/rest/bot/no-shards", "{\"url\":\"wss://gateway.discord.gg\"," GOOD_LIMIT "}" },
    { "/rest/bot/0-shards", "{\"url\":\"wss://gateway.discord.gg\",\"shards\":0," GOOD_LIMIT "}" },
    { "/rest/bot/negative-shards", "{\"url\":\"wss://gateway.discord.gg\",\"shards\":-1," GOOD_LIMIT "}" },
    { "/rest/bot/too-many-shards",
      "{\"url\":\"wss://gateway.discord.gg\",\"shards\":4000000000," GOOD_LIMIT "}" },
    { "/rest/bot/no-limit", "{\"url\":\"wss://gateway.discord.gg\",\"shards\":1}" },
    { "/rest/bot/0-concurrency",
      "{\"url\":\"wss://"
      "gateway.discord.gg\",\"shards\":1,\"session_start_limit\":{\"total\":1,\"remaining\":1,"
      "\"reset_after\":0,\"max_concurrency\":0}}" },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rest/bot/good", test_good);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_test_add_data_func (bad[i].path, bad[i].text, test_bad);
  g_test_add_func ("/rest/bot/ws-url-for-a-plain-api-only", test_plain_url);
  g_test_add_func ("/rest/gateway/url-only", test_gateway_needs_url_only);
  g_test_add_func ("/rest/status/401", test_unauthorized);
  g_test_add_func ("/rest/status/429", test_too_many_requests);
  g_test_add_func ("/rest/status/others", test_statuses);
  return g_test_run ();
}

/* The command line of hemera-tail, checked whole before anything connects. */
#include "tail.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Named by the contract and not built yet: refused rather than ignored. */
static gboolean
refuse (const char *name, const char *value, gpointer data, GError **error)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s is not built yet", name);
  return FALSE;
}

G_GNUC_PRINTF (2, 3)
static gboolean
fail (GError **error, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, text);
  return FALSE;
}

static gboolean
parse_number (const char *text, guint64 max, guint64 *value)
{
  return g_ascii_string_to_unsigned (text, 10, 0, max, value, NULL);
}

/* Not set before parsing: GOption does not free what it replaces. */
static void
fill_default (char **option, const char *value)
{
  if (*option == NULL)
    *option = g_strdup (value);
}

/* "0-3", "0,2", "0-1,4": ascending or not, each once. */
static gboolean
parse_shards (TailOptions *self, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (self->shards, ",", -1);

  if (parts[0] == NULL)
    return fail (error, "--shards: a list like 0-3 or 0,2 is wanted");
  for (guint i = 0; parts[i] != NULL; i++) {
    g_auto (GStrv) ends = g_strsplit (parts[i], "-", 2);
    guint64 first, last;

    if (ends[0] == NULL || !parse_number (ends[0], 99999, &first)
        || !parse_number (ends[1] != NULL ? ends[1] : ends[0], 99999, &last) || last < first
        || last - first > 4096)
      return fail (error, "--shards %s: a list like 0-3 or 0,2 is wanted", self->shards);
    for (guint shard = (guint) first; shard <= last; shard++) {
      for (guint k = 0; k < self->shard_ids->len; k++)
        if (g_array_index (self->shard_ids, guint, k) == shard)
          return fail (error, "--shards %s: %u stands twice", self->shards, shard);
      g_array_append_val (self->shard_ids, shard);
      if (self->total_shards > 0 && shard >= (guint) self->total_shards)
        return fail (error, "--shards %s: there is no shard %u of %d", self->shards, shard,
                     self->total_shards);
    }
  }
  return TRUE;
}

static gboolean
parse_output (TailOptions *self, GError **error)
{
  static const char *const names[] = { "pretty", "json", "count", "none" };

  if (self->output == NULL) {
    self->mode = isatty (STDOUT_FILENO) ? OUTPUT_PRETTY : OUTPUT_JSON;
    return TRUE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (self->output, names[i])) {
      self->mode = (OutputMode) i;
      return TRUE;
    }
  }
  return fail (error, "--output %s: pretty, json, count or none is wanted", self->output);
}

/* -1: not given, so only those that have it as their default may be it. */
static gboolean
check_numbers (TailOptions *self, GError **error)
{
  const struct {
    const char *name;
    gint64 value, least;
  } numbers[] = {
    { "total-shards", self->total_shards, 0 },
    { "max-events", self->max_events, 0 },
    { "timeout", self->timeout_s, 0 },
    { "chaos-kills", self->chaos_kills, 0 },
    { "rest-timeout-ms", self->rest_timeout_ms, -1 },
    { "identify-spacing-ms", self->identify_spacing_ms, -1 },
    { "cool-down-ms", self->cool_down_ms, -1 },
    { "backoff-base-ms", self->backoff_base_ms, -1 },
    { "backoff-cap-ms", self->backoff_cap_ms, -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    if (numbers[i].value < numbers[i].least)
      return fail (error, "--%s %" G_GINT64_FORMAT ": that is negative", numbers[i].name, numbers[i].value);
  if (!(self->chaos_kill_s >= 0))
    return fail (error, "--chaos-kill %g: that is negative, or no number", self->chaos_kill_s);
  return TRUE;
}

static gboolean
check (TailOptions *self, GError **error)
{
  if (!g_str_equal (self->encoding, "etf") && !g_str_equal (self->encoding, "json"))
    return fail (error, "--encoding %s: etf or json is wanted", self->encoding);
  if (g_str_equal (self->compress, "payload") && g_str_equal (self->encoding, "etf"))
    return fail (
        error, "--compress payload goes with --encoding json only: Discord compresses no single ETF payload");
  if (g_str_equal (self->compress, "zstd-stream") || g_str_equal (self->compress, "payload"))
    return fail (error, "--compress %s is not built yet: none or zlib-stream", self->compress);
  if (!g_str_equal (self->compress, "none") && !g_str_equal (self->compress, "zlib-stream"))
    return fail (error, "--compress %s: none or zlib-stream is wanted", self->compress);
  if (!check_numbers (self, error))
    return FALSE;
  if (self->total_shards > 100000)
    return fail (error, "--total-shards %d: that is more than there are", self->total_shards);
  if (self->shards != NULL && self->total_shards == 0)
    return fail (error, "--shards wants --total-shards");
  if (self->intents != NULL && !hemera_intents_parse (self->intents, &self->intents_value, error))
    return FALSE;
  return (self->shards == NULL || parse_shards (self, error)) && parse_output (self, error);
}

int
tail_options_parse (TailOptions *self, int argc, char **argv)
{
  gboolean version = FALSE;
  const GOptionEntry entries[] = {
    { "api-url", 0, 0, G_OPTION_ARG_STRING, &self->api_url, "REST base (default https://discord.com/api/v10)",
      "URL" },
    { "token-env", 0, 0, G_OPTION_ARG_STRING, &self->token_env,
      "Variable that holds the token (default DISCORD_TOKEN)", "NAME" },
    { "encoding", 0, 0, G_OPTION_ARG_STRING, &self->encoding, "etf or json (default etf)", "NAME" },
    { "compress", 0, 0, G_OPTION_ARG_STRING, &self->compress, "none or zlib-stream (default zlib-stream)",
      "NAME" },
    { "shards", 0, 0, G_OPTION_ARG_STRING, &self->shards, "0-3 or 0,2 (default all)", "LIST" },
    { "total-shards", 0, 0, G_OPTION_ARG_INT, &self->total_shards,
      "Number of shards (default what the API recommends)", "N" },
    { "intents", 0, 0, G_OPTION_ARG_STRING, &self->intents,
      "A number, or names joined by commas (default all that are not privileged)", "N|NAMES" },
    { "ca-file", 0, 0, G_OPTION_ARG_FILENAME, &self->ca_file, "Extra trust anchor", "PEM" },
    { "max-events", 0, 0, G_OPTION_ARG_INT, &self->max_events, "Exit 0 after N dispatches", "N" },
    { "timeout", 0, 0, G_OPTION_ARG_INT, &self->timeout_s, "Exit 3 after so many seconds", "SECONDS" },
    { "output", 0, 0, G_OPTION_ARG_STRING, &self->output,
      "pretty, json, count or none (default pretty on a terminal, else json)", "FORM" },
    { "record", 0, 0, G_OPTION_ARG_FILENAME, &self->record, "Also write the json form to a file", "FILE" },
    { "session-file", 0, 0, G_OPTION_ARG_FILENAME, &self->session_file,
      "Keep sessions across runs: the next run resumes", "FILE" },
    { "identify-spacing-ms", 0, 0, G_OPTION_ARG_INT, &self->identify_spacing_ms,
      "Time between two identifies of a bucket (default 5000)", "MS" },
    { "backoff-base-ms", 0, 0, G_OPTION_ARG_INT, &self->backoff_base_ms,
      "First reconnect delay's bound (default 1000)", "MS" },
    { "backoff-cap-ms", 0, 0, G_OPTION_ARG_INT, &self->backoff_cap_ms,
      "Largest reconnect delay (default 60000)", "MS" },
    { "rest-timeout-ms", 0, 0, G_OPTION_ARG_INT, &self->rest_timeout_ms,
      "How long the API may take to answer (default 15000)", "MS" },
    { "cool-down-ms", 0, 0, G_OPTION_ARG_INT, &self->cool_down_ms,
      "Pause before a shard that gave up is started again (default 300000)", "MS" },
    { "chaos-kill", 0, 0, G_OPTION_ARG_DOUBLE, &self->chaos_kill_s,
      "Kill a shard's actor every so many seconds, at random moments", "SECONDS" },
    { "chaos-kills", 0, 0, G_OPTION_ARG_INT, &self->chaos_kills,
      "Kill so many, then no more (default no end)", "N" },
    { "chaos-seed", 0, 0, G_OPTION_ARG_INT, &self->chaos_seed, "Seed of the kills", "N" },
    { "cache", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, refuse, "Keep the cache (not built yet)",
      NULL },
    { "cache-snapshot", 0, 0, G_OPTION_ARG_CALLBACK, refuse, "Write the cache at exit (not built yet)",
      "FILE" },
    { "node", 0, 0, G_OPTION_ARG_CALLBACK, refuse, "Join an Erlang cluster (not built yet)", "NAME@HOST" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- connect to Discord's gateway and print what comes");
  g_autoptr (GError) error = NULL;

  memset (self, 0, sizeof *self);
  self->shard_ids = g_array_new (FALSE, FALSE, sizeof (guint));
  self->identify_spacing_ms = self->cool_down_ms = self->rest_timeout_ms = self->backoff_base_ms =
      self->backoff_cap_ms = -1;
  g_option_context_add_main_entries (context, entries, NULL);
  g_option_context_set_description (
      context,
      "Standard input: a line {\"shard\":0,\"op\":3,\"d\":{...}} each is sent (ops 3, 4, 8, 31, 43).\n"
      "Exit: 0 done, 2 usage, 3 timed out, 4 fatal close or authentication failure.\n");
  if (g_option_context_parse (context, &argc, &argv, &error) && argc > 1)
    fail (&error, "unknown argument %s", argv[1]);
  fill_default (&self->encoding, "etf");
  fill_default (&self->compress, "zlib-stream");
  fill_default (&self->token_env, "DISCORD_TOKEN");
  if (error == NULL && version) {
    g_print ("hemera-tail %d.%d.%d\n", HEMERA_MAJOR_VERSION, HEMERA_MINOR_VERSION, HEMERA_MICRO_VERSION);
    return EXIT_DONE;
  }
  if (error == NULL && check (self, &error))
    return -1;
  g_printerr ("hemera-tail: %s\n", error->message);
  return EXIT_USAGE;
}

void
tail_options_clear (TailOptions *self)
{
  g_free (self->api_url);
  g_free (self->token_env);
  g_free (self->encoding);
  g_free (self->compress);
  g_free (self->shards);
  g_free (self->intents);
  g_free (self->ca_file);
  g_free (self->session_file);
  g_free (self->output);
  g_free (self->record);
  g_array_unref (self->shard_ids);
}

HemeraGatewayApiOptions *
tail_options_to_gateway (const TailOptions *self, GError **error)
{
  g_autoptr (HemeraGatewayApiOptions) options =
      hemera_gateway_api_options_new_from_variable (self->token_env, error);

  if (options == NULL
      || (self->api_url != NULL && !hemera_gateway_api_options_set_api_url (options, self->api_url, error)))
    return NULL;
  hemera_gateway_api_options_set_encoding (
      options, g_str_equal (self->encoding, "etf") ? HEMERA_ENCODING_ETF : HEMERA_ENCODING_JSON);
  hemera_gateway_api_options_set_compression (options, g_str_equal (self->compress, "none")
                                                           ? HEMERA_COMPRESSION_NONE
                                                           : HEMERA_COMPRESSION_ZLIB_STREAM);
  hemera_gateway_api_options_set_ca_file (options, self->ca_file);
  hemera_gateway_api_options_set_session_file (options, self->session_file);
  hemera_gateway_api_options_set_total_shards (options, (guint) self->total_shards);
  hemera_gateway_api_options_set_shards (options, (const guint *) (gconstpointer) self->shard_ids->data,
                                         self->shard_ids->len);
  if (self->intents != NULL)
    hemera_gateway_api_options_set_intents (options, self->intents_value);
  if (self->identify_spacing_ms >= 0)
    hemera_gateway_api_options_set_identify_spacing (options, (guint) self->identify_spacing_ms);
  if (self->rest_timeout_ms > 0)
    hemera_gateway_api_options_set_rest_timeout (options, (guint) self->rest_timeout_ms);
  if (self->cool_down_ms >= 0)
    hemera_gateway_api_options_set_cool_down (options, (guint) self->cool_down_ms);
  if (self->backoff_base_ms >= 0 || self->backoff_cap_ms >= 0) {
    guint base = (guint) MAX (self->backoff_base_ms, 0), cap = (guint) MAX (self->backoff_cap_ms, 0);

    hemera_gateway_api_options_set_backoff (options, base, cap, 0);
    hemera_gateway_api_options_set_restart_backoff (options, base, cap);
    hemera_gateway_api_options_set_invalid_session_wait (options, base, MAX (base, cap));
  }
  return g_steal_pointer (&options);
}

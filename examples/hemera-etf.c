/* hemera-etf: converts terms between Erlang's external term format, JSON and text, from standard input to standard output.
 *
 * With --frames it is a filter over a stream of terms, each behind a 4-byte big-endian length: it holds one term at a time, and writes
 * out what it has before it waits for more, so that it can serve as a co-process. */
#include "etf-io.h"

#include <hemera/json.h>
#include <hemera/version.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_BAD_INPUT = 1, EXIT_USAGE = 2 };

#define MAX_SIZE (16u * 1024 * 1024) /* bytes of one term on the wire */

typedef enum {
  FORM_NONE,
  FORM_ETF,
  FORM_JSON,
  FORM_TEXT,
} Form;

typedef struct {
  Form from, to;
  gboolean frames;
  HemeraJsonFlags json_flags;
} Options;

/* ---- one term ----------------------------------------------------------------------------------------------------------------------- */

static gboolean
convert (const Options *options, const guint8 *data, gsize size, GString *out, GError **error)
{
  const HemeraEtfLimits limits = { .max_size = MAX_SIZE, .unique_keys = TRUE };
  g_autoptr (HemeraTerm) term = NULL;
  g_autoptr (GBytes) etf = NULL;

  if (options->from == FORM_JSON)
    term = hemera_term_new_from_json ((const char *) data, size, &limits, error);
  else
    term = hemera_term_new_from_etf_data (data, size, &limits, error);
  if (term == NULL)
    return FALSE;

  switch (options->to) {
  case FORM_ETF:
    etf = hemera_term_to_etf (term);
    g_string_append_len (out, g_bytes_get_data (etf, NULL), (gssize) g_bytes_get_size (etf));
    return TRUE;
  case FORM_JSON: return hemera_view_append_json (hemera_term_view (term), options->json_flags, out, error);
  case FORM_TEXT: hemera_view_append_string (hemera_term_view (term), out); return TRUE;
  case FORM_NONE: break;
  }
  g_assert_not_reached ();
}

/* All of the input, growing with what comes rather than with the limit. */
static gboolean
read_all (GByteArray *input, GError **error)
{
  gsize step = 64 * 1024, got;

  do {
    guint before = input->len;

    g_byte_array_set_size (input, before + (guint) step);
    if (!etf_read (input->data + before, step, &got, error))
      return FALSE;
    g_byte_array_set_size (input, before + (guint) got);
    if (input->len > MAX_SIZE) {
      g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
                   "the input is larger than %u bytes at byte %u", MAX_SIZE, MAX_SIZE);
      return FALSE;
    }
  } while (got == step);
  return TRUE;
}

static gboolean
convert_whole (const Options *options, GError **error)
{
  g_autoptr (GByteArray) input = g_byte_array_new ();
  g_autoptr (GString) out = g_string_new (NULL);

  if (!read_all (input, error) || !convert (options, input->data, input->len, out, error))
    return FALSE;
  if (options->to != FORM_ETF && isatty (STDOUT_FILENO))
    g_string_append_c (out, '\n');
  return etf_write (out->str, out->len, error);
}

/* ---- a stream of terms ------------------------------------------------------------------------------------------------------------- */

/* One frame into @input; FALSE without an error at the end of the stream. */
static gboolean
read_frame (GByteArray *input, guint64 offset, GError **error)
{
  guint8 head[4];
  guint32 size;
  gsize got;

  if (!etf_read (head, sizeof head, &got, error))
    return FALSE;
  if (got == 0)
    return FALSE;
  if (got < sizeof head) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRUNCATED,
                 "the input ends inside a frame's length at byte %" G_GUINT64_FORMAT, offset + got);
    return FALSE;
  }
  memcpy (&size, head, 4);
  size = GUINT32_FROM_BE (size);
  if (size > MAX_SIZE) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
                 "a frame of %u bytes is larger than %u at byte %" G_GUINT64_FORMAT, size, MAX_SIZE, offset);
    return FALSE;
  }
  g_byte_array_set_size (input, 0);
  /* In steps, for a length alone is no reason to take memory. */
  while (input->len < size) {
    guint before = input->len, step = MIN (size - before, 64 * 1024 + before);

    g_byte_array_set_size (input, before + step);
    if (!etf_read (input->data + before, step, &got, error))
      return FALSE;
    if (got < step) {
      g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRUNCATED,
                   "the input ends inside a frame of %u bytes at byte %" G_GUINT64_FORMAT, size,
                   offset + 4 + before + got);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
write_frame (const Options *options, GString *out, GError **error)
{
  guint32 head;

  if (options->to == FORM_TEXT) {
    g_string_append_c (out, '\n');
    return etf_write (out->str, out->len, error);
  }
  if (out->len > G_MAXUINT32) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE, "the output is too large for a frame");
    return FALSE;
  }
  head = GUINT32_TO_BE ((guint32) out->len);
  return etf_write (&head, 4, error) && etf_write (out->str, out->len, error);
}

static gboolean
convert_frames (const Options *options, GError **error)
{
  g_autoptr (GByteArray) input = g_byte_array_new ();
  g_autoptr (GString) out = g_string_new (NULL);
  GError *local = NULL;
  guint64 offset = 0;

  for (guint64 n = 1; read_frame (input, offset, &local); n++) {
    g_string_truncate (out, 0);
    if (!convert (options, input->data, input->len, out, &local)) {
      g_propagate_prefixed_error (
          error, local,
          "frame %" G_GUINT64_FORMAT ", whose term begins at byte %" G_GUINT64_FORMAT " of the input: ", n,
          offset + 4);
      return FALSE;
    }
    if (!write_frame (options, out, error))
      return FALSE;
    offset += 4 + input->len;
  }
  if (local != NULL)
    g_propagate_error (error, local);
  return local == NULL;
}

/* ---- the command line -------------------------------------------------------------------------------------------------------------- */

static int
usage_error (const char *what)
{
  fprintf (stderr, "hemera-etf: %s; see hemera-etf --help\n", what);
  return EXIT_USAGE;
}

/* Writes out the terms that stand in front of an error, too. */
static int
finish (gboolean ok, const GError *error)
{
  g_autoptr (GError) late = NULL;

  if (etf_flush (&late) && ok)
    return 0;
  fprintf (stderr, "hemera-etf: %s\n", ok ? late->message : error->message);
  return EXIT_BAD_INPUT;
}

static Form
parse_form (const char *name)
{
  if (g_strcmp0 (name, "etf") == 0)
    return FORM_ETF;
  if (g_strcmp0 (name, "json") == 0)
    return FORM_JSON;
  if (g_strcmp0 (name, "text") == 0)
    return FORM_TEXT;
  return FORM_NONE;
}

int
main (int argc, char **argv)
{
  g_autofree char *from = NULL, *to = NULL;
  gboolean frames = FALSE, safe_ids = FALSE, version = FALSE, ok;
  const GOptionEntry entries[] = {
    { "from", 0, 0, G_OPTION_ARG_STRING, &from, "What the input is", "etf|json" },
    { "to", 0, 0, G_OPTION_ARG_STRING, &to, "What the output is", "etf|json|text" },
    { "frames", 0, 0, G_OPTION_ARG_NONE, &frames,
      "A stream of terms, each behind a 4-byte big-endian length; text is written as a line a term", NULL },
    { "safe-ids", 0, 0, G_OPTION_ARG_NONE, &safe_ids, "Write integers beyond +-(2^53-1) as JSON strings",
      NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- convert terms from standard input to standard output");
  g_autoptr (GError) error = NULL;
  Options options;

  g_option_context_set_description (
      context,
      "Limits: a term has at most 16 MiB (64 MiB when it was compressed) and 512 levels; integers in JSON\n"
      "have about a million digits at most.\n"
      "Exit status: 0 done, 1 bad input or output (one line on standard error), 2 usage.\n");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return usage_error (error->message);
  if (version) {
    g_autofree char *line = g_strdup_printf ("hemera-etf %d.%d.%d\n", HEMERA_MAJOR_VERSION,
                                             HEMERA_MINOR_VERSION, HEMERA_MICRO_VERSION);

    ok = etf_write (line, strlen (line), &error);
    return finish (ok, error);
  }
  options = (Options){ parse_form (from), parse_form (to), frames,
                       safe_ids ? HEMERA_JSON_SAFE_IDS : HEMERA_JSON_DEFAULT };
  if (argc > 1)
    return usage_error ("there are no arguments beside the options");
  if (options.from == FORM_NONE || options.from == FORM_TEXT)
    return usage_error ("--from wants etf or json");
  if (options.to == FORM_NONE)
    return usage_error ("--to wants etf, json or text");

  ok = options.frames ? convert_frames (&options, &error) : convert_whole (&options, &error);
  return finish (ok, error);
}

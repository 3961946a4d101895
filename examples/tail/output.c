/* What hemera-tail prints: every message of a shard as a line of JSON, as a line for people, or counted. */
#include "tail.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct _TailOutput {
  OutputMode mode;
  FILE *record; /* (nullable): the json form, whatever the mode */
  GString *line;
  gboolean colours;
  gboolean is_broken;
  guint64 events, events_before;
  guint64 resumes, restarts, gaps;
  GHashTable *active; /* shards that are */
  guint progress;
};

static void
write_line (TailOutput *self, FILE *to)
{
  g_string_append_c (self->line, '\n');
  if (fwrite (self->line->str, 1, self->line->len, to) != self->line->len || fflush (to) != 0)
    self->is_broken = TRUE;
}

/* A line of JSON goes to standard output when that is the mode, and to the record in every mode. */
static void
write_json (TailOutput *self)
{
  if (self->mode == OUTPUT_JSON)
    write_line (self, stdout);
  if (self->record != NULL) {
    if (self->mode == OUTPUT_JSON)
      g_string_truncate (self->line, self->line->len - 1); /* the end of line that is written already */
    write_line (self, self->record);
  }
}

static gboolean
print_progress (gpointer data)
{
  TailOutput *self = data;

  g_string_printf (self->line,
                   "events %" G_GUINT64_FORMAT " (%" G_GUINT64_FORMAT
                   "/s), shards active %u, resumes %" G_GUINT64_FORMAT ", restarts %" G_GUINT64_FORMAT
                   ", gaps %" G_GUINT64_FORMAT,
                   self->events, self->events - self->events_before, g_hash_table_size (self->active),
                   self->resumes, self->restarts, self->gaps);
  self->events_before = self->events;
  write_line (self, stdout);
  return G_SOURCE_CONTINUE;
}

TailOutput *
tail_output_new (OutputMode mode, const char *record, GError **error)
{
  TailOutput *self = g_new0 (TailOutput, 1);

  self->mode = mode;
  self->line = g_string_sized_new (4096);
  self->colours = isatty (STDOUT_FILENO) && g_getenv ("NO_COLOR") == NULL;
  self->active = g_hash_table_new (NULL, NULL);
  if (record != NULL && (self->record = fopen (record, "we")) == NULL) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", record, g_strerror (errno));
    tail_output_free (self);
    return NULL;
  }
  if (mode == OUTPUT_COUNT)
    self->progress = g_timeout_add_seconds (1, print_progress, self);
  return self;
}

void
tail_output_free (TailOutput *self)
{
  if (self->progress != 0) {
    g_source_remove (self->progress);
    print_progress (self);
  }
  if (self->record != NULL)
    fclose (self->record);
  g_string_free (self->line, TRUE);
  g_hash_table_unref (self->active);
  g_free (self);
}

gboolean
tail_output_is_open (TailOutput *self)
{
  return !self->is_broken;
}

/* ---- json: an object a line ---------------------------------------------------------------------------------------------------- */

static void
append_json_text (GString *out, const char *key, const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  g_autoptr (HemeraTerm) term = hemera_term_new_string (valid);

  g_string_append_printf (out, ",\"%s\":", key);
  hemera_view_append_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, out, NULL);
}

static void
append_json_number (GString *out, const char *key, gint64 value)
{
  g_string_append_printf (out, ",\"%s\":%" G_GINT64_FORMAT, key, value);
}

static void
append_json_data (GString *out, HemeraShardMessage *message)
{
  HemeraEvent *event = hemera_shard_message_get_event (message);
  HemeraView data = hemera_shard_message_get_data (message);
  g_autoptr (GError) error = NULL;

  append_json_number (out, "op", hemera_shard_message_get_op (message));
  if (event != NULL) {
    append_json_text (out, "t", hemera_event_get_name (event));
    append_json_number (out, "s", (gint64) hemera_event_get_seq (event));
  }
  g_string_append (out, ",\"d\":");
  if (event != NULL ? !hemera_event_append_json (event, out, &error)
                    : !hemera_view_is_valid (data)
                          || !hemera_view_append_json (data, HEMERA_JSON_SAFE_IDS, out, &error))
    g_string_append (out, "null");
  if (error != NULL)
    append_json_text (out, "error", error->message);
}

static void
format_json (TailOutput *self, HemeraShardMessage *message)
{
  GString *out = self->line;
  const GError *error = hemera_shard_message_get_error (message);
  const char *text = hemera_shard_message_get_text (message);
  guint shard = hemera_shard_message_get_shard (message);

  g_string_truncate (out, 0);
  if (shard != HEMERA_NO_SHARD)
    g_string_append_printf (out, "{\"shard\":%u", shard);
  else
    g_string_append (out, "{\"shard\":null");
  append_json_text (out, "type", hemera_shard_message_get_name (message));
  switch (hemera_shard_message_get_message_type (message)) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED: append_json_data (out, message); break;
  case HEMERA_SHARD_MESSAGE_SENT:
    append_json_number (out, "op", hemera_shard_message_get_op (message));
    break;
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY: break;
  case HEMERA_SHARD_MESSAGE_RECONNECTING: append_json_text (out, "reason", text); break;
  case HEMERA_SHARD_MESSAGE_DISCONNECTING:
    append_json_text (out, "reason", text);
    append_json_number (out, "code", hemera_shard_message_get_code (message));
    break;
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED:
    append_json_text (out, "error", error != NULL ? error->message : text);
    break;
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED:
    append_json_text (out, "error", error != NULL ? error->message : text);
    append_json_number (out, "code", hemera_shard_message_get_code (message));
    g_string_append_printf (out, ",\"will_restart\":%s",
                            hemera_shard_message_get_will_restart (message) ? "true" : "false");
    break;
  case HEMERA_SHARD_MESSAGE_STATE:
    append_json_number (out, "connection", hemera_shard_message_get_connection (message));
    append_json_text (out, "from", hemera_shard_state_to_string (hemera_shard_message_get_from (message)));
    append_json_text (out, "to", hemera_shard_state_to_string (hemera_shard_message_get_to (message)));
    append_json_text (out, "cause", text);
    break;
  case HEMERA_SHARD_MESSAGE_GAP:
    append_json_number (out, "last_seq", (gint64) hemera_shard_message_get_seq (message));
    append_json_number (out, "since_ms", hemera_shard_message_get_since_ms (message));
    break;
  case HEMERA_SHARD_MESSAGE_RESTARTED: {
    HemeraTerm *reason = hemera_shard_message_get_reason (message);
    g_autofree char *printed = reason != NULL ? hemera_view_to_string (hemera_term_view (reason)) : NULL;

    append_json_number (out, "restarts", hemera_shard_message_get_restarts (message));
    append_json_text (out, "reason", printed);
    break;
  }
  case HEMERA_SHARD_MESSAGE_ALARM: append_json_text (out, "text", text); break;
  }
  g_string_append_c (out, '}');
}

/* ---- pretty: a line that a person likes to read --------------------------------------------------------------------------------- */

void
tail_hide_controls (GString *text, gsize start)
{
  for (gsize i = start; i < text->len; i++) {
    guchar c = (guchar) text->str[i];

    if (c < 0x20 || c == 0x7f)
      text->str[i] = ' ';
    else if (c == 0xc2 && (guchar) text->str[i + 1] < 0xa0) /* U+0080 to U+009F */
      text->str[i] = text->str[i + 1] = ' ';
  }
}

/* What is in an event, in a few words. */
static void
append_summary (GString *out, HemeraEvent *event)
{
  HemeraView d = hemera_event_get_data (event);
  g_autofree char *who = hemera_view_dup_string (hemera_view_get (hemera_view_get (d, "author"), "username"));
  g_autofree char *what = hemera_view_dup_string (hemera_view_get (d, "content"));
  g_autofree char *name = hemera_view_dup_string (hemera_view_get (d, "name"));
  guint64 id = 0;
  gsize start = out->len;

  if (who != NULL)
    g_string_append_printf (out, "%s: %s", who, what != NULL ? what : "");
  else if (name != NULL)
    g_string_append (out, name);
  else if (hemera_view_get_snowflake (hemera_view_get (d, "user_id"), &id)
           || hemera_view_get_snowflake (hemera_view_get (hemera_view_get (d, "user"), "id"), &id))
    g_string_append_printf (out, "user %" G_GUINT64_FORMAT, id);
  if (g_utf8_strlen (out->str + start, -1) > 72) {
    g_string_truncate (out, (gsize) (g_utf8_offset_to_pointer (out->str + start, 71) - out->str));
    g_string_append (out, "…");
  }
}

static const char *
colour_of (HemeraShardMessageType type)
{
  switch (type) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED: return "";
  case HEMERA_SHARD_MESSAGE_SENT:
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY:
  case HEMERA_SHARD_MESSAGE_STATE: return "\033[2m";
  case HEMERA_SHARD_MESSAGE_RECONNECTING: return "\033[33m";
  case HEMERA_SHARD_MESSAGE_RESTARTED: return "\033[35m";
  case HEMERA_SHARD_MESSAGE_GAP:
  case HEMERA_SHARD_MESSAGE_ALARM: return "\033[1;33m";
  case HEMERA_SHARD_MESSAGE_DISCONNECTING:
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED:
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED: return "\033[1;31m";
  }
  return "";
}

/* {shard_disconnected, #{cause := Cause}} in Cause's own words, other reasons as Erlang prints them. */
static char *
describe_reason (HemeraTerm *reason)
{
  HemeraView view = hemera_term_view (reason);
  char *cause = hemera_view_dup_string (hemera_view_get (hemera_view_element (view, 1), "cause"));

  return cause != NULL ? cause : hemera_view_to_string (view);
}

static void
append_pretty_body (GString *out, HemeraShardMessage *message)
{
  const GError *error = hemera_shard_message_get_error (message);
  const char *text = hemera_shard_message_get_text (message);

  switch (hemera_shard_message_get_message_type (message)) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED:
    g_string_append_printf (out, "%-28s ", hemera_event_get_name (hemera_shard_message_get_event (message)));
    append_summary (out, hemera_shard_message_get_event (message));
    break;
  case HEMERA_SHARD_MESSAGE_SENT:
    g_string_append_printf (out, "sent op %u", hemera_shard_message_get_op (message));
    break;
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY:
    g_string_append (out, "waits for its turn to identify");
    break;
  case HEMERA_SHARD_MESSAGE_RECONNECTING: g_string_append_printf (out, "reconnecting: %s", text); break;
  case HEMERA_SHARD_MESSAGE_DISCONNECTING:
    g_string_append_printf (out, "disconnecting for good: %s (%u)", text,
                            hemera_shard_message_get_code (message));
    break;
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED:
    g_string_append_printf (out, "error: %s", error != NULL ? error->message : text);
    break;
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED:
    g_string_append_printf (
        out, "shard disconnected: %s%s", error != NULL ? error->message : text,
        hemera_shard_message_get_will_restart (message) ? " (starts again after the cool-down)" : "");
    break;
  case HEMERA_SHARD_MESSAGE_STATE:
    g_string_append_printf (out, "%s (connection %u, %s)",
                            hemera_shard_state_to_string (hemera_shard_message_get_to (message)),
                            hemera_shard_message_get_connection (message), text != NULL ? text : "");
    break;
  case HEMERA_SHARD_MESSAGE_GAP:
    g_string_append_printf (out,
                            "gap: the session is lost, events after seq %" G_GUINT64_FORMAT " may be missing",
                            hemera_shard_message_get_seq (message));
    break;
  case HEMERA_SHARD_MESSAGE_RESTARTED: {
    g_autofree char *reason = describe_reason (hemera_shard_message_get_reason (message));

    g_string_append_printf (out, "restarted by its supervisor (%u so far): %s",
                            hemera_shard_message_get_restarts (message), reason);
    break;
  }
  case HEMERA_SHARD_MESSAGE_ALARM: g_string_append_printf (out, "alarm: %s", text); break;
  }
}

static void
format_pretty (TailOutput *self, HemeraShardMessage *message)
{
  GString *out = self->line;
  g_autoptr (GDateTime) now = g_date_time_new_now_local ();
  g_autofree char *time = g_date_time_format (now, "%H:%M:%S");
  const char *colour = self->colours ? colour_of (hemera_shard_message_get_message_type (message)) : "";
  guint shard = hemera_shard_message_get_shard (message);
  gsize body;

  g_string_printf (out, "%s%s ", colour, time);
  if (shard != HEMERA_NO_SHARD)
    g_string_append_printf (out, "shard %-2u ", shard);
  else
    g_string_append (out, "gateway  ");
  body = out->len;
  append_pretty_body (out, message);
  tail_hide_controls (out, body);
  g_string_append (out, *colour != '\0' ? "\033[0m" : "");
}

/* ---- all forms ------------------------------------------------------------------------------------------------------------------- */

static void
count (TailOutput *self, HemeraShardMessage *message)
{
  gpointer shard = GUINT_TO_POINTER (hemera_shard_message_get_shard (message));

  switch (hemera_shard_message_get_message_type (message)) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED:
    self->events += hemera_shard_message_get_event (message) != NULL;
    break;
  case HEMERA_SHARD_MESSAGE_RESTARTED: self->restarts++; break;
  case HEMERA_SHARD_MESSAGE_GAP: self->gaps++; break;
  case HEMERA_SHARD_MESSAGE_STATE:
    if (hemera_shard_message_get_to (message) != HEMERA_SHARD_ACTIVE) {
      g_hash_table_remove (self->active, shard);
      break;
    }
    g_hash_table_add (self->active, shard);
    self->resumes += hemera_shard_message_get_from (message) == HEMERA_SHARD_RESUMING;
    break;
  case HEMERA_SHARD_MESSAGE_SENT:
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY:
  case HEMERA_SHARD_MESSAGE_RECONNECTING:
  case HEMERA_SHARD_MESSAGE_DISCONNECTING:
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED:
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED:
  case HEMERA_SHARD_MESSAGE_ALARM: break;
  }
}

/* Heartbeats and the steps of a connection are for the json form: a person wants to see events and what happens to the shards. */
static gboolean
is_for_people (HemeraShardMessage *message)
{
  switch (hemera_shard_message_get_message_type (message)) {
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED: return hemera_shard_message_get_event (message) != NULL;
  case HEMERA_SHARD_MESSAGE_SENT: return hemera_shard_message_get_op (message) != HEMERA_OP_HEARTBEAT;
  case HEMERA_SHARD_MESSAGE_STATE: return hemera_shard_message_get_to (message) == HEMERA_SHARD_ACTIVE;
  default: return TRUE;
  }
}

gboolean
tail_output_message (TailOutput *self, HemeraShardMessage *message)
{
  count (self, message);
  if (self->record != NULL || self->mode == OUTPUT_JSON) {
    format_json (self, message);
    write_json (self);
  }
  if (self->mode == OUTPUT_PRETTY && is_for_people (message)) {
    format_pretty (self, message);
    write_line (self, stdout);
  }
  return hemera_shard_message_get_event (message) != NULL;
}

void
tail_output_input_error (TailOutput *self, gint shard, const char *text)
{
  if (self->mode == OUTPUT_JSON) {
    g_string_assign (self->line, "{\"shard\":");
    if (shard >= 0)
      g_string_append_printf (self->line, "%d", shard);
    else
      g_string_append (self->line, "null");
    g_string_append (self->line, ",\"type\":\"error_received\"");
    append_json_text (self->line, "error", text);
    g_string_append_c (self->line, '}');
    write_line (self, stdout);
  } else {
    g_printerr ("hemera-tail: standard input: %s\n", text);
  }
}

guint
tail_output_active_shards (TailOutput *self)
{
  return g_hash_table_size (self->active);
}

void
tail_output_kill (TailOutput *self, guint shard, const char *child, gboolean hit)
{
  if (self->mode != OUTPUT_JSON && self->record == NULL)
    return;
  g_string_printf (self->line, "{\"shard\":%u,\"type\":\"chaos_kill\",\"child\":\"%s\",\"hit\":%s}", shard,
                   child, hit ? "true" : "false");
  write_json (self);
}

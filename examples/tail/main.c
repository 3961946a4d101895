/* hemera-tail: connects, prints what comes, and closes for the first cause: enough events, a signal, a time-out, a fatal error. The cause
 * decides the exit status. */
#include "tail.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

typedef struct {
  TailOptions options;
  GMainLoop *loop;
  HemeraSystem *system; /* of its own: its threads are joined before the process ends */
  HemeraGateway *gateway;
  HemeraSubscription *subscription; /* (nullable): not owned */
  TailOutput *output;
  TailInput *input;
  TailChaos *chaos;
  guint interrupt, terminate, timeout;
  int events, status;
  gboolean is_closing;
} Tail;

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tail *self = user_data;

  hemera_gateway_close_finish (self->gateway, result, NULL);
  g_main_loop_quit (self->loop);
}

/* The first cause decides the status. */
static void
begin_close (Tail *self, int status)
{
  if (self->is_closing)
    return;
  self->is_closing = TRUE;
  self->status = status;
  hemera_gateway_close_async (self->gateway,
                              self->options.session_file != NULL ? HEMERA_CLOSE_KEEP : HEMERA_CLOSE_END, 2000,
                              NULL, on_closed, self);
}

static gboolean
on_signal (gpointer data)
{
  begin_close (data, EXIT_DONE);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_timeout (gpointer data)
{
  Tail *self = data;

  self->timeout = 0;
  begin_close (self, EXIT_TIMED_OUT);
  return G_SOURCE_REMOVE;
}

static void
on_message (HemeraGateway *gateway, HemeraShardMessage *message, gpointer user_data)
{
  Tail *self = user_data;

  if (tail_output_message (self->output, message))
    self->events++;
  tail_input_message (self->input, message);
  if (!tail_output_is_open (self->output)) {
    begin_close (self, EXIT_FAILED);
  } else if (self->options.max_events > 0 && self->events >= self->options.max_events) {
    hemera_subscription_cancel (
        self->subscription); /* what comes behind is not printed, and so is not taken for handled */
    begin_close (self, EXIT_DONE);
  } else if (hemera_shard_message_get_message_type (message) == HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED
             && !hemera_shard_message_get_will_restart (message)) {
    begin_close (self, EXIT_FATAL);
  }
}

/* --output none: the typed decode, into handlers that do nothing. */
static void
on_message_create (HemeraGateway *gateway, HemeraMessage *message, gpointer user_data)
{
}

static void
on_guild_create (HemeraGateway *gateway, HemeraGuild *guild, gpointer user_data)
{
}

static int
status_of (const GError *error)
{
  if (g_error_matches (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_UNAUTHORIZED)
      || g_error_matches (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED))
    return EXIT_FATAL;
  return g_error_matches (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS) ? EXIT_USAGE
                                                                                     : EXIT_FAILED;
}

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Tail *self = user_data;
  g_autoptr (GError) error = NULL;

  if (hemera_gateway_connect_finish (self->gateway, result, &error) || self->is_closing)
    return;
  fprintf (stderr, "hemera-tail: %s\n", error->message);
  begin_close (self, status_of (error));
}

/* g_timeout_add_seconds() rounds to whole seconds and may be a quarter early; g_timeout_add() ends at 49 days. */
static guint
add_deadline (gint64 seconds, GSourceFunc func, gpointer user_data)
{
  g_autoptr (GSource) source = g_timeout_source_new (0);

  g_source_set_callback (source, func, user_data, NULL);
  g_source_set_ready_time (source, g_get_monotonic_time () + seconds * G_USEC_PER_SEC);
  return g_source_attach (source, NULL);
}

static void
run (Tail *self, HemeraGatewayApiOptions *options)
{
  self->loop = g_main_loop_new (NULL, FALSE);
  self->gateway = hemera_gateway_new (self->system, options);
  self->subscription = hemera_gateway_on_shard_message (self->gateway, NULL, on_message, self, NULL);
  if (self->options.mode == OUTPUT_NONE) {
    hemera_gateway_on_message_create (self->gateway, NULL, on_message_create, NULL, NULL);
    hemera_gateway_on_guild_create (self->gateway, NULL, on_guild_create, NULL, NULL);
  }
  self->interrupt = g_unix_signal_add (SIGINT, on_signal, self);
  self->terminate = g_unix_signal_add (SIGTERM, on_signal, self);
  if (self->options.timeout_s > 0)
    self->timeout = add_deadline (self->options.timeout_s, on_timeout, self);
  hemera_gateway_connect_async (self->gateway, NULL, on_connected, self);
  self->input = tail_input_new (self->gateway, self->options.shard_ids, self->output);
  if (self->options.chaos_kill_s > 0)
    self->chaos = tail_chaos_new (self->gateway, self->output, self->options.chaos_kill_s,
                                  (guint) self->options.chaos_kills, (guint) self->options.chaos_seed);
  g_main_loop_run (self->loop);
  g_clear_pointer (&self->chaos, tail_chaos_free);
  tail_input_free (self->input);
  if (self->timeout != 0)
    g_source_remove (self->timeout);
  g_source_remove (self->interrupt);
  g_source_remove (self->terminate);
  g_object_unref (self->gateway);
  g_main_loop_unref (self->loop);
}

/* A line an entry on standard error, from any thread. What the pretty form shows anyway is not logged beside it; what is below a message
 * only with G_MESSAGES_DEBUG. */
static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const TailOptions *options = user_data;
  const char *message = "", *domain = NULL;
  GLogLevelFlags kind = level & G_LOG_LEVEL_MASK;
  GString *line;

  for (gsize i = 0; i < n_fields; i++) {
    if (g_str_equal (fields[i].key, "MESSAGE"))
      message = fields[i].value;
    else if (g_str_equal (fields[i].key, "GLIB_DOMAIN"))
      domain = fields[i].value;
  }
  if (kind > G_LOG_LEVEL_MESSAGE ? g_log_writer_default_would_drop (kind, domain)
                                 : kind == G_LOG_LEVEL_MESSAGE && options->mode == OUTPUT_PRETTY)
    return G_LOG_WRITER_HANDLED;
  line = g_string_new (message);
  tail_hide_controls (line, 0);
  fprintf (stderr, "hemera-tail: %s%s\n", kind <= G_LOG_LEVEL_WARNING ? "warning: " : "", line->str);
  g_string_free (line, TRUE);
  return G_LOG_WRITER_HANDLED;
}

/* A standard descriptor that the caller closed would be the next file's or socket's, to be read as input or printed into. One that can only be
 * read stands in: there is no input, and a write fails as before. */
static void
hold_standard_descriptors (void)
{
  int fd;

  do
    fd = open ("/dev/null", O_RDONLY);
  while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0)
    close (fd);
}

int
main (int argc, char **argv)
{
  Tail self = { 0 };
  g_autoptr (HemeraGatewayApiOptions) options = NULL;
  g_autoptr (GError) error = NULL;

  hold_standard_descriptors ();
  g_log_set_writer_func (write_log, &self.options, NULL);
  setlocale (LC_CTYPE, "");  /* for the text of --help and errors; numbers stay as they are */
  signal (SIGPIPE, SIG_IGN); /* a closed pipe is an error of a write, told by tail_output_is_open() */
  self.status = tail_options_parse (&self.options, argc, argv);
  if (self.status < 0) {
    options = tail_options_to_gateway (&self.options, &error);
    if (options != NULL)
      self.output = tail_output_new (self.options.mode, self.options.record, &error);
    if (self.output != NULL)
      self.system = hemera_system_new (NULL, &error);
    if (self.system != NULL)
      run (&self, options);
    else
      g_printerr ("hemera-tail: %s\n", error->message);
    if (self.system == NULL)
      self.status = self.output == NULL ? EXIT_USAGE : EXIT_FAILED;
    g_clear_pointer (&self.system, hemera_system_unref);
    g_clear_pointer (&self.output, tail_output_free);
  }
  tail_options_clear (&self.options);
  return self.status;
}

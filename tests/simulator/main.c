/* hemera-sim: see --help. */
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>

#include "ca.h"
#include "faults.h"

static gboolean
on_signal (gpointer data)
{
  g_main_loop_quit (((Sim *) data)->loop);
  return G_SOURCE_CONTINUE;
}

static void
sim_clear (Sim *self)
{
  g_clear_pointer (&self->connections, g_ptr_array_unref);
  g_clear_pointer (&self->listeners, g_ptr_array_unref);
  g_clear_pointer (&self->sessions, g_hash_table_unref);
  g_clear_pointer (&self->shards, g_hash_table_unref);
  g_clear_pointer (&self->members, g_hash_table_unref);
  g_clear_pointer (&self->faults, sim_faults_free);
  g_clear_pointer (&self->rest, sim_rest_free);
  g_clear_pointer (&self->stream, sim_stream_free);
  g_clear_pointer (&self->rand, g_rand_free);
  g_clear_pointer (&self->tls, SSL_CTX_free);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_clear_pointer (&self->log, sim_log_close);
  g_free (self->last_identify);
  g_free (self->url);
  g_free (self->resume_url);
  sim_options_clear (&self->options);
}

/* @ca_file: set when it made one. */
static gboolean
prepare (Sim *self, char **ca_file, GError **error)
{
  const SimOptions *options = &self->options;
  self->loop = g_main_loop_new (NULL, FALSE);
  self->connections = g_ptr_array_new_with_free_func ((GDestroyNotify) sim_connection_free);
  self->listeners = sim_server_new_listeners ();
  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) sim_session_free);
  self->shards = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) sim_shard_free);
  self->members = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->last_identify = g_new0 (gint64, options->max_concurrency);
  self->rand = g_rand_new_with_seed ((guint32) options->seed);
  if ((self->log = sim_log_open (options->log, options->verbose, error)) == NULL
      || (self->rest = sim_rest_new (options->rest_faults, error)) == NULL
      || (self->faults = sim_faults_new (self, error)) == NULL
      || (self->stream = sim_stream_load (options->stream, error)) == NULL)
    return FALSE;
  sim_faults_plan (self);
  if (!options->plain) {
    g_autofree char *dir =
        options->dir != NULL ? g_strdup (options->dir) : g_dir_make_tmp ("hemera-sim-XXXXXX", error);
    if (dir == NULL)
      return FALSE;
    g_mkdir_with_parents (dir, 0700); /* writing the file tells when that failed */
    *ca_file = g_build_filename (dir, "ca.pem", NULL);
    if ((self->tls = sim_ca_server_context (*ca_file, error)) == NULL)
      return FALSE;
  }
  return sim_server_start (self, error);
}

static void
log_totals (Sim *self)
{
  GHashTableIter iter;
  gpointer value;
  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    sim_session_log_totals (value);
  sim_log_write (self->log, "summary",
                 "\"events\":%" G_GUINT64_FORMAT ",\"sessions\":%" G_GUINT64_FORMAT
                 ",\"resumes\":%" G_GUINT64_FORMAT ",\"faults\":%" G_GUINT64_FORMAT
                 ",\"violations\":%" G_GUINT64_FORMAT ",\"connections\":%u",
                 self->events, self->sessions_started, self->resumes, self->faults_done, self->violations,
                 self->connection_count);
}

int
main (int argc, char **argv)
{
  Sim sim = { 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *ca_file = NULL;
  if (!sim_options_parse (&sim.options, argc, argv, &error)) {
    fprintf (stderr, "hemera-sim: %s\n", error->message);
    sim_options_clear (&sim.options);
    return 2;
  }
  signal (SIGPIPE, SIG_IGN);
  if (!prepare (&sim, &ca_file, &error)) {
    fprintf (stderr, "hemera-sim: %s\n", error->message);
    int status = g_error_matches (error, SIM_ERROR, SIM_ERROR_OPTION) ? 2 : 1;
    sim_clear (&sim);
    return status;
  }
  guint sources[] = { g_unix_signal_add (SIGINT, on_signal, &sim),
                      g_unix_signal_add (SIGTERM, on_signal, &sim) };
  if (ca_file != NULL)
    printf ("listening https://127.0.0.1:%d ca=%s\n", sim.options.port, ca_file);
  else
    printf ("listening http://127.0.0.1:%d\n", sim.options.port);
  fflush (stdout);
  sim_log_write (sim.log, "listening",
                 "\"port\":%d,\"url\":\"%s\",\"resume_url\":\"%s\",\"seed\":%" G_GINT64_FORMAT,
                 sim.options.port, sim.url, sim.resume_url, sim.options.seed);
  g_main_loop_run (sim.loop);
  sim_server_stop (&sim);
  log_totals (&sim);
  printf ("summary events %" G_GUINT64_FORMAT " sessions %" G_GUINT64_FORMAT " resumes %" G_GUINT64_FORMAT
          " faults %" G_GUINT64_FORMAT " violations %" G_GUINT64_FORMAT "\n",
          sim.events, sim.sessions_started, sim.resumes, sim.faults_done, sim.violations);
  for (guint i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  if (ca_file != NULL && sim.options.dir == NULL) {
    g_autofree char *dir = g_path_get_dirname (ca_file);
    remove (ca_file);
    remove (dir);
  }
  sim_clear (&sim);
  return 0;
}

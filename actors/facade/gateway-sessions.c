/* The sessions as the application may keep them: ids and urls from the store, seqs from what the subscriptions have handled; and the
 * session file, written by a thread of its own, at most once in two seconds and at the close. */
#include "facade.h"

#include "../session/session-file.h"

#define SAVE_MS 2000

void
hemera__facade_session (HemeraGateway *self, HemeraSessionPut *put)
{
  HemeraTree *tree = atomic_load_explicit (&self->tree, memory_order_relaxed);

  if (tree == NULL || put->tree != tree->number || put->index >= self->n_sessions)
    return;
  hemera__session_clear (&self->sessions[put->index].session);
  self->sessions[put->index] = *put;
  put->session = (HemeraSession){ 0 }; /* moved */
}

/* @tree: (nullable) */
static gint64
identified_ms (HemeraTree *tree)
{
  gint64 at = tree != NULL ? atomic_load_explicit (&tree->identified_us, memory_order_relaxed) : 0;

  return at != 0 ? (at + tree->wall_offset_us) / 1000 : 0;
}

HemeraTerm *
hemera_gateway_dup_sessions (HemeraGateway *self)
{
  HemeraSession *sessions;
  guint *shards;
  HemeraTree *tree;
  HemeraTerm *term;
  guint n = 0;

  g_return_val_if_fail (HEMERA_IS_GATEWAY (self), NULL);
  if (self->sessions == NULL && self->config.sessions != NULL)
    return hemera_term_ref (self->config.sessions); /* nothing has run that could have moved them */
  tree = atomic_load_explicit (&self->tree, memory_order_relaxed);
  sessions = g_new0 (HemeraSession, self->n_sessions + 1);
  shards = g_new0 (guint, self->n_sessions + 1);
  for (guint i = 0; i < self->n_sessions; i++) {
    gint64 alive_us = atomic_load_explicit (&tree->slots[i].alive_us, memory_order_relaxed);

    if (self->sessions[i].session.id == NULL)
      continue;
    sessions[n] = self->sessions[i].session; /* strings are borrowed */
    if (!hemera__tree_safe_seq (tree, i, self->sessions[i].serial, &sessions[n].seq))
      continue;
    if (alive_us != 0)
      sessions[n].alive_ms = (alive_us + tree->wall_offset_us) / 1000;
    shards[n++] = tree->slots[i].shard;
  }
  term = hemera__sessions_new (MAX (hemera_gateway_get_total_shards (self), 1), identified_ms (tree), shards,
                               sessions, n);
  g_free (shards);
  g_free (sessions);
  return term;
}

/* ---- the file ------------------------------------------------------------------------------------------------------ */

/* What the file and the next connect should have: after END there is nothing that could be resumed. */
static HemeraTerm *
wanted (HemeraGateway *self)
{
  gboolean ended = self->state == HEMERA_FACADE_SAVING && self->mode == HEMERA_CLOSE_END;

  return ended
             ? hemera__sessions_new (MAX (hemera_gateway_get_total_shards (self), 1),
                                     identified_ms (atomic_load_explicit (&self->tree, memory_order_relaxed)),
                                     NULL, NULL, 0)
             : hemera_gateway_dup_sessions (self);
}

void
hemera__facade_keep_sessions (HemeraGateway *self)
{
  HemeraTerm *sessions;

  if (self->sessions == NULL)
    return;
  sessions = wanted (self);
  g_clear_pointer (&self->config.sessions, hemera_term_unref);
  self->config.sessions = sessions;
}

static gboolean
same_seqs (HemeraTerm *a, HemeraTerm *b)
{
  HemeraViewIter x, y;
  HemeraView left, right;

  if (a == NULL
      || hemera_view_length (hemera_view_get (hemera_term_view (a), "sessions"))
             != hemera_view_length (hemera_view_get (hemera_term_view (b), "sessions")))
    return FALSE;
  hemera_view_iter_init (&x, hemera_view_get (hemera_term_view (a), "sessions"));
  hemera_view_iter_init (&y, hemera_view_get (hemera_term_view (b), "sessions"));
  while (hemera_view_iter_next (&x, &left) && hemera_view_iter_next (&y, &right))
    if (!hemera_view_equal (hemera_view_get (left, "id"), hemera_view_get (right, "id"))
        || !hemera_view_equal (hemera_view_get (left, "seq"), hemera_view_get (right, "seq")))
      return FALSE;
  return TRUE;
}

/* A file that cannot be written is told once, and again when the last chance is over. */
static void
save_ended (HemeraGateway *self, const GError *error)
{
  gboolean is_last = self->state == HEMERA_FACADE_SAVING;

  if (error != NULL && !is_last) /* it holds nothing: the next look tries again */
    g_clear_pointer (&self->saved, hemera_term_unref);
  if (error != NULL && (is_last || !self->save_failed))
    hemera__facade_alarm (self, error->message);
  self->save_failed = error != NULL;
}

gboolean
hemera__facade_save (HemeraGateway *self)
{
  g_autoptr (GError) error = NULL;
  HemeraTerm *sessions;
  HemeraFileJob job;

  if (self->config.session_file == NULL || self->job != NULL || self->sessions == NULL)
    return FALSE;
  sessions = wanted (self);
  if (sessions == NULL || same_seqs (self->saved, sessions)) {
    g_clear_pointer (&sessions, hemera_term_unref);
    return FALSE;
  }
  g_clear_pointer (&self->saved, hemera_term_unref);
  self->saved = hemera_term_ref (sessions);
  job = (HemeraFileJob){
    .session_file = g_strdup (self->config.session_file),
    .save = sessions,
    .reply_to = hemera__port_pid (self->port),
  };
  self->job_saves = TRUE;
  self->job = hemera__file_job_start (&job, &error);
  if (self->job == NULL)
    save_ended (self, error);
  return self->job != NULL;
}

void
hemera__facade_job_done (HemeraGateway *self, HemeraFileDone *done)
{
  HemeraFileJob *job = self->job;

  if (job == NULL || job->number != done->number)
    return; /* one that was abandoned */
  self->job = NULL;
  if (!self->job_saves)
    hemera__facade_loaded (self, job);
  else
    save_ended (self, job->session_error);
  hemera__file_job_finish (job);
  if (self->state == HEMERA_FACADE_SAVING)
    hemera__facade_saved (self);
}

static gboolean
on_save (gpointer user_data)
{
  hemera__facade_save (user_data);
  return G_SOURCE_CONTINUE;
}

/* Guilds are spread over the shards by their total, so a session of another total is of no use. */
void
hemera__facade_tell_of_other_total (HemeraGateway *self, HemeraTree *tree)
{
  HemeraView sessions = hemera_term_view (tree->sessions);
  guint64 total = hemera_view_uint64 (hemera_view_get (sessions, "total"), tree->total_shards);
  g_autofree char *text = NULL;

  if (total == tree->total_shards || hemera_view_length (hemera_view_get (sessions, "sessions")) == 0)
    return;
  text = g_strdup_printf ("the kept sessions are of %" G_GUINT64_FORMAT
                          " shards, but there are %u now: every shard starts a new session",
                          total, tree->total_shards);
  hemera__facade_alarm (self, text);
}

void
hemera__facade_start_sessions (HemeraGateway *self, HemeraTree *tree)
{
  for (guint i = 0; i < self->n_sessions; i++)
    hemera__session_clear (&self->sessions[i].session);
  g_free (self->sessions);
  self->sessions = g_new0 (HemeraSessionPut, tree->n_slots);
  self->n_sessions = tree->n_slots;
  for (guint i = 0; i < tree->n_slots; i++) {
    self->sessions[i].index = i;
    self->sessions[i].serial = 1;
    if (tree->sessions != NULL)
      hemera__sessions_lookup (hemera_term_view (tree->sessions), tree->total_shards, tree->slots[i].shard,
                               &self->sessions[i].session);
  }
  if (self->config.session_file != NULL)
    self->saver = hemera__facade_timer (self, SAVE_MS, on_save);
}

void
hemera__facade_stop_sessions (HemeraGateway *self)
{
  hemera__facade_clear_source (&self->saver);
}

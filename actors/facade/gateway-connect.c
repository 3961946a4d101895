/* Connecting: files, the API's answer, the tree, and then every shard's READY or RESUMED. */
#include "facade.h"

static GError *
closed_error (const char *text)
{
  return g_error_new_literal (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED, text);
}

void
hemera__facade_connected (HemeraGateway *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->connecting);

  hemera__facade_clear_source (&self->cancelled);
  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

static gboolean
return_error (gpointer user_data)
{
  GTask *task = user_data;

  g_task_return_error (task, g_error_copy (g_task_get_task_data (task)));
  return G_SOURCE_REMOVE;
}

void
hemera__facade_not_connected (HemeraGateway *self, GError *error)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->connecting);
  GSource *source;

  hemera__facade_clear_source (&self->cancelled);
  if (task == NULL) {
    g_error_free (error);
    return;
  }
  source = g_idle_source_new ();
  g_task_set_task_data (task, error, (GDestroyNotify) g_error_free);
  g_task_attach_source (task, source, return_error);
  g_source_unref (source);
}

/* ---- the tree ---------------------------------------------------------------------------------------------------- */

static gboolean
check_shards (HemeraGateway *self, guint total, GError **error)
{
  const GArray *shards = self->config.shards;

  if (shards->len == 0 || g_array_index (shards, guint, shards->len - 1) < total)
    return TRUE;
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
               "shard %u does not exist: there are %u in total, numbered from 0",
               g_array_index (shards, guint, shards->len - 1), total);
  return FALSE;
}

static void
start_tree (HemeraGateway *self, HemeraGatewayBot *bot)
{
  static _Atomic guint suffixes = 2;
  g_autofree char *suffix = NULL;
  HemeraTree *tree;

  /* A predecessor's actors may not be gone yet: then the plain names are not free either. Of those the root's is the first that there
   * is and the store's the last. */
  self->primary = hemera__facade_claim_names (self->system);
  if (!self->primary || hemera_system_whereis (self->system, "hemera_application").id != 0
      || hemera_system_whereis (self->system, "hemera_session_store").id != 0)
    suffix = g_strdup_printf ("_%u", atomic_fetch_add_explicit (&suffixes, 1, memory_order_relaxed));
  tree = hemera__tree_new (self->system, &self->config, bot, suffix != NULL ? suffix : "",
                           hemera__port_pid (self->port), self->subscribers);
  hemera__tree_follow (tree, atomic_load_explicit (&self->tree, memory_order_relaxed));
  tree->trust = self->trust != NULL ? hemera__trust_ref (self->trust) : NULL;
  self->ready = g_renew (gboolean, self->ready, tree->n_slots);
  memset (self->ready, 0, tree->n_slots * sizeof *self->ready);
  self->n_ready = 0;
  hemera__subscribers_set_closing (self->subscribers, FALSE);
  hemera__facade_start_sessions (self, tree);
  hemera__facade_take_tree (self, tree);
  self->state = HEMERA_FACADE_UP;
  self->root = hemera__tree_spawn (self->system, tree);
  hemera__facade_tell_of_other_total (self, tree);
}

void
hemera__facade_fetched (HemeraGateway *self, HemeraFetchResult *result)
{
  GError *error = NULL;
  guint total;

  if (self->state != HEMERA_FACADE_FETCHING || result->tag != self->fetch_tag)
    return;
  self->fetch = HEMERA_PID_NONE;
  if (result->error != NULL) {
    self->state = HEMERA_FACADE_IDLE;
    hemera__facade_connected (self, g_error_copy (result->error));
    return;
  }
  total = self->config.total_shards != 0 ? self->config.total_shards
                                         : hemera_gateway_bot_get_shards (result->bot);
  if (total > HEMERA_SHARDS_MAX || !check_shards (self, total, &error)) {
    if (error == NULL)
      error =
          g_error_new (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS, "%u shards are too many", total);
    self->state = HEMERA_FACADE_IDLE;
    hemera__facade_connected (self, error);
    return;
  }
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE",
                    "gateway: connecting %u of %u shards; %u of %u session starts are left",
                    self->config.shards->len != 0 ? self->config.shards->len : total, total,
                    hemera_gateway_bot_get_remaining (result->bot),
                    hemera_gateway_bot_get_total (result->bot));
  start_tree (self, result->bot);
}

void
hemera__facade_retrying (HemeraGateway *self, HemeraFetchRetry *retry)
{
  g_autofree char *text = NULL;

  if (self->state != HEMERA_FACADE_FETCHING || retry->tag != self->fetch_tag)
    return;
  text =
      g_strdup_printf ("%s; trying again in %.1f s", retry->error->message, (double) retry->wait_ms / 1000);
  hemera__facade_alarm (self, text);
}

/* ---- before the tree ------------------------------------------------------------------------------------------------ */

static void
fetch (HemeraGateway *self)
{
  self->state = HEMERA_FACADE_FETCHING;
  self->fetch = hemera__fetch_spawn (self->system, NULL,
                                     &(HemeraFetch){
                                         .trust = self->trust,
                                         .token = self->config.token,
                                         .api_url = self->config.api_url,
                                         .timeout_ms = self->config.rest_timeout_ms,
                                         .backoff_base_ms = self->config.times.backoff_base_ms,
                                         .backoff_cap_ms = self->config.times.backoff_cap_ms,
                                         .reply_to = hemera__port_pid (self->port),
                                         .tag = ++self->fetch_tag,
                                     });
}

void
hemera__facade_loaded (HemeraGateway *self, HemeraFileJob *job)
{
  if (self->state != HEMERA_FACADE_LOADING)
    return;
  if (job->trust_error != NULL) {
    self->state = HEMERA_FACADE_IDLE;
    hemera__facade_connected (self, g_error_new_literal (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
                                                         job->trust_error->message));
    return;
  }
  if (job->trust != NULL)
    self->trust = g_steal_pointer (&job->trust);
  if (job->sessions != NULL) {
    g_clear_pointer (&self->config.sessions, hemera_term_unref);
    self->config.sessions = g_steal_pointer (&job->sessions);
  }
  fetch (self);
  if (job->session_error != NULL) /* new sessions will do */
    hemera__facade_alarm (self, job->session_error->message);
}

static void
load (HemeraGateway *self)
{
  HemeraFileJob job = { .reply_to = hemera__port_pid (self->port) };
  GError *error = NULL;

  job.ca_file = self->trust == NULL ? g_strdup (self->config.ca_file) : NULL;
  if (atomic_load_explicit (&self->tree, memory_order_relaxed)
      == NULL) /* else we know better than the file */
    job.session_file = g_strdup (self->config.session_file);
  if (job.ca_file == NULL && job.session_file == NULL) {
    fetch (self);
    return;
  }
  self->state = HEMERA_FACADE_LOADING;
  self->job_saves = FALSE;
  self->job = hemera__file_job_start (&job, &error);
  if (self->job == NULL) {
    self->state = HEMERA_FACADE_IDLE;
    hemera__facade_connected (self, error);
  }
}

/* ---- the call ----------------------------------------------------------------------------------------------------------- */

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  HemeraGateway *self = user_data;

  g_object_ref (self);            /* the callback may drop the last reference */
  hemera__facade_kill_all (self); /* first: the callback may connect again */
  hemera__facade_connected (
      self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "connecting was cancelled"));
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

static void
watch_cancellable (HemeraGateway *self, GCancellable *cancellable)
{
  if (cancellable == NULL)
    return;
  self->cancelled = g_cancellable_source_new (cancellable);
  g_source_set_callback (self->cancelled, G_SOURCE_FUNC (on_cancelled), self, NULL);
  g_source_attach (self->cancelled, self->context);
}

/**
 * hemera_gateway_connect_async:
 * @cancellable: (nullable): ends the attempt and what it started
 * @callback: (scope async): in the context that made the gateway
 *
 * From that context. As long as the API cannot be reached it is asked again ("alarm" says so); 401 and answers that make no sense end it.
 */
void
hemera_gateway_connect_async (HemeraGateway *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data)
{
  GTask *task;

  g_return_if_fail (HEMERA_IS_GATEWAY (self));
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, hemera_gateway_connect_async);
  /* Ours to look at: what is reported as cancelled has to be down. */
  g_task_set_check_cancellable (task, FALSE);
  if (self->state != HEMERA_FACADE_IDLE || self->job != NULL) {
    g_task_return_error (task, closed_error (self->state == HEMERA_FACADE_UP
                                                 ? "the gateway is connected already"
                                                 : "the gateway is connecting or closing"));
    g_object_unref (task);
    return;
  }
  if (self->config.token == NULL) {
    g_task_return_new_error (task, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
                             "the gateway was made without options, or with options without a token");
    g_object_unref (task);
    return;
  }
  self->connecting = task;
  watch_cancellable (self, cancellable);
  load (self);
}

gboolean
hemera_gateway_connect_finish (HemeraGateway *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

/* ---- what shards say ------------------------------------------------------------------------------------------------------- */

void
hemera__facade_heard (HemeraGateway *self, HemeraSaid *said)
{
  HemeraTree *tree = atomic_load_explicit (&self->tree, memory_order_relaxed);
  HemeraShardMessage *message = said->message;
  HemeraSlot *slot;

  if (tree == NULL || tree->number != said->tree)
    return; /* of a connect that was cancelled */
  slot = hemera__tree_slot_of (tree, message->shard);
  atomic_fetch_sub_explicit (&tree->facade_pending, 1, memory_order_relaxed);
  if (slot != NULL && self->state == HEMERA_FACADE_UP) {
    guint index = (guint) (slot - tree->slots);

    if (message->type == HEMERA_SHARD_MESSAGE_STATE && message->to == HEMERA_SHARD_ACTIVE
        && !self->ready[index]) {
      self->ready[index] = TRUE;
      if (++self->n_ready == tree->n_slots)
        hemera__facade_connected (self, NULL);
    } else if (message->type == HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED && !message->will_restart) {
      hemera__facade_connected (self, g_error_copy (message->error));
    }
  }
  hemera__facade_emit (self, message);
}

/* Closing: shards, tree, what the subscriptions have still to handle, the session file. Each step is bounded. */
#include "facade.h"

#define DRAIN_STEP_MS 2
#define TREE_GRACE_MS 20000

static void
finish_close (HemeraGateway *self)
{
  g_autoptr (GTask) task = g_steal_pointer (&self->closing);

  hemera__facade_clear_source (&self->timer);
  hemera__facade_keep_sessions (self);
  self->state = HEMERA_FACADE_IDLE;
  if (task != NULL)
    g_task_return_boolean (task, TRUE);
}

/* ---- after the tree -------------------------------------------------------------------------------------------- */

static void
save_and_finish (HemeraGateway *self)
{
  hemera__facade_stop_sessions (self);
  hemera__facade_clear_source (&self->timer);
  self->state = HEMERA_FACADE_SAVING;
  if (self->job == NULL && !hemera__facade_save (self)) /* else saved() comes, and looks again */
    finish_close (self);
}

void
hemera__facade_saved (HemeraGateway *self)
{
  if (self->state == HEMERA_FACADE_SAVING && !hemera__facade_save (self))
    finish_close (self);
}

static gboolean
drain (gpointer user_data)
{
  HemeraGateway *self = user_data;

  if (hemera__facade_pending (self) > 0 && g_get_monotonic_time () < self->drain_until)
    return G_SOURCE_CONTINUE;
  save_and_finish (self);
  return G_SOURCE_REMOVE;
}

static void
start_drain (HemeraGateway *self)
{
  self->state = HEMERA_FACADE_DRAINING;
  self->root = HEMERA_PID_NONE;
  if (self->primary)
    hemera__facade_release_names (self->system);
  self->primary = FALSE;
  hemera__facade_clear_source (&self->timer);
  self->drain_until = g_get_monotonic_time () + (gint64) self->drain_ms * 1000;
  self->timer = hemera__facade_timer (self, DRAIN_STEP_MS, drain);
}

void
hemera__facade_tree_down (HemeraGateway *self, HemeraTree *tree, HemeraTerm *reason)
{
  g_autofree char *why = NULL, *text = NULL;

  if (tree != atomic_load_explicit (&self->tree, memory_order_relaxed))
    return;
  if (self->state == HEMERA_FACADE_CLOSING) {
    start_drain (self);
    return;
  }
  if (self->state != HEMERA_FACADE_UP)
    return;
  /* The application supervisor gave up: nothing is left of the gateway. */
  why = hemera_view_to_string (hemera_term_view (reason));
  text = g_strdup_printf ("the gateway's supervisor gave up: %s", why);
  self->mode = HEMERA_CLOSE_KEEP;
  self->drain_ms = 1000;
  start_drain (self);
  hemera__facade_alarm (self, text);
  hemera__facade_connected (self,
                            g_error_new (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED, "%s", text));
}

/* ---- the call ---------------------------------------------------------------------------------------------------- */

static gboolean
on_grace_over (gpointer user_data)
{
  HemeraGateway *self = user_data;

  hemera_exit (self->root, hemera_reason_kill ());
  start_drain (self);
  hemera__facade_alarm (self, "the gateway's actors did not end in time and are killed");
  return G_SOURCE_REMOVE;
}

static void
close_tree (HemeraGateway *self)
{
  guint ms = self->config.times.close_ms != 0 ? self->config.times.close_ms : 5000;

  self->state = HEMERA_FACADE_CLOSING;
  hemera__subscribers_set_closing (self->subscribers, TRUE);
  hemera__tree_close_send (self->root, &(HemeraTreeClose){ self->mode });
  self->timer = hemera__facade_timer (self, ms + TREE_GRACE_MS, on_grace_over);
}

/**
 * hemera_gateway_close_async:
 * @mode: what becomes of the sessions
 * @drain_ms: how long the subscriptions may still handle what was fanned out to them
 * @cancellable: (nullable): not looked at: closing is short
 * @callback: (scope async) (nullable): in the context that made the gateway
 *
 * From that context. A connect that runs ends with HEMERA_GATEWAY_ERROR_CLOSED. It can be connected again afterwards.
 */
void
hemera_gateway_close_async (HemeraGateway *self, HemeraCloseMode mode, guint drain_ms,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task;

  g_return_if_fail (HEMERA_IS_GATEWAY (self));
  task = g_task_new (self, NULL, callback, user_data);
  g_task_set_source_tag (task, hemera_gateway_close_async);
  if (self->closing != NULL || self->state == HEMERA_FACADE_IDLE) {
    if (self->closing != NULL)
      g_task_return_new_error (task, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED,
                               "the gateway is being closed already");
    else
      g_task_return_boolean (task, TRUE);
    g_object_unref (task);
    return;
  }
  self->closing = task;
  self->mode = mode;
  self->drain_ms = drain_ms;
  if (self->state == HEMERA_FACADE_DRAINING || self->state == HEMERA_FACADE_SAVING)
    return; /* the tree went by itself */
  hemera__facade_not_connected (self, g_error_new_literal (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED,
                                                           "the gateway was closed while it connected"));
  if (self->state == HEMERA_FACADE_UP) {
    close_tree (self);
    return;
  }
  if (self->fetch.id != 0)
    hemera_exit (self->fetch, hemera_reason_kill ());
  self->fetch = HEMERA_PID_NONE;
  save_and_finish (self); /* once the files that are being read are: then it can be connected again */
}

gboolean
hemera_gateway_close_finish (HemeraGateway *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
hemera__facade_kill_all (HemeraGateway *self)
{
  if (self->fetch.id != 0)
    hemera_exit (self->fetch, hemera_reason_kill ());
  if (self->root.id != 0)
    hemera_exit (self->root, hemera_reason_shutdown ());
  self->fetch = self->root = HEMERA_PID_NONE;
  if (self->primary)
    hemera__facade_release_names (self->system);
  self->primary = FALSE;
  hemera__facade_clear_source (&self->timer);
  hemera__facade_clear_source (&self->cancelled);
  hemera__facade_stop_sessions (self);
  hemera__facade_keep_sessions (self);
  for (guint i = 0; i < self->n_sessions; i++)
    hemera__session_clear (&self->sessions[i].session);
  g_clear_pointer (&self->sessions, g_free);
  g_clear_pointer (&self->ready, g_free);
  g_clear_pointer (&self->saved, hemera_term_unref);
  self->n_sessions = 0;
  if (self->job != NULL)
    hemera__file_job_abandon (g_steal_pointer (&self->job));
  self->state = HEMERA_FACADE_IDLE;
}

/* Sends of the application: checked and encoded here once, so that the caller gets the error; then a call to the shard. */
#include "../protocol/payload.h"
#include "facade.h"

static gboolean
check (HemeraGateway *self, guint op, HemeraTerm *data, GError **error)
{
  g_autoptr (GBytes) payload = NULL;

  if (!hemera__payload_is_sendable (op)) {
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD,
                 "op %u cannot be sent: applications send ops 3, 4, 8, 31 and 43", op);
    return FALSE;
  }
  payload = hemera__payload_send (self->config.encoding, op, hemera_term_view (data), error);
  return payload != NULL;
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  g_autoptr (GError) error = NULL;
  HemeraActorMessage *reply = hemera_server_call_finish (result, &error);

  g_clear_pointer (&reply, hemera_actor_message_free);
  if (error == NULL)
    g_task_return_boolean (task, TRUE);
  else if (error->domain == HEMERA_ERROR)
    g_task_return_new_error (task, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED,
                             "the shard ended before the payload was sent: %s", error->message);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
hemera_gateway_send_async (HemeraGateway *self, guint shard, guint op, HemeraTerm *data,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;
  HemeraTree *tree;
  HemeraSlot *slot;
  HemeraPid pid = HEMERA_PID_NONE;

  g_return_if_fail (HEMERA_IS_GATEWAY (self) && data != NULL);
  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, hemera_gateway_send_async);
  if (!check (self, op, data, &error)) {
    g_task_return_error (task, error);
    return;
  }
  tree = hemera__facade_dup_tree (self);
  slot = tree != NULL ? hemera__tree_slot_of (tree, shard) : NULL;
  if (slot != NULL)
    pid = hemera_system_whereis (self->system, slot->shard_name);
  g_clear_pointer (&tree, hemera__tree_unref);
  if (pid.id == 0) {
    g_task_return_new_error (task, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED,
                             "shard %u does not run here", shard);
    return;
  }
  hemera_server_call_async (self->system, pid, hemera__send_new (&(HemeraSend){ op, hemera_term_ref (data) }),
                            -1, cancellable, on_sent, g_steal_pointer (&task));
}

gboolean
hemera_gateway_send_finish (HemeraGateway *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), FALSE);
  return g_task_propagate_boolean (G_TASK (result), error);
}

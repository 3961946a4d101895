/* The actions of a machine: a ring that keeps its memory, and the clearing of one. See machine.h. */
#include "machine-private.h"

#include <string.h>

HemeraShardAction *
hemera__machine_push (HemeraShardMachine *self, HemeraShardActionType type)
{
  HemeraActionQueue *queue = &self->actions;
  HemeraShardAction *action;

  if (queue->length == queue->capacity) {
    guint capacity = MAX (16, 2 * queue->capacity);
    HemeraShardAction *ring = g_new (HemeraShardAction, capacity);

    for (guint i = 0; i < queue->length; i++)
      ring[i] = queue->ring[(queue->first + i) % queue->capacity];
    g_free (queue->ring);
    queue->ring = ring;
    queue->capacity = capacity;
    queue->first = 0;
  }
  action = &queue->ring[(queue->first + queue->length++) % queue->capacity];
  *action = (HemeraShardAction){ .type = type, .connection = self->connection };
  return action;
}

gboolean
hemera__shard_machine_next_action (HemeraShardMachine *self, HemeraShardAction *action)
{
  HemeraActionQueue *queue = &self->actions;

  if (queue->length == 0)
    return FALSE;
  *action = queue->ring[queue->first];
  queue->first = (queue->first + 1) % queue->capacity;
  queue->length--;
  return TRUE;
}

void
hemera__shard_action_clear (HemeraShardAction *self)
{
  g_free (self->url);
  g_free (self->detail);
  g_clear_pointer (&self->data, g_bytes_unref);
  g_clear_pointer (&self->payload, hemera_term_unref);
  g_clear_pointer (&self->reason, hemera_term_unref);
  g_clear_error (&self->error);
  hemera__session_clear (&self->session);
  *self = (HemeraShardAction){ 0 };
}

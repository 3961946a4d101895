/* See send-queue.h. All entries live equally long, so the oldest of a lane expires first. */
#include "send-queue.h"

#include <hemera/gateway-types.h>

void
hemera__send_queue_init (HemeraSendQueue *self, guint limit)
{
  for (guint i = 0; i < HEMERA_N_LANES; i++)
    g_queue_init (&self->lanes[i]);
  self->limit = limit;
  self->length = 0;
  self->next_order = 0;
}

void
hemera__send_queue_clear (HemeraSendQueue *self)
{
  for (guint i = 0; i < HEMERA_N_LANES; i++)
    g_queue_clear_full (&self->lanes[i], (GDestroyNotify) hemera__send_entry_free);
  self->length = 0;
}

static HemeraLane
lane_of (guint op)
{
  switch (op) {
  case HEMERA_OP_VOICE_STATE_UPDATE: return HEMERA_LANE_VOICE;
  case HEMERA_OP_PRESENCE_UPDATE: return HEMERA_LANE_PRESENCE;
  default: return HEMERA_LANE_REQUEST;
  }
}

gboolean
hemera__send_queue_push (HemeraSendQueue *self, guint op, guint64 tag, GBytes *data, gint64 expires)
{
  HemeraSendEntry *entry;

  if (self->length >= self->limit)
    return FALSE;
  entry = g_new (HemeraSendEntry, 1);
  *entry = (HemeraSendEntry){
    .op = op, .tag = tag, .data = data, .expires = expires, .order = self->next_order++
  };
  g_queue_push_tail (&self->lanes[lane_of (op)], entry);
  self->length++;
  return TRUE;
}

static HemeraSendEntry *
pop_lane (HemeraSendQueue *self, guint lane)
{
  self->length--;
  return g_queue_pop_head (&self->lanes[lane]);
}

HemeraSendEntry *
hemera__send_queue_pop (HemeraSendQueue *self, guint lanes, gboolean by_lane)
{
  guint best = HEMERA_N_LANES;
  guint64 best_order = G_MAXUINT64;

  for (guint i = 0; i < HEMERA_N_LANES; i++) {
    HemeraSendEntry *head = g_queue_peek_head (&self->lanes[i]);

    if (head == NULL || (lanes & (1u << i)) == 0)
      continue;
    if (best == HEMERA_N_LANES || (!by_lane && head->order < best_order)) {
      best = i;
      best_order = head->order;
    }
  }
  return best < HEMERA_N_LANES ? pop_lane (self, best) : NULL;
}

gboolean
hemera__send_queue_has (const HemeraSendQueue *self, guint lanes)
{
  for (guint i = 0; i < HEMERA_N_LANES; i++)
    if ((lanes & (1u << i)) != 0 && self->lanes[i].length > 0)
      return TRUE;
  return FALSE;
}

HemeraSendEntry *
hemera__send_queue_pop_expired (HemeraSendQueue *self, gint64 now)
{
  for (guint i = 0; i < HEMERA_N_LANES; i++) {
    HemeraSendEntry *head = g_queue_peek_head (&self->lanes[i]);

    if (head != NULL && head->expires <= now)
      return pop_lane (self, i);
  }
  return NULL;
}

HemeraSendEntry *
hemera__send_queue_pop_superseded (HemeraSendQueue *self)
{
  return self->lanes[HEMERA_LANE_PRESENCE].length > 1 ? pop_lane (self, HEMERA_LANE_PRESENCE) : NULL;
}

gint64
hemera__send_queue_deadline (const HemeraSendQueue *self)
{
  gint64 deadline = G_MAXINT64;

  for (guint i = 0; i < HEMERA_N_LANES; i++) {
    const GList *head = self->lanes[i].head;

    if (head != NULL)
      deadline = MIN (deadline, ((const HemeraSendEntry *) head->data)->expires);
  }
  return deadline;
}

void
hemera__send_entry_free (HemeraSendEntry *self)
{
  if (self == NULL)
    return;
  g_bytes_unref (self->data);
  g_free (self);
}

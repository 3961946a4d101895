/* Fan-out: one event, each subscription that wants it, once and in order; then the watermark, then the shard's credit.
 *
 * Order in one step, which nothing can interrupt: the deliveries, the subscriptions' `sent` marks, the slot's `fanned`. Whoever reads
 * `fanned` (acquire) therefore sees the marks of every delivery up to it. */
#include "gateway-private.h"

/* Messages for a facade whose loop does not run: of states beyond it the last of each shard is kept, restarts and alarms are dropped. What is
 * rare by itself, the end of a shard and a gap, goes through always. */
#define FACADE_MAX 16384

/* ---- subscriptions ------------------------------------------------------------------------------------------- */

static void
release_list (HemeraGatewayState *self)
{
  g_clear_pointer (&self->list, hemera__subscriber_list_unref);
  g_clear_pointer (&self->marks, g_free);
}

static void
take_list (HemeraGatewayState *self)
{
  guint version = hemera__subscribers_version (self->tree->subscribers);
  guint64 *places;

  if (version == self->version)
    return;
  release_list (self);
  self->version = version;
  self->list = hemera__subscribers_list (self->tree->subscribers);
  self->marks = g_new0 (HemeraMarks *, self->list->n);
  places = g_new (guint64, self->tree->n_slots);
  for (guint i = 0; i < self->tree->n_slots; i++)
    places[i] = atomic_load_explicit (&self->tree->slots[i].fanned, memory_order_relaxed);
  for (guint i = 0; i < self->list->n; i++) {
    atomic_store_explicit (&self->list->item[i]->gateway, hemera_actor_self (self->self).id,
                           memory_order_seq_cst); /* see hemera__subscriber_is_full() */
    self->marks[i] = hemera__subscriber_marks (self->list->item[i], self->tree->number);
    if (self->marks[i] == NULL)
      self->marks[i] = hemera__subscriber_make_marks (self->list->item[i], self->tree->number, places,
                                                      self->tree->n_slots);
  }
  g_free (places);
}

static void
deliver (HemeraGatewayState *self, HemeraSubscriber *subscriber, HemeraDelivery *delivery)
{
  atomic_fetch_add_explicit (&subscriber->delivered, 1, memory_order_relaxed);
  hemera__delivery_send (subscriber->pid, delivery);
}

/* ---- credit ----------------------------------------------------------------------------------------------------- */

static gboolean
anyone_full (HemeraGatewayState *self)
{
  for (guint i = 0; self->list != NULL && i < self->list->n; i++)
    if (hemera__subscriber_is_full (self->list->item[i]))
      return TRUE;
  return FALSE;
}

static void
give_credit (HemeraGatewayState *self, guint index)
{
  HemeraSlot *slot = &self->tree->slots[index];
  HemeraWatch *watch = &self->watches[index];

  if (watch->held == 0)
    return;
  /* The shard stores `waiting` and then loads `credited`; we the other way round; all seq_cst (shard-socket.c). */
  atomic_fetch_add_explicit (&slot->credited, watch->held, memory_order_seq_cst);
  watch->held = 0;
  if (atomic_load_explicit (&slot->waiting, memory_order_seq_cst)) {
    atomic_store_explicit (&slot->waiting, FALSE, memory_order_relaxed);
    hemera__credit_send (watch->shard, &(HemeraCredit){ 0 });
  }
}

static void
give_all_credit (HemeraGatewayState *self)
{
  for (guint i = 0; i < self->tree->n_slots; i++)
    give_credit (self, i);
}

/* What a predecessor had under way is through, or went with a parser or a gateway actor. It is credited like any other: not while a
 * subscription is full, or each kill would let more through to it. */
void
hemera__fan_out_up (HemeraGatewayState *self, guint index, guint64 given)
{
  self->watches[index].held =
      given - atomic_load_explicit (&self->tree->slots[index].credited, memory_order_relaxed);
  hemera__fan_out_credit (self);
}

void
hemera__fan_out_credit (HemeraGatewayState *self)
{
  take_list (self);
  self->full = anyone_full (self);
  if (!self->full)
    give_all_credit (self);
}

/* ---- messages ------------------------------------------------------------------------------------------------------ */

static gboolean
is_for_facade (HemeraShardMessageType type)
{
  return type == HEMERA_SHARD_MESSAGE_STATE || type == HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED
         || type == HEMERA_SHARD_MESSAGE_GAP || type == HEMERA_SHARD_MESSAGE_RESTARTED
         || type == HEMERA_SHARD_MESSAGE_ALARM;
}

static gboolean
has_room (HemeraGatewayState *self)
{
  return atomic_load_explicit (&self->tree->facade_pending, memory_order_relaxed) < FACADE_MAX;
}

/* @message: (transfer full) */
static void
send_to_facade (HemeraGatewayState *self, HemeraShardMessage *message)
{
  atomic_fetch_add_explicit (&self->tree->facade_pending, 1, memory_order_relaxed);
  hemera__said_send (self->tree->facade, &(HemeraSaid){ message, self->tree->number });
}

void
hemera__fan_out_missed (HemeraGatewayState *self)
{
  for (guint i = 0; self->n_missed > 0 && i < self->tree->n_slots && has_room (self); i++) {
    if (self->watches[i].missed == NULL)
      continue;
    send_to_facade (self, g_steal_pointer (&self->watches[i].missed));
    self->n_missed--;
  }
}

static void
tell_facade (HemeraGatewayState *self, HemeraShardMessage *message)
{
  gboolean is_rare =
      message->type == HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED || message->type == HEMERA_SHARD_MESSAGE_GAP;
  HemeraSlot *slot = hemera__tree_slot_of (self->tree, message->shard);

  hemera__fan_out_missed (self); /* before what came later */
  if (is_rare || has_room (self)) {
    send_to_facade (self, hemera_shard_message_ref (message));
  } else if (message->type == HEMERA_SHARD_MESSAGE_STATE && slot != NULL) {
    HemeraWatch *watch = &self->watches[slot - self->tree->slots];

    self->n_missed += watch->missed == NULL;
    g_clear_pointer (&watch->missed, hemera_shard_message_unref);
    watch->missed = hemera_shard_message_ref (message);
  }
}

void
hemera__fan_out_message (HemeraGatewayState *self, HemeraShardMessage *message)
{
  take_list (self);
  for (guint i = 0; i < self->list->n; i++) {
    HemeraSubscriber *subscriber = self->list->item[i];

    if (subscriber->kind == HEMERA_SUBSCRIBER_MESSAGES
        && (message->shard == HEMERA_NO_SHARD || hemera__subscriber_wants_shard (subscriber, message->shard)))
      deliver (self, subscriber, &(HemeraDelivery){ .message = hemera_shard_message_ref (message) });
  }
  if (is_for_facade (message->type))
    tell_facade (self, message);
  hemera_shard_message_unref (message);
}

/* Told once a session, whether the shard says it or its next session shows it: the shard that knew may have been killed on the way. */
void
hemera__fan_out_gap (HemeraGatewayState *self, guint index, guint serial, gint64 since_ms)
{
  HemeraSlot *slot = &self->tree->slots[index];
  guint64 fanned = atomic_load_explicit (&slot->fanned, memory_order_relaxed);
  HemeraShardMessage *message;

  serial &= 0xffff;
  if (serial == 0 || hemera__place_serial (fanned) != serial || hemera__place_seq (fanned) == 0
      || atomic_load_explicit (&slot->gap_told, memory_order_relaxed) == serial)
    return;
  atomic_store_explicit (&slot->gap_told, serial, memory_order_relaxed);
  if (since_ms == 0) {
    gint64 since_us = atomic_load_explicit (&slot->fanned_us, memory_order_relaxed);

    if (since_us == 0) /* by another process that did not say when */
      since_us = hemera_actor_now (self->self);
    since_ms = (since_us + self->tree->wall_offset_us) / 1000;
  }
  message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_GAP, slot->shard, 0, NULL);
  message->serial = serial;
  message->seq = hemera__place_seq (fanned);
  message->since_ms = since_ms;
  hemera__report (message, 0);
  hemera__fan_out_message (self, message);
}

void
hemera__fan_out_lost (HemeraGatewayState *self, guint index)
{
  guint64 fanned = atomic_load_explicit (&self->tree->slots[index].fanned, memory_order_relaxed);

  hemera__fan_out_gap (self, index, hemera__place_serial (fanned), 0);
}

/* ---- events ----------------------------------------------------------------------------------------------------------- */

static void
send_to_all (HemeraGatewayState *self, guint index, HemeraEvent *event, guint64 place)
{
  for (guint i = 0; i < self->list->n; i++) {
    HemeraSubscriber *subscriber = self->list->item[i];
    HemeraMark *mark = &self->marks[i]->mark[index];

    if (!hemera__subscriber_wants_event (subscriber, event))
      continue;
    /* Before the send: else `handled` could pass it. Release: see the head of this file. */
    if (place != 0)
      atomic_store_explicit (&mark->sent, place, memory_order_release);
    if (atomic_load_explicit (&subscriber->cancelled, memory_order_relaxed))
      continue; /* while the gateway is closed: it is marked as not handled */
    deliver (self, subscriber,
             &(HemeraDelivery){
                 .event = hemera_event_ref (event), .mark = place != 0 ? mark : NULL, .place = place });
    self->full = self->full || hemera__subscriber_is_full (subscriber);
  }
}

/* FALSE: it was fanned out before. @place: 0 when the event has no place in the session. */
static gboolean
advance (HemeraGatewayState *self, const HemeraDispatch *dispatch, guint64 *place)
{
  HemeraSlot *slot = &self->tree->slots[dispatch->index];
  guint64 fanned = atomic_load_explicit (&slot->fanned, memory_order_relaxed);
  guint serial = dispatch->serial & 0xffff;

  *place = 0;
  if (dispatch->seq == 0)
    return TRUE;
  if (hemera__place_serial (fanned) == serial)
    if (dispatch->seq <= hemera__place_seq (fanned))
      return FALSE;
  if (hemera__place_serial (fanned) != serial)
    hemera__fan_out_lost (self, dispatch->index);
  *place = hemera__place (serial, dispatch->seq);
  return TRUE;
}

void
hemera__fan_out_event (HemeraGatewayState *self, HemeraDispatch *dispatch)
{
  HemeraSlot *slot = &self->tree->slots[dispatch->index];
  HemeraWatch *watch = &self->watches[dispatch->index];
  gboolean was_full = self->full;
  guint64 place;

  take_list (self);
  watch->held++;
  if (advance (self, dispatch, &place)) {
    watch->replayed++;
    if (dispatch->event != NULL)
      send_to_all (self, dispatch->index, dispatch->event, place);
    if (place != 0) {
      atomic_store_explicit (&slot->fanned_us, hemera_actor_now (self->self), memory_order_relaxed);
      atomic_store_explicit (&slot->fanned, place, memory_order_release);
    }
  }
  if (self->full)
    self->full = anyone_full (self);
  if (self->full)
    return;
  /* Room that was found here is told by nobody else: what other shards wait for goes too. */
  if (was_full)
    give_all_credit (self);
  else
    give_credit (self, dispatch->index);
}

void
hemera__fan_out_clear (HemeraGatewayState *self)
{
  for (guint i = 0; self->watches != NULL && i < self->tree->n_slots; i++)
    g_clear_pointer (&self->watches[i].missed, hemera_shard_message_unref);
  release_list (self);
}

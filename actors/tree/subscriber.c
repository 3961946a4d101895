/* Subscribers: what one wants, its credit and its marks, and the set that the gateway actor reads while facades change it. */
#include "subscriber.h"

#include <string.h>

/* ---- one ------------------------------------------------------------------------------------------------- */

HemeraSubscriber *
hemera__subscriber_new (HemeraSubscriberKind kind, const char *name, const HemeraFilter *filter, guint credit)
{
  HemeraSubscriber *self = g_new0 (HemeraSubscriber, 1);

  atomic_init (&self->refs, 1);
  self->kind = kind;
  self->name = g_strdup (name);
  self->credit = credit;
  if (filter != NULL) {
    self->n_guild_ids = filter->guild_ids != NULL ? filter->n_guild_ids : 0;
    self->n_shards = filter->shards != NULL ? filter->n_shards : 0;
    self->guild_ids = g_memdup2 (filter->guild_ids, self->n_guild_ids * sizeof *self->guild_ids);
    self->shards = g_memdup2 (filter->shards, self->n_shards * sizeof *self->shards);
  }
  return self;
}

HemeraSubscriber *
hemera__subscriber_ref (HemeraSubscriber *self)
{
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera__subscriber_unref (HemeraSubscriber *self)
{
  HemeraMarks *marks, *next;

  /* Release pairs with the acquire of the last unref: the other holders' accesses come before the free. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (marks = atomic_load_explicit (&self->marks, memory_order_relaxed); marks != NULL; marks = next) {
    next = marks->next;
    g_free (marks);
  }
  g_free (self->name);
  g_free (self->guild_ids);
  g_free (self->shards);
  g_free (self);
}

gboolean
hemera__subscriber_wants_shard (const HemeraSubscriber *self, guint shard)
{
  for (guint i = 0; i < self->n_shards; i++)
    if (self->shards[i] == shard)
      return TRUE;
  return self->n_shards == 0;
}

gboolean
hemera__subscriber_wants_event (const HemeraSubscriber *self, HemeraEvent *event)
{
  guint64 guild_id;

  if (!hemera__subscriber_wants_shard (self, hemera_event_get_shard (event)))
    return FALSE;
  if (self->name != NULL && strcmp (self->name, hemera_event_get_name (event)) != 0)
    return FALSE;
  if (self->n_guild_ids == 0 || !hemera_event_get_guild_id (event, &guild_id))
    return TRUE;
  for (guint i = 0; i < self->n_guild_ids; i++)
    if (self->guild_ids[i] == guild_id)
      return TRUE;
  return FALSE;
}

guint64
hemera__subscriber_pending (HemeraSubscriber *self)
{
  /* done first: it never passes a delivered that is read later, so the difference is never negative. Acquire pairs with the release
   * in handled(): whoever sees nothing pending sees the marks as handled. */
  guint64 done = atomic_load_explicit (&self->done, memory_order_acquire);

  return atomic_load_explicit (&self->delivered, memory_order_relaxed) - done;
}

gboolean
hemera__subscriber_is_full (HemeraSubscriber *self)
{
  /* seq_cst: who cancels stores `cancelled` and then looks for a gateway actor to tell; that stores itself and then looks here. */
  if (atomic_load_explicit (&self->cancelled, memory_order_seq_cst)
      || hemera__subscriber_pending (self) < self->credit)
    return FALSE;
  /* Say that we wait, then look again. Both sides store one variable and then load the other (waiting, done), all seq_cst, so that one
   * of them at least sees the other's store: either we see the room, or the subscriber sees that we wait. */
  atomic_store_explicit (&self->waiting, TRUE, memory_order_seq_cst);
  if (atomic_load_explicit (&self->delivered, memory_order_relaxed)
          - atomic_load_explicit (&self->done, memory_order_seq_cst)
      >= self->credit)
    return TRUE;
  atomic_store_explicit (&self->waiting, FALSE, memory_order_relaxed);
  return FALSE;
}

gboolean
hemera__subscriber_handled (HemeraSubscriber *self)
{
  guint64 done = atomic_fetch_add_explicit (&self->done, 1, memory_order_seq_cst) + 1;

  if (!atomic_load_explicit (&self->waiting, memory_order_seq_cst))
    return FALSE;
  /* Half empty before it is refilled: else each message would cost a wake-up of the gateway. */
  if (atomic_load_explicit (&self->delivered, memory_order_relaxed) - done > self->credit / 2)
    return FALSE;
  /* Acquire pairs with the release in is_full(): `gateway` is the one that waits, or its successor. */
  return atomic_exchange_explicit (&self->waiting, FALSE, memory_order_acquire);
}

HemeraMarks *
hemera__subscriber_marks (HemeraSubscriber *self, guint64 tree)
{
  /* Acquire pairs with the release in make_marks(): they are filled before they are seen. */
  HemeraMarks *marks = atomic_load_explicit (&self->marks, memory_order_acquire);

  while (marks != NULL && marks->tree != tree)
    marks = marks->next;
  return marks;
}

HemeraMarks *
hemera__subscriber_make_marks (HemeraSubscriber *self, guint64 tree, const guint64 *places, guint n)
{
  HemeraMarks *marks = g_malloc0 (sizeof *marks + n * sizeof marks->mark[0]);

  marks->tree = tree;
  marks->n = n;
  for (guint i = 0; i < n; i++) {
    atomic_init (&marks->mark[i].sent, places[i]);
    atomic_init (&marks->mark[i].handled, places[i]);
  }
  marks->next = atomic_load_explicit (&self->marks, memory_order_acquire);
  while (!atomic_compare_exchange_weak_explicit (&self->marks, &marks->next, marks, memory_order_release,
                                                 memory_order_acquire)) {}
  return marks;
}

/* ---- the set ------------------------------------------------------------------------------------------------ */

struct _HemeraSubscribers {
  atomic_uint refs;
  atomic_flag busy;
  HemeraSubscriberList *list; /* under busy */
  _Atomic guint64 interest;   /* a bit a name hash; all ones: everything */
  atomic_uint version;
  atomic_bool closing;
};

static void
lock (HemeraSubscribers *self)
{
  /* Acquire pairs with unlock's release. */
  while (atomic_flag_test_and_set_explicit (&self->busy, memory_order_acquire)) {}
}

static void
unlock (HemeraSubscribers *self)
{
  atomic_flag_clear_explicit (&self->busy, memory_order_release);
}

static HemeraSubscriberList *
list_new (guint n)
{
  HemeraSubscriberList *self = g_malloc0 (sizeof *self + n * sizeof self->item[0]);

  atomic_init (&self->refs, 1);
  self->n = n;
  return self;
}

void
hemera__subscriber_list_unref (HemeraSubscriberList *self)
{
  /* Release pairs with the acquire of the last unref. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (guint i = 0; i < self->n; i++)
    hemera__subscriber_unref (self->item[i]);
  g_free (self);
}

HemeraSubscribers *
hemera__subscribers_new (void)
{
  HemeraSubscribers *self = g_new0 (HemeraSubscribers, 1);

  atomic_init (&self->refs, 1);
  atomic_init (&self->version, 1);
  atomic_flag_clear (&self->busy);
  self->list = list_new (0);
  return self;
}

HemeraSubscribers *
hemera__subscribers_ref (HemeraSubscribers *self)
{
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera__subscribers_unref (HemeraSubscribers *self)
{
  /* Release pairs with the acquire of the last unref. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  hemera__subscriber_list_unref (self->list);
  g_free (self);
}

HemeraSubscriberList *
hemera__subscribers_list (HemeraSubscribers *self)
{
  HemeraSubscriberList *list;

  lock (self);
  list = self->list;
  atomic_fetch_add_explicit (&list->refs, 1, memory_order_relaxed);
  unlock (self);
  return list;
}

static guint64
interest_bit (const char *name, gsize size)
{
  guint32 hash = 2166136261u;

  for (gsize i = 0; i < size; i++)
    hash = (hash ^ (guint8) name[i]) * 16777619u;
  return G_GUINT64_CONSTANT (1) << (hash % 63);
}

/* What @list wants; a subscriber of messages wants all. */
static guint64
interest_of (const HemeraSubscriberList *list)
{
  guint64 interest = 0;

  for (guint i = 0; i < list->n; i++) {
    const HemeraSubscriber *item = list->item[i];

    if (item->kind == HEMERA_SUBSCRIBER_MESSAGES
        || (item->kind == HEMERA_SUBSCRIBER_EVENTS && item->name == NULL))
      return G_MAXUINT64;
    if (item->kind == HEMERA_SUBSCRIBER_EVENTS)
      interest |= interest_bit (item->name, strlen (item->name));
  }
  return interest;
}

/* Two callers that change the set at once both succeed: a list that was made from an older one is made again. */
static void
change (HemeraSubscribers *self, HemeraSubscriber *add, HemeraSubscriber *remove)
{
  for (;;) {
    HemeraSubscriberList *old = hemera__subscribers_list (self);
    HemeraSubscriberList *list = list_new (old->n + 1);
    gboolean swapped;

    list->n = 0;
    for (guint i = 0; i < old->n; i++)
      if (old->item[i] != remove)
        list->item[list->n++] = hemera__subscriber_ref (old->item[i]);
    if (add != NULL)
      list->item[list->n++] = hemera__subscriber_ref (add);
    lock (self);
    swapped = self->list == old;
    if (swapped) {
      self->list = list;
      atomic_store_explicit (&self->interest, interest_of (list), memory_order_relaxed);
      /* Release pairs with version()'s acquire: who sees the number takes this list or a later one. */
      atomic_fetch_add_explicit (&self->version, 1, memory_order_release);
    }
    unlock (self);
    hemera__subscriber_list_unref (swapped ? old : list);
    hemera__subscriber_list_unref (old);
    if (swapped)
      return;
  }
}

void
hemera__subscribers_add (HemeraSubscribers *self, HemeraSubscriber *subscriber)
{
  change (self, subscriber, NULL);
}

void
hemera__subscribers_remove (HemeraSubscribers *self, HemeraSubscriber *subscriber)
{
  if (!atomic_load_explicit (&self->closing, memory_order_relaxed))
    change (self, NULL, subscriber);
}

void
hemera__subscribers_set_closing (HemeraSubscribers *self, gboolean closing)
{
  HemeraSubscriberList *list;

  atomic_store_explicit (&self->closing, closing, memory_order_relaxed);
  if (closing)
    return;
  list = hemera__subscribers_list (self);
  for (guint i = 0; i < list->n; i++)
    if (atomic_load_explicit (&list->item[i]->cancelled, memory_order_relaxed))
      change (self, NULL, list->item[i]);
  hemera__subscriber_list_unref (list);
}

guint
hemera__subscribers_version (HemeraSubscribers *self)
{
  return atomic_load_explicit (&self->version, memory_order_acquire);
}

gboolean
hemera__subscribers_interested (HemeraSubscribers *self, const char *name, gsize size)
{
  /* Relaxed: a subscription made at this moment may miss this event either way. */
  guint64 interest = atomic_load_explicit (&self->interest, memory_order_relaxed);

  return interest == G_MAXUINT64 || (interest & interest_bit (name, size)) != 0;
}

guint64
hemera__subscribers_safe_place (HemeraSubscribers *self, guint64 tree, guint index, guint64 fanned)
{
  HemeraSubscriberList *list = hemera__subscribers_list (self);
  guint64 safe = fanned;

  for (guint i = 0; i < list->n; i++) {
    HemeraMarks *marks = hemera__subscriber_marks (list->item[i], tree);
    guint64 sent, handled;

    if (marks == NULL || index >= marks->n)
      continue;
    /* Each send up to @fanned was stored before @fanned was (release), so @sent is one of them or a later one. */
    sent = atomic_load_explicit (&marks->mark[index].sent, memory_order_acquire);
    handled = atomic_load_explicit (&marks->mark[index].handled, memory_order_acquire);
    if (handled == sent)
      continue;
    if (hemera__place_serial (handled) != hemera__place_serial (safe))
      handled = hemera__place (hemera__place_serial (safe), 0);
    safe = MIN (safe, handled);
  }
  hemera__subscriber_list_unref (list);
  return safe;
}

/* HemeraSubscriber: one subscription as the gateway actor sees it: what it wants, where to send it, and two counts that are its credit.
 * HemeraSubscribers: the set of them, which outlives gateway actors: a restarted one takes it as it stands.
 *
 * Writers: `delivered`, `gateway` and marks' `sent` by the gateway actor, `done` and marks' `handled` by the subscriber's context, all else before
 * the subscriber is shared. The set is an immutable counted list behind a pointer; the flag that guards the pointer is held for the few
 * instructions of a ref or a swap, never while code of others runs. */
#pragma once

#include <hemera/event.h>
#include <hemera/gateway.h>
#include <hemera/pid.h>
#include <stdatomic.h>

/* A place in a shard's stream of events: session serial (16 bits, wraps) and seq. Ordered inside one session only. */
static inline guint64
hemera__place (guint serial, guint64 seq)
{
  return (guint64) (serial & 0xffff) << 48 | (seq & G_GUINT64_CONSTANT (0xffffffffffff));
}

static inline guint
hemera__place_serial (guint64 place)
{
  return (guint) (place >> 48);
}

static inline guint64
hemera__place_seq (guint64 place)
{
  return place & G_GUINT64_CONSTANT (0xffffffffffff);
}

/* How far one subscriber is with one shard: the last event that was sent to it, and the last that it handled. */
typedef struct _HemeraMark {
  _Atomic guint64 sent;
  _Atomic guint64 handled;
} HemeraMark;

typedef struct _HemeraMarks HemeraMarks;
struct _HemeraMarks {
  HemeraMarks *next;
  guint64 tree; /* its number */
  guint n;
  HemeraMark mark[];
};

typedef enum {
  HEMERA_SUBSCRIBER_EVENTS,
  HEMERA_SUBSCRIBER_MESSAGES, /* everything that shards say */
} HemeraSubscriberKind;

typedef struct {
  atomic_uint refs;
  /* immutable */
  HemeraSubscriberKind kind;
  char *name; /* (nullable): of the events; NULL: all */
  guint64 *guild_ids;
  guint n_guild_ids;
  guint *shards;
  guint n_shards;
  HemeraPid pid; /* of its port */
  guint credit;
  /* any thread, atomic */
  _Atomic (HemeraMarks *) marks; /* pushed only */
  _Atomic guint64 gateway;       /* id of the gateway actor that serves it now; 0: none yet */
  atomic_bool cancelled;
  atomic_bool waiting; /* the gateway actor wants to be told when there is room again */
  _Atomic guint64 delivered;
  _Atomic guint64 done;
} HemeraSubscriber;

/* @filter: (nullable), copied. The pid is set before it is added. (transfer full) */
HemeraSubscriber *hemera__subscriber_new (HemeraSubscriberKind kind, const char *name,
                                          const HemeraFilter *filter, guint credit);
HemeraSubscriber *hemera__subscriber_ref (HemeraSubscriber *self);
void hemera__subscriber_unref (HemeraSubscriber *self);

gboolean hemera__subscriber_wants_shard (const HemeraSubscriber *self, guint shard);
gboolean hemera__subscriber_wants_event (const HemeraSubscriber *self, HemeraEvent *event);

/* Messages that were sent and not yet handled. Any thread. */
guint64 hemera__subscriber_pending (HemeraSubscriber *self);
/* The gateway actor, after a send: TRUE when the subscriber is at its credit; `gateway`, set before, will then get a HemeraCredit. */
gboolean hemera__subscriber_is_full (HemeraSubscriber *self);
/* The subscriber's context, after a message was handled: TRUE when `gateway` waits for this and is to be told. */
gboolean hemera__subscriber_handled (HemeraSubscriber *self);

/* Its marks of tree number @tree. (nullable) */
HemeraMarks *hemera__subscriber_marks (HemeraSubscriber *self, guint64 tree);
/* Makes them, for the gateway actor alone: nothing is under way, so all shards stand at @places. */
HemeraMarks *
hemera__subscriber_make_marks (HemeraSubscriber *self, guint64 tree, const guint64 *places, guint n);

/* ---- the set ----------------------------------------------------------------------------------------------- */

typedef struct {
  atomic_uint refs;
  guint n;
  HemeraSubscriber *item[];
} HemeraSubscriberList;
void hemera__subscriber_list_unref (HemeraSubscriberList *self);

typedef struct _HemeraSubscribers HemeraSubscribers;
HemeraSubscribers *hemera__subscribers_new (void);
HemeraSubscribers *hemera__subscribers_ref (HemeraSubscribers *self);
void hemera__subscribers_unref (HemeraSubscribers *self);
void hemera__subscribers_add (HemeraSubscribers *self, HemeraSubscriber *subscriber);
/* A cancelled one. While the gateway is being closed it stays, so that what it left unhandled does not count as handled. */
void hemera__subscribers_remove (HemeraSubscribers *self, HemeraSubscriber *subscriber);
/* @closing FALSE: those that stayed are removed. */
void hemera__subscribers_set_closing (HemeraSubscribers *self, gboolean closing);
/* Changes with each add and remove; starts at 1. */
guint hemera__subscribers_version (HemeraSubscribers *self);
HemeraSubscriberList *hemera__subscribers_list (HemeraSubscribers *self); /* (transfer full) */
/* Whether anybody may want an event of this name: FALSE is sure, TRUE is likely. Cheap; any thread. */
gboolean hemera__subscribers_interested (HemeraSubscribers *self, const char *name, gsize size);

/* ---- what is safe to forget --------------------------------------------------------------------------------- */

/* The last place of shard @index that every subscriber has handled, where @fanned is the last that was fanned out, read before. */
guint64 hemera__subscribers_safe_place (HemeraSubscribers *self, guint64 tree, guint index, guint64 fanned);

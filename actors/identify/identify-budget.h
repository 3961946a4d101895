/* The broker's decisions, without an actor: who may identify now, and when to look again. Times in microseconds of one clock; pure.
 *
 * Discord ("Rate Limiting", "Session Start Limit"): the key is shard_id % max_concurrency, one IDENTIFY a key in 5 s, a budget of session
 * starts in 24 h. A lease is given to the shard of the bucket that has been without one for longest, so that one that identifies again and
 * again does not keep the others waiting; of those that never had one, to the lowest id. The bucket's spacing counts from the moment op 2
 * was written, and a lease that comes back unused costs nothing. */
#pragma once

#include <glib.h>

typedef struct {
  guint shard;
  guint connection;
} HemeraLeaseWish;

typedef struct {
  GArray *wishes;  /* HemeraLeaseWish, in their turn */
  gboolean leased; /* to: */
  HemeraLeaseWish lease;
  gboolean written; /* op 2 left */
  gint64 leased_at;
  gint64 free_at; /* earliest next lease */
} HemeraIdentifyBucket;

typedef struct {
  guint n_buckets;
  HemeraIdentifyBucket *buckets;
  GArray *leased_at; /* gint64 by shard: its last lease; 0: none yet */
  gint64 spacing_us;
  gint64 lease_us; /* a lease that is not used within it is taken back */
  guint remaining;
  guint floor;
} HemeraIdentifyBudget;

void hemera__identify_budget_init (HemeraIdentifyBudget *self, guint max_concurrency, guint spacing_ms,
                                   guint floor, guint remaining);
void hemera__identify_budget_clear (HemeraIdentifyBudget *self);
/* Another max_concurrency: who waits is sorted anew, what was written keeps its spacing. */
void hemera__identify_budget_set_concurrency (HemeraIdentifyBudget *self, guint max_concurrency, gint64 now);
/* No bucket gives a lease before @at: a restarted broker does not know what its predecessor gave. */
void hemera__identify_budget_hold (HemeraIdentifyBudget *self, gint64 at);

/* A newer wish of the same shard takes the place of the older; a lease that the shard still has comes back first. */
void hemera__identify_budget_wish (HemeraIdentifyBudget *self, const HemeraLeaseWish *wish, gint64 now);
/* @left: told again when the bytes were out: counts from now on, once for the budget. */
void hemera__identify_budget_written (HemeraIdentifyBudget *self, guint shard, guint connection,
                                      gboolean left, gint64 now);
/* The lease or the wish of this shard and connection is over. @used: op 2 was written. */
void hemera__identify_budget_done (HemeraIdentifyBudget *self, guint shard, guint connection, gboolean used,
                                   gint64 now);

typedef enum { HEMERA_LEASE_NONE, HEMERA_LEASE_GRANTED, HEMERA_LEASE_DENIED } HemeraLeaseVerdict;
/* The next decision; call until NONE. GRANTED: @wish may identify, the budget is one less. DENIED: the budget is at its floor. */
HemeraLeaseVerdict
hemera__identify_budget_next (HemeraIdentifyBudget *self, gint64 now, HemeraLeaseWish *wish);
/* When next() may have something: G_MAXINT64: never without a call. */
gint64 hemera__identify_budget_deadline (HemeraIdentifyBudget *self);

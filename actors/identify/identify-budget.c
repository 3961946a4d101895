/* The identify budget: buckets with their wishes, leases and spacing. See identify-budget.h. */
#include "identify-budget.h"

#define LEASE_US (60 * G_USEC_PER_SEC)

static void
make_buckets (HemeraIdentifyBudget *self, guint n)
{
  self->n_buckets = n;
  self->buckets = g_new0 (HemeraIdentifyBucket, n);
  for (guint i = 0; i < n; i++)
    self->buckets[i].wishes = g_array_new (FALSE, FALSE, sizeof (HemeraLeaseWish));
}

void
hemera__identify_budget_init (HemeraIdentifyBudget *self, guint max_concurrency, guint spacing_ms,
                              guint floor, guint remaining)
{
  *self = (HemeraIdentifyBudget){
    .spacing_us = (gint64) spacing_ms * 1000,
    .lease_us = LEASE_US,
    .remaining = remaining,
    .floor = floor,
  };
  self->leased_at = g_array_new (FALSE, TRUE, sizeof (gint64));
  make_buckets (self, max_concurrency);
}

static void
free_buckets (HemeraIdentifyBudget *self)
{
  for (guint i = 0; i < self->n_buckets; i++)
    g_array_unref (self->buckets[i].wishes);
  g_free (self->buckets);
  self->buckets = NULL;
  self->n_buckets = 0;
}

void
hemera__identify_budget_clear (HemeraIdentifyBudget *self)
{
  free_buckets (self);
  g_clear_pointer (&self->leased_at, g_array_unref);
}

static HemeraIdentifyBucket *
bucket_of (HemeraIdentifyBudget *self, guint shard)
{
  g_assert (self->n_buckets > 0);
  return &self->buckets[shard % self->n_buckets];
}

static gint64
last_lease (HemeraIdentifyBudget *self, guint shard)
{
  return shard < self->leased_at->len ? g_array_index (self->leased_at, gint64, shard) : 0;
}

static gboolean
is_before (HemeraIdentifyBudget *self, guint shard, guint other)
{
  gint64 at = last_lease (self, shard), other_at = last_lease (self, other);

  return at < other_at || (at == other_at && shard < other);
}

/* A shard that waits has no new lease, so its turn does not change. */
static void
insert_wish (HemeraIdentifyBudget *self, const HemeraLeaseWish *wish)
{
  GArray *wishes = bucket_of (self, wish->shard)->wishes;
  guint i = 0;

  while (i < wishes->len && is_before (self, g_array_index (wishes, HemeraLeaseWish, i).shard, wish->shard))
    i++;
  if (i < wishes->len && g_array_index (wishes, HemeraLeaseWish, i).shard == wish->shard)
    g_array_index (wishes, HemeraLeaseWish, i) = *wish;
  else
    g_array_insert_val (wishes, i, *wish);
}

void
hemera__identify_budget_set_concurrency (HemeraIdentifyBudget *self, guint max_concurrency, gint64 now)
{
  HemeraIdentifyBudget old = *self;

  if (max_concurrency == old.n_buckets)
    return;
  make_buckets (self, max_concurrency);
  for (guint i = 0; i < old.n_buckets; i++) {
    HemeraIdentifyBucket *from = &old.buckets[i];

    for (guint w = 0; w < from->wishes->len; w++)
      insert_wish (self, &g_array_index (from->wishes, HemeraLeaseWish, w));
    if (from->leased) {
      HemeraIdentifyBucket *to = bucket_of (self, from->lease.shard);

      to->leased = TRUE;
      to->lease = from->lease;
      to->written = from->written;
      to->leased_at = from->leased_at;
    }
    /* Which shards the old spacing was for is not kept: all wait for it. */
    for (guint b = 0; b < self->n_buckets; b++)
      self->buckets[b].free_at = MAX (self->buckets[b].free_at, from->free_at);
  }
  free_buckets (&old);
}

void
hemera__identify_budget_hold (HemeraIdentifyBudget *self, gint64 at)
{
  for (guint i = 0; i < self->n_buckets; i++)
    self->buckets[i].free_at = MAX (self->buckets[i].free_at, at);
}

static void
take_back (HemeraIdentifyBudget *self, HemeraIdentifyBucket *bucket, gboolean used, gint64 now)
{
  if (used && !bucket->written)
    bucket->free_at = MAX (bucket->free_at, now + self->spacing_us);
  if (!used && !bucket->written)
    self->remaining++;
  bucket->leased = FALSE;
  bucket->written = FALSE;
}

void
hemera__identify_budget_wish (HemeraIdentifyBudget *self, const HemeraLeaseWish *wish, gint64 now)
{
  HemeraIdentifyBucket *bucket = bucket_of (self, wish->shard);

  if (bucket->leased && bucket->lease.shard == wish->shard)
    take_back (self, bucket, bucket->written, now);
  insert_wish (self, wish);
}

void
hemera__identify_budget_written (HemeraIdentifyBudget *self, guint shard, guint connection, gboolean left,
                                 gint64 now)
{
  HemeraIdentifyBucket *bucket = bucket_of (self, shard);

  bucket->free_at = MAX (bucket->free_at, now + self->spacing_us);
  if (bucket->leased && bucket->lease.shard == shard && bucket->lease.connection == connection)
    bucket->written = TRUE;
  else if (!left && self->remaining > 0)
    self->remaining--; /* its lease was taken back too early: Discord counted it all the same */
}

void
hemera__identify_budget_done (HemeraIdentifyBudget *self, guint shard, guint connection, gboolean used,
                              gint64 now)
{
  HemeraIdentifyBucket *bucket = bucket_of (self, shard);

  if (bucket->leased && bucket->lease.shard == shard && bucket->lease.connection == connection)
    take_back (self, bucket, used, now);
  for (guint i = 0; i < bucket->wishes->len; i++) {
    HemeraLeaseWish *wish = &g_array_index (bucket->wishes, HemeraLeaseWish, i);

    if (wish->shard == shard && wish->connection == connection) {
      g_array_remove_index (bucket->wishes, i);
      break;
    }
  }
}

HemeraLeaseVerdict
hemera__identify_budget_next (HemeraIdentifyBudget *self, gint64 now, HemeraLeaseWish *wish)
{
  for (guint i = 0; i < self->n_buckets; i++) {
    HemeraIdentifyBucket *bucket = &self->buckets[i];

    if (bucket->wishes->len == 0)
      continue;
    if (self->remaining <= self->floor) {
      *wish = g_array_index (bucket->wishes, HemeraLeaseWish, 0);
      g_array_remove_index (bucket->wishes, 0);
      return HEMERA_LEASE_DENIED;
    }
    /* A written lease is over as far as the bucket goes: READY may take long, the spacing alone counts. */
    if (bucket->leased && !bucket->written && now - bucket->leased_at < self->lease_us)
      continue;
    if (now < bucket->free_at)
      continue;
    if (bucket->leased)
      take_back (self, bucket, bucket->written, now);
    *wish = g_array_index (bucket->wishes, HemeraLeaseWish, 0);
    g_array_remove_index (bucket->wishes, 0);
    bucket->leased = TRUE;
    bucket->lease = *wish;
    bucket->leased_at = now;
    if (wish->shard >= self->leased_at->len)
      g_array_set_size (self->leased_at, wish->shard + 1);
    g_array_index (self->leased_at, gint64, wish->shard) = now;
    self->remaining--;
    return HEMERA_LEASE_GRANTED;
  }
  return HEMERA_LEASE_NONE;
}

gint64
hemera__identify_budget_deadline (HemeraIdentifyBudget *self)
{
  gint64 deadline = G_MAXINT64;

  for (guint i = 0; i < self->n_buckets; i++) {
    HemeraIdentifyBucket *bucket = &self->buckets[i];
    gint64 at = bucket->free_at;

    if (bucket->wishes->len == 0)
      continue;
    if (bucket->leased && !bucket->written)
      at = MAX (at, bucket->leased_at + self->lease_us);
    deadline = MIN (deadline, at);
  }
  return deadline;
}

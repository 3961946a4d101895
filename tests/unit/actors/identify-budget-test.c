/* Who may identify when: decisions on a clock of numbers. */
#include "actors/identify/identify-budget.h"

#define SECOND G_USEC_PER_SEC

static void
wish (HemeraIdentifyBudget *budget, guint shard, guint connection, gint64 now)
{
  hemera__identify_budget_wish (budget, &(HemeraLeaseWish){ .shard = shard, .connection = connection }, now);
}

static void
assert_granted (HemeraIdentifyBudget *budget, gint64 now, guint shard)
{
  HemeraLeaseWish granted;

  g_assert_cmpint (hemera__identify_budget_next (budget, now, &granted), ==, HEMERA_LEASE_GRANTED);
  g_assert_cmpuint (granted.shard, ==, shard);
}

static void
assert_none (HemeraIdentifyBudget *budget, gint64 now)
{
  HemeraLeaseWish granted;

  g_assert_cmpint (hemera__identify_budget_next (budget, now, &granted), ==, HEMERA_LEASE_NONE);
}

static void
test_spacing_from_the_write (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 1, 0);
  wish (&budget, 1, 1, 0);
  assert_granted (&budget, 0, 0);
  /* The shard takes three seconds to write its op 2: the five count from there, whatever READY does. */
  hemera__identify_budget_written (&budget, 0, 1, FALSE, 3 * SECOND);
  hemera__identify_budget_done (&budget, 0, 1, TRUE, 4 * SECOND);
  assert_none (&budget, 8 * SECOND - 1);
  g_assert_cmpint (hemera__identify_budget_deadline (&budget), ==, 8 * SECOND);
  assert_granted (&budget, 8 * SECOND, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_ready_is_not_waited_for (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 1, 0);
  wish (&budget, 1, 1, 0);
  assert_granted (&budget, 0, 0);
  hemera__identify_budget_written (&budget, 0, 1, FALSE, 0);
  assert_granted (&budget, 5 * SECOND, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_told_again_when_out (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 1, 0);
  wish (&budget, 1, 1, 0);
  assert_granted (&budget, 0, 0);
  hemera__identify_budget_written (&budget, 0, 1, FALSE, 0);
  hemera__identify_budget_done (&budget, 0, 1, TRUE, SECOND);
  hemera__identify_budget_written (&budget, 0, 1, TRUE, SECOND);
  g_assert_cmpuint (budget.remaining, ==, 99); /* one start, told twice */
  assert_none (&budget, 6 * SECOND - 1);
  assert_granted (&budget, 6 * SECOND, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_buckets_are_apart (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 2, 5000, 0, 100);
  for (guint shard = 0; shard < 4; shard++)
    wish (&budget, shard, 1, 0);
  assert_granted (&budget, 0, 0);
  assert_granted (&budget, 0, 1);
  assert_none (&budget, 0);
  hemera__identify_budget_written (&budget, 1, 1, FALSE, 0);
  assert_granted (&budget, 5 * SECOND, 3);
  assert_none (&budget, 5 * SECOND); /* shard 0 holds its lease and has not written */
  hemera__identify_budget_clear (&budget);
}

static void
test_lowest_shard_first (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 7, 1, 0);
  wish (&budget, 2, 1, 0);
  wish (&budget, 5, 1, 0);
  assert_granted (&budget, 0, 2);
  hemera__identify_budget_clear (&budget);
}

/* A shard that identifies again and again waits behind the others. */
static void
test_turns (void)
{
  HemeraIdentifyBudget budget;
  gint64 now = 1;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  for (guint shard = 0; shard < 3; shard++)
    wish (&budget, shard, 1, now);
  for (guint turn = 0; turn < 6; turn++, now += 5000000) {
    assert_granted (&budget, now, turn % 3);
    hemera__identify_budget_written (&budget, turn % 3, 1 + turn / 3, FALSE, now);
    hemera__identify_budget_done (&budget, turn % 3, 1 + turn / 3, TRUE, now);
    wish (&budget, turn % 3, 2 + turn / 3, now);
  }
  hemera__identify_budget_clear (&budget);
}

static void
test_unused_lease_costs_nothing (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 3);
  wish (&budget, 0, 1, 0);
  wish (&budget, 1, 1, 0);
  assert_granted (&budget, 0, 0);
  g_assert_cmpuint (budget.remaining, ==, 2);
  hemera__identify_budget_done (&budget, 0, 1, FALSE, SECOND);
  g_assert_cmpuint (budget.remaining, ==, 3);
  assert_granted (&budget, SECOND, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_stale_connection (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 2, 0);
  assert_granted (&budget, 0, 0);
  hemera__identify_budget_done (&budget, 0, 1, FALSE, 0); /* of an older connection: not this lease */
  g_assert_true (budget.buckets[0].leased);
  wish (&budget, 0, 3, SECOND); /* the same shard asks anew: what it held comes back */
  g_assert_cmpuint (budget.remaining, ==, 100);
  assert_granted (&budget, SECOND, 0);
  hemera__identify_budget_clear (&budget);
}

static void
test_floor (void)
{
  HemeraIdentifyBudget budget;
  HemeraLeaseWish denied;

  hemera__identify_budget_init (&budget, 1, 0, 10, 11);
  wish (&budget, 0, 1, 0);
  assert_granted (&budget, 0, 0);
  hemera__identify_budget_written (&budget, 0, 1, FALSE, 0);
  wish (&budget, 1, 1, 0);
  g_assert_cmpint (hemera__identify_budget_next (&budget, 0, &denied), ==, HEMERA_LEASE_DENIED);
  g_assert_cmpuint (denied.shard, ==, 1);
  assert_none (&budget, 0); /* told once, it asks again */
  hemera__identify_budget_clear (&budget);
}

static void
test_lease_that_is_never_used (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 1, 0);
  wish (&budget, 1, 1, 0);
  assert_granted (&budget, 0, 0);
  assert_none (&budget, budget.lease_us - 1);
  assert_granted (&budget, budget.lease_us, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_hold_after_restart (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 2, 5000, 0, 100);
  hemera__identify_budget_hold (&budget, 5 * SECOND);
  wish (&budget, 1, 1, 0);
  assert_none (&budget, 5 * SECOND - 1);
  assert_granted (&budget, 5 * SECOND, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_concurrency_changes (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 1, 0);
  wish (&budget, 1, 1, 0);
  wish (&budget, 2, 1, 0);
  assert_granted (&budget, 0, 0);
  hemera__identify_budget_written (&budget, 0, 1, FALSE, 0);
  hemera__identify_budget_set_concurrency (&budget, 2, SECOND);
  assert_none (&budget, 4 * SECOND);
  assert_granted (&budget, 5 * SECOND, 2);
  assert_granted (&budget, 5 * SECOND, 1);
  hemera__identify_budget_clear (&budget);
}

static void
test_newer_wish_replaces (void)
{
  HemeraIdentifyBudget budget;
  HemeraLeaseWish granted;

  hemera__identify_budget_init (&budget, 1, 0, 0, 100);
  wish (&budget, 0, 1, 0);
  wish (&budget, 0, 2, 0);
  g_assert_cmpint (hemera__identify_budget_next (&budget, 0, &granted), ==, HEMERA_LEASE_GRANTED);
  g_assert_cmpuint (granted.connection, ==, 2);
  hemera__identify_budget_written (&budget, 0, 2, FALSE, 0);
  assert_none (&budget, 0); /* the older one is no more */
  hemera__identify_budget_clear (&budget);
}

static void
test_wish_is_withdrawn (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 0, 0, 100);
  wish (&budget, 0, 1, 0);
  hemera__identify_budget_done (&budget, 0, 2, FALSE, 0); /* of another connection */
  g_assert_cmpint (hemera__identify_budget_deadline (&budget), ==, 0);
  hemera__identify_budget_done (&budget, 0, 1, FALSE, 0);
  assert_none (&budget, 0);
  g_assert_cmpint (hemera__identify_budget_deadline (&budget), ==, G_MAXINT64);
  hemera__identify_budget_clear (&budget);
}

/* The lease is another's: what was written is counted, the lease stays unwritten. */
static void
test_written_without_the_lease (void)
{
  const HemeraLeaseWish strangers[] = { { .shard = 0, .connection = 1 }, { .shard = 1, .connection = 2 } };

  for (guint i = 0; i < G_N_ELEMENTS (strangers); i++) {
    HemeraIdentifyBudget budget;

    hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
    wish (&budget, 0, 2, 0);
    assert_granted (&budget, 0, 0);
    hemera__identify_budget_written (&budget, strangers[i].shard, strangers[i].connection, FALSE, 0);
    g_assert_cmpuint (budget.remaining, ==, 98);
    wish (&budget, 3, 1, 0);
    assert_none (&budget, 5 * SECOND);
    hemera__identify_budget_clear (&budget);
  }
}

static void
test_nothing_is_left_to_count (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 0);
  hemera__identify_budget_written (&budget, 0, 1, FALSE, 0);
  g_assert_cmpuint (budget.remaining, ==, 0);
  hemera__identify_budget_clear (&budget);
}

static void
test_concurrency_keeps_the_lease (void)
{
  HemeraIdentifyBudget budget;

  hemera__identify_budget_init (&budget, 1, 5000, 0, 100);
  wish (&budget, 0, 1, 0);
  assert_granted (&budget, 0, 0);
  hemera__identify_budget_set_concurrency (&budget, 2, 0);
  wish (&budget, 1, 1, 0);
  wish (&budget, 2, 1, 0);
  assert_granted (&budget, 0, 1);
  assert_none (&budget, budget.lease_us - 1); /* shard 0 still holds the lease of 2's bucket */
  hemera__identify_budget_done (&budget, 0, 1, FALSE, budget.lease_us - 1);
  assert_granted (&budget, budget.lease_us - 1, 2);
  hemera__identify_budget_clear (&budget);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/identify/spacing/counts-from-the-write", test_spacing_from_the_write);
  g_test_add_func ("/identify/spacing/does-not-wait-for-ready", test_ready_is_not_waited_for);
  g_test_add_func ("/identify/spacing/after-a-restart-of-the-broker", test_hold_after_restart);
  g_test_add_func ("/identify/spacing/counts-from-when-it-is-out", test_told_again_when_out);
  g_test_add_func ("/identify/buckets/are-apart", test_buckets_are_apart);
  g_test_add_func ("/identify/buckets/lowest-shard-first", test_lowest_shard_first);
  g_test_add_func ("/identify/buckets/turns", test_turns);
  g_test_add_func ("/identify/buckets/another-max-concurrency", test_concurrency_changes);
  g_test_add_func ("/identify/buckets/keep-their-lease", test_concurrency_keeps_the_lease);
  g_test_add_func ("/identify/wish/newer-replaces", test_newer_wish_replaces);
  g_test_add_func ("/identify/wish/is-withdrawn", test_wish_is_withdrawn);
  g_test_add_func ("/identify/budget/written-without-the-lease", test_written_without_the_lease);
  g_test_add_func ("/identify/budget/never-below-nought", test_nothing_is_left_to_count);
  g_test_add_func ("/identify/lease/unused-costs-nothing", test_unused_lease_costs_nothing);
  g_test_add_func ("/identify/lease/stale-connection", test_stale_connection);
  g_test_add_func ("/identify/lease/never-used-is-taken-back", test_lease_that_is_never_used);
  g_test_add_func ("/identify/budget/floor", test_floor);
  return g_test_run ();
}

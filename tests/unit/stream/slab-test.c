/* Slabs: counting, reuse, lending, and slabs whose last reference goes on another thread. */
#include "codec/stream/slab.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static void
test_usual_size (void)
{
  HemeraSlab *slab = hemera__slab_new (0);

  g_assert_cmpuint (hemera__slab_size (slab), ==, HEMERA_SLAB_USUAL);
  memset (hemera__slab_data (slab), 0xa5, hemera__slab_size (slab));
  hemera__slab_unref (slab);
}

static void
test_large_size (void)
{
  HemeraSlab *slab = hemera__slab_new (HEMERA_SLAB_USUAL + 1);

  g_assert_cmpuint (hemera__slab_size (slab), >=, HEMERA_SLAB_USUAL + 1);
  memset (hemera__slab_data (slab), 0xa5, hemera__slab_size (slab));
  hemera__slab_unref (slab);
}

static void
test_reused (void)
{
  HemeraSlab *slab = hemera__slab_new (0), *again;
  gsize total;

  hemera__slab_unref (slab);
  total = hemera__slab_total_bytes ();
  again = hemera__slab_new (0);
  g_assert_true (again == slab);
  g_assert_cmpuint (hemera__slab_total_bytes (), ==, total);
  hemera__slab_unref (again);
}

static void
test_large_given_back (void)
{
  gsize before = hemera__slab_total_bytes ();
  HemeraSlab *slab = hemera__slab_new (1 << 20);

  g_assert_cmpuint (hemera__slab_total_bytes (), >=, before + (1 << 20));
  hemera__slab_unref (slab);
  g_assert_cmpuint (hemera__slab_total_bytes (), ==, before);
}

static void
test_free_list_bounded (void)
{
  enum { MANY = HEMERA_SLAB_FREE_KEPT * 2 };
  HemeraSlab *slabs[MANY];
  gsize others, all;

  for (guint i = 0; i < HEMERA_SLAB_FREE_KEPT; i++)
    slabs[i] = hemera__slab_new (0);
  /* the free list is empty now: from here on each slab is a new one */
  others = hemera__slab_total_bytes ();
  for (guint i = HEMERA_SLAB_FREE_KEPT; i < MANY; i++)
    slabs[i] = hemera__slab_new (0);
  all = hemera__slab_total_bytes ();
  for (guint i = 0; i < MANY; i++)
    hemera__slab_unref (slabs[i]);
  g_assert_cmpuint (hemera__slab_total_bytes (), ==, others);
  g_assert_cmpuint (all - others, >=, (gsize) (MANY - HEMERA_SLAB_FREE_KEPT) * HEMERA_SLAB_USUAL);
}

static void
test_lent_goes_on (void)
{
  gsize used;
  HemeraSlab *slab = hemera__slab_open (&used), *reader = hemera__slab_ref (slab), *again;

  g_assert_cmpuint (used, ==, 0);
  hemera__slab_close (slab, 1000);
  again = hemera__slab_open (&used);
  g_assert_true (again == slab);
  g_assert_cmpuint (used, ==, 1000);
  hemera__slab_close (again, used);
  hemera__slab_unref (reader);
}

static void
test_lent_starts_anew_without_readers (void)
{
  gsize used;
  HemeraSlab *slab = hemera__slab_open (&used), *reader = hemera__slab_ref (slab);

  hemera__slab_close (slab, 1000);
  hemera__slab_unref (reader);
  slab = hemera__slab_open (&used);
  g_assert_cmpuint (used, ==, 0);
  hemera__slab_close (slab, 0);
}

static void
test_slice_clear (void)
{
  HemeraSlab *slab = hemera__slab_new (0);
  HemeraSlice slice = { hemera__slab_ref (slab), hemera__slab_data (slab), 10 };

  g_assert_false (hemera__slab_is_sole (slab));
  hemera__slice_clear (&slice);
  g_assert_null (slice.slab);
  g_assert_true (hemera__slab_is_sole (slab));
  hemera__slice_clear (&slice);
  hemera__slab_unref (slab);
}

/* Writers fill slabs and pass slices on; the other thread checks the bytes and drops the last reference. */
enum { ROUNDS = 20000, RING = 64 };

typedef struct {
  _Atomic (HemeraSlab *) slot[RING];
  atomic_int errors;
} Ring;

static void *
write_slabs (void *data)
{
  Ring *ring = data;

  for (guint i = 0; i < ROUNDS; i++) {
    gsize used;
    HemeraSlab *slab = hemera__slab_open (&used), *empty = NULL;
    guint8 *bytes = hemera__slab_data (slab) + used;

    if (used + 64 > hemera__slab_size (slab)) {
      hemera__slab_unref (slab);
      continue;
    }
    memset (bytes, (int) (i % 251), 64);
    hemera__slab_ref (slab);
    /* release: pairs with the reader's acquire; the slice's bytes go with it. */
    if (!atomic_compare_exchange_strong_explicit (&ring->slot[i % RING], &empty, slab, memory_order_release,
                                                  memory_order_relaxed))
      hemera__slab_unref (slab);
    hemera__slab_close (slab, used + 64);
  }
  return NULL;
}

static void *
read_slabs (void *data)
{
  Ring *ring = data;

  for (guint i = 0; i < ROUNDS; i++) {
    HemeraSlab *slab = atomic_exchange_explicit (&ring->slot[i % RING], NULL, memory_order_acquire);

    if (slab == NULL)
      continue;
    if (memcmp (hemera__slab_data (slab), hemera__slab_data (slab) + 1, 63) != 0)
      atomic_fetch_add (&ring->errors, 1);
    hemera__slab_unref (slab);
  }
  return NULL;
}

static void
test_threads (void)
{
  static Ring ring;
  pthread_t threads[4];

  for (guint i = 0; i < 4; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, i % 2 ? read_slabs : write_slabs, &ring), ==, 0);
  for (guint i = 0; i < 4; i++)
    pthread_join (threads[i], NULL);
  for (guint i = 0; i < RING; i++) {
    HemeraSlab *slab = atomic_load (&ring.slot[i]);

    if (slab != NULL)
      hemera__slab_unref (slab);
  }
  g_assert_cmpint (atomic_load (&ring.errors), ==, 0);
  g_assert_cmpuint (hemera__slab_total_bytes (), <=,
                    (gsize) (HEMERA_SLAB_FREE_KEPT + HEMERA_SLAB_OPEN_KEPT) * (HEMERA_SLAB_USUAL + 64));
}

/* Two threads whose only meeting is the free list: what one wrote must have happened before the other's writing. */
static void *
use_free_slabs (void *data)
{
  for (guint i = 0; i < ROUNDS; i++) {
    HemeraSlab *slab = hemera__slab_new (0);

    memset (hemera__slab_data (slab), (int) i, 32);
    hemera__slab_unref (slab);
  }
  return NULL;
}

static void
test_free_list_orders (void)
{
  pthread_t threads[2];

  for (guint i = 0; i < 2; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, use_free_slabs, NULL), ==, 0);
  for (guint i = 0; i < 2; i++)
    pthread_join (threads[i], NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* first: slabs that other tests have ordered between the threads would hide a missing order */
  g_test_add_func ("/slab/threads/free-list-orders", test_free_list_orders);
  g_test_add_func ("/slab/new/usual-size", test_usual_size);
  g_test_add_func ("/slab/new/large-size", test_large_size);
  g_test_add_func ("/slab/unref/reused", test_reused);
  g_test_add_func ("/slab/unref/large-given-back", test_large_given_back);
  g_test_add_func ("/slab/unref/free-list-bounded", test_free_list_bounded);
  g_test_add_func ("/slab/lent/goes-on", test_lent_goes_on);
  g_test_add_func ("/slab/lent/starts-anew-without-readers", test_lent_starts_anew_without_readers);
  g_test_add_func ("/slab/slice/clear", test_slice_clear);
  g_test_add_func ("/slab/threads/last-reference-elsewhere", test_threads);
  return g_test_run ();
}

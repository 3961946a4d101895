/* Sending small messages costs no malloc in the steady state. This program's own malloc counts and hands on; other than in release and
 * debug builds (under sanitizers every message is malloc's own on purpose) the test is skipped. */
#include "tests/unit/runtime/puppet.h"

#include <stdatomic.h>

#define N      100000
#define WINDOW 64

static _Atomic guint mallocs;
static _Atomic gboolean counting;

#ifndef HEMERA_SANITIZED
#define VISIBLE __attribute__ ((visibility ("default"))) /* GLib must find it before libc's */

extern void *__libc_malloc (size_t size);
extern void *__libc_realloc (void *old, size_t size);
extern void *__libc_calloc (size_t n, size_t size);

static void
count (void)
{
  if (atomic_load_explicit (&counting, memory_order_relaxed))
    atomic_fetch_add_explicit (&mallocs, 1, memory_order_relaxed);
}

VISIBLE void *
malloc (size_t size)
{
  count ();
  return __libc_malloc (size);
}

VISIBLE void *
realloc (void *old, size_t size)
{
  count ();
  return __libc_realloc (old, size);
}

VISIBLE void *
calloc (size_t n, size_t size)
{
  count ();
  return __libc_calloc (n, size);
}
#endif

/* A ball: the ping-pong of @WINDOW of them between two actors; each message holds as much as a small one may. */
typedef struct {
  HemeraPid from;
  guint left;
  guint8 fill[104];
} Ball;
HEMERA_DECLARE_MESSAGE (Ball, ball)
HEMERA_DEFINE_MESSAGE (Ball, ball, NULL, NULL, NULL, NULL);
G_STATIC_ASSERT (sizeof (Ball) == 128);

static sem_t landed;

static HemeraNext
receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Ball *ball = ball_peek (message);
  HemeraPid to = ball->from;

  ball->from = hemera_actor_self (self);
  if (ball->left-- == 0)
    sem_post (&landed);
  else
    ball_send (to, ball);
  return HEMERA_CONTINUE;
}

static const HemeraActorClass player = { .name = "player", .receive = receive };

static void
play (HemeraPid a, HemeraPid b, guint messages)
{
  for (guint i = 0; i < WINDOW; i++)
    ball_send (a, &(Ball){ .from = b, .left = messages / WINDOW });
  for (guint i = 0; i < WINDOW; i++)
    sem_wait (&landed);
}

static void
steady_state (guint workers)
{
#ifdef HEMERA_SANITIZED
  g_test_skip ("message pools are off under sanitizers");
#else
  HemeraSystem *system = hemera_system_new (&(HemeraSystemOptions){ .workers = workers }, NULL);
  HemeraPid a = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &player });
  HemeraPid b = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &player });
  guint counted;

  sem_init (&landed, 0, 0);
  play (a, b, N);
  atomic_store (&mallocs, 0);
  atomic_store (&counting, TRUE);
  g_free (g_malloc (1)); /* shows that it counts */
  play (a, b, N);
  atomic_store (&counting, FALSE);
  counted = atomic_load (&mallocs);
  hemera_system_unref (system);
  /* The one above, and one for each ball that this thread, which is no worker, throws in. */
  g_assert_cmpuint (counted, >=, 1);
  g_assert_cmpuint (counted, <=, 1 + WINDOW);
#endif
}

static void
same_worker (void)
{
  steady_state (1);
}

static void
two_workers (void)
{
  steady_state (2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runtime/no-malloc/same-worker", same_worker);
  g_test_add_func ("/runtime/no-malloc/two-workers", two_workers);
  return g_test_run ();
}

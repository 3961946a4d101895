/* Sending small messages costs no malloc in the steady state. This program's own malloc counts and hands on; other than in release and
 * debug builds (under sanitizers every message is malloc's own on purpose) the test is skipped. */
#include "tests/unit/runtime/puppet.h"

#include <stdatomic.h>
#include <unistd.h>

#define N      100000
#define WINDOW 64
#define SPARE  (1 + WINDOW + N / 2000)

#ifndef HEMERA_SANITIZED
static _Atomic guint mallocs;
static _Atomic gboolean counting;

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

static guint
count_mallocs (HemeraPid a, HemeraPid b)
{
  atomic_store (&mallocs, 0);
  atomic_store (&counting, TRUE);
  g_free (g_malloc (1)); /* shows that it counts */
  play (a, b, N);
  atomic_store (&counting, FALSE);
  return atomic_load (&mallocs);
}

/* Pools grow until they hold what is in flight at the most; from then on a round of N messages costs none. What is left to count are the
 * one above, and one for each ball that this thread, which is no worker, throws in; GLib's slices may grow a little too. */
static void
steady_state (guint workers)
{
  HemeraSystem *system = hemera_system_new (&(HemeraSystemOptions){ .workers = workers }, NULL);
  HemeraPid a = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &player });
  HemeraPid b = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &player });
  guint counted = G_MAXUINT;

  sem_init (&landed, 0, 0);
  play (a, b, N);
  for (guint round = 0; round < 10 && counted > SPARE; round++)
    counted = count_mallocs (a, b);
  hemera_system_unref (system);
  g_assert_cmpuint (counted, >=, 1);
  g_assert_cmpuint (counted, <=, SPARE);
}
#else
static void
steady_state (guint workers)
{
  g_test_skip ("message pools are off under sanitizers");
}
#endif

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
  /* The tests' environment makes GLib's slices malloc's, which its main loop takes one of a turn. GLib reads it before main. */
  if (g_getenv ("G_SLICE")) {
    g_unsetenv ("G_SLICE");
    execv ("/proc/self/exe", argv);
  }
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runtime/no-malloc/same-worker", same_worker);
  g_test_add_func ("/runtime/no-malloc/two-workers", two_workers);
  return g_test_run ();
}

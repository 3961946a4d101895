/* HemeraSystem: making it, placing actors on its workers, ending it. See system.h; simulated systems are in simulated.c. */
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define MAX_WORKERS    256
#define DEFAULT_BUDGET 64

G_DEFINE_BOXED_TYPE (HemeraSystem, hemera_system, hemera_system_ref, hemera_system_unref)

guint64
hemera__random (guint64 *state)
{
  guint64 z = (*state += G_GUINT64_CONSTANT (0x9E3779B97F4A7C15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xBF58476D1CE4E5B9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94D049BB133111EB);
  return z ^ (z >> 31);
}

HemeraSystem *
hemera__system_alloc (guint n_workers, guint budget, guint64 seed)
{
  HemeraSystem *self = g_new0 (HemeraSystem, 1);

  atomic_init (&self->refs, 1);
  self->n_workers = n_workers;
  self->budget = budget ? budget : DEFAULT_BUDGET;
  self->seed = seed;
  while (self->seed == 0)
    if (getrandom (&self->seed, sizeof self->seed, 0) != sizeof self->seed)
      self->seed = (guint64) g_get_real_time ();
  self->workers = g_new0 (HemeraWorker *, n_workers);
  pthread_mutex_init (&self->spawn_lock, NULL);
  hemera__registry_init (&self->registry);
  return self;
}

void
hemera__system_free (HemeraSystem *self)
{
  for (guint i = 0; i < self->n_workers; i++)
    if (self->workers[i])
      hemera__worker_free (self->workers[i]);
  hemera__registry_clear (&self->registry);
  pthread_mutex_destroy (&self->spawn_lock);
  g_free (self->workers);
  g_free (self);
}

/* Stops and joins the first @n workers. One after the other ends its network: making and freeing those is not thread-safe. */
static void
end_workers (HemeraSystem *self, guint n)
{
  pthread_mutex_lock (&self->spawn_lock);
  self->closing = TRUE;
  pthread_mutex_unlock (&self->spawn_lock);
  for (guint i = 0; i < n; i++)
    hemera__worker_stop (self->workers[i]);
  for (guint i = 0; i < n; i++)
    hemera__worker_join (self->workers[i]);
}

/**
 * hemera_system_new:
 * @options: (nullable): %NULL: all defaults
 * @error: #GIOErrorEnum, or the network's own
 *
 * Blocks until every worker runs.
 *
 * Returns: (transfer full) (nullable): the system
 */
HemeraSystem *
hemera_system_new (const HemeraSystemOptions *options, GError **error)
{
  static const HemeraSystemOptions defaults = { 0 };
  HemeraSystem *self;
  guint n;

  if (!options)
    options = &defaults;
  n = options->workers ? options->workers : MIN (g_get_num_processors (), 8);
  self = hemera__system_alloc (MIN (n, MAX_WORKERS), options->budget, options->seed);
  for (guint i = 0; i < self->n_workers; i++) {
    self->workers[i] = hemera__worker_new (self, i);
    if (!hemera__worker_start (self->workers[i], error)) {
      end_workers (self, i);
      hemera__system_free (self);
      return NULL;
    }
  }
  return self;
}

HemeraSystem *
hemera_system_get_default (GError **error)
{
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static HemeraSystem *shared;
  HemeraSystem *self;

  pthread_mutex_lock (&lock);
  if (!shared)
    shared = hemera_system_new (NULL, error);
  self = shared ? hemera_system_ref (shared) : NULL;
  pthread_mutex_unlock (&lock);
  return self;
}

HemeraSystem *
hemera_system_ref (HemeraSystem *self)
{
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera_system_unref (HemeraSystem *self)
{
  g_return_if_fail (self != NULL);
  /* acq_rel: what other holders did with it (release) is seen by the last one (acquire). */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) > 1)
    return;
  g_assert (!hemera__thread.worker
            || hemera__thread.worker->system != self); /* a thread cannot join itself */
  if (self->simulated)
    hemera__system_end_simulated (self);
  else
    end_workers (self, self->n_workers);
  hemera__system_free (self);
}

guint
hemera_system_workers (HemeraSystem *self)
{
  return self->n_workers;
}

HemeraPid
hemera_system_whereis (HemeraSystem *self, const char *name)
{
  g_return_val_if_fail (name != NULL, HEMERA_PID_NONE);
  return hemera__registry_lookup (&self->registry, name);
}

gint64
hemera_system_now (HemeraSystem *self)
{
  if (self->simulated)
    return atomic_load_explicit (&self->virtual_now, memory_order_relaxed);
  return g_get_monotonic_time ();
}

static guint
live_of (HemeraWorker *worker)
{
  return atomic_load_explicit (&worker->live, memory_order_relaxed);
}

HemeraWorker *
hemera__system_place (HemeraSystem *self, HemeraPlacement placement, HemeraWorker *near)
{
  HemeraWorker *best = placement == HEMERA_PLACE_WITH_PARENT ? near : NULL;
  gboolean is_chosen = best != NULL;

  pthread_mutex_lock (&self->spawn_lock);
  if (self->closing) {
    best = NULL;
  } else {
    for (guint i = 0; i < self->n_workers && !is_chosen; i++) {
      HemeraWorker *worker = self->workers[i];
      gboolean is_avoided = placement == HEMERA_PLACE_OTHER && worker == near && self->n_workers > 1;
      if (!is_avoided && (!best || live_of (worker) < live_of (best)))
        best = worker;
    }
    atomic_fetch_add_explicit (&best->live, 1, memory_order_relaxed);
  }
  pthread_mutex_unlock (&self->spawn_lock);
  return best;
}

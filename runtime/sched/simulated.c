/* Simulated systems: one worker, run by whoever calls, on a virtual clock. The order in which actors run is drawn from the seed, so a
 * failing order can be had again. Sources of the worker's context run too, between the turns. */
#include "runtime/sched/pool.h"
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

/* Where the virtual clock starts: not at zero, so that zero can mean "never" to who keeps times. */
#define EPOCH_US G_USEC_PER_SEC

HemeraSystem *
hemera__system_new_simulated (guint64 seed)
{
  HemeraSystem *self = hemera__system_alloc (1, 1, seed ? seed : 1);

  self->simulated = TRUE;
  atomic_init (&self->virtual_now, EPOCH_US);
  self->workers[0] = hemera__worker_new (self, 0);
  self->workers[0]->pool = hemera__pool_acquire ();
  return self;
}

static HemeraThread
enter (HemeraWorker *worker)
{
  HemeraThread before = hemera__thread;

  g_main_context_push_thread_default (worker->context);
  hemera__thread = (HemeraThread){ .worker = worker, .pool = worker->pool };
  return before;
}

static void
leave (HemeraWorker *worker, HemeraThread before)
{
  g_main_context_pop_thread_default (worker->context);
  hemera__thread = before;
}

static void
run (HemeraSystem *self)
{
  HemeraWorker *worker = self->workers[0];

  do {
    hemera__timers_fire (&worker->timers, hemera_system_now (self));
    while (hemera__worker_collect (worker))
      hemera__worker_run_one (worker, (guint) (hemera__random (&self->seed) % worker->n_work));
  } while (g_main_context_iteration (worker->context, FALSE) || hemera__worker_collect (worker)
           || hemera__timers_next (&worker->timers) <= hemera_system_now (self));
}

void
hemera__system_run_until_idle (HemeraSystem *self)
{
  HemeraThread before;

  g_return_if_fail (self->simulated && hemera__thread.worker == NULL);
  before = enter (self->workers[0]);
  run (self);
  leave (self->workers[0], before);
}

void
hemera__system_advance (HemeraSystem *self, gint64 us)
{
  HemeraWorker *worker = self->workers[0];
  gint64 until = hemera_system_now (self) + us;
  HemeraThread before;

  g_return_if_fail (self->simulated && us >= 0 && hemera__thread.worker == NULL);
  before = enter (worker);
  run (self);
  while (hemera__timers_next (&worker->timers) <= until) {
    gint64 next = hemera__timers_next (&worker->timers);
    atomic_store_explicit (&self->virtual_now, MAX (next, hemera_system_now (self)), memory_order_relaxed);
    run (self);
  }
  atomic_store_explicit (&self->virtual_now, until, memory_order_relaxed);
  leave (worker, before);
}

void
hemera__system_end_simulated (HemeraSystem *self)
{
  HemeraWorker *worker = self->workers[0];
  HemeraThread before = enter (worker);

  pthread_mutex_lock (&self->spawn_lock);
  self->closing = TRUE;
  pthread_mutex_unlock (&self->spawn_lock);
  hemera__worker_stop (worker);
  while (!hemera__worker_is_over (worker)) {
    while (hemera__worker_collect (worker))
      hemera__worker_run_one (worker, 0);
    if (!hemera__worker_is_over (worker))
      g_main_context_iteration (worker->context, FALSE);
  }
  leave (worker, before);
  hemera__worker_clear (worker);
  hemera__pool_release (worker->pool);
}

/* HemeraSystem from inside: the workers, the registry, the clock, and how it ends. */
#pragma once

#include "runtime/sched/registry.h"
#include "runtime/sched/worker.h"

struct _HemeraSystem {
  /* any thread, atomic */
  _Atomic guint refs;
  _Atomic guint64 spawned;
  _Atomic gint64 virtual_now; /* us, of a simulated system */
  /* immutable */
  guint n_workers;
  guint budget;
  guint64 seed;
  gboolean simulated;
  HemeraWorker **workers;
  /* under the lock: no spawn begins once it is closing */
  pthread_mutex_t spawn_lock;
  gboolean closing;
  HemeraRegistry registry;
};

/* splitmix64: a well mixed number of the state, which it moves on. */
guint64 hemera__random (guint64 *state);
/* The worker for a new actor, whose count of living ones includes it from now on; NULL when the system is closing. @near: (nullable). */
HemeraWorker *hemera__system_place (HemeraSystem *self, HemeraPlacement placement, HemeraWorker *near);
/* An empty system without workers. */
HemeraSystem *hemera__system_alloc (guint n_workers, guint budget, guint64 seed);
/* Its workers have ended. */
void hemera__system_free (HemeraSystem *self);
/* Kills and frees what lives on the workers of a simulated system. */
void hemera__system_end_simulated (HemeraSystem *self);

/* What a thread knows about itself: the worker it is, the actor whose callback it runs, its pool of message blocks, its references.
 * Of the thread alone; zero in threads that are no workers. */
#pragma once

#include <hemera/actor.h>

typedef struct _HemeraWorker HemeraWorker;
typedef struct _HemeraPool HemeraPool;
typedef struct _HemeraSlot HemeraSlot;

typedef struct {
  HemeraWorker *worker; /* (nullable) */
  HemeraActor *actor;   /* (nullable) */
  HemeraPool *pool;     /* (nullable): NULL: malloc */
  guint64 ref_next;
  guint64 ref_end;
} HemeraThread;

extern _Thread_local HemeraThread hemera__thread;

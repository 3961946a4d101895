/* HemeraWorker: one thread (or, simulated, whoever runs the system) with a GMainContext, a run queue behind one GSource, timers, actors.
 *
 * The source runs at G_PRIORITY_DEFAULT as everything of ours. GLib dispatches the highest ready priority only, so a source that is
 * always ready starves every lower one; after a spent budget it says "not ready, do not sleep" for one iteration.
 *
 * Sleep: other threads push work to the worker's inbox (inbox.h). Before the loop polls, the source puts the inbox to sleep; a push to a
 * sleeping inbox writes the eventfd, once, and a push to an awake one does not. The worker counts the writes it is owed (it found itself
 * woken by a sender) and does not end before it has read them all: no sender is then between its push and its write. */
#pragma once

#include <pthread.h>
#include <semaphore.h>

#include "runtime/net/net.h"
#include "runtime/sched/slot.h"
#include "runtime/sched/timers.h"

typedef struct _HemeraReady HemeraReady;

struct _HemeraWorker {
  /* any thread, atomic */
  _Alignas(64) HemeraInbox inbox; /* of HemeraWork */
  _Atomic guint live;             /* slots of its actors that are not free yet */
  /* immutable once it has started */
  _Alignas(64) HemeraSystem *system;
  guint index;
  int wake_fd; /* -1: simulated */
  GMainContext *context;
  pthread_t thread;
  sem_t started;
  sem_t may_end;
  GError *error; /* why it did not start; handed over by @started */
  /* the worker alone */
  HemeraInboxNode *first_work, *last_work;
  guint n_work;
  HemeraTimers timers;
  HemeraActor *actors;  /* list */
  HemeraReady *readies; /* GIO operations whose end is awaited */
  HemeraPool *pool;
  HemeraNet *net;
  GMainLoop *loop;
  GSource *source;
  int timer_fd;
  gint64 timer_armed; /* G_MAXINT64: not */
  gpointer wake_tag, timer_tag;
  gint64 wakes_owed;
  gint64 stop_by;  /* 0: not stopping; until then GIO operations may still end */
  gboolean asleep; /* it has put its inbox to sleep and has not looked since */
  gboolean rests;  /* lets one iteration pass */
  HemeraWork stop;
};

HemeraWorker *hemera__worker_new (HemeraSystem *system, guint index);
/* Starts the thread and waits until it has its network. FALSE: it has ended. */
gboolean hemera__worker_start (HemeraWorker *self, GError **error);
/* Kills all its actors and lets the loop end once they are gone. Returns at once. */
void hemera__worker_stop (HemeraWorker *self);
/* After hemera__worker_stop() of all: waits for the thread. */
void hemera__worker_join (HemeraWorker *self);
void hemera__worker_free (HemeraWorker *self);

/* Any thread; @work stands in no queue, and stays valid until it has run. */
void hemera__worker_schedule (HemeraWorker *self, HemeraWork *work);

/* ---- for the worker's source, and for simulated systems ---- */
/* Moves what others have pushed to the run queue; TRUE when it is not empty. */
gboolean hemera__worker_collect (HemeraWorker *self);
/* Runs the work at @position of the run queue (0: the first). */
void hemera__worker_run_one (HemeraWorker *self, guint position);
/* It is stopping, and nothing of it is left. */
gboolean hemera__worker_is_over (HemeraWorker *self);
/* Ends all actors. */
void hemera__worker_kill_all (HemeraWorker *self);
/* What ran as the worker is over: frees timers and what waits for GIO. */
void hemera__worker_clear (HemeraWorker *self);
/* The source for the run queue. */
GSource *hemera__worker_source_new (HemeraWorker *self);

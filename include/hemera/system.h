/* HemeraSystem: the worker threads that actors live on, the registry of names and the clock. A process usually has one (the shared
 * system); tests make their own. Each worker is one thread with one GMainContext, its thread-default one, and one GMainLoop. */
#pragma once

#include <hemera/pid.h>
#include <hemera/term.h>

G_BEGIN_DECLS

typedef struct _HemeraSystem HemeraSystem;

#define HEMERA_TYPE_SYSTEM (hemera_system_get_type ())
HEMERA_API GType hemera_system_get_type (void);

/**
 * HemeraSystemOptions:
 * @workers: threads; 0: the number of processors, at most 8
 * @budget: messages one actor handles before the next one's turn; 0: 64
 * @seed: of all randomness of actors (jitter); 0: from the operating system
 *
 * All zero is the default.
 */
typedef struct {
  guint workers;
  guint budget;
  guint64 seed;
} HemeraSystemOptions;

/* Starts the workers; blocks until they run. @options: (nullable). (transfer full) (nullable): NULL with @error (#GIOErrorEnum, or the
 * network's own) when a thread or its network context cannot be made. Any thread but a worker's. */
HEMERA_API HemeraSystem *hemera_system_new (const HemeraSystemOptions *options, GError **error);
/* The process-wide system, made with all defaults at the first call. It lives until the process ends. Any thread. (transfer full)
 * (nullable): NULL with @error as hemera_system_new(). */
HEMERA_API HemeraSystem *hemera_system_get_default (GError **error);
/* Any thread. (transfer full) */
HEMERA_API HemeraSystem *hemera_system_ref (HemeraSystem *self);
/* The last unref kills what still runs (reason `killed`, finalizers run) and joins the threads; not from a worker. It waits for
 * callbacks that are running, and up to two seconds for GIO operations begun with hemera_actor_ready(): cancel those. */
HEMERA_API void hemera_system_unref (HemeraSystem *self);

/* How many workers there are. */
HEMERA_API guint hemera_system_workers (HemeraSystem *self);
/* The pid registered as @name, or HEMERA_PID_NONE. Any thread. */
HEMERA_API HemeraPid hemera_system_whereis (HemeraSystem *self, const char *name);
/* Microseconds of the system's clock: monotonic, or virtual. Any thread. */
HEMERA_API gint64 hemera_system_now (HemeraSystem *self);

/* The whole tree as text, a line an actor, below its parent: pid, name or label, worker, parent, status, messages in the inbox and in
 * the queue, reductions (messages handled), links, monitors, timers, bytes of memory. Asynchronous by nature: each actor is asked in
 * its own thread; those that do not answer in @timeout_ms are shown as busy. Blocks the caller; never from an actor. (transfer full) */
HEMERA_API char *hemera_system_dump (HemeraSystem *self, guint timeout_ms);
/* The same as a term: a list of maps, each behind its parent's, with the keys pid, parent, name, label, class (those that there are, as
 * binaries), status, worker, inbox, queue, reductions, links, monitors (both lists of pids), monitored_by, timers, memory. A busy worker is
 * #{worker, status => busy, actors}. hemera_view_to_json() makes it text for tools. (transfer full) */
HEMERA_API HemeraTerm *hemera_system_dump_term (HemeraSystem *self, guint timeout_ms);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraSystem, hemera_system_unref)

G_END_DECLS

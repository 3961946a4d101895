/* What the layers above may use of the runtime beyond the public headers. */
#pragma once

#include <hemera/actor.h>

/* Runs @func as the actor, on its worker's thread, outside its other callbacks (from a websocket or another source of the worker): sets
 * the current actor, then obeys HEMERA_STOP as after a message. FALSE when the actor has ended in it: touch nothing of it any more.
 * Not reentrant: never from inside a callback of the same actor. */
gboolean
hemera__actor_run (HemeraActor *self, HemeraNext (*func) (HemeraActor *self, gpointer state, gpointer data),
                   gpointer data);

/* The network of the actor's worker (runtime/net/net.h): made with the system, one lws context a worker. */
struct _HemeraNet *hemera__actor_net (HemeraActor *self);

/* A system without threads: all actors run in the caller's thread by hemera__system_run_until_idle() on a virtual clock; timers fire
 * by hemera__system_advance(). The schedule comes from @seed alone. It has no network. Sources of the worker's context run too. */
HemeraSystem *hemera__system_new_simulated (guint64 seed);
void hemera__system_run_until_idle (HemeraSystem *self);
void hemera__system_advance (HemeraSystem *self, gint64 us);

/* ---- ports: messages out of the actor world into a GMainContext ---------------------------------------------------------------- */

/* HemeraPort: an inbox in a GMainContext of the application: actors send to its pid as to any actor, @func runs in the context.
 * It can be monitored; after close its pid names nobody. Lock-free push, one eventfd write when it sleeps. Bounded by its users
 * (credit), not by itself. The func gets at most @budget messages a dispatch (0: 64).
 * @context: (nullable): NULL: the thread-default one of the caller. NULL when there are no descriptors left. */
typedef struct _HemeraPort HemeraPort;
typedef void (*HemeraPortFunc) (HemeraPort *port, HemeraActorMessage *message /* transfer none */,
                                gpointer user_data);
HemeraPort *hemera__port_new (HemeraSystem *system, GMainContext *context, HemeraPortFunc func,
                              gpointer user_data, guint budget);
HemeraPid hemera__port_pid (HemeraPort *self);
/* From its context's thread, inside its func too: func is not called again. Messages left are freed, monitors get DOWN with `normal`. Frees
 * the port. */
void hemera__port_close (HemeraPort *self);

/* ---- what the behaviours (runtime/otp) need of an actor: each for the actor itself, in one of its callbacks ---------------------- */

/* The class it was spawned with. */
const HemeraActorClass *hemera__actor_class (HemeraActor *self);

/* A filter that sees every message just before receive would (a parent's EXIT too): takes @message (transfer full) and gives the one
 * to receive instead (transfer full), or NULL: nothing is received. Calls in flight live behind it (replies, time-outs, DOWNs of
 * their monitors). At most one an actor; @destroy frees @data before finalize. Actors without one pay a NULL check. */
typedef HemeraActorMessage *(*HemeraActorFilter) (HemeraActor *self, gpointer data,
                                                  HemeraActorMessage *message);
void
hemera__actor_set_filter (HemeraActor *self, HemeraActorFilter filter, gpointer data, GDestroyNotify destroy);
/* The data of its filter, or NULL. */
gpointer hemera__actor_filter_data (HemeraActor *self);

/* @message (transfer full) stands first in its queue: before all that has come, a parent's EXIT too. In its init. */
void hemera__actor_queue_first (HemeraActor *self, HemeraActorMessage *message);

/* From now on the parent's EXIT, while trapping, is a message to receive like any other: for a supervisor, whose end takes many steps. */
void hemera__actor_receive_parent_exit (HemeraActor *self);

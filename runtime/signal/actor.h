/* HemeraActor from inside. All of it belongs to its worker's thread; other threads know its slot alone. */
#pragma once

#include "runtime/internal.h"
#include "runtime/sched/worker.h"

/* A source that runs as the actor: its callback's wrapper. */
typedef struct _HemeraActorSource HemeraActorSource;

struct _HemeraActor {
  /* immutable after spawn */
  const HemeraActorClass *actor_class;
  HemeraWorker *worker;
  HemeraSlot *slot;
  HemeraPid pid, parent;
  guint64 number;                    /* of its system's actors, in the order of their spawning */
  gpointer args;                     /* ours to free with @args_free, or the spawner's */
  void (*args_free) (gpointer data); /* (nullable) */
  const char *spawn_name;            /* (nullable): interned */
  HemeraPid ack_to;
  HemeraRef ack_ref;
  /* its worker alone */
  HemeraActor *prev, *next;      /* on the worker */
  HemeraInboxNode *arrived;      /* drained, not handled yet, oldest first */
  HemeraInboxNode *first, *last; /* messages */
  guint n_messages;
  HemeraTable links;    /* HemeraLink by the peer's id */
  HemeraTable entries;  /* HemeraMonitor and HemeraTimer of its own, by reference */
  HemeraTable watchers; /* HemeraMonitor of others, by reference */
  HemeraActorSource *sources;
  HemeraActorFilter filter; /* (nullable) */
  gpointer filter_data;
  GDestroyNotify filter_destroy;
  const char *name;   /* (nullable): registered, interned */
  char *label;        /* (nullable) */
  HemeraTerm *reason; /* (nullable): of the stop to come */
  guint64 random;
  guint64 reductions; /* messages handled */
  guint8 trap_exit;
  guint8 started; /* init has returned HEMERA_CONTINUE */
  guint8 ack_pending;
  guint8 ack_deferred;
  guint8 in_turn;    /* its work is taken from the run queue and not given back */
  guint8 running;    /* in one of its callbacks */
  guint8 stop_asked; /* hemera_actor_stop() from where no HemeraNext is returned */
  guint8 receives_parent_exit;
  guint8 has_bad_name; /* its spawn asked for a name that no actor can have */
  _Alignas(16) guint8 state[];
};

typedef enum {
  HEMERA_END_SELF,   /* a stop of its own: crash-reported when not clean */
  HEMERA_END_SIGNAL, /* by an exit signal */
  HEMERA_END_SYSTEM, /* its system ends */
} HemeraEnd;

/* Ends it: name, finalize, links, monitors, memory. Outside of its callbacks. @reason: (transfer full) */
void hemera__actor_end (HemeraActor *self, HemeraTerm *reason, HemeraEnd how);
/* After a callback that asked for it: terminate, then the end. */
void hemera__actor_stop (HemeraActor *self);
/* The work of a new actor: makes it known to its worker, then its first turn. */
void hemera__actor_begin (HemeraWorker *worker, HemeraWork *work);
/* The turn: drains, starts, handles up to the budget. */
void hemera__actor_turn (HemeraWorker *worker, HemeraWork *work);
/* Handles signals and queues messages. FALSE: it has ended. */
gboolean hemera__actor_drain (HemeraActor *self);
void hemera__actor_queue (HemeraActor *self, HemeraActorMessage *message);
/* Sends the HemeraStartedMessage if one is due. @reason: (transfer none) (nullable) */
void hemera__actor_ack (HemeraActor *self, gboolean ignored, HemeraTerm *reason);
/* Removes and frees queued messages that @match says; how many. */
guint hemera__actor_flush (HemeraActor *self, gboolean (*match) (HemeraActorMessage *message, gpointer data),
                           gpointer data);

/* Its timers to itself go, others lose their owner. */
void hemera__actor_end_timers (HemeraActor *self);
/* An interval's message has been taken: the next may come. */
void hemera__actor_timeout_handled (HemeraActor *self, HemeraActorMessage *message);
void hemera__actor_end_sources (HemeraActor *self);
void hemera__readies_clear (HemeraWorker *worker);
void hemera__crash_report (HemeraActor *self, HemeraTerm *reason);

/* Whether the caller is its worker's thread: what a programmer can get wrong. */
static inline gboolean
hemera__actor_is_here (HemeraActor *self)
{
  return hemera__thread.worker == self->worker;
}

/* Around each of its callbacks: sets the current actor. */
static inline HemeraActor *
hemera__actor_enter (HemeraActor *self)
{
  HemeraActor *before = hemera__thread.actor;

  hemera__thread.actor = self;
  self->running = TRUE;
  return before;
}

static inline void
hemera__actor_leave (HemeraActor *self, HemeraActor *before)
{
  self->running = FALSE;
  hemera__thread.actor = before;
}

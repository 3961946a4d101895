/* HemeraSlot: where a pid leads to. One table a process: chunks of slots that are never freed and never move, so any thread may look a
 * pid up, and push to what it finds, without a lock or a count, whatever happens to the actor meanwhile.
 *
 * Why a push to an actor that dies is safe: the slot's memory stays a slot for ever. The sender finds the inbox closed (and keeps
 * the message), or gets in before the close (and the dying actor answers for it), or comes so late that the slot has a new owner: then its
 * message carries the old generation, which the owner compares when it drains, and answers for as for a dead pid. A slot is given to a
 * new owner only when its work item stands in no run queue and no sender is on the way to put it there (HEMERA_PUSH_WAKE), so who is on
 * that way may still read @worker and @wake_fd. */
#pragma once

#include "runtime/sched/block.h"

/* Something a worker is to do: an actor's turn, or a command. In one run queue at a time. */
typedef struct _HemeraWork HemeraWork;
struct _HemeraWork {
  HemeraInboxNode node;
  void (*func) (HemeraWorker *worker, HemeraWork *work);
};

typedef struct _HemeraPort HemeraPort;

struct _HemeraSlot {
  /* any thread, atomic */
  _Alignas(64) HemeraInbox inbox;
  _Atomic guint32 generation; /* of its owner, the last one when it has none; grows */
  /* immutable */
  guint32 index;
  /* immutable while it has an owner; read by who replaced IDLE in the inbox */
  _Atomic (HemeraWorker *) worker; /* NULL: a port's */
  int wake_fd;                     /* of a port */
  /* with who schedules it */
  HemeraWork work;
  /* the owner alone */
  union {
    HemeraActor *actor; /* NULL: has ended, but its work stands in a queue */
    HemeraSlot *next_free;
  } owner;
};

/* (nullable): NULL when the table is full (four million). Its inbox is closed. Any thread. */
HemeraSlot *hemera__slot_new (HemeraPid *pid);
/* The owner, with the inbox closed, and no one on the way to schedule it. */
void hemera__slot_free (HemeraSlot *self);
/* (nullable): NULL when @pid is of another node, names nobody, or its actor is known to be gone. Any thread. */
HemeraSlot *hemera__slot_lookup (HemeraPid pid);
/* Whether @pid has not ended yet, as far as this thread can know. */
gboolean hemera__pid_is_alive (HemeraPid pid);
/* Moves @block to @pid's inbox, or answers for it as a dead pid does. Any thread. */
void hemera__deliver (HemeraPid pid, HemeraActorMessage *block);

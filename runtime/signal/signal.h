/* Signals: what they do to who receives them, and how they are answered for who is gone. */
#pragma once

#include "runtime/sched/block.h"

typedef enum {
  HEMERA_EXIT_IGNORE,
  HEMERA_EXIT_MESSAGE, /* {'EXIT', From, Reason} */
  HEMERA_EXIT_DIE,     /* with the signal's reason */
  HEMERA_EXIT_KILLED,  /* with `killed` */
} HemeraExitEffect;

/* What an exit signal does (Erlang reference manual, "Receiving Exit Signals"). @by_link: it came along a link, where `kill` is a reason
 * like any other. Pure. */
HemeraExitEffect
hemera__exit_effect (HemeraTerm *reason, gboolean by_link, gboolean from_self, gboolean traps);

/* What became of a signal at its receiver. @reason: (transfer full) (out): of HEMERA_HANDLED_END */
typedef enum { HEMERA_HANDLED, HEMERA_HANDLED_MESSAGE, HEMERA_HANDLED_END } HemeraHandled;
/* Takes @block over unless it is a message now. */
HemeraHandled hemera__signal_handle (HemeraActor *self, HemeraActorMessage *block, HemeraTerm **reason);

/* Answers @block as @pid, which names nobody. Takes @block over. Any thread. */
void hemera__signal_bounce (HemeraPid pid, HemeraActorMessage *block);

/* Makes @block (a HemeraMonitor) the DOWN of @watched and sends it to the watcher. @reason: (transfer none) */
void hemera__signal_send_down (HemeraActorMessage *block, HemeraPid watched, HemeraTerm *reason);
/* Makes @block (a HemeraLink whose peer is @to) the exit of @from and sends it. */
void
hemera__signal_send_link_exit (HemeraActorMessage *block, HemeraPid from, HemeraPid to, HemeraTerm *reason);
/* @self's end of the link with @peer, marked or not. (nullable) */
HemeraLink *hemera__link_lookup (HemeraActor *self, HemeraPid peer);
/* Links @self's own end; FALSE when there is a link already. */
gboolean hemera__link_add (HemeraActor *self, HemeraPid peer);
/* Its own end is gone and the peer is told, as if it had never been: for a start that failed. */
void hemera__link_drop (HemeraActor *self, HemeraPid peer);

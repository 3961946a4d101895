/* HemeraActor: an actor seen from inside: spawn, send, links, monitors, timers, sources. An Erlang process in C.
 *
 * An actor lives on one worker for life; its callbacks run there, one at a time, and its state is touched by that thread alone.
 * Unless said otherwise functions that take a HemeraActor are for the actor itself, inside one of its callbacks; those that take a pid
 * are for any thread. No callback may block or run a nested main loop. Semantics are OTP's (Erlang reference manual, "Processes").
 *
 * An actor that adds up what it is sent, and ends with the first sum over 100; from any thread:
 *
 *   typedef struct { gint64 by; } Add;
 *   HEMERA_DECLARE_MESSAGE (Add, add)
 *   HEMERA_DEFINE_MESSAGE (Add, add, NULL, NULL, NULL, NULL);
 *
 *   static HemeraNext
 *   sum_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
 *   {
 *     gint64 *sum = state;
 *     Add *add = add_peek (message);
 *
 *     if (add == NULL)
 *       return HEMERA_CONTINUE;
 *     *sum += add->by;
 *     return *sum <= 100 ? HEMERA_CONTINUE : hemera_actor_stop (self, hemera_term_new ("{shutdown, ~i}", *sum));
 *   }
 *
 *   static const HemeraActorClass sum_class = { .name = "sum", .state_size = sizeof (gint64), .receive = sum_receive };
 *
 *   HemeraPid pid = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &sum_class });
 *   add_send (pid, &(Add){ 42 });
 */
#pragma once

#include <hemera/actor-message.h>
#include <hemera/system.h>

G_BEGIN_DECLS

typedef struct _HemeraActor HemeraActor;

/* What a callback wants next. */
typedef enum {
  HEMERA_CONTINUE, /* more messages */
  HEMERA_STOP,     /* ends with the reason of hemera_actor_set_reason(), `normal` without */
  HEMERA_IGNORE,   /* from init only: not an error, but do not start (OTP's `ignore`) */
} HemeraNext;

/**
 * HemeraActorClass:
 * @name: for logs; also the label until hemera_actor_set_label()
 * @state_size: bytes of the state, zeroed before @init
 * @init: (nullable): in the new actor; its end is what `ack_to` waits for, unless hemera_actor_defer_init_ack() was called
 * @receive: one message, (transfer none); steal the payload to keep it. EXIT (when trapping), DOWN, timeouts, GIO results come here too
 * @terminate: (nullable): as in OTP: on HEMERA_STOP and on an `EXIT` of the parent while trapping; not when killed and not when an exit
 *   signal ends an actor that does not trap. @reason: transfer none
 * @finalize: (nullable): always, once, last, on the actor's worker; frees what the state holds, which is all zero when the actor ended before
 *   its init. Its name is free by then; links and monitors fire after it. No sends that expect an answer.
 *
 * Static const.
 */
typedef struct {
  const char *name;
  gsize state_size;
  HemeraNext (*init) (HemeraActor *self, gpointer state, gconstpointer args);
  HemeraNext (*receive) (HemeraActor *self, gpointer state, HemeraActorMessage *message);
  void (*terminate) (HemeraActor *self, gpointer state, HemeraTerm *reason);
  void (*finalize) (gpointer state);
} HemeraActorClass;

/* What init gets: @copy and @free may be NULL (then @data must outlive the actor, as static data does). The spawner's data is copied
 * before spawn returns; the copy is freed after finalize. Both functions may run on any thread. */
typedef struct {
  gconstpointer data;
  gpointer (*copy) (gconstpointer data);
  void (*free) (gpointer data);
} HemeraArgs;

/* Which worker an actor lives on, for life. */
typedef enum {
  HEMERA_PLACE_ANY,         /* the worker with the fewest actors */
  HEMERA_PLACE_WITH_PARENT, /* the spawner's own worker */
  HEMERA_PLACE_OTHER,       /* another worker than the spawner's, where there is one */
} HemeraPlacement;

/**
 * HemeraSpawn:
 * @actor_class: what to run; the pointer must stay valid
 * @args: handed to init
 * @name: (nullable): registered before init, up to 255 bytes (else the actor ends with `badarg`); taken: init does not run, the actor ends
 *   with `{already_started, Pid}`, Pid as a binary like `<0.3.1>`
 * @label: (nullable): copied; as hemera_actor_set_label()
 * @placement: its worker
 * @link: atomic spawn_link with the spawner (inside an actor only). An @ack_to that is linked gets a failed start as its
 *   #HemeraStartedMessage alone, without an exit signal (OTP 26)
 * @trap_exit: on from the start
 * @monitor: (nullable): atomic spawn_monitor (inside an actor only): set to the reference
 * @ack_to: who gets a #HemeraStartedMessage with @ack_ref when init has ended; HEMERA_PID_NONE: nobody
 * @ack_ref: any reference, given back with the answer
 *
 * How an actor is started. All zero but @actor_class is a plain spawn. Read before spawn returns, not kept.
 */
typedef struct {
  const HemeraActorClass *actor_class;
  HemeraArgs args;
  const char *name;
  const char *label;
  HemeraPlacement placement;
  gboolean link;
  gboolean trap_exit;
  HemeraRef *monitor;
  HemeraPid ack_to;
  HemeraRef ack_ref;
} HemeraSpawn;

/* Returns at once; init runs later on the actor's worker. From inside an actor: @self's system, and @self is the parent. While the system
 * ends: HEMERA_PID_NONE, which links, monitors and @ack_to are told as of an actor that ended at once. */
HEMERA_API HemeraPid hemera_actor_spawn (HemeraActor *self, const HemeraSpawn *spawn);
/* From any thread: without a parent; @link and @monitor must be unset. HEMERA_PLACE_WITH_PARENT is HEMERA_PLACE_ANY. */
HEMERA_API HemeraPid hemera_system_spawn (HemeraSystem *self, const HemeraSpawn *spawn);
/* A reference that this process has not given before. Any thread. */
HEMERA_API HemeraRef hemera_ref_new (void);

/* ---- itself ------------------------------------------------------------------------------------------------------------------- */
/* The actor whose callback runs in this thread, or NULL. */
HEMERA_API HemeraActor *hemera_actor_current (void);
/* Its pid, and its spawner's: HEMERA_PID_NONE after hemera_system_spawn(). */
HEMERA_API HemeraPid hemera_actor_self (HemeraActor *self);
HEMERA_API HemeraPid hemera_actor_parent (HemeraActor *self);
/* (transfer none): the system, which outlives every actor. */
HEMERA_API HemeraSystem *hemera_actor_system (HemeraActor *self);
/* (transfer none): the worker's context, this thread's default one. */
HEMERA_API GMainContext *hemera_actor_context (HemeraActor *self);
/* (transfer none): what callbacks get as @state. */
HEMERA_API gpointer hemera_actor_state (HemeraActor *self);
/* Microseconds of the system's clock: monotonic, or virtual. */
HEMERA_API gint64 hemera_actor_now (HemeraActor *self);
/* 64 random bits from a sequence of its own, which the system's seed decides. Not for secrets. */
HEMERA_API guint64 hemera_actor_random (HemeraActor *self);
/* For logs and dumps. @label: (nullable): copied */
HEMERA_API void hemera_actor_set_label (HemeraActor *self, const char *label);
/* Reason of the HEMERA_STOP that follows. @reason: (transfer full) (nullable): NULL is `normal` */
HEMERA_API void hemera_actor_set_reason (HemeraActor *self, HemeraTerm *reason);
/* Handy: sets the reason, (transfer full) (nullable), and is HEMERA_STOP. In a source's callback, which returns no HemeraNext, it is obeyed when that returns. */
HEMERA_API HemeraNext hemera_actor_stop (HemeraActor *self, HemeraTerm *reason);
/* proc_lib:init_ack: inside init: the starter waits on after init returned, until hemera_actor_init_ack(). */
HEMERA_API void hemera_actor_defer_init_ack (HemeraActor *self);
HEMERA_API void hemera_actor_init_ack (HemeraActor *self);

/* ---- signals ------------------------------------------------------------------------------------------------------------------ */
/* While TRUE, exit signals come as a #HemeraExitMessage. Two still end the actor: hemera_actor_exit() with `kill`, and an EXIT of the
 * parent, after terminate. */
HEMERA_API void hemera_actor_set_trap_exit (HemeraActor *self, gboolean trap_exit);
HEMERA_API gboolean hemera_actor_get_trap_exit (HemeraActor *self);
/* Once for a pair, however often it is asked for. A dead @to: an exit signal `noproc` comes back, always asynchronously. */
HEMERA_API void hemera_actor_link (HemeraActor *self, HemeraPid to);
/* From its return on no exit signal of the link is handled; one that is in the queue as a message stays there. */
HEMERA_API void hemera_actor_unlink (HemeraActor *self, HemeraPid to);
/* exit(To, Reason). @reason: (transfer none). Any thread with @self NULL. Asynchronous, to itself too: it ends after this callback. */
HEMERA_API void hemera_actor_exit (HemeraActor *self, HemeraPid to, HemeraTerm *reason);
/* The same from the actor that runs in this thread, if any. Any thread. */
HEMERA_API void hemera_exit (HemeraPid to, HemeraTerm *reason);
/* One #HemeraDownMessage with the reference when @to ends, at once with `noproc` when it is dead. Each call is a monitor of its own. */
HEMERA_API HemeraRef hemera_actor_monitor (HemeraActor *self, HemeraPid to);
/* Binds when the signal is handled; no such name: DOWN with `noproc`. */
HEMERA_API HemeraRef hemera_actor_monitor_name (HemeraActor *self, const char *name);
/* TRUE when it was still active: then no DOWN comes any more. @flush also removes one that is in the queue already. */
HEMERA_API gboolean hemera_actor_demonitor (HemeraActor *self, HemeraRef ref, gboolean flush);

/* ---- names -------------------------------------------------------------------------------------------------------------------- */
/* FALSE when the name is taken or the actor has one. @name: 1 to 255 bytes, not `undefined`, copied. Given back when the actor ends. */
HEMERA_API gboolean hemera_actor_register (HemeraActor *self, const char *name);
/* Nothing without a name. */
HEMERA_API void hemera_actor_unregister (HemeraActor *self);
/* hemera_send() to who has @name now. @message: (transfer full): freed, and FALSE, when there is no such name. Any thread. */
HEMERA_API gboolean hemera_send_name (HemeraSystem *system, const char *name, HemeraActorMessage *message);

/* ---- timers (erlang:send_after/3, start_timer/3, cancel_timer/1) -------------------------------------------------------------- */
/* Delivers @message (transfer full) to @to after @ms; never early; equal times fire in start order. */
HEMERA_API HemeraRef hemera_actor_send_after (HemeraActor *self, guint ms, HemeraPid to,
                                              HemeraActorMessage *message);
/* Delivers a #HemeraTimeoutMessage with the reference and @message, (transfer full) (nullable). Timers to others outlive the actor. */
HEMERA_API HemeraRef hemera_actor_start_timer (HemeraActor *self, guint ms, HemeraPid to,
                                               HemeraActorMessage *message);
/* To itself every @ms (first after @ms), a #HemeraTimeoutMessage without a message; does not drift, does not pile up. */
HEMERA_API HemeraRef hemera_actor_start_interval (HemeraActor *self, guint ms);
/* Milliseconds that were left, or -1: fired, cancelled or unknown (its message may be in the queue). Its own timers only. */
HEMERA_API gint64 hemera_actor_cancel_timer (HemeraActor *self, HemeraRef ref);

/* ---- the outside -------------------------------------------------------------------------------------------------------------- */
/* Attaches @source to the worker's context; its callback runs as the actor, and it is destroyed with the actor, before finalize. Set its callback first.
 * @source: (transfer none). Priority is left as it is: use G_PRIORITY_DEFAULT. */
HEMERA_API void hemera_actor_add_source (HemeraActor *self, GSource *source);
/* user_data for hemera_actor_ready_cb(), for one operation: when it ends, a #HemeraReadyMessage with @tag comes; dropped if the actor is
 * gone. Start the operation from the actor, so that it ends in the worker's context. */
HEMERA_API gpointer hemera_actor_ready (HemeraActor *self, guint tag);
/* The GAsyncReadyCallback for that user_data, which it frees. */
HEMERA_API void hemera_actor_ready_cb (GObject *source_object, GAsyncResult *result, gpointer user_data);

/* ---- exit reasons ------------------------------------------------------------------------------------------------------------- */
/* Static terms (transfer none). */
HEMERA_API HemeraTerm *hemera_reason_normal (void);
HEMERA_API HemeraTerm *hemera_reason_shutdown (void);
HEMERA_API HemeraTerm *hemera_reason_kill (void);
HEMERA_API HemeraTerm *hemera_reason_killed (void);
HEMERA_API HemeraTerm *hemera_reason_noproc (void);
/* TRUE for `normal`, `shutdown` and `{shutdown, _}`: no crash (supervisor manual, "transient"). */
HEMERA_API gboolean hemera_reason_is_clean (HemeraTerm *reason);

G_END_DECLS

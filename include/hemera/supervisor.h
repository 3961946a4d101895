/* HemeraSupervisor: OTP's supervisor: starts, watches, restarts and stops children. Plain data in, OTP's words, OTP's defaults at zero.
 * Differences from OTP, on purpose: the intensity window is in milliseconds, and a child may have a restart back-off (which OTP lacks).
 *
 *   static const HemeraChildSpec children[] = {
 *     { .id = "store", .server = &store_class },
 *     { .id = "worker", .server = &worker_class, .restart = HEMERA_RESTART_TRANSIENT, .backoff = { .base_ms = 500 } },
 *   };
 *   static const HemeraSupervisorSpec spec = { .strategy = HEMERA_REST_FOR_ONE, .children = children, .n_children = 2 };
 *
 *   HemeraSpawn spawn = hemera_supervisor_spawn (&spec);
 *   HemeraPid sup = hemera_system_spawn (system, &spawn);
 *   ...
 *   hemera_exit (sup, hemera_reason_shutdown ());
 *
 * Crashes, failed starts and giving up are logged as warnings, g_log_structured() with MESSAGE_ID, HEMERA_REPORT (OTP's word for it),
 * HEMERA_SUPERVISOR, HEMERA_CHILD, HEMERA_PID and HEMERA_REASON; restarts after a clean end as information. */
#pragma once

#include <hemera/server.h>

G_BEGIN_DECLS

/* Who is restarted with a child: nobody, those started after it, all. */
typedef enum { HEMERA_ONE_FOR_ONE, HEMERA_REST_FOR_ONE, HEMERA_ONE_FOR_ALL } HemeraStrategy;
/* When a child that ended is restarted: always, after a crash (hemera_reason_is_clean() is FALSE), never. */
typedef enum { HEMERA_RESTART_PERMANENT, HEMERA_RESTART_TRANSIENT, HEMERA_RESTART_TEMPORARY } HemeraRestart;
/* Whether the supervisor ends when significant children have ended by themselves: never, with the first, with the last. */
typedef enum {
  HEMERA_AUTO_SHUTDOWN_NEVER,
  HEMERA_ANY_SIGNIFICANT,
  HEMERA_ALL_SIGNIFICANT
} HemeraAutoShutdown;

/* For @shutdown_ms: kill at once; wait for ever. */
#define HEMERA_SHUTDOWN_BRUTAL_KILL (-2)
#define HEMERA_SHUTDOWN_INFINITY    (-1)

/**
 * HemeraBackoff:
 * @base_ms: first delay; 0: no back-off, restarts are at once
 * @cap_ms: the largest; 0: 60 s
 * @reset_ms: a child that ran this long starts again at @base_ms; 0: 60 s
 *
 * Full jitter: the n-th delay is random in [0, min (cap, base * 2^n)], at least a twentieth of the bound.
 */
typedef struct {
  guint base_ms;
  guint cap_ms;
  guint reset_ms;
} HemeraBackoff;

typedef struct _HemeraSupervisorSpec HemeraSupervisorSpec;

/**
 * HemeraChildSpec:
 * @id: unique in the supervisor, copied
 * @actor, @server, @supervisor: exactly one; classes must stay valid, a spec is copied
 * @args: for init of an actor or server; copied as its own functions say
 * @name: (nullable): registered name, copied
 * @restart: 0: permanent
 * @significant: counts for the supervisor's @auto_shutdown; not with permanent
 * @shutdown_ms: 0: 5000 for actors and servers, infinity for supervisors; or HEMERA_SHUTDOWN_*
 * @start_timeout_ms: init must end within; 0: infinity, as in OTP
 * @backoff: delays of restarts; 0: none
 * @placement: its worker, chosen anew at each restart
 *
 * A child and how it is kept alive.
 */
typedef struct {
  const char *id;
  const HemeraActorClass *actor;
  const HemeraServerClass *server;
  const HemeraSupervisorSpec *supervisor;
  HemeraArgs args;
  const char *name;
  HemeraRestart restart;
  gboolean significant;
  int shutdown_ms;
  guint start_timeout_ms;
  HemeraBackoff backoff;
  HemeraPlacement placement;
} HemeraChildSpec;

/**
 * HemeraSupervisorSpec:
 * @strategy: 0: one_for_one
 * @intensity: restarts allowed in @period_ms; 0: OTP's default, 1; HEMERA_INTENSITY_ZERO: none
 * @period_ms: 0: OTP's default, 5000
 * @auto_shutdown: as in OTP; children with `significant` need it
 * @children: started in this order, stopped in the reverse one
 * @events_to: who gets a #HemeraSupervisorEvent for each restart, failed restart, end and giving up; HEMERA_PID_NONE: nobody
 *
 * A supervisor and its first children.
 */
struct _HemeraSupervisorSpec {
  HemeraStrategy strategy;
  guint intensity;
  guint period_ms;
  HemeraAutoShutdown auto_shutdown;
  const HemeraChildSpec *children;
  guint n_children;
  HemeraPid events_to;
};
#define HEMERA_INTENSITY_ZERO G_MAXUINT

/* Deep copy and free: a supervisor keeps its own. (transfer full) */
HEMERA_API HemeraSupervisorSpec *hemera_supervisor_spec_copy (const HemeraSupervisorSpec *spec);
HEMERA_API void hemera_supervisor_spec_free (HemeraSupervisorSpec *spec);

/* For hemera_actor_spawn() and hemera_system_spawn(): the supervisor's init ends when all children are up, or fails as
 * supervisor:start_link() does. @spec: copied when the result is spawned. It ends by its parent's EXIT alone; one spawned by
 * hemera_system_spawn() has the program for a parent: hemera_exit (pid, hemera_reason_shutdown ()). hemera_server_stop() works too. */
HEMERA_API HemeraSpawn hemera_supervisor_spawn (const HemeraSupervisorSpec *spec);

/* ---- requests: make one, any thread, and send it with hemera_actor_call() or hemera_server_call_async(). (transfer full) ---------- */
/* Adds a child and starts it. @spec: copied. Reply: #HemeraSupervisorReply */
HEMERA_API HemeraActorMessage *hemera_supervisor_start_child (const HemeraChildSpec *spec);
/* Stops a child, or its restart attempts; its spec stays, a temporary one goes. @id: copied. Reply: #HemeraSupervisorReply */
HEMERA_API HemeraActorMessage *hemera_supervisor_terminate_child (const char *id);
/* Starts a child that is stopped. @id: copied. Reply: #HemeraSupervisorReply */
HEMERA_API HemeraActorMessage *hemera_supervisor_restart_child (const char *id);
/* Forgets a child that is stopped. @id: copied. Reply: #HemeraSupervisorReply */
HEMERA_API HemeraActorMessage *hemera_supervisor_delete_child (const char *id);
/* Reply: #HemeraSupervisorChildren */
HEMERA_API HemeraActorMessage *hemera_supervisor_which_children (void);
/* Reply: #HemeraSupervisorCount */
HEMERA_API HemeraActorMessage *hemera_supervisor_count_children (void);

/* For hemera_server_cast(): the child is healthy (a shard said READY or RESUMED): restarts before this do not count in the intensity, its
 * back-off resets. Another pid changes nothing. (transfer full) */
HEMERA_API HemeraActorMessage *hemera_supervisor_child_is_stable (HemeraPid child);

/* Replies of start_, restart_, terminate_, delete_child. @result: `ok`, `{ok, undefined}` or `{error, Reason}` in OTP's words; a failed
 * start_child is `{error, {Reason, Id}}`, one that runs already `{error, already_started}` with its pid. */
typedef struct {
  HemeraPid pid;      /* of the child, where it runs */
  HemeraTerm *result; /* owned */
} HemeraSupervisorReply;
HEMERA_API const HemeraMessageType hemera_supervisor_reply_type;
#define hemera_supervisor_reply_peek(message)                                                                \
  ((HemeraSupervisorReply *) hemera_actor_message_peek ((message), &hemera_supervisor_reply_type))

typedef enum {
  HEMERA_CHILD_RUNNING,
  HEMERA_CHILD_STARTING,
  HEMERA_CHILD_RESTARTING,
  HEMERA_CHILD_STOPPED
} HemeraChildStatus;
typedef struct {
  char *id;      /* owned */
  HemeraPid pid; /* where it runs */
  HemeraChildStatus status;
  gboolean is_supervisor;
  guint restarts; /* so far */
} HemeraChildInfo;
/* Reply of which_children. */
typedef struct {
  GArray *children; /* owned: of HemeraChildInfo, last started first, as OTP lists them */
} HemeraSupervisorChildren;
HEMERA_API const HemeraMessageType hemera_supervisor_children_type;
#define hemera_supervisor_children_peek(message)                                                             \
  ((HemeraSupervisorChildren *) hemera_actor_message_peek ((message), &hemera_supervisor_children_type))

/* Reply of count_children: all of them, those that run, and all by kind. */
typedef struct {
  guint specs, active, supervisors, workers;
} HemeraSupervisorCount;
HEMERA_API const HemeraMessageType hemera_supervisor_count_type;
#define hemera_supervisor_count_peek(message)                                                                \
  ((HemeraSupervisorCount *) hemera_actor_message_peek ((message), &hemera_supervisor_count_type))

/* ---- what `events_to` is told --------------------------------------------------------------------------------------------------- */
typedef enum {
  HEMERA_SUPERVISOR_RESTARTING,   /* @child ended and is started again, in @delay_ms */
  HEMERA_SUPERVISOR_RESTARTED,    /* it, or a sibling in its group, is up again as @new_pid */
  HEMERA_SUPERVISOR_START_FAILED, /* a restart did not get @child up: tried again, counted again */
  HEMERA_SUPERVISOR_ENDED,        /* @child ended by itself and is not restarted */
  HEMERA_SUPERVISOR_GAVE_UP,      /* one restart too many: the supervisor ends */
} HemeraSupervisorEventKind;

/**
 * HemeraSupervisorEvent:
 * @child: the child's id
 * @old_pid: whom it replaces, where there was one
 * @new_pid: none unless restarted
 * @reason: why the child ended; for its siblings the same; why the start failed
 * @restarts: of this child so far, this one included
 * @delay_ms: how long its back-off holds the restart; 0: at once
 */
typedef struct {
  HemeraSupervisorEventKind kind;
  HemeraPid supervisor;
  char *child; /* owned */
  HemeraPid old_pid;
  HemeraPid new_pid;
  HemeraTerm *reason; /* owned */
  guint restarts;
  guint delay_ms;
} HemeraSupervisorEvent;
HEMERA_API const HemeraMessageType hemera_supervisor_event_type;
#define hemera_supervisor_event_peek(message)                                                                \
  ((HemeraSupervisorEvent *) hemera_actor_message_peek ((message), &hemera_supervisor_event_type))

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraSupervisorSpec, hemera_supervisor_spec_free)

G_END_DECLS

/* The supervisor from inside. All of it is touched by the supervisor's own thread alone. */
#pragma once

#include <hemera/supervisor.h>

#include "call.h"
#include "restart-window.h"

/* ---- specs (supervisor-spec.c) ------------------------------------------------------------------------------------------------- */

/* Deep copy; clear frees what it holds. */
void hemera__child_spec_init_copy (HemeraChildSpec *self, const HemeraChildSpec *spec);
void hemera__child_spec_clear (HemeraChildSpec *self);
/* (transfer full) (nullable): what is wrong with it in OTP's words. */
HemeraTerm *hemera__child_spec_check (const HemeraChildSpec *spec, HemeraAutoShutdown auto_shutdown);
HemeraTerm *hemera__supervisor_spec_check (const HemeraSupervisorSpec *spec);
/* The id as a term: an atom where it fits one. (transfer full) */
HemeraTerm *hemera__child_id_term (const char *id);

/* ---- requests (supervisor-message.c) ------------------------------------------------------------------------------------------- */

typedef enum {
  HEMERA__START_CHILD,
  HEMERA__TERMINATE_CHILD,
  HEMERA__RESTART_CHILD,
  HEMERA__DELETE_CHILD,
  HEMERA__WHICH_CHILDREN,
  HEMERA__COUNT_CHILDREN,
} HemeraSupervisorVerb;

typedef struct {
  HemeraSupervisorVerb verb;
  HemeraSupervisorSpec *spec; /* (nullable): START_CHILD: holds the one child */
  char *id;                   /* (nullable) */
} HemeraSupervisorRequest;
extern const HemeraMessageType hemera__supervisor_request_type;

typedef struct {
  HemeraPid child;
} HemeraChildIsStable;
extern const HemeraMessageType hemera__child_is_stable_type;

/* Takes @result and @from. */
void hemera__supervisor_reply (HemeraFrom *from, HemeraPid pid, HemeraTerm *result);

/* ---- the state ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
  HemeraChildSpec spec;
  guint64 serial; /* its name in the restart window and in try-agains: an id may come back after a delete */
  HemeraChildStatus status;
  /* RUNNING and STARTING */
  HemeraPid pid;
  HemeraRef monitor;
  HemeraTerm *
      end; /* (nullable): it has ended, with this; its EXIT, if it is still linked, will be or is in the backlog */
  gint64 started_ms;
  /* RESTARTING */
  HemeraRef timer;   /* of the back-off; none: a try-again is on its way */
  HemeraTerm *cause; /* (nullable): why it, or its group, is restarted */
  HemeraPid old_pid;
  guint attempts; /* restarts in a row, for the back-off */
  guint restarts;
} HemeraChild;

typedef enum {
  HEMERA__JOB_NONE,
  HEMERA__JOB_INIT,
  HEMERA__JOB_RESTART,         /* of a group; stops, then starts or waits */
  HEMERA__JOB_START_CHILD,     /* answers `from` */
  HEMERA__JOB_TERMINATE_CHILD, /* answers `from` */
  HEMERA__JOB_RESTART_CHILD,   /* answers `from` */
  HEMERA__JOB_END,             /* all stop, then the supervisor with `reason` */
} HemeraJobKind;

/* What is being done, in which OTP's supervisor would block: children stop one by one, then start one by one. */
typedef struct {
  HemeraJobKind kind;
  GPtrArray *stops; /* of HemeraChild, borrowed, in order; NULL once stopped */
  GPtrArray *starts;
  guint next_stop;
  guint next_start;
  HemeraChild *child; /* (nullable): the one waited for: it stops or starts */
  HemeraRef ack;      /* of its start */
  HemeraRef timer;    /* of its shutdown or start time-out */
  gboolean timed_out;
  HemeraFrom *from;
  HemeraTerm *reason;  /* (nullable): of RESTART and END */
  HemeraChild *failed; /* (nullable): of RESTART */
  guint delay_ms;      /* of RESTART: between the stops and the starts */
} HemeraJob;

typedef struct {
  HemeraActor *actor;
  HemeraStrategy strategy;
  HemeraAutoShutdown auto_shutdown;
  HemeraPid events_to;
  GPtrArray *children; /* of HemeraChild, owned, in start order */
  GHashTable *by_pid;  /* pid.id -> HemeraChild, borrowed: RUNNING and STARTING */
  guint64 last_serial;
  HemeraRestartWindow window;
  HemeraJob job;
  GQueue backlog;        /* of HemeraActorMessage: what came during a job, in order */
  gboolean acknowledged; /* init's end has been told */
} HemeraSupervisor;

static inline gint64
hemera__supervisor_now_ms (HemeraSupervisor *self)
{
  return hemera_actor_now (self->actor) / 1000;
}

/* ---- children (supervisor-child.c) --------------------------------------------------------------------------------------------- */

HemeraChild *hemera__supervisor_add_child (HemeraSupervisor *self, const HemeraChildSpec *spec);
/* Frees it. It does not run. */
void hemera__supervisor_remove_child (HemeraSupervisor *self, HemeraChild *child);
HemeraChild *hemera__supervisor_find_child (HemeraSupervisor *self, const char *id);      /* (nullable) */
HemeraChild *hemera__supervisor_child_by_pid (HemeraSupervisor *self, HemeraPid pid);     /* (nullable) */
HemeraChild *hemera__supervisor_child_by_serial (HemeraSupervisor *self, guint64 serial); /* (nullable) */
/* Spawns it, linked and monitored: STARTING. Its init's end comes with @ack. */
void hemera__child_spawn (HemeraSupervisor *self, HemeraChild *child, HemeraRef ack);
/* STARTING to RUNNING. */
void hemera__child_started (HemeraSupervisor *self, HemeraChild *child);
/* No process any more: STOPPED. Remembers the pid as the old one. */
void hemera__child_detach (HemeraSupervisor *self, HemeraChild *child);
/* It is to be restarted: RESTARTING, because of @cause (transfer none). */
void hemera__child_set_restarting (HemeraChild *child, HemeraTerm *cause);
/* From RESTARTING to STOPPED: no more attempts. */
void hemera__child_cancel_restart (HemeraSupervisor *self, HemeraChild *child);
void hemera__child_free (gpointer data);

/* ---- the job (supervisor-job.c) ------------------------------------------------------------------------------------------------- */

/* @kind begins; the supervisor has none. Its fields, arrays included, are filled in next, then hemera__job_run(). */
void hemera__job_begin (HemeraSupervisor *self, HemeraJobKind kind);
/* Goes on as far as it can: CONTINUE when it waits or has ended, STOP when the supervisor is to end. */
HemeraNext hemera__job_run (HemeraSupervisor *self);
void hemera__job_clear (HemeraJob *self);
/* Messages that a job waits for: TRUE when it was one, with @next set. */
gboolean hemera__job_receive (HemeraSupervisor *self, HemeraActorMessage *message, HemeraNext *next);
/* Stops all children in reverse, then the supervisor with @reason (transfer none). */
HemeraNext hemera__supervisor_end (HemeraSupervisor *self, HemeraTerm *reason);

/* ---- restarts (supervisor-restart.c) ---------------------------------------------------------------------------------------------- */

/* A child ended by itself: decides, and does it. */
HemeraNext hemera__supervisor_child_ended (HemeraSupervisor *self, HemeraChild *child, HemeraTerm *reason);
/* A start failed during a restart and it is time to try again. */
HemeraNext hemera__supervisor_try_again (HemeraSupervisor *self, guint64 serial);
/* A back-off is over: TRUE when @timer was one. */
gboolean hemera__supervisor_backoff_over (HemeraSupervisor *self, HemeraRef timer, HemeraNext *next);
void hemera__supervisor_stable (HemeraSupervisor *self, HemeraPid pid);
/* The supervisor tells itself to try again, behind what is in its mailbox. */
void hemera__supervisor_send_try_again (HemeraSupervisor *self, HemeraChild *child);
typedef struct {
  guint64 serial;
} HemeraTryAgain;
extern const HemeraMessageType hemera__try_again_type;

/* ---- reports (supervisor-report.c) ------------------------------------------------------------------------------------------------ */

typedef enum {
  HEMERA__REPORT_CHILD_TERMINATED,
  HEMERA__REPORT_START_ERROR,
  HEMERA__REPORT_SHUTDOWN_ERROR,
  HEMERA__REPORT_GAVE_UP,
} HemeraReport;
/* A structured log line: a warning when something crashed, else information. */
void hemera__supervisor_report (HemeraSupervisor *self, HemeraReport report, HemeraChild *child,
                                HemeraPid pid, HemeraTerm *reason);
/* To events_to, where there is one. */
void hemera__supervisor_tell (HemeraSupervisor *self, HemeraSupervisorEventKind kind, HemeraChild *child,
                              HemeraTerm *reason, guint delay_ms);

/* The work in which OTP's supervisor would block, as a state machine: children stop one by one, each waited for by its monitor and its
 * shutdown time, then children start one by one, each until its init has ended. Meanwhile everything else waits in the backlog, as it
 * would in the mailbox of a supervisor that blocks. */
#include <hemera/term-builder.h>

#include "restart-decision.h"
#include "supervisor-internal.h"

#define DEFAULT_SHUTDOWN_MS 5000

void
hemera__job_begin (HemeraSupervisor *self, HemeraJobKind kind)
{
  g_assert (self->job.kind == HEMERA__JOB_NONE);

  self->job = (HemeraJob){ .kind = kind, .stops = g_ptr_array_new (), .starts = g_ptr_array_new () };
}

void
hemera__job_clear (HemeraJob *self)
{
  g_clear_pointer (&self->stops, g_ptr_array_unref);
  g_clear_pointer (&self->starts, g_ptr_array_unref);
  g_clear_pointer (&self->from, hemera_from_free);
  g_clear_pointer (&self->reason, hemera_term_unref);
  *self = (HemeraJob){ .kind = HEMERA__JOB_NONE };
}

static void
start_timer (HemeraSupervisor *self, guint ms)
{
  self->job.timer = hemera_actor_start_timer (self->actor, ms, hemera_actor_self (self->actor), NULL);
}

/* The child waited for has stopped or started: on to the next. */
static void
end_wait (HemeraSupervisor *self)
{
  if (self->job.timer.id != 0)
    hemera_actor_cancel_timer (self->actor, self->job.timer);
  self->job.timer = HEMERA_REF_NONE;
  self->job.ack = HEMERA_REF_NONE;
  self->job.timed_out = FALSE;
  self->job.child = NULL;
}

/* ---- stops --------------------------------------------------------------------------------------------------------------------- */

/* The child is down. Temporary ones are forgotten, unless all ends anyway. */
static void
child_stopped (HemeraSupervisor *self, HemeraChild *child)
{
  if (child->status == HEMERA_CHILD_RESTARTING)
    hemera__child_cancel_restart (self, child);
  if (child->status == HEMERA_CHILD_RUNNING) {
    gboolean brutal = child->spec.shutdown_ms == HEMERA_SHUTDOWN_BRUTAL_KILL;

    if (!hemera__stop_reason_is_expected (child->end, child->spec.restart, brutal))
      hemera__supervisor_report (self, HEMERA__REPORT_SHUTDOWN_ERROR, child, child->pid, child->end);
    hemera__child_detach (self, child);
  }
  if (child->spec.restart == HEMERA_RESTART_TEMPORARY && self->job.kind != HEMERA__JOB_END)
    hemera__supervisor_remove_child (self, child);
}

/* Tells the child to stop. */
static void
stop_child (HemeraSupervisor *self, HemeraChild *child)
{
  int ms = child->spec.shutdown_ms;

  if (ms == 0)
    ms = child->spec.supervisor != NULL ? HEMERA_SHUTDOWN_INFINITY : DEFAULT_SHUTDOWN_MS;
  self->job.child = child;
  if (ms == HEMERA_SHUTDOWN_BRUTAL_KILL) {
    hemera_actor_exit (self->actor, child->pid, hemera_reason_kill ());
    return;
  }
  hemera_actor_exit (self->actor, child->pid, hemera_reason_shutdown ());
  if (ms != HEMERA_SHUTDOWN_INFINITY)
    start_timer (self, (guint) ms);
}

/* TRUE: all are down; FALSE: one is waited for. */
static gboolean
run_stops (HemeraSupervisor *self)
{
  HemeraJob *job = &self->job;

  while (job->next_stop < job->stops->len) {
    HemeraChild *child = job->stops->pdata[job->next_stop++];

    if (child->status == HEMERA_CHILD_RUNNING && child->end == NULL) {
      stop_child (self, child);
      return FALSE;
    }
    child_stopped (self, child);
  }
  return TRUE;
}

HemeraNext
hemera__supervisor_end (HemeraSupervisor *self, HemeraTerm *reason)
{
  hemera__job_begin (self, HEMERA__JOB_END);
  self->job.reason = hemera_term_ref (reason);
  for (guint i = self->children->len; i-- > 0;)
    g_ptr_array_add (self->job.stops, self->children->pdata[i]);
  return hemera__job_run (self);
}

/* ---- starts -------------------------------------------------------------------------------------------------------------------- */

static void
start_child (HemeraSupervisor *self, HemeraChild *child)
{
  self->job.child = child;
  self->job.ack = hemera_ref_new ();
  hemera__child_spawn (self, child, self->job.ack);
  if (child->spec.start_timeout_ms != 0)
    start_timer (self, child->spec.start_timeout_ms);
}

/* The first children failed to come up: those that did stop in reverse, and so does the supervisor. */
static HemeraNext
init_failed (HemeraSupervisor *self, HemeraChild *child, HemeraTerm *reason)
{
  g_autoptr (HemeraTerm) id = hemera__child_id_term (child->spec.id);
  g_autoptr (HemeraTerm) end = hemera_term_new ("{shutdown, {failed_to_start_child, ~t, ~t}}", id, reason);

  hemera__job_clear (&self->job);
  return hemera__supervisor_end (self, end);
}

/* @child, STOPPED again, did not come up. */
static HemeraNext
start_failed (HemeraSupervisor *self, HemeraChild *child, HemeraTerm *reason)
{
  HemeraJob *job = &self->job;

  hemera__supervisor_report (self, HEMERA__REPORT_START_ERROR, child, child->old_pid, reason);
  switch (job->kind) {
  case HEMERA__JOB_INIT: return init_failed (self, child, reason);
  case HEMERA__JOB_RESTART:
    hemera__child_set_restarting (child, reason);
    hemera__supervisor_tell (self, HEMERA_SUPERVISOR_START_FAILED, child, reason, 0);
    hemera__supervisor_send_try_again (self, child);
    break;
  case HEMERA__JOB_START_CHILD: {
    g_autoptr (HemeraTerm) id = hemera__child_id_term (child->spec.id);

    hemera__supervisor_remove_child (self, child);
    hemera__supervisor_reply (g_steal_pointer (&job->from), HEMERA_PID_NONE,
                              hemera_term_new ("{error, {~t, ~t}}", reason, id));
    break;
  }
  case HEMERA__JOB_RESTART_CHILD:
    hemera__supervisor_reply (g_steal_pointer (&job->from), HEMERA_PID_NONE,
                              hemera_term_new ("{error, ~t}", reason));
    break;
  case HEMERA__JOB_NONE:
  case HEMERA__JOB_TERMINATE_CHILD:
  case HEMERA__JOB_END: g_assert_not_reached ();
  }
  hemera__job_clear (job);
  return HEMERA_CONTINUE;
}

/* @child runs, or did not want to (@ignored). */
static HemeraNext
start_ended (HemeraSupervisor *self, HemeraChild *child, gboolean ignored)
{
  HemeraJob *job = &self->job;

  if (job->kind == HEMERA__JOB_RESTART && !ignored) {
    child->restarts++;
    hemera__supervisor_tell (self, HEMERA_SUPERVISOR_RESTARTED, child, job->reason, 0);
  }
  if (job->from != NULL)
    hemera__supervisor_reply (g_steal_pointer (&job->from), child->pid,
                              ignored ? hemera_term_new ("{ok, undefined}") : hemera_term_new_atom ("ok"));
  if (ignored && child->spec.restart == HEMERA_RESTART_TEMPORARY)
    hemera__supervisor_remove_child (self, child);
  return hemera__job_run (self);
}

static HemeraNext
child_start_over (HemeraSupervisor *self, HemeraChild *child, gboolean ignored, HemeraTerm *reason)
{
  g_autoptr (HemeraTerm) why = NULL;

  if (reason != NULL)
    why = self->job.timed_out ? hemera_term_new_atom ("timeout") : hemera_term_ref (reason);
  end_wait (self);
  if (reason == NULL && !ignored) {
    hemera__child_started (self, child);
    return start_ended (self, child, FALSE);
  }
  hemera__child_detach (self, child);
  return ignored ? start_ended (self, child, TRUE) : start_failed (self, child, why);
}

/* ---- the whole ----------------------------------------------------------------------------------------------------------------- */

/* The stops are over: a restart with a back-off waits, and others are served meanwhile. */
static gboolean
wait_for_backoff (HemeraSupervisor *self)
{
  HemeraJob *job = &self->job;

  if (job->kind != HEMERA__JOB_RESTART || job->delay_ms == 0)
    return FALSE;
  job->failed->timer =
      hemera_actor_start_timer (self->actor, job->delay_ms, hemera_actor_self (self->actor), NULL);
  hemera__job_clear (job);
  return TRUE;
}

static HemeraNext
finish (HemeraSupervisor *self)
{
  HemeraJob *job = &self->job;
  HemeraNext next = HEMERA_CONTINUE;

  switch (job->kind) {
  case HEMERA__JOB_INIT:
    self->acknowledged = TRUE;
    hemera_actor_init_ack (self->actor);
    break;
  case HEMERA__JOB_TERMINATE_CHILD:
    hemera__supervisor_reply (g_steal_pointer (&job->from), HEMERA_PID_NONE, hemera_term_new_atom ("ok"));
    break;
  case HEMERA__JOB_END: next = hemera_actor_stop (self->actor, g_steal_pointer (&job->reason)); break;
  case HEMERA__JOB_NONE:
  case HEMERA__JOB_RESTART:
  case HEMERA__JOB_START_CHILD:
  case HEMERA__JOB_RESTART_CHILD: break;
  }
  hemera__job_clear (job);
  return next;
}

HemeraNext
hemera__job_run (HemeraSupervisor *self)
{
  HemeraJob *job = &self->job;

  if (!run_stops (self) || wait_for_backoff (self))
    return HEMERA_CONTINUE;
  if (job->next_start < job->starts->len) {
    start_child (self, job->starts->pdata[job->next_start++]);
    return HEMERA_CONTINUE;
  }
  return finish (self);
}

/* ---- what it waits for --------------------------------------------------------------------------------------------------------- */

static HemeraNext
on_down (HemeraSupervisor *self, HemeraDownMessage *down)
{
  HemeraChild *child = hemera__supervisor_child_by_pid (self, down->pid);

  if (child == NULL || !hemera_ref_equal (child->monitor, down->ref))
    return HEMERA_CONTINUE;
  child->end = hemera_term_ref (down->reason);
  if (child != self->job.child)
    return HEMERA_CONTINUE; /* its EXIT says what to do */
  if (child->status == HEMERA_CHILD_STARTING)
    return child_start_over (self, child, FALSE, down->reason);
  end_wait (self);
  child_stopped (self, child);
  return hemera__job_run (self);
}

/* Its shutdown time, or the time for its init, is up. */
static void
on_time_out (HemeraSupervisor *self)
{
  self->job.timer = HEMERA_REF_NONE;
  self->job.timed_out = TRUE;
  hemera_actor_exit (self->actor, self->job.child->pid, hemera_reason_kill ());
}

gboolean
hemera__job_receive (HemeraSupervisor *self, HemeraActorMessage *message, HemeraNext *next)
{
  HemeraJob *job = &self->job;
  HemeraStartedMessage *started = hemera_started_message_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);

  *next = HEMERA_CONTINUE;
  if (started != NULL) {
    if (job->ack.id != 0 && hemera_ref_equal (job->ack, started->ref))
      *next = child_start_over (self, job->child, started->ignored, started->reason);
    return TRUE;
  }
  if (down != NULL) {
    *next = on_down (self, down);
    return TRUE;
  }
  if (timeout != NULL && job->timer.id != 0 && hemera_ref_equal (job->timer, timeout->ref)) {
    on_time_out (self);
    return TRUE;
  }
  return FALSE;
}

/* Restarts: a child ended by itself. The decision, the window, the group and the delay are pure and live in files of their own; here they
 * meet and become a job. */
#include "backoff.h"
#include "restart-decision.h"
#include "restart-group.h"
#include "supervisor-internal.h"

static gboolean
other_significant (HemeraSupervisor *self, HemeraChild *except)
{
  for (guint i = 0; i < self->children->len; i++) {
    HemeraChild *child = self->children->pdata[i];

    if (child != except && child->spec.significant && child->status != HEMERA_CHILD_STOPPED)
      return TRUE;
  }
  return FALSE;
}

/* Stops and starts of @child's group, as a job that waits @delay_ms in between. @child is RESTARTING. */
static HemeraNext
restart_group (HemeraSupervisor *self, HemeraChild *child, guint delay_ms)
{
  guint n = self->children->len;
  HemeraRestart *restarts = g_new (HemeraRestart, n);
  HemeraRestartGroup group;
  guint failed = 0;

  for (guint i = 0; i < n; i++) {
    HemeraChild *each = self->children->pdata[i];

    restarts[i] = each->spec.restart;
    if (each == child)
      failed = i;
  }
  hemera__restart_group_init (&group, self->strategy, restarts, n, failed);
  g_free (restarts);
  hemera__job_begin (self, HEMERA__JOB_RESTART);
  self->job.failed = child;
  self->job.reason = hemera_term_ref (child->cause);
  self->job.delay_ms = delay_ms;
  for (guint i = 0; i < group.n_stops; i++)
    g_ptr_array_add (self->job.stops, self->children->pdata[group.stops[i]]);
  for (guint i = 0; i < group.n_starts; i++)
    g_ptr_array_add (self->job.starts, self->children->pdata[group.starts[i]]);
  hemera__restart_group_clear (&group);
  return hemera__job_run (self);
}

/* Counts a restart of @child, RESTARTING, and does it, or gives up. */
static HemeraNext
restart (HemeraSupervisor *self, HemeraChild *child, gint64 ran_ms)
{
  guint delay_ms;

  if (!hemera__restart_window_add (&self->window, hemera__supervisor_now_ms (self), child->serial)) {
    hemera__supervisor_report (self, HEMERA__REPORT_GAVE_UP, child, child->old_pid, child->cause);
    hemera__supervisor_tell (self, HEMERA_SUPERVISOR_GAVE_UP, child, child->cause, 0);
    return hemera__supervisor_end (self, hemera_reason_shutdown ());
  }
  child->attempts = hemera__backoff_attempt (&child->spec.backoff, child->attempts, ran_ms);
  delay_ms = hemera__backoff_delay (&child->spec.backoff, child->attempts, hemera_actor_random (self->actor));
  if (child->attempts < G_MAXUINT)
    child->attempts++;
  hemera__supervisor_tell (self, HEMERA_SUPERVISOR_RESTARTING, child, child->cause, delay_ms);
  return restart_group (self, child, delay_ms);
}

HemeraNext
hemera__supervisor_child_ended (HemeraSupervisor *self, HemeraChild *child, HemeraTerm *reason)
{
  HemeraRestartDecision decision =
      hemera__restart_decide (child->spec.restart, hemera_reason_is_clean (reason), child->spec.significant,
                              self->auto_shutdown, other_significant (self, child));
  gint64 ran_ms = hemera__supervisor_now_ms (self) - child->started_ms;

  if (decision.crash || decision.fate == HEMERA__CHILD_RESTART)
    hemera__supervisor_report (self, HEMERA__REPORT_CHILD_TERMINATED, child, child->pid, reason);
  hemera__child_detach (self, child);
  if (decision.fate == HEMERA__CHILD_RESTART) {
    hemera__child_set_restarting (child, reason);
    return restart (self, child, ran_ms);
  }
  hemera__supervisor_tell (self, HEMERA_SUPERVISOR_ENDED, child, reason, 0);
  if (decision.fate == HEMERA__CHILD_FORGET)
    hemera__supervisor_remove_child (self, child);
  return decision.shutdown ? hemera__supervisor_end (self, hemera_reason_shutdown ()) : HEMERA_CONTINUE;
}

void
hemera__supervisor_send_try_again (HemeraSupervisor *self, HemeraChild *child)
{
  HemeraTryAgain again = { child->serial };

  hemera_send (hemera_actor_self (self->actor), hemera_actor_message_new (&hemera__try_again_type, &again));
}

HemeraNext
hemera__supervisor_try_again (HemeraSupervisor *self, guint64 serial)
{
  HemeraChild *child = hemera__supervisor_child_by_serial (self, serial);

  /* Terminated, deleted or restarted with its group meanwhile, or waiting for a back-off already. */
  if (child == NULL || child->status != HEMERA_CHILD_RESTARTING || child->timer.id != 0)
    return HEMERA_CONTINUE;
  return restart (self, child, 0);
}

gboolean
hemera__supervisor_backoff_over (HemeraSupervisor *self, HemeraRef timer, HemeraNext *next)
{
  for (guint i = 0; i < self->children->len; i++) {
    HemeraChild *child = self->children->pdata[i];

    if (child->status != HEMERA_CHILD_RESTARTING || child->timer.id == 0
        || !hemera_ref_equal (child->timer, timer))
      continue;
    child->timer = HEMERA_REF_NONE;
    *next = restart_group (self, child, 0);
    return TRUE;
  }
  return FALSE;
}

void
hemera__supervisor_stable (HemeraSupervisor *self, HemeraPid pid)
{
  HemeraChild *child = hemera__supervisor_child_by_pid (self, pid);

  if (child == NULL)
    return;
  child->attempts = 0;
  hemera__restart_window_forget (&self->window, child->serial);
}

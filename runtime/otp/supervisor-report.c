/* What a supervisor says: structured log lines for operators, events for its observer. */
#include "supervisor-internal.h"

static const struct {
  const char *message_id;
  const char *text;
} reports[] = {
  [HEMERA__REPORT_CHILD_TERMINATED] = { "5d1f3c52a8de4b0a9c6bb0f1a6c0f2a1", "child_terminated" },
  [HEMERA__REPORT_START_ERROR] = { "8c0a6f0b7a6a4d6fb5cf6a1d3b8e9d42", "start_error" },
  [HEMERA__REPORT_SHUTDOWN_ERROR] = { "b7d6a3f2c1e94f58a0d2e5c4f6b8a913", "shutdown_error" },
  [HEMERA__REPORT_GAVE_UP] = { "e2f49b7d05c84a13b6a7d8c9f0e1b264", "reached_max_restart_intensity" },
};

void
hemera__supervisor_report (HemeraSupervisor *self, HemeraReport report, HemeraChild *child, HemeraPid pid,
                           HemeraTerm *reason)
{
  gboolean crash = report == HEMERA__REPORT_GAVE_UP || !hemera_reason_is_clean (reason);
  g_autofree char *text = hemera_view_to_string (hemera_term_view (reason));
  g_autofree char *pid_text = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (pid));
  g_autofree char *own_text =
      g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (hemera_actor_self (self->actor)));

  g_log_structured (G_LOG_DOMAIN, crash ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_INFO, "MESSAGE_ID",
                    reports[report].message_id, "HEMERA_REPORT", reports[report].text, "HEMERA_SUPERVISOR",
                    own_text, "HEMERA_CHILD", child->spec.id, "HEMERA_PID", pid_text, "HEMERA_REASON", text,
                    "MESSAGE", "Supervisor %s: %s: child %s %s: %s", own_text, reports[report].text,
                    child->spec.id, pid_text, text);
}

void
hemera__supervisor_tell (HemeraSupervisor *self, HemeraSupervisorEventKind kind, HemeraChild *child,
                         HemeraTerm *reason, guint delay_ms)
{
  HemeraSupervisorEvent event;

  if (self->events_to.id == 0)
    return;
  event = (HemeraSupervisorEvent){ .kind = kind,
                                   .supervisor = hemera_actor_self (self->actor),
                                   .child = g_strdup (child->spec.id),
                                   .old_pid = child->old_pid,
                                   .new_pid = child->pid,
                                   .reason = hemera_term_ref (reason),
                                   .restarts = child->restarts,
                                   .delay_ms = delay_ms };
  hemera_send (self->events_to, hemera_actor_message_new (&hemera_supervisor_event_type, &event));
}

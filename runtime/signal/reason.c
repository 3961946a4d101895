/* Exit reasons that the runtime itself uses, and the report of a crash. */
#include "runtime/signal/actor.h"

/* The terms live as long as the process. */
static HemeraTerm *
shared (_Atomic (HemeraTerm *) *place, const char *name)
{
  /* acquire: pairs with the release below: the term is complete. */
  HemeraTerm *term = atomic_load_explicit (place, memory_order_acquire);
  HemeraTerm *fresh;

  if (term)
    return term;
  fresh = hemera_term_new_atom (name);
  if (atomic_compare_exchange_strong_explicit (place, &term, fresh, memory_order_acq_rel,
                                               memory_order_acquire))
    return fresh;
  hemera_term_unref (fresh);
  return term;
}

HemeraTerm *
hemera_reason_normal (void)
{
  static _Atomic (HemeraTerm *) term;
  return shared (&term, "normal");
}

HemeraTerm *
hemera_reason_shutdown (void)
{
  static _Atomic (HemeraTerm *) term;
  return shared (&term, "shutdown");
}

HemeraTerm *
hemera_reason_kill (void)
{
  static _Atomic (HemeraTerm *) term;
  return shared (&term, "kill");
}

HemeraTerm *
hemera_reason_killed (void)
{
  static _Atomic (HemeraTerm *) term;
  return shared (&term, "killed");
}

HemeraTerm *
hemera_reason_noproc (void)
{
  static _Atomic (HemeraTerm *) term;
  return shared (&term, "noproc");
}

gboolean
hemera_reason_is_clean (HemeraTerm *reason)
{
  HemeraView view = hemera_term_view (reason);

  if (hemera_view_type (view) == HEMERA_TERM_TUPLE)
    return hemera_view_length (view) == 2 && hemera_view_is_atom (hemera_view_element (view, 0), "shutdown");
  return hemera_view_is_atom (view, "normal") || hemera_view_is_atom (view, "shutdown");
}

/* MESSAGE_ID of crash reports, for journalctl. */
#define CRASH_REPORT_ID "c5d1a7f0c2f94d0b9d3e6a6e0a5f3b21"

/* A warning, not critical: G_DEBUG=fatal-criticals must not abort because an actor crashed. */
void
hemera__crash_report (HemeraActor *self, HemeraTerm *reason)
{
  g_autofree char *pid = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (self->pid));
  g_autofree char *text = hemera_view_to_string (hemera_term_view (reason));
  const char *name = self->name ? self->name : self->label ? self->label : self->actor_class->name;

  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE_ID", CRASH_REPORT_ID, "HEMERA_PID", pid,
                    "HEMERA_NAME", name ? name : "", "HEMERA_REASON", text, "MESSAGE",
                    "actor %s %s ended: %s", pid, name ? name : "(unnamed)", text);
}

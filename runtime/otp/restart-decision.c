/* The supervisor's decision about a child that ended, as in OTP's supervisor: permanent children always come back, transient ones after
 * a crash, temporary ones never. Pure: no child is touched here. */
#include "restart-decision.h"

HemeraRestartDecision
hemera__restart_decide (HemeraRestart restart, gboolean clean, gboolean significant,
                        HemeraAutoShutdown auto_shutdown, gboolean other_significant)
{
  HemeraRestartDecision decision = { .crash = !clean };

  switch (restart) {
  case HEMERA_RESTART_PERMANENT: decision.fate = HEMERA__CHILD_RESTART; return decision;
  case HEMERA_RESTART_TRANSIENT: decision.fate = clean ? HEMERA__CHILD_KEEP : HEMERA__CHILD_RESTART; break;
  case HEMERA_RESTART_TEMPORARY: decision.fate = HEMERA__CHILD_FORGET; break;
  }
  if (decision.fate == HEMERA__CHILD_RESTART || !significant)
    return decision;
  switch (auto_shutdown) {
  case HEMERA_AUTO_SHUTDOWN_NEVER: break;
  case HEMERA_ANY_SIGNIFICANT: decision.shutdown = TRUE; break;
  case HEMERA_ALL_SIGNIFICANT: decision.shutdown = !other_significant; break;
  }
  return decision;
}

gboolean
hemera__stop_reason_is_expected (HemeraTerm *reason, HemeraRestart restart, gboolean brutal)
{
  HemeraView view = hemera_term_view (reason);

  if (brutal && hemera_view_is_atom (view, "killed"))
    return TRUE;
  if (!brutal && hemera_view_is_atom (view, "shutdown"))
    return TRUE;
  return restart != HEMERA_RESTART_PERMANENT && hemera_reason_is_clean (reason);
}

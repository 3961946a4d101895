/* What to do about a child that ended by itself. Pure. */
#pragma once

#include <hemera/supervisor.h>

typedef enum {
  HEMERA__CHILD_RESTART,
  HEMERA__CHILD_KEEP,   /* not restarted; its spec stays */
  HEMERA__CHILD_FORGET, /* not restarted; its spec goes (temporary) */
} HemeraChildFate;

typedef struct {
  HemeraChildFate fate;
  gboolean crash;    /* worth a warning */
  gboolean shutdown; /* the supervisor ends (auto_shutdown) */
} HemeraRestartDecision;

/* @clean: hemera_reason_is_clean() of its reason. @other_significant: another significant child runs or is about to. */
HemeraRestartDecision hemera__restart_decide (HemeraRestart restart, gboolean clean, gboolean significant,
                                              HemeraAutoShutdown auto_shutdown, gboolean other_significant);

/* Was @reason to be expected of a child that was told to stop (TRUE: not reported)? @brutal: it was to be killed. */
gboolean hemera__stop_reason_is_expected (HemeraTerm *reason, HemeraRestart restart, gboolean brutal);

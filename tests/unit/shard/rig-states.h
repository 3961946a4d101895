/* Rigs in a given state, and tables of tests that run in every variant. */
#pragma once

#include "rig.h"

HemeraShardState rig_state (Rig *self);
/* What a store may have: session s0 at seq 10. Strings are static. */
HemeraSession rig_stored (HemeraEncoding encoding);
/* A rig in @state. In ACTIVE, RESUMING, CLOSING and WAITING it has session s1 with seq 1 given. */
Rig *rig_in (const RigVariant *variant, HemeraShardState state);
/* Whether a rig in @state has a session. */
gboolean rig_keeps_session (HemeraShardState state);

/* @func gets the variant. */
typedef struct {
  const char *name;
  GTestDataFunc func;
} RigTest;

/* A test program's main(): /shard/machine/VARIANT/NAME for each. */
int rig_run_tests (int argc, char **argv, const RigTest *tests, guint n);

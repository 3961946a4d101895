/* What tests do with the supervisor of their fixture, each step with the log that is expected after it. */
#pragma once

#include "harness.h"

#define PERMANENT HEMERA_RESTART_PERMANENT
#define TRANSIENT HEMERA_RESTART_TRANSIENT
#define TEMPORARY HEMERA_RESTART_TEMPORARY

/* One that forgives five restarts in five seconds. */
extern const HemeraSupervisorSpec relaxed;
/* The same with a strategy. */
HemeraSupervisorSpec with (HemeraStrategy strategy);

/* Starts it with kids a, b, c, all @restart. */
void start_abc (Fixture *f, HemeraStrategy strategy, HemeraRestart restart);
/* Starts it with one child. */
void start_one (Fixture *f, HemeraSupervisorSpec spec, HemeraChildSpec child, const char *expected);
/* Its parent ends it. */
void stop_sup (Fixture *f, const char *expected);

/* Requests. */
void which (Fixture *f, const char *expected);
void count (Fixture *f, const char *expected);
void terminate_child (Fixture *f, const char *id, const char *expected);
void restart_child (Fixture *f, const char *id, const char *expected);
void delete_child (Fixture *f, const char *id, const char *expected);
void start_child (Fixture *f, HemeraChildSpec child, const char *expected);

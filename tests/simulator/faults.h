/* Faults: planned ones at places of the shards' streams (--faults), random ones in time (--fault-every), and those that wait for the next
 * connection. All choices come from the seed. */
#pragma once

#include "connection.h"

/* NULL with @error set when a list is wrong. (transfer full) */
SimFaults *sim_faults_new (Sim *sim, GError **error);
void sim_faults_free (SimFaults *self);
/* Spreads the planned faults over the stream; once, when it is loaded. */
void sim_faults_plan (Sim *sim);

/* The connection got its session: some dispatches come before the next fault. */
void sim_faults_activated (SimConnection *connection);
/* Whether the next planned fault of its shard is due on this connection. */
gboolean sim_faults_due (SimConnection *connection);
/* Whether production must wait for it: a session ends only when all that was produced has been sent, so that its gap has exact bounds;
 * and bytes are lost only when the client has its READY. */
gboolean sim_faults_wait (SimConnection *connection);
void sim_faults_inject_due (SimConnection *connection);
/* TRUE when a fault took the place of HELLO. */
gboolean sim_faults_greet (SimConnection *connection);
/* TRUE when bytes that nobody can decode took the place of READY (--crash-shard). */
gboolean sim_faults_crash (SimConnection *connection);
/* TRUE when an upgrade shall be refused with 503. */
gboolean sim_faults_refuse_upgrade (Sim *sim);
void sim_faults_tick (Sim *sim, gint64 now);

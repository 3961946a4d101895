/* HemeraHeartbeat: when to beat on one connection, and whether the connection is alive ("Sending Heartbeats"). Pure: no clock, no bytes.
 * Life is any inbound traffic; a connection that gives traffic but no ACK for several beats is dead as well, for then it does not
 * hear us. Times in microseconds, monotonic. Embedded; one thread. */
#pragma once

#include <glib.h>

#define HEMERA_HEARTBEAT_UNANSWERED 4 /* scheduled beats in a row without an ACK that traffic makes up for */

typedef struct {
  gint64 interval; /* 0: no HELLO yet, no beats */
  gint64 due;      /* next scheduled beat */
  gboolean beaten; /* a scheduled beat was sent on this connection */
  gboolean alive;  /* something came, or we did not listen, since the last scheduled beat */
  gboolean paused;
  guint unanswered;  /* scheduled beats since the last ACK */
  gint64 sent_at[8]; /* beats that wait for their ACK, oldest first */
  guint n_sent;
} HemeraHeartbeat;

typedef enum {
  HEMERA_HEARTBEAT_WAIT,
  HEMERA_HEARTBEAT_BEAT, /* send one now; the next is scheduled */
  HEMERA_HEARTBEAT_DEAD, /* close the connection */
} HemeraHeartbeatVerdict;

/* A new connection: no beats before hello. The pause stays. */
void hemera__heartbeat_clear (HemeraHeartbeat *self);
/* HELLO: the first beat is due after @interval_us * @random, @random in [0, 1). */
void hemera__heartbeat_hello (HemeraHeartbeat *self, gint64 now, gint64 interval_us, double random);
/* When to call check, or G_MAXINT64. */
gint64 hemera__heartbeat_deadline (const HemeraHeartbeat *self);
HemeraHeartbeatVerdict hemera__heartbeat_check (HemeraHeartbeat *self, gint64 now);

/* A beat was written, scheduled or asked for by op 1. */
void hemera__heartbeat_sent (HemeraHeartbeat *self, gint64 now);
/* Any inbound byte. */
void hemera__heartbeat_traffic (HemeraHeartbeat *self);
/* Reading stopped or started again: silence in between is our own. */
void hemera__heartbeat_pause (HemeraHeartbeat *self, gboolean paused);
/* ACK: the time since the beat it answers, or -1 when none waits. */
gint64 hemera__heartbeat_ack (HemeraHeartbeat *self, gint64 now);
/* Scheduled beats that can fall into @period_us; G_MAXUINT before HELLO, which says. */
guint hemera__heartbeat_count_in (const HemeraHeartbeat *self, gint64 period_us);

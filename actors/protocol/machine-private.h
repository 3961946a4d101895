/* Inside of HemeraShardMachine, for its own files alone: machine.c (life, states, time), inputs.c (commands, broker, connection),
 * inbound.c (what payloads mean), outbound.c (beats, handshake, sends), action.c (the queue of actions). Everything here runs on the thread of the machine's owner and never calls out: effects are actions. */
#pragma once

#include "backoff.h"
#include "envelope.h"
#include "heartbeat.h"
#include "machine.h"
#include "receiver.h"
#include "send-queue.h"
#include "send-window.h"

#define HEMERA_MS(ms) ((gint64) (ms) *1000)

#define HEMERA_CLOSE_CODE_KEEP 4000 /* any but 1000 and 1001 keeps the session */
#define HEMERA_CLOSE_CODE_END  1000

#define HEMERA_UNDECODABLE_MAX 3 /* undecodable ETF sessions in a row: then JSON */

typedef struct {
  guint op;
  guint64 tag;
} HemeraInFlight;

typedef struct {
  HemeraShardAction *ring;
  guint capacity, first, length;
} HemeraActionQueue;

struct _HemeraShardMachine {
  /* immutable after new */
  HemeraShardConfig config; /* strings and terms owned, defaults filled in */
  double (*random) (gpointer data);
  gpointer random_data;

  HemeraActionQueue actions;

  /* the state */
  HemeraShardState state;
  gint64 state_deadline;
  gboolean over;      /* STOP was given: nothing happens any more */
  gboolean disposing; /* closing is for good */
  gint64 wait_until;  /* when the back-off ends; set when a reconnect is decided */

  /* the session and the wire */
  HemeraSession session;
  guint64 given;  /* largest seq of the session that was given out here; 0: none */
  gint64 live_at; /* last payload of the session while it was live; -1: never here */
  gint64 started_at;
  HemeraEncoding encoding;
  gboolean fell_back; /* ETF failed too often: JSON from now on */
  guint failures;     /* undecodable ETF sessions in a row */
  char *base_url;
  gboolean avoid_resume_host;
  guint barren_resumes; /* connections in a row on which a RESUME brought nothing */

  /* this connection */
  guint connection;
  gboolean said_hello;
  gboolean holds_lease;    /* asked for, or granted, and not given back */
  gboolean identified;     /* op 2 was written */
  gboolean resume_pending; /* op 6 was written and brought nothing yet */
  gint64 active_since;     /* -1: not reached */
  gboolean paused;
  HemeraReceiver receiver;
  HemeraHeartbeat heartbeat;

  /* sending */
  HemeraSendWindow window, presence_window;
  HemeraSendQueue queue;
  GArray *in_flight;  /* HemeraInFlight: written, not yet drained */
  gboolean throttled; /* sends have waited for the window since the queue was last empty */
  gboolean beat_owed; /* op 1 came when the window had no room */
  gint64 pump_at;     /* when waiting sends or an owed beat may go */

  HemeraBackoff backoff;
};

/* ---- action.c -------------------------------------------------------------------------------------------------------------------- */

/* A new action at the end, all zero but for type and connection; valid until the next push. */
HemeraShardAction *hemera__machine_push (HemeraShardMachine *self, HemeraShardActionType type);

/* ---- machine.c ------------------------------------------------------------------------------------------------------------------ */

void hemera__machine_enter (HemeraShardMachine *self, gint64 now, HemeraShardState to, const char *cause);
gboolean hemera__machine_is_open (HemeraShardMachine *self);    /* between opened and our close, or the end */
gboolean hemera__machine_is_opening (HemeraShardMachine *self); /* before opened */
double hemera__machine_random (HemeraShardMachine *self);
gint64 hemera__machine_unix_ms (HemeraShardMachine *self, gint64 at);

/* Gives the lease or the request for one back, if there is any. */
void hemera__machine_release_lease (HemeraShardMachine *self);
/* The session is lost: tells the gap, if asked to, and the store. */
void hemera__machine_drop_session (HemeraShardMachine *self, gint64 now, gboolean tell_gap);
/* Back-off of a connection that ends now, in microseconds; counts it. */
gint64 hemera__machine_backoff (HemeraShardMachine *self, gint64 now);
gint64 hemera__machine_invalid_session_wait (HemeraShardMachine *self);
/* Opens the next connection. */
void hemera__machine_connect (HemeraShardMachine *self, gint64 now, const char *cause);
/* A connection gave no HELLO: with a session, the next try goes to the other host (resume or base url). The session is kept. */
void hemera__machine_try_other_host (HemeraShardMachine *self);
/* Routine: leaves this connection, closing it with @close_code if it is still there, and connects again after @delay. @code: the peer's. */
void hemera__machine_reconnect_after (HemeraShardMachine *self, gint64 now, gint64 delay, guint close_code,
                                      const char *cause, guint code, const char *detail);
/* A connection that we were closing is gone: back-off, or the end. */
void hemera__machine_closed (HemeraShardMachine *self, gint64 now, const char *cause);
/* The end as asked for: STOP with normal. */
void hemera__machine_stop (HemeraShardMachine *self, gint64 now, const char *cause);
/* Crash: takes @error. */
void hemera__machine_crash (HemeraShardMachine *self, gint64 now, GError *error, gboolean undecodable);
/* Fatal: @code 0 when it is not the gateway's. @explanation is static. */
void hemera__machine_fatal (HemeraShardMachine *self, gint64 now, guint code, const char *explanation);

/* ---- inbound.c ------------------------------------------------------------------------------------------------------------------ */

/* One decoded payload; takes no ownership of @payload. */
void hemera__machine_handle (HemeraShardMachine *self, gint64 now, HemeraTerm *payload);

/* ---- outbound.c ----------------------------------------------------------------------------------------------------------------- */

void hemera__machine_beat (HemeraShardMachine *self, gint64 now);
/* Answers op 1: at once, or as soon as the window has room. */
void hemera__machine_beat_asked (HemeraShardMachine *self, gint64 now);
void hemera__machine_identify (HemeraShardMachine *self, gint64 now);
void hemera__machine_resume (HemeraShardMachine *self, gint64 now);
/* Expires what is too old, sends what may go, and sets pump_at. */
void hemera__machine_pump (HemeraShardMachine *self, gint64 now);
/* The connection is gone: what was not drained is told as failed. */
void hemera__machine_fail_in_flight (HemeraShardMachine *self);
/* The shard ends: all that waits fails. */
void hemera__machine_fail_queued (HemeraShardMachine *self);
/* The encoding changed: what waits is encoded anew. */
void hemera__machine_recode_queue (HemeraShardMachine *self, HemeraEncoding from);

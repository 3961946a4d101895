/* One accepted connection: a REST request, or a gateway websocket and its protocol. */
#pragma once

#include "io.h"
#include "session.h"
#include "wire.h"

typedef enum {
  SIM_CONNECTION_REQUEST, /* no whole HTTP request yet */
  SIM_CONNECTION_HELLO,   /* a websocket that has not identified or resumed, or not anew since op 9 */
  SIM_CONNECTION_ACTIVE,  /* has a session */
  SIM_CONNECTION_CLOSING, /* our last bytes are on their way */
  SIM_CONNECTION_DEAD,    /* to be freed by the next tick */
} SimConnectionState;

struct _SimConnection {
  Sim *sim;
  SimIo *io;
  SimConnectionState state;
  guint number;
  gboolean resume_host; /* came in at the resume listener */
  gboolean upgraded, wired;
  gboolean mute;      /* nothing more is sent, whatever comes in (faults) */
  gboolean no_answer; /* IDENTIFY and RESUME get none (fault) */
  gboolean close_sent, close_seen;
  int close_code, client_code; /* ours, theirs; 0: none */
  GByteArray *request;
  SimFrames frames;
  SimWire wire;
  SimDoc *doc;
  SimSession *session;
  guint shard, total; /* of the last session, for the log */
  gboolean had_session;
  gint64 opened, finish_at, linger_until, mute_until, close_at, read_again_at; /* 0: not set */
  gint64 beat_at, beat_due, invalid_at, asked_beat_at;
  gint64 beat_seq;
  guint extra_beats;       /* op 1s sent: so many beats may come out of turn */
  GQueue sends, presences; /* times of the last ones, as gint64* */
  guint64 dispatches;      /* since it became active */
  guint fault_after;       /* dispatches before the next fault */
};

SimConnection *sim_connection_new (Sim *sim, int fd, gboolean resume_host);
void sim_connection_free (SimConnection *self);
/* Deadlines; at least every 20 ms. */
void sim_connection_tick (SimConnection *self, gint64 now);

/* A websocket ping whose pong proves that the client has read everything before it, READY above all. */
void sim_connection_ping (SimConnection *self);
/* A payload that is no dispatch of a session. @d: JSON. */
void sim_connection_send (SimConnection *self, int op, const char *d);
/* A close frame, then the end of the connection once it has left. The session is detached. */
void sim_connection_close (SimConnection *self, int code, const char *reason);
/* TCP reset. The session is detached. */
void sim_connection_reset (SimConnection *self, const char *why);
/* Logs what the client did wrong; @code 0: without a consequence, else the connection is closed with it. */
void sim_connection_violation (SimConnection *self, const char *what, int code, const char *detail);
/* op 9; back to the state before IDENTIFY. */
void sim_connection_invalidate (SimConnection *self, gboolean resumable);
/* Sends and produces what the session has, as far as the socket takes it. */
void sim_connection_pump (SimConnection *self);

/* auth.c */
void sim_auth_identify (SimConnection *self, const SimValue *d);
void sim_auth_resume (SimConnection *self, const SimValue *d);
/* NULL, or what is wrong with an op 3 payload. */
const char *sim_check_presence (const SimValue *d);
/* requests.c: ops 3, 4, 8, 31, 43. FALSE: unknown op. */
gboolean sim_request (SimConnection *self, gint64 op, const SimValue *d);
/* payloads.c: a message of the client. */
void sim_payload (SimConnection *self, gboolean binary, const guint8 *data, gsize size);
/* rest.c: the whole head of a request; answers or upgrades. */
void sim_rest_request (SimConnection *self, const char *head);
SimRest *sim_rest_new (char **faults, GError **error);
void sim_rest_free (SimRest *self);
/* The connection's request was a good upgrade: from here on it is a gateway. */
void sim_connection_upgrade (SimConnection *self, const char *accept, gboolean etf, gboolean zlib_stream);

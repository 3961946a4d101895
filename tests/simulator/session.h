/* Shards of the stream and the gateway sessions that play them. A shard's stream goes on where it stands, whichever session is next; a
 * session numbers its dispatches from 1 and keeps them for RESUME. */
#pragma once

#include "sim.h"

typedef struct {
  const char *t;
  const char *d;
  guint32 d_size;
  char *owned; /* d's memory when it is no line of the stream */
} SimDispatch;

struct _SimShard {
  Sim *sim;
  guint id, total;
  GArray *events; /* guint32: indices in the stream */
  guint cursor;   /* next of them */
  guint guilds;
  SimSession *session; /* the one that gets the stream; NULL: none */
  double owed;         /* with --rate: events to produce */
  GArray *faults;      /* faults.c: planned ones, by place */
  guint next_fault;
  gboolean fatal; /* was closed with a code after which no client comes back */
};

struct _SimSession {
  Sim *sim;
  SimShard *shard;
  SimConnection *connection; /* NULL: detached */
  char id[33];
  gboolean etf;
  gint64 intents;
  gint64 seq, sent, acked; /* produced; handed to a socket; seen in a heartbeat */
  GArray *kept;            /* SimDispatch; the first has s = kept_from */
  gint64 kept_from;
  gint64 detached_at;
  gulong crc;
  guint resumes;
  gint64 resumed_at; /* the sequence number of the last RESUME */
  gboolean known;    /* the client has proved that it has the READY: a pong, a beat or a RESUME */
};

/* The shard, made on first use. (transfer none) */
SimShard *sim_shard_get (Sim *sim, guint id, guint total);
void sim_shard_free (SimShard *self);
gboolean sim_shard_is_done (const SimShard *self);
gboolean sim_shard_owns (const SimShard *self, guint64 guild);

/* A new session of @shard; the one it had ends. Its READY is produced. (transfer none): it lives in sim->sessions until it ends. */
SimSession *sim_session_start (SimShard *shard, gboolean etf, gint64 intents, gboolean with_shard);
/* Ends it: its gap is logged. @self is freed. */
void sim_session_end (SimSession *self, const char *reason);
void sim_session_free (SimSession *self);
void sim_session_log_totals (const SimSession *self);

/* Produces a dispatch; takes @d. */
void sim_session_produce_own (SimSession *self, const char *t, char *d);
/* Produces the next event of the stream; FALSE when there is none or the replay limit forbids it. */
gboolean sim_session_produce_next (SimSession *self);
/* A produced dispatch that is still kept, else NULL. */
const SimDispatch *sim_session_dispatch (const SimSession *self, gint64 s);
void sim_session_detach (SimSession *self);

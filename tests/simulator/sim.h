/* The simulator's state: one process, one thread, one main context. */
#pragma once

#include <openssl/ssl.h>

#include "log.h"
#include "options.h"
#include "stream.h"

typedef struct _SimConnection SimConnection;
typedef struct _SimSession SimSession;
typedef struct _SimShard SimShard;
typedef struct _SimFaults SimFaults;
typedef struct _SimRest SimRest;

typedef struct {
  SimOptions options;
  SimLog *log;
  SimStream *stream;
  SimFaults *faults;
  SimRest *rest;
  GRand *rand;
  SSL_CTX *tls;
  GMainLoop *loop;
  GPtrArray *listeners;   /* GSource: closes its socket */
  GPtrArray *connections; /* SimConnection, the dead until the next tick */
  GHashTable *sessions;   /* id -> SimSession, the living */
  GHashTable *shards;     /* "TOTAL:ID" -> SimShard */
  GHashTable *members;    /* guild -> time of the last request for all members */
  gint64 *last_identify;  /* per bucket */
  char *url, *resume_url;
  gint64 started, resume_dead_until, session_reset_at;
  gint64 remaining; /* of the session start limit */
  gboolean token_reset;
  guint connection_count, tick;
  guint64 events, sessions_started, resumes, faults_done, violations;
} Sim;

/* Monotonic milliseconds. */
gint64 sim_now (void);

/* server.c: listeners, the tick, the end. */
gboolean sim_server_start (Sim *self, GError **error);
void sim_server_stop (Sim *self);
/* An array that closes the listeners put into it. (transfer full) */
GPtrArray *sim_server_new_listeners (void);

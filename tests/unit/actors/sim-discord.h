/* Discord's gateway as the whole-tree test needs it: coherent (sessions, their events in order, replay after a RESUME) and strict (what a
 * client must not do fails the test). It speaks over sim-net's sockets, ETF or JSON as the url says, and does nothing by itself. */
#pragma once

#include "sim-net.h"

#include <hemera/term.h>

typedef enum { SIM_READY, SIM_RESUMED, SIM_MESSAGE, SIM_TYPING } SimEvent;

typedef struct {
  guint shard;
  gboolean valid; /* it would take a RESUME */
  gboolean known; /* the client has its READY */
  gboolean json;
  GByteArray *log; /* SimEvent of seq 1, 2 ... */
} SimSession;

typedef struct {
  HemeraSystem *system;
  GPtrArray *sessions; /* SimSession, numbered from 1; ids are "s<number>" */
  guint n_shards;
  guint *current; /* per shard: number of its last session; 0: none */
  guint interval_ms;
  gboolean float_interval; /* HELLO has it as a float */
  /* identifies */
  guint spacing_ms, max_concurrency, remaining, total, floor;
  guint next_concurrency; /* from the next reset on */
  gint64 reset_at, reset_us;
  gint64 *identified_at; /* per shard */
  guint identifies, resumes, undecodable;
  guint unasked; /* identifies of a shard that knew a session which was still valid */
} SimDiscord;

SimDiscord *sim_discord_new (HemeraSystem *system, guint n_shards, guint max_concurrency);
void sim_discord_free (SimDiscord *self);
/* Hooks for the net. */
void sim_discord_sent (HemeraWebsocket *socket, GBytes *data, gpointer self);
void sim_discord_over (HemeraWebsocket *socket, gpointer self);

SimSession *sim_discord_session (SimDiscord *self, guint number);
const char *sim_event_name (SimEvent event);
/* The answer to GET /gateway/bot. (transfer full) */
char *sim_discord_bot (SimDiscord *self);

/* Something happens at shard @shard: @n events of its session. */
void sim_discord_happen (SimDiscord *self, guint shard, guint n, guint32 dice);
/* One thing of this connection: HELLO, one payload of the client read, or one event sent. TRUE: there was something to do. */
gboolean sim_discord_step (SimDiscord *self, HemeraWebsocket *socket);
/* Nothing more comes of it and nothing is read. */
void sim_discord_silence (HemeraWebsocket *socket);
/* A payload behind all that was sent; then nothing more. */
void sim_discord_last_word (SimDiscord *self, HemeraWebsocket *socket, const char *json);
void sim_discord_garbage (SimDiscord *self, HemeraWebsocket *socket);
/* Closes behind all that was sent. */
void sim_discord_close (HemeraWebsocket *socket, guint code);
/* Any payload. */
void sim_discord_say (HemeraWebsocket *socket, const char *json);
/* The session of the connection, or 0. */
guint sim_discord_session_of (HemeraWebsocket *socket);

/* What the command line says. Filled once, never changed. Times are milliseconds. */
#pragma once

#include "etf.h"

typedef struct {
  gboolean plain, verbose, exit_when_done, loop, log_dispatch, same_resume_host;
  int port;
  char *dir, *host, *token, *stream, *log;
  int shards, max_concurrency, max_guilds, max_connections;
  int session_total, session_remaining;
  gint64 session_reset_after;
  int identify_spacing, heartbeat_interval, heartbeat_grace, handshake_timeout;
  SimEtfStyle etf_style;
  int key_order; /* 0 to 2, or 3: another one each time */
  int rate, lose_on_gap, replay_limit, resume_window;
  gint64 seed;
  char *faults, *fault_kinds, *crash_shard;
  int fault_every, slow_read, op7_close, resume_dead;
  char **rest_faults;
  gint64 disallow_intents;
  int send_limit, send_window, presence_limit, presence_window, members_interval;
  int zlib_level, fragment, split_messages;
} SimOptions;

/* FALSE with @error, or with the text of --help or --version printed and the process ended. */
gboolean sim_options_parse (SimOptions *self, int argc, char **argv, GError **error);
void sim_options_clear (SimOptions *self);

/* The command line. --help is the manual of the simulator, so each option says what it does and its default. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hemera/version.h>

static const char summary[] =
    "A strict simulator of Discord's REST and gateway for bots under test. It listens on loopback only, and "
    "prints\n"
    "one line when it is ready: listening https://127.0.0.1:PORT ca=FILE (http and no ca with --plain).\n"
    "REST: GET /api/v10/gateway and /api/v10/gateway/bot, with Discord's User-Agent, DiscordBot (URL, "
    "VERSION), else 403.\n"
    "Gateway: v=10, encoding=json|etf, compress=zlib-stream.\n"
    "What a client does wrong is closed with Discord's code and logged as a violation.";

static const char details[] =
    "Faults (--faults NAME:COUNT,...), each at a place of a shard's stream that the seed chooses:\n"
    "  op7 op9-true op9-false op1       payloads to an active shard\n"
    "  close-CODE                       a close frame, e.g. close-4000; 4003, 4005, 4006, 4007, 4009 end the "
    "session,\n"
    "                                   4004 and 4010 to 4014 are fatal for the client\n"
    "  reset                            TCP reset\n"
    "  silence                          nothing is sent any more, no ACK either\n"
    "  corrupt                          undecodable bytes: of the zlib stream or of the payload\n"
    "  slow-read                        the simulator stops reading for --slow-read-ms\n"
    "  resume-dead                      reset, and the resume host resets connections for --resume-dead-ms\n"
    "  op7-early no-hello no-ready upgrade-503   reset, and the next connection gets op 7 instead of HELLO, "
    "no HELLO,\n"
    "                                   no answer to IDENTIFY or RESUME, a 503 to its upgrade\n"
    "REST faults (--rest-fault NAME[:COUNT], repeatable, in this order):\n"
    "  401 403 429 500 502 stall html big no-url zero-shards zero-concurrency truncated\n"
    "\n"
    "The stream (made by make_stream.py, brief envelope) is split over the shards: READY's guilds and each "
    "guild's events by\n"
    "(id >> 22) % shards, the rest to shard 0. Each session has its own READY and its own s from 1. A "
    "dispatch gets its s\n"
    "when it is produced: with --rate for as long as the session lives, with --rate 0 as fast as the "
    "connection takes.\n"
    "A new session goes on where the stream of its shard stands; GUILD_CREATEs are not sent again. A new "
    "IDENTIFY for a\n"
    "shard ends the session that it had. Events are not filtered by intents.\n"
    "\n"
    "The log (--log) has one JSON object a line: t_ms (monotonic) and event: listening, connection, closed, "
    "rest, identify,\n"
    "ready, resume, fault, gap, violation, dispatch (with --log-dispatch), session, summary. A session's crc "
    "is the CRC-32 of\n"
    "its dispatches as lines \"S NAME\\n\".";

static gboolean
pick (const char *text, const char *name, const char *const *words, int *value, GError **error)
{
  for (int i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], text) == 0) {
      *value = i;
      return TRUE;
    }
  g_autofree char *all = g_strjoinv (", ", (char **) words);
  g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "%s is one of: %s", name, all);
  return FALSE;
}

static gboolean
check (const SimOptions *self, GError **error)
{
  const struct {
    const char *name;
    gint64 value, least, most;
  } ranges[] = {
    { "--port", self->port, 0, 65535 },
    { "--shards", self->shards, 1, 4096 },
    { "--max-concurrency", self->max_concurrency, 1, 4096 },
    { "--heartbeat-interval", self->heartbeat_interval, 50, 600000 },
    { "--heartbeat-grace-ms", self->heartbeat_grace, 10, 600000 },
    { "--identify-spacing-ms", self->identify_spacing, 0, 600000 },
    { "--replay-limit", self->replay_limit, 1, G_MAXINT },
    { "--rate", self->rate, 0, 10000000 },
    { "--zlib-level", self->zlib_level, 0, 9 },
    { "--fragment", self->fragment, 0, 1 << 20 },
    { "--split-messages", self->split_messages, 0, 1 << 20 },
    { "--send-limit", self->send_limit, 1, 1 << 16 },
    { "--presence-limit", self->presence_limit, 1, 1 << 16 },
    { "--max-connections", self->max_connections, 1, 1 << 16 },
    { "--fault-every", self->fault_every, 0, G_MAXINT },
    { "--lose-on-gap", self->lose_on_gap, 0, G_MAXINT },
    { "--max-guilds", self->max_guilds, 0, G_MAXINT },
    { "--session-total", self->session_total, 0, G_MAXINT },
    { "--session-remaining", self->session_remaining, 0, G_MAXINT },
    { "--session-reset-after-ms", self->session_reset_after, 0, G_MAXINT64 / 2 },
    { "--handshake-timeout-ms", self->handshake_timeout, 1, G_MAXINT },
    { "--resume-window-ms", self->resume_window, 0, G_MAXINT },
    { "--slow-read-ms", self->slow_read, 0, G_MAXINT },
    { "--op7-close-ms", self->op7_close, 0, G_MAXINT },
    { "--resume-dead-ms", self->resume_dead, 0, G_MAXINT },
    { "--send-window-ms", self->send_window, 1, G_MAXINT },
    { "--presence-window-ms", self->presence_window, 1, G_MAXINT },
    { "--members-interval-ms", self->members_interval, 0, G_MAXINT },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (ranges); i++)
    if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most) {
      g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "%s is out of range", ranges[i].name);
      return FALSE;
    }
  return TRUE;
}

gboolean
sim_options_parse (SimOptions *self, int argc, char **argv, GError **error)
{
  static const char *const styles[] = { "discord", "binary", "mixed", NULL };
  static const char *const orders[] = { "discord", "brief", "d-first", "mixed", NULL };
  static const char *const resume_hosts[] = { "other", "same", NULL };
  static const char *const hosts[] = { "127.0.0.1", "localhost", "gateway.test", NULL };
  g_autofree char *style = NULL, *order = NULL, *resume_host = NULL;
  gboolean version = FALSE;
  *self = (SimOptions){
    .shards = 1,
    .max_concurrency = 1,
    .max_guilds = 2500,
    .max_connections = 1000,
    .session_total = 1000,
    .session_remaining = -1,
    .session_reset_after = 86400000,
    .identify_spacing = 5000,
    .heartbeat_interval = 41250,
    .heartbeat_grace = -1,
    .handshake_timeout = 10000,
    .replay_limit = 1000000,
    .resume_window = 180000,
    .seed = 1,
    .slow_read = 3000,
    .op7_close = 5000,
    .resume_dead = 3000,
    .send_limit = 120,
    .send_window = 60000,
    .presence_limit = 5,
    .presence_window = 20000,
    .members_interval = 30000,
    .zlib_level = 6,
  };
  const GOptionEntry entries[] = {
    { "port", 0, 0, G_OPTION_ARG_INT, &self->port, "port of REST and gateway (0: any)", "N" },
    { "plain", 0, 0, G_OPTION_ARG_NONE, &self->plain, "no TLS", NULL },
    { "dir", 0, 0, G_OPTION_ARG_FILENAME, &self->dir, "folder for the CA's file (a fresh one)", "DIR" },
    { "host", 0, 0, G_OPTION_ARG_STRING, &self->host,
      "host in the urls given out: 127.0.0.1, localhost or gateway.test", "NAME" },
    { "resume-host", 0, 0, G_OPTION_ARG_STRING, &resume_host,
      "other: resume_gateway_url has a port of its own; same", "WHICH" },
    { "token", 0, 0, G_OPTION_ARG_STRING, &self->token, "the bot's token (simulator-token)", "TOKEN" },
    { "shards", 0, 0, G_OPTION_ARG_INT, &self->shards, "recommended number of shards (1)", "N" },
    { "max-concurrency", 0, 0, G_OPTION_ARG_INT, &self->max_concurrency, "identify buckets (1)", "N" },
    { "identify-spacing-ms", 0, 0, G_OPTION_ARG_INT, &self->identify_spacing,
      "least time between IDENTIFYs of a bucket (5000)", "MS" },
    { "session-total", 0, 0, G_OPTION_ARG_INT, &self->session_total, "session_start_limit.total (1000)",
      "N" },
    { "session-remaining", 0, 0, G_OPTION_ARG_INT, &self->session_remaining,
      "session_start_limit.remaining (the total)", "N" },
    { "session-reset-after-ms", 0, 0, G_OPTION_ARG_INT64, &self->session_reset_after,
      "when remaining is total again (86400000)", "MS" },
    { "heartbeat-interval", 0, 0, G_OPTION_ARG_INT, &self->heartbeat_interval, "in HELLO (41250)", "MS" },
    { "heartbeat-grace-ms", 0, 0, G_OPTION_ARG_INT, &self->heartbeat_grace,
      "how late a beat may be (half an interval, 5000 at least)", "MS" },
    { "etf-style", 0, 0, G_OPTION_ARG_STRING, &style,
      "discord, binary or mixed: keys and atom tags (discord)", "STYLE" },
    { "key-order", 0, 0, G_OPTION_ARG_STRING, &order,
      "of the envelope: discord (t,s,op,d), brief (op,s,t,d), d-first, mixed (discord)", "ORDER" },
    { "zlib-level", 0, 0, G_OPTION_ARG_INT, &self->zlib_level, "of zlib-stream (6)", "N" },
    { "fragment", 0, 0, G_OPTION_ARG_INT, &self->fragment,
      "websocket frames of at most so many bytes (0: whole messages)", "BYTES" },
    { "split-messages", 0, 0, G_OPTION_ARG_INT, &self->split_messages,
      "zlib-stream: messages of at most so many bytes (0: a payload each)", "BYTES" },
    { "stream", 0, 0, G_OPTION_ARG_FILENAME, &self->stream, "JSONL of make_stream.py to play", "FILE" },
    { "rate", 0, 0, G_OPTION_ARG_INT, &self->rate,
      "events a second, over all shards (0: as fast as connections take)", "N" },
    { "loop", 0, 0, G_OPTION_ARG_NONE, &self->loop, "begin the stream again at its end", NULL },
    { "lose-on-gap", 0, 0, G_OPTION_ARG_INT, &self->lose_on_gap,
      "stream events that nobody gets when a session is lost (0)", "N" },
    { "replay-limit", 0, 0, G_OPTION_ARG_INT, &self->replay_limit,
      "dispatches kept for RESUME; production waits above it (1000000)", "N" },
    { "resume-window-ms", 0, 0, G_OPTION_ARG_INT, &self->resume_window,
      "life of a session without connection (180000)", "MS" },
    { "faults", 0, 0, G_OPTION_ARG_STRING, &self->faults, "NAME:COUNT,... spread over the stream", "LIST" },
    { "fault-every", 0, 0, G_OPTION_ARG_INT, &self->fault_every, "a fault of --fault-kinds about every MS",
      "MS" },
    { "fault-kinds", 0, 0, G_OPTION_ARG_STRING, &self->fault_kinds,
      "for --fault-every (op7,op9-true,close-4000,reset,silence,corrupt,slow-read,op1)", "LIST" },
    { "crash-shard", 0, 0, G_OPTION_ARG_STRING, &self->crash_shard,
      "the shard's first COUNT IDENTIFYs are answered by undecodable bytes", "SHARD:COUNT" },
    { "seed", 0, 0, G_OPTION_ARG_INT64, &self->seed, "of all that is random (1)", "N" },
    { "slow-read-ms", 0, 0, G_OPTION_ARG_INT, &self->slow_read, "length of slow-read (3000)", "MS" },
    { "op7-close-ms", 0, 0, G_OPTION_ARG_INT, &self->op7_close, "when op 7 is followed by a close (5000)",
      "MS" },
    { "resume-dead-ms", 0, 0, G_OPTION_ARG_INT, &self->resume_dead, "length of resume-dead (3000)", "MS" },
    { "rest-fault", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->rest_faults, "of the first requests",
      "NAME[:COUNT]" },
    { "disallow-intents", 0, 0, G_OPTION_ARG_INT64, &self->disallow_intents, "bits that get 4014", "BITS" },
    { "max-guilds", 0, 0, G_OPTION_ARG_INT, &self->max_guilds, "guilds a shard, above it 4011 (2500)", "N" },
    { "send-limit", 0, 0, G_OPTION_ARG_INT, &self->send_limit,
      "events a window and connection, above it 4008 (120)", "N" },
    { "send-window-ms", 0, 0, G_OPTION_ARG_INT, &self->send_window, "that window (60000)", "MS" },
    { "presence-limit", 0, 0, G_OPTION_ARG_INT, &self->presence_limit, "op 3 a window, more is dropped (5)",
      "N" },
    { "presence-window-ms", 0, 0, G_OPTION_ARG_INT, &self->presence_window, "that window (20000)", "MS" },
    { "members-interval-ms", 0, 0, G_OPTION_ARG_INT, &self->members_interval,
      "between requests for all members of a guild (30000)", "MS" },
    { "max-connections", 0, 0, G_OPTION_ARG_INT, &self->max_connections, "more are closed at once (1000)",
      "N" },
    { "handshake-timeout-ms", 0, 0, G_OPTION_ARG_INT, &self->handshake_timeout,
      "for TLS and a whole request (10000)", "MS" },
    { "log", 0, 0, G_OPTION_ARG_FILENAME, &self->log, "JSONL log", "FILE" },
    { "log-dispatch", 0, 0, G_OPTION_ARG_NONE, &self->log_dispatch, "log each dispatch when it is produced",
      NULL },
    { "exit-when-done", 0, 0, G_OPTION_ARG_NONE, &self->exit_when_done,
      "exit when every shard got its stream and beat with its last s", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &self->verbose,
      "a line on standard output for each entry of the log", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_set_summary (context, summary);
  g_option_context_set_description (context, details);
  g_option_context_add_main_entries (context, entries, NULL);
  int chosen = 0;
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (version) {
    printf ("hemera-sim %d.%d.%d\n", HEMERA_MAJOR_VERSION, HEMERA_MINOR_VERSION, HEMERA_MICRO_VERSION);
    exit (0);
  }
  if (argc > 1) {
    g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "unknown argument %s", argv[1]);
    return FALSE;
  }
  if (!pick (style != NULL ? style : "discord", "--etf-style", styles, &chosen, error))
    return FALSE;
  self->etf_style = (SimEtfStyle) chosen;
  if (!pick (order != NULL ? order : "discord", "--key-order", orders, &self->key_order, error)
      || !pick (resume_host != NULL ? resume_host : "other", "--resume-host", resume_hosts,
                &self->same_resume_host, error))
    return FALSE;
  if (self->heartbeat_grace == -1)
    self->heartbeat_grace = MAX (self->heartbeat_interval / 2, 5000);
  if (self->session_remaining == -1)
    self->session_remaining = self->session_total;
  if (self->host == NULL)
    self->host = g_strdup ("127.0.0.1");
  if (self->token == NULL)
    self->token = g_strdup ("simulator-token");
  return pick (self->host, "--host", hosts, &chosen, error) && check (self, error);
}

void
sim_options_clear (SimOptions *self)
{
  g_free (self->dir);
  g_free (self->host);
  g_free (self->token);
  g_free (self->stream);
  g_free (self->log);
  g_free (self->faults);
  g_free (self->fault_kinds);
  g_free (self->crash_shard);
  g_strfreev (self->rest_faults);
}

/* hemera-tail: connects to Discord's gateway and prints what comes. Parts: options (command line), output (how messages look), input
 * (send events from standard input), chaos (kills for drills), main (life). All of it runs in the main thread's default context. */
#pragma once

#include <hemera/hemera.h>

typedef enum { OUTPUT_PRETTY, OUTPUT_JSON, OUTPUT_COUNT, OUTPUT_NONE } OutputMode;

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_TIMED_OUT = 3, EXIT_FATAL = 4 };

typedef struct {
  char *api_url, *token_env, *encoding, *compress, *shards, *intents, *ca_file, *session_file, *output,
      *record;
  int total_shards, max_events, timeout_s, identify_spacing_ms, cool_down_ms, rest_timeout_ms,
      backoff_base_ms, backoff_cap_ms;
  double chaos_kill_s;
  int chaos_kills, chaos_seed;
  OutputMode mode;
  guint64 intents_value;
  GArray *shard_ids; /* of guint; empty: all */
} TailOptions;

/* -1: go on; otherwise the exit status (usage errors are told on standard error, --help and --version on standard output). */
int tail_options_parse (TailOptions *self, int argc, char **argv);
void tail_options_clear (TailOptions *self);
/* (transfer full) (nullable): NULL with @error: a usage error, an unset token variable too. */
HemeraGatewayApiOptions *tail_options_to_gateway (const TailOptions *self, GError **error);

typedef struct _TailOutput TailOutput;
/* @record: (nullable): a file that gets the json form whatever the mode. NULL with @error: it cannot be written. */
TailOutput *tail_output_new (OutputMode mode, const char *record, GError **error);
void tail_output_free (TailOutput *self);
/* TRUE when it was a dispatch (counts for --max-events). */
gboolean tail_output_message (TailOutput *self, HemeraShardMessage *message);
/* Blanks instead of the control characters of @text from @start on, so that nobody's text moves a terminal's cursor or begins a line. */
void tail_hide_controls (GString *text, gsize start);
/* A line of standard input that cannot be sent; @shard -1: none known. */
void tail_output_input_error (TailOutput *self, gint shard, const char *text);
/* How many shards are active now. */
guint tail_output_active_shards (TailOutput *self);
/* Chaos killed @child; @hit: it was up. */
void tail_output_kill (TailOutput *self, guint shard, const char *child, gboolean hit);
/* FALSE: standard output is gone (a closed pipe). */
gboolean tail_output_is_open (TailOutput *self);

/* Reads standard input; lines are send events. */
typedef struct _TailInput TailInput;
/* @shards: those that run here (empty: all); must live as long as the input. */
TailInput *tail_input_new (HemeraGateway *gateway, const GArray *shards, TailOutput *output);
/* Shows it what shards say: the lines for one that was never active wait until it is. */
void tail_input_message (TailInput *self, HemeraShardMessage *message);
void tail_input_free (TailInput *self);

/* Kills a shard's actors at random moments, every @seconds on the average, @kills times (0: for ever): "shard" twice as often as
 * "event_parser". Seeded. */
typedef struct _TailChaos TailChaos;
TailChaos *
tail_chaos_new (HemeraGateway *gateway, TailOutput *output, double seconds, guint kills, guint seed);
void tail_chaos_free (TailChaos *self);

/* HemeraShardMachine: the gateway protocol of one shard, sans I/O: bytes, time and commands in; actions and one deadline out. No socket,
 * thread, clock or randomness of its own, so that unit tests, fuzzers and the shard actor drive the same code.
 * Follows developers/events/gateway.mdx (connecting, resuming, disconnecting) and DESIGN section 4 (routine, crash, fatal).
 *
 * Use: call an input, then take actions until there are none, then arm one timer for hemera__shard_machine_deadline(). One thread at a time.
 * Each connection has a number; inputs of an older one are ignored. */
#pragma once

#include "../token.h"
#include <hemera/gateway-types.h>

typedef struct _HemeraShardMachine HemeraShardMachine;

/* What a RESUME needs. An immutable value; strings owned. seq is the last event that was fanned out (safe), not the last received. */
typedef struct {
  char *id;         /* NULL: no session */
  char *resume_url; /* (nullable) */
  guint64 seq;
  HemeraEncoding encoding;
  gint64 alive_ms; /* Unix time of the last payload of the session while it was live; 0: not known */
} HemeraSession;
void hemera__session_copy (HemeraSession *dest, const HemeraSession *src);
void hemera__session_clear (HemeraSession *self);
/* Whether @id, of @size bytes, is a session id that Hemera keeps: what is kept can be written to the session file and read again. */
gboolean hemera__session_id_is_usable (const char *id, gsize size);

/* More does not fit into a place, see hemera__place(). */
#define HEMERA_SEQ_MAX G_GUINT64_CONSTANT (0xffffffffffff)

/* Milliseconds; 0 gives the default in brackets. */
typedef struct {
  guint resolve_ms; /* [10000] also bounds TCP, TLS and upgrade together with connect_ms */
  guint connect_ms; /* [10000] */
  guint hello_ms;   /* [20000] */
  /* [3600000] how long a shard waits for its turn to identify on an open connection before it closes and waits */
  guint lease_ms;
  guint ready_ms;   /* [30000] from IDENTIFY to READY */
  guint resumed_ms; /* [60000] from RESUME to the next dispatch or RESUMED; each dispatch starts it anew */
  guint close_ms;   /* [5000] */
  guint backoff_base_ms;  /* [1000] full jitter */
  guint backoff_cap_ms;   /* [60000] */
  guint backoff_reset_ms; /* [60000] active this long: the next back-off starts at base */
  /* [1000, 5000] random wait after op 9 before the next try */
  guint invalid_session_min_ms, invalid_session_max_ms;
} HemeraShardTimes;

typedef struct {
  guint shard_id, total_shards;
  HemeraEncoding encoding;
  HemeraCompression compression;
  guint64 intents;
  guint large_threshold;             /* 0: not sent */
  HemeraTerm *presence;              /* (nullable) */
  const char *os, *browser, *device; /* identify properties; NULL: "linux", "hemera", "hemera" */
  const char *gateway_url;           /* base url of GET /gateway/bot */
  guint api_version;                 /* 0: 10 */
  HemeraToken *token;
  HemeraShardTimes times;
  gsize max_payload;     /* inflated bytes; 0: 64 MiB */
  guint send_queue;      /* waiting sends; 0: 256 */
  guint send_expiry_ms;  /* 0: 180000: a full queue needs three windows of 60 s */
  gint64 wall_offset_us; /* Unix time less the monotonic clock of the inputs, for since_ms and alive_ms */
  guint connections;     /* connections that earlier machines of this shard made: numbers go on from there */
} HemeraShardConfig;     /* copied by new */

/* @session: (nullable): to resume. @random: called for jitter. @failures: undecodable sessions in a row so far (fallback rule). (transfer full) */
HemeraShardMachine *
hemera__shard_machine_new (const HemeraShardConfig *config, const HemeraSession *session, guint failures,
                           double (*random) (gpointer data), gpointer random_data);
void hemera__shard_machine_free (HemeraShardMachine *self);

/* ---- inputs: each with the time in microseconds, monotonic ---------------------------------------------------------------------- */
void hemera__shard_machine_start (HemeraShardMachine *self, gint64 now); /* StartShard */
/* A newer answer of Get Gateway */
void hemera__shard_machine_set_gateway_url (HemeraShardMachine *self, const char *url);
void hemera__shard_machine_resolved (HemeraShardMachine *self, gint64 now, guint connection);
void hemera__shard_machine_opened (HemeraShardMachine *self, gint64 now, guint connection);
void
hemera__shard_machine_received (HemeraShardMachine *self, gint64 now, guint connection, const guint8 *data,
                                gsize size, gboolean first, gboolean final, gboolean binary);
/* Terminal for @connection. @code: close code of the peer, 0 none. @http_status of a refused upgrade: 429 waits for @retry_after_s, 401 and 403
 * wait about the back-off's cap with an alarm (no token was shown, so they say nothing of it). @why: (nullable) text for logs */
void hemera__shard_machine_ended (HemeraShardMachine *self, gint64 now, guint connection, guint code,
                                  guint http_status, guint retry_after_s, const char *why);
/* Earlier writes are in the kernel: Sent */
void hemera__shard_machine_drained (HemeraShardMachine *self, gint64 now, guint connection);
/* Identify: the broker's grant. @connection: of the REQUEST_IDENTIFY that is answered; the broker hands it back, so that a late grant
 * of an older request is not used. */
void hemera__shard_machine_lease (HemeraShardMachine *self, gint64 now, guint connection);
/* No session starts left until then */
void
hemera__shard_machine_lease_denied (HemeraShardMachine *self, gint64 now, guint connection, guint64 retry_ms);
/* Events up to @seq of the session are safe at the subscribers: beats and RESUME use it. */
void hemera__shard_machine_set_watermark (HemeraShardMachine *self, const char *session_id, guint64 seq);
/* Reading is stopped by us: silence is no death */
void hemera__shard_machine_paused (HemeraShardMachine *self, gint64 now, gboolean paused);
/* Send: FALSE with @error (HEMERA_GATEWAY_ERROR) at once for a payload that must not go out: op not 3, 4, 8, 31, 43; over 4096 bytes; queue
 * full. @tag comes back in SENT or SEND_FAILED. Waits for READY or RESUMED, for the 120/60 s window, presence for 5/20 s with last-wins. */
gboolean hemera__shard_machine_send (HemeraShardMachine *self, gint64 now, guint op, HemeraView data,
                                     guint64 tag, GError **error);
/* Reconnect */
void hemera__shard_machine_reconnect (HemeraShardMachine *self, gint64 now, gboolean allow_resume);
/* Dispose: closes, then STOP normal */
void hemera__shard_machine_dispose (HemeraShardMachine *self, gint64 now, HemeraCloseMode mode);
void hemera__shard_machine_tick (HemeraShardMachine *self, gint64 now); /* the deadline came */

/* ---- outputs -------------------------------------------------------------------------------------------------------------------- */
/* When to call tick, or G_MAXINT64. */
gint64 hemera__shard_machine_deadline (HemeraShardMachine *self);

typedef enum {
  HEMERA_SHARD_ACTION_CONNECT, /* url (with query), connection: open a websocket */
  HEMERA_SHARD_ACTION_WRITE,   /* connection, data, binary: one message; may hold the token: never log it */
  HEMERA_SHARD_ACTION_CLOSE,   /* connection, code: close frame */
  HEMERA_SHARD_ACTION_ABORT,   /* connection: drop without a frame (time-out of connect or close) */
  HEMERA_SHARD_ACTION_REQUEST_IDENTIFY, /* connection: RequestingIdentify: ask the broker */
  HEMERA_SHARD_ACTION_IDENTIFIED,       /* connection: op 2 was written: the lease's 5 s count from here */
  /* connection: READY came, op 9, or the connection went: lease or request back (used: op 2 was sent) */
  HEMERA_SHARD_ACTION_RELEASE_LEASE,
  HEMERA_SHARD_ACTION_STATE, /* connection, from, to, cause */
  /* EventReceived: connection, op, seq, name, payload, d, encoding. Dispatches of seq <= watermark, or that this machine gave already, are
   * not given again. seq 0: none (other ops, and a RESUMED whose s is no new one): the watermark does not concern it. */
  HEMERA_SHARD_ACTION_EVENT,
  /* session: set by READY (id set) or dropped before op 2 (id NULL): tell the store */
  HEMERA_SHARD_ACTION_SESSION,
  /* seq, since_ms, session (the lost one): a session with events was lost; what came after seq may be missing. seq is the last that this
   * machine gave or knew as safe. Where it is fanned out, the watermark of that session may be larger (given by an earlier machine). */
  HEMERA_SHARD_ACTION_GAP,
  HEMERA_SHARD_ACTION_SENT,        /* op, tag: the bytes left */
  HEMERA_SHARD_ACTION_SEND_FAILED, /* op, tag, error */
  /* connection, cause, code (peer's close code, HTTP status of a refused upgrade, or 0), detail */
  HEMERA_SHARD_ACTION_RECONNECTING,
  HEMERA_SHARD_ACTION_DISCONNECTING, /* cause (an explanation), code: for good */
  HEMERA_SHARD_ACTION_ERROR,         /* error: ErrorReceived */
  HEMERA_SHARD_ACTION_LATENCY,       /* latency_us: beat to ACK */
  HEMERA_SHARD_ACTION_ENCODING,      /* fallback: encoding is JSON from now on: an alarm */
  HEMERA_SHARD_ACTION_FAILURES,      /* failures: undecodable sessions in a row: tell the store */
  HEMERA_SHARD_ACTION_ALARM,         /* cause */
  /* reason: the actor ends with it (normal, {shard_disconnected, ..}, {shutdown, {shard_disconnected, ..}}) */
  HEMERA_SHARD_ACTION_STOP,
} HemeraShardActionType;

/* Fields as the type says; clear frees them. */
typedef struct {
  HemeraShardActionType type;
  guint connection;
  char *url;
  GBytes *data;
  gboolean binary;
  guint code;
  gboolean used;
  HemeraShardState from, to;
  const char *cause; /* static: a short name ("op_7", "no_traffic" ...) or a sentence */
  char *detail;      /* (nullable): text of the network, for logs; not trusted */
  guint op;
  guint64 seq;
  /* event name, interned in the machine's table or owned by payload: valid as long as payload */
  const char *name;
  gsize name_size;
  HemeraTerm *payload; /* the whole envelope */
  HemeraView d;        /* inside payload */
  HemeraSession session;
  gint64 since_ms; /* Unix time */
  guint64 tag;
  GError *error;
  gint64 latency_us;
  HemeraEncoding encoding;
  guint failures;
  HemeraTerm *reason;
} HemeraShardAction;

/* FALSE: none left. (transfer full): clear it. */
gboolean hemera__shard_machine_next_action (HemeraShardMachine *self, HemeraShardAction *action);
void hemera__shard_action_clear (HemeraShardAction *self);

HemeraShardState hemera__shard_machine_state (HemeraShardMachine *self);
/* Between two beats, of the connection's HELLO; 0: there was none. */
guint hemera__shard_machine_interval_ms (HemeraShardMachine *self);
const HemeraSession *hemera__shard_machine_session (HemeraShardMachine *self);

/* ---- close codes (close-code.c) ------------------------------------------------------------------------------------ */
typedef enum { HEMERA_CLOSE_RESUME, HEMERA_CLOSE_NEW_SESSION, HEMERA_CLOSE_FATAL } HemeraClosePolicy;
HemeraClosePolicy hemera__close_code_policy (guint code); /* 0: no code; unknown ones: resume */
/* What it means and what to do, a sentence; static. 4013 and 4014 are completed with the names of intents by the caller. */
const char *hemera__close_code_explain (guint code);

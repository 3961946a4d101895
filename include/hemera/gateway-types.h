/* Plain values of the gateway: encodings, states, session, close codes. Discord's and nyxx's names. */
#pragma once

#include <hemera/term.h>

G_BEGIN_DECLS

/* The enumerations of this header, of gateway-messages.h and of intents.h have GTypes: enum-types.h. */

/* What payloads are written in. */
typedef enum {
  HEMERA_ENCODING_ETF,
  HEMERA_ENCODING_JSON,
} HemeraEncoding;

/* How a connection is compressed. */
typedef enum {
  HEMERA_COMPRESSION_NONE,
  HEMERA_COMPRESSION_ZLIB_STREAM,
} HemeraCompression;

/* Discord's opcodes ("Opcodes and Status Codes"). */
typedef enum {
  HEMERA_OP_DISPATCH = 0,
  HEMERA_OP_HEARTBEAT = 1,
  HEMERA_OP_IDENTIFY = 2,
  HEMERA_OP_PRESENCE_UPDATE = 3,
  HEMERA_OP_VOICE_STATE_UPDATE = 4,
  HEMERA_OP_RESUME = 6,
  HEMERA_OP_RECONNECT = 7,
  HEMERA_OP_REQUEST_GUILD_MEMBERS = 8,
  HEMERA_OP_INVALID_SESSION = 9,
  HEMERA_OP_HELLO = 10,
  HEMERA_OP_HEARTBEAT_ACK = 11,
  HEMERA_OP_REQUEST_SOUNDBOARD_SOUNDS = 31,
  HEMERA_OP_REQUEST_CHANNEL_INFO = 43,
} HemeraOpcode;

/* States of a shard's connection. Each but stopped and active has a time-out. */
typedef enum {
  HEMERA_SHARD_STOPPED,
  HEMERA_SHARD_RESOLVING,
  HEMERA_SHARD_CONNECTING,
  HEMERA_SHARD_AWAITING_HELLO,
  HEMERA_SHARD_AWAITING_LEASE,
  HEMERA_SHARD_IDENTIFYING,
  HEMERA_SHARD_RESUMING,
  HEMERA_SHARD_ACTIVE,
  HEMERA_SHARD_WAITING, /* back-off */
  HEMERA_SHARD_CLOSING,
} HemeraShardState;

/* "resolving" ...: static, lower case with underscores. */
HEMERA_API const char *hemera_shard_state_to_string (HemeraShardState state);

/* What becomes of a session when its connection is closed. */
typedef enum {
  HEMERA_CLOSE_KEEP, /* 4000: the session stays, the next start RESUMEs */
  HEMERA_CLOSE_END,  /* 1000: the session ends, the bot goes offline at once */
} HemeraCloseMode;

/**
 * HEMERA_GATEWAY_ERROR:
 *
 * Errors of the gateway. %HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED is nyxx's ShardDisconnectedError: a shard ended for good (or its
 * supervisor gave up); its message has the close code and what to do about it.
 */
#define HEMERA_GATEWAY_ERROR (hemera_gateway_error_quark ())
HEMERA_API GQuark hemera_gateway_error_quark (void);
typedef enum {
  HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED,
  HEMERA_GATEWAY_ERROR_OUT_OF_REMAINING_SESSIONS, /* the session start limit is at its floor */
  HEMERA_GATEWAY_ERROR_UNAUTHORIZED,              /* REST 401, close 4004 */
  HEMERA_GATEWAY_ERROR_REST,                      /* another answer of the REST API, or none */
  HEMERA_GATEWAY_ERROR_OPTIONS,                   /* options that cannot be */
  /* a payload that must not be sent: too large, no term for it, an opcode of the library's own */
  HEMERA_GATEWAY_ERROR_PAYLOAD,
  HEMERA_GATEWAY_ERROR_PROTOCOL,   /* the peer broke the protocol, or its bytes cannot be decoded */
  HEMERA_GATEWAY_ERROR_QUEUE_FULL, /* send queue of the shard */
  HEMERA_GATEWAY_ERROR_EXPIRED,    /* waited too long in the send queue */
  HEMERA_GATEWAY_ERROR_CLOSED,     /* the gateway is closed or closing */
} HemeraGatewayError;

G_END_DECLS

/* The messages of the gateway's tree. Those of nyxx keep nyxx's names and have a term form, so that they can be logged, traced and sent
 * by nodes; the others are the tree's own and local. The token is in none of them. */
#pragma once

#include "../protocol/machine.h"
#include "shard-message.h"
#include <hemera/server.h>

/* ---- gateway -> shard (nyxx's GatewayMessage) ------------------------------------------------------------ */

typedef struct {
  guint unused;
} HemeraStartShard; /* start_shard: the first start; a restarted shard starts by itself */
HEMERA_DECLARE_MESSAGE (HemeraStartShard, hemera__start_shard)

typedef struct {
  guint connection; /* of the request that it answers */
} HemeraIdentify;   /* {identify, Connection}: the broker's grant */
HEMERA_DECLARE_MESSAGE (HemeraIdentify, hemera__identify)

typedef struct {
  guint op;
  HemeraTerm *data;
} HemeraSend; /* {send, Op, Data}: as a call, answered when the bytes left; as a plain message, not */
HEMERA_DECLARE_MESSAGE (HemeraSend, hemera__send)

typedef struct {
  gboolean allow_resume;
} HemeraReconnect; /* {reconnect, AllowResume} */
HEMERA_DECLARE_MESSAGE (HemeraReconnect, hemera__reconnect)

typedef struct {
  HemeraCloseMode mode;
} HemeraDispose; /* dispose | {dispose, keep | end} */
HEMERA_DECLARE_MESSAGE (HemeraDispose, hemera__dispose)

/* ---- shard -> parser -> gateway (nyxx's ShardMessage) ------------------------------------------------------ */

/* EventReceived on its way from the shard to its parser: one payload of any op, by value: the hot path. */
typedef struct {
  guint connection;
  guint op;
  guint serial; /* of the session */
  HemeraEncoding encoding;
  guint64 seq;
  const char *name; /* valid as long as payload */
  gsize name_size;
  HemeraTerm *payload;
  HemeraView d;
} HemeraEventReceived;
HEMERA_DECLARE_MESSAGE (HemeraEventReceived, hemera__event_received)

/* All else that a shard says: one payload, a type each. */
typedef struct {
  HemeraShardMessage *message;
  guint64 tree; /* to the facade: number of the tree that says it */
} HemeraSaid;
HEMERA_DECLARE_MESSAGE (HemeraSaid, hemera__said)

/* A dispatch from the parser to the gateway. */
typedef struct {
  guint index; /* of the shard in the tree */
  guint serial;
  guint64 seq;
  HemeraEvent *event; /* (nullable): nobody wants it; its seq still counts */
} HemeraDispatch;
HEMERA_DECLARE_MESSAGE (HemeraDispatch, hemera__dispatch)

/* ---- shard and parser to the gateway, about themselves; through the parser, so in order --------------------- */

typedef struct {
  guint index;
  HemeraPid shard, parser, supervisor;
  guint64 given; /* dispatches, by those before it: what of them will come has come */
} HemeraShardUp;
HEMERA_DECLARE_MESSAGE (HemeraShardUp, hemera__shard_up)

/* Behind everything the shard said; the gateway sends it back to @shard, which then ends. */
typedef struct {
  HemeraPid shard;
} HemeraDrain;
HEMERA_DECLARE_MESSAGE (HemeraDrain, hemera__drain)

/* More may come: to a shard that stopped reading, and to the gateway whose subscription was full. */
typedef struct {
  guint unused;
} HemeraCredit;
HEMERA_DECLARE_MESSAGE (HemeraCredit, hemera__credit)

/* ---- gateway -> subscription --------------------------------------------------------------------------------- */

typedef struct {
  HemeraEvent *event;          /* either */
  HemeraShardMessage *message; /* or */
  struct _HemeraMark *mark;    /* (nullable): to be set to the event's place when it is handled */
  guint64 place;
} HemeraDelivery;
HEMERA_DECLARE_MESSAGE (HemeraDelivery, hemera__delivery)

/* ---- the session store ------------------------------------------------------------------------------------------ */

typedef struct {
  guint index;
} HemeraSessionGet; /* a call; answered with a HemeraSessionPut and the failures */
HEMERA_DECLARE_MESSAGE (HemeraSessionGet, hemera__session_get)

typedef struct {
  guint64 tree; /* to the facade: its number */
  guint index;
  guint serial;
  guint failures;
  HemeraSession session; /* id NULL: dropped */
} HemeraSessionPut;
HEMERA_DECLARE_MESSAGE (HemeraSessionPut, hemera__session_put)

typedef struct {
  guint index;
  guint failures;
} HemeraSessionFailures;
HEMERA_DECLARE_MESSAGE (HemeraSessionFailures, hemera__session_failures)

/* ---- the identify broker ------------------------------------------------------------------------------------------ */

typedef struct {
  guint shard;
  guint connection;
  HemeraPid pid;
} HemeraLeaseRequest; /* RequestingIdentify */
HEMERA_DECLARE_MESSAGE (HemeraLeaseRequest, hemera__lease_request)

typedef struct {
  guint shard;
  guint connection;
  gboolean done; /* FALSE: op 2 was written just now; TRUE: the lease or the request comes back */
  gboolean used;
  gboolean left; /* with done FALSE: its bytes, written a moment ago, are now out */
} HemeraLeaseUpdate;
HEMERA_DECLARE_MESSAGE (HemeraLeaseUpdate, hemera__lease_update)

typedef struct {
  guint connection;
  guint64 retry_ms;
} HemeraLeaseDenied;
HEMERA_DECLARE_MESSAGE (HemeraLeaseDenied, hemera__lease_denied)

/* ---- the tree and the facade ---------------------------------------------------------------------------------------- */

typedef struct {
  HemeraCloseMode mode;
} HemeraTreeClose;
HEMERA_DECLARE_MESSAGE (HemeraTreeClose, hemera__tree_close)

typedef struct {
  struct _HemeraTree *tree;
  HemeraTerm *reason;
} HemeraTreeDown;
HEMERA_DECLARE_MESSAGE (HemeraTreeDown, hemera__tree_down)

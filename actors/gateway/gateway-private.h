/* Inside of the gateway actor, for its own files: gateway-actor.c (mailbox), fan-out.c (events and credit), watch.c (the shards seen from
 * outside), report.c (log lines). */
#pragma once

#include "../tree/messages.h"
#include "../tree/tree.h"

/* What the gateway actor knows of one shard's actors. */
typedef struct {
  HemeraPid shard, parser, supervisor;
  HemeraRef shard_monitor, parser_monitor, supervisor_monitor;
  HemeraRef old_shard_monitor, old_parser_monitor; /* of one whose successor came before its DOWN */
  HemeraTerm *
      cause; /* (nullable): why an actor of it went since the shard was last up: the first that was no clean end */
  gboolean told;     /* RESTARTED was told, or is not due, for the shard that is up */
  gboolean disposed; /* the shard ended `normal` */
  HemeraRef cool_down;
  HemeraShardMessage *missed; /* (nullable): the last STATE that the facade had no room for */
  /* fan-out */
  guint64 held; /* dispatches that came, or were lost, and whose credit waits until no subscription is full */
  guint64 replayed; /* events that came since the RESUME */
  gboolean resuming;
} HemeraWatch;

typedef struct {
  HemeraActor *self;
  HemeraTree *tree;
  HemeraWatch *watches; /* one a slot */
  /* subscriptions as of `version` */
  guint version;
  HemeraSubscriberList *list;
  HemeraMarks **marks; /* one a subscriber */
  gboolean full;       /* a subscription is: no credit for the shards */
  guint n_missed;      /* watches that have a `missed` */
  HemeraRef watchdog;
  HemeraRef asked; /* the question who runs, while it has no answer */
} HemeraGatewayState;

/* ---- fan-out.c --------------------------------------------------------------------------------------------- */
void hemera__fan_out_event (HemeraGatewayState *self, HemeraDispatch *dispatch);
/* To the facade and to the subscriptions of messages. @message: (transfer full) */
void hemera__fan_out_message (HemeraGatewayState *self, HemeraShardMessage *message);
/* A shard lost session @serial. */
void hemera__fan_out_gap (HemeraGatewayState *self, guint index, guint serial, gint64 since_ms);
/* A shard has no session: the one whose events were fanned out is lost, whether or not somebody said so. */
void hemera__fan_out_lost (HemeraGatewayState *self, guint index);
/* A shard is up, and its predecessors gave @given dispatches. */
void hemera__fan_out_up (HemeraGatewayState *self, guint index, guint64 given);
/* A subscription that was full has room, or is gone. */
void hemera__fan_out_credit (HemeraGatewayState *self);
/* Tells the facade the states that it had no room for, if it has now. */
void hemera__fan_out_missed (HemeraGatewayState *self);
void hemera__fan_out_clear (HemeraGatewayState *self);

/* ---- watch.c ------------------------------------------------------------------------------------------------ */
void hemera__watch_start (HemeraGatewayState *self);
void hemera__watch_up (HemeraGatewayState *self, const HemeraShardUp *up);
void hemera__watch_down (HemeraGatewayState *self, const HemeraDownMessage *down);
void hemera__watch_timeout (HemeraGatewayState *self, HemeraRef ref);
void hemera__watch_reply (HemeraGatewayState *self, HemeraReplyMessage *reply);
/* A shard says that it ends for good. */
void hemera__watch_disconnecting (HemeraGatewayState *self, guint index, HemeraShardMessage *message);
void hemera__watch_clear (HemeraGatewayState *self);

/* ---- report.c ------------------------------------------------------------------------------------------------ */
/* An exit reason for people: the cause inside of {shard_disconnected, #{cause => Text}}, else the term. @reason: (nullable) */
char *hemera__report_reason (HemeraTerm *reason);
/* The log line of a message, for those that deserve one. @replayed: events of a resumed session. */
void hemera__report (HemeraShardMessage *message, guint64 replayed);

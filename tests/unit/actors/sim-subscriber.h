/* A subscription of the whole-tree test: it takes what the gateway actor delivers and handles it one by one when it is told to, as a slow
 * program would, and holds each delivery against the log of the gateway: every event of a session exactly once and in order, what is said
 * of a shard in its place among them, one gap where a session was lost. */
#pragma once

#include "sim-discord.h"

#include "actors/tree/messages.h"
#include "actors/tree/subscriber.h"

#define SIM_SHARDS_MAX 4
/* Dispatches of a shard that may be under way, see shard-socket.c. */
#define SIM_UNDER_WAY 256

/* What it saw of one shard. */
typedef struct {
  guint session;    /* 0: nothing yet */
  guint64 seq;      /* last of it */
  guint told;       /* session whose gap was told */
  gboolean unheard; /* a gap was told and not handled before the process ended */
  guint connection;
  HemeraShardState state;
} SimSeen;

typedef struct {
  SimDiscord *discord;
  HemeraSystem *system;
  HemeraSubscriber *subscriber;
  HemeraSubscribers *set;
  HemeraPid pid;
  GQueue deliveries; /* HemeraActorMessage */
  gboolean late;     /* made while events came: what was before is not its own */
  gboolean cancelled;
  SimSeen seen[SIM_SHARDS_MAX];
  guint events, gaps;
} SimSubscriber;

/* @name: (nullable): of the events that it wants. @set: it is added to. */
SimSubscriber *sim_subscriber_new (HemeraSystem *system, SimDiscord *discord, HemeraSubscribers *set,
                                   HemeraSubscriberKind kind, const char *name, guint credit);
/* What it saw stays: another process goes on where this one ended, with what it had not handled gone. */
void sim_subscriber_move (SimSubscriber *self, HemeraSubscribers *set);
/* A new tree, whose @shard has said nothing yet and RESUMEs @session after @seq. @forgotten: it may have had one. */
void sim_subscriber_begin (SimSubscriber *self, guint shard, guint session, guint64 seq, gboolean forgotten);
void sim_subscriber_free (SimSubscriber *self);
/* FALSE: there is nothing. */
gboolean sim_subscriber_handle (SimSubscriber *self);
void sim_subscriber_cancel (SimSubscriber *self);
/* It saw all that there is of @shard's last session. */
gboolean sim_subscriber_is_done (SimSubscriber *self, guint shard);

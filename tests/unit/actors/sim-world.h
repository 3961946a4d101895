/* The world around one tree in a simulated system: the network, the gateway, the facade that the tree knows, and subscriptions. It is an
 * actor of the same system, so it goes a step between any two turns of the others, and what it does is drawn from the seed. */
#pragma once

#include "sim-subscriber.h"

#include "actors/tree/tree.h"

typedef struct _SimWorld SimWorld;
struct _SimWorld {
  guint32 seed;
  GRand *rand;
  HemeraSystem *system;
  SimNet *net;
  SimDiscord *discord;
  HemeraPid pid;    /* the world's actor */
  HemeraPid facade; /* what the tree takes for one */
  guint turns;      /* left */
  /* the test's hand */
  void (*harm) (
      SimWorld
          *self); /* (nullable): now and then, between two steps; with it events come, too, and GETs fail */
  void (*once) (SimWorld *self); /* (nullable): in the next step, as the world: for what calls clients back */
  gboolean stuck;                /* subscriptions handle nothing */
  guint n_shards, credit;
  HemeraGatewayConfig config;
  GPtrArray *subscribers; /* SimSubscriber */
  /* of the tree that runs */
  HemeraSubscribers *set;
  HemeraTree *tree;
  HemeraPid root;
  gboolean down;                             /* it said so */
  HemeraSessionPut sessions[SIM_SHARDS_MAX]; /* what the store said last */
  /* what the facade heard */
  guint restarts, gave_up, ended, alarms;
};

/* @credit: of each subscription: one of all events, one of all that is said, one of the events of one name. */
SimWorld *sim_world_new (guint32 seed, guint n_shards, guint max_concurrency, guint credit);
void sim_world_free (SimWorld *self);
guint sim_any (SimWorld *self, guint n); /* from 0 to @n - 1 */
HemeraPid sim_whereis (SimWorld *self, const char *name);

/* @sessions: (nullable): to resume. */
void sim_world_connect (SimWorld *self, HemeraTerm *sessions);
/* After a close, as the facade makes it. (transfer full) */
HemeraTerm *sim_world_sessions (SimWorld *self, HemeraCloseMode mode);
/* @turns of the world, and as many of the others as those make; then time. */
void sim_world_go (SimWorld *self, guint turns, gint64 ms);
gboolean sim_world_is_settled (SimWorld *self);
/* No harm any more: all shards get active, and everything arrives. */
void sim_world_settle (SimWorld *self);
/* Until the tree is down, and nothing of it is left. */
void sim_world_close (SimWorld *self, HemeraCloseMode mode);
/* Subscriptions handle all that they have. */
void sim_world_handle_all (SimWorld *self);

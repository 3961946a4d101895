/* HemeraTree: what the actors of one connected gateway share: the configuration, the names by which they find each other, and a slot
 * for each shard. Counted; it outlives every actor, so what stands in a slot survives any crash of any of them.
 *
 * A slot is where the session store's seq lives: `fanned` is written by the gateway actor in the very step that fans an event out, so
 * that no moment exists in which an event is out and not counted, or counted and not out. All else is written by the one actor named. */
#pragma once

#include "config.h"
#include "subscriber.h"
#include <hemera/gateway-manager.h>
#include <hemera/supervisor.h>

struct _HemeraTrust;

typedef enum {
  HEMERA_SHARD_RUNS,
  HEMERA_SHARD_ENDED,   /* fatally, or disposed: for good */
  HEMERA_SHARD_GAVE_UP, /* its supervisor did; started again after the cool-down */
} HemeraShardEnd;

typedef struct {
  /* immutable */
  _Alignas(64) guint shard;
  char *shard_name, *parser_name;
  char *supervisor_id;
  /* the gateway actor, atomic */
  _Alignas(64) _Atomic guint64 fanned; /* place of the last event that was fanned out */
  _Atomic gint64 fanned_us;            /* when it was */
  _Atomic guint64 credited; /* of those given, the ones that need not count as under way any more */
  _Atomic guint gap_told;   /* serial of the session whose loss was told */
  _Atomic guint end;        /* HemeraShardEnd */
  _Atomic guint starts;     /* shard actors so far */
  /* the root, atomic */
  atomic_bool started; /* StartShard was sent: a restarted shard starts by itself */
  /* the shard actor, atomic */
  _Alignas(64) _Atomic guint serial; /* of its last session; 0: none yet */
  _Atomic guint64 given;             /* dispatches given to its parser, by this shard and those before it */
  atomic_bool waiting; /* it stopped reading and wants a HemeraCredit; the gateway actor takes it down */
  _Atomic guint connections;
  _Atomic guint state;       /* HemeraShardState */
  _Atomic gint64 alive_us;   /* last byte or change of state */
  _Atomic guint interval_ms; /* of HELLO */
  _Atomic gint64 latency_us;
} HemeraSlot;

typedef struct _HemeraTree HemeraTree;
struct _HemeraTree {
  atomic_uint refs;
  /* immutable */
  guint64 number; /* unique in the process */
  HemeraGatewayConfig config;
  struct _HemeraTrust *trust; /* (nullable) */
  char *gateway_url;
  guint total_shards;
  guint max_concurrency;
  HemeraTerm *sessions; /* (nullable): to start from */
  char *gateway_name, *store_name, *broker_name, *shards_name, *root_name;
  gint64 wall_offset_us; /* Unix time less the system's clock */
  HemeraPid facade;      /* its port */
  HemeraSubscribers *subscribers;
  guint n_slots;
  HemeraSlot *slots;
  /* the broker, atomic: the budget outlives it */
  _Atomic guint limit_total;
  _Atomic guint remaining;
  _Atomic gint64 reset_us;
  /* any, atomic */
  /* when the last IDENTIFY of any shard, or of an earlier tree's, was written; 0: not known */
  _Atomic gint64 identified_us;
  atomic_bool closing;
  _Atomic guint facade_pending; /* messages that the facade's port has not handled */
};

/* @suffix: "" or what tells the names of this gateway from another's in the system. @shards, @n: sorted ids. (transfer full) */
HemeraTree *hemera__tree_new (HemeraSystem *system, const HemeraGatewayConfig *config, HemeraGatewayBot *bot,
                              const char *suffix, HemeraPid facade, HemeraSubscribers *subscribers);
/* Before it is spawned: what it must know of an earlier tree of the same bot. @before: (nullable) */
void hemera__tree_follow (HemeraTree *self, HemeraTree *before);
HemeraTree *hemera__tree_ref (HemeraTree *self);
void hemera__tree_unref (HemeraTree *self);
/* (nullable) */
HemeraSlot *hemera__tree_slot_of (HemeraTree *self, guint shard);

/* The session of slot @index as it may be resumed once all subscribers' work is done: @session has the id and serial's url.
 * FALSE when the slot has moved on to another session. */
gboolean hemera__tree_safe_seq (HemeraTree *self, guint index, guint serial, guint64 *seq);

/* An actor's args: a tree and a slot. */
typedef struct {
  HemeraTree *tree;
  guint index;
} HemeraTreeArgs;
HemeraArgs hemera__tree_args (const HemeraTreeArgs *args);

/* The application supervisor's children, and all below. (transfer full): hemera_supervisor_spec_free() */
HemeraSupervisorSpec *hemera__tree_spec (HemeraTree *self);

/* The root: spawns the application supervisor, starts the shards, closes them in order, and tells the facade when all is down.
 * Messages: HemeraTreeClose. */
HemeraPid hemera__tree_spawn (HemeraSystem *system, HemeraTree *self);

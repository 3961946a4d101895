/* A tree without its supervisors in a simulated system, and probes: actors that write down what they get. */
#pragma once

#include "actors/events/event-internal.h"
#include "actors/gateway/gateway-actor.h"
#include "actors/tree/messages.h"
#include "actors/tree/tree.h"
#include "actors/identify/identify-broker.h"
#include "actors/session/session-store.h"
#include "runtime/internal.h"

typedef struct {
  HemeraPid pid;
  GPtrArray *messages; /* HemeraActorMessage, with their payloads */
} Probe;

typedef struct {
  HemeraSystem *system;
  HemeraTree *tree;
  HemeraSubscribers *subscribers;
  Probe *facade;
  GPtrArray *probes;
} Rig;

/* @shards in total, @max_concurrency, @remaining session starts; spacing 5 s, floor 10, credit 4, cool-down 10 s. */
void rig_init (Rig *self, guint shards, guint max_concurrency, guint remaining);
void rig_clear (Rig *self);
void rig_run (Rig *self);
void rig_advance (Rig *self, gint64 ms);

Probe *rig_probe (Rig *self);
/* @name: (nullable): registered */
Probe *rig_probe_named (Rig *self, const char *name);
/* Messages of @type that a probe got so far; their payloads with probe_payload(). */
guint probe_count (Probe *self, const HemeraMessageType *type);
gpointer probe_payload (Probe *self, const HemeraMessageType *type, guint n);
void probe_forget (Probe *self);

HemeraPid rig_spawn (Rig *self, const HemeraActorClass *actor_class, const char *name);
HemeraPid rig_spawn_server (Rig *self, const HemeraServerClass *server_class, const char *name);
/* A probe as a subscription. */
HemeraSubscriber *rig_subscribe (Rig *self, Probe *probe, HemeraSubscriberKind kind, const char *name);

void rig_dispatch (Rig *self, HemeraPid gateway, guint index, guint serial, guint64 seq);
void rig_say (Rig *self, HemeraPid gateway, HemeraShardMessage *message);
/* The n-th HemeraShardMessage of @type that a probe got, as a delivery or said. */
HemeraShardMessage *probe_message (Probe *self, HemeraShardMessageType type, guint n);

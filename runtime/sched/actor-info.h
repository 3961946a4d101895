/* HemeraActorInfo: what a dump says of one actor: taken in its worker's thread, read in the asker's. */
#pragma once

#include <hemera/actor.h>
#include <hemera/term-builder.h>

typedef struct {
  guint64 number; /* of its system's actors, as they were spawned: parents come before their children */
  HemeraPid pid, parent;
  const char *name;       /* (nullable): registered, interned */
  const char *class_name; /* (nullable): static */
  char *label;            /* (nullable) */
  const char *status;     /* static */
  guint worker;
  guint inbox, queue; /* messages and signals that have not been drained; messages that wait */
  guint64 reductions;
  guint timers;
  guint monitored_by;
  GArray *links;    /* of HemeraPid */
  GArray *monitors; /* of HemeraPid; HEMERA_PID_NONE: of a name that nobody had */
  gsize memory;     /* bytes: its state, messages, links, monitors, timers; not what those point to */
} HemeraActorInfo;

/* The actor's own thread. */
void hemera__actor_info_init (HemeraActorInfo *self, HemeraActor *actor);
void hemera__actor_info_clear (HemeraActorInfo *self);
/* A line, without an end of line. */
void hemera__actor_info_print (const HemeraActorInfo *self, GString *out);
/* A map; each link and monitor as in logs: <<"<0.3.1>">>. */
void hemera__actor_info_add (const HemeraActorInfo *self, HemeraTermBuilder *out);

/* @infos (of HemeraActorInfo) in the order of a tree: each behind its parent, siblings by age. (transfer full): their indices, and the
 * depth of each in *@depths (transfer full). No recursion: a chain of parents may be as long as there are actors. */
guint *hemera__actor_infos_in_order (GArray *infos, guint **depths);

/* HemeraTable: embedded nodes by a 64-bit key, in the order they were inserted. A few are searched as a list; more get an index. For the
 * links, monitors and timers of an actor: most have a handful, some have thousands. Not thread-safe. */
#pragma once

#include <glib.h>

typedef struct _HemeraTableNode HemeraTableNode;
struct _HemeraTableNode {
  HemeraTableNode *prev, *next; /* in order */
  HemeraTableNode *chain;       /* in its bucket */
  guint64 key;
};

typedef struct {
  HemeraTableNode *first, *last;
  HemeraTableNode **buckets; /* (nullable): while there are few */
  guint n_buckets;           /* a power of two */
  guint count;
} HemeraTable;

/* The key is not in the table yet. */
void hemera__table_insert (HemeraTable *self, HemeraTableNode *node, guint64 key);
HemeraTableNode *hemera__table_lookup (HemeraTable *self, guint64 key); /* (nullable) */
void hemera__table_remove (HemeraTable *self, HemeraTableNode *node);
/* Removes and returns the oldest, NULL at the end. */
HemeraTableNode *hemera__table_pop (HemeraTable *self);
/* The nodes are the caller's. */
void hemera__table_clear (HemeraTable *self);

/* The table of embedded nodes: see table.h. */
#include "runtime/signal/table.h"

#define FEW 8

static guint
bucket_of (HemeraTable *self, guint64 key)
{
  return (guint) ((key * G_GUINT64_CONSTANT (0x9E3779B97F4A7C15)) >> 32) & (self->n_buckets - 1);
}

static void
chain_up (HemeraTable *self, HemeraTableNode *node)
{
  HemeraTableNode **bucket = &self->buckets[bucket_of (self, node->key)];

  node->chain = *bucket;
  *bucket = node;
}

static void
rebuild (HemeraTable *self, guint n_buckets)
{
  g_free (self->buckets);
  self->buckets = g_new0 (HemeraTableNode *, n_buckets);
  self->n_buckets = n_buckets;
  for (HemeraTableNode *node = self->first; node; node = node->next)
    chain_up (self, node);
}

void
hemera__table_insert (HemeraTable *self, HemeraTableNode *node, guint64 key)
{
  node->key = key;
  node->chain = NULL;
  node->prev = self->last;
  node->next = NULL;
  if (self->last)
    self->last->next = node;
  else
    self->first = node;
  self->last = node;
  self->count++;
  if (self->count > FEW && self->count > self->n_buckets)
    rebuild (self, self->n_buckets ? self->n_buckets * 2 : FEW * 4);
  else if (self->buckets)
    chain_up (self, node);
}

HemeraTableNode *
hemera__table_lookup (HemeraTable *self, guint64 key)
{
  HemeraTableNode *node;

  if (self->buckets)
    for (node = self->buckets[bucket_of (self, key)]; node && node->key != key; node = node->chain)
      ;
  else
    for (node = self->first; node && node->key != key; node = node->next)
      ;
  return node;
}

void
hemera__table_remove (HemeraTable *self, HemeraTableNode *node)
{
  if (self->buckets) {
    HemeraTableNode **at = &self->buckets[bucket_of (self, node->key)];
    while (*at != node)
      at = &(*at)->chain;
    *at = node->chain;
  }
  if (node->prev)
    node->prev->next = node->next;
  else
    self->first = node->next;
  if (node->next)
    node->next->prev = node->prev;
  else
    self->last = node->prev;
  self->count--;
}

HemeraTableNode *
hemera__table_pop (HemeraTable *self)
{
  HemeraTableNode *node = self->first;

  if (node)
    hemera__table_remove (self, node);
  return node;
}

void
hemera__table_clear (HemeraTable *self)
{
  g_clear_pointer (&self->buckets, g_free);
  *self = (HemeraTable){ 0 };
}

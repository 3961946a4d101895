/* Term order for the codec's own use: two modes, and the order of map keys. Any thread. */
#pragma once

#include "codec/term/indexed-iter.h"

typedef struct {
  HemeraView key, value;
} HemeraPair;

/* @exact: integers before floats of whatever value, as among the keys of a map; else numbers compare by value. */
int hemera__view_compare (HemeraView a, HemeraView b, gboolean exact);

/* A merge sort of map pairs by key, in steps: its owner makes each comparison, in whatever way, and hands the result in. */
typedef struct {
  HemeraPair *from, *to;
  gsize n, width;
  gsize left, middle, right, i, j, out;
} HemeraPairSort;

/* Takes the pairs of @map, found with @index (nullable); @scratch are two arrays of hemera_view_length() pairs each, in one block. */
void hemera__pair_sort_init (HemeraPairSort *sort, HemeraView map, const HemeraSkipIndex *index,
                             HemeraPair *scratch);
/* FALSE when sorted: the result is in sort->from. */
gboolean hemera__pair_sort_next (HemeraPairSort *sort, HemeraView *a, HemeraView *b);
/* The result of the last comparison asked for. */
void hemera__pair_sort_feed (HemeraPairSort *sort, int order);

/* The pairs of @map in the order of its keys. (transfer full): g_free() */
HemeraPair *hemera__map_sorted_pairs (HemeraView map, const HemeraSkipIndex *index);

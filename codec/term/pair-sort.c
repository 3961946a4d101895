/* Bottom-up merge sort of map pairs, in steps (compare.h): a comparison of two keys may be a long walk of its own, and a sort that called back
 * for it would recurse as deep as maps are nested in keys. */
#include "codec/term/compare.h"

void
hemera__pair_sort_init (HemeraPairSort *sort, HemeraView map, const HemeraSkipIndex *index,
                        HemeraPair *scratch)
{
  HemeraViewIter iter;
  *sort = (HemeraPairSort){ .from = scratch, .n = hemera_view_length (map), .width = 1 };
  sort->to = sort->n > 0 ? scratch + sort->n : scratch; /* an empty map may have no scratch at all */
  hemera_view_iter_init (&iter, map);
  for (gsize i = 0; i < sort->n; i++)
    hemera__view_iter_next_pair (&iter, index, &scratch[i].key, &scratch[i].value);
  sort->middle = MIN (1, sort->n);
  sort->right = MIN (2, sort->n);
  sort->j = sort->middle;
}

static void
begin_run (HemeraPairSort *sort, gsize left)
{
  sort->left = sort->i = sort->out = left;
  sort->middle = sort->j = MIN (left + sort->width, sort->n);
  sort->right = MIN (left + 2 * sort->width, sort->n);
}

gboolean
hemera__pair_sort_next (HemeraPairSort *sort, HemeraView *a, HemeraView *b)
{
  while (sort->width < sort->n) {
    if (sort->i < sort->middle && sort->j < sort->right) {
      *a = sort->from[sort->i].key;
      *b = sort->from[sort->j].key;
      return TRUE;
    }
    while (sort->i < sort->middle)
      sort->to[sort->out++] = sort->from[sort->i++];
    while (sort->j < sort->right)
      sort->to[sort->out++] = sort->from[sort->j++];
    if (sort->right < sort->n) {
      begin_run (sort, sort->right);
      continue;
    }
    HemeraPair *swap = sort->from;
    sort->from = sort->to;
    sort->to = swap;
    sort->width *= 2;
    begin_run (sort, 0);
  }
  return FALSE;
}

void
hemera__pair_sort_feed (HemeraPairSort *sort, int order)
{
  sort->to[sort->out++] = order <= 0 ? sort->from[sort->i++] : sort->from[sort->j++];
}

HemeraPair *
hemera__map_sorted_pairs (HemeraView map, const HemeraSkipIndex *index)
{
  HemeraPairSort sort;
  HemeraView a, b;
  HemeraPair *scratch = g_new (HemeraPair, 2 * hemera_view_length (map));
  hemera__pair_sort_init (&sort, map, index, scratch);
  while (hemera__pair_sort_next (&sort, &a, &b))
    hemera__pair_sort_feed (&sort, hemera__view_compare (a, b, TRUE));
  if (sort.from != scratch)
    memcpy (scratch, sort.from, sort.n * sizeof *scratch);
  return scratch;
}

/* Erlang's order of whole terms, without recursion: what is open stands on a stack of frames that leaves the C stack out of it, and
 * allocates only beyond eight levels. A map's keys are sorted in steps on the same stack (pair-sort.c), as a key may hold maps again.
 *
 * A frame asks for the comparison of two terms at a time. Leaves are answered at once; for containers a frame is put on top, and its answer
 * comes back when it is done. */
#include "codec/term/compare.h"
#include "codec/term/cursor.h"
#include "codec/term/leaf-order.h"

#define INLINE_FRAMES 8

typedef enum { SEQUENCE, LIST, SORT_A, SORT_B, KEYS, VALUES } Phase;

typedef struct {
  Phase phase;
  gboolean exact;
  HemeraViewIter a, b; /* SEQUENCE, LIST */
  gboolean at_tail;    /* LIST */
  HemeraView a_map, b_map;
  HemeraPair *scratch; /* four arrays of @n: two for each map's sort */
  gsize n, next;
  HemeraPairSort sort;
  HemeraPair *a_pairs, *b_pairs;
} Frame;

typedef struct {
  Frame *frames;
  gsize depth, capacity;
  HemeraSkipIndex a_index, b_index;
  Frame inline_frames[INLINE_FRAMES];
} Stack;

static Frame *
push (Stack *stack, Phase phase, gboolean exact)
{
  if (stack->depth == stack->capacity) {
    stack->capacity *= 2;
    if (stack->frames == stack->inline_frames) {
      stack->frames = g_new (Frame, stack->capacity);
      memcpy (stack->frames, stack->inline_frames, sizeof stack->inline_frames);
    } else {
      stack->frames = g_renew (Frame, stack->frames, stack->capacity);
    }
  }
  Frame *frame = &stack->frames[stack->depth++];
  frame->phase = phase;
  frame->exact = exact;
  frame->at_tail = FALSE;
  frame->scratch = NULL;
  return frame;
}

static gboolean
is_indexed (const HemeraSkipIndex *index, HemeraView view)
{
  return index->start != NULL && view.data >= index->start && view.data < index->end;
}

/* Sorting compares two keys of one map, so either index may know either term. */
static void
index_both (Stack *stack, HemeraView a, HemeraView b)
{
  if (stack->depth < HEMERA_SKIP_INDEX_DEPTH)
    return;
  if (!is_indexed (&stack->b_index, a))
    hemera__skip_index_cover (&stack->a_index, a.data);
  if (!is_indexed (&stack->a_index, b))
    hemera__skip_index_cover (&stack->b_index, b.data);
}

static const HemeraSkipIndex *
index_of (const Stack *stack, HemeraView view)
{
  return is_indexed (&stack->a_index, view) ? &stack->a_index : &stack->b_index;
}

static gboolean
next_of (const Stack *stack, HemeraViewIter *iter, HemeraView *element)
{
  return hemera__view_iter_next (iter, index_of (stack, (HemeraView){ iter->at }), element);
}

static void
pop (Stack *stack)
{
  g_free (stack->frames[--stack->depth].scratch);
}

static void
free_variables (HemeraView fun, HemeraViewIter *iter)
{
  EtfFun parts;
  hemera__etf_fun (fun.data, &parts);
  *iter = (HemeraViewIter){ .at = hemera__etf_skip (parts.creator), .left = parts.n_free };
}

/* Compares what needs no frame and gives TRUE, or pushes one. */
static gboolean
compare_now (Stack *stack, HemeraView a, HemeraView b, gboolean exact, int *order)
{
  int rank = hemera__term_rank (a), other = hemera__term_rank (b);
  gboolean parts = FALSE;

  *order = (rank > other) - (rank < other);
  if (rank != other || rank == 0)
    return TRUE;
  switch (hemera_view_type (a)) {
  case HEMERA_TERM_FUN:
    *order = hemera__fun_compare (a, b, &parts);
    if (!parts)
      return TRUE;
    index_both (stack, a, b);
    Frame *free_terms = push (stack, SEQUENCE, exact);
    free_variables (a, &free_terms->a);
    free_variables (b, &free_terms->b);
    return FALSE;
  case HEMERA_TERM_TUPLE:
  case HEMERA_TERM_MAP: {
    gsize n = hemera_view_length (a), m = hemera_view_length (b);
    *order = (n > m) - (n < m);
    if (n != m || n == 0)
      return TRUE;
    gboolean map = *a.data == ETF_MAP;
    index_both (stack, a, b);
    Frame *frame = push (stack, map ? SORT_A : SEQUENCE, exact);
    if (!map) {
      hemera_view_iter_init (&frame->a, a);
      hemera_view_iter_init (&frame->b, b);
      return FALSE;
    }
    frame->a_map = a;
    frame->b_map = b;
    frame->n = n;
    frame->next = 0;
    frame->scratch = g_new (HemeraPair, 4 * n);
    hemera__pair_sort_init (&frame->sort, a, index_of (stack, a), frame->scratch);
    return FALSE;
  }
  case HEMERA_TERM_LIST: {
    if (rank == 9)
      return TRUE;
    index_both (stack, a, b);
    Frame *frame = push (stack, LIST, exact);
    hemera_view_iter_init (&frame->a, a);
    hemera_view_iter_init (&frame->b, b);
    return FALSE;
  }
  default: *order = hemera__leaf_compare (a, b, exact); return TRUE;
  }
}

static HemeraView
tail_or_nil (const Stack *stack, HemeraViewIter *iter)
{
  static const guint8 nil = ETF_NIL;
  HemeraView tail = hemera__view_iter_tail (iter, index_of (stack, (HemeraView){ iter->at }));
  return hemera_view_is_valid (tail) ? tail : (HemeraView){ &nil };
}

/* The next two terms that @frame wants compared; FALSE when it is done, with the answer in @order. */
static gboolean
next_comparison (Stack *stack, Frame *frame, HemeraView *a, HemeraView *b, gboolean *exact, int *order)
{
  *exact = frame->exact;
  *order = 0;
  switch (frame->phase) {
  case SEQUENCE: return next_of (stack, &frame->a, a) && next_of (stack, &frame->b, b);
  case LIST: {
    if (frame->at_tail)
      return FALSE;
    gboolean more_a = frame->a.left > 0, more_b = frame->b.left > 0;
    if (more_a && more_b)
      return next_of (stack, &frame->a, a) && next_of (stack, &frame->b, b);
    frame->at_tail = TRUE;
    if (more_a == more_b) {
      *a = tail_or_nil (stack, &frame->a);
      *b = tail_or_nil (stack, &frame->b);
      return TRUE;
    }
    /* One list is at its end: its tail, which is no list of elements, stands against the rest of the other. */
    int list_rank = 10, rank = hemera__term_rank (tail_or_nil (stack, more_a ? &frame->b : &frame->a));
    *order = rank < list_rank ? -1 : 1;
    if (more_a)
      *order = -*order;
    return FALSE;
  }
  case SORT_A:
    *exact = TRUE;
    if (hemera__pair_sort_next (&frame->sort, a, b))
      return TRUE;
    frame->a_pairs = frame->sort.from;
    frame->phase = SORT_B;
    hemera__pair_sort_init (&frame->sort, frame->b_map, index_of (stack, frame->b_map),
                            frame->scratch + 2 * frame->n);
    G_GNUC_FALLTHROUGH;
  case SORT_B:
    *exact = TRUE;
    if (hemera__pair_sort_next (&frame->sort, a, b))
      return TRUE;
    frame->b_pairs = frame->sort.from;
    frame->phase = KEYS;
    G_GNUC_FALLTHROUGH;
  case KEYS:
    if (frame->next < frame->n) {
      *exact = TRUE;
      *a = frame->a_pairs[frame->next].key;
      *b = frame->b_pairs[frame->next++].key;
      return TRUE;
    }
    frame->phase = VALUES;
    frame->next = 0;
    *exact = frame->exact;
    G_GNUC_FALLTHROUGH;
  case VALUES:
    if (frame->next == frame->n)
      return FALSE;
    *a = frame->a_pairs[frame->next].value;
    *b = frame->b_pairs[frame->next++].value;
    return TRUE;
  }
  return FALSE;
}

/* Gives the answer for the comparison that @frame asked for last; TRUE when it is the answer for the frame itself. */
static gboolean
settles (Frame *frame, int order)
{
  if (frame->phase == SORT_A || frame->phase == SORT_B) {
    hemera__pair_sort_feed (&frame->sort, order);
    return FALSE;
  }
  return order != 0;
}

int
hemera__view_compare (HemeraView a, HemeraView b, gboolean exact)
{
  Stack stack;
  int order;

  if (a.data == b.data)
    return 0;
  stack.frames = stack.inline_frames;
  stack.depth = 0;
  stack.capacity = INLINE_FRAMES;
  stack.a_index = stack.b_index = (HemeraSkipIndex){ NULL, NULL, NULL };
  gboolean answered = compare_now (&stack, a, b, exact, &order);
  while (stack.depth > 0) {
    Frame *frame = &stack.frames[stack.depth - 1];
    if (answered && settles (frame, order)) {
      pop (&stack);
      continue;
    }
    answered = TRUE;
    if (!next_comparison (&stack, frame, &a, &b, &exact, &order)) {
      pop (&stack);
      continue;
    }
    answered = compare_now (&stack, a, b, exact, &order);
  }
  if (stack.frames != stack.inline_frames)
    g_free (stack.frames);
  hemera__skip_index_clear (&stack.a_index);
  hemera__skip_index_clear (&stack.b_index);
  return order;
}

int
hemera_view_compare (HemeraView a, HemeraView b)
{
  return hemera__view_compare (a, b, FALSE);
}

gboolean
hemera_view_equal (HemeraView a, HemeraView b)
{
  gsize a_size, b_size;
  const guint8 *a_bytes = hemera_view_bytes (a, &a_size), *b_bytes = hemera_view_bytes (b, &b_size);
  /* The same bytes are the same term, and what is equal is mostly of one encoder. */
  if (a_size == b_size && a_size > 0 && memcmp (a_bytes, b_bytes, a_size) == 0)
    return TRUE;
  return hemera__view_compare (a, b, TRUE) == 0;
}

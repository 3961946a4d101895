/* Walking tuples, lists and maps. No step recurses or allocates; a step costs the size of the element that it passes. */
#include "codec/term/cursor.h"
#include "codec/term/indexed-iter.h"

enum { KIND_ELEMENTS, KIND_PAIRS, KIND_BYTES };

gsize
hemera_view_length (HemeraView self)
{
  if (self.data == NULL)
    return 0;
  switch (*self.data) {
  case ETF_SMALL_TUPLE: return self.data[1];
  case ETF_STRING: return etf_get16 (self.data + 1);
  case ETF_LARGE_TUPLE:
  case ETF_LIST:
  case ETF_MAP: return etf_get32 (self.data + 1);
  default: return 0;
  }
}

void
hemera_view_iter_init (HemeraViewIter *iter, HemeraView container)
{
  gsize head = 5;
  *iter = (HemeraViewIter){ .at = container.data,
                            .left = hemera_view_length (container),
                            .container = container.data };
  if (container.data == NULL)
    return;
  switch (*container.data) {
  case ETF_SMALL_TUPLE: head = 2; break;
  case ETF_STRING:
    head = 3;
    iter->kind = KIND_BYTES;
    break;
  case ETF_MAP: iter->kind = KIND_PAIRS; break;
  case ETF_LIST: iter->byte[0] = ETF_LIST; break;
  case ETF_LARGE_TUPLE: break;
  default: head = 0;
  }
  iter->at = head > 0 ? iter->at + head : NULL;
}

/* What was given last is passed by the step behind it, not by its own: until then its end may be had for nothing (leave()), or never be
 * needed. */
static inline void
leave_element (HemeraViewIter *iter, const HemeraSkipIndex *index)
{
  if (iter->is_given)
    iter->at = hemera__skip_index_skip (index, iter->at);
  iter->is_given = FALSE;
}

gboolean
hemera__view_iter_next (HemeraViewIter *iter, const HemeraSkipIndex *index, HemeraView *element)
{
  *element = HEMERA_VIEW_INVALID;
  if (iter->left == 0 || iter->kind == KIND_PAIRS)
    return FALSE;
  iter->left--;
  if (iter->kind == KIND_BYTES) {
    iter->byte[0] = ETF_SMALL_INTEGER;
    iter->byte[1] = *iter->at++;
    *element = (HemeraView){ iter->byte };
    return TRUE;
  }
  leave_element (iter, index);
  *element = (HemeraView){ iter->at };
  iter->is_given = TRUE;
  return TRUE;
}

gboolean
hemera_view_iter_next (HemeraViewIter *iter, HemeraView *element)
{
  return hemera__view_iter_next (iter, NULL, element);
}

gboolean
hemera__view_iter_next_pair (HemeraViewIter *iter, const HemeraSkipIndex *index, HemeraView *key,
                             HemeraView *value)
{
  *key = *value = HEMERA_VIEW_INVALID;
  if (iter->left == 0 || iter->kind != KIND_PAIRS)
    return FALSE;
  iter->left--;
  leave_element (iter, index);
  *key = (HemeraView){ iter->at };
  iter->at = hemera__skip_index_skip (index, iter->at);
  *value = (HemeraView){ iter->at };
  iter->is_given = TRUE;
  return TRUE;
}

gboolean
hemera_view_iter_next_pair (HemeraViewIter *iter, HemeraView *key, HemeraView *value)
{
  return hemera__view_iter_next_pair (iter, NULL, key, value);
}

void
hemera_view_iter_leave (HemeraViewIter *iter, const HemeraViewIter *inner)
{
  gsize left = inner->left;
  if (iter == NULL || !iter->is_given || inner->container != iter->at || inner->at == NULL)
    return;
  if (inner->kind == KIND_BYTES) {
    iter->at = inner->at + left;
  } else {
    if (inner->kind == KIND_PAIRS)
      left *= 2;
    iter->at = hemera__etf_skip_n (inner->at, left + inner->is_given + (inner->byte[0] == ETF_LIST));
  }
  iter->is_given = FALSE;
}

/* Tuples and maps leave the iterator at whatever follows them, so the tail exists only for LIST_EXT: its iterator is told from a tuple's
 * by the byte that init() left in @byte. */
HemeraView
hemera__view_iter_tail (HemeraViewIter *iter, const HemeraSkipIndex *index)
{
  if (iter->left > 0 || iter->byte[0] != ETF_LIST)
    return HEMERA_VIEW_INVALID;
  leave_element (iter, index);
  return *iter->at == ETF_NIL ? HEMERA_VIEW_INVALID : (HemeraView){ iter->at };
}

HemeraView
hemera_view_iter_tail (HemeraViewIter *iter)
{
  return hemera__view_iter_tail (iter, NULL);
}

HemeraView
hemera_view_element (HemeraView self, gsize index)
{
  HemeraViewIter iter;
  HemeraView element;
  if (self.data == NULL || index >= hemera_view_length (self) || *self.data == ETF_MAP)
    return HEMERA_VIEW_INVALID;
  if (*self.data == ETF_STRING) {
    /* The element has no encoding of its own in the buffer; the integers of one byte stand in a constant table. */
    static const guint8 integers[256][2] = {
#define I1(n)  { ETF_SMALL_INTEGER, (n) }
#define I4(n)  I1 (n), I1 ((n) + 1), I1 ((n) + 2), I1 ((n) + 3)
#define I16(n) I4 (n), I4 ((n) + 4), I4 ((n) + 8), I4 ((n) + 12)
#define I64(n) I16 (n), I16 ((n) + 16), I16 ((n) + 32), I16 ((n) + 48)
      I64 (0), I64 (64), I64 (128), I64 (192)
    };
    const guint8 *integer = integers[self.data[3 + index]];
    return (HemeraView){ integer };
  }
  hemera_view_iter_init (&iter, self);
  do
    hemera_view_iter_next (&iter, &element);
  while (index-- > 0);
  return element;
}

gboolean
hemera_view_lookup (HemeraView map, const char *key, HemeraView *value)
{
  HemeraViewIter iter;
  HemeraView name;
  const char *text;
  gsize size = strlen (key), n;

  hemera_view_iter_init (&iter, map);
  while (hemera_view_iter_next_pair (&iter, &name, value))
    if (hemera_view_get_string (name, &text, &n) ? n == size && memcmp (text, key, n) == 0
                                                 : hemera_view_is_atom (name, key))
      return TRUE;
  return FALSE;
}

HemeraView
hemera_view_get (HemeraView map, const char *key)
{
  HemeraView value;
  hemera_view_lookup (map, key, &value);
  return value;
}

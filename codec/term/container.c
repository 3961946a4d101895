/* Walking tuples, lists and maps. No step recurses or allocates; a step over an element costs its size. */
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
  *iter =
      (HemeraViewIter){ .next = container, .left = hemera_view_length (container), .kind = KIND_ELEMENTS };
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
  if (head == 0)
    iter->next = HEMERA_VIEW_INVALID;
  else
    iter->next.data += head;
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
    iter->byte[1] = *iter->next.data++;
    *element = (HemeraView){ iter->byte, iter->byte + 2 };
    return TRUE;
  }
  *element = iter->next;
  iter->next.data = hemera__skip_index_skip (index, iter->next.data);
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
  *key = iter->next;
  *value = (HemeraView){ hemera__skip_index_skip (index, key->data), key->end };
  iter->next.data = hemera__skip_index_skip (index, value->data);
  return TRUE;
}

gboolean
hemera_view_iter_next_pair (HemeraViewIter *iter, HemeraView *key, HemeraView *value)
{
  return hemera__view_iter_next_pair (iter, NULL, key, value);
}

/* Tuples and maps leave the iterator at whatever follows them, so the tail exists only for LIST_EXT: its iterator is told from a tuple's
 * by the byte that init() left in @byte. */
HemeraView
hemera_view_iter_tail (HemeraViewIter *iter)
{
  if (iter->left > 0 || iter->byte[0] != ETF_LIST || *iter->next.data == ETF_NIL)
    return HEMERA_VIEW_INVALID;
  return iter->next;
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
    return (HemeraView){ integer, integer + 2 };
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
  *value = HEMERA_VIEW_INVALID;
  if (map.data == NULL || *map.data != ETF_MAP)
    return FALSE;
  gsize size = strlen (key);
  const guint8 *p = map.data + 5;
  for (guint32 left = etf_get32 (map.data + 1); left > 0; left--) {
    const guint8 *name = NULL;
    gsize name_size = 0;
    gboolean match;
    if (etf_is_atom_tag (*p)) {
      name = etf_atom_name (p, &name_size);
      match = etf_is_latin1_tag (*p) ? hemera_view_is_atom ((HemeraView){ p, map.end }, key)
                                     : name_size == size && memcmp (name, key, size) == 0;
      p = name + name_size;
    } else if (*p == ETF_BINARY) {
      name = p + 5;
      name_size = etf_get32 (p + 1);
      match = name_size == size && memcmp (name, key, size) == 0;
      p = name + name_size;
    } else {
      match = hemera_view_equals_string ((HemeraView){ p, map.end }, key);
      p = hemera__etf_skip (p);
    }
    if (match) {
      *value = (HemeraView){ p, map.end };
      return TRUE;
    }
    p = hemera__etf_skip (p);
  }
  return FALSE;
}

HemeraView
hemera_view_get (HemeraView map, const char *key)
{
  HemeraView value;
  hemera_view_lookup (map, key, &value);
  return value;
}

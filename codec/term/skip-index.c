/* The index of skip-index.h: an array of containers, sorted because they are met in the order of their first bytes. */
#include "codec/term/skip-index.h"

typedef struct {
  const guint8 *start, *end;
} Container;

typedef struct {
  gsize left;
  guint container;
} Level;

void
hemera__skip_index_cover (HemeraSkipIndex *self, const guint8 *p)
{
  if (self->start != NULL && p >= self->start && p < self->end)
    return;
  if (self->containers == NULL)
    self->containers = g_array_new (FALSE, FALSE, sizeof (Container));
  g_array_set_size (self->containers, 0);
  self->start = p;

  GArray *levels = g_array_new (FALSE, FALSE, sizeof (Level));
  do {
    Container container = { p, NULL };
    Level level = { 0, self->containers->len };
    p = hemera__etf_enter (p, &level.left);
    if (level.left > 0) {
      g_array_append_val (self->containers, container);
      g_array_append_val (levels, level);
      continue;
    }
    while (levels->len > 0) {
      Level *top = &g_array_index (levels, Level, levels->len - 1);
      if (--top->left > 0)
        break;
      g_array_index (self->containers, Container, top->container).end = p;
      g_array_set_size (levels, levels->len - 1);
    }
  } while (levels->len > 0);
  g_array_unref (levels);
  self->end = p;
}

void
hemera__skip_index_clear (HemeraSkipIndex *self)
{
  if (self->containers != NULL)
    g_array_unref (self->containers);
  *self = (HemeraSkipIndex){ NULL, NULL, NULL };
}

const guint8 *
hemera__skip_index_find (const HemeraSkipIndex *self, const guint8 *p)
{
  gsize parts;
  const guint8 *behind = hemera__etf_enter (p, &parts);

  if (parts == 0)
    return behind;
  if (p < self->start || p >= self->end)
    return hemera__etf_skip_n (p, 1);
  guint low = 0, high = self->containers->len;
  while (low < high) {
    guint middle = low + (high - low) / 2;
    const Container *container = &g_array_index (self->containers, Container, middle);
    if (container->start == p)
      return container->end;
    if (container->start < p)
      low = middle + 1;
    else
      high = middle;
  }
  return hemera__etf_skip (p);
}

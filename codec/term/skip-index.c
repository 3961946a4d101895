/* The index of skip-index.h: an array of containers, sorted because they are met in the order of their first bytes. */
#include "codec/term/skip-index.h"
#include "codec/term/cursor.h"

typedef struct {
  const guint8 *start, *end;
} Container;

typedef struct {
  guint64 left;
  guint container;
} Level;

/* How many terms are parts of the one at @p, and where they begin. */
static guint64
count_parts (const guint8 *p, const guint8 **parts)
{
  EtfFun fun;
  *parts = p + 5;
  switch (*p) {
  case ETF_SMALL_TUPLE: *parts = p + 2; return p[1];
  case ETF_LARGE_TUPLE: return etf_get32 (p + 1);
  case ETF_LIST: return (guint64) etf_get32 (p + 1) + 1;
  case ETF_MAP: return 2 * (guint64) etf_get32 (p + 1);
  case ETF_NEW_FUN:
    hemera__etf_fun (p, &fun);
    *parts = fun.creator;
    return 1 + (guint64) fun.n_free;
  default: return 0;
  }
}

void
hemera__skip_index_cover (HemeraSkipIndex *self, const guint8 *p)
{
  const guint8 *parts;
  if (self->start != NULL && p >= self->start && p < self->end)
    return;
  if (self->containers == NULL)
    self->containers = g_array_new (FALSE, FALSE, sizeof (Container));
  g_array_set_size (self->containers, 0);
  self->start = p;

  GArray *levels = g_array_new (FALSE, FALSE, sizeof (Level));
  do {
    guint64 n = count_parts (p, &parts);
    if (n > 0) {
      Container container = { p, NULL };
      Level level = { n, self->containers->len };
      g_array_append_val (self->containers, container);
      g_array_append_val (levels, level);
      p = parts;
      continue;
    }
    p = hemera__etf_skip (p);
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
hemera__skip_index_skip (const HemeraSkipIndex *self, const guint8 *p)
{
  const guint8 *parts;
  if (self == NULL || self->start == NULL || p < self->start || p >= self->end
      || count_parts (p, &parts) == 0)
    return hemera__etf_skip (p);
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

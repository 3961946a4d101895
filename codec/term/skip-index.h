/* Where the containers of a deeply nested term end.
 *
 * A step over an element costs its size. A walk down a term that steps over each element before it enters it would pay the size once a
 * level: nothing for what people send, hours for a million levels. So walks that go deep index the rest once, and skip by looking up.
 * Owned by one walk; one thread. */
#pragma once

#include "codec/term/cursor.h"

/* Levels that a walk goes down before it indexes what is below. */
#define HEMERA_SKIP_INDEX_DEPTH 32

typedef struct {
  const guint8 *start, *end; /* what is indexed; NULL: nothing yet */
  GArray *containers;        /* of it, in their order */
} HemeraSkipIndex;

/* Indexes the term at @p in place of what was indexed before, unless @p lies within that. Linear. */
void hemera__skip_index_cover (HemeraSkipIndex *self, const guint8 *p);
void hemera__skip_index_clear (HemeraSkipIndex *self);

const guint8 *hemera__skip_index_find (const HemeraSkipIndex *self, const guint8 *p);

/* As hemera__etf_skip(); @self may be NULL. */
static inline const guint8 *
hemera__skip_index_skip (const HemeraSkipIndex *self, const guint8 *p)
{
  return self == NULL || self->start == NULL ? hemera__etf_skip (p) : hemera__skip_index_find (self, p);
}

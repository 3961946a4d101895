/* The steps of HemeraViewIter for walks that go deep: as the public ones, but skipping by an index (nullable). */
#pragma once

#include "codec/term/skip-index.h"

#include <hemera/term.h>

gboolean hemera__view_iter_next (HemeraViewIter *iter, const HemeraSkipIndex *index, HemeraView *element);
gboolean hemera__view_iter_next_pair (HemeraViewIter *iter, const HemeraSkipIndex *index, HemeraView *key,
                                      HemeraView *value);
HemeraView hemera__view_iter_tail (HemeraViewIter *iter, const HemeraSkipIndex *index);

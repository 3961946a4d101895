/* HemeraPool: the free message blocks of one worker. The worker takes and gives without atomics; any other thread gives a block back to
 * the pool it came from by one push to a stack that the worker takes whole when its own list is empty.
 *
 * Pools never go away: a worker that ends leaves its pool for the next one, so a message may be freed by any thread at any time after
 * its system has ended. A pool keeps at most HEMERA_POOL_MAX blocks; more go back to malloc, so a burst is not kept for ever. */
#pragma once

#include "runtime/sched/block.h"

#define HEMERA_POOL_MAX 16384

HemeraPool *hemera__pool_acquire (void);
void hemera__pool_release (HemeraPool *self);
/* A block for @payload bytes; its header is zeroed. */
HemeraActorMessage *hemera__pool_block (gsize payload);

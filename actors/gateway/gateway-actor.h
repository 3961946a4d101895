/* The gateway actor: all that shards say comes here through their parsers, in order, and goes out to the subscriptions. It advances each
 * session's seq in the step that fans an event out, drops what is at or below it, watches the shards from outside, and starts those again
 * whose supervisor gave up. */
#pragma once

#include <hemera/actor.h>

extern const HemeraActorClass hemera__gateway_actor_class;

/* The event parser of a shard: makes HemeraEvents of its payloads, or none where nobody wants one, and hands all that the shard says on to
 * the gateway actor, in order. It ends when the gateway actor does: what was on its way there is lost, and the shard, which restarts
 * with its parser, has it replayed. */
#pragma once

#include <hemera/actor.h>

extern const HemeraActorClass hemera__event_parser_class;

/* The identify broker: hands out the leases that allow a shard to IDENTIFY, so that max_concurrency and the session start limit hold
 * over all shards of the gateway. A holder is monitored: what it held comes back when it goes. At the limit's reset the API is asked
 * anew; at its floor shards are denied with the time to wait, and an alarm is raised once. A new broker waits a spacing from the last
 * IDENTIFY that the tree knows of, be it another process's, and from now when shards run already.
 *
 * Messages: HemeraLeaseRequest -> HemeraIdentify or HemeraLeaseDenied; HemeraLeaseUpdate. */
#pragma once

#include <hemera/actor.h>

extern const HemeraActorClass hemera__identify_broker_class;

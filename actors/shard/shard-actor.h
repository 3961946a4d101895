/* The shard actor: binds a HemeraShardMachine to a websocket of its worker, one timer and its mailbox. It has no protocol of its own.
 *
 * It starts from its spec and the session store, says everything through its event parser, and ends with the machine's reason once what
 * it said has gone through the gateway actor. Calls: HemeraSend. Messages: HemeraStartShard, HemeraIdentify, HemeraSend, HemeraReconnect,
 * HemeraDispose, their term forms, HemeraLeaseDenied, HemeraCredit, HemeraDrain. */
#pragma once

#include <hemera/server.h>

extern const HemeraServerClass hemera__shard_actor_class;

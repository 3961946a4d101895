/* The session store: per shard of this gateway what a RESUME needs: {session id, resume url, encoding, failures}. It outlives shards; the
 * seq stands in the tree's slot, where the gateway actor advances it in the same step that fans an event out. When the store itself is
 * restarted, the shards tell it again what they have.
 *
 * Calls: HemeraSessionGet -> HemeraSessionPut. Messages: HemeraSessionPut, HemeraSessionFailures. The facade gets a copy of each change. */
#pragma once

#include <hemera/server.h>

extern const HemeraServerClass hemera__session_store_class;

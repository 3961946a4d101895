/* Names of a shard's states and the gateway's error domain. */
#include <hemera/gateway-types.h>

GQuark
hemera_gateway_error_quark (void)
{
  return g_quark_from_static_string ("hemera-gateway-error-quark");
}

const char *
hemera_shard_state_to_string (HemeraShardState state)
{
  switch (state) {
  case HEMERA_SHARD_STOPPED: return "stopped";
  case HEMERA_SHARD_RESOLVING: return "resolving";
  case HEMERA_SHARD_CONNECTING: return "connecting";
  case HEMERA_SHARD_AWAITING_HELLO: return "awaiting_hello";
  case HEMERA_SHARD_AWAITING_LEASE: return "awaiting_lease";
  case HEMERA_SHARD_IDENTIFYING: return "identifying";
  case HEMERA_SHARD_RESUMING: return "resuming";
  case HEMERA_SHARD_ACTIVE: return "active";
  case HEMERA_SHARD_WAITING: return "waiting";
  case HEMERA_SHARD_CLOSING: return "closing";
  }
  return "unknown";
}

/* HemeraSubscription from inside: a GObject in the subscriber's context around a port and a HemeraSubscriber. */
#pragma once

#include "../tree/subscriber.h"
#include <hemera/gateway.h>

typedef enum {
  HEMERA_CALLBACK_EVENT,
  HEMERA_CALLBACK_READY,
  HEMERA_CALLBACK_MESSAGE,
  HEMERA_CALLBACK_GUILD,
  HEMERA_CALLBACK_SHARD_MESSAGE,
} HemeraCallbackKind;

/* In the caller's thread-default context. @facade_context: the gateway's own. Cancelled already when no port can be made. (transfer full) */
HemeraSubscription *
hemera__subscription_new (HemeraGateway *gateway, HemeraSystem *system, GMainContext *facade_context,
                          HemeraSubscribers *set, HemeraCallbackKind kind, const char *name,
                          const HemeraFilter *filter, guint credit, GCallback func, gpointer user_data,
                          GDestroyNotify destroy);
/* From any thread, when the gateway goes: closes the port here if nobody else runs its context, else in its context. */
void hemera__subscription_abandon (HemeraSubscription *self);
gboolean hemera__subscription_is_cancelled (HemeraSubscription *self);
/* Messages sent to it and not handled yet. */
guint64 hemera__subscription_pending (HemeraSubscription *self);

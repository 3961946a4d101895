/* The one place where the scheduler meets the network layer. On the worker's thread, its context pushed. */
#pragma once

#include "runtime/net/net.h"

/* FALSE with @error set when it cannot be made. */
gboolean hemera__network_start (GMainContext *context, HemeraNet **net, GError **error);
void hemera__network_stop (HemeraNet *net); /* (nullable) */

/* See network.h. A program that links no network layer (some tests do not) has workers without one. */
#include "runtime/sched/network.h"

#pragma weak hemera__net_new
#pragma weak hemera__net_free

gboolean
hemera__network_start (GMainContext *context, HemeraNet **net, GError **error)
{
  *net = NULL;
  if (!hemera__net_new)
    return TRUE;
  *net = hemera__net_new (context, error);
  return *net != NULL;
}

void
hemera__network_stop (HemeraNet *net)
{
  if (net)
    hemera__net_free (net);
}

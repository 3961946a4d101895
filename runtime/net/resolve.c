/* Names to addresses: GResolver, asynchronously, one look-up a host in flight, shared by all links of the net that want the host, and
 * forgotten when it has answered. A link that gives up leaves the look-up running: getaddrinfo() cannot be interrupted, its thread of
 * GTask's pool of ten is busy anyway, and another look-up of a dead name server would take the next one.
 *
 * The answer's callback gets the GCancellable, which the look-up's task keeps alive, and finds the look-up on it, or nothing when the net
 * is gone: so no memory hangs on a callback that a context which nobody runs any more will never make. */
#include "runtime/net/net-internal.h"

struct _HemeraLookup {
  HemeraNet *net;
  char *host;
  GCancellable *cancellable;
  GQueue waiters; /* HemeraLink, by wait_node */
};

/* The key of a look-up on its cancellable. */
static GQuark
key (void)
{
  return g_quark_from_static_string ("hemera-lookup");
}

static GList *
copy_addresses (GList *addresses)
{
  return g_list_copy_deep (addresses, (GCopyFunc) (void (*) (void)) g_object_ref, NULL);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  GList *addresses = g_resolver_lookup_by_name_finish (G_RESOLVER (source), result, &error);
  HemeraLookup *self = g_object_get_qdata (user_data, key ());

  if (self) {
    g_hash_table_steal (self->net->lookups, self->host);
    for (GList *node; (node = g_queue_pop_head_link (&self->waiters)) != NULL;) {
      HemeraLink *link = node->data;
      GError *why = NULL;

      if (!addresses)
        why = g_error_new (HEMERA_NET_ERROR, HEMERA_NET_ERROR_RESOLVE, "cannot resolve '%s': %s", self->host,
                           error ? error->message : "no address");
      link->lookup = NULL;
      hemera__link_resolved (link, copy_addresses (addresses), why);
    }
    hemera__lookup_free (self);
  }
  g_resolver_free_addresses (addresses);
}

void
hemera__lookup_free (gpointer lookup)
{
  HemeraLookup *self = lookup;

  g_object_set_qdata (G_OBJECT (self->cancellable), key (), NULL);
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_free (self->host);
  g_free (self);
}

static HemeraLookup *
start (HemeraNet *net, const char *host)
{
  HemeraLookup *self = g_new0 (HemeraLookup, 1);
  g_autoptr (GResolver) resolver = g_resolver_get_default ();

  self->net = net;
  self->host = g_strdup (host);
  self->cancellable = g_cancellable_new ();
  g_object_set_qdata (G_OBJECT (self->cancellable), key (), self);
  g_hash_table_insert (net->lookups, self->host, self);
  g_resolver_lookup_by_name_async (resolver, host, self->cancellable, on_answer, self->cancellable);
  return self;
}

void
hemera__lookup_join (HemeraLink *link)
{
  HemeraLookup *self;

  if (link->url->numeric) {
    hemera__link_resolved (link, g_list_append (NULL, g_inet_address_new_from_string (link->url->host)),
                           NULL);
    return;
  }
  self = g_hash_table_lookup (link->net->lookups, link->url->host);
  if (!self)
    self = start (link->net, link->url->host);
  link->lookup = self;
  g_queue_push_tail_link (&self->waiters, &link->wait_node);
}

void
hemera__lookup_leave (HemeraLink *link)
{
  if (link->lookup)
    g_queue_unlink (&link->lookup->waiters, &link->wait_node);
  link->lookup = NULL;
}

#include "tail.h"

struct _TailChaos {
  HemeraGateway *gateway;
  GRand *rand;
  guint timer;
};

static gboolean
kill_one (gpointer data)
{
  TailChaos *self = data;
  guint total = hemera_gateway_get_total_shards (self->gateway);

  if (total > 0)
    hemera_gateway_kill (self->gateway, (guint) g_rand_int_range (self->rand, 0, (gint32) total),
                         g_rand_int_range (self->rand, 0, 4) == 0 ? "event_parser" : "shard");
  return G_SOURCE_CONTINUE;
}

TailChaos *
tail_chaos_new (HemeraGateway *gateway, double seconds, guint seed)
{
  TailChaos *self = g_new0 (TailChaos, 1);

  self->gateway = g_object_ref (gateway);
  self->rand = g_rand_new_with_seed (seed);
  self->timer = g_timeout_add (MAX ((guint) (seconds * 1000), 1), kill_one, self);
  return self;
}

void
tail_chaos_free (TailChaos *self)
{
  g_source_remove (self->timer);
  g_rand_free (self->rand);
  g_object_unref (self->gateway);
  g_free (self);
}

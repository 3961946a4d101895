/* --chaos: kills shards and parsers at random times once all shards are up, for ever or a given number of each. */
#include "tail.h"

/* A third of the kills are for parsers: exactly that when their number is given. */
#define PARSERS 3

struct _TailChaos {
  HemeraGateway *gateway;
  TailOutput *output;
  GRand *rand;
  double seconds;
  guint left, parsers_left; /* 0, 0: for ever */
  gboolean is_counted;
  gboolean is_started; /* every shard was active: from then on there is a session to lose */
  guint timer;
};

static void arm (TailChaos *self);

static gboolean
choose_parser (TailChaos *self)
{
  if (!self->is_counted)
    return g_rand_int_range (self->rand, 0, PARSERS) == 0;
  return (guint) g_rand_int_range (self->rand, 0, (gint32) self->left) < self->parsers_left;
}

static gboolean
kill_one (gpointer data)
{
  TailChaos *self = data;
  guint total = hemera_gateway_get_total_shards (self->gateway);

  self->timer = 0;
  self->is_started = self->is_started || (total > 0 && tail_output_active_shards (self->output) == total);
  if (self->is_started) {
    guint shard = (guint) g_rand_int_range (self->rand, 0, (gint32) total);
    gboolean parser = choose_parser (self);
    const char *child = parser ? "event_parser" : "shard";

    self->left -= self->is_counted;
    self->parsers_left -= self->is_counted && parser;
    tail_output_kill (self->output, shard, child, hemera_gateway_kill (self->gateway, shard, child));
  }
  if (!self->is_counted || self->left > 0)
    arm (self);
  return G_SOURCE_REMOVE;
}

/* Any moment is as likely as another. */
static void
arm (TailChaos *self)
{
  guint wait_ms = (guint) (g_rand_double (self->rand) * 2000 * self->seconds);

  self->timer = g_timeout_add (MAX (wait_ms, 1), kill_one, self);
}

TailChaos *
tail_chaos_new (HemeraGateway *gateway, TailOutput *output, double seconds, guint kills, guint seed)
{
  TailChaos *self = g_new0 (TailChaos, 1);

  self->gateway = g_object_ref (gateway);
  self->output = output;
  self->rand = g_rand_new_with_seed (seed);
  self->seconds = seconds;
  self->is_counted = kills > 0;
  self->left = kills;
  self->parsers_left = kills / PARSERS;
  arm (self);
  return self;
}

void
tail_chaos_free (TailChaos *self)
{
  if (self->timer != 0)
    g_source_remove (self->timer);
  g_rand_free (self->rand);
  g_object_unref (self->gateway);
  g_free (self);
}

/* Fan-out at its edges: events without a place in the session, the bound of what waits for the facade, when a gap began. */
#include "quiet.h"
#include "tree-rig.h"

typedef struct {
  Rig rig;
  HemeraPid gateway;
  Probe *probe;
} Fixture;

static void
set_up (Fixture *self, gconstpointer kind)
{
  rig_init (&self->rig, 1, 1, 100);
  self->probe = rig_probe (&self->rig);
  rig_subscribe (&self->rig, self->probe, (HemeraSubscriberKind) GPOINTER_TO_UINT (kind), NULL);
  self->gateway = rig_spawn (&self->rig, &hemera__gateway_actor_class, self->rig.tree->gateway_name);
}

static void
tear_down (Fixture *self, gconstpointer kind)
{
  rig_clear (&self->rig);
}

/* HELLO, ACKs and the like: each is delivered, none moves the watermark. */
static void
test_without_seq (Fixture *self, gconstpointer kind)
{
  HemeraDelivery *delivery;

  rig_dispatch (&self->rig, self->gateway, 0, 1, 5);
  rig_dispatch (&self->rig, self->gateway, 0, 1, 0);
  rig_dispatch (&self->rig, self->gateway, 0, 1, 0);
  g_assert_cmpuint (probe_count (self->probe, &hemera__delivery_type), ==, 3);
  delivery = probe_payload (self->probe, &hemera__delivery_type, 2);
  g_assert_null (delivery->mark);
  g_assert_cmpuint (delivery->place, ==, 0);
  g_assert_cmpuint (self->rig.tree->slots[0].fanned, ==, hemera__place (1, 5));
}

static void
say_state (Fixture *self)
{
  rig_say (&self->rig, self->gateway, hemera__shard_message_new (HEMERA_SHARD_MESSAGE_STATE, 0, 1, NULL));
}

/* A facade whose loop does not run does not fill the memory; once it runs, it hears again. */
static void
test_facade_is_bounded (Fixture *self, gconstpointer kind)
{
  self->rig.tree->facade_pending = 16383;
  say_state (self);
  g_assert_nonnull (probe_message (self->rig.facade, HEMERA_SHARD_MESSAGE_STATE, 0));
  say_state (self);
  say_state (self);
  g_assert_null (probe_message (self->rig.facade, HEMERA_SHARD_MESSAGE_STATE, 1));
  g_assert_cmpuint (self->rig.tree->facade_pending, ==, 16384); /* what was dropped is not under way */
  self->rig.tree->facade_pending--;
  say_state (self);
  g_assert_nonnull (probe_message (self->rig.facade, HEMERA_SHARD_MESSAGE_STATE, 1));
}

/* Of the session before, which another process fanned out and did not say when. */
static void
test_gap_without_a_time (Fixture *self, gconstpointer kind)
{
  HemeraShardMessage *gap;

  self->rig.tree->slots[0].fanned = hemera__place (1, 42);
  rig_advance (&self->rig, 5000);
  rig_dispatch (&self->rig, self->gateway, 0, 2, 1);
  gap = probe_message (self->probe, HEMERA_SHARD_MESSAGE_GAP, 0);
  g_assert_nonnull (gap);
  g_assert_cmpuint (gap->seq, ==, 42);
  g_assert_cmpint (gap->since_ms, ==,
                   (hemera_system_now (self->rig.system) + self->rig.tree->wall_offset_us) / 1000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (quiet_log, NULL, NULL);
  g_test_add ("/fan-out/without-seq", Fixture, GUINT_TO_POINTER (HEMERA_SUBSCRIBER_EVENTS), set_up,
              test_without_seq, tear_down);
  g_test_add ("/fan-out/facade-is-bounded", Fixture, GUINT_TO_POINTER (HEMERA_SUBSCRIBER_MESSAGES), set_up,
              test_facade_is_bounded, tear_down);
  g_test_add ("/fan-out/gap-without-a-time", Fixture, GUINT_TO_POINTER (HEMERA_SUBSCRIBER_MESSAGES), set_up,
              test_gap_without_a_time, tear_down);
  return g_test_run ();
}

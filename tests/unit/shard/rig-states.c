/* See rig-states.h. */
#include "rig-states.h"

HemeraShardState
rig_state (Rig *self)
{
  return hemera__shard_machine_state (self->machine);
}

HemeraSession
rig_stored (HemeraEncoding encoding)
{
  return (HemeraSession){
    .id = (char *) "s0", .resume_url = (char *) "wss://resume.example", .seq = 10, .encoding = encoding
  };
}

Rig *
rig_in (const RigVariant *variant, HemeraShardState state)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);

  switch (state) {
  case HEMERA_SHARD_STOPPED: break;
  case HEMERA_SHARD_RESOLVING: rig_start (rig); break;
  case HEMERA_SHARD_CONNECTING:
    rig_start (rig);
    rig_resolved (rig);
    break;
  case HEMERA_SHARD_AWAITING_HELLO: rig_open (rig); break;
  case HEMERA_SHARD_AWAITING_LEASE:
    rig_open (rig);
    rig_hello (rig, 41250);
    break;
  case HEMERA_SHARD_IDENTIFYING:
    rig_open (rig);
    rig_hello (rig, 41250);
    rig_lease (rig);
    break;
  case HEMERA_SHARD_RESUMING:
    rig_ready (rig);
    rig_ended (rig, 0);
    rig_reconnect (rig);
    break;
  case HEMERA_SHARD_ACTIVE: rig_ready (rig); break;
  case HEMERA_SHARD_WAITING:
    rig_ready (rig);
    rig_ended (rig, 0);
    break;
  case HEMERA_SHARD_CLOSING:
    rig_ready (rig);
    rig_payload (rig, "{\"op\":7,\"d\":null}");
    break;
  }
  g_assert_cmpint (rig_state (rig), ==, state);
  g_free (rig_take (rig));
  return rig;
}

gboolean
rig_keeps_session (HemeraShardState state)
{
  return state == HEMERA_SHARD_RESUMING || state == HEMERA_SHARD_ACTIVE || state == HEMERA_SHARD_WAITING
         || state == HEMERA_SHARD_CLOSING;
}

int
rig_run_tests (int argc, char **argv, const RigTest *tests, guint n)
{
  g_test_init (&argc, &argv, NULL);
  for (guint v = 0; v < rig_n_variants; v++) {
    for (guint i = 0; i < n; i++) {
      g_autofree char *path = g_strdup_printf ("/shard/machine/%s/%s", rig_variants[v].name, tests[i].name);

      g_test_add_data_func (path, &rig_variants[v], tests[i].func);
    }
  }
  return g_test_run ();
}

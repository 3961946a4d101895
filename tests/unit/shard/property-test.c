/* Random ways through the machine: a gateway, a network, an application and a clock that do what they like. What must hold always is
 * checked in rig.c, action by action; here also that no send is forgotten, and that a way that ends can be gone on from its session. A
 * seed that fails is printed: run with HEMERA_SEED=N. */
#include "rig.h"

#include <hemera/term-builder.h>
#include <string.h>

#define STEPS 400

typedef struct {
  Rig *rig;
  GRand *rand;
  guint64 seq; /* of the gateway's session */
  guint accepted;
  guint64 received; /* payloads, for the report */
} Way;

static guint
any (Way *way, guint n)
{
  return (guint) g_rand_int_range (way->rand, 0, (gint32) n);
}

/* Up to @n less, not below @floor. */
static guint64
a_bit_before (Way *way, guint64 value, guint64 floor, guint n)
{
  guint64 back = any (way, n);

  return value > floor + back ? value - back : floor;
}

static void
gateway_speaks (Way *way)
{
  static const char *const odd[] = {
    "{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"odd\"}}",
    "{\"op\":10,\"d\":{\"heartbeat_interval\":41250}}",
    "{\"op\":0,\"s\":3,\"d\":{}}",
    "[]",
    "{\"op\":99,\"d\":\"x\"}",
    "{\"op\":9,\"d\":\"maybe\"}",
  };
  HemeraShardState state = hemera__shard_machine_state (way->rig->machine);
  g_autofree char *json = NULL;

  way->received++;
  switch (any (way, 24)) {
  case 0: rig_payload (way->rig, "{\"op\":7,\"d\":null}"); return;
  case 1: rig_payload (way->rig, "{\"op\":9,\"d\":true}"); return;
  case 2: rig_payload (way->rig, "{\"op\":9,\"d\":false}"); return;
  case 3: rig_payload (way->rig, "{\"op\":1}"); return;
  case 4:
    if (any (way, 4) == 0)
      rig_payload (way->rig, odd[any (way, G_N_ELEMENTS (odd))]);
    return;
  case 5: rig_payload (way->rig, "{\"op\":11}"); return;
  default: break;
  }
  switch (state) {
  case HEMERA_SHARD_AWAITING_HELLO:
    rig_hello (way->rig, any (way, 2) == 0 ? 41250 : 1000 + any (way, 60000));
    break;
  case HEMERA_SHARD_IDENTIFYING:
    way->seq = 1;
    json = g_strdup_printf ("{\"op\":0,\"s\":1,\"t\":\"READY\",\"d\":{\"session_id\":\"s%u\",\"resume_"
                            "gateway_url\":\"wss://r%u\"}}",
                            any (way, 1000000), any (way, 9));
    rig_payload (way->rig, json);
    break;
  case HEMERA_SHARD_RESUMING:
    if (any (way, 3) == 0) {
      json =
          g_strdup_printf ("{\"op\":0,\"s\":%" G_GUINT64_FORMAT ",\"t\":\"RESUMED\",\"d\":null}", way->seq);
      rig_payload (way->rig, json);
    } else /* replays, from anywhere */
      rig_event (way->rig, way->seq > 10 ? way->seq - any (way, 10) : ++way->seq);
    break;
  default:
    way->seq += 1 + any (way, 10) / 9;
    rig_event (way->rig, any (way, 10) == 0 ? a_bit_before (way, way->seq, 1, 4) : way->seq);
    break;
  }
}

static void
network_acts (Way *way)
{
  static const guint codes[] = { 0, 0, 0, 1000, 1001, 4000, 4002, 4003, 4007, 4008, 4009, 4004 };
  HemeraShardState state = hemera__shard_machine_state (way->rig->machine);

  if (state == HEMERA_SHARD_RESOLVING && any (way, 2) == 0)
    rig_resolved (way->rig);
  else if ((state == HEMERA_SHARD_RESOLVING || state == HEMERA_SHARD_CONNECTING) && any (way, 4) != 0)
    rig_opened (way->rig);
  else if (any (way, 6) == 0 || state == HEMERA_SHARD_CLOSING)
    rig_ended (way->rig, codes[any (way, G_N_ELEMENTS (codes))]);
  else
    hemera__shard_machine_drained (way->rig->machine, way->rig->now, way->rig->connection);
}

static void
application_acts (Way *way)
{
  static const guint ops[] = { 3, 4, 8, 31, 43, 3, 8, 8, 2, 6 };
  HemeraShardMachine *machine = way->rig->machine;

  switch (any (way, 30)) {
  case 0: hemera__shard_machine_reconnect (machine, way->rig->now, any (way, 3) != 0); break;
  case 1: hemera__shard_machine_paused (machine, way->rig->now, any (way, 2) == 0); break;
  case 2:
    if (any (way, 10) == 0)
      hemera__shard_machine_dispose (machine, way->rig->now,
                                     any (way, 2) == 0 ? HEMERA_CLOSE_KEEP : HEMERA_CLOSE_END);
    break;
  case 3:
  case 4:
  case 5:
    if (hemera__shard_machine_session (machine)->id != NULL)
      hemera__shard_machine_set_watermark (machine, hemera__shard_machine_session (machine)->id,
                                           a_bit_before (way, way->rig->last_seq, 0, 5));
    break;
  default:
    for (guint i = any (way, 12); i > 0; i--) {
      g_autoptr (HemeraTerm) term = hemera_term_new ("#{a => ~i}", (gint64) i);

      if (hemera__shard_machine_send (machine, way->rig->now, ops[any (way, G_N_ELEMENTS (ops))],
                                      hemera_term_view (term), i, NULL))
        way->accepted++;
    }
    break;
  }
}

static void
step (Way *way)
{
  Rig *rig = way->rig;

  rig->random = g_rand_double (way->rand);
  switch (any (way, 8)) {
  case 0: rig_advance (rig, any (way, 2000)); break;
  case 1:
    if (hemera__shard_machine_deadline (rig->machine) < G_MAXINT64)
      rig_tick (rig);
    break;
  case 2: application_acts (way); break;
  case 3:
    if (any (way, 10) == 0)
      hemera__shard_machine_lease_denied (rig->machine, rig->now, rig->connection + 1, 5); /* not ours */
    else
      rig_lease (rig);
    break;
  case 4: network_acts (way); break;
  default: gateway_speaks (way); break;
  }
  rig_collect (rig);
}

static void
run_seed (const RigVariant *variant, guint32 seed, guint64 *received)
{
  Way way = { .rand = g_rand_new_with_seed (seed) };
  HemeraSession session = { 0 };

  way.rig = rig_new (variant, NULL, 0, NULL);
  for (guint i = 0; i < STEPS; i++) {
    if (i % 200 == 0 || way.rig->stopped) {
      /* Ended, or killed at any moment: the next one starts from what it left. */
      if (way.rig->stopped)
        g_assert_cmpuint (way.rig->finished, ==, way.accepted);
      hemera__session_clear (&session);
      hemera__session_copy (&session, hemera__shard_machine_session (way.rig->machine));
      rig_free (way.rig);
      way.rig = rig_new (variant, session.id != NULL ? &session : NULL, 0, NULL);
      way.rig->quiet = TRUE;
      way.accepted = 0;
      rig_start (way.rig);
    }
    step (&way);
  }
  *received += way.received;
  hemera__session_clear (&session);
  rig_free (way.rig);
  g_rand_free (way.rand);
}

static void
random_ways (gconstpointer data)
{
  const char *wanted = g_getenv ("HEMERA_SEED");
  guint64 received = 0;

  if (wanted != NULL) {
    run_seed (data, (guint32) g_ascii_strtoull (wanted, NULL, 10), &received);
    return;
  }
  for (guint32 seed = 1; seed <= 150; seed++) {
    g_test_message ("HEMERA_SEED=%u", seed);
    run_seed (data, seed, &received);
  }
  g_test_message ("%" G_GUINT64_FORMAT " payloads", received);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint v = 0; v < rig_n_variants; v++) {
    g_autofree char *path = g_strdup_printf ("/shard/property/%s/random-ways", rig_variants[v].name);

    g_test_add_data_func (path, &rig_variants[v], random_ways);
  }
  return g_test_run ();
}

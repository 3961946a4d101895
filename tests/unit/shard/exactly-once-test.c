/* Every event exactly once and in order, over faults, kills and lost sessions: a coherent gateway with a log it replays from, and behind
 * the machine a pipeline to a subscriber that takes its time and that may be lost with a kill. The machine sees nothing but its inputs;
 * what the subscriber saw is held against the gateway's log. A seed that fails is printed: run with HEMERA_SEED=N. */
#include "rig.h"

#include <string.h>

#define STEPS 600

typedef struct {
  gboolean gap;
  guint session; /* number of the session it belongs to */
  guint64 seq;
} Item;

typedef struct {
  Rig *rig;
  GRand *rand;
  const RigVariant *variant;

  /* gateway */
  guint session;          /* 0: none yet */
  gboolean session_valid; /* it would take a RESUME */
  guint64 log;            /* last seq of the session */
  guint64 sent;           /* of it, on this connection */

  /* pipeline and subscriber */
  GQueue pipeline;    /* Item */
  guint seen_session; /* session whose events the subscriber gets */
  guint64 seen;       /* last seq of it: the watermark */
  guint gaps, resumes;
} World;

static guint
any (World *world, guint n)
{
  return (guint) g_rand_int_range (world->rand, 0, (gint32) n);
}

static guint
session_number (const char *id)
{
  return (guint) g_ascii_strtoull (id + 1, NULL, 10);
}

static void
push_item (World *world, gboolean gap, guint session, guint64 seq)
{
  Item *item = g_new (Item, 1);

  *item = (Item){ gap, session, seq };
  g_queue_push_tail (&world->pipeline, item);
}

static void
on_action (gpointer data, const HemeraShardAction *action)
{
  World *world = data;
  const char *resume;

  switch (action->type) {
  case HEMERA_SHARD_ACTION_WRITE:
    resume = strstr (world->rig->last_write, "\"op\":6,");
    if (resume != NULL) {
      world->resumes++;
      world->sent = g_ascii_strtoull (strstr (resume, "\"seq\":") + 6, NULL, 10);
      g_assert_cmpuint (world->sent, <=, world->log);
    }
    break;
  case HEMERA_SHARD_ACTION_EVENT:
    if (action->op == 0 && action->seq > 0)
      push_item (world, FALSE, world->session, action->seq);
    break;
  case HEMERA_SHARD_ACTION_GAP:
    push_item (world, TRUE, session_number (action->session.id), action->seq);
    break;
  default: break;
  }
}

/* The fan-out, one item: what the gateway actor does with it. */
static void
fan_out (World *world)
{
  g_autofree Item *item = g_queue_pop_head (&world->pipeline);
  g_autofree char *id = NULL;

  if (item == NULL)
    return;
  if (item->gap) {
    g_assert_cmpuint (item->session, ==, world->seen_session);
    /* Exact: nothing after it was delivered, and nothing at or before it is still to come. */
    g_assert_cmpuint (MAX (item->seq, world->seen), ==, world->seen);
    world->gaps++;
    return;
  }
  if (item->session != world->seen_session) {
    g_assert_cmpuint (item->session, >, world->seen_session); /* one that lost its READY was never seen */
    world->seen_session = item->session;
    world->seen = 0;
  }
  if (item->seq <= world->seen)
    return;                                          /* given again after a kill */
  g_assert_cmpuint (item->seq, ==, world->seen + 1); /* none lost */
  world->seen = item->seq;
  id = g_strdup_printf ("s%u", item->session);
  hemera__shard_machine_set_watermark (world->rig->machine, id, item->seq);
}

static void
new_rig (World *world)
{
  HemeraSession session = { 0 };

  if (world->rig != NULL) {
    hemera__session_copy (&session, hemera__shard_machine_session (world->rig->machine));
    rig_free (world->rig);
  }
  world->rig = rig_new (world->variant, session.id != NULL ? &session : NULL, 0, NULL);
  world->rig->quiet = TRUE;
  world->rig->on_action = on_action;
  world->rig->on_action_data = world;
  hemera__session_clear (&session);
  rig_start (world->rig);
}

/* The exit signal kill, at any moment; now and then the parser goes too, and what was on its way with it. */
static void
kill_shard (World *world)
{
  gboolean parser_too = any (world, 2) == 0;

  if (parser_too)
    while (!g_queue_is_empty (&world->pipeline)) {
      Item *item = g_queue_peek_tail (&world->pipeline);

      if (item->gap) { /* told by the store's side: not lost here */
        fan_out (world);
        continue;
      }
      g_free (g_queue_pop_tail (&world->pipeline));
    }
  new_rig (world);
}

static void
say_event (World *world, guint64 seq, const char *name)
{
  g_autofree char *json =
      g_strdup_printf ("{\"op\":0,\"s\":%" G_GUINT64_FORMAT ",\"t\":\"%s\",\"d\":{\"session_id\":\"s%u\"}}",
                       seq, name, world->session);

  rig_payload (world->rig, json);
}

static void
gateway_step (World *world)
{
  switch (hemera__shard_machine_state (world->rig->machine)) {
  case HEMERA_SHARD_AWAITING_HELLO: rig_hello (world->rig, 41250); break;
  case HEMERA_SHARD_AWAITING_LEASE: rig_lease (world->rig); break;
  case HEMERA_SHARD_IDENTIFYING:
    world->session++;
    world->session_valid = TRUE;
    world->log = world->sent = 1;
    say_event (world, 1, "READY");
    break;
  case HEMERA_SHARD_RESUMING:
    if (!world->session_valid)
      rig_payload (world->rig, "{\"op\":9,\"d\":false}");
    else if (world->sent < world->log) {
      world->sent++;
      say_event (world, world->sent, world->sent == 1 ? "READY" : "X");
    } else {
      world->sent = ++world->log; /* it has a place of its own */
      say_event (world, world->log, "RESUMED");
    }
    break;
  case HEMERA_SHARD_ACTIVE:
    world->sent = ++world->log;
    say_event (world, world->log, "X");
    break;
  default: break;
  }
}

/* Events that happen while nobody is connected. */
static void
life_goes_on (World *world)
{
  if (world->session_valid && world->session > 0
      && hemera__shard_machine_state (world->rig->machine) != HEMERA_SHARD_ACTIVE)
    world->log += any (world, 3);
}

static void
fault (World *world)
{
  switch (any (world, 12)) {
  case 0: rig_payload (world->rig, "{\"op\":7}"); break;
  case 1: rig_payload (world->rig, "{\"op\":9,\"d\":true}"); break;
  case 2: rig_ended (world->rig, 4000); break;
  case 3: hemera__shard_machine_reconnect (world->rig->machine, world->rig->now, TRUE); break;
  case 4:
    if (any (world, 6) == 0 && world->session_valid) {
      world->session_valid = FALSE;
    }
    break;
  case 5: rig_bytes (world->rig, "\xff\xff\xff", 3, TRUE, TRUE, TRUE); break;
  case 6:
  case 7: kill_shard (world); break;
  default: rig_ended (world->rig, 0); break;
  }
}

static void
step (World *world)
{
  HemeraShardState state = hemera__shard_machine_state (world->rig->machine);

  world->rig->random = g_rand_double (world->rand);
  if (world->rig->stopped)
    kill_shard (world); /* a crash: its supervisor starts it again */
  else if (any (world, 40) == 0)
    fault (world);
  else if (state == HEMERA_SHARD_RESOLVING)
    rig_opened (world->rig);
  else if (state == HEMERA_SHARD_WAITING)
    rig_tick (world->rig);
  else if (state == HEMERA_SHARD_CLOSING)
    rig_ended (world->rig, 0);
  else if (any (world, 3) == 0)
    fan_out (world);
  else
    gateway_step (world);
  life_goes_on (world);
  rig_collect (world->rig);
}

static void
run_seed (const RigVariant *variant, guint32 seed, guint *resumes, guint *lost)
{
  World world = { .rand = g_rand_new_with_seed (seed), .variant = variant };

  g_queue_init (&world.pipeline);
  new_rig (&world);
  for (guint i = 0; i < STEPS; i++)
    step (&world);
  /* Quiet now: everything arrives. */
  for (guint i = 0;
       i < 20000
       && (hemera__shard_machine_state (world.rig->machine) != HEMERA_SHARD_ACTIVE || world.sent < world.log);
       i++) {
    HemeraShardState state = hemera__shard_machine_state (world.rig->machine);

    if (world.rig->stopped)
      kill_shard (&world);
    else if (state == HEMERA_SHARD_RESOLVING)
      rig_opened (world.rig);
    else if (state == HEMERA_SHARD_WAITING)
      rig_tick (world.rig);
    else if (state == HEMERA_SHARD_CLOSING)
      rig_ended (world.rig, 0);
    else
      gateway_step (&world);
  }
  while (!g_queue_is_empty (&world.pipeline))
    fan_out (&world);
  g_assert_cmpuint (world.seen_session, ==, world.session);
  g_assert_cmpuint (world.seen, ==, world.log);
  *resumes += world.resumes;
  *lost += world.gaps;
  rig_free (world.rig);
  g_rand_free (world.rand);
}

static void
nothing_lost_or_doubled (gconstpointer variant)
{
  const char *wanted = g_getenv ("HEMERA_SEED");
  guint resumes = 0, lost = 0;

  if (wanted != NULL) {
    run_seed (variant, (guint32) g_ascii_strtoull (wanted, NULL, 10), &resumes, &lost);
    return;
  }
  for (guint32 seed = 1; seed <= 100; seed++) {
    g_test_message ("HEMERA_SEED=%u", seed);
    run_seed (variant, seed, &resumes, &lost);
  }
  g_test_message ("%u resumes, %u sessions lost", resumes, lost);
  g_assert_cmpuint (resumes, >, 100);
  g_assert_cmpuint (lost, >, 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint v = 0; v < rig_n_variants; v++) {
    g_autofree char *path =
        g_strdup_printf ("/shard/exactly-once/%s/nothing-lost-or-doubled", rig_variants[v].name);

    g_test_add_data_func (path, &rig_variants[v], nothing_lost_or_doubled);
  }
  return g_test_run ();
}

/* The whole tree, single-threaded on a virtual clock, from a seed: supervisors, store, broker, gateway actor, parsers and shards as they are,
 * against a strict gateway (sim-discord.h) over a network of memory (sim-net.h). The world is an actor of the same system: between any two
 * turns of the others it lets the network and the gateway go a step, lets subscriptions handle something, and does harm: it kills any
 * actor, breaks connections, loses sessions, says what is undecodable. Then comes quiet, and everything must have arrived: each event once
 * and in order, lost sessions told, no beat missed, no identify too many. The tree is closed, sometimes in the middle of it all, and
 * connected again, in this process or as if in another.
 *
 * HEMERA_SEED=N runs one seed, HEMERA_SEEDS=N so many. */
#include "sim-world.h"

#include "actors/session/session-file.h"

#define SEEDS 300
#define LIVES 2
#define STEPS 60

/* The application supervisor gives up beyond ten a minute, as it should. */
#define TOP_KILLS 8

/* Of the seed that runs. */
typedef struct {
  gint64 top_kills[TOP_KILLS]; /* when */
  guint next_top;
  gboolean store_killed, resume_forbidden; /* in this life */
  gboolean before;                         /* one of those in the life before */
  guint fatal;                             /* 4014 that was sent */
} Harm;

static Harm done;
static guint kills, faults, restarts, given_up;

/* ---- harm ------------------------------------------------------------------------------------------------- */

static void
kill_pid (SimWorld *world, HemeraPid pid)
{
  if (pid.id == 0)
    return;
  kills++;
  hemera_exit (pid, hemera_reason_kill ());
}

static void
kill_top (SimWorld *world)
{
  HemeraTree *tree = world->tree;
  const char *names[] = { tree->gateway_name, tree->gateway_name, tree->store_name, tree->broker_name,
                          tree->shards_name };
  guint which = sim_any (world, G_N_ELEMENTS (names));
  gint64 now = hemera_system_now (world->system);

  if (done.top_kills[done.next_top] != 0 && now - done.top_kills[done.next_top] < 61 * G_USEC_PER_SEC)
    return;
  done.top_kills[done.next_top] = now;
  done.next_top = (done.next_top + 1) % TOP_KILLS;
  done.store_killed |= which == 2;
  kill_pid (world, sim_whereis (world, names[which]));
}

static void
kill_somebody (SimWorld *world)
{
  HemeraSlot *slot = &world->tree->slots[sim_any (world, world->n_shards)];

  switch (sim_any (world, 8)) {
  case 0:
  case 1:
  case 2: kill_pid (world, sim_whereis (world, slot->shard_name)); break;
  case 3:
  case 4: kill_pid (world, sim_whereis (world, slot->parser_name)); break;
  case 5: kill_pid (world, world->net->getter); break;
  case 6:
    if (world->net->sockets->len > 0) {
      HemeraWebsocket *socket =
          g_ptr_array_index (world->net->sockets, sim_any (world, world->net->sockets->len));

      kill_pid (world, socket->supervisor);
    }
    break;
  default: kill_top (world); break;
  }
}

static void
lose_session (SimWorld *world, HemeraWebsocket *socket)
{
  guint session = sim_discord_session_of (socket);

  if (session != 0)
    sim_discord_session (world->discord, session)->valid = FALSE;
}

static void
break_connection (SimWorld *world, HemeraWebsocket *socket)
{
  static const guint codes[] = { 1000, 1001, 4000, 4001, 4002, 4008 };

  faults++;
  if (sim_any (world, 100) == 0 && socket->stage == SIM_OPEN) {
    done.fatal++;
    sim_discord_close (socket, 4014);
    return;
  }
  switch (sim_any (world, 13)) {
  case 0: sim_discord_last_word (world->discord, socket, "{\"op\":7}"); break;
  case 1: sim_discord_last_word (world->discord, socket, "{\"op\":9,\"d\":true}"); break;
  case 2:
    if (sim_discord_session_of (socket) == 0)
      break;
    lose_session (world, socket);
    sim_discord_last_word (world->discord, socket, "{\"op\":9,\"d\":false}");
    break;
  case 3:
  case 4: sim_discord_close (socket, codes[sim_any (world, G_N_ELEMENTS (codes))]); break;
  case 5:
    if (sim_discord_session_of (socket) == 0)
      break; /* there is none to lose yet */
    lose_session (world, socket);
    sim_discord_close (socket, sim_any (world, 2) == 0 ? 4007 : 4009);
    break;
  case 6: sim_discord_silence (socket); break;
  case 7: sim_discord_garbage (world->discord, socket); break;
  case 8:
    if (socket->stage == SIM_OPEN && sim_discord_session_of (socket) != 0)
      sim_discord_say (socket, "{\"op\":1}");
    break;
  case 9: sim_discord_last_word (world->discord, socket, "{\"op\":0,\"s\":1}"); break;
  default: sim_socket_end (socket, 0); break;
  }
}

static void
order (SimWorld *world)
{
  HemeraPid shard = sim_whereis (world, world->tree->slots[sim_any (world, world->n_shards)].shard_name);
  gboolean allow_resume = sim_any (world, 4) != 0;

  done.resume_forbidden |= !allow_resume;
  hemera_send (shard, hemera__reconnect_new (&(HemeraReconnect){ allow_resume }));
}

/* Somebody subscribes, or goes. */
static void
change_subscriptions (SimWorld *world)
{
  SimSubscriber *subscriber =
      g_ptr_array_index (world->subscribers, sim_any (world, world->subscribers->len));

  if (subscriber->late) {
    if (!subscriber->cancelled)
      sim_subscriber_cancel (subscriber);
    return;
  }
  if (world->subscribers->len > 8)
    return;
  subscriber = sim_subscriber_new (world->system, world->discord, world->set, HEMERA_SUBSCRIBER_EVENTS, NULL,
                                   1 + sim_any (world, 32));
  subscriber->late = TRUE;
  g_ptr_array_add (world->subscribers, subscriber);
}

static void
do_harm (SimWorld *world)
{
  switch (sim_any (world, 8)) {
  case 0:
  case 1:
  case 2: kill_somebody (world); break;
  case 3: order (world); break;
  case 4: change_subscriptions (world); break;
  default:
    if (world->net->sockets->len > 0)
      break_connection (world,
                        g_ptr_array_index (world->net->sockets, sim_any (world, world->net->sockets->len)));
    break;
  }
}

/* ---- a seed ------------------------------------------------------------------------------------------------ */

static void
live (SimWorld *world)
{
  gboolean in_the_middle = sim_any (world, 3) == 0;

  world->harm = do_harm;
  for (guint i = 0; i < STEPS && !world->down; i++) {
    static const gint64 times[] = { 0, 0, 1, 10, 100, 1000, 7000, 30000 };

    sim_world_go (world, 1 + sim_any (world, 80), times[sim_any (world, G_N_ELEMENTS (times))]);
  }
  if (in_the_middle || world->down) /* the application supervisor gave up: too much harm */
    world->harm = sim_any (world, 2) == 0 ? do_harm : NULL;
  else
    sim_world_settle (world);
}

/* Late subscriptions go with the life they came in. */
static void
forget_late (SimWorld *world)
{
  for (guint i = world->subscribers->len; i-- > 0;) {
    SimSubscriber *subscriber = g_ptr_array_index (world->subscribers, i);

    if (!subscriber->late)
      continue;
    if (!subscriber->cancelled)
      sim_subscriber_cancel (subscriber);
    hemera__system_run_until_idle (world->system);
    g_ptr_array_remove_index (world->subscribers, i);
  }
}

/* The next life: in this process, where all that was fanned out is handled first, or in another. */
static void
next_life (SimWorld *world, HemeraCloseMode mode, gboolean other_process)
{
  g_autoptr (HemeraTerm) sessions = NULL;

  if (!other_process)
    sim_world_handle_all (world);
  sessions = sim_world_sessions (world, mode);
  hemera__tree_unref (world->tree);
  forget_late (world);
  if (other_process) {
    hemera__subscribers_unref (world->set);
    world->set = hemera__subscribers_new ();
    for (guint i = 0; i < world->subscribers->len; i++)
      sim_subscriber_move (g_ptr_array_index (world->subscribers, i), world->set);
  } else {
    hemera__subscribers_set_closing (world->set, FALSE);
  }
  for (guint shard = 0; shard < world->n_shards; shard++) {
    HemeraSession session;
    guint number = 0;

    if (hemera__sessions_lookup (hemera_term_view (sessions), world->n_shards, shard, &session))
      number = (guint) g_ascii_strtoull (session.id + 1, NULL, 10);
    for (guint i = 0; i < world->subscribers->len; i++)
      sim_subscriber_begin (g_ptr_array_index (world->subscribers, i), shard, number, session.seq,
                            number == 0 && (done.store_killed || mode == HEMERA_CLOSE_END));
    hemera__session_clear (&session);
  }
  done.before = done.store_killed || done.resume_forbidden || mode == HEMERA_CLOSE_END;
  done.store_killed = done.resume_forbidden = FALSE;
  world->discord->unasked = 0;
  sim_world_connect (world, sessions);
}

/* A session that the gateway still had was given up for a reason only, nor forgotten on the way from one tree to another. */
static void
check_sessions (SimWorld *world)
{
  if (!done.store_killed && !done.resume_forbidden && !done.before && world->discord->undecodable == 0)
    g_assert_cmpuint (world->discord->unasked, ==, 0);
}

static void
run_seed (guint32 seed)
{
  guint32 dice = seed * 2654435761u;
  SimWorld *world = sim_world_new (seed, 1 + dice % 3, 1 + dice / 4 % 4, 1u << dice / 16 % 9);

  done = (Harm){ 0 };
  /* Few session starts, in some, and a larger concurrency when they are counted anew. (Of a smaller one a client knows too late.) */
  if (seed % 4 == 0) {
    world->discord->total = world->discord->remaining = 14 + dice / 256 % 20;
    world->discord->reset_us = (60 + dice / 8192 % 600) * (gint64) G_USEC_PER_SEC;
    world->discord->reset_at = hemera_system_now (world->system) + world->discord->reset_us;
    world->discord->next_concurrency += dice / 65536 % 3;
  }
  if (seed % 2 == 0)
    world->config.restart_base_ms = 0; /* back while what its predecessor gave is still under way */
  world->config.encoding = sim_any (world, 3) == 0 ? HEMERA_ENCODING_JSON : HEMERA_ENCODING_ETF;
  sim_world_connect (world, NULL);
  for (guint i = 0; i < LIVES; i++) {
    HemeraCloseMode mode = sim_any (world, 4) == 0 ? HEMERA_CLOSE_END : HEMERA_CLOSE_KEEP;

    live (world);
    sim_world_close (world, mode);
    check_sessions (world);
    next_life (world, mode, sim_any (world, 2) == 0);
  }
  sim_world_settle (world);
  check_sessions (world);
  sim_world_close (world, HEMERA_CLOSE_END);
  hemera__tree_unref (world->tree);
  g_assert_cmpuint (world->ended, <=, done.fatal); /* one may cross a close of ours, or a kill */
  restarts += world->restarts;
  given_up += world->gave_up;
  sim_world_free (world);
}

static void
test_everything_once_and_in_order (void)
{
  const char *wanted = g_getenv ("HEMERA_SEED"), *n = g_getenv ("HEMERA_SEEDS");
  guint32 seeds = n != NULL ? (guint32) g_ascii_strtoull (n, NULL, 10) : SEEDS;

  if (wanted != NULL) {
    run_seed ((guint32) g_ascii_strtoull (wanted, NULL, 10));
    return;
  }
  for (guint32 seed = 1; seed <= seeds; seed++) {
    g_test_message ("HEMERA_SEED=%u", seed);
    run_seed (seed);
  }
  g_test_message ("%u kills, %u faults, %u restarts, %u given up", kills, faults, restarts, given_up);
}

static GLogWriterOutput
no_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  if (level <= G_LOG_LEVEL_CRITICAL)
    return g_log_writer_default (level, fields, n, data);
  if (g_getenv ("HEMERA_SEED") != NULL) /* a warning would be fatal to g_test */
    g_log_writer_standard_streams (level, fields, n, data);
  return G_LOG_WRITER_HANDLED;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (no_log, NULL, NULL);
  g_test_add_func ("/whole-tree/everything-once-and-in-order", test_everything_once_and_in_order);
  return g_test_run ();
}

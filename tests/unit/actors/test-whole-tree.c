/* The whole tree, single-threaded on a virtual clock, from a seed: supervisors, store, broker, gateway actor, parsers and shards as they are,
 * against a strict gateway (sim-discord.h) over a network of memory (sim-net.h). The world is an actor of the same system: between any two
 * turns of the others it lets the network and the gateway go a step, lets subscriptions handle something, and does harm: it kills any
 * actor, breaks connections, loses sessions, says what is undecodable. Then comes quiet, and everything must have arrived: each event once
 * and in order, lost sessions told, no beat missed, no identify too many. The tree is closed, sometimes in the middle of it all, and
 * connected again, in this process or as if in another.
 *
 * HEMERA_SEED=N runs one seed, HEMERA_SEEDS=N so many. */
#include "sim-subscriber.h"

#include "actors/rest/gateway-bot.h"
#include "actors/session/session-file.h"
#include "actors/token.h"
#include "actors/tree/tree.h"

#define SEEDS 300
#define LIVES 2
#define STEPS 60

/* The application supervisor gives up beyond ten a minute, as it should. */
#define TOP_KILLS 8

typedef struct {
  guint32 seed;
  GRand *rand;
  HemeraSystem *system;
  SimNet *net;
  SimDiscord *discord;
  HemeraPid pid;    /* the world's actor */
  HemeraPid facade; /* what the tree takes for one */
  guint turns;      /* left */
  gboolean harm;    /* allowed */
  guint n_shards, credit;
  HemeraGatewayConfig config;
  GPtrArray *subscribers; /* SimSubscriber */
  /* of the life that runs */
  HemeraSubscribers *set;
  HemeraTree *tree;
  HemeraPid root;
  gboolean down, ended;                      /* ended: by a fatal close */
  HemeraSessionPut sessions[SIM_SHARDS_MAX]; /* what the store said last */
  gint64 top_kills[TOP_KILLS];               /* when */
  guint next_top;
  gboolean store_killed, resume_forbidden;
  /* counted */
  guint kills, faults, restarts, gave_up;
} World;

static guint
any (World *world, guint n)
{
  return (guint) g_rand_int_range (world->rand, 0, (gint32) n);
}

static HemeraPid
whereis (World *world, const char *name)
{
  return hemera_system_whereis (world->system, name);
}

/* ---- harm ------------------------------------------------------------------------------------------------- */

static void
kill_pid (World *world, HemeraPid pid)
{
  if (pid.id == 0)
    return;
  world->kills++;
  hemera_exit (pid, hemera_reason_kill ());
}

static void
kill_top (World *world)
{
  HemeraTree *tree = world->tree;
  const char *names[] = { tree->gateway_name, tree->gateway_name, tree->store_name, tree->broker_name,
                          tree->shards_name };
  guint which = any (world, G_N_ELEMENTS (names));
  gint64 now = hemera_system_now (world->system);

  if (world->top_kills[world->next_top] != 0 && now - world->top_kills[world->next_top] < 61 * G_USEC_PER_SEC)
    return;
  world->top_kills[world->next_top] = now;
  world->next_top = (world->next_top + 1) % TOP_KILLS;
  world->store_killed |= which == 2;
  kill_pid (world, whereis (world, names[which]));
}

static void
kill_somebody (World *world)
{
  HemeraSlot *slot = &world->tree->slots[any (world, world->n_shards)];

  switch (any (world, 8)) {
  case 0:
  case 1:
  case 2: kill_pid (world, whereis (world, slot->shard_name)); break;
  case 3:
  case 4: kill_pid (world, whereis (world, slot->parser_name)); break;
  case 5: kill_pid (world, world->net->getter); break;
  case 6:
    if (world->net->sockets->len > 0) {
      HemeraWebsocket *socket =
          g_ptr_array_index (world->net->sockets, any (world, world->net->sockets->len));

      kill_pid (world, socket->supervisor);
    }
    break;
  default: kill_top (world); break;
  }
}

static void
lose_session (World *world, HemeraWebsocket *socket)
{
  guint session = sim_discord_session_of (socket);

  if (session != 0)
    sim_discord_session (world->discord, session)->valid = FALSE;
}

static void
break_connection (World *world, HemeraWebsocket *socket)
{
  static const guint codes[] = { 1000, 1001, 4000, 4001, 4002, 4008 };

  world->faults++;
  switch (any (world, 13)) {
  case 0: sim_discord_last_word (world->discord, socket, "{\"op\":7}"); break;
  case 1: sim_discord_last_word (world->discord, socket, "{\"op\":9,\"d\":true}"); break;
  case 2:
    lose_session (world, socket);
    sim_discord_last_word (world->discord, socket, "{\"op\":9,\"d\":false}");
    break;
  case 3:
  case 4: sim_discord_close (socket, codes[any (world, G_N_ELEMENTS (codes))]); break;
  case 5:
    lose_session (world, socket);
    sim_discord_close (socket, any (world, 2) == 0 ? 4007 : 4009);
    break;
  case 6: sim_discord_silence (socket); break;
  case 7: sim_discord_garbage (world->discord, socket); break;
  case 8:
    if (socket->stage == SIM_OPEN)
      sim_discord_say (socket, "{\"op\":1}");
    break;
  case 9: sim_discord_last_word (world->discord, socket, "{\"op\":0,\"s\":1}"); break;
  default: sim_socket_end (socket, 0); break;
  }
}

static void
order (World *world)
{
  HemeraPid shard = whereis (world, world->tree->slots[any (world, world->n_shards)].shard_name);
  gboolean allow_resume = any (world, 4) != 0;

  world->resume_forbidden |= !allow_resume;
  hemera_send (shard, hemera__reconnect_new (&(HemeraReconnect){ allow_resume }));
}

/* Somebody subscribes, or goes. */
static void
change_subscriptions (World *world)
{
  SimSubscriber *subscriber = g_ptr_array_index (world->subscribers, any (world, world->subscribers->len));

  if (subscriber->late) {
    if (!subscriber->cancelled)
      sim_subscriber_cancel (subscriber);
    return;
  }
  if (world->subscribers->len > 8)
    return;
  subscriber = sim_subscriber_new (world->system, world->discord, world->set, HEMERA_SUBSCRIBER_EVENTS, NULL,
                                   1 + any (world, 32));
  subscriber->late = TRUE;
  g_ptr_array_add (world->subscribers, subscriber);
}

static void
do_harm (World *world)
{
  switch (any (world, 8)) {
  case 0:
  case 1:
  case 2: kill_somebody (world); break;
  case 3: order (world); break;
  case 4: change_subscriptions (world); break;
  default:
    if (world->net->sockets->len > 0)
      break_connection (world,
                        g_ptr_array_index (world->net->sockets, any (world, world->net->sockets->len)));
    break;
  }
}

/* ---- the ordinary -------------------------------------------------------------------------------------------- */

static void
step_socket (World *world, HemeraWebsocket *socket)
{
  switch (socket->stage) {
  case SIM_DIALING:
    if (!socket->resolved)
      sim_socket_resolve (socket);
    else
      sim_socket_open (socket);
    break;
  case SIM_OPEN:
    if (!socket->drained && any (world, 2) == 0)
      sim_socket_drain (socket);
    else if (!g_queue_is_empty (&socket->frames) && any (world, 3) != 0)
      sim_socket_deliver (socket);
    else
      sim_discord_step (world->discord, socket);
    break;
  case SIM_CLOSING: sim_socket_end (socket, 0); break;
  case SIM_OVER: g_assert_not_reached ();
  }
}

static void
answer_get (World *world)
{
  g_autofree char *bot = sim_discord_bot (world->discord);
  guint index = any (world, world->net->gets->len);

  if (!world->harm || any (world, 3) != 0)
    sim_net_answer (world->net, index, 200, bot);
  else if (any (world, 2) == 0)
    sim_net_answer (world->net, index, 500, "");
  else
    sim_net_answer (world->net, index, 0, NULL);
}

static void
step (World *world)
{
  SimSubscriber *subscriber;

  if (world->harm && any (world, 60) == 0)
    do_harm (world);
  switch (any (world, 10)) {
  case 0:
    if (world->harm)
      sim_discord_happen (world->discord, any (world, world->n_shards),
                          any (world, 40) == 0 ? any (world, 600) : any (world, 6), g_rand_int (world->rand));
    break;
  case 1:
  case 2:
  case 3:
    subscriber = g_ptr_array_index (world->subscribers, any (world, world->subscribers->len));
    for (guint i = any (world, 4); i > 0; i--)
      sim_subscriber_handle (subscriber);
    break;
  case 4:
    if (world->net->gets->len > 0)
      answer_get (world);
    break;
  default:
    if (world->net->sockets->len > 0)
      step_socket (world, g_ptr_array_index (world->net->sockets, any (world, world->net->sockets->len)));
    break;
  }
}

/* ---- actors of the test ----------------------------------------------------------------------------------------- */

static HemeraNext
actor_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(World **) state = (World *) args;
  return HEMERA_CONTINUE;
}

static HemeraNext
world_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  World *world = *(World **) state;

  step (world);
  if (--world->turns > 0)
    hemera__credit_send (hemera_actor_self (self), &(HemeraCredit){ 0 });
  return HEMERA_CONTINUE;
}

static void
hear (World *world, HemeraShardMessage *message)
{
  if (message->type == HEMERA_SHARD_MESSAGE_RESTARTED)
    world->restarts++;
  if (message->type == HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED) {
    g_assert_nonnull (message->error);
    world->gave_up += message->will_restart;
    world->ended |= !message->will_restart;
  }
}

static HemeraNext
facade_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  World *world = *(World **) state;
  HemeraSaid *said = hemera__said_peek (message);
  HemeraTreeDown *down = hemera__tree_down_peek (message);
  HemeraSessionPut put;

  if (said != NULL) {
    g_assert_cmpuint (said->tree, ==, world->tree->number);
    atomic_fetch_sub (&world->tree->facade_pending, 1);
    hear (world, said->message);
  } else if (down != NULL) {
    world->down = TRUE;
  } else if (hemera__session_put_steal (message, &put)) {
    hemera__session_clear (&world->sessions[put.index].session);
    world->sessions[put.index] = put;
  }
  return HEMERA_CONTINUE;
}

static const HemeraActorClass world_class = {
  .name = "world",
  .state_size = sizeof (World *),
  .init = actor_init,
  .receive = world_receive,
};

static const HemeraActorClass facade_class = {
  .name = "facade",
  .state_size = sizeof (World *),
  .init = actor_init,
  .receive = facade_receive,
};

/* @turns of the world, and as many of the others as those make. */
static void
go (World *world, guint turns, gint64 ms)
{
  world->turns = turns;
  hemera__credit_send (world->pid, &(HemeraCredit){ 0 });
  hemera__system_run_until_idle (world->system);
  g_assert_cmpuint (world->turns, ==, 0);
  hemera__system_advance (world->system, ms * 1000);
}

/* ---- a life -------------------------------------------------------------------------------------------------------- */

static void
connect_tree (World *world, HemeraTerm *sessions)
{
  g_autofree char *text = sim_discord_bot (world->discord);
  g_autoptr (GBytes) body = g_bytes_new (text, strlen (text));
  HemeraGatewayBot *bot = hemera__gateway_bot_parse (body, TRUE, FALSE, NULL);

  world->config.sessions = sessions;
  world->tree = hemera__tree_new (world->system, &world->config, bot, "", world->facade, world->set);
  world->config.sessions = NULL;
  for (guint i = 0; i < world->n_shards; i++) {
    hemera__session_clear (&world->sessions[i].session);
    world->sessions[i] = (HemeraSessionPut){ .index = i, .serial = 1 };
    if (sessions != NULL)
      hemera__sessions_lookup (hemera_term_view (sessions), world->n_shards, i, &world->sessions[i].session);
  }
  world->down = FALSE;
  world->root = hemera__tree_spawn (world->system, world->tree);
  hemera_gateway_bot_unref (bot);
}

/* As the facade makes it. (transfer full) */
static HemeraTerm *
sessions_of (World *world)
{
  HemeraSession sessions[SIM_SHARDS_MAX];
  guint shards[SIM_SHARDS_MAX], n = 0;

  for (guint i = 0; i < world->n_shards; i++) {
    sessions[n] = world->sessions[i].session;
    shards[n] = i;
    if (sessions[n].id != NULL
        && hemera__tree_safe_seq (world->tree, i, world->sessions[i].serial, &sessions[n].seq))
      n++;
  }
  return hemera__sessions_new (
      world->n_shards, (atomic_load (&world->tree->identified_us) + world->tree->wall_offset_us) / 1000,
      shards, sessions, n);
}

static gboolean
is_settled (World *world)
{
  for (guint s = 0; s < world->n_shards; s++) {
    if (atomic_load (&world->tree->slots[s].state) != HEMERA_SHARD_ACTIVE)
      return FALSE;
    for (guint i = 0; i < world->subscribers->len; i++) {
      SimSubscriber *subscriber = g_ptr_array_index (world->subscribers, i);

      if (!subscriber->cancelled && !sim_subscriber_is_done (subscriber, s))
        return FALSE;
    }
  }
  return TRUE;
}

static void
handle_all (World *world)
{
  for (guint i = 0; i < world->subscribers->len; i++)
    while (sim_subscriber_handle (g_ptr_array_index (world->subscribers, i))) {}
}

/* Nothing bad happens any more: everything arrives. */
static void
settle (World *world)
{
  world->harm = FALSE;
  for (guint i = 0; i < 3000 && !is_settled (world); i++)
    go (world, 200, i < 100 ? 100 : 2000);
  if (!is_settled (world)) {
    g_autofree char *dump = hemera_system_dump (world->system, 1000);

    g_error ("seed %u does not settle:\n%s", world->seed, dump);
  }
}

static void
close_tree (World *world, HemeraCloseMode mode)
{
  if (!world->down)
    hemera__subscribers_set_closing (world->set, TRUE);
  hemera__tree_close_send (world->root, &(HemeraTreeClose){ mode });
  for (guint i = 0; i < 600 && !world->down; i++)
    go (world, 20, 100);
  if (!world->down) {
    g_autofree char *dump = hemera_system_dump (world->system, 1000);

    g_error ("seed %u: the tree does not end:\n%s", world->seed, dump);
  }
  g_assert_cmpuint (world->net->sockets->len, ==, 0);
  g_assert_cmpuint (whereis (world, world->tree->gateway_name).id, ==, 0);
  g_assert_cmpuint (whereis (world, world->tree->root_name).id, ==, 0);
}

static void
live (World *world)
{
  gboolean in_the_middle = any (world, 3) == 0;

  world->harm = TRUE;
  for (guint i = 0; i < STEPS && !world->down; i++) {
    static const gint64 times[] = { 0, 0, 1, 10, 100, 1000, 7000, 30000 };

    go (world, 1 + any (world, 80), times[any (world, G_N_ELEMENTS (times))]);
  }
  if (in_the_middle || world->down) /* the application supervisor gave up: too much harm */
    world->harm = any (world, 2) == 0;
  else
    settle (world);
}

/* ---- a seed ----------------------------------------------------------------------------------------------------------- */

static void
subscribe (World *world, HemeraSubscriberKind kind, const char *name)
{
  g_ptr_array_add (world->subscribers,
                   sim_subscriber_new (world->system, world->discord, world->set, kind, name, world->credit));
}

static World *
world_new (guint32 seed)
{
  World *world = g_new0 (World, 1);

  world->seed = seed;
  world->rand = g_rand_new_with_seed (seed);
  world->system = hemera__system_new_simulated (seed);
  world->n_shards = 1 + any (world, 3);
  world->credit = 1 << any (world, 9);
  world->discord = sim_discord_new (world->system, world->n_shards, 1 + any (world, 4));
  world->net = sim_net = sim_net_new ();
  world->net->on_sent = sim_discord_sent;
  world->net->on_over = sim_discord_over;
  world->net->data = world->discord;
  hemera__gateway_config_init (&world->config);
  world->config.token = hemera__token_new ("token.of.tests", NULL);
  world->config.cool_down_ms = 10000;
  world->config.encoding = any (world, 3) == 0 ? HEMERA_ENCODING_JSON : HEMERA_ENCODING_ETF;
  world->config.compression = HEMERA_COMPRESSION_NONE;
  world->pid = hemera_system_spawn (world->system,
                                    &(HemeraSpawn){ .actor_class = &world_class, .args = { .data = world } });
  world->facade = hemera_system_spawn (
      world->system, &(HemeraSpawn){ .actor_class = &facade_class, .args = { .data = world } });
  world->subscribers = g_ptr_array_new_with_free_func ((GDestroyNotify) sim_subscriber_free);
  world->set = hemera__subscribers_new ();
  subscribe (world, HEMERA_SUBSCRIBER_EVENTS, NULL);
  subscribe (world, HEMERA_SUBSCRIBER_MESSAGES, NULL);
  subscribe (world, HEMERA_SUBSCRIBER_EVENTS, sim_event_name (SIM_MESSAGE));
  return world;
}

static void
world_free (World *world)
{
  hemera_system_unref (world->system);
  for (guint i = 0; i < SIM_SHARDS_MAX; i++)
    hemera__session_clear (&world->sessions[i].session);
  g_ptr_array_unref (world->subscribers);
  hemera__subscribers_unref (world->set);
  hemera__gateway_config_clear (&world->config);
  sim_net_free (world->net);
  sim_discord_free (world->discord);
  g_rand_free (world->rand);
  g_free (world);
}

/* Late subscriptions go with the life they came in. */
static void
forget_late (World *world)
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
next_life (World *world, gboolean other_process)
{
  g_autoptr (HemeraTerm) sessions = NULL;

  if (!other_process)
    handle_all (world);
  sessions = sessions_of (world);
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
                            number == 0 && world->store_killed);
    hemera__session_clear (&session);
  }
  world->store_killed = FALSE;
  connect_tree (world, sessions);
}

static void
run_seed (guint32 seed, World *sum)
{
  World *world = world_new (seed);

  connect_tree (world, NULL);
  for (guint i = 0; i < LIVES; i++) {
    live (world);
    close_tree (world, HEMERA_CLOSE_KEEP);
    next_life (world, any (world, 2) == 0);
  }
  settle (world);
  close_tree (world, HEMERA_CLOSE_END);
  hemera__tree_unref (world->tree);
  sum->kills += world->kills;
  sum->faults += world->faults;
  sum->restarts += world->restarts;
  sum->gave_up += world->gave_up;
  world_free (world);
}

static void
test_everything_once_and_in_order (void)
{
  const char *wanted = g_getenv ("HEMERA_SEED"), *n = g_getenv ("HEMERA_SEEDS");
  guint32 seeds = n != NULL ? (guint32) g_ascii_strtoull (n, NULL, 10) : SEEDS;
  World sum = { 0 };

  if (wanted != NULL) {
    run_seed ((guint32) g_ascii_strtoull (wanted, NULL, 10), &sum);
    return;
  }
  for (guint32 seed = 1; seed <= seeds; seed++) {
    g_test_message ("HEMERA_SEED=%u", seed);
    run_seed (seed, &sum);
  }
  g_test_message ("%u kills, %u faults, %u restarts, %u given up", sum.kills, sum.faults, sum.restarts,
                  sum.gave_up);
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

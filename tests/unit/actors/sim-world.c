/* The world: its steps, its actors, a tree's life in it. See sim-world.h. */
#include "sim-world.h"

#include "actors/rest/gateway-bot.h"
#include "actors/session/session-file.h"
#include "actors/token.h"

guint
sim_any (SimWorld *self, guint n)
{
  return (guint) g_rand_int_range (self->rand, 0, (gint32) n);
}

HemeraPid
sim_whereis (SimWorld *self, const char *name)
{
  return hemera_system_whereis (self->system, name);
}

/* ---- the ordinary -------------------------------------------------------------------------------------------- */

/* Many events in one read, so that they are under way together. */
static void
pour (SimWorld *world, HemeraWebsocket *socket)
{
  for (guint i = sim_any (world, 400); i > 0 && sim_discord_step (world->discord, socket); i--) {}
  for (guint i = sim_any (world, 400); i > 0 && sim_socket_deliver (socket); i--) {}
}

static void
step_socket (SimWorld *world, HemeraWebsocket *socket)
{
  switch (socket->stage) {
  case SIM_DIALING:
    if (!socket->resolved)
      sim_socket_resolve (socket);
    else
      sim_socket_open (socket);
    break;
  case SIM_OPEN:
    if (sim_any (world, 20) == 0)
      pour (world, socket);
    else if (!socket->drained && sim_any (world, 2) == 0)
      sim_socket_drain (socket);
    else if (!g_queue_is_empty (&socket->frames) && sim_any (world, 3) != 0)
      sim_socket_deliver (socket);
    else
      sim_discord_step (world->discord, socket);
    break;
  case SIM_CLOSING: sim_socket_end (socket, 0); break;
  case SIM_OVER: g_assert_not_reached ();
  }
}

static void
answer_get (SimWorld *world)
{
  g_autofree char *bot = sim_discord_bot (world->discord);
  guint index = sim_any (world, world->net->gets->len);

  if (world->harm == NULL || sim_any (world, 3) != 0)
    sim_net_answer (world->net, index, 200, bot);
  else if (sim_any (world, 2) == 0)
    sim_net_answer (world->net, index, 500, "");
  else
    sim_net_answer (world->net, index, 0, NULL);
}

static void
step (SimWorld *world)
{
  SimSubscriber *subscriber;

  if (world->once != NULL) {
    world->once (world);
    world->once = NULL;
  }
  if (world->harm != NULL && sim_any (world, 60) == 0)
    world->harm (world);
  switch (sim_any (world, 10)) {
  case 0:
    if (world->harm != NULL)
      sim_discord_happen (world->discord, sim_any (world, world->n_shards),
                          sim_any (world, 40) == 0 ? sim_any (world, 600) : sim_any (world, 6),
                          g_rand_int (world->rand));
    break;
  case 1:
  case 2:
  case 3:
    subscriber = g_ptr_array_index (world->subscribers, sim_any (world, world->subscribers->len));
    for (guint i = world->stuck ? 0 : sim_any (world, 4); i > 0; i--)
      sim_subscriber_handle (subscriber);
    break;
  case 4:
    if (world->net->gets->len > 0)
      answer_get (world);
    break;
  default:
    if (world->net->sockets->len > 0)
      step_socket (world, g_ptr_array_index (world->net->sockets, sim_any (world, world->net->sockets->len)));
    break;
  }
}

/* ---- actors of the test ----------------------------------------------------------------------------------------- */

static HemeraNext
actor_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(SimWorld **) state = (SimWorld *) args;
  return HEMERA_CONTINUE;
}

static HemeraNext
world_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  SimWorld *world = *(SimWorld **) state;

  step (world);
  if (--world->turns > 0)
    hemera__credit_send (hemera_actor_self (self), &(HemeraCredit){ 0 });
  return HEMERA_CONTINUE;
}

static void
hear (SimWorld *world, HemeraShardMessage *message)
{
  world->restarts += message->type == HEMERA_SHARD_MESSAGE_RESTARTED;
  world->alarms += message->type == HEMERA_SHARD_MESSAGE_ALARM;
  if (message->type == HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED) {
    g_assert_nonnull (message->error);
    world->gave_up += message->will_restart;
    world->ended += !message->will_restart;
    if (!message->will_restart)
      g_assert_cmpuint (message->code, ==, 4014);
  }
}

static HemeraNext
facade_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  SimWorld *world = *(SimWorld **) state;
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
  .state_size = sizeof (SimWorld *),
  .init = actor_init,
  .receive = world_receive,
};

static const HemeraActorClass facade_class = {
  .name = "facade",
  .state_size = sizeof (SimWorld *),
  .init = actor_init,
  .receive = facade_receive,
};

void
sim_world_go (SimWorld *world, guint turns, gint64 ms)
{
  world->turns = turns;
  hemera__credit_send (world->pid, &(HemeraCredit){ 0 });
  hemera__system_run_until_idle (world->system);
  g_assert_cmpuint (world->turns, ==, 0);
  hemera__system_advance (world->system, ms * 1000);
}

/* ---- a life -------------------------------------------------------------------------------------------------------- */

void
sim_world_connect (SimWorld *world, HemeraTerm *sessions)
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

HemeraTerm *
sim_world_sessions (SimWorld *world, HemeraCloseMode mode)
{
  HemeraSession sessions[SIM_SHARDS_MAX];
  guint shards[SIM_SHARDS_MAX], n = 0;

  for (guint i = 0; mode == HEMERA_CLOSE_KEEP && i < world->n_shards; i++) {
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

gboolean
sim_world_is_settled (SimWorld *world)
{
  for (guint s = 0; s < world->n_shards; s++) {
    if (atomic_load (&world->tree->slots[s].end) == HEMERA_SHARD_ENDED)
      continue;
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

void
sim_world_handle_all (SimWorld *world)
{
  for (guint i = 0; i < world->subscribers->len; i++)
    while (sim_subscriber_handle (g_ptr_array_index (world->subscribers, i))) {}
}

void
sim_world_settle (SimWorld *world)
{
  world->harm = NULL;
  for (guint i = 0; i < 3000 && !sim_world_is_settled (world); i++)
    sim_world_go (world, 200, i < 100 ? 100 : 2000);
  if (!sim_world_is_settled (world)) {
    g_autofree char *dump = hemera_system_dump (world->system, 1000);

    g_error ("seed %u does not settle:\n%s", world->seed, dump);
  }
}

static gboolean
has_actors (SimWorld *world)
{
  for (guint i = 0; i < world->n_shards; i++)
    if (sim_whereis (world, world->tree->slots[i].parser_name).id != 0
        || sim_whereis (world, world->tree->slots[i].shard_name).id != 0)
      return TRUE;
  return FALSE;
}

void
sim_world_close (SimWorld *world, HemeraCloseMode mode)
{
  if (!world->down)
    hemera__subscribers_set_closing (world->set, TRUE);
  hemera__tree_close_send (world->root, &(HemeraTreeClose){ mode });
  for (guint i = 0; i < 600 && !world->down; i++)
    sim_world_go (world, 20, 100);
  if (!world->down) {
    g_autofree char *dump = hemera_system_dump (world->system, 1000);

    g_error ("seed %u: the tree does not end:\n%s", world->seed, dump);
  }
  /* A supervisor that waits for the start of a parser, and whose own was killed, ends some seconds later; the facade would take other
   * names meanwhile. */
  for (guint i = 0; i < 60 && has_actors (world); i++)
    sim_world_go (world, 1, 100);
  g_assert_false (has_actors (world));
  g_assert_cmpuint (world->net->sockets->len, ==, 0);
  g_assert_cmpuint (sim_whereis (world, world->tree->gateway_name).id, ==, 0);
  g_assert_cmpuint (sim_whereis (world, world->tree->root_name).id, ==, 0);
}

/* ---- making -------------------------------------------------------------------------------------------------------- */

static void
subscribe (SimWorld *world, HemeraSubscriberKind kind, const char *name)
{
  g_ptr_array_add (world->subscribers,
                   sim_subscriber_new (world->system, world->discord, world->set, kind, name, world->credit));
}

SimWorld *
sim_world_new (guint32 seed, guint n_shards, guint max_concurrency, guint credit)
{
  SimWorld *world = g_new0 (SimWorld, 1);

  world->seed = seed;
  world->rand = g_rand_new_with_seed (seed);
  world->system = hemera__system_new_simulated (seed);
  world->n_shards = n_shards;
  world->credit = credit;
  world->discord = sim_discord_new (world->system, n_shards, max_concurrency);
  world->net = sim_net = sim_net_new ();
  world->net->on_sent = sim_discord_sent;
  world->net->on_over = sim_discord_over;
  world->net->data = world->discord;
  hemera__gateway_config_init (&world->config);
  world->config.token = hemera__token_new ("token.of.tests", NULL);
  world->config.cool_down_ms = 10000;
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

void
sim_world_free (SimWorld *world)
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

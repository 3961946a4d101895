/* The session store: what a restarted shard gets back, and what it is told again after its own restart. */
#include "tree-rig.h"

#include "actors/shard/shard-actor.h"
#include "actors/token.h"

typedef struct {
  HemeraPid store;
  guint index;
  HemeraSessionPut *answer;
} Asker;

static HemeraNext
asker_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  Asker *asker = *(Asker **) state = (Asker *) args;

  hemera_actor_call (self, asker->store, hemera__session_get_new (&(HemeraSessionGet){ asker->index }), 0);
  return HEMERA_CONTINUE;
}

static HemeraNext
asker_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  HemeraReplyMessage *reply = hemera_reply_message_peek (message);
  Asker *asker = *(Asker **) state;

  g_assert_nonnull (reply);
  g_assert_no_error (reply->error);
  asker->answer = g_new0 (HemeraSessionPut, 1);
  g_assert_true (hemera__session_put_steal (reply->reply, asker->answer));
  return HEMERA_STOP;
}

static const HemeraActorClass asker_class = {
  .name = "asker",
  .state_size = sizeof (Asker *),
  .init = asker_init,
  .receive = asker_receive,
};

/* (transfer full) */
static HemeraSessionPut *
ask (Rig *rig, HemeraPid store, guint index)
{
  Asker asker = { store, index, NULL };

  hemera_system_spawn (rig->system,
                       &(HemeraSpawn){ .actor_class = &asker_class, .args = { .data = &asker } });
  rig_run (rig);
  g_assert_nonnull (asker.answer);
  return asker.answer;
}

static void
answer_free (HemeraSessionPut *answer)
{
  hemera__session_clear (&answer->session);
  g_free (answer);
}

static void
put (Rig *rig, HemeraPid store, guint index, guint serial, const char *id)
{
  HemeraSessionPut message = { .index = index, .serial = serial, .session = { .id = g_strdup (id) } };

  hemera__session_put_send (store, &message);
  rig_run (rig);
}

static void
test_seq_is_what_was_fanned_out (void)
{
  Rig rig;
  HemeraPid store;
  HemeraSessionPut *answer;

  rig_init (&rig, 2, 1, 100);
  store = rig_spawn_server (&rig, &hemera__session_store_class, rig.tree->store_name);
  put (&rig, store, 1, 3, "abc");
  rig.tree->slots[1].fanned = hemera__place (3, 42);
  answer = ask (&rig, store, 1);
  g_assert_cmpstr (answer->session.id, ==, "abc");
  g_assert_cmpuint (answer->session.seq, ==, 42);
  g_assert_cmpuint (answer->serial, ==, 3);
  answer_free (answer);
  answer = ask (&rig, store, 0);
  g_assert_null (answer->session.id);
  answer_free (answer);
  rig_clear (&rig);
}

static void
test_new_session_starts_at_nought (void)
{
  Rig rig;
  HemeraPid store;
  HemeraSessionPut *answer;

  rig_init (&rig, 1, 1, 100);
  store = rig_spawn_server (&rig, &hemera__session_store_class, rig.tree->store_name);
  rig.tree->slots[0].fanned = hemera__place (1, 42); /* of the session before */
  put (&rig, store, 0, 2, "def");
  answer = ask (&rig, store, 0);
  g_assert_cmpuint (answer->session.seq, ==, 0);
  answer_free (answer);
  rig_clear (&rig);
}

static void
test_dropped (void)
{
  Rig rig;
  HemeraPid store;
  HemeraSessionPut *answer;

  rig_init (&rig, 1, 1, 100);
  store = rig_spawn_server (&rig, &hemera__session_store_class, rig.tree->store_name);
  put (&rig, store, 0, 1, "abc");
  put (&rig, store, 0, 1, NULL);
  hemera__session_failures_send (store, &(HemeraSessionFailures){ 0, 2 });
  answer = ask (&rig, store, 0);
  g_assert_null (answer->session.id);
  g_assert_cmpuint (answer->failures, ==, 2);
  answer_free (answer);
  rig_clear (&rig);
}

static void
test_facade_hears (void)
{
  Rig rig;
  HemeraSessionPut *heard;

  rig_init (&rig, 1, 1, 100);
  put (&rig, rig_spawn_server (&rig, &hemera__session_store_class, rig.tree->store_name), 0, 1, "abc");
  heard = probe_payload (rig.facade, &hemera__session_put_type, 0);
  g_assert_nonnull (heard);
  g_assert_cmpstr (heard->session.id, ==, "abc");
  rig_clear (&rig);
}

/* A store that is killed once it has answered, as far as the shard can tell: its successor is there when the answer is read. */
typedef struct {
  HemeraTree *tree;
  HemeraFrom *from;
} Mortal;

static HemeraNext
mortal_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  ((Mortal *) state)->tree = ((const HemeraTreeArgs *) args)->tree;
  return HEMERA_CONTINUE;
}

static HemeraNext
mortal_handle_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  Mortal *mortal = state;
  const HemeraTreeArgs args = { mortal->tree, 0 };
  HemeraSpawn spawn = hemera_server_spawn (&hemera__session_store_class);

  hemera_actor_unregister (self);
  spawn.args = hemera__tree_args (&args);
  spawn.name = mortal->tree->store_name;
  hemera_actor_spawn (self, &spawn);
  mortal->from = from;
  hemera_actor_start_timer (self, 10, hemera_actor_self (self), NULL);
  return HEMERA_CONTINUE;
}

static HemeraNext
mortal_handle_info (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  HemeraSessionPut put = { .serial = 1 };
  HemeraSession session = { .id = (char *) "abc" };

  hemera__session_copy (&put.session, &session);
  hemera_from_reply (((Mortal *) state)->from, hemera__session_put_new (&put));
  return HEMERA_STOP;
}

static void
test_successor_is_told (void)
{
  static const HemeraServerClass mortal = {
    .name = "mortal",
    .state_size = sizeof (Mortal),
    .init = mortal_init,
    .handle_call = mortal_handle_call,
    .handle_info = mortal_handle_info,
  };
  Rig rig;
  HemeraSessionPut *answer;

  rig_init (&rig, 1, 1, 100);
  rig.tree->config.token = hemera__token_new ("token.of.tests", NULL);
  rig_spawn_server (&rig, &mortal, rig.tree->store_name);
  rig_spawn_server (&rig, &hemera__shard_actor_class, rig.tree->slots[0].shard_name);
  rig_advance (&rig, 1000);
  answer = ask (&rig, hemera_system_whereis (rig.system, rig.tree->store_name), 0);
  g_assert_cmpstr (answer->session.id, ==, "abc");
  answer_free (answer);
  rig_clear (&rig);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/session-store/seq-is-what-was-fanned-out", test_seq_is_what_was_fanned_out);
  g_test_add_func ("/session-store/new-session-starts-at-0", test_new_session_starts_at_nought);
  g_test_add_func ("/session-store/dropped", test_dropped);
  g_test_add_func ("/session-store/successor-is-told", test_successor_is_told);
  g_test_add_func ("/session-store/facade-hears", test_facade_hears);
  return g_test_run ();
}

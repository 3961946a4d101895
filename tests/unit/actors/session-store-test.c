/* The session store: what a restarted shard gets back, and what it is told again after its own restart. */
#include "tree-rig.h"

#include "actors/shard/shard-actor.h"
#include "actors/session/session-file.h"
#include "actors/token.h"

typedef struct {
  HemeraPid store;
  guint index;
  HemeraActorMessage *request; /* (nullable): another than for @index */
  HemeraSessionPut *answer;    /* NULL: none came in time */
} Asker;

static HemeraNext
asker_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  Asker *asker = *(Asker **) state = (Asker *) args;

  if (asker->request == NULL)
    asker->request = hemera__session_get_new (&(HemeraSessionGet){ asker->index });
  hemera_actor_call (self, asker->store, g_steal_pointer (&asker->request), 1000);
  return HEMERA_CONTINUE;
}

static HemeraNext
asker_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  HemeraReplyMessage *reply = hemera_reply_message_peek (message);
  Asker *asker = *(Asker **) state;

  g_assert_nonnull (reply);
  if (g_error_matches (reply->error, HEMERA_ERROR, HEMERA_ERROR_TIMEOUT))
    return HEMERA_STOP;
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
  Asker asker = { store, index, NULL, NULL };

  hemera_system_spawn (rig->system,
                       &(HemeraSpawn){ .actor_class = &asker_class, .args = { .data = &asker } });
  rig_run (rig);
  g_assert_nonnull (asker.answer);
  return asker.answer;
}

/* Waits out the time of a call that nobody answers. @request: (transfer full) */
static void
assert_not_answered (Rig *rig, HemeraPid store, HemeraActorMessage *request)
{
  Asker asker = { store, 0, request, NULL };

  hemera_system_spawn (rig->system,
                       &(HemeraSpawn){ .actor_class = &asker_class, .args = { .data = &asker } });
  rig_run (rig);
  rig_advance (rig, 1000);
  g_assert_null (asker.answer);
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

/* ---- sessions of the options ------------------------------------------------------------------------------------ */

/* A rig of two shards, whose options have a session of shard 1 at seq 42. */
static HemeraPid
store_with_options (Rig *rig, guint serial)
{
  const guint shard = 1;
  const HemeraSession session = { .id = (char *) "abc", .seq = 42, .alive_ms = 777 };

  rig_init (rig, 2, 1, 100);
  rig->tree->sessions = hemera__sessions_new (2, 0, &shard, &session, 1);
  for (guint i = 0; i < 2; i++)
    rig->tree->slots[i].serial = serial;
  rig->tree->slots[1].fanned = hemera__place (serial, 42);
  return rig_spawn_server (rig, &hemera__session_store_class, rig->tree->store_name);
}

static void
test_starts_from_the_options (void)
{
  Rig rig;
  HemeraPid store = store_with_options (&rig, 1);
  HemeraSessionPut *answer = ask (&rig, store, 1);

  g_assert_cmpstr (answer->session.id, ==, "abc");
  g_assert_cmpuint (answer->session.seq, ==, 42);
  g_assert_cmpuint (answer->serial, ==, 1);
  answer_free (answer);
  answer = ask (&rig, store, 0); /* they have none of this shard */
  g_assert_null (answer->session.id);
  g_assert_cmpuint (answer->serial, ==, 0);
  answer_free (answer);
  rig_clear (&rig);
}

/* A store that is restarted later must not bring back what is over. */
static void
test_options_are_for_the_first_connection (void)
{
  Rig rig;
  HemeraSessionPut *answer = ask (&rig, store_with_options (&rig, 2), 1);

  g_assert_null (answer->session.id);
  answer_free (answer);
  rig_clear (&rig);
}

static void
test_no_options (void)
{
  Rig rig;
  HemeraSessionPut *answer;

  rig_init (&rig, 1, 1, 100);
  rig.tree->slots[0].serial = 1;
  answer = ask (&rig, rig_spawn_server (&rig, &hemera__session_store_class, rig.tree->store_name), 0);
  g_assert_null (answer->session.id);
  g_assert_cmpuint (answer->serial, ==, 0);
  answer_free (answer);
  rig_clear (&rig);
}

/* ---- the rest ------------------------------------------------------------------------------------------------------- */

static void
test_alive_here_or_by_the_file (void)
{
  Rig rig;
  HemeraPid store = store_with_options (&rig, 1);
  HemeraSessionPut *answer = ask (&rig, store, 1);

  g_assert_cmpint (answer->session.alive_ms, ==, 777);
  answer_free (answer);
  rig.tree->slots[1].alive_us = 5000000;
  answer = ask (&rig, store, 1);
  g_assert_cmpint (answer->session.alive_ms, ==, (5000000 + rig.tree->wall_offset_us) / 1000);
  answer_free (answer);
  rig_clear (&rig);
}

static void
test_other_indices_are_ignored (void)
{
  Rig rig;
  HemeraPid store;
  HemeraSessionPut *answer;

  rig_init (&rig, 1, 1, 100);
  store = rig_spawn_server (&rig, &hemera__session_store_class, rig.tree->store_name);
  put (&rig, store, 1, 1, "abc");
  hemera__session_failures_send (store, &(HemeraSessionFailures){ 1, 2 });
  assert_not_answered (&rig, store, hemera__session_get_new (&(HemeraSessionGet){ 1 }));
  assert_not_answered (&rig, store, hemera__session_failures_new (&(HemeraSessionFailures){ 0, 2 }));
  g_assert_cmpuint (probe_count (rig.facade, &hemera__session_put_type), ==, 0);
  answer = ask (&rig, store, 0);
  g_assert_null (answer->session.id);
  answer_free (answer);
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
  g_test_add_func ("/session-store/starts-from-the-options", test_starts_from_the_options);
  g_test_add_func ("/session-store/options-are-for-the-first", test_options_are_for_the_first_connection);
  g_test_add_func ("/session-store/no-options", test_no_options);
  g_test_add_func ("/session-store/alive", test_alive_here_or_by_the_file);
  g_test_add_func ("/session-store/other-indices", test_other_indices_are_ignored);
  return g_test_run ();
}

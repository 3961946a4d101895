/* HemeraGateway without a gateway: what is asked of it before, while and after it tries to connect to a port where nobody listens. */
#include "actors/facade/facade.h"
#include "actors/rest/gateway-bot.h"
#include "actors/session/session-file.h"
#include "tests/descriptors.h"
#include <hemera/hemera.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

typedef struct {
  HemeraSystem *system;
  HemeraGateway *gateway;
  GMainLoop *loop;
  GAsyncResult *result;
  guint alarms;
} Fixture;

static HemeraGatewayApiOptions *
options_new (void)
{
  HemeraGatewayApiOptions *options = hemera_gateway_api_options_new ("token.of.tests", NULL);

  g_assert_true (hemera_gateway_api_options_set_api_url (options, "http://127.0.0.1:1", NULL));
  hemera_gateway_api_options_set_backoff (options, 5, 20, 0);
  return options;
}

static void
on_alarm (HemeraGateway *gateway, guint shard, const char *text, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_cmpuint (shard, ==, HEMERA_NO_SHARD);
  g_assert_null (strstr (text, "token.of.tests"));
  if (++self->alarms == 2 && self->loop != NULL)
    g_main_loop_quit (self->loop);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  const HemeraSystemOptions system_options = { .workers = 2, .seed = 1 };
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();

  self->system = hemera_system_new (&system_options, NULL);
  self->gateway = hemera_gateway_new (self->system, options);
  g_signal_connect (self->gateway, "alarm", G_CALLBACK (on_alarm), self);
  self->loop = g_main_loop_new (NULL, FALSE);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_object (&self->result);
  g_clear_object (&self->gateway);
  g_main_loop_unref (self->loop);
  hemera_system_unref (self->system);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_null (self->result);
  self->result = g_object_ref (result);
  g_main_loop_quit (self->loop);
}

static void
never (HemeraGateway *gateway, HemeraEvent *event, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
count (gpointer data)
{
  ++*(guint *) data;
}

static void
test_dropped_at_once (Fixture *self, gconstpointer data)
{
  guint destroyed = 0;

  hemera_gateway_on_event (self->gateway, NULL, NULL, never, &destroyed, count);
  g_clear_object (&self->gateway);
  g_assert_cmpuint (destroyed, ==, 1);
}

typedef struct {
  Fixture *fixture;
  pthread_t thread;
} Dropped;

static void
on_disposed (gpointer data, GObject *gateway)
{
  Dropped *dropped = data;

  dropped->thread = pthread_self ();
  g_main_loop_quit (dropped->fixture->loop);
}

static void *
drop (void *data)
{
  g_object_unref (data);
  return NULL;
}

static gboolean
drop_elsewhere (gpointer data)
{
  Dropped *dropped = data;
  pthread_t thread;

  pthread_create (&thread, NULL, drop, g_steal_pointer (&dropped->fixture->gateway));
  pthread_join (thread, NULL);
  return G_SOURCE_REMOVE;
}

/* As a callback in another thread may do, when the program drops its own reference meanwhile. */
static void
test_dropped_in_another_thread (Fixture *self, gconstpointer data)
{
  Dropped dropped = { .fixture = self };

  g_object_weak_ref (G_OBJECT (self->gateway), on_disposed, &dropped);
  g_idle_add (drop_elsewhere, &dropped);
  g_main_loop_run (self->loop);
  g_assert_true (pthread_equal (dropped.thread, pthread_self ()));
}

static void
test_cancelled_subscription (Fixture *self, gconstpointer data)
{
  guint destroyed = 0;
  HemeraSubscription *subscription =
      hemera_gateway_on_event (self->gateway, NULL, NULL, never, &destroyed, count);

  hemera_subscription_cancel (subscription);
  g_assert_cmpuint (destroyed, ==, 1);
  hemera_subscription_cancel (subscription);
  while (g_main_context_iteration (NULL, FALSE)) {}
  g_assert_cmpuint (destroyed, ==, 1);
}

typedef struct {
  HemeraGateway *gateway;
  gboolean gone, was_gone;
} Resubscribed;

static void
note_gone (gpointer data, GObject *subscription)
{
  ((Resubscribed *) data)->gone = TRUE;
}

static void
subscribe_again (gpointer data)
{
  Resubscribed *self = data;

  hemera_gateway_on_event (self->gateway, NULL, NULL, never, NULL, NULL);
  self->was_gone = self->gone;
}

/* The gateway forgets a cancelled one at the next subscription, which may come inside of the very call that cancels. */
static void
test_subscribed_by_destroy (Fixture *self, gconstpointer data)
{
  Resubscribed again = { .gateway = self->gateway };
  HemeraSubscription *subscription =
      hemera_gateway_on_event (self->gateway, NULL, NULL, never, &again, subscribe_again);

  g_object_weak_ref (G_OBJECT (subscription), note_gone, &again);
  hemera_subscription_cancel (subscription);
  g_assert_false (again.was_gone);
  g_assert_true (again.gone);
}

/* As in a thread that subscribes, cancels and ends. */
static void
test_cancelled_in_a_context_that_ends (Fixture *self, gconstpointer data)
{
  guint destroyed = 0, before = count_descriptors ();
  GMainContext *context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  hemera_subscription_cancel (hemera_gateway_on_event (self->gateway, NULL, NULL, never, &destroyed, count));
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
  g_assert_cmpuint (destroyed, ==, 1);
  while (g_main_context_iteration (NULL, FALSE)) {}
  /* Out of the set: a mark that never moves again would keep the session from moving on. */
  g_assert_true (hemera__subscribers_safe_place (self->gateway->subscribers, 1, 0, 77) == 77);
  hemera_subscription_cancel (hemera_gateway_on_event (self->gateway, NULL, NULL, never, NULL, NULL));
  g_assert_cmpuint (count_descriptors (), ==, before);
}

static void *
cancel_subscription (void *data)
{
  hemera_subscription_cancel (data);
  return NULL;
}

static gboolean
cancel_elsewhere (gpointer data)
{
  pthread_t thread;

  pthread_create (&thread, NULL, cancel_subscription, data);
  pthread_join (thread, NULL);
  return G_SOURCE_REMOVE;
}

static void
note_thread (gpointer data)
{
  *(pthread_t *) data = pthread_self ();
}

/* While its own context runs: there @destroy comes, and nothing is delivered any more. */
static void
test_cancelled_by_another_thread (Fixture *self, gconstpointer data)
{
  pthread_t destroyed = 0;

  g_idle_add (cancel_elsewhere,
              hemera_gateway_on_event (self->gateway, NULL, NULL, never, &destroyed, note_thread));
  while (destroyed == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (pthread_equal (destroyed, pthread_self ()));
}

static void
test_close_before_connect (Fixture *self, gconstpointer data)
{
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_END, 0, NULL, on_done, self);
  g_assert_null (self->result); /* never before it returns */
  g_main_loop_run (self->loop);
  g_assert_true (hemera_gateway_close_finish (self->gateway, self->result, NULL));
}

static void
test_send_before_connect (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraTerm) d = hemera_term_new ("#{since => nil}");
  g_autoptr (GError) error = NULL;

  hemera_gateway_send_async (self->gateway, 0, 3, d, NULL, on_done, self);
  g_main_loop_run (self->loop);
  g_assert_false (hemera_gateway_send_finish (self->gateway, self->result, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED);
}

static void
test_send_checks (Fixture *self, gconstpointer data)
{
  g_autofree char *long_text = g_strnfill (5000, 'x');
  const struct {
    guint op;
    HemeraTerm *d;
  } rows[] = {
    { 2, hemera_term_new ("#{}") },
    { 1, hemera_term_new ("#{}") },
    { 8, hemera_term_new ("#{query => ~s}", long_text) },
    { 8, hemera_term_new ("#{query => {a, tuple}}") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    hemera_gateway_send_async (self->gateway, 0, rows[i].op, rows[i].d, NULL, on_done, self);
    g_main_loop_run (self->loop);
    g_assert_false (hemera_gateway_send_finish (self->gateway, self->result, &error));
    g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
    g_clear_object (&self->result);
    hemera_term_unref (rows[i].d);
  }
}

static void
test_keeps_asking_until_cancelled (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  hemera_gateway_connect_async (self->gateway, cancellable, on_done, self);
  g_main_loop_run (self->loop);
  g_assert_cmpuint (self->alarms, ==, 2);
  g_assert_null (self->result);
  g_cancellable_cancel (cancellable);
  g_main_loop_run (self->loop);
  g_assert_false (hemera_gateway_connect_finish (self->gateway, self->result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_close_ends_connect (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  hemera_gateway_connect_async (self->gateway, NULL, on_done, self);
  g_main_loop_run (self->loop);
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_KEEP, 0, NULL, NULL, NULL);
  g_main_loop_run (self->loop);
  g_assert_false (hemera_gateway_connect_finish (self->gateway, self->result, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_CLOSED);
}

static gboolean
close_inside (gpointer data)
{
  Fixture *self = data;

  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_KEEP, 0, NULL, NULL, NULL);
  g_assert_null (self->result);
  return G_SOURCE_REMOVE;
}

static void
test_close_returns_before_connect_ends (Fixture *self, gconstpointer data)
{
  hemera_gateway_connect_async (self->gateway, NULL, on_done, self);
  g_main_loop_run (self->loop);
  g_idle_add (close_inside, self);
  g_main_loop_run (self->loop);
  g_assert_nonnull (self->result);
}

static void
test_dropped_while_connecting (Fixture *self, gconstpointer data)
{
  GWeakRef weak;

  g_weak_ref_init (&weak, self->gateway);
  hemera_gateway_connect_async (self->gateway, NULL, NULL, NULL);
  g_main_loop_run (self->loop);
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_END, 0, NULL, NULL, NULL);
  g_clear_object (&self->gateway);
  while (g_main_context_iteration (NULL, FALSE)) {}
  g_assert_null (g_weak_ref_get (&weak)); /* nothing that ended keeps it */
  g_weak_ref_clear (&weak);
}

static void
connect_again (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Fixture *self = user_data;

  g_assert_false (hemera_gateway_connect_finish (self->gateway, result, NULL));
  self->alarms = 0;
  hemera_gateway_connect_async (self->gateway, NULL, on_done, self);
}

static void
test_cancelled_may_connect_again (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  hemera_gateway_connect_async (self->gateway, cancellable, connect_again, self);
  g_main_loop_run (self->loop);
  g_cancellable_cancel (cancellable);
  g_main_loop_run (self->loop);
  g_assert_null (self->result);
  g_assert_cmpuint (self->alarms, >=, 2); /* it asks */
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_KEEP, 0, NULL, NULL, NULL);
  g_main_loop_run (self->loop);
}

static HemeraGatewayBot *
bot_new (guint shards)
{
  return hemera__gateway_bot_new ("ws://127.0.0.1:1", shards, 1000, 1000, 86400000, 1);
}

static void
fetched_shards (Fixture *self, guint shards)
{
  HemeraFetchResult result = { .tag = self->gateway->fetch_tag, .bot = bot_new (shards) };

  self->gateway->state = HEMERA_FACADE_FETCHING;
  hemera__facade_fetched (self->gateway, &result);
  hemera_gateway_bot_unref (result.bot);
}

static void
fetched (Fixture *self)
{
  fetched_shards (self, 1);
}

/* Two guilds of Discord's documentation. */
static void
test_shard_of_a_guild (Fixture *self, gconstpointer data)
{
  g_assert_cmpuint (hemera_gateway_get_total_shards (self->gateway), ==, 0);
  g_assert_cmpuint (hemera_gateway_shard_id_for (self->gateway, 81384788765712384), ==, 0);
  fetched_shards (self, 16);
  g_assert_cmpuint (hemera_gateway_get_total_shards (self->gateway), ==, 16);
  g_assert_cmpuint (hemera_gateway_shard_id_for (self->gateway, 81384788765712384), ==, 2);
  g_assert_cmpuint (hemera_gateway_shard_id_for (self->gateway, 197038439483310086), ==, 2);
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_END, 100, NULL, on_done, self);
  g_main_loop_run (self->loop);
}

static atomic_uint warnings; /* workers write it */

static GLogWriterOutput
count_warnings (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  if (level <= G_LOG_LEVEL_CRITICAL)
    return g_log_writer_default (level, fields, n, data);
  atomic_fetch_add (&warnings, level == G_LOG_LEVEL_WARNING);
  return G_LOG_WRITER_HANDLED;
}

/* What is promised is no reason for a warning: in a GTest program, such as an application's own, those are fatal. */
static void
test_dropped_while_up (Fixture *self, gconstpointer data)
{
  fetched (self);
  while (hemera_system_whereis (self->system, "hemera_shard_0").id == 0)
    g_usleep (1000);
  atomic_store (&warnings, 0);
  g_clear_object (&self->gateway);
  while (hemera_system_whereis (self->system, "hemera_application").id != 0
         || hemera_system_whereis (self->system, "hemera_session_store").id != 0)
    g_usleep (1000);
  g_assert_cmpuint (atomic_load (&warnings), ==, 0);
}

/* Too late: the shards were ready. What is told as cancelled would not be up. */
static void
test_cancelled_too_late (Fixture *self, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  HemeraShardMessage *message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_STATE, 0, 1, NULL);

  message->to = HEMERA_SHARD_ACTIVE;
  hemera_gateway_connect_async (self->gateway, cancellable, on_done, self);
  fetched (self);
  g_cancellable_cancel (cancellable);
  hemera__facade_heard (self->gateway, &(HemeraSaid){ message, atomic_load (&self->gateway->tree)->number });
  g_main_loop_run (self->loop);
  g_assert_true (hemera_gateway_connect_finish (self->gateway, self->result, NULL));
  g_assert_cmpuint (self->gateway->state, ==, HEMERA_FACADE_UP);
  hemera_shard_message_unref (message);
}

static void
test_predecessor_has_the_names (Fixture *self, gconstpointer data)
{
  static const HemeraActorClass idle = { .name = "idle" };
  HemeraTree *tree;

  hemera_system_spawn (self->system, &(HemeraSpawn){ .actor_class = &idle, .name = "hemera_session_store" });
  while (hemera_system_whereis (self->system, "hemera_session_store").id == 0)
    g_usleep (1000);
  fetched (self);
  tree = atomic_load (&self->gateway->tree);
  g_assert_cmpstr (tree->store_name, !=, "hemera_session_store");
}

/* Over the months of a bot there are many. */
static void
test_old_tree_goes (Fixture *self, gconstpointer data)
{
  HemeraTree *tree;

  fetched (self);
  tree = hemera__facade_dup_tree (self->gateway);
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_END, 0, NULL, on_done, self);
  g_main_loop_run (self->loop);
  fetched (self);
  while (atomic_load (&tree->refs) > 1) /* its actors end */
    g_main_context_iteration (NULL, FALSE);
  hemera__tree_unref (tree);
}

static void
test_deaf_to_an_old_tree (Fixture *self, gconstpointer data)
{
  HemeraShardMessage *message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_STATE, 0, 1, NULL);
  HemeraSessionPut put = { .serial = 5 };
  HemeraTree *tree;

  message->to = HEMERA_SHARD_ACTIVE;
  fetched (self);
  tree = atomic_load (&self->gateway->tree);
  put.tree = tree->number - 1;
  hemera__facade_heard (self->gateway, &(HemeraSaid){ message, tree->number - 1 });
  hemera__facade_session (self->gateway, &put);
  g_assert_cmpuint (self->gateway->n_ready, ==, 0);
  g_assert_cmpuint (atomic_load (&tree->facade_pending), <, 1000000);
  g_assert_cmpuint (self->gateway->sessions[0].serial, ==, 1);
  hemera_shard_message_unref (message);
}

static void
test_deaf_to_an_abandoned_job (Fixture *self, gconstpointer data)
{
  HemeraFileJob job = { .ca_file = g_strdup ("/nonexistent/ca.pem"),
                        .reply_to = hemera__port_pid (self->gateway->port) };

  self->gateway->state = HEMERA_FACADE_LOADING;
  self->gateway->job = hemera__file_job_start (&job, NULL);
  /* As if a job that is over had stood in the same memory. */
  hemera__facade_job_done (self->gateway, &(HemeraFileDone){ self->gateway->job->number - 1 });
  g_assert_nonnull (self->gateway->job);
  g_assert_cmpuint (self->gateway->state, ==, HEMERA_FACADE_LOADING);
}

/* As a binding makes objects, which knows no constructor of ours. */
static void
test_made_by_properties (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayApiOptions) empty = g_object_new (HEMERA_TYPE_GATEWAY_API_OPTIONS, NULL);
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  g_autoptr (GError) error = NULL;

  g_clear_object (&self->gateway);
  self->gateway = g_object_new (HEMERA_TYPE_GATEWAY, "options", options, "system", self->system, NULL);
  g_assert_true (self->gateway->system == self->system);
  g_assert_cmpstr (self->gateway->config.api_url, ==, "http://127.0.0.1:1");
  g_clear_object (&self->gateway);
  self->gateway = g_object_new (HEMERA_TYPE_GATEWAY, "options", empty, "system", self->system, NULL);
  hemera_gateway_connect_async (self->gateway, NULL, on_done, self);
  g_main_loop_run (self->loop);
  g_assert_false (hemera_gateway_connect_finish (self->gateway, self->result, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
}

/* A handler that knows only what GObject knows sees names. */
static void
test_signals_have_types (Fixture *self, gconstpointer data)
{
  GSignalQuery query;
  g_autofree char *state = g_enum_to_string (HEMERA_TYPE_SHARD_STATE, HEMERA_SHARD_ACTIVE);
  g_autofree char *intents =
      g_flags_to_string (HEMERA_TYPE_INTENT, HEMERA_INTENT_GUILDS | HEMERA_INTENT_GUILD_MESSAGES);

  g_signal_query (g_signal_lookup ("state-changed", HEMERA_TYPE_GATEWAY), &query);
  g_assert_cmpuint (query.n_params, ==, 5);
  g_assert_true (query.param_types[2] == HEMERA_TYPE_SHARD_STATE);
  g_assert_cmpstr (state, ==, "HEMERA_SHARD_ACTIVE");
  g_assert_cmpstr (intents, ==, "HEMERA_INTENT_GUILDS | HEMERA_INTENT_GUILD_MESSAGES");
}

static void
test_missing_ca_file (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  g_autoptr (GError) error = NULL;

  hemera_gateway_api_options_set_ca_file (options, "/nonexistent/ca.pem");
  g_clear_object (&self->gateway);
  self->gateway = hemera_gateway_new (self->system, options);
  hemera_gateway_connect_async (self->gateway, NULL, on_done, self);
  g_main_loop_run (self->loop);
  g_assert_false (hemera_gateway_connect_finish (self->gateway, self->result, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_assert_true (hemera_gateway_close_finish (HEMERA_GATEWAY (source), result, NULL));
  hemera_gateway_connect_async (HEMERA_GATEWAY (source), NULL, on_done, user_data);
}

/* A gateway that nothing has moved gives what it was given. */
static void
test_sessions_before_connect (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  HemeraSession session = { .id = (char *) "id", .resume_url = (char *) "wss://a", .seq = 7 };
  guint shard = 0;
  g_autoptr (HemeraTerm) given = hemera__sessions_new (1, 0, &shard, &session, 1);
  g_autoptr (HemeraTerm) got = NULL;

  g_assert_true (hemera_gateway_api_options_set_sessions (options, given, NULL));
  g_clear_object (&self->gateway);
  self->gateway = hemera_gateway_new (self->system, options);
  got = hemera_gateway_dup_sessions (self->gateway);
  g_assert_true (hemera_view_equal (hemera_term_view (got), hemera_term_view (given)));
}

/* The gateway need not be of the context that is the default when it is run. */
static void
test_run_in_its_own_context (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  g_autoptr (GMainContext) context = g_main_context_new ();

  hemera_gateway_api_options_set_ca_file (options, "/nonexistent/ca.pem");
  g_clear_object (&self->gateway);
  g_main_context_push_thread_default (context);
  self->gateway = hemera_gateway_new (self->system, options);
  g_main_context_pop_thread_default (context);
  g_assert_cmpint (hemera_gateway_run (self->gateway), ==, 1);
}

/* Once it is closed it can be connected again, also when it was reading files. */
static void
test_close_while_loading (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();
  g_autoptr (GError) error = NULL;

  hemera_gateway_api_options_set_ca_file (options, "/nonexistent/ca.pem");
  g_clear_object (&self->gateway);
  self->gateway = hemera_gateway_new (self->system, options);
  hemera_gateway_connect_async (self->gateway, NULL, NULL, NULL);
  hemera_gateway_close_async (self->gateway, HEMERA_CLOSE_END, 0, NULL, on_closed, self);
  g_main_loop_run (self->loop);
  g_assert_false (hemera_gateway_connect_finish (self->gateway, self->result, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
}

static void
close_at_alarm (HemeraGateway *gateway, guint shard, const char *text, gpointer user_data)
{
  g_signal_handlers_disconnect_by_func (gateway, close_at_alarm, user_data);
  hemera_gateway_close_async (gateway, HEMERA_CLOSE_END, 0, NULL, on_done, user_data);
}

/* What is told on the way up may be reason enough to close: the way ends there. */
static void
test_close_at_alarm (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraGatewayApiOptions) options = options_new ();

  if (g_str_equal (data, "file")) {
    hemera_gateway_api_options_set_session_file (options, "/dev/null/sessions");
  } else {
    HemeraSession session = { .id = (char *) "id", .resume_url = (char *) "wss://a", .seq = 7 };
    guint shard = 0;
    g_autoptr (HemeraTerm) sessions = hemera__sessions_new (2, 0, &shard, &session, 1);

    g_assert_true (hemera_gateway_api_options_set_sessions (options, sessions, NULL));
  }
  g_clear_object (&self->gateway);
  self->gateway = hemera_gateway_new (self->system, options);
  g_signal_connect (self->gateway, "alarm", G_CALLBACK (close_at_alarm), self);
  hemera_gateway_connect_async (self->gateway, NULL, NULL, NULL);
  if (!g_str_equal (data, "file"))
    fetched (self);
  g_main_loop_run (self->loop);
  g_assert_true (hemera_gateway_close_finish (self->gateway, self->result, NULL));
  g_assert_cmpint (self->gateway->state, ==, HEMERA_FACADE_IDLE);
  g_assert_cmpuint (self->gateway->root.id, ==, 0);
  g_assert_cmpuint (self->gateway->fetch.id, ==, 0);
}

/* Nor does the way down forget how the application wants it. */
static void
test_close_at_alarm_of_the_end (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraTerm) reason = hemera_term_new_atom ("shutdown");

  fetched (self);
  g_signal_connect (self->gateway, "alarm", G_CALLBACK (close_at_alarm), self);
  hemera__facade_tree_down (self->gateway, atomic_load (&self->gateway->tree), reason);
  g_main_loop_run (self->loop);
  g_assert_true (hemera_gateway_close_finish (self->gateway, self->result, NULL));
  g_assert_cmpint (self->gateway->state, ==, HEMERA_FACADE_IDLE);
  g_assert_cmpint (self->gateway->mode, ==, HEMERA_CLOSE_END);
}

#define ADD(path, func) g_test_add ("/facade/" path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);
  ADD ("life/made-by-properties", test_made_by_properties);
  ADD ("life/shard-of-a-guild", test_shard_of_a_guild);
  ADD ("life/signals-have-types", test_signals_have_types);
  ADD ("life/dropped-at-once", test_dropped_at_once);
  ADD ("life/dropped-while-connecting", test_dropped_while_connecting);
  ADD ("life/dropped-while-up", test_dropped_while_up);
  ADD ("life/dropped-in-another-thread", test_dropped_in_another_thread);
  ADD ("connect/predecessor-has-the-names", test_predecessor_has_the_names);
  ADD ("connect/old-tree-goes", test_old_tree_goes);
  ADD ("connect/deaf-to-an-old-tree", test_deaf_to_an_old_tree);
  ADD ("connect/deaf-to-an-abandoned-job", test_deaf_to_an_abandoned_job);
  ADD ("connect/again-once-cancelled", test_cancelled_may_connect_again);
  ADD ("connect/cancelled-too-late", test_cancelled_too_late);
  ADD ("subscription/cancelled", test_cancelled_subscription);
  ADD ("subscription/subscribed-by-destroy", test_subscribed_by_destroy);
  ADD ("subscription/cancelled-in-a-context-that-ends", test_cancelled_in_a_context_that_ends);
  ADD ("subscription/cancelled-by-another-thread", test_cancelled_by_another_thread);
  ADD ("close/before-connect", test_close_before_connect);
  ADD ("close/ends-connect", test_close_ends_connect);
  ADD ("close/returns-before-connect-ends", test_close_returns_before_connect_ends);
  ADD ("close/while-loading", test_close_while_loading);
  g_test_add ("/facade/close/at-alarm/of-other-total", Fixture, "total", set_up, test_close_at_alarm,
              tear_down);
  g_test_add ("/facade/close/at-alarm/of-session-file", Fixture, "file", set_up, test_close_at_alarm,
              tear_down);
  ADD ("close/at-alarm/of-the-end", test_close_at_alarm_of_the_end);
  ADD ("connect/asks-until-cancelled", test_keeps_asking_until_cancelled);
  ADD ("connect/missing-ca-file", test_missing_ca_file);
  ADD ("connect/run-in-its-own-context", test_run_in_its_own_context);
  ADD ("sessions/before-connect", test_sessions_before_connect);
  ADD ("send/before-connect", test_send_before_connect);
  ADD ("send/checked-at-the-caller", test_send_checks);
  return g_test_run ();
}

/* counter: actors of your own: a server under a supervisor. It is asked from a main loop, crashes at three, and is started anew. */
#include <hemera/hemera.h>

typedef struct {
  gint64 step;
} CountUp;
HEMERA_DECLARE_MESSAGE (CountUp, count_up)
HEMERA_DEFINE_MESSAGE (CountUp, count_up, NULL, NULL, NULL, NULL);

typedef struct {
  gint64 value;
} Counter;

static HemeraNext
counter_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  Counter *counter = state;
  CountUp *count = count_up_peek (request);

  if (count == NULL) {
    g_autoptr (GError) error =
        g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_BAD_CALL, "the counter only counts up");
    hemera_from_reply_error (from, error);
    return HEMERA_CONTINUE;
  }
  counter->value += count->step;
  if (counter->value == 3) {
    hemera_from_free (from); /* never answered: the caller is told that we are DOWN */
    return hemera_actor_stop (self, hemera_term_new ("{too_many, ~i}", counter->value));
  }
  hemera_from_reply (from, count_up_new (&(CountUp){ counter->value }));
  return HEMERA_CONTINUE;
}

static const HemeraServerClass counter_class = { .name = "counter",
                                                 .state_size = sizeof (Counter),
                                                 .handle_call = counter_call };

static const HemeraChildSpec children[] = {
  { .id = "counter", .name = "counter", .server = &counter_class }
};
static const HemeraSupervisorSpec supervisor = { .children = children,
                                                 .n_children = G_N_ELEMENTS (children) };

static HemeraSystem *actors;
static GMainLoop *loop;
static guint asked;

static gboolean ask (gpointer user_data);

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraActorMessage) answer = hemera_server_call_finish (result, &error);

  if (g_error_matches (error, HEMERA_ERROR, HEMERA_ERROR_NOPROC)) {
    g_timeout_add (50, ask, NULL); /* it is being started, and has no name yet */
    return;
  }
  if (answer != NULL)
    g_print ("counter says %" G_GINT64_FORMAT "\n", count_up_peek (answer)->step);
  else
    g_print ("no answer: %s\n", error->message);
  if (++asked < 5)
    g_timeout_add (50, ask, NULL);
  else
    g_main_loop_quit (loop);
}

static gboolean
ask (gpointer user_data)
{
  hemera_server_call_async (actors, hemera_system_whereis (actors, "counter"), count_up_new (&(CountUp){ 1 }),
                            1000, NULL, on_answer, NULL);
  return G_SOURCE_REMOVE;
}

int
main (void)
{
  HemeraSpawn spawn = hemera_supervisor_spawn (&supervisor);

  actors = hemera_system_new (NULL, NULL);
  loop = g_main_loop_new (NULL, FALSE);
  hemera_system_spawn (actors, &spawn);
  g_timeout_add (50, ask, NULL);
  g_main_loop_run (loop);
  g_main_loop_unref (loop);
  hemera_system_unref (actors);
  return 0;
}

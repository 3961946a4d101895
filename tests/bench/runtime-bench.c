/* What the runtime's core costs: a message, a spawn, a link, a timer. */
#include <hemera/actor.h>
#include <semaphore.h>

#include "tests/bench/bench.h"

static HemeraSystem *one_worker, *two_workers;
static sem_t done;
/* Where the two of a pair ran: written before the post, read after the wait. */
static GThread *first_thread, *peer_thread;

typedef struct {
  guint64 n;
} Job;
HEMERA_DECLARE_MESSAGE (Job, job)
HEMERA_DEFINE_MESSAGE (Job, job, NULL, NULL, NULL, NULL);

typedef struct {
  guint64 left; /* messages of the sender to come, this one included */
  HemeraPid from;
} Item;
HEMERA_DECLARE_MESSAGE (Item, item)
HEMERA_DEFINE_MESSAGE (Item, item, NULL, NULL, NULL, NULL);

static HemeraNext
peer_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  peer_thread = g_thread_self ();
  return HEMERA_CONTINUE;
}

/* The other of the pair lives on the other worker, where there is one, and ends with the first. */
static HemeraPid
spawn_peer (HemeraActor *self, const HemeraActorClass *actor_class)
{
  first_thread = g_thread_self ();
  return hemera_actor_spawn (
      self, &(HemeraSpawn){ .actor_class = actor_class, .placement = HEMERA_PLACE_OTHER, .link = TRUE });
}

#define BURST 512

/* The sender sends bursts; the receiver asks for the next by the last message of one: the window keeps memory bounded. */
typedef struct {
  HemeraPid to;
  guint64 left;
} Sender;

static const HemeraActorClass receiver_class;
static const HemeraActorClass echo_class;

static void
send_burst (HemeraActor *self, Sender *sender)
{
  for (guint i = 0; i < BURST && sender->left > 0; i++) {
    sender->left--;
    item_send (sender->to, &(Item){ i == BURST - 1 || sender->left == 0 ? sender->left : G_MAXUINT64,
                                    hemera_actor_self (self) });
  }
}

static HemeraNext
sender_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Sender *sender = state;

  if (job_peek (message)) {
    sender->to = spawn_peer (self, &receiver_class);
    sender->left = job_peek (message)->n;
  }
  send_burst (self, sender);
  return HEMERA_CONTINUE;
}

static HemeraNext
receiver_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Item *item = item_peek (message);

  if (item->left == 0)
    sem_post (&done);
  else if (item->left != G_MAXUINT64)
    item_send (item->from, &(Item){ 0, hemera_actor_self (self) });
  return HEMERA_CONTINUE;
}

static HemeraNext
echo_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Job *job = job_peek (message);
  Item *item = item_peek (message);

  if (job != NULL)
    item_send (spawn_peer (self, &echo_class), &(Item){ job->n, hemera_actor_self (self) });
  else if (item->left == 0)
    sem_post (&done);
  else
    item_send (item->from, &(Item){ item->left - 1, hemera_actor_self (self) });
  return HEMERA_CONTINUE;
}

static const HemeraActorClass sender_class = { .name = "sender",
                                               .state_size = sizeof (Sender),
                                               .receive = sender_receive };
static const HemeraActorClass receiver_class = { .name = "receiver",
                                                 .init = peer_init,
                                                 .receive = receiver_receive };
static const HemeraActorClass echo_class = { .name = "echo", .init = peer_init, .receive = echo_receive };

static void
run_job (HemeraSystem *system, const HemeraActorClass *actor_class, guint64 n)
{
  HemeraPid pid = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = actor_class });

  job_send (pid, &(Job){ n });
  sem_wait (&done);
  hemera_exit (pid, hemera_reason_kill ());
}

static void
run_pair (HemeraSystem *system, const HemeraActorClass *actor_class, guint64 n)
{
  run_job (system, actor_class, n);
  g_assert_true ((first_thread != peer_thread) == (system == two_workers));
}

static void
send_same (guint64 n)
{
  run_pair (one_worker, &sender_class, n);
}

static void
send_other (guint64 n)
{
  run_pair (two_workers, &sender_class, n);
}

static void
ping_same (guint64 n)
{
  run_pair (one_worker, &echo_class, n);
}

static void
ping_other (guint64 n)
{
  run_pair (two_workers, &echo_class, n);
}

static void
send_outside (guint64 n)
{
  HemeraPid to = hemera_system_spawn (one_worker, &(HemeraSpawn){ .actor_class = &receiver_class });

  for (guint64 i = 1; i <= n; i++)
    item_send (to, &(Item){ i == n ? 0 : G_MAXUINT64, HEMERA_PID_NONE });
  sem_wait (&done);
  hemera_exit (to, hemera_reason_kill ());
}

/* ---- actors and timers --------------------------------------------------------------------------------------------------------- */

static HemeraNext
init_ends (HemeraActor *self, gpointer state, gconstpointer args)
{
  return HEMERA_STOP;
}

static const HemeraActorClass mayfly = { .name = "mayfly", .init = init_ends };

static HemeraNext
spawner_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  guint64 *left = state;
  HemeraRef ref;

  if (job_peek (message))
    *left = job_peek (message)->n;
  if (*left == 0) {
    sem_post (&done);
    return HEMERA_CONTINUE;
  }
  --*left;
  hemera_actor_spawn (
      self, &(HemeraSpawn){ .actor_class = &mayfly, .monitor = &ref, .placement = HEMERA_PLACE_WITH_PARENT });
  return HEMERA_CONTINUE;
}

static HemeraNext
timers_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  HemeraRef refs[64];
  guint64 n = job_peek (message)->n;

  for (guint64 i = 0; i < n; i++) {
    refs[i % 64] = hemera_actor_start_timer (self, (guint) (1000 + i % 977), hemera_actor_self (self), NULL);
    if (i >= 63)
      hemera_actor_cancel_timer (self, refs[(i + 1) % 64]);
  }
  sem_post (&done);
  return HEMERA_CONTINUE;
}

static const HemeraActorClass spawner_class = { .name = "spawner",
                                                .state_size = sizeof (guint64),
                                                .receive = spawner_receive };
static const HemeraActorClass timers_class = { .name = "timers", .receive = timers_receive };

static void
spawn_and_exit (guint64 n)
{
  run_job (one_worker, &spawner_class, n);
}

static void
timer_start_and_cancel (guint64 n)
{
  run_job (one_worker, &timers_class, n);
}

int
main (int argc, char **argv)
{
  static const Bench table[] = {
    { "send, same worker", send_same },
    { "send, other worker", send_other },
    { "send, from outside", send_outside },
    { "ping-pong, same worker", ping_same },
    { "ping-pong, other worker", ping_other },
    { "spawn, monitor and exit", spawn_and_exit },
    { "timer start and cancel", timer_start_and_cancel },
  };
  int result;

  sem_init (&done, 0, 0);
  one_worker = hemera_system_new (&(HemeraSystemOptions){ .workers = 1 }, NULL);
  two_workers = hemera_system_new (&(HemeraSystemOptions){ .workers = 2 }, NULL);
  result = bench_main (argc, argv, table, G_N_ELEMENTS (table));
  hemera_system_unref (one_worker);
  hemera_system_unref (two_workers);
  return result;
}

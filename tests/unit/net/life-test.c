/* Nets themselves: freed with everything open, many in many threads, and what they leave of the process. */
#include "runtime/net/net-internal.h"
#include "tests/descriptors.h"
#include "tests/unit/net/fixture.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
echo (Peer *peer, gpointer arg)
{
  Frame frame;

  if (!peer_upgrade (peer))
    return;
  while (peer_receive (peer, &frame)) {
    gboolean closing = (frame.first_byte & 15) == 8;
    gboolean ok = peer_send (peer, frame.first_byte, frame.data->data, frame.data->len);
    g_byte_array_unref (frame.data);
    if (closing || !ok)
      return;
  }
}

static void
stall (Peer *peer, gpointer arg)
{
  peer_wait (peer, PATIENCE_MS);
}

static void
on_response (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hemera__http_get_finish (result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  *(int *) user_data += 1;
}

/* Open, paused, closing, connecting, looking up, a GET in flight: all at once when the net goes. */
static void
test_free_with_everything (void)
{
  Server *good = server_start (CERT_GOOD, echo, NULL), *slow = server_start (CERT_NONE, stall, NULL);
  g_autofree char *url = g_strdup_printf ("http://127.0.0.1:%u/", server_port (slow));
  HemeraHttpOptions options = { .url = url };
  const guint16 ports[] = { server_port (good), server_port (good), server_port (good), server_port (slow),
                            server_port (slow) };
  static const char *const hosts[] = { "gateway.test", "gateway.test", "gateway.test", "gateway.test",
                                       "dead.test" };
  Client clients[5];
  int done = 0;
  HemeraHttpGet *get;
  World world;

  world_init (&world);
  for (int i = 0; i < 5; i++) {
    client_init (&clients[i], &world, TRUE, hosts[i], ports[i], "/");
    if (i < 3)
      client_open (&clients[i]);
    else
      client_connect (&clients[i]);
  }
  hemera__websocket_set_paused (clients[0].websocket, TRUE);
  client_send (&clients[1], "not yet written");
  hemera__websocket_close (clients[2].websocket, 1000);
  get = hemera__http_get_async (world.net, &options, on_response, &done);
  world_run (&world, 20, NULL);
  world_clear (&world);
  hemera__http_get_free (get); /* longer than its net */
  g_assert_cmpint (done, ==, 1);
  for (int i = 0; i < 5; i++) {
    g_assert_cmpint (clients[i].ended, ==, i == 2 && clients[i].ended);
    client_clear (&clients[i]);
  }
  server_stop (good);
  server_stop (slow);
}

/* The context is never run again: nothing may leak. */
static void
test_free_without_loop (void)
{
  HemeraHttpOptions options = { .url = "http://dead.test/" };
  GMainContext *context = g_main_context_new ();
  HemeraHttpGet *get;
  HemeraNet *net;
  int done = 0;

  g_main_context_push_thread_default (context);
  net = hemera__net_new (context, NULL);
  get = hemera__http_get_async (net, &options, on_response, &done);
  for (int i = 0; i < 5; i++)
    g_main_context_iteration (context, FALSE);
  hemera__http_get_free (get);
  hemera__net_free (net);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);
}

static void
free_and_reconnect (Client *client)
{
  Client *next = client->arg;

  client_connect (next);
}

/* The end is told outside of lws: connecting again from there is ordinary. */
static void
test_reconnect_in_ended (void)
{
  Server *server = server_start (CERT_GOOD, echo, NULL);
  Client first, second;
  World world;

  world_init (&world);
  client_init (&first, &world, TRUE, "gateway.test", server_port (server), "/");
  client_init (&second, &world, TRUE, "gateway.test", server_port (server), "/");
  first.on_ended = free_and_reconnect;
  first.arg = &second;
  client_open (&first);
  hemera__websocket_close (first.websocket, 1000);
  client_finish (&first);
  g_assert_true (world_run (&world, PATIENCE_MS, &second.opened));
  client_clear (&first);
  client_clear (&second); /* still open: the net aborts it */
  world_clear (&world);
  server_stop (server);
}

/* ---- threads ------------------------------------------------------------------------------------------------------------------------ */

typedef struct {
  guint16 port;
  int rounds;
  int echoes;
} Worker;

/* Each round makes a net, so that nets come and go while the others shake hands. */
static void *
work (void *data)
{
  enum { N = 4 };
  Worker *self = data;

  for (int round = 0; round < self->rounds; round++) {
    Client clients[N];
    World world;

    world_init (&world);
    for (int i = 0; i < N; i++) {
      client_init (&clients[i], &world, TRUE, "gateway.test", self->port, "/");
      client_connect (&clients[i]);
      client_send (&clients[i], "hello");
    }
    for (int i = 0; i < N; i++) {
      if (!clients[i].messages)
        world_run (&world, PATIENCE_MS, &clients[i].messages);
      g_assert_no_error (clients[i].error);
      self->echoes += clients[i].messages;
    }
    hemera__websocket_close (clients[0].websocket, 1000);
    client_finish (&clients[0]);
    hemera__websocket_abort (clients[1].websocket);
    for (int i = 0; i < N; i++)
      client_clear (&clients[i]);
    world_clear (&world);
  }
  return NULL;
}

static void
test_many_nets (void)
{
  enum { THREADS = 4, ROUNDS = 5 };
  Server *server = server_start (CERT_GOOD, echo, NULL);
  Worker workers[THREADS];
  pthread_t threads[THREADS];
  int echoes = 0;

  for (int i = 0; i < THREADS; i++) {
    workers[i] = (Worker){ .port = server_port (server), .rounds = ROUNDS };
    pthread_create (&threads[i], NULL, work, &workers[i]);
  }
  for (int i = 0; i < THREADS; i++) {
    pthread_join (threads[i], NULL);
    echoes += workers[i].echoes;
  }
  g_assert_cmpint (echoes, ==, THREADS * ROUNDS * 4);
  server_stop (server);
}

/* ---- a descriptor that lws closes twice --------------------------------------------------------------------------------------------- */

typedef struct {
  int number;
  gboolean taken; /* read after the join */
  atomic_bool runs, stop;
} Taker;

/* Opens a descriptor of this number the moment that it is free. */
static void *
take_number (void *data)
{
  Taker *self = data;

  atomic_store (&self->runs, TRUE);
  while (!self->taken && !atomic_load (&self->stop)) {
    int fd = fcntl (STDERR_FILENO, F_DUPFD_CLOEXEC, self->number);

    self->taken = fd == self->number;
    if (fd >= 0 && !self->taken)
      close (fd);
  }
  return NULL;
}

/* A net whose descriptor's number somebody took between lws' two closes stays, and whoever frees a net after the number is free again
 * ends it. */
static void
test_taken_number (void)
{
  GMainContext *context = g_main_context_new ();
  Taker taker = { 0 };
  guint before;

  hemera__net_free (hemera__net_new (context, NULL)); /* what the first one opens for good */
  before = count_descriptors ();
  for (int tries = 0; tries < 500 && !taker.taken; tries++) {
    HemeraNet *net = hemera__net_new (context, NULL);
    pthread_t thread;

    g_assert_nonnull (net);
    taker = (Taker){ .number = net->pipe_fd };
    pthread_create (&thread, NULL, take_number, &taker);
    while (!atomic_load (&taker.runs))
      g_thread_yield ();
    hemera__net_free (net);
    atomic_store (&taker.stop, TRUE);
    pthread_join (thread, NULL);
    if (taker.taken && count_descriptors () == before + 1) { /* after both closes */
      close (taker.number);
      taker.taken = FALSE;
    }
  }
  if (taker.taken) {
    g_assert_cmpint (fcntl (taker.number, F_GETFD), >=, 0);
    close (taker.number);
    hemera__net_free (hemera__net_new (context, NULL));
    g_assert_cmpuint (count_descriptors (), ==, before);
  } else {
    g_test_skip ("lws was faster each time");
  }
  g_main_context_unref (context);
}

/* ---- the process -------------------------------------------------------------------------------------------------------------------- */

static gboolean
pipe_is_blocked (void)
{
  sigset_t set;

  pthread_sigmask (SIG_BLOCK, NULL, &set);
  return sigismember (&set, SIGPIPE) == 1;
}

static void
test_sigpipe_is_the_hosts (void)
{
  struct sigaction action;
  GMainContext *context = g_main_context_new ();
  HemeraNet *one, *two;

  signal (SIGPIPE, SIG_DFL);
  one = hemera__net_new (context, NULL);
  two = hemera__net_new (context, NULL);
  sigaction (SIGPIPE, NULL, &action);
  g_assert_true (action.sa_handler == SIG_DFL);
  hemera__net_free (one);
  g_assert_true (pipe_is_blocked ());
  hemera__net_free (two);
  g_assert_false (pipe_is_blocked ());
  g_main_context_unref (context);
}

static void
reset_after_first (Peer *peer, gpointer arg)
{
  Frame frame;

  if (!peer_upgrade (peer) || !peer_receive (peer, &frame))
    return;
  g_byte_array_unref (frame.data);
  g_usleep (20000);
  shutdown (peer->fd, SHUT_WR);
  g_usleep (5000);
  peer_reset (peer);
}

static void
block_the_loop (Client *client)
{
  g_usleep (80000);
}

/* The loop knows that three sockets can be written to, and is held up at the first: when it comes to the victim, the peer has sent FIN and
 * reset. A write() then raises SIGPIPE. One of the two others comes before the victim, whatever the order is. */
static void
test_reset_kills_nobody (gconstpointer data)
{
  gboolean tls = cert_of (data) != CERT_NONE;
  Server *calm = server_start (cert_of (data), echo, NULL),
         *rude = server_start (cert_of (data), reset_after_first, NULL);
  Client clients[3], *victim = &clients[1];
  World world;

  signal (SIGPIPE, SIG_DFL);
  world_init (&world);
  for (int i = 0; i < 3; i++) {
    client_init (&clients[i], &world, tls, "gateway.test", server_port (i == 1 ? rude : calm), "/");
    client_open (&clients[i]);
    clients[i].on_drained = i == 1 ? NULL : block_the_loop;
  }
  world_run (&world, 20, NULL);
  for (int i = 0; i < 3; i++)
    client_send (&clients[i], "first");
  client_send (victim, "second");
  client_finish (victim);
  g_assert_false (victim->by_us);
  for (int i = 0; i < 3; i++)
    client_clear (&clients[i]);
  world_clear (&world);
  server_stop (calm);
  server_stop (rude);
}

void
add_life_tests (void)
{
  static const TestCase cases[] = { { "reset-kills-nobody", test_reset_kills_nobody } };

  g_test_add_func ("/net/life/free-with-everything", test_free_with_everything);
  g_test_add_func ("/net/life/free-without-loop", test_free_without_loop);
  g_test_add_func ("/net/life/reconnect-in-ended", test_reconnect_in_ended);
  g_test_add_func ("/net/life/many-nets", test_many_nets);
  g_test_add_func ("/net/life/taken-number", test_taken_number);
  g_test_add_func ("/net/life/sigpipe", test_sigpipe_is_the_hosts);
  add_for_both ("/net/life", cases, G_N_ELEMENTS (cases));
}

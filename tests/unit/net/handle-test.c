/* What is left in the uv loop of a net when the connections are over: nothing, whatever lws forgets. */
#include "runtime/net/net-internal.h"
#include "tests/unit/net/fixture.h"

#include <stdatomic.h>

static void
count (uv_handle_t *handle, void *n)
{
  *(guint *) n += 1;
}

static guint
count_handles (World *world)
{
  guint n = 0;

  uv_walk (&world->net->loop, count, &n);
  return n;
}

/* connect() fails at once: what a bot without a network meets, again and again. TCP to the broadcast address is refused by the kernel
 * itself, nothing is sent. */
static void
test_unreachable (void)
{
  World world;
  guint before;

  world_init (&world);
  world_run (&world, 20, NULL);
  before = count_handles (&world);
  for (int i = 0; i < 5; i++) {
    Client client;

    client_init (&client, &world, FALSE, "255.255.255.255", 443, "/");
    client_connect (&client);
    client_finish (&client);
    g_assert_error (client.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT);
    client_clear (&client);
  }
  world_run (&world, 20, NULL);
  g_assert_cmpuint (count_handles (&world), ==, before);
  world_clear (&world);
}

/* ---- connected and reset in the same turn of the loop ------------------------------------------------------------------------------- */

typedef struct {
  atomic_bool may_speak, may_reset, is_reset;
} Signals;

static void
await (atomic_bool *flag)
{
  for (int i = 0; i < PATIENCE_MS && !atomic_load (flag); i++)
    g_usleep (1000);
}

static void
speak_when_told (Peer *peer, gpointer arg)
{
  Signals *signals = arg;

  if (!peer_upgrade (peer))
    return;
  await (&signals->may_speak);
  peer_send (peer, 0x81, "now", 3);
  peer_wait (peer, PATIENCE_MS);
}

static void
reset_when_told (Peer *peer, gpointer arg)
{
  Signals *signals = arg;

  await (&signals->may_reset);
  peer_reset (peer);
  atomic_store (&signals->is_reset, TRUE);
}

static void
have_it_reset (Client *self)
{
  Signals *signals = self->arg;

  atomic_store (&signals->may_reset, TRUE);
  await (&signals->is_reset);
  g_usleep (10000);
}

/* The loop knows that the connect() of one succeeded and is held up by the other: when it comes to it, the peer has reset. */
static void
test_reset_at_once (void)
{
  Signals signals = { 0 };
  Server *calm = server_start (CERT_NONE, speak_when_told, &signals),
         *rude = server_start_raw (reset_when_told, &signals);
  Client speaker, victim;
  World world;
  guint open;

  world_init (&world);
  client_init (&speaker, &world, FALSE, "127.0.0.1", server_port (calm), "/");
  speaker.arg = &signals;
  speaker.on_message = have_it_reset;
  client_open (&speaker);
  client_init (&victim, &world, FALSE, "127.0.0.1", server_port (rude), "/");
  open = count_handles (&world);
  client_connect (&victim);
  while (count_handles (&world) == open)
    g_main_context_iteration (world.context, TRUE);
  atomic_store (&signals.may_speak, TRUE);
  g_usleep (50000); /* it is known to the kernel before the loop looks for either */
  client_finish (&victim);
  g_assert_error (victim.error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT);
  g_assert_cmpint (speaker.messages, ==, 1);
  world_run (&world, 20, NULL);
  g_assert_cmpuint (count_handles (&world), ==, open);
  client_clear (&victim);
  world_clear (&world);
  client_clear (&speaker);
  server_stop (calm);
  server_stop (rude);
}

void
add_handle_tests (void)
{
  g_test_add_func ("/net/handle/unreachable", test_unreachable);
  g_test_add_func ("/net/handle/reset-at-once", test_reset_at_once);
}

/* Listeners on loopback and the one timer that moves everything which depends on time. */
#include <errno.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults.h"

#define TICK 20

typedef struct {
  Sim *sim;
  int fd;
  guint source;
  gboolean resume_host;
} Listener;

gint64
sim_now (void)
{
  return g_get_monotonic_time () / 1000;
}

static void
refuse (int fd)
{
  const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close (fd);
}

static gboolean
on_accept (int listen_fd, GIOCondition condition, gpointer data)
{
  Listener *self = data;
  Sim *sim = self->sim;
  for (guint i = 0; i < 64; i++) {
    int fd = accept4 (listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
      break;
    int on = 1;
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (self->resume_host && sim_now () < sim->resume_dead_until) {
      sim_log_write (sim->log, "resume_host_dead", NULL);
      refuse (fd);
    } else if (sim->connections->len >= (guint) sim->options.max_connections) {
      refuse (fd);
    } else {
      g_ptr_array_add (sim->connections, sim_connection_new (sim, fd, self->resume_host));
    }
  }
  return G_SOURCE_CONTINUE;
}

static void
listener_free (gpointer data)
{
  Listener *self = data;
  g_source_remove (self->source);
  close (self->fd);
  g_free (self);
}

/* The port, or 0 with @error set. */
static guint16
listen_on (Sim *sim, guint16 port, gboolean resume_host, GError **error)
{
  struct sockaddr_in address = { .sin_family = AF_INET,
                                 .sin_port = htons (port),
                                 .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int on = 1;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0
      || bind (fd, (struct sockaddr *) &address, size) != 0 || listen (fd, 512) != 0
      || getsockname (fd, (struct sockaddr *) &address, &size) != 0) {
    g_set_error (error, SIM_ERROR, SIM_ERROR_SYSTEM, "cannot listen on 127.0.0.1:%u: %s", port,
                 g_strerror (errno));
    if (fd >= 0)
      close (fd);
    return 0;
  }
  Listener *self = g_new0 (Listener, 1);
  self->sim = sim;
  self->fd = fd;
  self->resume_host = resume_host;
  self->source = g_unix_fd_add (fd, G_IO_IN, on_accept, self);
  g_ptr_array_add (sim->listeners, self);
  return ntohs (address.sin_port);
}

static void
reap (Sim *sim)
{
  for (guint i = sim->connections->len; i-- > 0;)
    if (((SimConnection *) g_ptr_array_index (sim->connections, i))->state == SIM_CONNECTION_DEAD)
      g_ptr_array_remove_index_fast (sim->connections, i);
}

static void
expire_sessions (Sim *sim, gint64 now)
{
  GHashTableIter iter;
  gpointer value;
  g_autoptr (GPtrArray) old = g_ptr_array_new ();
  g_hash_table_iter_init (&iter, sim->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SimSession *session = value;
    if (session->connection == NULL && now - session->detached_at > sim->options.resume_window)
      g_ptr_array_add (old, session);
  }
  for (guint i = 0; i < old->len; i++)
    sim_session_end (g_ptr_array_index (old, i), "resume window");
}

/* With --rate a shard's events come into being at its pace, connected or not. */
static void
produce (Sim *sim)
{
  GHashTableIter iter;
  gpointer value;
  double share = (double) sim->options.rate / sim->options.shards * TICK / 1000.0;
  g_hash_table_iter_init (&iter, sim->shards);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SimShard *shard = value;
    SimSession *session = shard->session;
    shard->owed = MIN (shard->owed + share, 1 + share * 50);
    if (session == NULL) {
      shard->owed = 0;
      continue;
    }
    while (shard->owed >= 1 && !(session->connection != NULL && sim_faults_wait (session->connection))
           && sim_session_produce_next (session))
      shard->owed -= 1;
  }
}

/* TRUE when every shard of every total that was identified has got and confirmed all of its stream. */
static gboolean
is_done (Sim *sim)
{
  GHashTableIter iter;
  gpointer value;
  g_autoptr (GHashTable) totals = g_hash_table_new (NULL, NULL);
  g_hash_table_iter_init (&iter, sim->shards);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    SimShard *shard = value;
    if (shard->session != NULL || shard->fatal)
      g_hash_table_add (totals, GUINT_TO_POINTER (shard->total));
  }
  gboolean done = g_hash_table_size (totals) > 0;
  g_hash_table_iter_init (&iter, totals);
  while (done && g_hash_table_iter_next (&iter, &value, NULL)) {
    guint total = GPOINTER_TO_UINT (value);
    for (guint id = 0; done && id < total && total <= 4096; id++) {
      g_autofree char *key = g_strdup_printf ("%u:%u", total, id);
      const SimShard *shard = g_hash_table_lookup (sim->shards, key);
      done = shard != NULL && sim_shard_is_done (shard);
    }
  }
  return done;
}

static gboolean
on_tick (gpointer data)
{
  Sim *sim = data;
  gint64 now = sim_now ();
  reap (sim);
  if (now >= sim->session_reset_at) {
    sim->session_reset_at = now + sim->options.session_reset_after;
    sim->remaining = sim->options.session_total;
  }
  if (sim->options.rate > 0)
    produce (sim);
  for (guint i = 0; i < sim->connections->len; i++)
    sim_connection_tick (g_ptr_array_index (sim->connections, i), now);
  sim_faults_tick (sim, now);
  expire_sessions (sim, now);
  if (sim->options.exit_when_done && is_done (sim))
    g_main_loop_quit (sim->loop);
  return G_SOURCE_CONTINUE;
}

gboolean
sim_server_start (Sim *self, GError **error)
{
  const char *scheme = self->tls != NULL ? "wss" : "ws";
  guint16 port = listen_on (self, (guint16) self->options.port, FALSE, error);
  guint16 resume_port = port == 0                        ? 0
                        : self->options.same_resume_host ? port
                                                         : listen_on (self, 0, TRUE, error);
  if (resume_port == 0)
    return FALSE;
  self->options.port = port;
  self->url = g_strdup_printf ("%s://%s:%u", scheme, self->options.host, port);
  self->resume_url = g_strdup_printf ("%s://%s:%u", scheme, self->options.host, resume_port);
  self->started = sim_now ();
  self->session_reset_at = self->started + self->options.session_reset_after;
  self->remaining = self->options.session_remaining;
  self->tick = g_timeout_add (TICK, on_tick, self);
  return TRUE;
}

static gboolean
is_flushed (Sim *self)
{
  for (guint i = 0; i < self->connections->len; i++) {
    SimIo *io = ((SimConnection *) g_ptr_array_index (self->connections, i))->io;
    if (sim_io_is_open (io) && sim_io_pending (io) > 0)
      return FALSE;
  }
  return TRUE;
}

void
sim_server_stop (Sim *self)
{
  if (self->tick != 0)
    g_source_remove (self->tick);
  g_ptr_array_set_size (self->listeners, 0);
  for (guint i = 0; i < self->connections->len; i++) {
    SimConnection *connection = g_ptr_array_index (self->connections, i);
    if (connection->upgraded)
      sim_connection_close (connection, 1001, "the simulator ends");
  }
  /* A moment for the close frames to leave. */
  gint64 now = sim_now ();
  while (self->connections->len > 0 && sim_now () < now + (is_flushed (self) ? 50 : 500)) {
    if (!g_main_context_iteration (NULL, FALSE))
      g_usleep (2000);
    reap (self);
  }
  g_ptr_array_set_size (self->connections, 0);
}

GPtrArray *
sim_server_new_listeners (void)
{
  return g_ptr_array_new_with_free_func (listener_free);
}

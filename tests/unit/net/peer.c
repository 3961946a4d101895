/* The tests' server: sockets, threads, and the little of HTTP and RFC 6455 that the server side needs. */
#include "tests/unit/net/peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 512

typedef struct {
  Peer peer;
  pthread_t thread;
} Connection;

struct _Server {
  int fd;
  int stop_pipe[2];
  guint16 port;
  SSL_CTX *tls;
  Script script;
  gpointer arg;
  pthread_t thread;
  atomic_int count;
  Connection
      *connections[MAX_CONNECTIONS]; /* written by the accepting thread, read by stop() after its end */
};

/* ---- sockets ------------------------------------------------------------------------------------------------------------------------ */

static void
block_pipe (void)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &set, NULL);
}

/* TRUE when there is something to read; FALSE after @ms, and when the server stops. */
static gboolean
wait_for_input (Peer *peer, int ms)
{
  struct pollfd fds[] = { { peer->fd, POLLIN, 0 }, { peer->server->stop_pipe[0], POLLIN, 0 } };

  if (peer->ssl && SSL_pending (peer->ssl) > 0)
    return TRUE;
  return poll (fds, 2, ms) > 0 && fds[0].revents != 0;
}

gboolean
peer_write (Peer *peer, const void *data, gsize size)
{
  const guint8 *at = data;

  while (size > 0) {
    gssize n = peer->ssl ? SSL_write (peer->ssl, at, (int) size) : send (peer->fd, at, size, MSG_NOSIGNAL);
    if (n <= 0)
      return FALSE;
    at += n;
    size -= (gsize) n;
  }
  return TRUE;
}

gboolean
peer_say (Peer *peer, const char *text)
{
  return peer_write (peer, text, strlen (text));
}

gsize
peer_read (Peer *peer, void *buffer, gsize size)
{
  gssize n;

  if (!wait_for_input (peer, PATIENCE_MS))
    return 0;
  n = peer->ssl ? SSL_read (peer->ssl, buffer, (int) size) : recv (peer->fd, buffer, size, 0);
  return n > 0 ? (gsize) n : 0;
}

void
peer_wait (Peer *peer, int ms)
{
  char buffer[4096];
  gint64 end = g_get_monotonic_time () + ms * 1000;
  gint64 left;

  while ((left = end - g_get_monotonic_time ()) > 0 && wait_for_input (peer, (int) (left / 1000) + 1))
    if (peer_read (peer, buffer, sizeof buffer) == 0)
      return;
}

void
peer_reset (Peer *peer)
{
  struct linger linger = { 1, 0 };

  setsockopt (peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  if (peer->ssl)
    SSL_set_quiet_shutdown (peer->ssl, 1);
  close (peer->fd);
  peer->fd = -1;
}

/* ---- threads ------------------------------------------------------------------------------------------------------------------------ */

static void *
serve (void *data)
{
  Connection *self = data;
  Peer *peer = &self->peer;
  struct timeval limit = { 5, 0 };
  gboolean ready = TRUE;

  block_pipe ();
  setsockopt (peer->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  setsockopt (peer->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (peer->server->tls) {
    peer->ssl = SSL_new (peer->server->tls);
    SSL_set_fd (peer->ssl, peer->fd);
    ready = SSL_accept (peer->ssl) == 1;
  }
  if (ready)
    peer->server->script (peer, peer->server->arg);
  if (ready && peer->ssl && peer->fd >= 0 && !peer->rude)
    SSL_shutdown (peer->ssl);
  SSL_free (peer->ssl);
  ERR_clear_error ();
  if (peer->fd >= 0)
    close (peer->fd);
  return NULL;
}

static void *
accept_all (void *data)
{
  Server *self = data;
  struct pollfd fds[] = { { self->fd, POLLIN, 0 }, { self->stop_pipe[0], POLLIN, 0 } };
  int one = 1;

  while (poll (fds, 2, -1) >= 0 && fds[1].revents == 0) {
    int n = atomic_load_explicit (&self->count, memory_order_relaxed);
    int fd = accept4 (self->fd, NULL, NULL, SOCK_CLOEXEC);
    Connection *connection;

    if (fd < 0)
      continue;
    g_assert_cmpint (n, <, MAX_CONNECTIONS);
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connection = g_new0 (Connection, 1);
    connection->peer = (Peer){ .server = self, .fd = fd, .number = n };
    self->connections[n] = connection;
    atomic_store_explicit (&self->count, n + 1, memory_order_relaxed);
    pthread_create (&connection->thread, NULL, serve, connection);
  }
  return NULL;
}

static int
listen_at (const char *address, guint16 port, int backlog, guint16 *port_out)
{
  gboolean six = strchr (address, ':') != NULL;
  struct sockaddr_storage storage = { .ss_family = six ? AF_INET6 : AF_INET };
  struct sockaddr_in *in4 = (struct sockaddr_in *) &storage;
  struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &storage;
  socklen_t size = six ? sizeof *in6 : sizeof *in4;
  int one = 1, fd = socket (storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (
      inet_pton (storage.ss_family, address, six ? (void *) &in6->sin6_addr : (void *) &in4->sin_addr), ==,
      1);
  in4->sin_port = htons (port); /* the same place in both */
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  g_assert_cmpint (bind (fd, (struct sockaddr *) &storage, size), ==, 0);
  g_assert_cmpint (listen (fd, backlog), ==, 0);
  getsockname (fd, (struct sockaddr *) &storage, &size);
  *port_out = ntohs (in4->sin_port);
  return fd;
}

Server *
server_start_at (const char *address, guint16 port, CertKind cert, Script script, gpointer arg)
{
  Server *self = g_new0 (Server, 1);

  self->fd = listen_at (address, port, 128, &self->port);
  self->tls = cert == CERT_NONE ? NULL : certs_server (cert);
  self->script = script;
  self->arg = arg;
  g_assert_cmpint (pipe (self->stop_pipe), ==, 0);
  pthread_create (&self->thread, NULL, accept_all, self);
  return self;
}

Server *
server_start (CertKind cert, Script script, gpointer arg)
{
  return server_start_at ("127.0.0.1", 0, cert, script, arg);
}

Server *
server_start_raw (Script script, gpointer arg)
{
  return server_start (CERT_NONE, script, arg);
}

void
server_stop (Server *self)
{
  g_assert_cmpint (write (self->stop_pipe[1], "x", 1), ==, 1);
  pthread_join (self->thread, NULL);
  for (int i = 0; i < server_connections (self); i++) {
    pthread_join (self->connections[i]->thread, NULL);
    g_free (self->connections[i]);
  }
  close (self->fd);
  close (self->stop_pipe[0]);
  close (self->stop_pipe[1]);
  SSL_CTX_free (self->tls);
  g_free (self);
}

guint16
server_port (Server *self)
{
  return self->port;
}

int
server_connections (Server *self)
{
  return atomic_load_explicit (&self->count, memory_order_relaxed);
}

/* A listen queue of 0 holds one; further SYNs are dropped. */
void
black_hole_open (BlackHole *self, const char *address, guint16 port)
{
  struct sockaddr_in to = { .sin_family = AF_INET };

  self->fds[0] = listen_at (address, port, 0, &self->port);
  inet_pton (AF_INET, address, &to.sin_addr);
  to.sin_port = htons (self->port);
  for (gsize i = 1; i < G_N_ELEMENTS (self->fds); i++) {
    self->fds[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect (self->fds[i], (struct sockaddr *) &to, sizeof to) == 0)
      continue;
  }
}

void
black_hole_close (BlackHole *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (self->fds); i++)
    close (self->fds[i]);
}

/* ---- HTTP and websocket ------------------------------------------------------------------------------------------------------------- */

char *
peer_read_head (Peer *peer)
{
  g_autoptr (GString) head = g_string_new (NULL);
  char c;

  while (!g_str_has_suffix (head->str, "\r\n\r\n")) {
    if (peer_read (peer, &c, 1) != 1)
      return NULL;
    g_string_append_c (head, c);
  }
  return g_strdup (head->str);
}

void
peer_skip_head (Peer *peer)
{
  g_free (peer_read_head (peer));
}

gboolean
peer_upgrade (Peer *peer)
{
  return peer_upgrade_with (peer, NULL, 0);
}

gboolean
peer_upgrade_with (Peer *peer, const void *more, gsize size)
{
  g_autofree char *head = peer_read_head (peer);
  const char *key = head ? strstr (head, "Sec-WebSocket-Key: ") : NULL;
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA1);
  guint8 digest[20];
  gsize digest_size = sizeof digest;

  if (!key)
    return FALSE;
  g_checksum_update (sum, (const guchar *) key + 19, 24);
  g_checksum_update (sum, (const guchar *) "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
  g_checksum_get_digest (sum, digest, &digest_size);
  g_autofree char *accept_key = g_base64_encode (digest, digest_size);
  g_autofree char *answer = g_strdup_printf ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                             "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
                                             accept_key);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_byte_array_append (bytes, (const guint8 *) answer, (guint) strlen (answer));
  if (size > 0)
    g_byte_array_append (bytes, more, (guint) size);
  return peer_write (peer, bytes->data, bytes->len);
}

gsize
frame_head (guint8 *head, guint8 first_byte, guint64 size)
{
  gsize n = 0;
  int length = size < 126 ? 0 : size < 65536 ? 2 : 8;

  head[n++] = first_byte;
  head[n++] = length == 0 ? (guint8) size : length == 2 ? 126 : 127;
  for (int i = length - 1; i >= 0; i--)
    head[n++] = (guint8) (size >> (8 * i));
  return n;
}

gboolean
peer_send (Peer *peer, guint8 first_byte, const void *data, gsize size)
{
  guint8 head[10];
  g_autoptr (GByteArray) frame = g_byte_array_new ();

  g_byte_array_append (frame, head, (guint) frame_head (head, first_byte, size));
  if (size > 0)
    g_byte_array_append (frame, data, (guint) size);
  return peer_write (peer, frame->data, frame->len);
}

static gboolean
read_all (Peer *peer, void *buffer, gsize size)
{
  guint8 *at = buffer;

  while (size > 0) {
    gsize n = peer_read (peer, at, size);
    if (n == 0)
      return FALSE;
    at += n;
    size -= n;
  }
  return TRUE;
}

gboolean
peer_receive (Peer *peer, Frame *frame)
{
  guint8 head[2], mask[4], more[8];
  guint64 size;
  int length;

  frame->data = NULL;
  if (!read_all (peer, head, 2))
    return FALSE;
  frame->first_byte = head[0];
  size = head[1] & 127;
  length = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (!read_all (peer, more, (gsize) length) || !(head[1] & 0x80) || !read_all (peer, mask, 4))
    return FALSE;
  for (int i = 0; i < length; i++)
    size = i == 0 ? more[0] : size << 8 | more[i];
  frame->data = g_byte_array_sized_new ((guint) size);
  g_byte_array_set_size (frame->data, (guint) size);
  if (!read_all (peer, frame->data->data, size)) {
    g_clear_pointer (&frame->data, g_byte_array_unref);
    return FALSE;
  }
  for (gsize i = 0; i < size; i++)
    frame->data->data[i] ^= mask[i % 4];
  return TRUE;
}

int
peer_receive_close (Peer *peer)
{
  Frame frame;
  int code = -1;

  while (code < 0 && peer_receive (peer, &frame)) {
    if ((frame.first_byte & 15) == 8)
      code = frame.data->len >= 2 ? frame.data->data[0] << 8 | frame.data->data[1] : 0;
    g_byte_array_unref (frame.data);
  }
  return code;
}

void
script_leave (Peer *peer, gpointer arg)
{
}

void
script_reset (Peer *peer, gpointer arg)
{
  peer_skip_head (peer);
  peer_reset (peer);
}

void
script_answer (Peer *peer, gpointer arg)
{
  peer_skip_head (peer);
  peer_say (peer, arg);
  peer_wait (peer, PATIENCE_MS);
}

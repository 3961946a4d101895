/* Non-blocking reads and writes of one socket behind one GSource. */
#include "io.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BUDGET 131072u

typedef enum {
  RESULT_OK,
  RESULT_AGAIN,
  RESULT_END,
} Result;

struct _SimIo {
  int fd;
  SSL *ssl;
  const SimIoFuncs *funcs;
  gpointer owner;
  GSource *source;
  gpointer tag;
  GByteArray *out;
  gsize sent; /* bytes of out that have left */
  gboolean handshaken, reading, finishing, shut;
};

typedef struct {
  GSource source;
  SimIo *io;
} IoSource;

static void
close_fd (SimIo *self)
{
  if (self->fd < 0)
    return;
  g_source_destroy (self->source);
  close (self->fd);
  self->fd = -1;
}

static void
end (SimIo *self, const char *why)
{
  if (self->fd < 0)
    return;
  close_fd (self);
  self->funcs->closed (self->owner, why);
}

static Result
ssl_result (SimIo *self, int result)
{
  int error = SSL_get_error (self->ssl, result);
  ERR_clear_error ();
  return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? RESULT_AGAIN : RESULT_END;
}

static Result
read_some (SimIo *self, guint8 *buffer, gsize size, gsize *got)
{
  if (self->ssl != NULL) {
    int result = SSL_read_ex (self->ssl, buffer, size, got);
    return result == 1 ? RESULT_OK : ssl_result (self, result);
  }
  gssize result = recv (self->fd, buffer, size, 0);
  *got = result > 0 ? (gsize) result : 0;
  return result > 0                                          ? RESULT_OK
         : result < 0 && (errno == EAGAIN || errno == EINTR) ? RESULT_AGAIN
                                                             : RESULT_END;
}

static Result
write_some (SimIo *self, const guint8 *data, gsize size, gsize *put)
{
  if (self->ssl != NULL) {
    int result = SSL_write_ex (self->ssl, data, size, put);
    return result == 1 ? RESULT_OK : ssl_result (self, result);
  }
  gssize result = send (self->fd, data, size, MSG_NOSIGNAL);
  *put = result > 0 ? (gsize) result : 0;
  return result > 0                                          ? RESULT_OK
         : result < 0 && (errno == EAGAIN || errno == EINTR) ? RESULT_AGAIN
                                                             : RESULT_END;
}

/* FALSE when the socket was closed. */
static gboolean
pump_in (SimIo *self)
{
  guint8 buffer[16384];
  gsize got = 0, total = 0;
  while (self->reading || self->shut) {
    Result result = read_some (self, buffer, sizeof buffer, &got);
    if (result == RESULT_END) {
      end (self, "end of input");
      return FALSE;
    }
    if (result == RESULT_AGAIN)
      break;
    if (!self->finishing)
      self->funcs->data (self->owner, buffer, got);
    if (self->fd < 0)
      return FALSE;
    if ((total += got) >= READ_BUDGET) {
      if (self->ssl != NULL && SSL_pending (self->ssl) > 0)
        g_source_set_ready_time (self->source, 0); /* poll does not see what OpenSSL holds */
      break;
    }
  }
  return TRUE;
}

static gboolean
pump_out (SimIo *self)
{
  while (self->sent < self->out->len) {
    gsize put = 0;
    gsize size = MIN (self->out->len - self->sent, READ_BUDGET);
    Result result = write_some (self, self->out->data + self->sent, size, &put);
    if (result == RESULT_END) {
      end (self, "write failed");
      return FALSE;
    }
    if (result == RESULT_AGAIN)
      break;
    self->sent += put;
  }
  if (self->sent == self->out->len) {
    g_byte_array_set_size (self->out, 0);
    self->sent = 0;
  } else if (self->sent > SIM_IO_HIGH) {
    g_byte_array_remove_range (self->out, 0, (guint) self->sent);
    self->sent = 0;
  }
  if (self->finishing && !self->shut && self->out->len == 0) {
    self->shut = TRUE;
    if (self->ssl != NULL)
      SSL_shutdown (self->ssl);
    shutdown (self->fd, SHUT_WR);
  } else if (!self->finishing && sim_io_pending (self) < SIM_IO_LOW) {
    self->funcs->drained (self->owner);
  }
  return self->fd >= 0;
}

static void
update_poll (SimIo *self)
{
  GIOCondition condition = G_IO_ERR | G_IO_HUP;
  if (self->reading || self->shut || !self->handshaken)
    condition |= G_IO_IN;
  if (sim_io_pending (self) > 0 || (self->ssl != NULL && SSL_want_write (self->ssl))
      || (self->finishing && !self->shut))
    condition |= G_IO_OUT;
  g_source_modify_unix_fd (self->source, self->tag, condition);
}

static gboolean
shake_hands (SimIo *self)
{
  int result = SSL_accept (self->ssl);
  if (result == 1) {
    self->handshaken = TRUE;
    return TRUE;
  }
  if (ssl_result (self, result) == RESULT_END)
    end (self, "TLS handshake failed");
  return FALSE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
  SimIo *self = ((IoSource *) source)->io;
  GIOCondition condition = g_source_query_unix_fd (source, self->tag);
  g_source_set_ready_time (source, -1);
  gboolean open = self->handshaken || shake_hands (self);
  if (!open) {
    if (self->fd >= 0)
      update_poll (self);
    return self->fd >= 0;
  }
  if ((condition & (G_IO_ERR | G_IO_HUP)) != 0 && !self->reading && !self->shut) {
    end (self, "reset by the client");
    return G_SOURCE_REMOVE;
  }
  if (!pump_in (self) || !pump_out (self))
    return G_SOURCE_REMOVE;
  update_poll (self);
  return G_SOURCE_CONTINUE;
}

SimIo *
sim_io_new (int fd, SSL_CTX *tls, const SimIoFuncs *funcs, gpointer owner)
{
  static GSourceFuncs source_funcs = { .dispatch = dispatch };
  SimIo *self = g_new0 (SimIo, 1);
  self->fd = fd;
  self->funcs = funcs;
  self->owner = owner;
  self->out = g_byte_array_new ();
  self->reading = TRUE;
  self->handshaken = tls == NULL;
  if (tls != NULL) {
    self->ssl = SSL_new (tls);
    SSL_set_fd (self->ssl, fd);
    SSL_set_accept_state (self->ssl);
  }
  self->source = g_source_new (&source_funcs, sizeof (IoSource));
  ((IoSource *) self->source)->io = self;
  self->tag = g_source_add_unix_fd (self->source, fd, G_IO_IN | G_IO_ERR | G_IO_HUP);
  g_source_attach (self->source, NULL);
  return self;
}

void
sim_io_free (SimIo *self)
{
  close_fd (self);
  g_source_unref (self->source);
  if (self->ssl != NULL)
    SSL_free (self->ssl);
  g_byte_array_unref (self->out);
  g_free (self);
}

void
sim_io_write (SimIo *self, gconstpointer data, gsize size)
{
  if (self->fd < 0 || self->finishing)
    return;
  g_byte_array_append (self->out, data, (guint) size);
  update_poll (self);
}

gsize
sim_io_pending (SimIo *self)
{
  return self->out->len - self->sent;
}

gboolean
sim_io_is_open (SimIo *self)
{
  return self->fd >= 0;
}

void
sim_io_set_reading (SimIo *self, gboolean reading)
{
  self->reading = reading;
  if (self->fd < 0)
    return;
  if (reading)
    g_source_set_ready_time (self->source, 0);
  update_poll (self);
}

void
sim_io_finish (SimIo *self)
{
  if (self->fd < 0 || self->finishing)
    return;
  self->finishing = TRUE;
  update_poll (self);
}

void
sim_io_reset (SimIo *self)
{
  if (self->fd < 0)
    return;
  const struct linger linger = { .l_onoff = 1, .l_linger = 0 };
  setsockopt (self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  close_fd (self);
}

/* SimIo: one accepted socket, plain or TLS, on the default main context. Output is a bounded matter of its owner: it asks how much is
 * pending and waits for `drained`. Own code rather than a websocket library, because the simulator must do what a well-behaved server
 * cannot: reset, stop reading, cut frames, send bytes that no library would. */
#pragma once

#include <openssl/ssl.h>

#include "value.h"

#define SIM_IO_HIGH 65536u /* pending bytes above which an owner should not write more */
#define SIM_IO_LOW  16384u /* `drained` comes below it */

typedef struct _SimIo SimIo;

typedef struct {
  void (*data) (gpointer owner, const guint8 *data, gsize size);
  void (*drained) (gpointer owner);
  void (*closed) (gpointer owner,
                  const char *why); /* last call: end of input, reset, TLS failure, or after finish */
} SimIoFuncs;

/* Takes @fd, which is non-blocking. @tls NULL: plain. Callbacks may call anything here but sim_io_free(). */
SimIo *sim_io_new (int fd, SSL_CTX *tls, const SimIoFuncs *funcs, gpointer owner);
/* Closes without a word if it is still open. No callback. Not from inside one. */
void sim_io_free (SimIo *self);
void sim_io_write (SimIo *self, gconstpointer data, gsize size);
gsize sim_io_pending (SimIo *self);
gboolean sim_io_is_open (SimIo *self);
void sim_io_set_reading (SimIo *self, gboolean reading);
/* Sends what is pending, then the end of TLS and TCP; what still comes is thrown away. `closed` follows when the client has closed too. */
void sim_io_finish (SimIo *self);
/* TCP reset, now; pending output is lost. No callback. */
void sim_io_reset (SimIo *self);

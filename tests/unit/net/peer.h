/* A blocking server on loopback for tests, one thread a connection, which does what its script says, all that is forbidden too. Scripts read
 * the client's frames themselves, so what they see is the wire. */
#pragma once

#include "tests/unit/net/certs.h"

/* How long anybody waits for what comes at once, unless the machine is very busy: nothing may depend on its end. */
#define PATIENCE_MS 30000

typedef struct _Server Server;

typedef struct {
  Server *server;
  int fd;
  SSL *ssl;      /* NULL: plain */
  int number;    /* of the connection, from 0 */
  gboolean rude; /* no close_notify at the end */
} Peer;

/* Runs on a thread of its own; the connection is closed when it returns. */
typedef void (*Script) (Peer *peer, gpointer arg);

Server *server_start (CertKind cert, Script script, gpointer arg);
/* The script runs before any TLS. */
Server *server_start_raw (Script script, gpointer arg);
Server *server_start_at (const char *address, guint16 port, CertKind cert, Script script, gpointer arg);
void server_stop (Server *self);
guint16 server_port (Server *self);
int server_connections (Server *self);

/* A port that answers no SYN. */
typedef struct {
  int fds[4];
  guint16 port;
} BlackHole;
void black_hole_open (BlackHole *self, const char *address, guint16 port);
void black_hole_close (BlackHole *self);

gboolean peer_write (Peer *peer, const void *data, gsize size);
gboolean peer_say (Peer *peer, const char *text);
/* Bytes read, 0 at the end or after PATIENCE_MS of silence. */
gsize peer_read (Peer *peer, void *buffer, gsize size);
/* Until the client is gone, the server stops, or @ms have passed. */
void peer_wait (Peer *peer, int ms);
/* Ends the connection with a TCP reset. */
void peer_reset (Peer *peer);
/* The request's head (transfer full), NULL when none came. */
char *peer_read_head (Peer *peer);
void peer_skip_head (Peer *peer);

gboolean peer_upgrade (Peer *peer);
/* The answer and the first bytes of the stream in one write. */
gboolean peer_upgrade_with (Peer *peer, const void *more, gsize size);
gboolean peer_send (Peer *peer, guint8 first_byte, const void *data, gsize size);
gsize frame_head (guint8 *head, guint8 first_byte, guint64 size);

typedef struct {
  guint8 first_byte;
  GByteArray *data;
} Frame;
/* FALSE at the end or after 3 s of silence. @frame's data is made anew (transfer full). */
gboolean peer_receive (Peer *peer, Frame *frame);
/* Reads frames until a close frame; its code, 0 if it has none, -1 if none came. */
int peer_receive_close (Peer *peer);

/* Scripts that several tests use: gone at once; a request is answered by a reset, or by @arg, a text, and then nothing. */
void script_leave (Peer *peer, gpointer arg);
void script_reset (Peer *peer, gpointer arg);
void script_answer (Peer *peer, gpointer arg);

/* Websocket frames (RFC 6455) on the server's side: a strict reader of what clients send, a writer of what we send. */
#pragma once

#include "value.h"

typedef struct {
  GByteArray *in, *message;
  guint8 opcode; /* of the message that is being collected; 0: none */
  gsize taken;   /* bytes of in that the last result used */
} SimFrames;

typedef enum {
  SIM_FRAME_MORE, /* nothing complete yet */
  SIM_FRAME_TEXT,
  SIM_FRAME_BINARY,
  SIM_FRAME_PING,
  SIM_FRAME_PONG,
  SIM_FRAME_CLOSE,
  SIM_FRAME_BROKEN, /* a protocol error; `what` says which */
  SIM_FRAME_TOO_BIG,
} SimFrameKind;

void sim_frames_init (SimFrames *self);
void sim_frames_clear (SimFrames *self);
void sim_frames_feed (SimFrames *self, const guint8 *data, gsize size);
/* The next whole message or control frame. @data is valid until the next call. */
SimFrameKind sim_frames_next (SimFrames *self, const guint8 **data, gsize *size, const char **what);

/* @opcode 1 text, 2 binary, 8 close, 9 ping, 10 pong; @fragment: frames of at most so many bytes, 0: one. */
void sim_frames_append (GByteArray *out, guint8 opcode, const guint8 *data, gsize size, gsize fragment);
/* Sec-WebSocket-Accept for a key. (transfer full) */
char *sim_frames_accept (const char *key);

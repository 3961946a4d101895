/* What the behaviours send each other: calls, casts, stops. Internal to runtime/otp. */
#pragma once

#include <hemera/server.h>

/* A call as it travels: who asked, and what. The receiver makes a HemeraFrom of it. */
typedef struct {
  HemeraPid from;
  HemeraRef ref;
  HemeraActorMessage *request; /* (nullable) once taken */
} HemeraCallMessage;
extern const HemeraMessageType hemera__call_type;

/* A cast as it travels. */
typedef struct {
  HemeraActorMessage *message;
} HemeraCastMessage;
extern const HemeraMessageType hemera__cast_type;

/* hemera_server_stop(): behind what is in the mailbox already. */
typedef struct {
  HemeraTerm *reason;
} HemeraStopMessage;
extern const HemeraMessageType hemera__stop_type;

/* Any thread. (transfer full): ended by hemera_from_reply(), _reply_error() or _free(). */
HemeraFrom *hemera__from_new (HemeraPid pid, HemeraRef ref);

/* HemeraShardMessage: what a shard says, nyxx's ShardMessage and its subclasses: boxed, counted, immutable, any thread. Getters that do
 * not belong to the message's type give 0, NULL or the invalid view. */
#pragma once

#include <hemera/event.h>

G_BEGIN_DECLS

typedef struct _HemeraShardMessage HemeraShardMessage;
#define HEMERA_TYPE_SHARD_MESSAGE (hemera_shard_message_get_type ())
HEMERA_API GType hemera_shard_message_get_type (void);

typedef enum {
  HEMERA_SHARD_MESSAGE_EVENT_RECEIVED,      /* op, data; event for op 0 */
  HEMERA_SHARD_MESSAGE_SENT,                /* op: its bytes left; never the payload */
  HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY, /* the shard waits for its turn to identify */
  HEMERA_SHARD_MESSAGE_RECONNECTING,        /* text: why */
  HEMERA_SHARD_MESSAGE_DISCONNECTING,       /* text, code: for good */
  HEMERA_SHARD_MESSAGE_ERROR_RECEIVED,      /* error */
  HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED,  /* error, code, will_restart: nyxx's ShardDisconnectedError */
  HEMERA_SHARD_MESSAGE_STATE,               /* connection, from, to, text: the cause */
  HEMERA_SHARD_MESSAGE_GAP,                 /* seq: the last that came, since_ms */
  HEMERA_SHARD_MESSAGE_RESTARTED,           /* restarts, reason */
  HEMERA_SHARD_MESSAGE_ALARM,               /* text; shard HEMERA_NO_SHARD when it is of all */
} HemeraShardMessageType;

#define HEMERA_NO_SHARD G_MAXUINT

/* ref: (transfer full) */
HEMERA_API HemeraShardMessage *hemera_shard_message_ref (HemeraShardMessage *self);
HEMERA_API void hemera_shard_message_unref (HemeraShardMessage *self);

/* Which getters have an answer. */
HEMERA_API HemeraShardMessageType hemera_shard_message_get_message_type (HemeraShardMessage *self);
/* "event_received" ...: static. */
HEMERA_API const char *hemera_shard_message_get_name (HemeraShardMessage *self);
/* HEMERA_NO_SHARD for an alarm of all. */
HEMERA_API guint hemera_shard_message_get_shard (HemeraShardMessage *self);
/* Which connection of the shard, from 1; over all restarts. */
HEMERA_API guint hemera_shard_message_get_connection (HemeraShardMessage *self);
/* #HemeraOpcode, or one that the library does not know. */
HEMERA_API guint hemera_shard_message_get_op (HemeraShardMessage *self);
/* (transfer none) (nullable): the dispatch of an EventReceived with op 0. */
HEMERA_API HemeraEvent *hemera_shard_message_get_event (HemeraShardMessage *self);
/* d of an EventReceived of any op; lives as long as the message. */
HEMERA_API HemeraView hemera_shard_message_get_data (HemeraShardMessage *self);
/* (transfer none) (nullable): cause, reason or text. */
HEMERA_API const char *hemera_shard_message_get_text (HemeraShardMessage *self);
/* Discord's close code; 0: none. */
HEMERA_API guint hemera_shard_message_get_code (HemeraShardMessage *self);
/* (transfer none) (nullable) */
HEMERA_API const GError *hemera_shard_message_get_error (HemeraShardMessage *self);
/* FALSE: that shard is gone for good. */
HEMERA_API gboolean hemera_shard_message_get_will_restart (HemeraShardMessage *self);
HEMERA_API HemeraShardState hemera_shard_message_get_from (HemeraShardMessage *self);
HEMERA_API HemeraShardState hemera_shard_message_get_to (HemeraShardMessage *self);
/* Of a Gap: the last event that came before it, and since when (milliseconds of Unix time) others may be missing. */
HEMERA_API guint64 hemera_shard_message_get_seq (HemeraShardMessage *self);
HEMERA_API gint64 hemera_shard_message_get_since_ms (HemeraShardMessage *self);
/* Of this shard so far. */
HEMERA_API guint hemera_shard_message_get_restarts (HemeraShardMessage *self);
/* (transfer none) (nullable): the exit reason of a Restarted. */
HEMERA_API HemeraTerm *hemera_shard_message_get_reason (HemeraShardMessage *self);
/* {event_received, Shard, Op, Seq, Name, Data}, {reconnecting, Shard, Cause} ... Data in which a map has a key twice, which Erlang refuses,
 * stands as a binary of its ETF bytes without the 131. (transfer full) */
HEMERA_API HemeraTerm *hemera_shard_message_to_term (HemeraShardMessage *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraShardMessage, hemera_shard_message_unref)

G_END_DECLS

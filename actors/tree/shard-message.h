/* Inside of a HemeraShardMessage: filled by whoever makes it, then immutable. */
#pragma once

#include <hemera/gateway-messages.h>
#include <stdatomic.h>

struct _HemeraShardMessage {
  atomic_uint refs;
  HemeraShardMessageType type;
  guint shard;
  guint connection;
  guint op;
  guint code;
  guint serial; /* of the session that a gap is of */
  guint restarts;
  gboolean will_restart;
  HemeraShardState from, to;
  HemeraEncoding encoding;
  guint64 seq;
  gint64 since_ms;
  char *text;
  GError *error;
  HemeraTerm *term; /* payload, or reason */
  HemeraView d;
  HemeraEvent *event;
};

/* Zeroed but for these. @text: copied, (nullable). (transfer full) */
HemeraShardMessage *
hemera__shard_message_new (HemeraShardMessageType type, guint shard, guint connection, const char *text);
/* The data of a payload as a term that Erlang takes: nil for the invalid view, and the bytes as a binary where a map has a key twice, which
 * payloads are not looked through for. (transfer full) */
HemeraTerm *hemera__term_of_data (HemeraView d);
/* EventReceived of op 0. @event: (transfer none) */
HemeraShardMessage *hemera__shard_message_new_for_event (HemeraEvent *event);

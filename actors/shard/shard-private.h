/* Inside of the shard actor, for its own files: shard-actor.c (life and mailbox), shard-actions.c (what the machine wants done),
 * shard-socket.c (the websocket and the credit that pauses it), shard-sends.c (calls that wait for their bytes to leave). */
#pragma once

#include "../tree/messages.h"
#include "../tree/tree.h"
#include "runtime/internal.h"
#include "runtime/net/net.h"

typedef struct _HemeraSocketLink HemeraSocketLink;

typedef struct {
  /* immutable */
  HemeraActor *self;
  HemeraTree *tree;
  HemeraSlot *slot;
  guint index;
  HemeraPid parser;

  HemeraShardMachine *machine; /* (nullable): the store has not answered yet */
  gboolean start_asked;
  HemeraRef timer;
  gint64 timer_at;
  HemeraTerm
      *stop_reason; /* (nullable): set: it ends when its last words have gone through, or at the time-out */
  HemeraRef stop_timer;
  gboolean over;

  /* the session store */
  HemeraRef store_call, store_monitor, store_retry;
  guint serial;
  HemeraSession session; /* what the store was told last */
  guint failures;

  /* the identify broker */
  guint wish;       /* connection that waits for its lease; 0: none */
  guint identified; /* connection whose op 2 is written and not out yet; 0: none */
  HemeraRef broker_monitor, broker_retry;

  /* the websocket */
  HemeraWebsocket *socket; /* (nullable) */
  HemeraSocketLink *link;
  guint connection;
  gboolean paused;

  /* sends */
  GHashTable *waiting; /* tag -> HemeraFrom: who waits for the bytes to leave */
  GQueue early;        /* EarlySend: before there is a machine */
  guint64 tags;
} HemeraShard;

/* ---- shard-actor.c ---------------------------------------------------------------------------------------- */
/* Takes the machine's actions, arms the timer, looks at the credit. After every input. */
void hemera__shard_pump (HemeraShard *self);
/* What to return from a callback, after the last pump. */
HemeraNext hemera__shard_next (HemeraShard *self);
void hemera__shard_say (HemeraShard *self, HemeraShardMessage *message /* transfer full */);
void hemera__shard_say_error (HemeraShard *self, GError *error /* transfer full */);
void hemera__shard_ask_broker (HemeraShard *self);
void hemera__shard_update_lease (HemeraShard *self, const HemeraLeaseUpdate *update);
void hemera__shard_tell_store (HemeraShard *self);

/* ---- shard-actions.c --------------------------------------------------------------------------------------- */
/* @action is cleared by the caller; what is moved out of it is set to NULL. */
void hemera__shard_apply (HemeraShard *self, HemeraShardAction *action);

/* ---- shard-socket.c ---------------------------------------------------------------------------------------- */
void hemera__shard_connect (HemeraShard *self, guint connection, const char *url);
void hemera__shard_write (HemeraShard *self, guint connection, GBytes *data, gboolean binary);
void hemera__shard_close (HemeraShard *self, guint connection, guint code);
void hemera__shard_abort (HemeraShard *self);
/* The watermark as the gateway actor left it: beats and RESUME are to use the newest. */
void hemera__shard_take_watermark (HemeraShard *self);
/* Stops reading when too much is under way, and reads on when there is room again. */
void hemera__shard_check_credit (HemeraShard *self);

/* ---- shard-sends.c ------------------------------------------------------------------------------------------ */
/* @from: (nullable) (transfer full) */
void hemera__shard_send (HemeraShard *self, HemeraFrom *from, guint op, HemeraTerm *data);
void hemera__shard_send_early (HemeraShard *self);
/* @error: (nullable): NULL: the bytes left */
void hemera__shard_sent (HemeraShard *self, guint64 tag, const GError *error);
void hemera__shard_clear_sends (HemeraShard *self);

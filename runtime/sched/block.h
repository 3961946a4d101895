/* HemeraActorMessage from inside: one block of memory that is, in turn, a signal on its way, an entry in a table (one end of a link or
 * monitor, a timer) and a message in a mailbox, so that none of these costs a second allocation. One owner at a time.
 *
 * Blocks with a payload of up to 128 bytes come from the pool of the worker that makes them (pool.c). */
#pragma once

#include "runtime/sched/inbox.h"
#include "runtime/sched/thread.h"
#include "runtime/signal/table.h"

#define HEMERA_BLOCK_PAYLOAD 128

typedef enum {
  HEMERA_SIGNAL_MESSAGE,
  HEMERA_SIGNAL_EXIT,       /* exit/2; payload HemeraExitMessage */
  HEMERA_SIGNAL_LINK,       /* payload HemeraLink, @peer is the sender */
  HEMERA_SIGNAL_LINK_EXIT,  /* the other end of a link has ended; payload HemeraExitMessage */
  HEMERA_SIGNAL_UNLINK,     /* payload HemeraLink with the id */
  HEMERA_SIGNAL_UNLINK_ACK, /* payload HemeraLink with the id */
  HEMERA_SIGNAL_MONITOR,    /* payload HemeraMonitor, @peer is the sender */
  HEMERA_SIGNAL_DEMONITOR,  /* payload HemeraMonitor */
  HEMERA_SIGNAL_DOWN,       /* payload HemeraDownMessage */
} HemeraSignal;

struct _HemeraActorMessage {
  HemeraInboxNode node;
  const HemeraMessageType *type; /* (nullable): how to clear the payload; NULL: it needs none */
  HemeraPool *home;              /* (nullable): NULL: malloc */
  guint32 generation;            /* of the pid it was sent to */
  guint8 signal;                 /* HemeraSignal */
  guint8 small;                  /* has room for HEMERA_BLOCK_PAYLOAD */
  guint8 empty;                  /* its payload was stolen */
  _Alignas(16) guint8 payload[];
};

/* One end of a link. On the wire @peer is the sender. */
typedef struct {
  HemeraTableNode node; /* key: the peer's id */
  HemeraPid peer;
  guint64 unlink_id; /* not 0: unlinked here, the other side has not answered yet */
} HemeraLink;

typedef enum { HEMERA_ENTRY_MONITOR, HEMERA_ENTRY_TIMER } HemeraEntryKind;

/* One end of a monitor: with the watcher (@peer is the watched one) or with the watched one (@peer is the watcher). */
typedef struct {
  HemeraTableNode node; /* key: the reference's id */
  HemeraEntryKind kind;
  HemeraPid peer;
  const char *name;     /* (nullable): monitored by name, interned */
  HemeraSystem *system; /* whose name; compared, never followed from elsewhere */
} HemeraMonitor;

/* A timer in its worker's heap, and in the table of the actor that started it. */
typedef struct {
  HemeraTableNode node; /* key: the reference's id */
  HemeraEntryKind kind;
  guint heap_index;
  HemeraActor *owner; /* (nullable): NULL: has ended */
  HemeraPid to;
  HemeraActorMessage *message; /* (nullable) */
  gint64 due;
  guint64 sequence;
  gint64 interval; /* us; 0: once */
  guint8 plain;    /* send_after: the message itself */
  guint8 unread;   /* of an interval: its last message has not been handled */
} HemeraTimer;

_Static_assert(sizeof (HemeraLink) <= HEMERA_BLOCK_PAYLOAD, "fits a block");
_Static_assert(sizeof (HemeraMonitor) <= HEMERA_BLOCK_PAYLOAD, "fits a block");
_Static_assert(sizeof (HemeraTimer) <= HEMERA_BLOCK_PAYLOAD, "fits a block");
_Static_assert(sizeof (HemeraDownMessage) <= HEMERA_BLOCK_PAYLOAD, "fits a block");

/* A small block of @signal, its payload zeroed. */
HemeraActorMessage *hemera__block_new (HemeraSignal signal, const HemeraMessageType *type);
#define hemera__block_of(payload_)                                                                           \
  ((HemeraActorMessage *) ((guint8 *) (payload_) -G_STRUCT_OFFSET (HemeraActorMessage, payload)))
#define hemera__block_payload(block_) ((gpointer) (block_)->payload)
/* The same block with another meaning: clears nothing, zeroes the payload. Copy out first what is still needed. */
void hemera__block_recast (HemeraActorMessage *self, HemeraSignal signal, const HemeraMessageType *type);
/* Frees the memory alone: the payload has been moved or needs no clearing. */
void hemera__block_free (HemeraActorMessage *self);

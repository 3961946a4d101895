/* HemeraSendQueue: encoded sends that wait for READY, RESUMED or room in a window. Bounded; each entry has a time after which it is too old
 * to make sense. Three lanes, so that presences that must wait hold nothing else up, and so that a flood of requests does not keep a
 * voice update from going. Pure; embedded; one thread. */
#pragma once

#include <glib.h>

typedef enum {
  HEMERA_LANE_VOICE,    /* op 4: somebody waits for it */
  HEMERA_LANE_PRESENCE, /* op 3 */
  HEMERA_LANE_REQUEST,  /* ops 8, 31, 43 */
  HEMERA_N_LANES,
} HemeraLane;

typedef struct {
  guint op;
  guint64 tag;
  GBytes *data; /* the whole encoded payload */
  gint64 expires;
  guint64 order; /* as they came, over all lanes */
} HemeraSendEntry;

typedef struct {
  GQueue lanes[HEMERA_N_LANES];
  guint limit, length;
  guint64 next_order;
} HemeraSendQueue;

void hemera__send_queue_init (HemeraSendQueue *self, guint limit);
void hemera__send_queue_clear (HemeraSendQueue *self);

/* FALSE when full: @data (transfer full on success only) stays the caller's. */
gboolean hemera__send_queue_push (HemeraSendQueue *self, guint op, guint64 tag, GBytes *data, gint64 expires);
/* The next one; NULL when no lane of the mask @lanes (1 << lane) has any. @by_lane: voice before presence before requests, for a queue
 * that the window holds up; else in the order they came. (transfer full) (nullable) */
HemeraSendEntry *hemera__send_queue_pop (HemeraSendQueue *self, guint lanes, gboolean by_lane);
gboolean hemera__send_queue_has (const HemeraSendQueue *self, guint lanes);
/* One that is due to expire, or NULL. (transfer full) (nullable) */
HemeraSendEntry *hemera__send_queue_pop_expired (HemeraSendQueue *self, gint64 now);
/* A presence that a later one in the queue makes pointless, or NULL. (transfer full) (nullable) */
HemeraSendEntry *hemera__send_queue_pop_superseded (HemeraSendQueue *self);
/* When the next entry expires, or G_MAXINT64. */
gint64 hemera__send_queue_deadline (const HemeraSendQueue *self);

void hemera__send_entry_free (HemeraSendEntry *self);

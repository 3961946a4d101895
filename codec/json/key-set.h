/* HemeraKeySet: finds a key that an object has twice, for objects inside objects. Keys are runs of bytes inside a growing buffer of the
 * caller, so the set keeps offsets; a stack of them, on which each open object has the top part. Few keys are compared each with each,
 * many through a table whose hash (SipHash-1-3) has a secret of the process: no choice of keys makes it slow. One thread at a time. */
#pragma once

#include <glib.h>

typedef struct {
  gsize at, size; /* in the caller's buffer */
  gsize where;    /* the caller's own mark, given back for the second of two equal keys */
  guint64 tag;    /* equal keys have equal tags */
} HemeraKey;

typedef struct {
  HemeraKey *keys;
  gsize n_keys, n_allocated;
  guint32 *table; /* of the largest object so far */
  gsize table_size;
} HemeraKeySet;

#define HEMERA_KEY_SET_INIT                                                                                  \
  {                                                                                                          \
    NULL, 0, 0, NULL, 0                                                                                      \
  }

void hemera__key_set_clear (HemeraKeySet *self);
/* What hemera__key_set_close() wants from the object's opening. */
static inline gsize
hemera__key_set_open (HemeraKeySet *self)
{
  return self->n_keys;
}
void hemera__key_set_add (HemeraKeySet *self, const guint8 *buffer, gsize at, gsize size, gsize where);
/* Forgets the keys since @mark; returns FALSE, with @twice set to the second of two equal ones, when they are not distinct. */
gboolean hemera__key_set_close (HemeraKeySet *self, gsize mark, const guint8 *buffer, HemeraKey *twice);

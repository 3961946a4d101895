/* The envelope of an inbound payload ("Payload Structure"): op, d, s and t in any order, keys as atoms or binaries. Pure: views only. */
#pragma once

#include <hemera/term.h>

typedef struct {
  guint op;
  gboolean has_seq;
  guint64 seq;
  const char *name; /* NULL: none (absent, null); not NUL-terminated; inside the payload */
  gsize name_size;
  HemeraView d; /* invalid when absent */
} HemeraEnvelope;

/* FALSE with @error (HEMERA_GATEWAY_ERROR_PROTOCOL): not a map, no op, one of the four twice, or one of another type. Walks once. */
gboolean hemera__envelope_read (HemeraView root, HemeraEnvelope *envelope, GError **error);

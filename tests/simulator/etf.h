/* The external term format as Discord's Elixir gateway writes it, and a strict reader of what clients may send. Written after the
 * format's public description, without ei and without Hemera's codec: it is the other side of the test. */
#pragma once

#include "value.h"

typedef enum {
  SIM_ETF_DISCORD, /* atom keys (ATOM_EXT), some maps with binary keys, integer keys where Discord has them */
  SIM_ETF_BINARY,  /* binary keys everywhere, new atom tags */
  SIM_ETF_MIXED,   /* keys, atom tags and float tags change from one to the next */
} SimEtfStyle;

typedef struct {
  SimEtfStyle style;
  guint32
      salt; /* of the mixture; moves with each choice, so that a connection's bytes depend on its seed alone */
} SimEtf;

void sim_etf_append_atom (SimEtf *self, GByteArray *out, const char *text, gsize size);
void sim_etf_append_key (SimEtf *self, GByteArray *out, const char *text, gsize size, gboolean as_atom);
void sim_etf_append_integer (GByteArray *out, const char *digits, gsize size);
/* @value as Discord would: null is `nil`, ids are integers, lists of bytes STRING_EXT. */
void sim_etf_append_value (SimEtf *self, GByteArray *out, const SimValue *value);
/* Version byte and the envelope; @t NULL: nil; @s below 0: nil. @order 0 to 2, as --key-order. */
void sim_etf_append_envelope (SimEtf *self, GByteArray *out, int op, const char *t, gint64 s,
                              const SimValue *d, guint order);

/* What a client sent: version byte, one term, nothing behind it; binary keys; no tuples, pids, funs; atoms true, false, nil and null.
 * NULL with a #SimError set. (transfer none): the document's. */
SimValue *sim_etf_parse (SimDoc *doc, const guint8 *data, gsize size, GError **error);

/* SimWire: how one gateway connection writes payloads: encoding, key order, compression, cuts. One context per connection, as Discord's. */
#pragma once

#include <zlib.h>

#include "frames.h"
#include "options.h"

typedef struct {
  gboolean etf, zlib_stream;
  gboolean payload_zlib; /* IDENTIFY's compress: whole zlib streams for the larger payloads */
  const SimOptions *options;
  SimEtf style;
  guint count; /* payloads so far */
  gboolean deflating;
  z_stream z;
  SimDoc *doc;
  GByteArray *plain, *packed;
} SimWire;

void
sim_wire_init (SimWire *self, const SimOptions *options, gboolean etf, gboolean zlib_stream, guint32 salt);
void sim_wire_clear (SimWire *self);
/* Appends a payload's frames to @out. @t NULL and @s below 0: null; @d is JSON. */
void sim_wire_append (SimWire *self, GByteArray *out, int op, const char *t, gint64 s, const char *d,
                      gsize d_size);
/* The same, broken beyond repair: a bad deflate block, or (@cut, and always without zlib-stream) a payload whose end is missing. */
void sim_wire_append_broken (SimWire *self, GByteArray *out, const char *t, gint64 s, const char *d,
                             gsize d_size, gboolean cut);

/* A machine on a virtual clock with the other side in the test's hand: payloads are given as JSON text and go in as the variant says (ETF
 * or JSON, plain or zlib-stream, whole or in pieces); actions come out as words of one line. Every action is checked against what must
 * hold always: see check_invariants() in rig.c. */
#pragma once

#include "actors/protocol/machine.h"

#include <zlib.h>

#define RIG_TOKEN "MTk4NjIyNDgzNDcxOTI1MjQ4.secret.of-the-test"
#define RIG_WALL  G_GINT64_CONSTANT (1700000000000000) /* Unix time of the clock's zero, microseconds */

typedef struct {
  HemeraEncoding encoding;
  HemeraCompression compression;
  guint piece; /* bytes of a piece; 0: whole messages */
  const char *name;
} RigVariant;

extern const RigVariant rig_variants[];
extern const guint rig_n_variants;

typedef struct {
  HemeraShardMachine *machine;
  RigVariant variant;
  HemeraToken *token;
  gint64 now;
  double random; /* what the machine's randomness gives */
  guint connection;
  z_stream deflate;
  gboolean deflating;
  GString *words; /* since the last take */
  gboolean quiet; /* no words: for long random runs */
  /* (nullable): after the checks */
  void (*on_action) (gpointer data, const HemeraShardAction *action);
  gpointer on_action_data;

  /* seen so far, for the invariants */
  gboolean open, closing, stopped;
  guint identifies; /* on this connection */
  gboolean active;  /* READY or RESUMED was given on this connection */
  GArray *writes;   /* gint64: when, on this connection */
  gboolean fast_beats;
  gboolean session_known;
  gboolean lease;   /* asked for and not given back */
  guint finished;   /* sends that were told as sent or failed */
  guint64 last_seq; /* given in this session */
  guint events, gaps, connects, resumes;
  guint64 last_beat;
  char *last_write; /* JSON of the last payload written */
  char *last_url;
  char *last_d; /* JSON of d of the last event */
  gint64 last_since_ms;
  guint64 last_gap_seq;
} Rig;

/* @adjust: (nullable): changes the configuration before the machine is made. */
Rig *rig_new (const RigVariant *variant, const HemeraSession *session, guint failures,
              void (*adjust) (HemeraShardConfig *config));
void rig_free (Rig *self);

/* Takes all actions, as words. */
void rig_collect (Rig *self);
/* What happened since the last take: words by single spaces. (transfer full) */
char *rig_take (Rig *self);
#define rig_expect(self, expected)                                                                           \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_autofree char *rig_words = rig_take (self);                                                            \
    g_assert_cmpstr (rig_words, ==, expected);                                                               \
  }                                                                                                          \
  G_STMT_END
#define rig_expect_word(self, word)                                                                          \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_autofree char *rig_words = rig_take (self);                                                            \
    if (strstr (rig_words, word) == NULL)                                                                    \
      g_error ("no \"%s\" in \"%s\"", word, rig_words);                                                      \
  }                                                                                                          \
  G_STMT_END

/* Lets time pass, ticking at each deadline. */
void rig_advance (Rig *self, gint64 ms);
/* To the deadline, and ticks. */
void rig_tick (Rig *self);

void rig_start (Rig *self);
void rig_resolved (Rig *self);
void rig_opened (Rig *self);
void rig_payload (Rig *self, const char *json);
void rig_bytes (Rig *self, gconstpointer data, gsize size, gboolean first, gboolean final, gboolean binary);
void rig_ended (Rig *self, guint code);
void rig_lease (Rig *self);

/* Whole ways: from stopped to open; to HELLO; to ACTIVE by IDENTIFY and READY with session "s1" at seq 1. */
void rig_open (Rig *self);
void rig_hello (Rig *self, guint interval_ms);
void rig_ready (Rig *self);
void rig_event (Rig *self, guint64 seq);
/* From WAITING or CLOSING to the next HELLO. */
void rig_reconnect (Rig *self);

/* The next message of this connection's zlib stream. (transfer full) */
GBytes *rig_compress (Rig *self, GBytes *plain);
/* JSON as the bytes of @encoding, uncompressed. (transfer full) */
GBytes *rig_encode (HemeraEncoding encoding, const char *json);

/* HemeraKeySet: pairs are compared while keys are few, a table hashed with SipHash serves when they are many. See key-set.h. */
#include "key-set.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>

#define FEW 12 /* keys up to which all pairs are compared: 66 comparisons of two words */

static pthread_once_t secret_once = PTHREAD_ONCE_INIT;
static guint64 secret[2];

static void
make_secret (void)
{
  if (getentropy (secret, sizeof secret) != 0)
    for (guint i = 0; i < 4; i++)
      ((guint32 *) secret)[i] = g_random_int ();
}

#define ROTATE(x, n) ((x) << (n) | (x) >> (64 - (n)))

static inline void
sip_round (guint64 v[4])
{
  v[0] += v[1];
  v[1] = ROTATE (v[1], 13) ^ v[0];
  v[0] = ROTATE (v[0], 32);
  v[2] += v[3];
  v[3] = ROTATE (v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = ROTATE (v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = ROTATE (v[1], 17) ^ v[2];
  v[2] = ROTATE (v[2], 32);
}

static guint64
sip_hash (const guint8 *data, gsize size)
{
  guint64 v[4] = { secret[0] ^ G_GUINT64_CONSTANT (0x736f6d6570736575),
                   secret[1] ^ G_GUINT64_CONSTANT (0x646f72616e646f6d),
                   secret[0] ^ G_GUINT64_CONSTANT (0x6c7967656e657261),
                   secret[1] ^ G_GUINT64_CONSTANT (0x7465646279746573) };
  guint64 word, last = (guint64) size << 56;
  gsize i;

  for (i = 0; i + 8 <= size; i += 8) {
    memcpy (&word, data + i, 8);
    v[3] ^= word;
    sip_round (v);
    v[0] ^= word;
  }
  for (guint shift = 0; i < size; i++, shift += 8)
    last |= (guint64) data[i] << shift;
  v[3] ^= last;
  sip_round (v);
  v[0] ^= last;
  v[2] ^= 0xff;
  sip_round (v);
  sip_round (v);
  sip_round (v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
hemera__key_set_clear (HemeraKeySet *self)
{
  g_free (self->keys);
  g_free (self->table);
  *self = (HemeraKeySet) HEMERA_KEY_SET_INIT;
}

void
hemera__key_set_add (HemeraKeySet *self, const guint8 *buffer, gsize at, gsize size, gsize where)
{
  const guint8 *key = buffer + at;
  guint64 tag = 0;

  if (self->n_keys == self->n_allocated) {
    self->n_allocated = MAX (64, 2 * self->n_allocated);
    self->keys = g_renew (HemeraKey, self->keys, self->n_allocated);
  }
  /* The ends tell most keys apart; cheap, for it only saves comparisons of a few keys. */
  if (size >= 8) {
    guint64 end;

    memcpy (&tag, key, 8);
    memcpy (&end, key + size - 8, 8);
    tag = ROTATE (tag, 9) + end;
  } else {
    memcpy (&tag, key, size);
  }
  self->keys[self->n_keys++] = (HemeraKey){ at, size, where, tag };
}

static inline gboolean
is_same (const HemeraKey *a, const HemeraKey *b, const guint8 *buffer)
{
  return a->tag == b->tag && a->size == b->size && memcmp (buffer + a->at, buffer + b->at, a->size) == 0;
}

static const HemeraKey *
find_twice_by_pairs (const HemeraKey *keys, gsize n, const guint8 *buffer)
{
  for (gsize i = 1; i < n; i++)
    for (gsize j = 0; j < i; j++)
      if (is_same (&keys[i], &keys[j], buffer))
        return &keys[i];
  return NULL;
}

static const HemeraKey *
find_twice_by_hash (HemeraKeySet *self, const HemeraKey *keys, gsize n, const guint8 *buffer)
{
  gsize size = 32;

  pthread_once (&secret_once, make_secret);
  while (size < 2 * n)
    size *= 2;
  if (size > self->table_size) {
    g_free (self->table);
    self->table = g_new (guint32, size);
    self->table_size = size;
  }
  memset (self->table, 0xff, size * sizeof *self->table);
  for (gsize i = 0; i < n; i++) {
    gsize slot = sip_hash (buffer + keys[i].at, keys[i].size) & (size - 1);

    for (; self->table[slot] != G_MAXUINT32; slot = (slot + 1) & (size - 1))
      if (is_same (&keys[i], &keys[self->table[slot]], buffer))
        return &keys[i];
    self->table[slot] = (guint32) i;
  }
  return NULL;
}

gboolean
hemera__key_set_close (HemeraKeySet *self, gsize mark, const guint8 *buffer, HemeraKey *twice)
{
  const HemeraKey *found = NULL;
  gsize n = self->n_keys - mark;

  if (n > FEW)
    found = find_twice_by_hash (self, self->keys + mark, n, buffer);
  else if (n > 1)
    found = find_twice_by_pairs (self->keys + mark, n, buffer);
  self->n_keys = mark;
  if (found != NULL)
    *twice = *found;
  return found == NULL;
}

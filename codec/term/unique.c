/* Refusing maps that have a key twice, in one linear walk.
 *
 * A key is known by a 64-bit hash of its value (not its bytes: 97 1 and 98 0 0 0 1 are one key, so are atoms in different encodings, and
 * 0.0 and -0.0). The hash of a key that is itself a container grows as its parts are walked, so nothing is walked twice, however maps nest
 * in keys. Hashes are keyed by random numbers of the process: equal ones cannot be prepared. Keys with equal hashes are the same key, up to
 * a chance of about pairs / 2^64; leaves are compared to be sure. Only parts of keys are hashed; values are just walked. */
#include "codec/term/term-internal.h"
#include "codec/term/cursor.h"

#include <pthread.h>

typedef struct {
  guint64 hash;
  const guint8 *at;
} Key;

typedef struct {
  guint64 left; /* terms still to come */
  guint64 hash; /* of the parts so far, where @hashed */
  guint64 key_hash;
  gsize first_key; /* maps: where this one's keys begin in the array of keys */
  const guint8 *at;
  guint8 is_map, hashed, ignore_first;
} Level;

static guint64 seeds[4];
static guint64 type_seeds[HEMERA_TERM_BITSTRING + 1];
static guint64 negative_seed, size_seed;
static pthread_once_t seeds_once = PTHREAD_ONCE_INIT;

static guint64
random_word (void)
{
  return (guint64) g_random_int () << 32 | g_random_int ();
}

static void
make_seeds (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (seeds); i++)
    seeds[i] = random_word () | 1;
  for (gsize i = 0; i < G_N_ELEMENTS (type_seeds); i++)
    type_seeds[i] = random_word ();
  negative_seed = random_word ();
  size_seed = random_word () | 1;
}

static inline guint64
mix (guint64 a, guint64 b)
{
  __uint128_t product = (__uint128_t) (a ^ seeds[0]) * (b ^ seeds[1]);
  return (guint64) product ^ (guint64) (product >> 64);
}

static guint64
hash_bytes (guint64 hash, const void *data, gsize size)
{
  const guint8 *p = data;
  guint64 a, b, whole = size;
  for (; size >= 16; size -= 16, p += 16) {
    memcpy (&a, p, 8);
    memcpy (&b, p + 8, 8);
    hash = mix (hash ^ a, b ^ seeds[2]);
  }
  /* The rest in two words that may overlap: with the size they still say every byte. */
  if (size >= 8) {
    memcpy (&a, p, 8);
    memcpy (&b, p + size - 8, 8);
  } else if (size >= 4) {
    guint32 head, tail;
    memcpy (&head, p, 4);
    memcpy (&tail, p + size - 4, 4);
    a = head;
    b = tail;
  } else {
    a = size > 0 ? (guint64) p[0] << 16 | (guint64) p[size / 2] << 8 | p[size - 1] : 0;
    b = 0;
  }
  return mix (hash ^ a ^ whole * size_seed, b ^ seeds[3]);
}

static guint64
hash_atom (guint64 hash, const guint8 *p)
{
  char buffer[512];
  gsize size;
  const char *name = hemera__etf_atom_utf8 (p, buffer, &size);
  return hash_bytes (hash, name, size);
}

static guint64
hash_byte_integer (guint8 byte)
{
  return hash_bytes (type_seeds[HEMERA_TERM_INTEGER], &byte, byte != 0);
}

/* The value of a term without parts, but lists of bytes. */
static guint64
hash_leaf (const guint8 *p)
{
  if (*p == ETF_SMALL_ATOM_UTF8)
    return hash_bytes (type_seeds[HEMERA_TERM_ATOM], p + 2, p[1]);
  if (*p == ETF_BINARY)
    return hash_bytes (type_seeds[HEMERA_TERM_BINARY], p + 5, etf_get32 (p + 1));
  HemeraView view = { p };
  HemeraTermType type = hemera_view_type (view);
  guint64 hash = type_seeds[type];

  switch (type) {
  case HEMERA_TERM_INTEGER: {
    EtfInteger integer;
    hemera__etf_integer (p, &integer);
    return hash_bytes (integer.negative ? negative_seed : hash, integer.digits, integer.size);
  }
  case HEMERA_TERM_FLOAT: {
    double value = 0;
    hemera__etf_double (p, &value);
    value += 0.0; /* -0.0 is 0.0 */
    return hash_bytes (hash, &value, sizeof value);
  }
  case HEMERA_TERM_ATOM: return hash_atom (hash, p);
  case HEMERA_TERM_BINARY:
  case HEMERA_TERM_BITSTRING: {
    const guint8 *data = NULL;
    gsize bits = 0;
    hemera_view_get_bitstring (view, &data, &bits);
    hash = hash_bytes (hash, data, bits / 8);
    return bits % 8 != 0 ? mix (hash, (guint64) bits << 8 | data[bits / 8] >> (8 - bits % 8)) : hash;
  }
  case HEMERA_TERM_PID:
  case HEMERA_TERM_PORT:
  case HEMERA_TERM_REFERENCE: {
    EtfIdentity identity;
    hemera__etf_identity (p, &identity);
    while (type == HEMERA_TERM_REFERENCE && identity.n_words > 0 && identity.words[identity.n_words - 1] == 0)
      identity.n_words--;
    hash = hash_atom (mix (hash, identity.creation), identity.node);
    for (guint i = 0; i < identity.n_words; i++)
      hash = mix (hash, identity.words[i]);
    return hash;
  }
  case HEMERA_TERM_FUN: { /* an export; other funs have parts */
    EtfExport export;
    hemera__etf_export (p, &export);
    return hash_atom (hash_atom (mix (hash, export.arity), export.module), export.name);
  }
  case HEMERA_TERM_TUPLE:
  case HEMERA_TERM_MAP:
  case HEMERA_TERM_LIST:
  case HEMERA_TERM_INVALID: break;
  }
  return mix (hash, 0); /* {}, #{}, [] */
}

static guint64
hash_string (const guint8 *p)
{
  gsize n = etf_get16 (p + 1);
  guint64 hash = type_seeds[HEMERA_TERM_LIST];
  if (n == 0)
    return mix (hash, 0);
  for (gsize i = 0; i < n; i++)
    hash = mix (hash, hash_byte_integer (p[3 + i]));
  return mix (hash, mix (type_seeds[HEMERA_TERM_LIST], 0));
}

static gboolean
same_key (const Key *a, const Key *b)
{
  HemeraView x = { a->at }, y = { b->at };
  HemeraTermType type = hemera_view_type (x);
  gboolean container = type == HEMERA_TERM_MAP || type == HEMERA_TERM_TUPLE || type == HEMERA_TERM_LIST
                       || type == HEMERA_TERM_FUN;
  return container ? type == hemera_view_type (y) : hemera_view_equal (x, y);
}

/* The second occurrence of some key, or NULL. Open addressing by hash, at most half full; slots hold the key's number from 1. */
static const guint8 *
find_twice (const Key *keys, gsize n)
{
  guint32 few[128];
  guint32 *slots = few;
  const guint8 *twice = NULL;
  gsize size = 4;

  if (n < 2)
    return NULL;
  while (size < 2 * n)
    size *= 2;
  if (size > G_N_ELEMENTS (few))
    slots = g_new (guint32, size);
  memset (slots, 0, size * sizeof *slots);
  for (gsize i = 0; i < n && twice == NULL; i++) {
    gsize slot = keys[i].hash & (size - 1);
    for (; slots[slot] != 0; slot = (slot + 1) & (size - 1)) {
      const Key *other = &keys[slots[slot] - 1];
      if (other->hash == keys[i].hash && same_key (other, &keys[i])) {
        twice = keys[i].at;
        break;
      }
    }
    slots[slot] = (guint32) i + 1;
  }
  if (slots != few)
    g_free (slots);
  return twice;
}

#define INLINE_LEVELS 16
#define INLINE_KEYS   96

typedef struct {
  Level *levels;
  gsize depth, level_capacity;
  Key *keys; /* those of all open maps, the innermost map's last */
  gsize n_keys, key_capacity;
  Level inline_levels[INLINE_LEVELS];
  Key inline_keys[INLINE_KEYS];
} Walk;

/* Twice the room, on the heap from the first time on. */
static void *
grow (void *array, const void *inline_array, gsize *capacity, gsize element)
{
  void *grown = array != inline_array ? array : NULL;
  *capacity *= 2;
  grown = g_realloc_n (grown, *capacity, element);
  if (array == inline_array)
    memcpy (grown, inline_array, *capacity / 2 * element);
  return grown;
}

static inline Level *
top_level (Walk *walk)
{
  return walk->depth > 0 ? &walk->levels[walk->depth - 1] : NULL;
}

static void
open_level (Walk *walk, const guint8 *at, guint64 parts, gboolean hashed)
{
  Level level = { .left = parts, .at = at, .hashed = hashed, .first_key = walk->n_keys };
  level.is_map = *at == ETF_MAP;
  level.ignore_first = *at == ETF_NEW_FUN;
  level.hash = type_seeds[hemera_view_type ((HemeraView){ at })];
  if (hashed && *at == ETF_NEW_FUN) {
    EtfFun fun;
    hemera__etf_fun (at, &fun);
    level.hash = mix (mix (hash_atom (level.hash, fun.module), (guint64) fun.index), (guint64) fun.old_uniq);
    level.hash = mix (level.hash, fun.n_free);
  } else if (hashed && !level.is_map && *at != ETF_LIST) {
    level.hash = mix (level.hash, parts);
  }
  if (walk->depth == walk->level_capacity)
    walk->levels = grow (walk->levels, walk->inline_levels, &walk->level_capacity, sizeof level);
  walk->levels[walk->depth++] = level;
}

/* Opens the container at @p and returns where its parts begin, or NULL when @p is a term without parts. */
static const guint8 *
open_container (Walk *walk, const guint8 *p, gboolean hashed)
{
  switch (*p) {
  case ETF_SMALL_TUPLE:
    if (p[1] == 0)
      return NULL;
    open_level (walk, p, p[1], hashed);
    return p + 2;
  case ETF_NEW_FUN: {
    EtfFun fun;
    hemera__etf_fun (p, &fun);
    open_level (walk, p, 1 + (guint64) fun.n_free, hashed);
    return fun.creator;
  }
  case ETF_LARGE_TUPLE:
  case ETF_LIST:
  case ETF_MAP: {
    guint64 n = etf_get32 (p + 1);
    if (n == 0)
      return NULL;
    open_level (walk, p, *p == ETF_MAP ? 2 * n : n + (*p == ETF_LIST), hashed);
    return p + 5;
  }
  default: return NULL;
  }
}

/* Adds a finished part to its container. */
static void
add_part (Walk *walk, Level *level, const guint8 *at, guint64 hash)
{
  if (level->is_map && level->left % 2 == 0) {
    if (walk->n_keys == walk->key_capacity)
      walk->keys = grow (walk->keys, walk->inline_keys, &walk->key_capacity, sizeof (Key));
    walk->keys[walk->n_keys++] = (Key){ hash, at };
    level->key_hash = hash;
  } else if (!level->hashed) {
    return;
  } else if (level->is_map) {
    level->hash += mix (level->key_hash, hash); /* a sum: the order of pairs does not count */
  } else if (level->ignore_first) {
    level->ignore_first = FALSE; /* a fun's creator is no part of what it is */
  } else {
    level->hash = mix (level->hash, hash);
  }
}

gboolean
hemera__etf_check_unique (const guint8 *data, gsize size, GError **error)
{
  Walk walk;
  const guint8 *p = data + 1, *twice = NULL;

  walk.levels = walk.inline_levels;
  walk.depth = walk.n_keys = 0;
  walk.level_capacity = INLINE_LEVELS;
  walk.keys = walk.inline_keys;
  walk.key_capacity = INLINE_KEYS;
  pthread_once (&seeds_once, make_seeds); /* GLib's own would hide from TSan what orders the threads here */
  do {
    Level *top = top_level (&walk);
    gboolean hashed = top != NULL && (top->hashed || (top->is_map && top->left % 2 == 0));
    const guint8 *at = p, *parts = open_container (&walk, p, hashed);
    if (parts != NULL) {
      p = parts;
      continue;
    }
    guint64 hash = hashed ? (*p == ETF_STRING ? hash_string (p) : hash_leaf (p)) : 0;
    p = hemera__etf_skip (p);
    while (twice == NULL && (top = top_level (&walk)) != NULL) {
      add_part (&walk, top, at, hash);
      if (--top->left > 0)
        break;
      if (top->is_map) {
        twice = find_twice (walk.keys + top->first_key, walk.n_keys - top->first_key);
        walk.n_keys = top->first_key;
      }
      at = top->at;
      hash = mix (top->hash, *at == ETF_MAP ? etf_get32 (at + 1) : seeds[2]);
      if (*at == ETF_LIST)
        hash = top->hash; /* as hash_string() */
      walk.depth--;
    }
  } while (walk.depth > 0 && twice == NULL);

  if (walk.levels != walk.inline_levels)
    g_free (walk.levels);
  if (walk.keys != walk.inline_keys)
    g_free (walk.keys);
  if (twice != NULL)
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_DUPLICATE,
                 "a map key twice at byte %" G_GSIZE_FORMAT, (gsize) (twice - data));
  return twice == NULL;
}

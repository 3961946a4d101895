/* Bytes from outside to terms: limits, version byte, COMPRESSED, and then the passes in their order (validate.c, normal.c, unique.c). */
#include "codec/term/term-internal.h"
#include "codec/term/cursor.h"
#include "codec/stream/slab.h"

#include <zlib.h>

#define DEFAULT_MAX_SIZE     ((gsize) 16 << 20)
#define DEFAULT_MAX_INFLATED ((gsize) 64 << 20)
#define DEFAULT_MAX_DEPTH    512
#define INFLATE_STEP         ((gsize) 256 << 10)

HemeraEtfLimits
hemera__limits_resolve (const HemeraEtfLimits *limits)
{
  HemeraEtfLimits resolved = { 0, 0, 0, TRUE };
  if (limits != NULL)
    resolved = *limits;
  if (resolved.max_size == 0)
    resolved.max_size = DEFAULT_MAX_SIZE;
  if (resolved.max_inflated == 0)
    resolved.max_inflated = DEFAULT_MAX_INFLATED;
  if (resolved.max_depth == 0)
    resolved.max_depth = DEFAULT_MAX_DEPTH;
  return resolved;
}

static gboolean
check_shape (const guint8 *data, gsize size, const HemeraEtfLimits *limits, GError **error)
{
  if (size > limits->max_size)
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
                 "%" G_GSIZE_FORMAT " bytes where at most %" G_GSIZE_FORMAT " are allowed", size,
                 limits->max_size);
  else if (size == 0)
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRUNCATED,
                 "no bytes where a term belongs at byte 0");
  else if (data[0] != ETF_VERSION)
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_MALFORMED,
                 "version %u instead of 131 at byte 0", data[0]);
  else
    return TRUE;
  return FALSE;
}

/* Inflates 131, 80, size (4 bytes), zlib data. The buffer grows with what really comes out, so that a claimed size costs nothing by itself.
 * The result gets a version byte in front. */
static guint8 *
inflate_term (const guint8 *data, gsize size, gsize max_inflated, gsize *inflated_size, GError **error)
{
  if (size < 6) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRUNCATED,
                 "the bytes end inside a term at byte %" G_GSIZE_FORMAT, size);
    return NULL;
  }
  gsize stated = etf_get32 (data + 2);
  if (stated > max_inflated) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
                 "a compressed term of %" G_GSIZE_FORMAT " bytes where at most %" G_GSIZE_FORMAT
                 " are allowed at byte 1",
                 stated, max_inflated);
    return NULL;
  }
  z_stream z = { 0 };
  if (inflateInit (&z) != Z_OK)
    g_error ("inflateInit: out of memory");
  gsize capacity = MIN (stated, INFLATE_STEP), used = 0;
  guint8 *out = g_malloc (1 + capacity);
  guint8 beyond; /* one byte more than stated would land here */
  const char *problem = NULL;
  int status = Z_OK;

  out[0] = ETF_VERSION;
  z.next_in = (Bytef *) data + 6;
  gsize in_left = size - 6;
  while (status != Z_STREAM_END && problem == NULL) {
    if (z.avail_in == 0) {
      z.avail_in = (uInt) MIN (in_left, (gsize) 1 << 30);
      in_left -= z.avail_in;
    }
    if (used == capacity && capacity < stated) {
      capacity = MIN (stated, capacity * 2);
      out = g_realloc (out, 1 + capacity);
    }
    gsize room = used < stated ? MIN (capacity - used, (gsize) 1 << 30) : 1;
    z.next_out = used < stated ? out + 1 + used : &beyond;
    z.avail_out = (uInt) room;
    status = inflate (&z, Z_NO_FLUSH);
    used += room - z.avail_out;
    if (used > stated)
      problem = "larger than stated";
    else if (status == Z_BUF_ERROR || (status == Z_OK && z.avail_in == 0 && in_left == 0 && z.avail_out > 0))
      problem = "cut short";
    else if (status != Z_OK && status != Z_STREAM_END)
      problem = "corrupt";
  }
  gsize rest = z.avail_in + in_left;
  inflateEnd (&z);
  if (problem == NULL && used != stated)
    problem = "smaller than stated";
  if (problem != NULL)
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_COMPRESSION,
                 "compressed data that is %s at byte %" G_GSIZE_FORMAT, problem, size - rest);
  else if (rest > 0)
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRAILING,
                 "bytes behind the term at byte %" G_GSIZE_FORMAT, size - rest);
  if (problem != NULL || rest > 0) {
    g_free (out);
    return NULL;
  }
  *inflated_size = 1 + used;
  return out;
}

/* Runs @owner_free and forgets the owner: the bytes now live elsewhere or nowhere. */
static void
drop_owner (gpointer *owner, GDestroyNotify *owner_free)
{
  if (*owner_free != NULL)
    (*owner_free) (*owner);
  *owner = NULL;
  *owner_free = NULL;
}

/* Says which bytes the offset in the message counts, where they are not those that were given. */
static void
tell_bytes (GError **error, const char *which)
{
  if (which != NULL && error != NULL) {
    char *message = g_strconcat ((*error)->message, which, NULL);
    g_free ((*error)->message);
    (*error)->message = message;
  }
}

static void
replace_bytes (guint8 *bytes, const guint8 **data, gpointer *owner, GDestroyNotify *owner_free)
{
  drop_owner (owner, owner_free);
  *data = bytes;
  *owner = bytes;
  *owner_free = g_free;
}

/* @room: (nullable): where the struct may stand, in @owner's memory. */
static HemeraTerm *
make_term (const guint8 *data, gsize size, gpointer owner, GDestroyNotify owner_free, gpointer room,
           const HemeraEtfLimits *given, GError **error)
{
  HemeraEtfLimits limits = hemera__limits_resolve (given);
  gpointer first_owner = owner;
  const char *which = NULL;
  gboolean irregular = FALSE;
  gboolean ok = check_shape (data, size, &limits, error);

  if (ok && size > 1 && data[1] == ETF_COMPRESSED) {
    guint8 *inflated = inflate_term (data, size, limits.max_inflated, &size, error);
    ok = inflated != NULL;
    if (ok) {
      replace_bytes (inflated, &data, &owner, &owner_free);
      which = " of the inflated term";
    }
  }
  ok = ok && hemera__etf_validate (data, size, 1, limits.max_depth, &irregular, error);
  if (ok && irregular) {
    guint8 *normal = hemera__etf_normalise (data, size, &size);
    replace_bytes (normal, &data, &owner, &owner_free);
    which = " of the term with its lists made plain";
  }
  if (ok && limits.unique_keys)
    ok = hemera__etf_check_unique (data, size, error);
  if (!ok) {
    tell_bytes (error, which);
    drop_owner (&owner, &owner_free);
    return NULL;
  }
  /* Bytes that were inflated or rewritten have another owner, and the room goes with the first one. */
  gboolean is_in_owner = room != NULL && owner == first_owner;
  HemeraTerm *self = is_in_owner ? room : g_malloc (sizeof *self);
  atomic_init (&self->refs, 1);
  self->is_in_owner = is_in_owner;
  self->data = data;
  self->size = size;
  self->owner = owner;
  self->owner_free = owner_free;
  return self;
}

HemeraTerm *
hemera__term_new_with_owner (const guint8 *data, gsize size, gpointer owner, GDestroyNotify owner_free,
                             const HemeraEtfLimits *limits, GError **error)
{
  return make_term (data, size, owner, owner_free, NULL, limits, error);
}

HemeraTerm *
hemera_term_new_from_etf (GBytes *bytes, const HemeraEtfLimits *limits, GError **error)
{
  gsize size;
  g_return_val_if_fail (bytes != NULL, NULL);
  const guint8 *data = g_bytes_get_data (bytes, &size);
  return hemera__term_new_with_owner (data, size, g_bytes_ref (bytes), (GDestroyNotify) g_bytes_unref, limits,
                                      error);
}

HemeraTerm *
hemera__term_new_from_slice (const HemeraSlice *slice, const void *limits, GError **error)
{
  G_STATIC_ASSERT (sizeof (HemeraTerm) <= HEMERA_SLICE_ROOM);
  return make_term (slice->data, slice->size, hemera__slab_ref (slice->slab),
                    (GDestroyNotify) hemera__slab_unref, slice->room, limits, error);
}

HemeraTerm *
hemera_term_new_from_etf_data (gconstpointer data, gsize size, const HemeraEtfLimits *given, GError **error)
{
  HemeraEtfLimits limits = hemera__limits_resolve (given);
  const guint8 *bytes = data;
  gboolean irregular;
  guint8 *payload;

  g_return_val_if_fail (data != NULL || size == 0, NULL);
  if (!check_shape (bytes, size, &limits, error))
    return NULL;
  if (size > 1 && bytes[1] == ETF_COMPRESSED)
    return hemera__term_new_with_owner (bytes, size, NULL, NULL, &limits, error);
  if (!hemera__etf_validate (bytes, size, 1, limits.max_depth, &irregular, error))
    return NULL;
  if (irregular)
    return hemera__term_new_with_owner (bytes, size, NULL, NULL, &limits, error);
  if (limits.unique_keys && !hemera__etf_check_unique (bytes, size, error))
    return NULL;
  HemeraTerm *self = hemera__term_new_inline (size - 1, &payload);
  memcpy (payload, bytes + 1, size - 1);
  return self;
}

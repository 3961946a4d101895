/* The inside of HemeraTerm, and the passes that make one. Shared within the codec only. */
#pragma once

#include <hemera/etf.h>
#include <stdatomic.h>

struct _HemeraTerm {
  atomic_uint refs;
  gboolean is_in_owner; /* the struct itself stands in the owner's memory, which owner_free gives back */
  const guint8 *data;   /* version byte and term; immutable */
  gsize size;
  gpointer owner; /* keeps @data when it is not inline */
  GDestroyNotify owner_free;
  guint8 inline_data[];
};

/* What a caller left at 0 gets its default; NULL is all defaults with unique_keys. */
HemeraEtfLimits hemera__limits_resolve (const HemeraEtfLimits *limits);

/* Validates the @size bytes at @data (version byte first) and makes a term over them in one allocation; nothing is copied unless the term
 * is compressed or has lists that have lists as tails. @owner keeps @data alive: taken over in success and failure alike, and freed by
 * @owner_free (nullable) from whatever thread drops the last reference. */
HemeraTerm *
hemera__term_new_with_owner (const guint8 *data, gsize size, gpointer owner, GDestroyNotify owner_free,
                             const HemeraEtfLimits *limits, GError **error);

/* A term that holds @size bytes of its own behind the version byte; the caller fills *@payload before anyone else sees the term. The bytes
 * must be valid and in normal form (cursor.h). */
HemeraTerm *hemera__term_new_inline (gsize size, guint8 **payload);

/* The validating pass over one term from @data[offset] on, which must end at @size. @irregular tells whether lists need normal.c. */
gboolean hemera__etf_validate (const guint8 *data, gsize size, gsize offset, guint max_depth,
                               gboolean *irregular, GError **error);

/* Rewrites a validated payload so that no list has no elements or a list as its tail: version byte and term, in a buffer for g_free(). */
guint8 *hemera__etf_normalise (const guint8 *data, gsize size, gsize *normal_size);

/* Refuses a validated payload that has a map key twice; linear. @data is the version byte, for the offset in the message. */
gboolean hemera__etf_check_unique (const guint8 *data, gsize size, GError **error);

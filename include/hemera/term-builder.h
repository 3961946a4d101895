/* HemeraTermBuilder: encodes a term, front to back. Containers are opened without a count: the builder counts.
 *
 *   HemeraTermBuilder *builder = hemera_term_builder_new ();
 *
 *   hemera_term_builder_open_map (builder);
 *   hemera_term_builder_key (builder, "ids");
 *   hemera_term_builder_open_list (builder);
 *   hemera_term_builder_add_snowflake (builder, 80351110224678912);
 *   hemera_term_builder_close (builder);
 *   hemera_term_builder_close (builder);
 *   term = hemera_term_builder_end (builder, &error);
 *   hemera_term_builder_free (builder);
 *
 * Terms whose shape is known are shorter with hemera_term_new(). One thread at a time. */
#pragma once

#include <hemera/term.h>

G_BEGIN_DECLS

typedef struct _HemeraTermBuilder HemeraTermBuilder;

/* (transfer full) */
HEMERA_API HemeraTermBuilder *hemera_term_builder_new (void);
/* @self: (nullable) */
HEMERA_API void hemera_term_builder_free (HemeraTermBuilder *self);

/* Each add_ appends one term to the open container (or makes the root); what it is given is copied. In a map keys and values alternate.
 * Values that ETF cannot hold (a float that is not finite, an atom over 255 characters or no UTF-8, a string that is no UTF-8) make the
 * end fail, not the add: after the first one all calls do nothing. */
HEMERA_API void hemera_term_builder_add_int64 (HemeraTermBuilder *self, gint64 value);
HEMERA_API void hemera_term_builder_add_uint64 (HemeraTermBuilder *self, guint64 value);
/* An integer of any size: its magnitude in @size bytes, the least significant first. */
HEMERA_API void hemera_term_builder_add_big (HemeraTermBuilder *self, gboolean negative,
                                             const guint8 *little_endian, gsize size);
/* [-]digits, any length */
HEMERA_API void hemera_term_builder_add_decimal (HemeraTermBuilder *self, const char *digits, gsize size);
HEMERA_API void hemera_term_builder_add_double (HemeraTermBuilder *self, double value);
HEMERA_API void hemera_term_builder_add_boolean (HemeraTermBuilder *self, gboolean value);
HEMERA_API void hemera_term_builder_add_nil (HemeraTermBuilder *self); /* the atom `nil`, Discord's null */
HEMERA_API void hemera_term_builder_add_atom (HemeraTermBuilder *self, const char *name);
HEMERA_API void hemera_term_builder_add_string (HemeraTermBuilder *self, const char *utf8); /* a binary */
HEMERA_API void hemera_term_builder_add_binary (HemeraTermBuilder *self, gconstpointer data, gsize size);
/* copied as it is encoded */
HEMERA_API void hemera_term_builder_add_view (HemeraTermBuilder *self, HemeraView term);
/* a decimal string */
HEMERA_API void hemera_term_builder_add_snowflake (HemeraTermBuilder *self, guint64 id);

/* What comes until the matching close is inside. A list is a proper one. */
HEMERA_API void hemera_term_builder_open_tuple (HemeraTermBuilder *self);
HEMERA_API void hemera_term_builder_open_list (HemeraTermBuilder *self);
HEMERA_API void hemera_term_builder_open_map (HemeraTermBuilder *self);
HEMERA_API void hemera_term_builder_close (HemeraTermBuilder *self);

/* For maps: key as a binary, then the value. */
HEMERA_API void hemera_term_builder_key (HemeraTermBuilder *self, const char *key);

/**
 * hemera_term_builder_end:
 * @self: (transfer none): a builder with one complete root term; empty again afterwards
 * @error: #HemeraCodecError: what was added and cannot be held, a map key twice or without a value, an unbalanced close, over 2 GiB
 *
 * Returns: (transfer full) (nullable): the term
 */
HEMERA_API HemeraTerm *hemera_term_builder_end (HemeraTermBuilder *self, GError **error);

/* A whole term from a format: tuples {}, lists [], maps #{ => }, "~a" atom, "~s" string as a binary (what is no UTF-8 in it is
 * replaced), "~i" gint64, "~u" guint64, "~f" double, "~b" gboolean, "~t" HemeraTerm* (transfer none), "~v" HemeraView; bare words are
 * atoms, bare numbers integers: hemera_term_new ("{shutdown, {shard_disconnected, #{shard => ~u, code => ~u}}}", ...). What is wrong in
 * the format or cannot be held aborts: it is the programmer's. (transfer full) */
HEMERA_API HemeraTerm *hemera_term_new (const char *format, ...);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraTermBuilder, hemera_term_builder_free)

G_END_DECLS

/* HemeraTerm: an immutable, reference-counted buffer of validated Erlang external term format (ETF), and HemeraView, a value that
 * points at one term inside it. The one data model of Hemera: payloads, JSON, exit reasons, messages across nodes.
 *
 * A buffer is validated once, when the term is made (hemera_term_new_from_etf(), hemera_term_new_from_json(), HemeraTermBuilder).
 * From then on every accessor is total: a view of another type, or the invalid view, gives the fallback, FALSE or an invalid view,
 * and never reads outside the buffer. Walking allocates nothing and does not recurse.
 *
 *   g_autoptr (GError) error = NULL;
 *   g_autoptr (HemeraTerm) term = hemera_term_new_from_json ("{\"ids\":[1,2],\"name\":\"a\"}", 24, NULL, &error);
 *   HemeraView root = hemera_term_view (term), id;
 *   HemeraViewIter iter;
 *
 *   if (hemera_view_equals_string (hemera_view_get (root, "name"), "a")) {
 *     hemera_view_iter_init (&iter, hemera_view_get (root, "ids"));
 *     while (hemera_view_iter_next (&iter, &id))
 *       g_print ("%" G_GINT64_FORMAT "\n", hemera_view_int64 (id, 0));
 *   }
 *
 * Cost: the buffer has no index, so a step over a term costs the term's bytes. A walk over one container is linear in it. A walk that
 * enters every container pays each byte once a level, unless it tells each iterator where the one inside ended:
 *
 *   static void
 *   walk (HemeraView view, HemeraViewIter *outer)
 *   {
 *     HemeraViewIter iter;
 *     HemeraView element;
 *
 *     hemera_view_iter_init (&iter, view);
 *     while (hemera_view_iter_next (&iter, &element))
 *       walk (element, &iter);
 *     hemera_view_iter_leave (outer, &iter);
 *   }
 *
 * Several look-ups in a large map each walk from its start: one walk over its pairs serves all keys. Comparing and printing index what lies
 * deep, and writing JSON goes over the bytes once, so depth costs those nothing.
 *
 * Threads: terms and views may be read from any thread at once. A view lives as long as the term it came from; it holds no reference. */
#pragma once

#include <glib-object.h>
#include <hemera/macros.h>

G_BEGIN_DECLS

typedef struct _HemeraTerm HemeraTerm;

#define HEMERA_TYPE_TERM (hemera_term_get_type ())
HEMERA_API GType hemera_term_get_type (void);

/**
 * HemeraView:
 *
 * One term inside a #HemeraTerm: a value, passed by value. All-zero is the invalid view. The fields are private.
 */
typedef struct {
  /*< private >*/
  const guint8 *data; /* the term's tag byte, behind any version byte */
} HemeraView;

#define HEMERA_VIEW_INVALID ((HemeraView){ NULL })

/**
 * HemeraTermType:
 *
 * Erlang's types. %HEMERA_TERM_LIST is a proper or improper list, NIL_EXT (the empty list) and STRING_EXT (a list of small integers) alike.
 */
typedef enum {
  HEMERA_TERM_INVALID,
  HEMERA_TERM_INTEGER, /* any size */
  HEMERA_TERM_FLOAT,
  HEMERA_TERM_ATOM,
  HEMERA_TERM_REFERENCE,
  HEMERA_TERM_FUN, /* fun or export */
  HEMERA_TERM_PORT,
  HEMERA_TERM_PID,
  HEMERA_TERM_TUPLE,
  HEMERA_TERM_MAP,
  HEMERA_TERM_LIST,
  HEMERA_TERM_BINARY,
  HEMERA_TERM_BITSTRING, /* whose length is no multiple of eight bits */
} HemeraTermType;

/* ---- the counted buffer ------------------------------------------------------------------------------------------------------ */

/* One reference more, or less. Atomic: any thread; the last unref frees the bytes there. ref: (transfer full) */
HEMERA_API HemeraTerm *hemera_term_ref (HemeraTerm *self);
HEMERA_API void hemera_term_unref (HemeraTerm *self);

/* The root term, or the invalid view when @self is NULL. It lives as long as @self. */
HEMERA_API HemeraView hemera_term_view (HemeraTerm *self);

/* A compact copy of @view alone, in a buffer of its own: what outlives a payload. @view must be valid. (transfer full) */
HEMERA_API HemeraTerm *hemera_term_new_from_view (HemeraView view);

/* What binary_to_term() takes: version byte 131 and the term. Copies nothing: the bytes keep a reference on @self. (transfer full) */
HEMERA_API GBytes *hemera_term_to_etf (HemeraTerm *self);

/* Terms of one value. Frequent atoms (`ok`, `nil`, `normal` ...) and integers below 32 are shared and cost no allocation. (transfer full)
 * An atom has up to 255 characters of UTF-8, a string, which becomes a binary, is UTF-8: anything else is the programmer's error. */
HEMERA_API HemeraTerm *hemera_term_new_atom (const char *name);
HEMERA_API HemeraTerm *hemera_term_new_string (const char *utf8);
HEMERA_API HemeraTerm *hemera_term_new_int64 (gint64 value);

/* ---- reading ----------------------------------------------------------------------------------------------------------------- */

/* O(1). %HEMERA_TERM_INVALID for the invalid view alone. */
HEMERA_API HemeraTermType hemera_view_type (HemeraView self);
/* FALSE for what an accessor gave because there was nothing. */
#define hemera_view_is_valid(self) ((self).data != NULL)

/* Bytes of the term's own encoding, from its tag on (no version byte): what may be sent on as it is. Walks over the term once. (transfer none)
 * (nullable): NULL with @size 0 for the invalid view. */
HEMERA_API const guint8 *hemera_view_bytes (HemeraView self, gsize *size);

/* Integers. The _get_ forms, of all scalars, return FALSE and leave @value alone when the term is of another type or does not fit; the
 * others give @fallback then. */
HEMERA_API gboolean hemera_view_get_int64 (HemeraView self, gint64 *value);
HEMERA_API gboolean hemera_view_get_uint64 (HemeraView self, guint64 *value);
HEMERA_API gint64 hemera_view_int64 (HemeraView self, gint64 fallback);
HEMERA_API guint64 hemera_view_uint64 (HemeraView self, guint64 fallback);

/* A Discord id: an integer (small or big) or a decimal string (binary), 0 to 2^64-1. No sign, no spaces. */
HEMERA_API gboolean hemera_view_get_snowflake (HemeraView self, guint64 *value);

/* A float. hemera_view_number() takes integers too, rounded to the nearest double; @fallback for one that is beyond all doubles. */
HEMERA_API gboolean hemera_view_get_double (HemeraView self, double *value);
HEMERA_API double hemera_view_number (HemeraView self, double fallback);

/* Atoms `true` and `false`. */
HEMERA_API gboolean hemera_view_get_boolean (HemeraView self, gboolean *value);
HEMERA_API gboolean hemera_view_boolean (HemeraView self, gboolean fallback);

/* TRUE for the atoms `nil` and `null`: what JSON and Discord call null. */
HEMERA_API gboolean hemera_view_is_null (HemeraView self);

/* Atom or binary as bytes, not NUL-terminated. UTF-8 for atoms (Latin-1 atoms: hemera_view_dup_string() converts; here FALSE unless
 * they are ASCII). A binary may hold any bytes. (transfer none): lives as long as the root. */
HEMERA_API gboolean hemera_view_get_string (HemeraView self, const char **data, gsize *size);
/* The same as UTF-8, NUL-terminated; NULL for other types and for binaries that are no UTF-8. A NUL inside stays and cuts C's idea of it.
 * (transfer full) (nullable) */
HEMERA_API char *hemera_view_dup_string (HemeraView self);

/* A binary: its bytes, (transfer none), not NUL-terminated. */
HEMERA_API gboolean hemera_view_get_binary (HemeraView self, const guint8 **data, gsize *size);
/* (transfer none): bits in the last byte are the high ones; @bits counts all bits. Binaries are bitstrings too. */
HEMERA_API gboolean hemera_view_get_bitstring (HemeraView self, const guint8 **data, gsize *bits);

/* TRUE when atom or binary equals @text: Discord's keys and enum values come as either. */
HEMERA_API gboolean hemera_view_equals_string (HemeraView self, const char *text);
/* TRUE only for the atom. */
HEMERA_API gboolean hemera_view_is_atom (HemeraView self, const char *name);

/* ---- containers -------------------------------------------------------------------------------------------------------------- */

/* Tuple arity, number of map pairs, length of a list without its tail, 0 for others. O(1). */
HEMERA_API gsize hemera_view_length (HemeraView self);

/* Element of a tuple or list from 0; the invalid view outside. Walks over the elements up to it: for all of them use HemeraViewIter. */
HEMERA_API HemeraView hemera_view_element (HemeraView self, gsize index);

/* The value behind @key (atom or binary, the same key); FALSE and @value invalid when absent or no map. Walks over the pairs up to it;
 * the first one counts where a key stands twice (#HemeraEtfLimits, @unique_keys). */
HEMERA_API gboolean hemera_view_lookup (HemeraView map, const char *key, HemeraView *value);
/* The same, the invalid view when absent: chains, as every accessor takes that: hemera_view_int64 (hemera_view_get (map, "op"), -1). */
HEMERA_API HemeraView hemera_view_get (HemeraView map, const char *key);

/**
 * HemeraViewIter:
 *
 * Walks over a tuple, list or map, front to back; a step costs the bytes of the element before. On the stack, nothing to free; private
 * fields.
 */
typedef struct {
  /*< private >*/
  const guint8 *at; /* what was given last, or what comes next */
  const guint8 *container;
  gsize left;
  gboolean is_given;
  guint8 kind; /* elements, pairs, bytes of a STRING_EXT */
  guint8 byte[2];
} HemeraViewIter;

/* @container: any view; one that is no container has no elements. */
HEMERA_API void hemera_view_iter_init (HemeraViewIter *iter, HemeraView container);
/* Of a tuple or list. FALSE, and @element invalid, at the end. Views of STRING_EXT elements live in @iter until the next step. */
HEMERA_API gboolean hemera_view_iter_next (HemeraViewIter *iter, HemeraView *element);
/* Of a map, in the order of the bytes. FALSE, and both invalid, at the end. */
HEMERA_API gboolean hemera_view_iter_next_pair (HemeraViewIter *iter, HemeraView *key, HemeraView *value);
/* Tail of an improper list once all elements are read; the invalid view for a proper one. */
HEMERA_API HemeraView hemera_view_iter_tail (HemeraViewIter *iter);

/* Optional, and worth it for walks that enter what they meet: @inner was initialised with the element that @iter gave last (of a map: the
 * value), and @iter will not read again what @inner has read. Any other @inner changes nothing. @iter: (nullable): for the root. */
HEMERA_API void hemera_view_iter_leave (HemeraViewIter *iter, const HemeraViewIter *inner);

/* ---- comparing and printing -------------------------------------------------------------------------------------------------- */

/* Erlang's term order (Erlang reference manual, "Term Comparisons"): -1, 0 or 1; 1 == 1.0. Maps compare by size, then keys, then
 * values, integer keys before float keys. The invalid view is below all. Allocates for maps and below eight levels only. */
HEMERA_API int hemera_view_compare (HemeraView a, HemeraView b);
/* Erlang's =:= : the same type and value, whatever the encoding (STRING_EXT and LIST_EXT, old and new atoms). */
HEMERA_API gboolean hemera_view_equal (HemeraView a, HemeraView b);

/* What io_lib:format("~tw") of OTP 25 gives, in UTF-8, but for two things: keys of maps of any size stand in the order that it prints for
 * small ones, and pids, ports, references and funs, which have no portable text, stand as #Pid<node@host.1.2.3>, all fields of the wire
 * form. The invalid view is #Invalid. (transfer full) */
HEMERA_API char *hemera_view_to_string (HemeraView self);
/* The same behind what is in @out. */
HEMERA_API void hemera_view_append_string (HemeraView self, GString *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraTerm, hemera_term_unref)

G_END_DECLS

/* JSON text to terms and back, over the same data model. Any thread.
 *
 * In: objects are maps with binary keys (a repeated key is an error), arrays lists, strings binaries, null the atom `nil`, true and
 * false atoms, integers of any size exact, other numbers floats. Strict RFC 8259, UTF-8 checked, lone surrogates refused.
 * Integers of one text have at most about a million digits, together, in and out.
 * Out: atoms true, false, nil and null (both null); other atoms and binaries strings (UTF-8 or an error); lists arrays; integers of any
 * size numbers; map keys atoms, binaries or integers (two that become one are an error); anything else is an error that names it. */
#pragma once

#include <hemera/etf.h>

G_BEGIN_DECLS

/* (transfer full) (nullable): the term, or NULL with a #HemeraCodecError that has the byte offset. Of @limits (NULL: the defaults) the
 * size, of the text, and the depth count. Integers have 1,048,576 digits at most, and together as many as take about a second. */
HEMERA_API HemeraTerm *
hemera_term_new_from_json (const char *text, gsize size, const HemeraEtfLimits *limits, GError **error);

typedef enum {
  HEMERA_JSON_DEFAULT = 0,
  HEMERA_JSON_SAFE_IDS = 1 << 0, /* integers beyond +-(2^53-1) as decimal strings */
} HemeraJsonFlags;

/* Appends the text of @view to @out. FALSE with a #HemeraCodecError, and @out as it was, for what JSON cannot hold and for the invalid
 * view. */
HEMERA_API gboolean hemera_view_append_json (HemeraView view, HemeraJsonFlags flags, GString *out,
                                             GError **error);
/* The same as a string. (transfer full) (nullable): NULL with @error set */
HEMERA_API char *hemera_view_to_json (HemeraView view, HemeraJsonFlags flags, GError **error);

G_END_DECLS

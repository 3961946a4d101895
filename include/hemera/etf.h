/* ETF bytes to terms: the validating pass, its limits and its errors. Any thread. */
#pragma once

#include <hemera/term.h>

G_BEGIN_DECLS

/**
 * HEMERA_CODEC_ERROR:
 *
 * Errors of untrusted ETF or JSON bytes. The message names the fact and the byte offset ("... at byte 17", and of which bytes where they
 * are not those that were given: "... at byte 17 of the inflated term").
 */
#define HEMERA_CODEC_ERROR (hemera_codec_error_quark ())
HEMERA_API GQuark hemera_codec_error_quark (void);

/* Codes of %HEMERA_CODEC_ERROR. */
typedef enum {
  HEMERA_CODEC_ERROR_TRUNCATED,   /* bytes end inside the term */
  HEMERA_CODEC_ERROR_MALFORMED,   /* what binary_to_term() of OTP 25 or a JSON parser refuses */
  HEMERA_CODEC_ERROR_TRAILING,    /* bytes behind the term */
  HEMERA_CODEC_ERROR_DEPTH,       /* deeper than the limit */
  HEMERA_CODEC_ERROR_SIZE,        /* larger than the limit, compressed or not */
  HEMERA_CODEC_ERROR_DUPLICATE,   /* a map key twice */
  HEMERA_CODEC_ERROR_UNSUPPORTED, /* a term that the target form cannot hold */
  HEMERA_CODEC_ERROR_COMPRESSION, /* corrupt zlib data */
} HemeraCodecError;

/**
 * HemeraEtfLimits:
 * @max_size: bytes of a payload as it is given; 0: 16 MiB
 * @max_inflated: bytes after inflating (COMPRESSED terms, zlib-stream messages); 0: 64 MiB
 * @max_depth: nesting levels; 0: 512
 * @unique_keys: whether a map with a key twice is refused, as BEAM does. It costs about twice the rest of the pass; for payloads of
 *   Discord FALSE, for what is sent on to Erlang or printed TRUE.
 *
 * Limits for bytes from outside. NULL stands for the defaults with @unique_keys TRUE.
 */
typedef struct {
  gsize max_size;
  gsize max_inflated;
  guint max_depth;
  gboolean unique_keys;
} HemeraEtfLimits;

/**
 * hemera_term_new_from_etf:
 * @bytes: version byte 131 and one term, as term_to_binary() writes them; COMPRESSED (131 80 ...) is inflated
 * @limits: (nullable): limits, or %NULL for the defaults
 * @error: #HemeraCodecError
 *
 * Validates @bytes: bounds, arities, tags, UTF-8 of atoms, finite floats, depth and size, without recursion.
 * Keeps a reference on @bytes and copies nothing unless the term was compressed.
 *
 * Returns: (transfer full) (nullable): the term, or %NULL with @error set
 */
HEMERA_API HemeraTerm *
hemera_term_new_from_etf (GBytes *bytes, const HemeraEtfLimits *limits, GError **error);

/* The same for @size bytes that the caller keeps: copies them. */
HEMERA_API HemeraTerm *
hemera_term_new_from_etf_data (gconstpointer data, gsize size, const HemeraEtfLimits *limits, GError **error);

G_END_DECLS

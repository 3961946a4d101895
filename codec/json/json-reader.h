/* The seam to the JSON library: text in, events out. One file implements it (reader-yajl.c), so that the library can change. */
#pragma once

#include <glib.h>

typedef enum {
  HEMERA_JSON_NULL,
  HEMERA_JSON_TRUE,
  HEMERA_JSON_FALSE,
  HEMERA_JSON_NUMBER, /* the digits as they stand, RFC 8259's grammar */
  HEMERA_JSON_STRING, /* unescaped, UTF-8 */
  HEMERA_JSON_KEY,    /* as a string */
  HEMERA_JSON_OBJECT,
  HEMERA_JSON_OBJECT_END,
  HEMERA_JSON_ARRAY,
  HEMERA_JSON_ARRAY_END,
} HemeraJsonEvent;

/* @bytes: of numbers, strings and keys, until the call returns. @end: offset behind the event's text.
 * Returns: FALSE, with @error set, to stop. */
typedef gboolean (*HemeraJsonEventFunc) (gpointer data, HemeraJsonEvent event, const guint8 *bytes,
                                         gsize size, gsize end, GError **error);

/* Reads one value that fills @text, strictly after RFC 8259: UTF-8 checked, surrogates in pairs only. Does not recurse; nesting is the
 * callback's to limit. Returns: FALSE with a #HemeraCodecError that has the byte offset, or with the callback's error. Any thread. */
gboolean
hemera__json_read (const char *text, gsize size, HemeraJsonEventFunc func, gpointer data, GError **error);

/* Where the string or key began that ends before @end. */
gsize hemera__json_string_start (const char *text, gsize end);

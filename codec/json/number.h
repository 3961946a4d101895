/* JSON's numbers as ETF. Pure functions, any thread. */
#pragma once

#include <glib.h>

/* Digits of an integer at most. The conversion is quadratic, so a document has a budget as well: the squares of the lengths of its
 * integers sum up to the square of this at most, which is less than a second's work. */
#define HEMERA_JSON_MAX_DIGITS (1024 * 1024)

/* Whether the text of a JSON number is an integer's: it has neither fraction nor exponent. */
gboolean hemera__json_number_is_integer (const guint8 *text, gsize size);

/* Bytes that hemera__json_put_integer() writes for @size characters at most. */
gsize hemera__json_integer_bound (gsize size);
/* Writes the ETF of an integer, [-]digits; returns the bytes written. */
gsize hemera__json_put_integer (guint8 *out, const guint8 *text, gsize size);

/* FALSE when the number is beyond a double's range. Not the locale's business. */
gboolean hemera__json_parse_double (const guint8 *text, gsize size, double *value);

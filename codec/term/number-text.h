/* Numbers as text, the same in Erlang's terms and in JSON. Any thread, any locale. */
#pragma once

#include <hemera/term.h>

/* The shortest text that reads back as @value, which must be finite, in OTP's form: always with a point, "1.0e5", "0.0015". */
void hemera__append_double (GString *out, double value);

/* An integer view of any size in decimal. */
void hemera__append_integer (GString *out, HemeraView integer);

/* The same of a word. */
void hemera__append_word (GString *out, guint64 word);

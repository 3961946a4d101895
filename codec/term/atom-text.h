/* Atoms as Erlang writes them. */
#pragma once

#include <hemera/term.h>

/* Quoted and escaped where Erlang's reader would need it. @atom is the term's tag byte, in validated bytes. */
void hemera__append_atom (GString *out, const guint8 *atom);

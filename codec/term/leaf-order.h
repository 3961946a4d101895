/* Order of two terms without parts, and of what terms with parts have besides them. Pure functions over validated views. */
#pragma once

#include <hemera/term.h>

/* Rank of a term's type: number < atom < reference < fun < port < pid < tuple < map < nil < list < bitstring; 0 for the invalid view. */
int hemera__term_rank (HemeraView view);

/* Both of the same rank, neither with parts; @exact as in compare.h. */
int hemera__leaf_compare (HemeraView a, HemeraView b, gboolean exact);

/* Two funs: funs before exports; TRUE in @parts when they differ at most in their free variables. */
int hemera__fun_compare (HemeraView a, HemeraView b, gboolean *parts);

/* What tests ask OTP itself: an escript runs the cases of a file and prints one line a case. */
#pragma once

#include <glib.h>

/* (transfer full) (nullable): the @n_cases lines of @escript for the cases of @script; NULL where there is no escript. */
char **oracle_run (const char *escript, const char *script, guint n_cases);
/* A number from the environment: a seed, how many cases. */
guint64 oracle_number (const char *variable, guint64 fallback);

/* A table of measurements: each runs its work N times and says how long one took. It reports, and never fails on time. */
#pragma once

#include <glib.h>

/* Does @n of what is measured; returns when all are done. */
typedef void (*BenchFunc) (guint64 n);

typedef struct {
  const char *name;
  BenchFunc func;
} Bench;

/* Runs the table, a line each: name, ns for one, how many. --smoke: a few of each, under a second for all; otherwise about half a second a
 * line, the best of three. Other arguments choose by a part of the name. */
int bench_main (int argc, char **argv, const Bench *table, guint n_table);

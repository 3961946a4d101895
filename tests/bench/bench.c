/* See bench.h. */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <string.h>

#define SMOKE_N 200
#define LINE_US (G_USEC_PER_SEC / 6)

static double
measure (BenchFunc func, guint64 n)
{
  gint64 before = g_get_monotonic_time ();

  func (n);
  return (double) (g_get_monotonic_time () - before);
}

static void
run (const Bench *bench, gboolean is_smoke)
{
  guint64 n = SMOKE_N;
  double us = measure (bench->func, n), best;

  if (!is_smoke) {
    while (us < LINE_US) {
      n *= us < LINE_US / 16.0 ? 8 : 2;
      us = measure (bench->func, n);
    }
    best = us;
    for (guint i = 0; i < 2; i++)
      best = MIN (best, measure (bench->func, n));
    us = best;
  }
  printf ("%-32s %10.1f ns  x %" G_GUINT64_FORMAT "\n", bench->name, us * 1000 / (double) n, n);
  fflush (stdout);
}

int
bench_main (int argc, char **argv, const Bench *table, guint n_table)
{
  gboolean is_smoke = FALSE;
  const char *part = NULL;

  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--smoke"))
      is_smoke = TRUE;
    else
      part = argv[i];
  for (guint i = 0; i < n_table; i++)
    if (!part || strstr (table[i].name, part))
      run (&table[i], is_smoke);
  return 0;
}

/* The error domains: their names, and the process' first errors, made by several threads at once (which TSan watches). */
#include "runtime/net/net.h"

#include <hemera/etf.h>
#include <hemera/gateway-types.h>
#include <hemera/server.h>
#include <pthread.h>

#define N_THREADS 4

static const struct {
  GQuark (*quark) (void);
  const char *name;
} domains[] = {
  { hemera_codec_error_quark, "hemera-codec-error-quark" },
  { hemera_gateway_error_quark, "hemera-gateway-error-quark" },
  { hemera_error_quark, "hemera-error-quark" },
  { hemera__net_error_quark, "hemera-net-error-quark" },
};

static pthread_barrier_t start;

static void *
ask (void *found)
{
  pthread_barrier_wait (&start);
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++) {
    g_autoptr (GError) error = g_error_new_literal (domains[i].quark (), 0, "an error");

    ((GQuark *) found)[i] = error->domain;
  }
  return NULL;
}

/* First of all tests: nothing may have asked before. */
static void
test_by_threads_at_once (void)
{
  GQuark found[N_THREADS][G_N_ELEMENTS (domains)];
  pthread_t threads[N_THREADS];

  pthread_barrier_init (&start, NULL, N_THREADS);
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, ask, found[i]), ==, 0);
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_cmpint (pthread_join (threads[i], NULL), ==, 0);
  pthread_barrier_destroy (&start);
  for (guint i = 0; i < N_THREADS; i++)
    g_assert_cmpmem (found[i], sizeof found[i], found[0], sizeof found[0]);
}

static void
test_names (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (domains); i++)
    g_assert_cmpstr (g_quark_to_string (domains[i].quark ()), ==, domains[i].name);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error-domains/by-threads-at-once", test_by_threads_at_once);
  g_test_add_func ("/error-domains/names", test_names);
  return g_test_run ();
}

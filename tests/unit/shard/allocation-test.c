/* What a dispatch costs in the machine: at most one malloc, the term over its slice, once the memory that is kept has been made. Counted
 * by a malloc of our own in front of libc's; sanitizers have theirs, so there it is skipped. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

#ifndef HEMERA_SANITIZED
#define EXPORTED __attribute__ ((visibility ("default"))) /* else GLib does not see it */

static guint64 mallocs;

void *__libc_malloc (size_t size);
void *__libc_calloc (size_t n, size_t size);
void *__libc_realloc (void *old, size_t size);

EXPORTED void *
malloc (size_t size)
{
  mallocs++;
  return __libc_malloc (size);
}

EXPORTED void *
calloc (size_t n, size_t size)
{
  mallocs++;
  return __libc_calloc (n, size);
}

EXPORTED void *
realloc (void *old, size_t size)
{
  mallocs++;
  return __libc_realloc (old, size);
}

#define EVENTS 2000

static void
take_all (Rig *rig)
{
  HemeraShardAction action;

  while (hemera__shard_machine_next_action (rig->machine, &action))
    hemera__shard_action_clear (&action);
}

static GBytes *
event_bytes (Rig *rig, guint seq)
{
  g_autofree char *json =
      g_strdup_printf ("{\"t\":\"MESSAGE_CREATE\",\"s\":%u,\"op\":0,\"d\":{\"id\":\"1234567890%u\","
                       "\"content\":\"hello\",\"mentions\":[],\"tts\":false}}",
                       seq, seq);
  g_autoptr (GBytes) plain = rig_encode (rig->variant.encoding, json);

  return rig->variant.compression == HEMERA_COMPRESSION_ZLIB_STREAM ? rig_compress (rig, plain)
                                                                    : g_steal_pointer (&plain);
}

static void
one_malloc_an_event (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, NULL);
  GBytes *bytes[2 * EVENTS];
  guint64 before = mallocs;

  g_free (g_strdup ("x"));
  g_assert_cmpuint (mallocs, >, before); /* it does count */
  rig_ready (rig);
  for (guint i = 0; i < 2 * EVENTS; i++)
    bytes[i] = event_bytes (rig, i + 2);
  for (guint i = 0; i < 2 * EVENTS; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes[i], &size);

    if (i == EVENTS) /* all that is kept is there */
      before = mallocs;
    hemera__shard_machine_received (rig->machine, rig->now, rig->connection, data, size, TRUE, TRUE, TRUE);
    take_all (rig);
  }
  before = mallocs - before;
  g_test_message ("%.3f mallocs an event", (double) before / EVENTS);
  g_assert_cmpuint (before, <=, EVENTS);
  g_assert_cmpuint (hemera__shard_machine_session (rig->machine)->seq, ==, 0);
  for (guint i = 0; i < 2 * EVENTS; i++)
    g_bytes_unref (bytes[i]);
  rig_free (rig);
}
#else
static void
one_malloc_an_event (gconstpointer variant)
{
  g_test_skip ("sanitizers bring their own malloc");
}
#endif

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint v = 0; v < rig_n_variants; v++) {
    g_autofree char *path =
        g_strdup_printf ("/shard/allocation/%s/one-malloc-an-event", rig_variants[v].name);

    if (rig_variants[v].encoding == HEMERA_ENCODING_ETF && rig_variants[v].piece == 0)
      g_test_add_data_func (path, &rig_variants[v], one_malloc_an_event);
  }
  return g_test_run ();
}

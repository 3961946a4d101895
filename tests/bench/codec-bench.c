/* codec-bench WIRE FRAMES [ROUNDS]: CPU time an event of the codec's stages over captured bytes (capture.py): minimum of interleaved rounds.
 * Lines "NAME NANOSECONDS" for tests/bench/run, which sets them beside each other. Without arguments: a smoke run over a made-up stream. */
#include "actors/events/event-internal.h"
#include "codec/stream/inflater.h"

#include <hemera/term-builder.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

typedef struct {
  GPtrArray *messages; /* of GBytes */
  gsize bytes;
} Messages;

static Messages
read_messages (const char *path)
{
  Messages self = { g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref), 0 };
  g_autoptr (GError) error = NULL;
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, &error))
    g_error ("%s", error->message);
  for (gsize at = 0; at + 4 <= size;) {
    guint32 length;

    memcpy (&length, data + at, 4);
    length = GUINT32_FROM_BE (length);
    g_ptr_array_add (self.messages, g_bytes_new (data + at + 4, length));
    self.bytes += length;
    at += 4 + (gsize) length;
  }
  return self;
}

static double
cpu_seconds (void)
{
  struct timespec now;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &now);
  return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

/* ---- the stages --------------------------------------------------------------------------------------------------------------------- */

static guint64 sink; /* so that no stage can be left out by the compiler */

static void
bare_inflate (const Messages *wire, const Messages *frames)
{
  static guint8 out[1 << 20];
  z_stream stream = { 0 };

  if (inflateInit2 (&stream, 15) != Z_OK)
    g_error ("inflateInit2");
  for (guint i = 0; i < wire->messages->len; i++) {
    gsize size;

    stream.next_in = (Bytef *) g_bytes_get_data (wire->messages->pdata[i], &size);
    stream.avail_in = (uInt) size;
    do {
      stream.next_out = out;
      stream.avail_out = sizeof out;
      inflate (&stream, Z_SYNC_FLUSH);
      sink += out[0];
    } while (stream.avail_out == 0);
  }
  inflateEnd (&stream);
}

static void
inflate_to_slabs (const Messages *wire, const Messages *frames)
{
  HemeraInflater *inflater = hemera__inflater_new (0);
  g_autoptr (GError) error = NULL;
  HemeraSlice slice;

  for (guint i = 0; i < wire->messages->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (wire->messages->pdata[i], &size);

    hemera__inflater_feed (inflater, data, size);
    while (hemera__inflater_next (inflater, &slice, &error)) {
      sink += slice.size;
      hemera__slice_clear (&slice);
    }
    g_assert_no_error (error);
  }
  hemera__inflater_free (inflater);
}

static const HemeraEtfLimits limits = { .unique_keys = FALSE };

static void
validate (const Messages *wire, const Messages *frames)
{
  for (guint i = 0; i < frames->messages->len; i++) {
    HemeraTerm *term = hemera_term_new_from_etf (frames->messages->pdata[i], &limits, NULL);

    g_assert (term != NULL);
    hemera_term_unref (term);
  }
}

static void
validate_unique (const Messages *wire, const Messages *frames)
{
  for (guint i = 0; i < frames->messages->len; i++)
    hemera_term_unref (hemera_term_new_from_etf (frames->messages->pdata[i], NULL, NULL));
}

/* Every value of the term, front to back: numbers read, strings by pointer. */
static void
walk (HemeraViewIter *outer, HemeraView view)
{
  HemeraViewIter iter;
  HemeraView key, value;
  const char *text;
  gsize size;
  gint64 number;

  switch (hemera_view_type (view)) {
  case HEMERA_TERM_MAP:
    hemera_view_iter_init (&iter, view);
    while (hemera_view_iter_next_pair (&iter, &key, &value)) {
      walk (&iter, key);
      walk (&iter, value);
    }
    hemera_view_iter_leave (outer, &iter);
    break;
  case HEMERA_TERM_LIST:
  case HEMERA_TERM_TUPLE:
    hemera_view_iter_init (&iter, view);
    while (hemera_view_iter_next (&iter, &value))
      walk (&iter, value);
    hemera_view_iter_leave (outer, &iter);
    break;
  case HEMERA_TERM_INTEGER:
    if (hemera_view_get_int64 (view, &number))
      sink += (guint64) number;
    break;
  default:
    if (hemera_view_get_string (view, &text, &size))
      sink += size;
  }
}

static void
validate_walk (const Messages *wire, const Messages *frames)
{
  for (guint i = 0; i < frames->messages->len; i++) {
    HemeraTerm *term = hemera_term_new_from_etf (frames->messages->pdata[i], &limits, NULL);

    walk (NULL, hemera_term_view (term));
    hemera_term_unref (term);
  }
}

/* What a shard and its parser do: validate, find the envelope, make the event with its typed model. */
static void
typed_event (const Messages *wire, const Messages *frames)
{
  for (guint i = 0; i < frames->messages->len; i++) {
    HemeraTerm *term = hemera_term_new_from_etf (frames->messages->pdata[i], &limits, NULL);
    HemeraView view = hemera_term_view (term), d = hemera_view_get (view, "d"),
               t = hemera_view_get (view, "t");
    const char *name = "";
    gsize size = 0;
    HemeraEvent *event;

    hemera_view_get_string (t, &name, &size);
    event = hemera__event_new (0, 1, hemera_view_uint64 (hemera_view_get (view, "s"), 0), HEMERA_ENCODING_ETF,
                               term, d, name, size);
    sink += hemera__event_get_model (event) != NULL;
    hemera_event_unref (event);
  }
}

static const struct {
  const char *name;
  void (*run) (const Messages *wire, const Messages *frames);
} stages[] = {
  { "bare_inflate", bare_inflate },   { "inflate_to_slabs", inflate_to_slabs },
  { "validate", validate },           { "validate_unique", validate_unique },
  { "validate_walk", validate_walk }, { "typed_event", typed_event },
};

/* Without a capture: a few payloads, compressed here. */
static Messages
make_up (Messages *wire)
{
  Messages frames = { g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref), 0 };
  z_stream stream = { 0 };

  *wire = (Messages){ g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref), 0 };
  deflateInit (&stream, 6);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (HemeraTerm) term =
        hemera_term_new ("#{op => 0, s => ~u, t => ~s, d => #{id => ~u, content => ~s}}", (guint64) i,
                         "MESSAGE_CREATE", (guint64) i << 40, "smoke");
    GBytes *bytes = hemera_term_to_etf (term);
    guint8 out[1024];
    gsize size;

    stream.next_in = (Bytef *) g_bytes_get_data (bytes, &size);
    stream.avail_in = (uInt) size;
    stream.next_out = out;
    stream.avail_out = sizeof out;
    deflate (&stream, Z_SYNC_FLUSH);
    g_ptr_array_add (frames.messages, bytes);
    g_ptr_array_add (wire->messages, g_bytes_new (out, sizeof out - stream.avail_out));
  }
  deflateEnd (&stream);
  return frames;
}

int
main (int argc, char **argv)
{
  gboolean smoke = argc < 3;
  guint rounds = argc > 3 ? (guint) g_ascii_strtoull (argv[3], NULL, 10) : smoke ? 1 : 7;
  double best[G_N_ELEMENTS (stages)] = { 0 };
  Messages wire, frames;

  if (smoke) {
    frames = make_up (&wire);
  } else {
    wire = read_messages (argv[1]);
    frames = read_messages (argv[2]);
  }
  for (guint round = 0; round < rounds; round++) {
    for (guint i = 0; i < G_N_ELEMENTS (stages); i++) {
      double start = cpu_seconds (), seconds;

      stages[i].run (&wire, &frames);
      seconds = cpu_seconds () - start;
      best[i] = round == 0 ? seconds : MIN (best[i], seconds);
    }
  }
  for (guint i = 0; i < G_N_ELEMENTS (stages); i++)
    printf ("%s %.0f\n", stages[i].name, best[i] * 1e9 / frames.messages->len);
  if (smoke)
    printf ("ok 1 every stage ran\n1..1\n");
  g_ptr_array_unref (wire.messages);
  g_ptr_array_unref (frames.messages);
  return sink == 0;
}

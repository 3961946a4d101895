/* The inflater against zlib's own compressor: boundaries, splittings, limits, broken streams. */
#include "codec/stream/inflater.h"

#include <glib/gstdio.h>
#include <hemera/etf.h>
#include <string.h>
#include <zlib.h>

/* ---- a sender ------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  z_stream z;
  GByteArray *out;
} Sender;

static void
sender_init (Sender *self, int level)
{
  memset (self, 0, sizeof *self);
  g_assert_cmpint (deflateInit (&self->z, level), ==, Z_OK);
  self->out = g_byte_array_new ();
}

static void
sender_add (Sender *self, const void *data, gsize size, int flush)
{
  guint8 piece[4096];

  self->z.next_in = (Bytef *) data;
  self->z.avail_in = (uInt) size;
  do {
    self->z.next_out = piece;
    self->z.avail_out = sizeof piece;
    deflate (&self->z, flush);
    g_byte_array_append (self->out, piece, sizeof piece - self->z.avail_out);
  } while (self->z.avail_out == 0);
}

static void
sender_clear (Sender *self)
{
  deflateEnd (&self->z);
  g_byte_array_unref (self->out);
}

/* Feeds in pieces of @step bytes (0: random ones) and appends each payload to @payloads. */
static gboolean
receive (HemeraInflater *inflater, const guint8 *data, gsize size, gsize step, GPtrArray *payloads,
         GError **error)
{
  for (gsize at = 0; at < size;) {
    gsize want = step > 0 ? step : (gsize) g_test_rand_int_range (1, 300), n = MIN (want, size - at);
    g_autofree guint8 *piece =
        g_memdup2 (data + at, n); /* of its own, so that a sanitizer sees a read beyond it */
    HemeraSlice slice;
    GError *local = NULL;

    hemera__inflater_feed (inflater, piece, n);
    while (hemera__inflater_next (inflater, &slice, &local)) {
      g_ptr_array_add (payloads, g_bytes_new (slice.data, slice.size));
      hemera__slice_clear (&slice);
    }
    if (local != NULL) {
      g_propagate_error (error, local);
      return FALSE;
    }
    at += n;
  }
  return TRUE;
}

static void
receive_all (HemeraInflater *inflater, const guint8 *data, gsize size, gsize step, GPtrArray *payloads)
{
  GError *error = NULL;

  receive (inflater, data, size, step, payloads, &error);
  g_assert_no_error (error);
}

static void
assert_payload (GPtrArray *payloads, guint i, const void *data, gsize size)
{
  gsize got_size;
  const void *got;

  g_assert_cmpuint (i, <, payloads->len);
  got = g_bytes_get_data (payloads->pdata[i], &got_size);
  g_assert_cmpmem (got, got_size, data, size);
}

#define NEW_PAYLOADS() g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref)

/* ---- payloads ------------------------------------------------------------------------------------------------------------------- */

static void
test_one (void)
{
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "hello", 5, Z_SYNC_FLUSH);
  receive_all (inflater, sender.out->data, sender.out->len, sender.out->len, payloads);
  g_assert_cmpuint (payloads->len, ==, 1);
  assert_payload (payloads, 0, "hello", 5);
  g_assert_cmpuint (hemera__inflater_bytes_in (inflater), ==, sender.out->len);
  g_assert_cmpuint (hemera__inflater_bytes_out (inflater), ==, 5);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
test_three_in_one_piece (void)
{
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "one", 3, Z_SYNC_FLUSH);
  sender_add (&sender, "two", 3, Z_SYNC_FLUSH);
  sender_add (&sender, "three", 5, Z_SYNC_FLUSH);
  receive_all (inflater, sender.out->data, sender.out->len, sender.out->len, payloads);
  g_assert_cmpuint (payloads->len, ==, 3);
  assert_payload (payloads, 0, "one", 3);
  assert_payload (payloads, 1, "two", 3);
  assert_payload (payloads, 2, "three", 5);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
test_suffix_inside (void)
{
  static const guint8 suffix[] = { 'a', 0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff };
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  Sender sender;

  sender_init (&sender, 0); /* stored blocks: the bytes stand in the stream as they are */
  sender_add (&sender, suffix, sizeof suffix, Z_SYNC_FLUSH);
  sender_add (&sender, suffix, sizeof suffix, Z_SYNC_FLUSH);
  receive_all (inflater, sender.out->data, sender.out->len, 1, payloads);
  g_assert_cmpuint (payloads->len, ==, 2);
  assert_payload (payloads, 1, suffix, sizeof suffix);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
test_empty_flush_is_no_payload (void)
{
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "a", 1, Z_SYNC_FLUSH);
  g_byte_array_append (sender.out, (const guint8 *) "\0\0\0\xff\xff", 5); /* an empty stored block */
  sender_add (&sender, "b", 1, Z_FULL_FLUSH);
  receive_all (inflater, sender.out->data, sender.out->len, 3, payloads);
  g_assert_cmpuint (payloads->len, ==, 2);
  assert_payload (payloads, 1, "b", 1);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

/* Z_PARTIAL_FLUSH ends in an empty block too, by chance on a byte boundary, but no payload ends there. */
static void
test_partial_flush_is_no_end (void)
{
  for (guint length = 1; length <= 16; length++) {
    g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
    HemeraInflater *inflater = hemera__inflater_new (0);
    Sender sender;

    sender_init (&sender, 6);
    /* characters of nine bits in the fixed code, so that the end falls on any bit */
    sender_add (&sender, "\xe1\xe2\xe3\xe4\xe5\xe6\xe7\xe8\xe9\xea\xeb\xec\xed\xee\xef\xf0", length,
                Z_PARTIAL_FLUSH);
    sender_add (&sender, "end", 3, Z_SYNC_FLUSH);
    receive_all (inflater, sender.out->data, sender.out->len, sender.out->len, payloads);
    g_assert_cmpuint (payloads->len, ==, 1);
    g_assert_cmpuint (g_bytes_get_size (payloads->pdata[0]), ==, length + 3);
    sender_clear (&sender);
    hemera__inflater_free (inflater);
  }
}

static void
test_large_payloads (void)
{
  /* About the sizes at which a payload ends with its slab, or moves to a larger one. */
  static const gsize sizes[] = { 65535, 1, 65536, 65537, 131071, 131072, 131073, 1, 3000000, 40000, 40000 };
  g_autofree guint8 *data = g_malloc (3000000);
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  Sender sender;

  for (gsize i = 0; i < 3000000; i++)
    data[i] = (guint8) (i * i >> 7);
  for (int level = 0; level <= 6; level += 6) {
    sender_init (&sender, level);
    g_ptr_array_set_size (payloads, 0);
    hemera__inflater_reset (inflater);
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      sender_add (&sender, data, sizes[i], Z_SYNC_FLUSH);
    receive_all (inflater, sender.out->data, sender.out->len, 0, payloads);
    g_assert_cmpuint (payloads->len, ==, G_N_ELEMENTS (sizes));
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      assert_payload (payloads, i, data, sizes[i]);
    sender_clear (&sender);
  }
  hemera__inflater_free (inflater);
}

/* Streams of Python's zlib at all levels and strategies: whole, byte by byte, split at random. */
static void
test_python (void)
{
  g_autofree char *dir = g_dir_make_tmp ("hemera-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "stream", NULL);

  for (guint seed = 1; seed <= 12; seed++) {
    g_autofree char *seed_text = g_strdup_printf ("%u", seed);
    const char *argv[] = { "python3", HEMERA_STREAMS_PY, seed_text, "40", path, NULL };
    g_autofree guint8 *bytes = NULL;
    g_autoptr (GPtrArray) expected = NEW_PAYLOADS ();
    HemeraInflater *inflater = hemera__inflater_new (0);
    gsize size, at = 0;
    int status;

    g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                                 &status, NULL));
    g_assert_cmpint (status, ==, 0);
    g_assert_true (g_file_get_contents (path, (char **) &bytes, &size, NULL));
    for (;;) {
      guint32 length;

      memcpy (&length, bytes + at, 4);
      length = GUINT32_FROM_BE (length);
      at += 4;
      if (length == 0)
        break;
      g_ptr_array_add (expected, g_bytes_new (bytes + at, length));
      at += length;
    }
    for (guint way = 0; way < 4; way++) {
      const gsize steps[] = { size - at, 1, 0, 0 };
      g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();

      hemera__inflater_reset (inflater);
      receive_all (inflater, bytes + at, size - at, steps[way], payloads);
      g_assert_cmpuint (payloads->len, ==, expected->len);
      for (guint i = 0; i < expected->len; i++)
        g_assert_true (g_bytes_equal (payloads->pdata[i], expected->pdata[i]));
    }
    hemera__inflater_free (inflater);
  }
  g_unlink (path);
  g_rmdir (dir);
}

static void
test_kept_slices_stay (void)
{
  HemeraInflater *inflater = hemera__inflater_new (0);
  HemeraSlice slices[200];
  guint n = 0;
  Sender sender;

  sender_init (&sender, 6);
  for (guint i = 0; i < G_N_ELEMENTS (slices); i++) {
    char text[1000];

    memset (text, 'a' + (int) (i % 26), sizeof text);
    sender_add (&sender, text, sizeof text, Z_SYNC_FLUSH);
    hemera__inflater_feed (inflater, sender.out->data, sender.out->len);
    while (hemera__inflater_next (inflater, &slices[n], NULL))
      n++;
    g_byte_array_set_size (sender.out, 0);
  }
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (slices));
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (slices[i].size, ==, 1000);
    for (guint j = 0; j < 1000; j++)
      g_assert_cmpuint (slices[i].data[j], ==, 'a' + i % 26);
    hemera__slice_clear (&slices[i]);
  }
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
test_steady_memory (void)
{
  HemeraInflater *inflater = hemera__inflater_new (0);
  gsize total = 0;
  Sender sender;

  sender_init (&sender, 6);
  for (guint i = 0; i < 5000; i++) {
    HemeraSlice slice;
    char text[700];

    memset (text, (int) i, sizeof text);
    sender_add (&sender, text, sizeof text, Z_SYNC_FLUSH);
    hemera__inflater_feed (inflater, sender.out->data, sender.out->len);
    while (hemera__inflater_next (inflater, &slice, NULL))
      hemera__slice_clear (&slice);
    g_byte_array_set_size (sender.out, 0);
    if (i == 10)
      total = hemera__slab_total_bytes ();
  }
  g_assert_cmpuint (hemera__slab_total_bytes (), ==, total);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

/* ---- limits and broken streams ---------------------------------------------------------------------------------------------- */

static void
test_limit_exact (void)
{
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (1000);
  g_autofree guint8 *zeros = g_malloc0 (1001);
  GError *error = NULL;
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, zeros, 1000, Z_SYNC_FLUSH);
  receive_all (inflater, sender.out->data, sender.out->len, 1, payloads);
  g_assert_cmpuint (payloads->len, ==, 1);
  g_byte_array_set_size (sender.out, 0);
  sender_add (&sender, zeros, 1001, Z_SYNC_FLUSH);
  g_assert_false (receive (inflater, sender.out->data, sender.out->len, 1, payloads, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE);
  g_clear_error (&error);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
test_bomb (void)
{
  enum { LIMIT = 4 << 20 };
  HemeraInflater *inflater = hemera__inflater_new (LIMIT);
  g_autofree guint8 *zeros = g_malloc0 (1 << 20);
  gsize before = hemera__slab_total_bytes (), most = 0;
  GError *error = NULL;
  Sender sender;

  sender_init (&sender, 9);
  for (guint i = 0; i < 128; i++) /* its first 128 MiB: more is never looked at */
    sender_add (&sender, zeros, 1 << 20, i < 127 ? Z_NO_FLUSH : Z_SYNC_FLUSH);
  for (gsize at = 0; at < sender.out->len && error == NULL; at += 512) {
    HemeraSlice slice;

    hemera__inflater_feed (inflater, sender.out->data + at, MIN (512, sender.out->len - at));
    g_assert_false (hemera__inflater_next (inflater, &slice, &error));
    most = MAX (most, hemera__slab_total_bytes () - before);
  }
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE);
  g_assert_cmpuint (most, <=, LIMIT + 2 * HEMERA_SLAB_USUAL); /* with the slab that it began in, free again */
  g_assert_cmpuint (hemera__inflater_bytes_out (inflater), <=, LIMIT + 1);
  g_clear_error (&error);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
assert_broken (const guint8 *data, gsize size)
{
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  GError *error = NULL;
  HemeraSlice slice;

  g_assert_false (receive (inflater, data, size, size, payloads, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_COMPRESSION);
  g_clear_error (&error);
  /* for good */
  hemera__inflater_feed (inflater, data, size);
  g_assert_false (hemera__inflater_next (inflater, &slice, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_COMPRESSION);
  g_clear_error (&error);
  hemera__inflater_free (inflater);
}

static void
test_stream_end (void)
{
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "bye", 3, Z_FINISH);
  assert_broken (sender.out->data, sender.out->len);
  sender_clear (&sender);
}

static void
test_preset_dictionary (void)
{
  Sender sender;

  sender_init (&sender, 6);
  g_assert_cmpint (deflateSetDictionary (&sender.z, (const Bytef *) "dictionary", 10), ==, Z_OK);
  sender_add (&sender, "dictionary", 10, Z_SYNC_FLUSH);
  assert_broken (sender.out->data, sender.out->len);
  sender_clear (&sender);
}

static void
test_no_zlib (void)
{
  assert_broken ((const guint8 *) "{\"op\":10}", 9);
}

static void
test_corrupt (void)
{
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "hello", 5, Z_SYNC_FLUSH);
  sender.out->data[2] |= 6; /* block type 3 is reserved */
  assert_broken (sender.out->data, sender.out->len);
  sender_clear (&sender);
}

/* Any flipped bit gives payloads or an error, and reset makes the inflater good again. */
static void
test_flipped_bits (void)
{
  HemeraInflater *inflater = hemera__inflater_new (1 << 16);
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "{\"op\":10,\"d\":{\"heartbeat_interval\":41250}}", 42, Z_SYNC_FLUSH);
  sender_add (&sender, "{\"op\":11}", 9, Z_SYNC_FLUSH);
  for (gsize bit = 0; bit < sender.out->len * 8; bit++) {
    g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
    GError *error = NULL;

    hemera__inflater_reset (inflater);
    sender.out->data[bit / 8] ^= (guint8) (1 << bit % 8);
    if (!receive (inflater, sender.out->data, sender.out->len, 0, payloads, &error))
      g_assert_true (error->domain == HEMERA_CODEC_ERROR);
    g_clear_error (&error);
    sender.out->data[bit / 8] ^= (guint8) (1 << bit % 8);
  }
  {
    g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();

    hemera__inflater_reset (inflater);
    receive_all (inflater, sender.out->data, sender.out->len, 7, payloads);
    g_assert_cmpuint (payloads->len, ==, 2);
  }
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

static void
test_reset_in_payload (void)
{
  g_autoptr (GPtrArray) payloads = NEW_PAYLOADS ();
  HemeraInflater *inflater = hemera__inflater_new (0);
  Sender sender;

  sender_init (&sender, 6);
  sender_add (&sender, "hello, hello, hello", 19, Z_SYNC_FLUSH);
  receive_all (inflater, sender.out->data, sender.out->len - 6, 0, payloads);
  hemera__inflater_reset (inflater);
  g_assert_cmpuint (hemera__inflater_bytes_in (inflater), ==, 0);
  receive_all (inflater, sender.out->data, sender.out->len, 0, payloads);
  g_assert_cmpuint (payloads->len, ==, 1);
  assert_payload (payloads, 0, "hello, hello, hello", 19);
  sender_clear (&sender);
  hemera__inflater_free (inflater);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/inflater/payload/one", test_one);
  g_test_add_func ("/inflater/payload/three-in-one-piece", test_three_in_one_piece);
  g_test_add_func ("/inflater/payload/suffix-inside", test_suffix_inside);
  g_test_add_func ("/inflater/payload/empty-flush-is-none", test_empty_flush_is_no_payload);
  g_test_add_func ("/inflater/payload/partial-flush-is-no-end", test_partial_flush_is_no_end);
  g_test_add_func ("/inflater/payload/large", test_large_payloads);
  g_test_add_func ("/inflater/payload/python-zlib-any-split", test_python);
  g_test_add_func ("/inflater/slice/kept-ones-stay", test_kept_slices_stay);
  g_test_add_func ("/inflater/slice/steady-memory", test_steady_memory);
  g_test_add_func ("/inflater/limit/exact", test_limit_exact);
  g_test_add_func ("/inflater/limit/bomb", test_bomb);
  g_test_add_func ("/inflater/broken/stream-end", test_stream_end);
  g_test_add_func ("/inflater/broken/preset-dictionary", test_preset_dictionary);
  g_test_add_func ("/inflater/broken/no-zlib", test_no_zlib);
  g_test_add_func ("/inflater/broken/corrupt", test_corrupt);
  g_test_add_func ("/inflater/broken/flipped-bits", test_flipped_bits);
  g_test_add_func ("/inflater/reset/in-payload", test_reset_in_payload);
  return g_test_run ();
}

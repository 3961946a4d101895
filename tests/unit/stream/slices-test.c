/* What the inflater hands out stays what it is while more is inflated: slices that are held, large payloads, blocks that look like a
 * flush. */
#include "codec/stream/inflater.h"

#include <string.h>
#include <zlib.h>

/* One stream with a flush behind each of the @n texts. (transfer full) */
static GByteArray *
compress_all (const char *const *texts, guint n)
{
  GByteArray *out = g_byte_array_new ();
  z_stream z = { 0 };

  g_assert_cmpint (deflateInit (&z, 6), ==, Z_OK);
  for (guint i = 0; i < n; i++) {
    gsize size = strlen (texts[i]), room = deflateBound (&z, size) + 64;
    g_autofree guint8 *piece = g_malloc (room);

    z.next_in = (Bytef *) texts[i];
    z.avail_in = (uInt) size;
    z.next_out = piece;
    z.avail_out = (uInt) room;
    g_assert_cmpint (deflate (&z, Z_SYNC_FLUSH), ==, Z_OK);
    g_byte_array_append (out, piece, (guint) (room - z.avail_out));
  }
  deflateEnd (&z);
  return out;
}

static void
next (HemeraInflater *inflater, HemeraSlice *slice)
{
  GError *error = NULL;

  g_assert_true (hemera__inflater_next (inflater, slice, &error));
  g_assert_no_error (error);
}

static void
end (HemeraInflater *inflater)
{
  HemeraSlice slice;
  GError *error = NULL;

  g_assert_false (hemera__inflater_next (inflater, &slice, &error));
  g_assert_no_error (error);
}

/* All at once and one by one: the second is inflated while the first is held. */
static void
test_held (void)
{
  static const char *const texts[] = { "the first", "another one", "and the third of them" };
  enum { N = G_N_ELEMENTS (texts) };

  for (guint at_once = 0; at_once < 2; at_once++) {
    HemeraInflater *inflater = hemera__inflater_new (0);
    HemeraSlice slices[N];
    g_autoptr (GByteArray) all = compress_all (texts, N);
    gsize done = 0;

    for (guint i = 0; i < N; i++) {
      g_autoptr (GByteArray) part = compress_all (texts, at_once ? N : i + 1);

      if (done < part->len)
        hemera__inflater_feed (inflater, all->data + done, part->len - done);
      done = part->len;
      next (inflater, &slices[i]);
      if (!at_once)
        end (inflater);
    }
    for (guint i = 0; i < N; i++) {
      g_assert_cmpmem (slices[i].data, slices[i].size, texts[i], strlen (texts[i]));
      hemera__slice_clear (&slices[i]);
    }
    if (at_once)
      end (inflater);
    hemera__inflater_free (inflater);
  }
}

/* A small payload in the slab of a large one would keep it long. */
static void
test_large_is_alone (void)
{
  g_autofree char *large = g_strnfill (3 * HEMERA_SLAB_USUAL / 2, 'x');
  const char *const texts[] = { large, "small" };
  g_autoptr (GByteArray) all = compress_all (texts, 2);
  HemeraInflater *inflater = hemera__inflater_new (0);
  HemeraSlice slices[2];

  hemera__inflater_feed (inflater, all->data, all->len);
  next (inflater, &slices[0]);
  next (inflater, &slices[1]);
  g_assert_cmpuint (slices[0].size, ==, strlen (large));
  g_assert_cmpmem (slices[1].data, slices[1].size, "small", 5);
  g_assert_true (slices[0].slab != slices[1].slab);
  end (inflater);
  hemera__slice_clear (&slices[0]);
  hemera__slice_clear (&slices[1]);
  hemera__inflater_free (inflater);
}

/* The last bytes of a stored block's content are those of an empty one: no flush, for the block is not empty. */
static void
test_content_like_a_flush (void)
{
  static const guint8 stream[] = { 0x78, 0x01, /* header */
                                   0x00, 5,    0,    0xfa, 0xff, 'a', 0x00,
                                   0x00, 0xff, 0xff,                       /* stored, 5 bytes */
                                   0x00, 2,    0,    0xfd, 0xff, 'b', 'c', /* stored, 2 bytes */
                                   0x00, 0x00, 0,    0xff, 0xff };         /* the flush */
  HemeraInflater *inflater = hemera__inflater_new (0);
  HemeraSlice slice;

  hemera__inflater_feed (inflater, stream, sizeof stream);
  next (inflater, &slice);
  g_assert_cmpmem (slice.data, slice.size, "a\0\0\377\377bc", 7);
  end (inflater);
  hemera__slice_clear (&slice);
  hemera__inflater_free (inflater);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/stream/slices/held", test_held);
  g_test_add_func ("/stream/slices/large-is-alone", test_large_is_alone);
  g_test_add_func ("/stream/slices/content-like-a-flush", test_content_like_a_flush);
  return g_test_run ();
}

/* Hostile bytes: every prefix and single-byte change of kept payloads gives a term or an error, bombs stay within their limits, and nesting
 * never reaches the C stack. Meant for sanitizer builds; what BEAM says to damaged bytes is compared in differential.escript. */
#include <hemera/etf.h>
#include <hemera/term-builder.h>

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>
#include <zlib.h>

static GPtrArray *payloads; /* GBytes */

static void
load_payloads (void)
{
  g_autoptr (GDir) dir = g_dir_open (HEMERA_TEST_DATA "/etf", 0, NULL);
  const char *name;
  g_assert_nonnull (dir);
  payloads = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (HEMERA_TEST_DATA "/etf", name, NULL);
    char *data;
    gsize size;
    if (!g_str_has_suffix (name, ".etf"))
      continue;
    g_assert_true (g_file_get_contents (path, &data, &size, NULL));
    g_ptr_array_add (payloads, g_bytes_new_take (data, size));
  }
  g_assert_cmpuint (payloads->len, ==, 50);
}

/* Decodes from a block of exactly @size bytes, so that the sanitizer sees one byte too far, and reads all of what was accepted. */
static gboolean
survives (const guint8 *bytes, gsize size)
{
  g_autofree guint8 *exact = g_memdup2 (bytes, size);
  GError *error = NULL;
  g_autoptr (GBytes) wrapped = g_bytes_new_static (exact, size);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf (wrapped, NULL, &error);
  if (term == NULL) {
    g_assert_true (error->domain == HEMERA_CODEC_ERROR);
    g_assert_nonnull (strstr (error->message, "byte"));
    g_error_free (error);
    return FALSE;
  }
  g_assert_no_error (error);
  g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpuint (strlen (text), >, 0);
  g_autoptr (HemeraTerm) copy = hemera_term_new_from_view (hemera_term_view (term));
  g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_term_view (copy)));
  return TRUE;
}

static void
test_prefixes (void)
{
  for (guint i = 0; i < payloads->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (payloads->pdata[i], &size);
    g_assert_true (survives (data, size));
    for (gsize n = 0; n < size; n++)
      g_assert_false (survives (data, n));
  }
}

static void
change (const guint8 *data, gsize size, gsize at, guint8 value)
{
  guint8 copy[1024];
  memcpy (copy, data, size);
  copy[at] = value;
  survives (copy, size);
}

static void
test_changes (void)
{
  static const guint8 values[] = { 0,   255, 127, 128, 70,  77,  80,  88,  97,  98,  99,  100, 102, 103, 104,
                                   105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 116, 118, 119, 120 };
  /* Every value of every byte takes minutes under sanitizers: there it is a campaign of its own, and the suite takes a part. */
  gboolean all = g_getenv ("HEMERA_TEST_ALL") != NULL;
#ifndef HEMERA_SANITIZED
  all = TRUE;
#endif

  for (guint i = 0; i < payloads->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (payloads->pdata[i], &size);
    g_assert_cmpuint (size, <=, 1024);
    for (gsize at = 0; at < size; at++) {
      if (all || (i % 25 == 0 && size < 600)) {
        for (guint value = 0; value < 256; value++)
          change (data, size, at, (guint8) value);
        continue;
      }
      /* All bits of every fifth payload; of the others every other bit, each byte's neighbours taking the rest. */
      guint step = i % 5 == 0 ? 1 : 2;
      for (guint bit = step == 1 ? 0 : at % 2; bit < 8; bit += step)
        change (data, size, at, data[at] ^ (guint8) (1 << bit));
      if (i % 10 == 0)
        for (gsize v = 0; v < G_N_ELEMENTS (values); v++)
          change (data, size, at, values[v]);
    }
  }
}

/* ---- bombs ------------------------------------------------------------------------------------------------------------------------- */

static long
peak_kilobytes (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/* A compressed term of a binary of @size zeros that claims to have @claimed bytes. */
static GBytes *
make_bomb (gsize size, guint32 claimed)
{
  static guint8 zeros[1 << 16];
  guint8 head[] = { 109, 0, 0, 0, 0 };
  guint32 big_endian = GUINT32_TO_BE ((guint32) size);
  GByteArray *out = g_byte_array_new ();
  guint8 piece[1 << 16];
  z_stream z = { 0 };

  memcpy (head + 1, &big_endian, 4);
  big_endian = GUINT32_TO_BE (claimed);
  g_byte_array_append (out, (const guint8[]){ 131, 80 }, 2);
  g_byte_array_append (out, (const guint8 *) &big_endian, 4);
  g_assert_cmpint (deflateInit (&z, 1), ==, Z_OK);
  z.next_in = head;
  z.avail_in = sizeof head;
  int status = Z_OK;
  while (status != Z_STREAM_END) {
    if (z.avail_in == 0) {
      z.next_in = zeros;
      z.avail_in = (uInt) MIN (size, sizeof zeros);
      size -= z.avail_in;
    }
    z.next_out = piece;
    z.avail_out = sizeof piece;
    status = deflate (&z, size == 0 && z.avail_in == 0 ? Z_FINISH : Z_NO_FLUSH);
    g_byte_array_append (out, piece, (guint) (sizeof piece - z.avail_out));
  }
  deflateEnd (&z);
  return g_byte_array_free_to_bytes (out);
}

static void
refuse (GBytes *bytes, const HemeraEtfLimits *limits, HemeraCodecError code)
{
  GError *error = NULL;
  g_assert_null (hemera_term_new_from_etf (bytes, limits, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, (gint) code);
  g_error_free (error);
}

/* A claim beyond the limit is refused as it is; a small one does not let more out than was claimed. */
static void
test_bomb (void)
{
  g_autoptr (GBytes) bomb = make_bomb ((gsize) 1 << 30, (1 << 30) + 5);
  gsize size;
  g_autofree guint8 *liar = g_memdup2 (g_bytes_get_data (bomb, NULL), g_bytes_get_size (bomb));
  size = g_bytes_get_size (bomb);
  memcpy (liar + 2, (const guint8[]){ 0, 0, 3, 232 }, 4);
  g_autoptr (GBytes) small_claim = g_bytes_new_static (liar, size);
  g_assert_cmpuint (size, <, 8 << 20);
  long before = peak_kilobytes ();
  refuse (bomb, NULL, HEMERA_CODEC_ERROR_SIZE);
  refuse (small_claim, NULL, HEMERA_CODEC_ERROR_COMPRESSION);
  g_assert_cmpint (peak_kilobytes () - before, <, 4096);
}

/* A large claim costs nothing by itself. */
static void
test_empty_claim (void)
{
  g_autoptr (GBytes) large_claim = make_bomb (1000, 60 << 20);
  long before = peak_kilobytes ();
  refuse (large_claim, NULL, HEMERA_CODEC_ERROR_COMPRESSION);
  g_assert_cmpint (peak_kilobytes () - before, <, 4096);
}

static void
test_compressed_within_limit (void)
{
  GError *error = NULL;
  g_autoptr (GBytes) bytes = make_bomb (40 << 20, (40 << 20) + 5);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf (bytes, NULL, &error);
  const guint8 *data;
  gsize size;
  g_assert_no_error (error);
  g_assert_true (hemera_view_get_binary (hemera_term_view (term), &data, &size));
  g_assert_cmpuint (size, ==, 40 << 20);
}

/* ---- nesting ----------------------------------------------------------------------------------------------------------------------- */

#define LEVELS 1000000

/* Version byte, LEVELS times @open, then @inner, then LEVELS times @close. */
static GBytes *
make_nest (const char *open, gsize open_size, guint8 inner, const char *close, gsize close_size)
{
  GByteArray *out = g_byte_array_new ();
  g_byte_array_append (out, (const guint8[]){ 131 }, 1);
  for (gsize i = 0; i < LEVELS; i++)
    g_byte_array_append (out, (const guint8 *) open, (guint) open_size);
  g_byte_array_append (out, &inner, 1);
  for (gsize i = 0; i < LEVELS; i++)
    g_byte_array_append (out, (const guint8 *) close, (guint) close_size);
  return g_byte_array_free_to_bytes (out);
}

static void *
read_nest (void *data)
{
  GBytes *bytes = data;
  GError *error = NULL;
  HemeraEtfLimits limits = { .max_depth = 2000000, .unique_keys = TRUE };
  refuse (bytes, NULL, HEMERA_CODEC_ERROR_DEPTH);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf (bytes, &limits, &error);
  g_autoptr (HemeraTerm) other = hemera_term_new_from_etf_data (g_bytes_get_data (bytes, NULL),
                                                                g_bytes_get_size (bytes), &limits, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hemera_view_compare (hemera_term_view (term), hemera_term_view (other)), ==, 0);
  g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpuint (strlen (text), >=, 2 * LEVELS);
  g_autoptr (HemeraTerm) copy = hemera_term_new_from_view (hemera_term_view (term));
  g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_term_view (copy)));
  return NULL;
}

static void
on_small_stack (GBytes *bytes)
{
  pthread_t thread;
  pthread_attr_t attributes;
  pthread_attr_init (&attributes);
  pthread_attr_setstacksize (&attributes, 128 << 10);
  g_assert_cmpint (pthread_create (&thread, &attributes, read_nest, bytes), ==, 0);
  pthread_join (thread, NULL);
  pthread_attr_destroy (&attributes);
}

static void
test_nested_lists (void)
{
  g_autoptr (GBytes) bytes = make_nest ("l\0\0\0\1", 5, 106, "j", 1);
  on_small_stack (bytes);
}

static void
test_nested_tuples (void)
{
  g_autoptr (GBytes) bytes = make_nest ("h\1", 2, 106, "", 0);
  on_small_stack (bytes);
}

static void
test_nested_map_values (void)
{
  g_autoptr (GBytes) bytes = make_nest ("t\0\0\0\1a\1", 7, 106, "", 0);
  on_small_stack (bytes);
}

static void
test_nested_map_keys (void)
{
  g_autoptr (GBytes) bytes = make_nest ("t\0\0\0\1", 5, 106, "j", 1);
  on_small_stack (bytes);
}

/* A list whose tails are lists is one flat list, and no level deeper. */
static void
test_chained_tails (void)
{
  GError *error = NULL;
  g_autoptr (GBytes) bytes = make_nest ("l\0\0\0\1a\7", 7, 106, "", 0);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf (bytes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hemera_view_length (hemera_term_view (term)), ==, LEVELS);
  g_assert_cmpint (hemera_view_int64 (hemera_view_element (hemera_term_view (term), LEVELS - 1), 0), ==, 7);
}

/* ---- many keys ------------------------------------------------------------------------------------------------------------------------ */

/* A map of a hundred thousand keys of one kind, the last of them like the first where @twice. */
static HemeraTerm *
make_keys (gboolean in_tuple, gboolean twice, GError **error)
{
  enum { KEYS = 100000 };
  HemeraEtfLimits limits = { .unique_keys = TRUE };
  GByteArray *out = g_byte_array_new ();
  guint32 n = GUINT32_TO_BE (KEYS);
  g_byte_array_append (out, (const guint8[]){ 131, 116 }, 2);
  g_byte_array_append (out, (const guint8 *) &n, 4);
  for (guint i = 0; i < KEYS; i++) {
    guint32 value = GUINT32_TO_BE (twice && i == KEYS - 1 ? 0 : i);
    if (in_tuple)
      g_byte_array_append (out, (const guint8[]){ 104, 1 }, 2);
    g_byte_array_append (out, (const guint8[]){ 98 }, 1);
    g_byte_array_append (out, (const guint8 *) &value, 4);
    g_byte_array_append (out, (const guint8[]){ 106 }, 1);
  }
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (out);
  return hemera_term_new_from_etf (bytes, &limits, error);
}

static gint64
cpu_us (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (gint64) now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static void
check_keys (gboolean in_tuple)
{
  GError *error = NULL;
  gint64 start = cpu_us ();
  g_autoptr (HemeraTerm) term = make_keys (in_tuple, FALSE, &error);
  g_assert_no_error (error);
  g_assert_nonnull (term);
  g_assert_null (make_keys (in_tuple, TRUE, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_DUPLICATE);
  g_error_free (error);
  g_assert_cmpint (cpu_us () - start, <, 5 * G_USEC_PER_SEC); /* quadratic: minutes */
}

static void
test_many_keys (void)
{
  check_keys (FALSE);
}

static void
test_many_container_keys (void)
{
  check_keys (TRUE);
}

/* Maps as keys of maps as keys...: two keys a level, each hashed once. Walking anew at each level would take 2^20 times as long. */
static void
build_tree (GByteArray *out, guint depth, guint8 leaf)
{
  if (depth == 0) {
    g_byte_array_append (out, (const guint8[]){ 97, leaf }, 2);
    return;
  }
  g_byte_array_append (out, (const guint8[]){ 116, 0, 0, 0, 2 }, 5);
  for (guint8 i = 0; i < 2; i++) {
    build_tree (out, depth - 1, (guint8) (2 * leaf + i));
    g_byte_array_append (out, (const guint8[]){ 97, i }, 2);
  }
}

static void
test_maps_in_keys (void)
{
  GError *error = NULL;
  GByteArray *out = g_byte_array_new ();
  g_byte_array_append (out, (const guint8[]){ 131 }, 1);
  build_tree (out, 8, 0);
  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (out);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf (bytes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (hemera_view_length (hemera_term_view (term)), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  load_payloads ();
  g_test_add_func ("/term/hostile/prefixes", test_prefixes);
  g_test_add_func ("/term/hostile/single-byte-changes", test_changes);
  g_test_add_func ("/term/hostile/bomb", test_bomb);
  g_test_add_func ("/term/hostile/empty-claim", test_empty_claim);
  g_test_add_func ("/term/hostile/compressed-within-limit", test_compressed_within_limit);
  g_test_add_func ("/term/hostile/nested-lists", test_nested_lists);
  g_test_add_func ("/term/hostile/nested-tuples", test_nested_tuples);
  g_test_add_func ("/term/hostile/nested-map-values", test_nested_map_values);
  g_test_add_func ("/term/hostile/nested-map-keys", test_nested_map_keys);
  g_test_add_func ("/term/hostile/chained-tails", test_chained_tails);
  g_test_add_func ("/term/hostile/many-keys", test_many_keys);
  g_test_add_func ("/term/hostile/many-container-keys", test_many_container_keys);
  g_test_add_func ("/term/hostile/maps-in-keys", test_maps_in_keys);
  int result = g_test_run ();
  g_ptr_array_unref (payloads);
  return result;
}

/* What the validating pass takes and refuses: a table of bytes with BEAM's verdict of OTP 25.2 (asked once; differential.escript asks anew on
 * random bytes), and the error each refusal gives. */
#include <hemera/etf.h>
#include <hemera/term-builder.h>

#include <string.h>
#include <zlib.h>

typedef struct {
  const char *name;
  const char *bytes; /* behind the version byte: hex digits, and 'text' as it is */
  int code;          /* -1: taken */
  const char *at;    /* the end of the message */
} Case;

#define OK        -1, NULL
#define BAD(at)   HEMERA_CODEC_ERROR_MALFORMED, "at byte " #at
#define CUT(at)   HEMERA_CODEC_ERROR_TRUNCATED, "at byte " #at
#define TWICE(at) HEMERA_CODEC_ERROR_DUPLICATE, "at byte " #at

#define NODE      "7703'a@b'"
#define FUN(free) "70 00000000 01 00000000000000000000000000000000 00000003" free "7701'm'"
#define Z20       "00000000000000000000000000000000000000000000"

static const Case cases[] = {
  { "small-integer", "61 ff", OK },
  { "integer", "62 80000000", OK },
  { "small-big-zero", "6e 00 00", OK },
  { "small-big-any-sign", "6e 01 05 07", OK },
  { "big-leading-zeros", "6e 09 00 010000000000000000", OK },
  { "large-big", "6f 00000002 00 0100", OK },
  { "large-big-empty", "6f 00000000 00", OK },
  { "float", "46 3ff8000000000000", OK },
  { "float-minus-zero", "46 8000000000000000", OK },
  { "float-subnormal", "46 0000000000000001", OK },
  { "float-nan", "46 7ff8000000000000", BAD (1) },
  { "float-infinite", "46 7ff0000000000000", BAD (1) },
  { "float-minus-infinite", "46 fff0000000000000", BAD (1) },
  { "text-float", "63 '1.50000000000000000000e+00' 0000000000", OK },
  { "text-float-comma", "63 '1,5' 000000" Z20 "000000", OK },
  { "text-float-plus", "63 '+1.5' 0000" Z20 "000000", OK },
  { "text-float-junk-behind-nul", "63 '1.5' 00 'junk'" Z20 "00", OK },
  { "text-float-underflow", "63 '1.5e-400'" Z20 "00", OK },
  { "text-float-overflow", "63 '1.5e+400'" Z20 "00", BAD (1) },
  { "text-float-nan", "63 'nan' 000000" Z20 "000000", BAD (1) },
  { "text-float-hexadecimal", "63 '0x1p3' 00" Z20 "000000", BAD (1) },
  { "text-float-no-point", "63 '1e5' 000000" Z20 "000000", BAD (1) },
  { "text-float-no-fraction", "63 '1.' 00000000" Z20 "000000", BAD (1) },
  { "text-float-no-whole", "63 '.5' 00000000" Z20 "000000", BAD (1) },
  { "text-float-bare-exponent", "63 '1.5e+' 00" Z20 "000000", BAD (1) },
  { "text-float-space", "63 ' 1.5' 0000" Z20 "000000", BAD (1) },
  { "text-float-no-nul", "63 '1.00000000000000000000000000000'", BAD (1) },
  { "atom-latin1", "64 0001 e9", OK },
  { "atom-small-latin1", "73 01 e9", OK },
  { "atom-utf8", "76 0002 c3a9", OK },
  { "atom-small-utf8", "77 02 c3a9", OK },
  { "atom-empty", "77 00", OK },
  { "atom-with-nul", "77 03 'a' 00 'b'", OK },
  { "atom-no-utf8", "77 01 ff", BAD (1) },
  { "atom-overlong", "77 02 c080", BAD (1) },
  { "atom-surrogate", "77 03 eda080", BAD (1) },
  { "atom-beyond-unicode", "77 04 f4908080", BAD (1) },
  { "string", "6b 0002 0102", OK },
  { "string-empty", "6b 0000", OK },
  { "binary", "6d 00000002 ff00", OK },
  { "bits", "4d 00000001 03 e0", OK },
  { "bits-none", "4d 00000000 00", OK },
  { "bits-eight", "4d 00000001 08 01", OK },
  { "bits-nine", "4d 00000001 09 01", BAD (1) },
  { "bits-zero-of-a-byte", "4d 00000001 00 01", BAD (1) },
  { "bits-one-of-none", "4d 00000000 01", BAD (1) },
  { "tuple", "68 02 6a 61 01", OK },
  { "large-tuple", "69 00000001 6a", OK },
  { "list", "6c 00000001 6a 6a", OK },
  { "list-improper", "6c 00000001 6a 61 01", OK },
  { "list-of-none", "6c 00000000 6a", OK },
  { "list-of-none-improper", "6c 00000000 61 01", OK },
  { "list-with-list-as-tail", "6c 00000001 61 01 6c 00000001 61 02 6a", OK },
  { "map", "74 00000001 61 01 6a", OK },
  { "map-integer-and-float-key", "74 00000002 61 01 6a 46 3ff0000000000000 6a", OK },
  { "map-same-key", "74 00000002 61 01 6a 61 01 6a", TWICE (9) },
  { "map-same-integer", "74 00000002 61 01 6a 62 00000001 6a", TWICE (9) },
  { "map-same-big", "74 00000002 61 01 6a 6e 01 00 01 6a", TWICE (9) },
  { "map-same-atom", "74 00000002 7701'a' 6a 64 0001 'a' 6a", TWICE (10) },
  { "map-same-latin1-atom", "74 00000002 7702c3a9 6a 64 0001 e9 6a", TWICE (11) },
  { "map-same-float", "74 00000002 46 0000000000000000 6a 46 8000000000000000 6a", TWICE (16) },
  { "map-same-list", "74 00000002 6b 0001 01 6a 6c 00000001 61 01 6a 6a", TWICE (11) },
  { "map-same-empty-list", "74 00000002 6a 6a 6b 0000 6a", TWICE (8) },
  { "map-same-binary", "74 00000002 6d 00000001 01 6a 4d 00000001 08 01 6a", TWICE (13) },
  { "map-same-bits", "74 00000002 4d 00000001 03 e0 6a 4d 00000001 03 ff 6a", TWICE (14) },
  { "map-same-map",
    "74 00000002 74 00000002 61 01 61 02 61 03 61 04 6a 74 00000002 61 03 61 04 61 01 61 02 6a", TWICE (20) },
  { "map-same-tuple", "74 00000002 68 01 61 01 6a 69 00000001 62 00000001 6a", TWICE (11) },
  { "map-integer-and-atom-in-tuples", "74 00000002 68 01 61 61 6a 68 01 7701'c' 6a", OK },
  { "map-same-pid", "74 00000002 58" NODE "00000001 00000002 00000003 6a 67" NODE "00000001 00000002 03 6a",
    TWICE (25) },
  { "map-same-port", "74 00000002 59" NODE "00000001 00000003 6a 78" NODE "0000000000000001 00000003 6a",
    TWICE (21) },
  { "map-same-ref", "74 00000002 5a 0001" NODE "00000003 00000001 6a 72 0001" NODE "03 00000001 6a",
    TWICE (23) },
  { "map-same-ref-padded",
    "74 00000002 5a 0001" NODE "00000003 00000001 6a 5a 0002" NODE "00000003 00000001 00000000 6a",
    TWICE (23) },
  { "map-same-export", "74 00000002 71 7701'm' 7701'f' 61 01 6a 71 7701'm' 7701'f' 6e 05 00 0100000001 6a",
    TWICE (16) },
  { "map-same-fun",
    "74 00000002" FUN ("00000000") "61 01 61 02 6a 6a" FUN ("00000000") "61 01 6e 05 00 0200000001 6a 6a",
    TWICE (45) },
  { "map-same-key-inside-a-key", "74 00000001 74 00000002 61 01 6a 61 01 6a 6a", TWICE (14) },
  { "map-same-key-inside-a-value", "74 00000001 6a 74 00000002 61 01 6a 61 01 6a", TWICE (15) },
  { "pid", "58" NODE "00000001 00000002 00000003", OK },
  { "pid-old", "67" NODE "00000001 00000002 03", OK },
  { "pid-old-creation-4", "67" NODE "00000001 00000002 04", BAD (1) },
  { "pid-latin1-node", "58 64 0001 e9 00000001 00000002 00000003", OK },
  { "pid-node-is-integer", "58 61 01 00000001 00000002 00000003", BAD (2) },
  { "port", "59" NODE "ffffffff 00000003", OK },
  { "port-old", "66" NODE "00000001 03", OK },
  { "port-old-creation-4", "66" NODE "00000001 04", BAD (1) },
  { "port-v4", "78" NODE "ffffffffffffffff 00000001", OK },
  { "ref-oldest", "65" NODE "0003ffff 01", OK },
  { "ref-oldest-over-18-bits", "65" NODE "00040000 01", BAD (1) },
  { "ref-old", "72 0003" NODE "01 0003ffff 00000001 00000002", OK },
  { "ref-old-over-18-bits", "72 0001" NODE "01 00040000", BAD (1) },
  { "ref-old-creation-4", "72 0001" NODE "04 00000001", BAD (1) },
  { "ref", "5a 0005" NODE "00000007 ffffffff 00000001 00000002 00000003 00000004", OK },
  { "ref-of-6-words", "5a 0006" NODE "00000007 00000001 00000001 00000001 00000001 00000001 00000001",
    BAD (1) },
  { "ref-of-no-words", "5a 0000" NODE "00000007 00000001", BAD (1) },
  { "export", "71 7701'm' 7701'f' 61 ff", OK },
  { "export-arity-256", "71 7701'm' 7701'f' 62 00000100", OK },
  { "export-arity-negative", "71 7701'm' 7701'f' 62 ffffffff", BAD (8) },
  { "export-arity-large", "71 7701'm' 7701'f' 6e 08 00 ffffffffffffffff", BAD (8) },
  { "export-arity-atom", "71 7701'm' 7701'f' 7701'a'", BAD (8) },
  { "export-module-integer", "71 61 01 7701'f' 61 01", BAD (2) },
  { "fun", FUN ("00000000") "61 01 61 02 6a", OK },
  { "fun-free-variables", FUN ("00000002") "61 01 61 02 6a 61 01 6a", OK },
  { "fun-free-variables-256", FUN ("00000100") "61 01 61 02 6a", BAD (1) },
  { "fun-old-index-atom", FUN ("00000000") "7701'x' 61 02 6a", BAD (34) },
  { "fun-from-before-r8", "75 00000000", BAD (1) },
  { "local", "79 00000000", BAD (1) },
  { "atom-cache-reference", "52 00", BAD (1) },
  { "internal-atom", "49 00000000", BAD (1) },
  { "unknown", "00", BAD (1) },
  { "nothing", "", CUT (1) },
  { "cut-integer", "62 000000", CUT (5) },
  { "cut-binary", "6d 00000003 0102", CUT (8) },
  { "cut-list-tail", "6c 00000001 6a", CUT (1) },
  { "arity-beyond-bytes", "6c ffffffff 6a 6a", CUT (1) },
  { "map-arity-beyond-bytes", "74 80000000 6a 6a", CUT (1) },
  { "tuple-arity-beyond-bytes", "69 ffffffff 6a", CUT (1) },
  { "binary-beyond-bytes", "6d fffffffb 00", CUT (7) },
  { "compressed-inside", "68 01 50 00000002", BAD (3) },
  { "behind", "61 01 00", HEMERA_CODEC_ERROR_TRAILING, "at byte 3" },
};

static GByteArray *
read_hex (const char *text)
{
  GByteArray *out = g_byte_array_new ();
  gboolean quoted = FALSE;
  g_byte_array_append (out, (const guint8[]){ 131 }, 1);
  for (const char *c = text; *c != '\0'; c++) {
    if (*c == '\'') {
      quoted = !quoted;
    } else if (quoted) {
      g_byte_array_append (out, (const guint8 *) c, 1);
    } else if (*c != ' ') {
      guint8 byte = (guint8) (g_ascii_xdigit_value (c[0]) << 4 | g_ascii_xdigit_value (c[1]));
      g_byte_array_append (out, &byte, 1);
      c++;
    }
  }
  return out;
}

static void
test_case (gconstpointer data)
{
  const Case *c = data;
  GError *error = NULL;
  g_autoptr (GByteArray) bytes = read_hex (c->bytes);
  g_autoptr (HemeraTerm) term = hemera_term_new_from_etf_data (bytes->data, bytes->len, NULL, &error);
  if (c->code < 0) {
    g_assert_no_error (error);
    g_autoptr (GBytes) kept = g_bytes_new (bytes->data, bytes->len);
    g_autoptr (HemeraTerm) other = hemera_term_new_from_etf (kept, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_term_view (other)));
    return;
  }
  g_assert_null (term);
  g_assert_error (error, HEMERA_CODEC_ERROR, c->code);
  if (!g_str_has_suffix (error->message, c->at))
    g_error ("%s: \"%s\" does not end in \"%s\"", c->name, error->message, c->at);
  g_error_free (error);
}

static HemeraTerm *
decode (GByteArray *bytes, const HemeraEtfLimits *limits, GError **error)
{
  return hemera_term_new_from_etf_data (bytes->data, bytes->len, limits, error);
}

static void
refused (GByteArray *bytes, const HemeraEtfLimits *limits, HemeraCodecError code)
{
  GError *error = NULL;
  g_assert_null (decode (bytes, limits, &error));
  g_assert_error (error, HEMERA_CODEC_ERROR, (gint) code);
  g_error_free (error);
}

/* An atom of @n two-byte characters. */
static GByteArray *
make_atom (guint n)
{
  GByteArray *bytes = read_hex ("76");
  guint8 size[2] = { (guint8) (2 * n >> 8), (guint8) (2 * n) };
  g_byte_array_append (bytes, size, 2);
  for (guint i = 0; i < n; i++)
    g_byte_array_append (bytes, (const guint8[]){ 0xc3, 0xa9 }, 2);
  return bytes;
}

static void
test_atom_length (void)
{
  g_autoptr (GByteArray) longest = make_atom (255), too_long = make_atom (256);
  g_autoptr (HemeraTerm) term = decode (longest, NULL, NULL);
  g_assert_nonnull (term);
  refused (too_long, NULL, HEMERA_CODEC_ERROR_MALFORMED);
}

static void
test_version (void)
{
  g_autoptr (GByteArray) bytes = read_hex ("6a");
  bytes->data[0] = 130;
  refused (bytes, NULL, HEMERA_CODEC_ERROR_MALFORMED);
  g_byte_array_set_size (bytes, 0);
  refused (bytes, NULL, HEMERA_CODEC_ERROR_TRUNCATED);
}

static void
test_depth (void)
{
  HemeraEtfLimits limits = { .max_depth = 3 };
  g_autoptr (GByteArray) three = read_hex ("68 01 68 01 68 01 6a"),
                         four = read_hex ("68 01 68 01 68 01 68 01 6a");
  g_autoptr (HemeraTerm) term = decode (three, &limits, NULL);
  g_assert_nonnull (term);
  refused (four, &limits, HEMERA_CODEC_ERROR_DEPTH);
}

static void
test_default_depth (void)
{
  for (guint levels = 512; levels <= 513; levels++) {
    g_autoptr (GByteArray) bytes = read_hex ("");
    for (guint i = 0; i < levels; i++)
      g_byte_array_append (bytes, (const guint8[]){ 104, 1 }, 2);
    g_byte_array_append (bytes, (const guint8[]){ 106 }, 1);
    if (levels == 513) {
      refused (bytes, NULL, HEMERA_CODEC_ERROR_DEPTH);
    } else {
      g_autoptr (HemeraTerm) term = decode (bytes, NULL, NULL);
      g_assert_nonnull (term);
    }
  }
}

static void
test_size (void)
{
  HemeraEtfLimits limits = { .max_size = 5 };
  g_autoptr (GByteArray) bytes = read_hex ("62 00000000");
  refused (bytes, &limits, HEMERA_CODEC_ERROR_SIZE);
}

static void
test_duplicates_allowed (void)
{
  HemeraEtfLimits limits = { .unique_keys = FALSE };
  g_autoptr (GByteArray) bytes = read_hex ("74 00000002 61 01 6a 61 01 6a");
  g_autoptr (HemeraTerm) term = decode (bytes, &limits, NULL);
  g_assert_cmpuint (hemera_view_length (hemera_term_view (term)), ==, 2);
}

/* 131 80, the stated size and the zlib form of @inner without its version byte. */
static GByteArray *
compress_term (GByteArray *inner, guint32 stated)
{
  GByteArray *out = read_hex ("50");
  guint8 data[256];
  uLongf size = sizeof data;
  stated = GUINT32_TO_BE (stated);
  g_byte_array_append (out, (const guint8 *) &stated, 4);
  g_assert_cmpint (compress (data, &size, inner->data + 1, inner->len - 1), ==, Z_OK);
  g_byte_array_append (out, data, (guint) size);
  return out;
}

static void
test_compressed (void)
{
  GError *error = NULL;
  g_autoptr (GByteArray) inner = read_hex ("68 02 61 01 6d 00000003 'abc'");
  g_autoptr (GByteArray) bytes = compress_term (inner, inner->len - 1);
  g_autoptr (HemeraTerm) term = decode (bytes, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *text = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpstr (text, ==, "{1,<<97,98,99>>}");
  g_autoptr (GBytes) etf = hemera_term_to_etf (term); /* inflated: Erlang nodes take no compressed messages */
  g_assert_cmpmem (g_bytes_get_data (etf, NULL), g_bytes_get_size (etf), inner->data, inner->len);
}

static void
test_compressed_stated_size (void)
{
  g_autoptr (GByteArray) inner = read_hex ("62 00000001");
  g_autoptr (GByteArray) smaller = compress_term (inner, 4), larger = compress_term (inner, 6);
  refused (smaller, NULL, HEMERA_CODEC_ERROR_COMPRESSION);
  refused (larger, NULL, HEMERA_CODEC_ERROR_COMPRESSION);
}

static void
test_compressed_damage (void)
{
  g_autoptr (GByteArray) inner = read_hex ("62 00000001");
  g_autoptr (GByteArray) bytes = compress_term (inner, 5);
  g_byte_array_append (bytes, (const guint8[]){ 0 }, 1);
  refused (bytes, NULL, HEMERA_CODEC_ERROR_TRAILING);
  g_byte_array_set_size (bytes, bytes->len - 2);
  refused (bytes, NULL, HEMERA_CODEC_ERROR_COMPRESSION);
  bytes->data[7] ^= 0xff;
  refused (bytes, NULL, HEMERA_CODEC_ERROR_COMPRESSION);
  g_byte_array_set_size (bytes, 4);
  refused (bytes, NULL, HEMERA_CODEC_ERROR_TRUNCATED);
}

static void
test_compressed_twice (void)
{
  g_autoptr (GByteArray) inner = read_hex ("61 01");
  g_autoptr (GByteArray) once = compress_term (inner, 2);
  g_autoptr (GByteArray) twice = compress_term (once, once->len - 1);
  refused (twice, NULL, HEMERA_CODEC_ERROR_MALFORMED);
}

/* The offset is of no use to who does not know the bytes that it counts. */
static void
test_other_bytes (void)
{
  g_autoptr (GByteArray) inner = read_hex ("61 01 00"), bytes = compress_term (inner, 3);
  g_autoptr (GByteArray) odd = read_hex ("74 00000002 61 01 6a 6c 00000000 61 01 6a");
  g_autoptr (GError) error = NULL;
  g_assert_null (hemera_term_new_from_etf_data (bytes->data, bytes->len, NULL, &error));
  g_assert_cmpstr (error->message, ==, "bytes behind the term at byte 3 of the inflated term");
  g_clear_error (&error);
  g_assert_null (hemera_term_new_from_etf_data (odd->data, odd->len, NULL, &error));
  g_assert_cmpstr (error->message, ==, "a map key twice at byte 9 of the term with its lists made plain");
  g_assert_null (hemera_term_new_from_etf_data (odd->data, odd->len, NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/term/validate/", cases[i].name, NULL);
    g_test_add_data_func (path, &cases[i], test_case);
  }
  g_test_add_func ("/term/validate/atom-length", test_atom_length);
  g_test_add_func ("/term/validate/version", test_version);
  g_test_add_func ("/term/validate/depth", test_depth);
  g_test_add_func ("/term/validate/default-depth", test_default_depth);
  g_test_add_func ("/term/validate/size", test_size);
  g_test_add_func ("/term/validate/duplicates-allowed", test_duplicates_allowed);
  g_test_add_func ("/term/compressed/inflated", test_compressed);
  g_test_add_func ("/term/compressed/stated-size", test_compressed_stated_size);
  g_test_add_func ("/term/compressed/damage", test_compressed_damage);
  g_test_add_func ("/term/compressed/twice", test_compressed_twice);
  g_test_add_func ("/term/compressed/other-bytes", test_other_bytes);
  return g_test_run ();
}

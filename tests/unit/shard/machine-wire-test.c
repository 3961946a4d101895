/* What comes over the wire: messages in pieces, their limits, keys and names that are almost those of the protocol, and what of a payload
 * subscribers get. In every encoding and compression. */
#include "rig-states.h"

#include <string.h>

/* ---- pieces and limits ----------------------------------------------------------------------------------------------------------- */

/* Longer than a slab, in two pieces: the first is carried into a larger one. */
static void
long_message_in_pieces (gconstpointer data)
{
  RigVariant variant = *(const RigVariant *) data;
  g_autofree char *text = g_strnfill (200000, 'a');
  g_autofree char *json = g_strdup_printf ("{\"t\":\"X\",\"s\":2,\"op\":0,\"d\":\"%s\"}", text);
  g_autofree char *expected = g_strdup_printf ("\"%s\"", text);
  Rig *rig;

  variant.piece = 50000;
  rig = rig_in (&variant, HEMERA_SHARD_ACTIVE);
  for (guint i = 0; i < 1000; i++)
    text[i * 200] = expected[i * 200 + 1] = (char) ('b' + i % 20);
  memcpy (strchr (json, 'a'), text, 200000);
  rig_payload (rig, json);
  rig_expect (rig, "event:0:2:X");
  g_assert_cmpstr (rig->last_d, ==, expected);
  rig_event (rig, 3);
  rig_expect (rig, "event:0:3:TYPING_START");
  rig_free (rig);
}

static void
empty_pieces_pass (gconstpointer data)
{
  const RigVariant *variant = data;
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  g_autoptr (GBytes) plain = rig_encode (variant->encoding, "{\"op\":11}");
  g_autoptr (GBytes) bytes =
      variant->compression == HEMERA_COMPRESSION_NONE ? g_bytes_ref (plain) : rig_compress (rig, plain);
  gboolean binary =
      variant->encoding == HEMERA_ENCODING_ETF || variant->compression != HEMERA_COMPRESSION_NONE;
  gsize size;
  const void *bytes_data = g_bytes_get_data (bytes, &size);

  rig_bytes (rig, NULL, 0, TRUE, FALSE, binary);
  rig_bytes (rig, bytes_data, size, FALSE, FALSE, binary);
  rig_bytes (rig, NULL, 0, FALSE, TRUE, binary);
  rig_expect (rig, "event:11");
  rig_free (rig);
}

#define LIMIT 1000

static void
limited (HemeraShardConfig *config)
{
  config->max_payload = LIMIT;
}

static void
limit_is_exact (gconstpointer data)
{
  const RigVariant *variant = data;
  g_autoptr (GBytes) empty = rig_encode (variant->encoding, "{\"op\":50,\"d\":\"\"}");

  for (guint over = 0; over < 2; over++) {
    Rig *rig = rig_new (variant, NULL, 0, limited);
    g_autofree char *text = g_strnfill (LIMIT - g_bytes_get_size (empty) + over, 'a');
    g_autofree char *json = g_strdup_printf ("{\"op\":50,\"d\":\"%s\"}", text);

    rig_open (rig);
    g_free (rig_take (rig));
    rig_payload (rig, json);
    rig_expect (rig, over == 0 ? "event:50" : "error close:4000 awaiting_hello>stopped stop:crash");
    rig_free (rig);
  }
}

static void
limit_is_of_a_message (gconstpointer variant)
{
  Rig *rig = rig_new (variant, NULL, 0, limited);

  rig_open (rig);
  for (guint i = 0; i < LIMIT; i++) {
    g_free (rig_take (rig));
    rig_payload (rig, "{\"op\":50,\"d\":null}");
    rig_expect (rig, "event:50");
  }
  rig_free (rig);
}

/* ---- envelopes ------------------------------------------------------------------------------------------------------------------- */

static void
other_keys_are_ignored (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_payload (rig, "{\"o\":1,\"ap\":2,\"op\":0,\"opx\":9,\"\":7,\"t\":\"X\",\"ts\":[],\"s\":2,\"d\":{}}");
  rig_expect (rig, "event:0:2:X");
  rig_free (rig);
}

static void
integer_keys_are_ignored (gconstpointer data)
{
  static const char etf[] = "\203t\0\0\0\2a\7a\1m\0\0\0\2opa\13"; /* #{7 => 1, <<"op">> => 11} */
  const RigVariant *variant = data;
  Rig *rig;

  if (variant->encoding != HEMERA_ENCODING_ETF || variant->compression != HEMERA_COMPRESSION_NONE) {
    g_test_skip ("raw ETF");
    return;
  }
  rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  rig_bytes (rig, etf, sizeof etf - 1, TRUE, TRUE, TRUE);
  rig_expect (rig, "event:11");
  rig_free (rig);
}

/* What a name begins with is not the name. */
static void
names_are_whole (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_payload (rig, "{\"op\":0,\"s\":2,\"t\":\"READ\",\"d\":{\"session_id\":\"z\"}}");
  rig_payload (rig, "{\"op\":0,\"s\":3,\"t\":\"READYX\",\"d\":{\"session_id\":\"z\"}}");
  rig_expect (rig, "event:0:2:READ event:0:3:READYX");
  rig_payload (rig, "{\"op\":0,\"s\":3,\"t\":\"RESUME\",\"d\":null}"); /* RESUMED alone comes again */
  rig_expect (rig, "");
  rig_free (rig);
}

static void
check_payload (gpointer data, const HemeraShardAction *action)
{
  if (action->type != HEMERA_SHARD_ACTION_EVENT)
    return;
  g_assert_nonnull (action->payload);
  g_assert_cmpuint (hemera_view_uint64 (hemera_view_get (hemera_term_view (action->payload), "op"), 99), ==,
                    action->op);
  g_assert_cmpint (action->encoding, ==, ((Rig *) data)->variant.encoding);
}

static void
events_carry_the_payload (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);
  guint before = rig->events;

  rig->on_action = check_payload;
  rig->on_action_data = rig;
  rig_event (rig, 2);
  rig_payload (rig, "{\"op\":11,\"d\":null}");
  g_assert_cmpuint (rig->events - before, ==, 2);
  rig_free (rig);
}

/* ---- beats ----------------------------------------------------------------------------------------------------------------------- */

static void
beat_before_any_event_has_no_seq (gconstpointer variant)
{
  Rig *rig = rig_in (variant, HEMERA_SHARD_ACTIVE);

  rig_payload (rig, "{\"op\":1}"); /* READY is given, and not yet safe */
  g_assert_cmpstr (rig->last_write, ==, "{\"op\":1,\"d\":null}");
  rig_free (rig);
}

/* ---- all ----------------------------------------------------------------------------------------------------------------------------- */

static const RigTest tests[] = {
  { "long-message-in-pieces", long_message_in_pieces },
  { "empty-pieces-pass", empty_pieces_pass },
  { "limit-is-exact", limit_is_exact },
  { "limit-is-of-a-message", limit_is_of_a_message },
  { "other-keys-are-ignored", other_keys_are_ignored },
  { "integer-keys-are-ignored", integer_keys_are_ignored },
  { "names-are-whole", names_are_whole },
  { "events-carry-the-payload", events_carry_the_payload },
  { "beat-before-any-event-has-no-seq", beat_before_any_event_has_no_seq },
};

int
main (int argc, char **argv)
{
  return rig_run_tests (argc, argv, tests, G_N_ELEMENTS (tests));
}

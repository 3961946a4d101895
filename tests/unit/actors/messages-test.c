/* The term forms of the tree's messages: what they are, and that no payload breaks them. */
#include "actors/events/event-internal.h"
#include "actors/tree/messages.h"
#include <hemera/term-builder.h>

#include <string.h>

/* {t, #{<<"a">> => 1, <<"a">> => 2}} and the like: a payload is not looked through for such keys when it comes in. */
static HemeraTerm *
payload_with_a_key_twice (void)
{
  static const guint8 bytes[] = { 131, 116, 0, 0, 0, 1,   109, 0, 0,   0, 1, 'd', 116, 0,   0,  0, 2,
                                  109, 0,   0, 0, 1, 'a', 97,  1, 109, 0, 0, 0,   1,   'a', 97, 2 };
  const HemeraEtfLimits limits = { .unique_keys = FALSE };
  HemeraTerm *term = hemera_term_new_from_etf_data (bytes, sizeof bytes, &limits, NULL);

  g_assert_nonnull (term);
  return term;
}

static void
assert_prints (HemeraTerm *term, const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_nonnull (term);
  text = hemera_view_to_string (hemera_term_view (term));
  g_assert_cmpstr (text, ==, expected);
  hemera_term_unref (term);
}

static void
test_key_twice_on_the_way (void)
{
  g_autoptr (HemeraTerm) payload = payload_with_a_key_twice ();
  const HemeraEventReceived received = { .op = 0,
                                         .seq = 7,
                                         .d = hemera_view_get (hemera_term_view (payload), "d") };

  assert_prints (hemera__event_received_type.to_term (&received),
                 "{event_received,0,7,<<116,0,0,0,2,109,0,0,0,1,97,97,1,109,0,0,0,1,97,97,2>>}");
}

static void
test_key_twice_in_a_message (void)
{
  HemeraTerm *payload = payload_with_a_key_twice ();
  g_autoptr (HemeraEvent) event = hemera__event_new (
      3, 1, 7, HEMERA_ENCODING_ETF, payload, hemera_view_get (hemera_term_view (payload), "d"), "X", 1);
  g_autoptr (HemeraShardMessage) message = hemera__shard_message_new_for_event (event);

  assert_prints (hemera_shard_message_to_term (message),
                 "{event_received,3,0,7,<<88>>,<<116,0,0,0,2,109,0,0,0,1,97,97,1,109,0,0,0,1,97,97,2>>}");
}

static void
test_no_data (void)
{
  const HemeraEventReceived ack = { .op = 11, .d = HEMERA_VIEW_INVALID };

  assert_prints (hemera__event_received_type.to_term (&ack), "{event_received,11,0,nil}");
}

/* ---- orders, both ways ---------------------------------------------------------------------------------------- */

static void
there_and_back (const HemeraMessageType *type, const char *text)
{
  g_autoptr (HemeraTerm) term = hemera_term_new (text);
  g_autoptr (HemeraActorMessage) message = hemera_actor_message_new (type, NULL);
  g_autofree char *expected = hemera_view_to_string (hemera_term_view (term));

  g_assert_true (type->from_term (hemera_actor_message_payload (message), hemera_term_view (term), NULL));
  assert_prints (type->to_term (hemera_actor_message_payload (message)), expected);
}

static void
test_orders (void)
{
  there_and_back (&hemera__send_type, "{send, 3, #{a => 1}}");
  there_and_back (&hemera__reconnect_type, "{reconnect, true}");
  there_and_back (&hemera__reconnect_type, "{reconnect, false}");
  there_and_back (&hemera__dispose_type, "{dispose, keep}");
  there_and_back (&hemera__dispose_type, "{dispose, end}");
}

static void
test_bad_orders (void)
{
  static const char *const bad[] = {
    "send",           "{send}",           "{send, x, 1}",          "{send, 4294967296, 1}", "{reconnect}",
    "{reconnect, 1}", "{dispose, other}", "{dispose, keep, keep}", "{identify, 1}",         "[]"
  };
  const HemeraMessageType *types[] = { &hemera__send_type, &hemera__reconnect_type, &hemera__dispose_type };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (HemeraTerm) term = hemera_term_new (bad[i]);

    for (guint t = 0; t < G_N_ELEMENTS (types); t++) {
      g_autoptr (HemeraActorMessage) message = hemera_actor_message_new (types[t], NULL);
      g_autoptr (GError) error = NULL;

      g_assert_false (
          types[t]->from_term (hemera_actor_message_payload (message), hemera_term_view (term), &error));
      g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD);
    }
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/messages/event/key-twice-on-the-way", test_key_twice_on_the_way);
  g_test_add_func ("/messages/event/key-twice-in-a-message", test_key_twice_in_a_message);
  g_test_add_func ("/messages/event/no-data", test_no_data);
  g_test_add_func ("/messages/order/there-and-back", test_orders);
  g_test_add_func ("/messages/order/bad", test_bad_orders);
  return g_test_run ();
}

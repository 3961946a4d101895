/* HemeraEvent and the typed models. "dump": a filter for models_test.py, which holds every accessor against events of its own: a line
 * NAME <tab> d in, a line of JSON as the accessors see it out. d is JSON, or ETF in base64. */
#include "actors/events/event-internal.h"
#include "actors/tree/shard-message.h"
#include "model-dump.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static HemeraEvent *
event_of (const char *name, HemeraTerm *payload)
{
  return hemera__event_new (3, 7, 42, HEMERA_ENCODING_JSON, payload, hemera_term_view (payload), name,
                            strlen (name));
}

static HemeraEvent *
make_event (const char *name, const char *json)
{
  g_autoptr (GError) error = NULL;
  HemeraTerm *payload = hemera_term_new_from_json (json, strlen (json), NULL, &error);

  g_assert_no_error (error);
  return event_of (name, payload);
}

/* With the limits of a payload of Discord's: a key may stand twice. */
static HemeraEvent *
make_event_from_etf (const char *name, const char *base64)
{
  static const HemeraEtfLimits limits = { .unique_keys = FALSE };
  g_autoptr (GError) error = NULL;
  gsize size;
  g_autofree guchar *data = g_base64_decode (base64, &size);
  HemeraTerm *payload = hemera_term_new_from_etf_data (data, size, &limits, &error);

  g_assert_no_error (error);
  return event_of (name, payload);
}

static int
run_dump (void)
{
  char *line = NULL;
  size_t size = 0;

  while (getline (&line, &size, stdin) > 0) {
    char *tab = strchr (line, '\t');
    g_autoptr (HemeraEvent) event = NULL;
    g_autoptr (GString) out = g_string_new (NULL);

    g_assert (tab != NULL);
    *tab = '\0';
    event = tab[1] == '{' ? make_event (line, tab + 1) : make_event_from_etf (line, tab + 1);
    g_assert_true (dump_model (line, hemera__event_get_model (event), out));
    puts (out->str);
  }
  free (line);
  return 0;
}

static void
test_absent_null_present (void)
{
  g_autoptr (HemeraEvent) event = make_event (
      "MESSAGE_CREATE", "{\"id\":\"18446744073709551615\",\"content\":\"a\",\"edited_timestamp\":null}");
  HemeraMessage *message = hemera__event_get_model (event);

  g_assert_cmpuint (hemera_message_get_id (message), ==, G_MAXUINT64);
  g_assert_cmpstr (hemera_message_get_content (message), ==, "a");
  g_assert_true (hemera_message_is_null_edited_timestamp (message));
  g_assert_null (hemera_message_get_edited_timestamp (message));
  g_assert_false (hemera_message_has_nonce (message));
  g_assert_null (hemera_message_get_author (message));
  g_assert_cmpuint (hemera_message_get_n_embeds (message), ==, 0);
  g_assert_null (hemera_message_get_embeds (message, 0));
}

static void
test_wrong_types (void)
{
  g_autoptr (HemeraEvent) event = make_event (
      "MESSAGE_CREATE", "{\"id\":[],\"content\":{},\"author\":7,\"mentions\":\"x\",\"embeds\":[1,2],"
                        "\"attachments\":[1000,null],\"type\":\"one\",\"pinned\":1}");
  HemeraMessage *message = hemera__event_get_model (event);

  g_assert_cmpuint (hemera_message_get_id (message), ==, 0);
  g_assert_null (hemera_message_get_content (message));
  g_assert_null (hemera_message_get_author (message));
  g_assert_cmpuint (hemera_message_get_n_mentions (message), ==, 0);
  g_assert_cmpint (hemera_message_get_message_type (message), ==, 0);
  g_assert_false (hemera_message_get_pinned (message));
  g_assert_cmpuint (hemera_message_get_n_attachments (message), ==, 2);
  g_assert_null (hemera_message_get_attachments (message, 0));
  g_assert_cmpuint (hemera_message_get_n_embeds (message), ==, 2); /* of bytes: a STRING_EXT */
  g_assert_null (hemera_message_get_embeds (message, 0));
}

static void
test_no_model (void)
{
  g_assert_false (hemera_view_is_valid (hemera_message_view (NULL)));
  g_assert_cmpuint (hemera_message_get_id (NULL), ==, 0);
  g_assert_false (hemera_message_has_nonce (NULL));
  g_assert_false (hemera_message_is_null_edited_timestamp (NULL));
  g_assert_cmpuint (hemera_message_get_n_mentions (NULL), ==, 0);
  g_assert_null (hemera_user_get_username (hemera_message_get_mentions (NULL, 0)));
  g_assert_null (hemera_user_get_username (hemera_message_get_author (NULL)));
}

/* For who subscribes to everything. */
static void
test_model_of_event (void)
{
  g_autoptr (HemeraEvent) event = make_event ("MESSAGE_CREATE", "{\"content\":\"a\"}");
  g_autoptr (HemeraEvent) other = make_event ("SOMETHING_NEW", "{}");

  g_assert_cmpstr (hemera_message_get_content (hemera_message_from_event (event)), ==, "a");
  g_assert_null (hemera_guild_from_event (event));
  g_assert_null (hemera_message_from_event (other));
}

/* They are boxed: a GValue, a property or a signal of an application can hold one. */
static void
test_boxed (void)
{
  HemeraEvent *event = make_event ("MESSAGE_CREATE", "{\"author\":{\"username\":\"nyx\"}}");
  GValue value = G_VALUE_INIT;

  g_value_init (&value, HEMERA_TYPE_USER);
  g_value_set_boxed (&value, hemera_message_get_author (hemera__event_get_model (event)));
  hemera_event_unref (event);
  g_assert_cmpstr (hemera_user_get_username (g_value_get_boxed (&value)), ==, "nyx");
  g_value_unset (&value);
}

static void
test_reference (void)
{
  HemeraEvent *event = make_event (
      "MESSAGE_CREATE",
      "{\"author\":{\"username\":\"nyx\"},\"mentions\":[{\"username\":\"a\"},{\"username\":\"b\"}]}");
  HemeraMessage *message = hemera__event_get_model (event);
  g_autoptr (HemeraUser) user = hemera_user_ref (hemera_message_get_mentions (message, 1));

  g_assert_true (hemera_message_get_author (message) == hemera_message_get_author (message));
  hemera_event_unref (event);
  g_assert_cmpstr (hemera_user_get_username (user), ==, "b"); /* the reference keeps the whole event */
}

static void
test_unknown_event (void)
{
  g_autoptr (HemeraEvent) event =
      make_event ("SOMETHING_NEW", "{\"guild_id\":\"81384788765712384\",\"x\":[1,null]}");
  g_autoptr (HemeraTerm) term = hemera_event_dup_term (event);
  guint64 guild_id;

  g_assert_cmpstr (hemera_event_get_name (event), ==, "SOMETHING_NEW");
  g_assert_null (hemera__event_get_model (event));
  g_assert_true (hemera_event_get_guild_id (event, &guild_id));
  g_assert_cmpuint (guild_id, ==, G_GUINT64_CONSTANT (81384788765712384));
  g_assert_true (hemera_view_equal (hemera_term_view (term), hemera_event_get_data (event)));
}

static void
test_properties (void)
{
  g_autoptr (HemeraEvent) event = make_event ("GUILD_DELETE", "{\"id\":\"5\",\"guild_id\":\"6\"}");
  guint64 guild_id = 0;

  g_assert_cmpuint (hemera_event_get_shard (event), ==, 3);
  g_assert_cmpuint (hemera__event_get_connection (event), ==, 7);
  g_assert_cmpuint (hemera_event_get_seq (event), ==, 42);
  g_assert_cmpint (hemera_event_get_encoding (event), ==, HEMERA_ENCODING_JSON);
  g_assert_true (hemera_event_get_guild_id (event, &guild_id));
  g_assert_cmpuint (guild_id, ==, 5);
}

/* An EventReceived says of an event what the event says of itself. */
static void
test_event_received (void)
{
  g_autoptr (HemeraEvent) event = make_event ("GUILD_DELETE", "{\"id\":\"5\"}");
  g_autoptr (HemeraShardMessage) message = hemera__shard_message_new_for_event (event);

  g_assert_cmpuint (hemera_shard_message_get_shard (message), ==, 3);
  g_assert_cmpuint (hemera_shard_message_get_connection (message), ==, 7);
  g_assert_cmpuint (hemera_shard_message_get_seq (message), ==, 42);
  g_assert_true (hemera_shard_message_get_event (message) == event);
}

/* Four threads race for the same strings and models: under TSan and ASan. */
static gpointer
read_all (gpointer data)
{
  HemeraMessage *message = data;
  gsize sum = 0;

  for (guint i = 0; i < hemera_message_get_n_mentions (message); i++)
    sum += strlen (hemera_user_get_username (hemera_message_get_mentions (message, i)));
  return GSIZE_TO_POINTER (sum + strlen (hemera_user_get_username (hemera_message_get_author (message))));
}

static void *
read_in_thread (void *data)
{
  return read_all (data);
}

static void
test_threads (void)
{
  for (guint round = 0; round < 50; round++) {
    g_autoptr (HemeraEvent) event = make_event (
        "MESSAGE_CREATE", "{\"author\":{\"username\":\"nyx\"},\"mentions\":[{\"username\":\"aa\"},"
                          "{\"username\":\"bb\"},{\"username\":\"cc\"}]}");
    HemeraMessage *message = hemera__event_get_model (event);
    pthread_t threads[4];
    void *sum;

    for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
      g_assert_cmpint (pthread_create (&threads[i], NULL, read_in_thread, message), ==, 0);
    for (guint i = 0; i < G_N_ELEMENTS (threads); i++) {
      pthread_join (threads[i], &sum);
      g_assert_cmpuint (GPOINTER_TO_SIZE (sum), ==, 9);
    }
  }
}

int
main (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "dump"))
    return run_dump ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/events/model/absent-null-present", test_absent_null_present);
  g_test_add_func ("/events/model/wrong-types-give-defaults", test_wrong_types);
  g_test_add_func ("/events/model/none-is-all-absent", test_no_model);
  g_test_add_func ("/events/model/of-an-event", test_model_of_event);
  g_test_add_func ("/events/model/boxed", test_boxed);
  g_test_add_func ("/events/model/reference-keeps-the-event", test_reference);
  g_test_add_func ("/events/model/threads-share-lazy-parts", test_threads);
  g_test_add_func ("/events/event/unknown-passes-through", test_unknown_event);
  g_test_add_func ("/events/event/properties", test_properties);
  g_test_add_func ("/events/event/received-says-the-same", test_event_received);
  return g_test_run ();
}

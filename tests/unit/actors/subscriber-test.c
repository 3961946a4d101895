/* A subscription's credit and marks, and what all of them together make safe to forget. */
#include "actors/tree/subscriber.h"

#include "actors/events/event-internal.h"
#include <hemera/json.h>
#include <string.h>

#define TREE 1

static HemeraSubscriber *
add (HemeraSubscribers *set, HemeraSubscriberKind kind, const char *name)
{
  HemeraSubscriber *self = hemera__subscriber_new (kind, name, NULL, 4);

  hemera__subscribers_add (set, self);
  return self;
}

static void
test_full_and_room (void)
{
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, NULL, NULL, 4);

  for (guint i = 0; i < 3; i++)
    self->delivered++;
  g_assert_false (hemera__subscriber_is_full (self));
  self->delivered++;
  g_assert_true (hemera__subscriber_is_full (self));
  g_assert_false (hemera__subscriber_handled (self)); /* three of four are left: not half empty */
  g_assert_true (hemera__subscriber_handled (self));  /* now it is, and it is told once */
  g_assert_false (hemera__subscriber_handled (self));
  g_assert_cmpuint (hemera__subscriber_pending (self), ==, 1);
  hemera__subscriber_unref (self);
}

static void
test_nobody_is_told_without_need (void)
{
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, NULL, NULL, 4);

  self->delivered = 2;
  g_assert_false (hemera__subscriber_is_full (self));
  g_assert_false (hemera__subscriber_handled (self));
  hemera__subscriber_unref (self);
}

static void
test_cancelled_is_never_full (void)
{
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, NULL, NULL, 4);

  self->delivered = 100;
  self->cancelled = TRUE;
  g_assert_false (hemera__subscriber_is_full (self));
  hemera__subscriber_unref (self);
}

static void
test_interest (void)
{
  HemeraSubscribers *set = hemera__subscribers_new ();
  HemeraSubscriber *one, *all;

  g_assert_false (hemera__subscribers_interested (set, "READY", 5));
  one = add (set, HEMERA_SUBSCRIBER_EVENTS, "READY");
  g_assert_true (hemera__subscribers_interested (set, "READY", 5));
  g_assert_false (hemera__subscribers_interested (set, "MESSAGE_CREATE", 14));
  all = add (set, HEMERA_SUBSCRIBER_MESSAGES, NULL);
  g_assert_true (hemera__subscribers_interested (set, "MESSAGE_CREATE", 14));
  hemera__subscribers_remove (set, all);
  g_assert_false (hemera__subscribers_interested (set, "MESSAGE_CREATE", 14));
  hemera__subscriber_unref (one);
  hemera__subscriber_unref (all);
  hemera__subscribers_unref (set);
}

static void
test_filter_by_shard (void)
{
  const guint shards[] = { 1, 3 };
  const HemeraFilter filter = { .shards = shards, .n_shards = 2 };
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, NULL, &filter, 4);

  g_assert_true (hemera__subscriber_wants_shard (self, 3));
  g_assert_false (hemera__subscriber_wants_shard (self, 2));
  hemera__subscriber_unref (self);
}

/* ---- safe places -------------------------------------------------------------------------------------------- */

static void
test_safe_is_the_slowest (void)
{
  HemeraSubscribers *set = hemera__subscribers_new ();
  HemeraSubscriber *fast = add (set, HEMERA_SUBSCRIBER_EVENTS, NULL),
                   *slow = add (set, HEMERA_SUBSCRIBER_EVENTS, NULL);
  const guint64 places[] = { hemera__place (1, 10) };
  HemeraMarks *fast_marks = hemera__subscriber_make_marks (fast, TREE, places, 1);
  HemeraMarks *slow_marks = hemera__subscriber_make_marks (slow, TREE, places, 1);

  fast_marks->mark[0].sent = fast_marks->mark[0].handled = hemera__place (1, 20);
  slow_marks->mark[0].sent = hemera__place (1, 20);
  slow_marks->mark[0].handled = hemera__place (1, 12);
  g_assert_cmpuint (hemera__subscribers_safe_place (set, TREE, 0, hemera__place (1, 20)), ==,
                    hemera__place (1, 12));
  slow_marks->mark[0].handled = hemera__place (1, 20);
  /* Events that nobody wanted count as handled. */
  g_assert_cmpuint (hemera__subscribers_safe_place (set, TREE, 0, hemera__place (1, 25)), ==,
                    hemera__place (1, 25));
  hemera__subscriber_unref (fast);
  hemera__subscriber_unref (slow);
  hemera__subscribers_unref (set);
}

static void
test_safe_over_a_new_session (void)
{
  HemeraSubscribers *set = hemera__subscribers_new ();
  HemeraSubscriber *slow = add (set, HEMERA_SUBSCRIBER_EVENTS, NULL);
  const guint64 places[] = { hemera__place (1, 10) };
  HemeraMarks *marks = hemera__subscriber_make_marks (slow, TREE, places, 1);

  /* It is still at the old session's events: of the new session nothing is safe. */
  marks->mark[0].sent = hemera__place (2, 5);
  g_assert_cmpuint (hemera__subscribers_safe_place (set, TREE, 0, hemera__place (2, 5)), ==,
                    hemera__place (2, 0));
  hemera__subscriber_unref (slow);
  hemera__subscribers_unref (set);
}

static void
test_marks_of_another_tree (void)
{
  HemeraSubscribers *set = hemera__subscribers_new ();
  HemeraSubscriber *self = add (set, HEMERA_SUBSCRIBER_EVENTS, NULL);
  const guint64 places[] = { 0 };
  HemeraMarks *marks = hemera__subscriber_make_marks (self, TREE + 1, places, 1);

  marks->mark[0].sent = hemera__place (1, 9);
  g_assert_null (hemera__subscriber_marks (self, TREE));
  g_assert_true (hemera__subscriber_marks (self, TREE + 1) == marks);
  g_assert_cmpuint (hemera__subscribers_safe_place (set, TREE, 0, hemera__place (1, 9)), ==,
                    hemera__place (1, 9));
  hemera__subscriber_unref (self);
  hemera__subscribers_unref (set);
}

/* ---- filters ---------------------------------------------------------------------------------------------------- */

static gboolean
wants (const HemeraSubscriber *self, guint shard, const char *name, const char *d)
{
  g_autofree char *text = g_strdup_printf ("{\"op\":0,\"t\":\"%s\",\"s\":1,\"d\":%s}", name, d);
  HemeraTerm *payload = hemera_term_new_from_json (text, strlen (text), NULL, NULL);
  g_autoptr (HemeraEvent) event =
      hemera__event_new (shard, 1, 1, HEMERA_ENCODING_JSON, payload,
                         hemera_view_get (hemera_term_view (payload), "d"), name, strlen (name));

  return hemera__subscriber_wants_event (self, event);
}

static void
test_filter_by_name (void)
{
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, "TYPING_START", NULL, 4);

  g_assert_true (wants (self, 0, "TYPING_START", "{}"));
  g_assert_true (wants (self, 0, "TYPING_START", "{\"guild_id\":\"7\"}")); /* of any guild */
  g_assert_false (wants (self, 0, "TYPING_STAR", "{}"));
  hemera__subscriber_unref (self);
}

static void
test_filter_by_guild (void)
{
  const guint64 guilds[] = { 7, 9007199254740993 };
  const HemeraFilter filter = { .guild_ids = guilds, .n_guild_ids = 2 };
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, NULL, &filter, 4);

  g_assert_true (wants (self, 0, "TYPING_START", "{\"guild_id\":\"7\"}"));
  g_assert_true (wants (self, 0, "TYPING_START", "{\"guild_id\":\"9007199254740993\"}"));
  g_assert_false (wants (self, 0, "TYPING_START", "{\"guild_id\":\"9007199254740992\"}"));
  g_assert_false (wants (self, 0, "TYPING_START", "{\"id\":\"7\",\"guild_id\":\"8\"}"));
  g_assert_true (wants (self, 0, "GUILD_CREATE", "{\"id\":\"7\"}"));
  g_assert_false (wants (self, 0, "GUILD_CREATE", "{\"id\":\"8\"}"));
  g_assert_true (wants (self, 0, "READY", "{}")); /* of no guild */
  hemera__subscriber_unref (self);
}

/* What was fanned out before is neither sent nor owed. */
static void
test_marks_begin_where_it_comes_in (void)
{
  const guint64 places[] = { 3, 99 };
  HemeraSubscriber *self = hemera__subscriber_new (HEMERA_SUBSCRIBER_EVENTS, NULL, NULL, 4);
  HemeraMarks *marks = hemera__subscriber_make_marks (self, TREE, places, 2);

  for (guint i = 0; i < 2; i++) {
    g_assert_cmpuint (marks->mark[i].sent, ==, places[i]);
    g_assert_cmpuint (marks->mark[i].handled, ==, places[i]);
  }
  g_assert_true (hemera__subscriber_marks (self, TREE) == marks);
  g_assert_null (hemera__subscriber_marks (self, TREE + 1));
  hemera__subscriber_unref (self);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/subscriber/credit/full-and-room", test_full_and_room);
  g_test_add_func ("/subscriber/credit/no-needless-wake-up", test_nobody_is_told_without_need);
  g_test_add_func ("/subscriber/credit/cancelled-is-never-full", test_cancelled_is_never_full);
  g_test_add_func ("/subscriber/wants/interest", test_interest);
  g_test_add_func ("/subscriber/wants/shard-filter", test_filter_by_shard);
  g_test_add_func ("/subscriber/safe/slowest", test_safe_is_the_slowest);
  g_test_add_func ("/subscriber/safe/new-session", test_safe_over_a_new_session);
  g_test_add_func ("/subscriber/safe/another-tree", test_marks_of_another_tree);
  g_test_add_func ("/subscriber/filter/name", test_filter_by_name);
  g_test_add_func ("/subscriber/filter/guild", test_filter_by_guild);
  g_test_add_func ("/subscriber/marks/begin", test_marks_begin_where_it_comes_in);
  return g_test_run ();
}

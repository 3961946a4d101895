/* The parts that need no thread: what an exit signal does, the table, the heap of timers, messages, slots, the order
 * of a dump. */
#include "tests/unit/runtime/puppet.h"

#include "runtime/sched/actor-info.h"
#include "runtime/sched/slot.h"
#include "runtime/sched/timers.h"
#include "runtime/signal/signal.h"

static void
exit_effects (void)
{
  static const struct {
    const char *reason;
    gboolean by_link, from_self, traps;
    HemeraExitEffect effect;
  } cases[] = {
    { "normal", FALSE, FALSE, FALSE, HEMERA_EXIT_IGNORE },
    { "normal", FALSE, FALSE, TRUE, HEMERA_EXIT_MESSAGE },
    { "normal", FALSE, TRUE, FALSE, HEMERA_EXIT_DIE },
    { "normal", FALSE, TRUE, TRUE, HEMERA_EXIT_MESSAGE },
    { "normal", TRUE, FALSE, FALSE, HEMERA_EXIT_IGNORE },
    { "normal", TRUE, FALSE, TRUE, HEMERA_EXIT_MESSAGE },
    { "kill", FALSE, FALSE, FALSE, HEMERA_EXIT_KILLED },
    { "kill", FALSE, FALSE, TRUE, HEMERA_EXIT_KILLED },
    { "kill", FALSE, TRUE, TRUE, HEMERA_EXIT_KILLED },
    { "kill", TRUE, FALSE, FALSE, HEMERA_EXIT_DIE },
    { "kill", TRUE, FALSE, TRUE, HEMERA_EXIT_MESSAGE },
    { "killed", FALSE, FALSE, TRUE, HEMERA_EXIT_MESSAGE },
    { "killed", TRUE, FALSE, FALSE, HEMERA_EXIT_DIE },
    { "shutdown", FALSE, FALSE, FALSE, HEMERA_EXIT_DIE },
    { "shutdown", FALSE, FALSE, TRUE, HEMERA_EXIT_MESSAGE },
    { "boom", TRUE, FALSE, FALSE, HEMERA_EXIT_DIE },
    { "boom", TRUE, FALSE, TRUE, HEMERA_EXIT_MESSAGE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (HemeraTerm) reason = hemera_term_new_atom (cases[i].reason);
    g_assert_cmpint (hemera__exit_effect (reason, cases[i].by_link, cases[i].from_self, cases[i].traps), ==,
                     cases[i].effect);
  }
}

static void
clean_reasons (void)
{
  g_autoptr (HemeraTerm) with_cause = hemera_term_new ("{shutdown, because}");
  g_autoptr (HemeraTerm) crash = hemera_term_new ("{crash, because}");

  g_assert_true (hemera_reason_is_clean (hemera_reason_normal ()));
  g_assert_true (hemera_reason_is_clean (hemera_reason_shutdown ()));
  g_assert_true (hemera_reason_is_clean (with_cause));
  g_assert_false (hemera_reason_is_clean (crash));
  g_assert_false (hemera_reason_is_clean (hemera_reason_killed ()));
  g_assert_false (hemera_reason_is_clean (hemera_reason_kill ()));
  g_assert_false (hemera_reason_is_clean (hemera_reason_noproc ()));
}

/* Random operations, against a GHashTable; the order of insertion, against a GQueue. */
static void
table_is_a_map_in_order (void)
{
  HemeraTable table = { 0 };
  g_autoptr (GHashTable) oracle = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  GQueue order = G_QUEUE_INIT;
  HemeraTableNode *node;

  for (guint i = 0; i < 20000; i++) {
    guint64 key = (guint64) g_test_rand_int_range (0, 500);
    HemeraTableNode *expected = g_hash_table_lookup (oracle, &key);

    g_assert_true (hemera__table_lookup (&table, key) == expected);
    if (!expected) {
      node = g_new0 (HemeraTableNode, 1);
      hemera__table_insert (&table, node, key);
      g_hash_table_insert (oracle, g_memdup2 (&key, sizeof key), node);
      g_queue_push_tail (&order, node);
    } else if (g_test_rand_bit ()) {
      hemera__table_remove (&table, expected);
      g_hash_table_remove (oracle, &key);
      g_queue_remove (&order, expected);
      g_free (expected);
    }
    g_assert_cmpuint (table.count, ==, g_hash_table_size (oracle));
  }
  while ((node = hemera__table_pop (&table))) {
    g_assert_true (node == g_queue_pop_head (&order));
    g_free (node);
  }
  g_assert_true (g_queue_is_empty (&order));
  hemera__table_clear (&table);
}

static void
heap_gives_due_order_then_start_order (void)
{
  HemeraTimers timers = { 0 };
  HemeraTimer *all[500];
  guint64 last_sequence = 0;
  gint64 last_due = -1;
  guint left = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++) {
    all[i] = g_new0 (HemeraTimer, 1);
    all[i]->due = g_test_rand_int_range (0, 50);
    hemera__timers_add (&timers, all[i]);
  }
  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (g_test_rand_bit ()) {
      hemera__timers_remove (&timers, all[i]);
      g_free (all[i]);
    } else {
      left++;
    }
  g_assert_cmpuint (timers.count, ==, left);
  while (timers.count) {
    HemeraTimer *timer = timers.heap[0];
    g_assert_cmpint (timer->due, ==, hemera__timers_next (&timers));
    g_assert_true (timer->due > last_due || (timer->due == last_due && timer->sequence > last_sequence));
    last_due = timer->due;
    last_sequence = timer->sequence;
    hemera__timers_remove (&timers, timer);
    g_free (timer);
  }
  g_assert_cmpint (hemera__timers_next (&timers), ==, G_MAXINT64);
  hemera__timers_clear (&timers);
}

static void
message_is_stolen_once (void)
{
  HemeraActorMessage *message = text_new_of ("hello");
  Text text;

  g_assert_cmpstr (text_peek (message)->text, ==, "hello");
  g_assert_null (hemera_term_message_peek (message));
  g_assert_false (hemera_actor_message_steal (message, &hemera_term_message_type, &text));
  g_assert_true (text_steal (message, &text));
  g_assert_cmpstr (text.text, ==, "hello");
  g_assert_false (text_steal (message, &text));
  g_assert_null (text_peek (message));
  hemera_actor_message_free (message);
}

static guint cleared;

static void
clear_large (gpointer payload)
{
  cleared++;
}

static void
large_payloads_are_kept_whole (void)
{
  static const HemeraMessageType large = { .name = "large", .size = 5000, .clear = clear_large };
  g_autofree guint8 *bytes = g_malloc (5000);
  HemeraActorMessage *message;

  for (guint i = 0; i < 5000; i++)
    bytes[i] = (guint8) i;
  message = hemera_actor_message_new (&large, bytes);
  g_assert_cmpmem (hemera_actor_message_payload (message), 5000, bytes, 5000);
  cleared = 0;
  hemera_actor_message_free (message);
  g_assert_cmpuint (cleared, ==, 1);
}

/* ---- dumps --------------------------------------------------------------------------------------------------------------------- */

static void
inbox_is_counted (void)
{
  HemeraInboxNode nodes[3];
  HemeraInbox inbox = { .head = HEMERA_INBOX_IDLE };

  g_assert_cmpuint (hemera__inbox_count (&inbox), ==, 0);
  for (guint i = 0; i < 3; i++)
    hemera__inbox_push (&inbox, &nodes[i]);
  g_assert_cmpuint (hemera__inbox_count (&inbox), ==, 3);
  hemera__inbox_take (&inbox);
  g_assert_cmpuint (hemera__inbox_count (&inbox), ==, 0);
}

/* Parent of each by its place in the list, by age; -1: none here. */
static void
tree_is_in_order (void)
{
  static const int parents[] = { -1, -1, 0, 1, 0, 2, 4 };
  static const guint expected[] = { 0, 2, 5, 4, 6, 1, 3 }, expected_depths[] = { 0, 1, 2, 1, 2, 0, 1 };
  const guint n = G_N_ELEMENTS (parents);
  g_autoptr (GArray) infos = g_array_new (FALSE, TRUE, sizeof (HemeraActorInfo));
  g_autofree guint *order = NULL, *depths = NULL;

  for (guint i = n; i-- > 0;) { /* a worker's list has the youngest first */
    HemeraActorInfo info = { .number = i, .pid = { .id = 100 + i }, .parent = { .id = 7 } };
    if (parents[i] >= 0)
      info.parent.id = 100 + (guint) parents[i];
    g_array_append_val (infos, info);
  }
  order = hemera__actor_infos_in_order (infos, &depths);
  for (guint i = 0; i < n; i++) {
    g_assert_cmpuint (g_array_index (infos, HemeraActorInfo, order[i]).number, ==, expected[i]);
    g_assert_cmpuint (depths[i], ==, expected_depths[i]);
  }
}

static void
long_chain_is_in_order (void)
{
  const guint n = 1000000;
  g_autoptr (GArray) infos = g_array_sized_new (FALSE, TRUE, sizeof (HemeraActorInfo), n);
  g_autofree guint *order = NULL, *depths = NULL;

  for (guint i = 0; i < n; i++) {
    HemeraActorInfo info = { .number = i, .pid = { .id = i + 1 }, .parent = { .id = i } };
    g_array_append_val (infos, info);
  }
  order = hemera__actor_infos_in_order (infos, &depths);
  g_assert_cmpuint (order[n - 1], ==, n - 1);
  g_assert_cmpuint (depths[n - 1], ==, n - 1);
}

/* ---- slots --------------------------------------------------------------------------------------------------------------------- */

static void
slot_gives_each_generation_once (void)
{
  HemeraPid pid;
  HemeraSlot *slot = hemera__slot_new (&pid), *other;

  atomic_store (&slot->generation, G_MAXUINT32 - 1);
  hemera__slot_free (slot);
  g_assert_true (hemera__slot_new (&pid) == slot); /* the last one freed is the next one used */
  g_assert_cmpuint (pid.id >> 32, ==, G_MAXUINT32);
  hemera__slot_free (slot);
  other = hemera__slot_new (&pid);
  g_assert_true (other != slot);
  hemera__slot_free (other);
}

int
main (int argc, char **argv)
{
  puppet_init (&argc, &argv);
  g_test_add_func ("/runtime/exit/effects", exit_effects);
  g_test_add_func ("/runtime/exit/clean-reasons", clean_reasons);
  g_test_add_func ("/runtime/table/map-in-order", table_is_a_map_in_order);
  g_test_add_func ("/runtime/timers/heap-order", heap_gives_due_order_then_start_order);
  g_test_add_func ("/runtime/message/stolen-once", message_is_stolen_once);
  g_test_add_func ("/runtime/message/large", large_payloads_are_kept_whole);
  g_test_add_func ("/runtime/slot/generations-are-used-once", slot_gives_each_generation_once);
  g_test_add_func ("/runtime/dump/inbox-is-counted", inbox_is_counted);
  g_test_add_func ("/runtime/dump/tree-in-order", tree_is_in_order);
  g_test_add_func ("/runtime/dump/long-chain", long_chain_is_in_order);
  return g_test_run ();
}

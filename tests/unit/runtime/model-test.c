/* Model checks of the two protocols of runtime/sched/inbox.h: every interleaving of small programs, a step being one atomic operation, is
 * walked over with all reachable states remembered.
 *
 * Actor: senders push (load the head, then compare-and-swap) and wake by pushing the work to a run queue; the owner takes all, handles
 * it, tries to idle. Worker: the same with sleep, a poll and an eventfd, and an end that waits for the writes it is owed. To show that
 * the checks can fail, each is also run with a fault put in, which must be found. */
#include <glib.h>
#include <string.h>

enum { EMPTY, IDLE, CLOSED }; /* marks of the head; a list is the number of its nodes above these */

typedef enum {
  FAULT_NONE,
  FAULT_IDLE_BY_STORE,     /* the owner looks, then stores IDLE: not one step */
  FAULT_PUSH_WITHOUT_WAKE, /* a push on IDLE does not wake */
  FAULT_NO_WAIT_FOR_WAKES, /* the worker ends without reading what it is owed */
} Fault;

#define SENDERS 3

/* ---- the actor ----------------------------------------------------------------------------------------------------------------- */

/* A state, packed as bytes so that it can be a key. */
typedef struct {
  guint8 mark;   /* of the head, when count is 0 */
  guint8 count;  /* nodes in the list */
  guint8 queued; /* the work stands in the run queue: how often, must not pass 1 */
  guint8 owner;  /* program counter */
  guint8 handled;
  guint8 sender[SENDERS]; /* program counters: 0 load, 1 swap, 2 wake, 3 done */
  guint8 seen_mark[SENDERS];
  guint8 seen_count[SENDERS];
} Actor;

static guint
step_sender (Actor state, guint i, Fault fault, Actor *next)
{
  *next = state;
  switch (state.sender[i]) {
  case 0:
    next->seen_mark[i] = state.mark;
    next->seen_count[i] = state.count;
    next->sender[i] = 1;
    return 1;
  case 1:
    /* A swap compares the word: with equal marks and counts the word is the same or as good as the same (no ABA by design: a node that
     * is linked to the same head again is linked rightly). */
    if (state.seen_mark[i] != state.mark || state.seen_count[i] != state.count) {
      next->sender[i] = 0;
      return 1;
    }
    next->sender[i] = state.count == 0 && state.mark == IDLE && fault != FAULT_PUSH_WITHOUT_WAKE ? 2 : 3;
    next->mark = EMPTY;
    next->count++;
    return 1;
  case 2:
    next->queued++;
    next->sender[i] = 3;
    return 1;
  default: return 0;
  }
}

/* Owner: 0 not running, 1 takes, 2 tries to idle, 3 (fault) has seen it empty. */
static guint
step_owner (Actor state, Fault fault, Actor *next)
{
  *next = state;
  switch (state.owner) {
  case 0:
    if (state.queued == 0)
      return 0;
    next->queued--;
    next->owner = 1;
    return 1;
  case 1:
    next->handled += state.count;
    next->count = 0;
    next->mark = EMPTY;
    next->owner = 2;
    return 1;
  case 2:
    if (state.count > 0) {
      next->queued++;
      next->owner = 0;
    } else if (fault == FAULT_IDLE_BY_STORE) {
      next->owner = 3;
    } else {
      next->mark = IDLE;
      next->owner = 0;
    }
    return 1;
  case 3:
    next->count = 0;
    next->mark = IDLE;
    next->owner = 0;
    return 1;
  default: g_assert_not_reached ();
  }
}

typedef struct {
  guint states;
  guint faults;
} Result;

static guint
hash_bytes (gconstpointer key)
{
  return g_bytes_hash (key);
}

static gboolean
remember (GHashTable *seen, gconstpointer state, gsize size, GQueue *todo)
{
  GBytes *bytes = g_bytes_new (state, size);

  if (!g_hash_table_add (seen, bytes))
    return FALSE;
  g_queue_push_tail (todo, g_memdup2 (state, size));
  return TRUE;
}

static Result
explore_actor (Fault fault)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (hash_bytes, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  GQueue todo = G_QUEUE_INIT;
  Result result = { 0 };
  Actor start = { .mark = IDLE };

  remember (seen, &start, sizeof start, &todo);
  while (!g_queue_is_empty (&todo)) {
    g_autofree Actor *state = g_queue_pop_head (&todo);
    guint moves = 0;
    Actor next;

    result.states++;
    if (state->queued > 1 || (state->queued > 0 && state->owner != 0)) /* scheduled twice, or while it runs */
      result.faults++;
    for (guint i = 0; i < SENDERS; i++)
      if (step_sender (*state, i, fault, &next)) {
        moves++;
        remember (seen, &next, sizeof next, &todo);
      }
    if (step_owner (*state, fault, &next)) {
      moves++;
      remember (seen, &next, sizeof next, &todo);
    }
    /* Nothing can move: every message must have been handled, and the actor be idle. */
    if (moves == 0 && (state->handled != SENDERS || state->mark != IDLE || state->count != 0))
      result.faults++;
  }
  return result;
}

static void
actor_loses_no_message (void)
{
  Result result = explore_actor (FAULT_NONE);

  g_test_message ("%u states", result.states);
  g_assert_cmpuint (result.states, >, 100);
  g_assert_cmpuint (result.faults, ==, 0);
}

static void
actor_faults_are_found (void)
{
  g_assert_cmpuint (explore_actor (FAULT_IDLE_BY_STORE).faults, >, 0);
  g_assert_cmpuint (explore_actor (FAULT_PUSH_WITHOUT_WAKE).faults, >, 0);
}

/* ---- the worker ---------------------------------------------------------------------------------------------------------------- */

/* Senders push one work each to the worker's inbox; the last work of all lets the worker end. */
typedef struct {
  guint8 mark, count;
  guint8 fd; /* the eventfd's counter */
  gint8 owed;
  guint8 closed; /* the eventfd is gone */
  guint8 bad;    /* somebody wrote to it after that */
  guint8 asleep; /* the worker's own flag */
  guint8 woken;  /* the poll saw the eventfd */
  guint8
      owner; /* 0 prepare, 1 poll, 2 check: reads fd, 3 check: wakes up, 4 dispatch, 5 end: reads what is owed, 6 gone */
  guint8 handled;
  guint8 sender[SENDERS];
  guint8 seen_mark[SENDERS];
  guint8 seen_count[SENDERS];
} Worker;

static guint
step_pusher (Worker state, guint i, Fault fault, Worker *next)
{
  *next = state;
  switch (state.sender[i]) {
  case 0:
    next->seen_mark[i] = state.mark;
    next->seen_count[i] = state.count;
    next->sender[i] = 1;
    return 1;
  case 1:
    if (state.seen_mark[i] != state.mark || state.seen_count[i] != state.count) {
      next->sender[i] = 0;
      return 1;
    }
    next->sender[i] = state.count == 0 && state.mark == IDLE && fault != FAULT_PUSH_WITHOUT_WAKE ? 2 : 3;
    next->mark = EMPTY;
    next->count++;
    return 1;
  case 2:
    if (state.closed)
      next->bad = 1;
    next->fd++;
    next->sender[i] = 3;
    return 1;
  default: return 0;
  }
}

static guint
step_worker (Worker state, Fault fault, Worker *next)
{
  *next = state;
  switch (state.owner) {
  case 0: /* prepare */
    if (!state.asleep) {
      if (state.count > 0) {
        next->owner = 2;
        return 1;
      }
      next->mark = IDLE;
      next->asleep = 1;
    }
    next->owner = 1;
    return 1;
  case 1: /* poll; it may also end for another source, so "for nothing" is a move as well, but one that need not come */
    if (state.fd == 0)
      return 0;
    next->owner = 2;
    return 1;
  case 2:
    next->owed = (gint8) (state.owed - state.fd);
    next->fd = 0;
    next->owner = 3;
    return 1;
  case 3: /* wake_up(): compare-and-swap of IDLE */
    if (state.asleep) {
      next->asleep = 0;
      if (state.count == 0 && state.mark == IDLE)
        next->mark = EMPTY;
      else
        next->owed++;
    }
    next->owner = 4;
    return 1;
  case 4:
    next->handled += state.count;
    next->count = 0;
    next->mark = EMPTY;
    next->owner = next->handled == SENDERS ? 5 : 0;
    return 1;
  case 5:
    if (state.owed > 0 && fault != FAULT_NO_WAIT_FOR_WAKES) {
      if (state.fd == 0)
        return 0;
      next->owed = (gint8) (state.owed - state.fd);
      next->fd = 0;
      return 1;
    }
    next->closed = 1;
    next->owner = 6;
    return 1;
  default: return 0;
  }
}

static Result
explore_worker (Fault fault)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (hash_bytes, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  GQueue todo = G_QUEUE_INIT;
  Result result = { 0 };
  Worker start = { .mark = EMPTY };

  remember (seen, &start, sizeof start, &todo);
  while (!g_queue_is_empty (&todo)) {
    g_autofree Worker *state = g_queue_pop_head (&todo);
    guint moves = 0;
    Worker next;

    result.states++;
    result.faults += state->bad;
    for (guint i = 0; i < SENDERS; i++)
      if (step_pusher (*state, i, fault, &next)) {
        moves++;
        remember (seen, &next, sizeof next, &todo);
      }
    if (step_worker (*state, fault, &next)) {
      moves++;
      remember (seen, &next, sizeof next, &todo);
    }
    if (moves == 0 && state->owner != 6) /* asleep for ever */
      result.faults++;
    if (state->owner == 1) { /* another source wakes it */
      next = *state;
      next.owner = 2;
      remember (seen, &next, sizeof next, &todo);
    }
  }
  return result;
}

static void
worker_sleeps_and_ends_safely (void)
{
  Result result = explore_worker (FAULT_NONE);

  g_test_message ("%u states", result.states);
  g_assert_cmpuint (result.states, >, 100);
  g_assert_cmpuint (result.faults, ==, 0);
}

static void
worker_faults_are_found (void)
{
  g_assert_cmpuint (explore_worker (FAULT_PUSH_WITHOUT_WAKE).faults, >, 0);
  g_assert_cmpuint (explore_worker (FAULT_NO_WAIT_FOR_WAKES).faults, >, 0);
}

/* ---- pushing while the slot changes its owner ---------------------------------------------------------------------------------- */

/* One sender to generation 1; owner 1 closes (at any time), the slot is opened for generation 2, whose owner drains. Whatever the
 * interleaving the message is answered for exactly once: refused to the sender, or bounced by the first owner's close, or by the second
 * owner's look at the generation; never handled by the second owner. */
typedef struct {
  guint8 mark, count;
  guint8 generation; /* of the slot */
  guint8 owner;      /* 0 first lives, 1 has closed, 2 second lives, 3 has drained at the end */
  guint8 sender;     /* 0 looks the generation up, 1 loads, 2 swaps, 3 done */
  guint8 seen_mark, seen_count;
  guint8 refused, bounced, handled;
} Reuse;

static void
slot_reuse_answers_once (void)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (hash_bytes, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
  GQueue todo = G_QUEUE_INIT;
  Reuse start = { .mark = IDLE, .generation = 1 };
  guint ends = 0, by_refusal = 0, by_bounce = 0;

  remember (seen, &start, sizeof start, &todo);
  while (!g_queue_is_empty (&todo)) {
    g_autofree Reuse *state = g_queue_pop_head (&todo);
    Reuse next = *state;

    if (state->sender == 0) {
      next.refused = state->generation != 1;
      next.sender = next.refused ? 3 : 1;
      remember (seen, &next, sizeof next, &todo);
    } else if (state->sender == 1) {
      next.seen_mark = state->mark;
      next.seen_count = state->count;
      next.refused = state->count == 0 && state->mark == CLOSED;
      next.sender = next.refused ? 3 : 2;
      remember (seen, &next, sizeof next, &todo);
    } else if (state->sender == 2) {
      if (state->seen_mark == state->mark && state->seen_count == state->count) {
        next.mark = EMPTY;
        next.count++;
        next.sender = 3;
      } else {
        next.sender = 1;
      }
      remember (seen, &next, sizeof next, &todo);
    }
    next = *state;
    if (state->owner == 0) { /* closes: bounces what is there */
      next.bounced += state->count;
      next.count = 0;
      next.mark = CLOSED;
      next.owner = 1;
      remember (seen, &next, sizeof next, &todo);
      next = *state; /* or handles it first: it is the right owner */
      if (state->count > 0) {
        next.handled += state->count;
        next.count = 0;
        next.mark = EMPTY;
        remember (seen, &next, sizeof next, &todo);
      }
    } else if (state->owner == 1) {
      next.generation = 2;
      next.mark = IDLE;
      next.owner = 2;
      remember (seen, &next, sizeof next, &todo);
    } else if (state->count > 0) { /* the second owner: wrong generation */
      next.bounced += state->count;
      next.count = 0;
      next.mark = IDLE;
      remember (seen, &next, sizeof next, &todo);
    } else if (state->sender == 3) {
      ends++;
      g_assert_cmpuint (state->refused + state->bounced + state->handled, ==, 1);
      by_refusal += state->refused;
      by_bounce += state->bounced;
    }
  }
  g_assert_cmpuint (ends, >, 0);
  g_assert_cmpuint (by_refusal, >, 0);
  g_assert_cmpuint (by_bounce, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runtime/model/actor-loses-no-message", actor_loses_no_message);
  g_test_add_func ("/runtime/model/actor-faults-are-found", actor_faults_are_found);
  g_test_add_func ("/runtime/model/worker-sleeps-and-ends-safely", worker_sleeps_and_ends_safely);
  g_test_add_func ("/runtime/model/worker-faults-are-found", worker_faults_are_found);
  g_test_add_func ("/runtime/model/slot-reuse-answers-once", slot_reuse_answers_once);
  return g_test_run ();
}

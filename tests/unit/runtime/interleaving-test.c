/* The real code of runtime/sched/inbox.h under an explorer: its atomic operations are steps, each thread of a scenario is a coroutine,
 * and every order of the steps is run (where there would be too many: every order with a few preemptions). model-test.c walks over an
 * abstraction with more senders; this one is about the code itself and its memory orders.
 *
 * Orders are checked with vector clocks: a release leaves the thread's clock with the inbox, an acquire takes it, a relaxed
 * read-modify-write leaves it as it is (a release sequence). What is not atomic (a payload, a slot's worker, a work item) is
 * touch()ed: two touches that no clock puts in order are a race, whatever this machine would make of them. So that the checks can
 * fail, each order that inbox.h names is taken away in turn, and must be missed. */
#include <glib.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

#define THREADS     3
#define STACK       (64 * 1024)
#define OTHER_WAKES 1

typedef struct {
  guint at[THREADS];
} Clock;

/* An operation of inbox.h, and whether its order is kept in this run. */
typedef enum { PUSH, TAKE, SLEEP, OPEN, LOAD } Kind;
typedef enum { KEEP_ALL, LOSE_ACQUIRE, LOSE_RELEASE } Loss;

static gpointer step_load (gpointer place, memory_order order);
static void step_store (gpointer place, gpointer value, memory_order order);
static gpointer step_exchange (gpointer place, gpointer value, memory_order order);
static gboolean step_swap (gpointer place, gpointer *expected, gpointer value, memory_order order, Kind kind);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(place, order)         ((HemeraInboxNode *) step_load ((gpointer) (place), order))
#define atomic_store_explicit(place, value, order) step_store ((gpointer) (place), value, order)
#define atomic_exchange_explicit(place, value, order)                                                        \
  ((HemeraInboxNode *) step_exchange ((gpointer) (place), value, order))
#define atomic_compare_exchange_weak_explicit(place, expected, value, order, failure)                        \
  step_swap ((gpointer) (place), (gpointer *) (expected), value, order, PUSH)
#define atomic_compare_exchange_strong_explicit(place, expected, value, order, failure)                      \
  step_swap ((gpointer) (place), (gpointer *) (expected), value, order, SLEEP)

#include "runtime/sched/inbox.h"

/* ---- the explorer -------------------------------------------------------------------------------------------------------------- */

typedef struct {
  ucontext_t context;
  void (*func) (guint self);
  gboolean (*blocked) (void); /* (nullable): what it waits for has not come */
  gboolean done;
  Clock clock;
} Thread;

/* Something that is not atomic. */
typedef struct {
  Clock touched; /* when each thread did last; 0: never */
} Plain;

static Thread threads[THREADS];
static guint8 stacks[THREADS][STACK];
static guint n_threads, current;
static ucontext_t explorer;
static gboolean explored; /* a run is under way */
static guint preemptions; /* left in this run */
static struct {
  const gpointer *place;
  Clock clock;
} released[4]; /* what was released with each inbox */
static struct {
  Kind kind;
  Loss loss;
} weak;
static guint faults;

/* The choices of this run; those up to n_fixed are of the run before, but for the last one, which is the next to try. */
static guint8 choices[256], options[256];
static guint n_choices, n_fixed;

static gboolean
can_run (guint i)
{
  return !threads[i].done && (!threads[i].blocked || !threads[i].blocked ());
}

/* The thread that ran goes on as choice 0; others cost a preemption while it could. Returns the thread, or THREADS: nobody can. */
static guint
choose (void)
{
  guint able[THREADS], n = 0;
  gboolean goes_on = can_run (current);
  guint pick;

  if (goes_on)
    able[n++] = current;
  for (guint i = 0; i < n_threads; i++)
    if (i != current && can_run (i) && (!goes_on || preemptions > 0))
      able[n++] = i;
  if (n == 0)
    return THREADS;
  g_assert_cmpuint (n_choices, <, G_N_ELEMENTS (choices));
  if (n_choices >= n_fixed)
    choices[n_choices] = 0;
  options[n_choices] = (guint8) n;
  pick = able[choices[n_choices++]];
  if (goes_on && pick != current)
    preemptions--;
  return pick;
}

/* On to the thread that comes next; back to the explorer when none can go on. */
static void
switch_on (ucontext_t *from)
{
  guint next = choose ();

  if (next == current && from != &explorer && !threads[next].done)
    return;
  if (next != THREADS)
    current = next;
  swapcontext (from, next == THREADS ? &explorer : &threads[next].context);
}

static void
pause_here (void)
{
  if (explored)
    switch_on (&threads[current].context);
}

static void
wait_until_not (gboolean (*blocked) (void))
{
  threads[current].blocked = blocked;
  pause_here ();
  threads[current].blocked = NULL;
}

static void
join (Clock *self, const Clock *other)
{
  for (guint i = 0; i < THREADS; i++)
    self->at[i] = MAX (self->at[i], other->at[i]);
}

static Clock *
released_with (gpointer place)
{
  for (guint i = 0; i < G_N_ELEMENTS (released); i++)
    if (!released[i].place || released[i].place == place) {
      released[i].place = place;
      return &released[i].clock;
    }
  g_assert_not_reached ();
}

static void
order_step (gpointer place, memory_order order, Kind kind, gboolean writes)
{
  Clock *own = &threads[current].clock, *with = released_with (place);
  Loss loss = weak.kind == kind ? weak.loss : KEEP_ALL;

  own->at[current]++;
  if (loss != LOSE_ACQUIRE && (order == memory_order_acquire || order == memory_order_acq_rel))
    join (own, with);
  if (writes && loss != LOSE_RELEASE && (order == memory_order_release || order == memory_order_acq_rel))
    join (with, own);
}

static gpointer
step_load (gpointer place, memory_order order)
{
  pause_here ();
  order_step (place, order, LOAD, FALSE);
  return *(gpointer *) place;
}

static void
step_store (gpointer place, gpointer value, memory_order order)
{
  pause_here ();
  memset (released_with (place), 0, sizeof (Clock)); /* a store ends the release sequence */
  order_step (place, order, OPEN, TRUE);
  *(gpointer *) place = value;
}

static gpointer
step_exchange (gpointer place, gpointer value, memory_order order)
{
  gpointer before;

  pause_here ();
  order_step (place, order, TAKE, TRUE);
  before = *(gpointer *) place;
  *(gpointer *) place = value;
  return before;
}

static gboolean
step_swap (gpointer place, gpointer *expected, gpointer value, memory_order order, Kind kind)
{
  pause_here ();
  if (*(gpointer *) place != *expected) {
    *expected = *(gpointer *) place;
    order_step (place, memory_order_relaxed, kind, FALSE);
    return FALSE;
  }
  order_step (place, order, kind, TRUE);
  *(gpointer *) place = value;
  return TRUE;
}

/* Reads or writes @self: all who did before must be known to have. */
static void
touch (Plain *self)
{
  Clock *own = &threads[current].clock;

  for (guint i = 0; i < n_threads; i++)
    if (self->touched.at[i] > own->at[i])
      faults++;
  self->touched.at[current] = ++own->at[current];
}

static void
run_thread (int self)
{
  threads[self].func ((guint) self);
  threads[self].done = TRUE;
  switch_on (&threads[self].context);
}

static void
begin_thread (guint i)
{
  Thread *self = &threads[i];

  self->done = FALSE;
  self->blocked = NULL;
  memset (&self->clock, 0, sizeof self->clock);
  getcontext (&self->context);
  self->context.uc_stack.ss_sp = stacks[i];
  self->context.uc_stack.ss_size = STACK;
  self->context.uc_link = NULL;
  makecontext (&self->context, (void (*) (void)) run_thread, 1, (int) i);
}

/* The next run in depth-first order; FALSE: that was the last. */
static gboolean
advance (void)
{
  while (n_choices > 0 && choices[n_choices - 1] + 1 == options[n_choices - 1])
    n_choices--;
  if (n_choices == 0)
    return FALSE;
  choices[n_choices - 1]++;
  n_fixed = n_choices;
  return TRUE;
}

typedef struct {
  guint n_threads;
  void (*funcs[THREADS]) (guint self);
  void (*begin) (void);
  void (*check) (void); /* at the end of a run: adds to faults */
  guint preemptions;    /* at most */
} Scenario;

static guint
explore (const Scenario *self, Kind kind, Loss loss)
{
  guint runs = 0;

  weak.kind = kind;
  weak.loss = loss;
  faults = n_fixed = 0;
  n_threads = self->n_threads;
  do {
    n_choices = current = 0;
    preemptions = self->preemptions;
    memset (released, 0, sizeof released);
    for (guint i = 0; i < n_threads; i++) {
      threads[i].func = self->funcs[i];
      begin_thread (i);
    }
    self->begin ();
    explored = TRUE;
    switch_on (&explorer);
    explored = FALSE;
    self->check ();
    runs++;
  } while (advance () && (loss == KEEP_ALL || faults == 0));
  return runs;
}

/* ---- senders, an actor, its worker ------------------------------------------------------------------------------------------------ */

/* As hemera__deliver(), hemera__worker_schedule(), the worker's source and hemera__actor_turn() use the inbox. Thread 0 is the worker. */

typedef struct {
  HemeraInboxNode node; /* first */
  Plain payload;
  guint answered;
} Message;

static HemeraInbox actor, worker;
static HemeraInboxNode work;
static Plain work_item; /* the work's node, and what the owner leaves for who wakes it */
static Message messages[2][2];
static guint per_sender, n_senders, handled, fd;
static gint owed;
static gboolean fd_is_gone;
static guint other_wakes; /* by other sources of the loop, still to come */

static gboolean
fd_is_zero (void)
{
  return fd == 0 && other_wakes == 0;
}

static gboolean
fd_is_not_written (void)
{
  return fd == 0;
}

static void
send_all (guint self)
{
  for (guint i = 0; i < per_sender; i++) {
    Message *message = &messages[self - 1][i];

    touch (&message->payload);
    if (hemera__inbox_push (&actor, &message->node) != HEMERA_PUSH_WAKE)
      continue;
    touch (&work_item);
    if (hemera__inbox_push (&worker, &work) != HEMERA_PUSH_WAKE)
      continue;
    pause_here ();
    faults += fd_is_gone;
    fd++;
  }
}

/* Returns whether the actor has more to do. */
static gboolean
actor_turn (void)
{
  for (HemeraInboxNode *node = hemera__inbox_take (&actor), *next; node; node = next) {
    Message *message = (Message *) node;

    next = node->next;
    touch (&message->payload);
    message->answered++;
    handled++;
  }
  touch (&work_item);
  return !hemera__inbox_try_idle (&actor);
}

static void
worker_sleeps (void)
{
  if (!hemera__inbox_try_idle (&worker))
    return;
  wait_until_not (fd_is_zero);
  if (fd == 0)
    other_wakes--;
  owed -= (gint) fd;
  fd = 0;
  pause_here ();
  if (!hemera__inbox_end_idle (&worker))
    owed++;
}

static void
work_all (guint self)
{
  gboolean is_queued = FALSE;

  while (handled < n_senders * per_sender) {
    if (!is_queued)
      worker_sleeps ();
    is_queued |= hemera__inbox_take (&worker) != NULL;
    if (is_queued)
      is_queued = actor_turn ();
  }
  while (owed > 0) {
    wait_until_not (fd_is_not_written);
    owed -= (gint) fd;
    fd = 0;
  }
  fd_is_gone = TRUE;
}

static void
begin_work (void)
{
  memset (messages, 0, sizeof messages);
  memset (&work_item, 0, sizeof work_item);
  handled = fd = 0;
  owed = 0;
  other_wakes = OTHER_WAKES;
  fd_is_gone = FALSE;
  n_senders = n_threads - 1;
  hemera__inbox_open (&worker, FALSE);
  touch (&work_item);
  hemera__inbox_open (&actor, TRUE);
}

static void
check_work (void)
{
  faults += !threads[0].done; /* asleep for ever */
  for (guint i = 0; i < n_senders; i++)
    for (guint k = 0; k < per_sender; k++)
      faults += messages[i][k].answered != 1;
}

static const Scenario one_sender = { 2, { work_all, send_all }, begin_work, check_work, 9 };
static const Scenario two_senders = { 3, { work_all, send_all, send_all }, begin_work, check_work, 5 };

/* ---- an actor that ends, its slot's next owner ------------------------------------------------------------------------------------- */

/* As hemera__actor_end() and hemera__slot_new() do it. Thread 0 is the worker of both owners; the sender knows the first one's pid. */

static guint generation, first_handled;
static Plain slot_fields;     /* the slot's worker and work: read by who wakes, written for the next owner */
static gboolean is_pushed;    /* the work of a sender that found it idle has come to the run queue */
static gboolean wakes_itself; /* the first owner runs once more before it ends */

static void
send_to_first (guint self)
{
  for (guint i = 0; i < per_sender; i++) {
    Message *message = &messages[self - 1][i];

    touch (&message->payload);
    pause_here ();
    switch (generation == 1 ? hemera__inbox_push (&actor, &message->node) : HEMERA_PUSH_CLOSED) {
    case HEMERA_PUSH_QUEUED: break;
    case HEMERA_PUSH_WAKE:
      touch (&slot_fields);
      pause_here ();
      faults += is_pushed; /* stands in the queue already */
      hemera__inbox_push (&worker, &work);
      is_pushed = TRUE;
      break;
    case HEMERA_PUSH_CLOSED: message->answered++; break;
    }
  }
}

static void
answer (HemeraInboxNode *node, gboolean by_first)
{
  while (node) {
    Message *message = (Message *) node;

    node = node->next;
    touch (&message->payload);
    message->answered++;
    first_handled += by_first;
  }
}

static gboolean
work_has_not_come (void)
{
  return !is_pushed;
}

static void
take_work (void)
{
  if (!is_pushed)
    wait_until_not (work_has_not_come);
  hemera__inbox_take (&worker);
  is_pushed = FALSE;
}

static gboolean
senders_are_not_done (void)
{
  for (guint i = 1; i < n_threads; i++)
    if (!threads[i].done)
      return TRUE;
  return FALSE;
}

static void
end_and_begin_again (guint self)
{
  gboolean was_idle;

  if (wakes_itself) { /* a turn, woken by a sender, before the end */
    take_work ();
    answer (hemera__inbox_take (&actor), TRUE);
    touch (&slot_fields);
    is_pushed = !hemera__inbox_try_idle (&actor);
  }
  answer (hemera__inbox_close (&actor, &was_idle), TRUE);
  if (!was_idle) /* a waker is on its way, or its work stands in the queue: the turn frees the slot */
    take_work ();
  pause_here ();
  generation = 2;
  touch (&slot_fields);
  hemera__inbox_open (&actor, FALSE);
  wait_until_not (senders_are_not_done);
  answer (hemera__inbox_take (&actor), FALSE);
}

static void
begin_end (void)
{
  memset (messages, 0, sizeof messages);
  memset (&slot_fields, 0, sizeof slot_fields);
  is_pushed = FALSE;
  generation = 1;
  hemera__inbox_open (&worker, FALSE);
  hemera__inbox_open (&actor, TRUE);
}

static void
check_end (void)
{
  faults += !threads[0].done;
  for (guint i = 0; i < n_threads - 1; i++)
    for (guint k = 0; k < per_sender; k++)
      faults += messages[i][k].answered != 1;
}

static const Scenario one_to_the_dying = {
  2, { end_and_begin_again, send_to_first }, begin_end, check_end, G_MAXUINT
};
static const Scenario two_to_the_dying = {
  3, { end_and_begin_again, send_to_first, send_to_first }, begin_end, check_end, 6
};

/* ---- tests ----------------------------------------------------------------------------------------------------------------------- */

static void
holds (const Scenario *scenario, guint messages_each, guint least)
{
  guint runs;

  per_sender = messages_each;
  runs = explore (scenario, LOAD, KEEP_ALL);
  g_test_message ("%u runs", runs);
  g_assert_cmpuint (faults, ==, 0);
  g_assert_cmpuint (runs, >=, least);
}

static void
needs (const Scenario *scenario, guint messages_each, Kind kind, Loss loss)
{
  per_sender = messages_each;
  explore (scenario, kind, loss);
  g_assert_cmpuint (faults, >, 0);
}

static void
no_message_or_wake_is_lost (void)
{
  holds (&one_sender, 2, 1000);
  holds (&two_senders, 1, 1000);
}

static void
each_order_is_needed (void)
{
  needs (&two_senders, 1, PUSH, LOSE_RELEASE);
  needs (&two_senders, 1, PUSH, LOSE_ACQUIRE);
  needs (&two_senders, 1, TAKE, LOSE_ACQUIRE);
  needs (&one_sender, 2, SLEEP, LOSE_RELEASE);
  needs (&one_sender, 2, OPEN, LOSE_RELEASE);
}

static void
the_end_answers_each_message_once (void)
{
  for (guint i = 0; i < 2; i++) {
    wakes_itself = i > 0;
    holds (&one_to_the_dying, 2, 50);
    holds (&two_to_the_dying, 1, 1000);
  }
  needs (&two_to_the_dying, 1, TAKE, LOSE_ACQUIRE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#ifdef __SANITIZE_THREAD__ /* knows nothing of coroutines, and there is one thread only */
  return g_test_run ();
#endif
  g_test_add_func ("/runtime/interleaving/no-message-or-wake-is-lost", no_message_or_wake_is_lost);
  g_test_add_func ("/runtime/interleaving/each-order-is-needed", each_order_is_needed);
  g_test_add_func ("/runtime/interleaving/the-end-answers-each-message-once",
                   the_end_answers_each_message_once);
  return g_test_run ();
}

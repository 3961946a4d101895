/* stress [--seconds N] [--seed S] [--simulated]: actors that send, link, unlink, monitor, demonitor, exit, start and cancel timers and
 * spawn at random, on two workers and from outside, and check what must hold whatever the order:
 *   - messages of one sender to one receiver arrive in order, without a gap
 *   - a monitor gives at most one DOWN, none after demonitor, and one when its actor has ended
 *   - a timer gives a time-out or a successful cancel, not both, not neither
 *   - as many actors are finalized as were spawned
 * With --simulated the run is a function of the seed alone. */
#include "tests/unit/runtime/puppet.h"

#include "runtime/sched/slot.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define N_PLACES 48
#define OPS      6

typedef struct {
  guint64 sender;
  guint64 sequence;
} Numbered;
HEMERA_DECLARE_MESSAGE (Numbered, numbered)
HEMERA_DEFINE_MESSAGE (Numbered, numbered, NULL, NULL, NULL, NULL);

typedef struct {
  char dummy;
} Tick;
HEMERA_DECLARE_MESSAGE (Tick, tick)
HEMERA_DEFINE_MESSAGE (Tick, tick, NULL, NULL, NULL, NULL);

typedef struct {
  _Atomic guint *good;
} Check;
HEMERA_DECLARE_MESSAGE (Check, check)
HEMERA_DEFINE_MESSAGE (Check, check, NULL, NULL, NULL, NULL);

typedef struct {
  GHashTable *sent;     /* receiver -> how many */
  GHashTable *received; /* sender -> how many */
  GHashTable *monitors; /* ref -> HemeraPid */
  GHashTable *timers;   /* ref -> 1 */
  gboolean is_set_up;
} State;

static guint64 seed;
static gboolean simulated;
static _Atomic gboolean stopping;
static _Atomic guint64 places[N_PLACES]; /* pid ids */
static _Atomic guint spawned, finalized, messages, downs, timeouts, exits;

static void spawn_at (HemeraActor *self, guint place, guint how);

#define must(condition)                                                                                      \
  do {                                                                                                       \
    if (!(condition))                                                                                        \
      g_error ("%s does not hold; --seed %" G_GUINT64_FORMAT, #condition, seed);                             \
  } while (0)

static guint64 *
key_new (guint64 value)
{
  guint64 *key = g_new (guint64, 1);
  *key = value;
  return key;
}

static HemeraPid
somebody (guint64 random)
{
  return (HemeraPid){ .id = atomic_load (&places[random % N_PLACES]) };
}

static void
send_numbered (HemeraActor *self, State *state, HemeraPid to)
{
  guint64 *count = g_hash_table_lookup (state->sent, &to.id);

  if (!count) {
    count = key_new (0);
    g_hash_table_insert (state->sent, key_new (to.id), count);
  }
  numbered_send (to, &(Numbered){ hemera_actor_self (self).id, (*count)++ });
}

static void
demonitor_one (HemeraActor *self, State *state)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, state->monitors);
  if (!g_hash_table_iter_next (&iter, &key, NULL))
    return;
  hemera_actor_demonitor (self, (HemeraRef){ .id = *(guint64 *) key }, TRUE);
  g_hash_table_iter_remove (&iter); /* flushed: no DOWN comes, whether it was active or not */
}

static void
cancel_one (HemeraActor *self, State *state)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, state->timers);
  if (!g_hash_table_iter_next (&iter, &key, NULL))
    return;
  if (hemera_actor_cancel_timer (self, (HemeraRef){ .id = *(guint64 *) key }) >= 0)
    g_hash_table_iter_remove (&iter);
}

static void
exit_somebody (HemeraActor *self, guint64 random)
{
  static const char *const reasons[] = { "kill", "boom", "normal", "shutdown" };
  g_autoptr (HemeraTerm) reason = hemera_term_new_atom (reasons[(random >> 32) % G_N_ELEMENTS (reasons)]);

  hemera_actor_exit (self, somebody (random), reason);
}

static HemeraNext
do_something (HemeraActor *self, State *state)
{
  guint64 random = hemera_actor_random (self);
  HemeraPid other = somebody (hemera_actor_random (self));
  HemeraRef ref;

  switch (random % 64) {
  case 0: return random >> 62 ? HEMERA_CONTINUE : hemera_actor_stop (self, hemera_term_new_atom ("shutdown"));
  case 1: exit_somebody (self, hemera_actor_random (self)); break;
  case 2:
  case 3: spawn_at (self, (guint) (random >> 8) % N_PLACES, (guint) (random >> 40)); break;
  case 4:
  case 5:
  case 6:
  case 7: hemera_actor_link (self, other); break;
  case 8:
  case 9:
  case 10:
  case 11: hemera_actor_unlink (self, other); break;
  case 12:
  case 13:
  case 14:
  case 15:
    ref = hemera_actor_monitor (self, other);
    if (!hemera_pid_equal (other, hemera_actor_self (self)))
      g_hash_table_insert (state->monitors, key_new (ref.id), key_new (other.id));
    break;
  case 16:
  case 17:
  case 18: demonitor_one (self, state); break;
  case 19:
  case 20:
  case 21:
  case 22:
    ref = hemera_actor_start_timer (self, (guint) (random >> 20) % 4, hemera_actor_self (self), NULL);
    g_hash_table_insert (state->timers, key_new (ref.id), NULL);
    break;
  case 23:
  case 24: cancel_one (self, state); break;
  case 25: hemera_actor_set_trap_exit (self, random >> 61 != 0); break;
  default: send_numbered (self, state, other); break;
  }
  return HEMERA_CONTINUE;
}

static HemeraNext
on_tick (HemeraActor *self, State *state)
{
  HemeraNext next = HEMERA_CONTINUE;

  if (atomic_load (&stopping))
    return next;
  for (guint i = 0; i < OPS && next == HEMERA_CONTINUE; i++)
    next = do_something (self, state);
  if (simulated || hemera_actor_random (self) % 4 == 0)
    hemera_actor_send_after (self, 1, hemera_actor_self (self), tick_new (NULL));
  else
    tick_send (hemera_actor_self (self), NULL);
  return next;
}

static void
on_numbered (State *state, Numbered *numbered)
{
  guint64 *count = g_hash_table_lookup (state->received, &numbered->sender);

  if (!count) {
    count = key_new (0);
    g_hash_table_insert (state->received, key_new (numbered->sender), count);
  }
  must (numbered->sequence == *count);
  (*count)++;
  atomic_fetch_add_explicit (&messages, 1, memory_order_relaxed);
}

/* Nothing is due any more: what is still expected must be of the living. */
static void
on_check (State *state, Check *check)
{
  GHashTableIter iter;
  gpointer pid;

  g_hash_table_iter_init (&iter, state->monitors);
  while (g_hash_table_iter_next (&iter, NULL, &pid))
    if (!hemera__pid_is_alive ((HemeraPid){ .id = *(guint64 *) pid }))
      return;
  if (g_hash_table_size (state->timers) == 0)
    atomic_fetch_add (check->good, 1);
}

static HemeraNext
init (HemeraActor *self, gpointer data, gconstpointer args)
{
  State *state = data;

  state->sent = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  state->received = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  state->monitors = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  state->timers = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  state->is_set_up = TRUE;
  tick_send (hemera_actor_self (self), NULL);
  return HEMERA_CONTINUE;
}

static HemeraNext
receive (HemeraActor *self, gpointer data, HemeraActorMessage *message)
{
  State *state = data;
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);

  if (tick_peek (message))
    return on_tick (self, state);
  if (numbered_peek (message)) {
    on_numbered (state, numbered_peek (message));
  } else if (down) {
    must (g_hash_table_remove (state->monitors, &down->ref.id));
    atomic_fetch_add_explicit (&downs, 1, memory_order_relaxed);
  } else if (timeout) {
    must (g_hash_table_remove (state->timers, &timeout->ref.id));
    atomic_fetch_add_explicit (&timeouts, 1, memory_order_relaxed);
  } else if (hemera_exit_message_peek (message)) {
    atomic_fetch_add_explicit (&exits, 1, memory_order_relaxed);
  } else if (check_peek (message)) {
    on_check (state, check_peek (message));
  }
  return HEMERA_CONTINUE;
}

static void
finalize (gpointer data)
{
  State *state = data;

  if (state->is_set_up) {
    g_hash_table_unref (state->sent);
    g_hash_table_unref (state->received);
    g_hash_table_unref (state->monitors);
    g_hash_table_unref (state->timers);
  }
  atomic_fetch_add_explicit (&finalized, 1, memory_order_relaxed);
}

static const HemeraActorClass stress_class = {
  .name = "stress",
  .state_size = sizeof (State),
  .init = init,
  .receive = receive,
  .finalize = finalize,
};

static void
take_place (guint place, HemeraPid pid)
{
  guint64 before = atomic_exchange (&places[place], pid.id);

  if (before)
    hemera_exit ((HemeraPid){ .id = before }, hemera_reason_kill ());
}

static void
spawn_at (HemeraActor *self, guint place, guint how)
{
  State *state = hemera_actor_state (self);
  HemeraRef ref = HEMERA_REF_NONE;
  HemeraPid pid;

  atomic_fetch_add_explicit (&spawned, 1, memory_order_relaxed);
  pid = hemera_actor_spawn (self, &(HemeraSpawn){ .actor_class = &stress_class,
                                                  .placement = (HemeraPlacement) (how % 3),
                                                  .link = (how & 8) != 0,
                                                  .trap_exit = (how & 16) != 0,
                                                  .monitor = (how & 32) ? &ref : NULL });
  if (ref.id)
    g_hash_table_insert (state->monitors, key_new (ref.id), key_new (pid.id));
  take_place (place, pid);
}

static void
spawn_from_outside (HemeraSystem *system, guint place)
{
  atomic_fetch_add_explicit (&spawned, 1, memory_order_relaxed);
  take_place (place, hemera_system_spawn (
                         system, &(HemeraSpawn){ .actor_class = &stress_class, .trap_exit = place % 2 }));
}

static void
run (HemeraSystem *system, gint64 us)
{
  gint64 until = hemera_system_now (system) + us;
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) seed);

  while (hemera_system_now (system) < until) {
    guint place = (guint) g_rand_int_range (rand, 0, N_PLACES);
    if (!hemera__pid_is_alive ((HemeraPid){ .id = atomic_load (&places[place]) })
        || g_rand_int_range (rand, 0, 20) == 0)
      spawn_from_outside (system, place);
    if (simulated)
      hemera__system_advance (system, 500);
    else
      g_usleep (200);
  }
}

static void
check_all (HemeraSystem *system)
{
  gint64 until = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  for (;;) {
    _Atomic guint good = 0;
    guint alive = 0;
    for (guint i = 0; i < N_PLACES; i++) {
      HemeraPid pid = { .id = atomic_load (&places[i]) };
      if (!hemera__pid_is_alive (pid))
        continue;
      alive++;
      check_send (pid, &(Check){ &good });
    }
    if (simulated)
      hemera__system_advance (system, 100000);
    else
      g_usleep (100000);
    if (atomic_load (&good) == alive)
      return;
    must (g_get_monotonic_time () < until);
    g_usleep (20000); /* the last round's checks are behind us before @good goes */
  }
}

int
main (int argc, char **argv)
{
  double seconds = 2;
  HemeraSystem *system;

  seed = (guint64) g_get_real_time ();
  for (int i = 1; i < argc; i++) {
    if (g_str_equal (argv[i], "--seconds") && i + 1 < argc)
      seconds = g_ascii_strtod (argv[++i], NULL);
    else if (g_str_equal (argv[i], "--seed") && i + 1 < argc)
      seed = g_ascii_strtoull (argv[++i], NULL, 10);
    else if (g_str_equal (argv[i], "--simulated"))
      simulated = TRUE;
  }
  puppet_swallow_crash_reports ();
  printf ("1..1\n# seed %" G_GUINT64_FORMAT "\n", seed);
  fflush (stdout);
  system = simulated ? hemera__system_new_simulated (seed)
                     : hemera_system_new (&(HemeraSystemOptions){ .workers = 2, .seed = seed }, NULL);
  for (guint i = 0; i < N_PLACES; i++)
    spawn_from_outside (system, i);
  run (system, (gint64) (seconds * G_USEC_PER_SEC));
  atomic_store (&stopping, TRUE);
  check_all (system);
  hemera_system_unref (system);
  must (atomic_load (&spawned) == atomic_load (&finalized));
  must (atomic_load (&messages) > 0 && atomic_load (&downs) > 0 && atomic_load (&timeouts) > 0
        && atomic_load (&exits) > 0);
  printf ("# %u actors, %u messages, %u downs, %u exits, %u timeouts\nok 1 /runtime/stress\n", spawned,
          messages, downs, exits, timeouts);
  return 0;
}

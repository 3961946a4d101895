/* The kinds, their plan and their effects. */
#include "faults.h"

#include <stdlib.h>
#include <string.h>

#define NO_HELLO 120000 /* how long a client may wait for it */

typedef enum {
  FAULT_OP7,
  FAULT_OP9_TRUE,
  FAULT_OP9_FALSE,
  FAULT_OP1,
  FAULT_RESET,
  FAULT_SILENCE,
  FAULT_CORRUPT,
  FAULT_SLOW_READ,
  FAULT_RESUME_DEAD,
  FAULT_OP7_EARLY,
  FAULT_NO_HELLO,
  FAULT_NO_READY,
  FAULT_UPGRADE_503,
  FAULT_CLOSE, /* plus a code */
} Kind;

static const char *const names[] = { "op7",      "op9-true", "op9-false",   "op1",         "reset",
                                     "silence",  "corrupt",  "slow-read",   "resume-dead", "op7-early",
                                     "no-hello", "no-ready", "upgrade-503", NULL };

typedef struct {
  guint place; /* events of the shard's stream before it */
  Kind kind;
  int code;
} Fault;

typedef struct {
  Fault fault;
  guint count;
} Order;

struct _SimFaults {
  GArray *orders; /* Order: --faults */
  GArray *random; /* Fault: --fault-every */
  GQueue next;    /* Kind of faults that wait for a connection */
  gint64 random_at;
  guint crash_shard, crashes_left; /* --crash-shard */
};

static gboolean
ends_session (const Fault *fault)
{
  return fault->kind == FAULT_OP9_FALSE
         || (fault->kind == FAULT_CLOSE
             && ((fault->code >= 4003 && fault->code <= 4007) || fault->code == 4009
                 || (fault->code >= 4010 && fault->code <= 4014)));
}

static gboolean
is_fatal (const Fault *fault)
{
  return fault->kind == FAULT_CLOSE && (fault->code == 4004 || (fault->code >= 4010 && fault->code <= 4014));
}

/* Bytes on their way are lost with these. A client that lost its READY would identify anew, and no session would be resumed: so they
 * wait until the client is known to have it. */
static gboolean
loses_bytes (const Fault *fault)
{
  return fault->kind == FAULT_RESET || (fault->kind >= FAULT_RESUME_DEAD && fault->kind <= FAULT_UPGRADE_503);
}

static char *
name_of (const Fault *fault)
{
  return fault->kind == FAULT_CLOSE ? g_strdup_printf ("close-%d", fault->code)
                                    : g_strdup (names[fault->kind]);
}

static gboolean
parse_name (const char *name, Fault *fault, GError **error)
{
  *fault = (Fault){ 0 };
  for (guint i = 0; names[i] != NULL; i++)
    if (strcmp (names[i], name) == 0) {
      fault->kind = (Kind) i;
      return TRUE;
    }
  if (g_str_has_prefix (name, "close-")) {
    fault->kind = FAULT_CLOSE;
    guint64 code = 0;
    if (g_ascii_string_to_unsigned (name + 6, 10, 1000, 4999, &code, NULL) && code != 1005 && code != 1006) {
      fault->code = (int) code;
      return TRUE;
    }
  }
  g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "unknown fault %s", name);
  return FALSE;
}

static gboolean
parse_orders (SimFaults *self, const char *list, GError **error)
{
  g_auto (GStrv) items = g_strsplit (list != NULL ? list : "", ",", -1);
  for (char **item = items; *item != NULL; item++) {
    if (**item == '\0')
      continue;
    char *colon = strchr (*item, ':');
    Order order = { .count = 1 };
    if (colon != NULL) {
      *colon = '\0';
      guint64 count;
      if (!g_ascii_string_to_unsigned (colon + 1, 10, 0, 1000000, &count, NULL)) {
        g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "--faults %s: a number is wanted behind the colon",
                     *item);
        return FALSE;
      }
      order.count = (guint) count;
    }
    if (!parse_name (*item, &order.fault, error))
      return FALSE;
    g_array_append_val (self->orders, order);
  }
  return TRUE;
}

static gboolean
parse_random (SimFaults *self, const char *list, GError **error)
{
  if (list == NULL)
    list = "op7,op9-true,close-4000,reset,silence,corrupt,slow-read,op1";
  g_auto (GStrv) items = g_strsplit (list, ",", -1);
  for (char **item = items; *item != NULL; item++) {
    Fault fault;
    if (!parse_name (*item, &fault, error))
      return FALSE;
    g_array_append_val (self->random, fault);
  }
  return TRUE;
}

/* SHARD:COUNT */
static gboolean
parse_crash (SimFaults *self, const char *text, GError **error)
{
  guint64 shard = 0, count = 0;
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "0:0", ":", 2);
  if (g_strv_length (parts) != 2 || !g_ascii_string_to_unsigned (parts[0], 10, 0, 65535, &shard, NULL)
      || !g_ascii_string_to_unsigned (parts[1], 10, 0, 1000000, &count, NULL)) {
    g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "--crash-shard is SHARD:COUNT");
    return FALSE;
  }
  self->crash_shard = (guint) shard;
  self->crashes_left = (guint) count;
  return TRUE;
}

SimFaults *
sim_faults_new (Sim *sim, GError **error)
{
  SimFaults *self = g_new0 (SimFaults, 1);
  self->orders = g_array_new (FALSE, FALSE, sizeof (Order));
  self->random = g_array_new (FALSE, FALSE, sizeof (Fault));
  g_queue_init (&self->next);
  if (parse_orders (self, sim->options.faults, error) && parse_random (self, sim->options.fault_kinds, error)
      && parse_crash (self, sim->options.crash_shard, error))
    return self;
  sim_faults_free (self);
  return NULL;
}

void
sim_faults_free (SimFaults *self)
{
  g_array_unref (self->orders);
  g_array_unref (self->random);
  g_queue_clear (&self->next);
  g_free (self);
}

static int
by_place (gconstpointer a, gconstpointer b)
{
  guint left = ((const Fault *) a)->place, right = ((const Fault *) b)->place;
  return left < right ? -1 : left > right;
}

/* An event of the stream, drawn from all but its ends, names the shard and the place. */
static void
plan_one (Sim *sim, Fault fault)
{
  guint total = (guint) sim->options.shards, length = sim_stream_length (sim->stream);
  guint drawn = length == 0 ? 0 : (guint) ((double) length * g_rand_double_range (sim->rand, 0.02, 0.95));
  guint id = length == 0 ? (guint) g_rand_int_range (sim->rand, 0, (gint32) total)
                         : sim_stream_shard (sim_stream_event (sim->stream, drawn)->guild, total);
  SimShard *shard = sim_shard_get (sim, id, total);
  while (fault.place < shard->events->len && g_array_index (shard->events, guint32, fault.place) < drawn)
    fault.place++;
  if (shard->faults == NULL)
    shard->faults = g_array_new (FALSE, FALSE, sizeof (Fault));
  g_array_append_val (shard->faults, fault);
}

void
sim_faults_plan (Sim *sim)
{
  for (guint i = 0; i < sim->faults->orders->len; i++) {
    const Order *order = &g_array_index (sim->faults->orders, Order, i);
    for (guint j = 0; j < order->count; j++)
      plan_one (sim, order->fault);
  }
  for (guint id = 0; id < (guint) sim->options.shards; id++) {
    SimShard *shard = sim_shard_get (sim, id, (guint) sim->options.shards);
    if (shard->faults != NULL)
      g_array_sort (shard->faults, by_place);
  }
}

void
sim_faults_activated (SimConnection *connection)
{
  connection->fault_after = (guint) g_rand_int_range (connection->sim->rand, 1, 40);
}

static const Fault *
next_of (SimConnection *connection)
{
  SimSession *session = connection->session;
  SimShard *shard = session != NULL ? session->shard : NULL;
  if (shard == NULL || shard->session != session || shard->faults == NULL
      || shard->next_fault >= shard->faults->len)
    return NULL;
  const Fault *fault = &g_array_index (shard->faults, Fault, shard->next_fault);
  return fault->place <= shard->cursor ? fault : NULL;
}

/* Nothing else is going on that a fault would hide. */
static gboolean
is_calm (SimConnection *connection)
{
  return connection->state == SIM_CONNECTION_ACTIVE && !connection->mute && connection->close_at == 0
         && connection->read_again_at == 0;
}

gboolean
sim_faults_due (SimConnection *connection)
{
  const Fault *fault = next_of (connection);
  if (fault == NULL || !is_calm (connection))
    return FALSE;
  SimSession *session = connection->session;
  gboolean at_rest = session->sent == session->seq;
  if ((ends_session (fault) && !at_rest) || (loses_bytes (fault) && !session->known))
    return FALSE;
  return connection->dispatches >= connection->fault_after
         || (at_rest && session->shard->cursor == session->shard->events->len);
}

gboolean
sim_faults_wait (SimConnection *connection)
{
  const Fault *fault = next_of (connection);
  if (fault == NULL || !is_calm (connection) || connection->dispatches < connection->fault_after)
    return FALSE;
  return ends_session (fault) || (loses_bytes (fault) && !connection->session->known);
}

static void
mute (SimConnection *self)
{
  const SimOptions *options = &self->sim->options;
  self->mute = TRUE;
  self->mute_until = sim_now () + 4 * (gint64) options->heartbeat_interval + options->heartbeat_grace;
}

static void
corrupt (SimConnection *self)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  const SimDispatch *dispatch = sim_session_dispatch (self->session, self->session->sent);
  sim_wire_append_broken (&self->wire, out, dispatch->t, self->session->sent + 1, dispatch->d,
                          dispatch->d_size, g_rand_boolean (self->sim->rand));
  sim_io_write (self->io, out->data, out->len);
  mute (self);
}

static void
wait_for_next (SimConnection *self, Kind kind)
{
  g_queue_push_tail (&self->sim->faults->next, GINT_TO_POINTER (kind));
  sim_connection_reset (self, "fault");
}

static void
inject (SimConnection *self, const Fault *fault)
{
  Sim *sim = self->sim;
  SimSession *session = self->session;
  SimShard *shard = session->shard;
  gint64 now = sim_now ();
  g_autofree char *name = name_of (fault);
  sim->faults_done++;
  sim_log_write (sim->log, "fault",
                 "\"name\":\"%s\",\"connection\":%u,\"shard\":%u,\"total\":%u,\"session\":\"%s\",\"seq\":"
                 "%" G_GINT64_FORMAT ",\"sent\":%" G_GINT64_FORMAT,
                 name, self->number, shard->id, shard->total, session->id, session->seq, session->sent);
  sim_faults_activated (self);
  self->dispatches = 0;
  if (is_fatal (fault))
    shard->fatal = TRUE;
  if (ends_session (fault))
    sim_session_end (session, name);
  switch (fault->kind) {
  case FAULT_OP7:
    sim_connection_send (self, 7, "null");
    self->close_at = now + sim->options.op7_close;
    break;
  case FAULT_OP9_TRUE: sim_connection_invalidate (self, TRUE); break;
  case FAULT_OP9_FALSE: sim_connection_invalidate (self, FALSE); break;
  case FAULT_OP1:
    sim_connection_send (self, 1, "null");
    self->asked_beat_at = now;
    self->extra_beats++;
    break;
  case FAULT_RESET: sim_connection_reset (self, "fault"); break;
  case FAULT_SILENCE: mute (self); break;
  case FAULT_CORRUPT: corrupt (self); break;
  case FAULT_SLOW_READ:
    sim_io_set_reading (self->io, FALSE);
    self->read_again_at = now + sim->options.slow_read;
    break;
  case FAULT_RESUME_DEAD:
    sim->resume_dead_until = now + sim->options.resume_dead;
    sim_connection_reset (self, "fault");
    break;
  case FAULT_OP7_EARLY:
  case FAULT_NO_HELLO:
  case FAULT_NO_READY:
  case FAULT_UPGRADE_503: wait_for_next (self, fault->kind); break;
  case FAULT_CLOSE: sim_connection_close (self, fault->code, "fault"); break;
  }
}

void
sim_faults_inject_due (SimConnection *connection)
{
  const Fault fault = *next_of (connection);
  connection->session->shard->next_fault++;
  inject (connection, &fault);
}

gboolean
sim_faults_greet (SimConnection *connection)
{
  GQueue *next = &connection->sim->faults->next;
  if (g_queue_is_empty (next) || GPOINTER_TO_INT (g_queue_peek_head (next)) == FAULT_UPGRADE_503)
    return FALSE;
  Kind kind = (Kind) GPOINTER_TO_INT (g_queue_pop_head (next));
  sim_log_write (connection->sim->log, "fault_greeting", "\"name\":\"%s\",\"connection\":%u", names[kind],
                 connection->number);
  if (kind == FAULT_OP7_EARLY) {
    sim_connection_send (connection, 7, "null");
    connection->close_at = sim_now () + connection->sim->options.op7_close;
  } else if (kind == FAULT_NO_READY) {
    connection->no_answer = TRUE;
  } else {
    connection->mute = TRUE;
    connection->mute_until = sim_now () + NO_HELLO;
  }
  return kind != FAULT_NO_READY;
}

gboolean
sim_faults_crash (SimConnection *connection)
{
  Sim *sim = connection->sim;
  g_autoptr (GByteArray) out = g_byte_array_new ();
  if (sim->faults->crashes_left == 0 || connection->shard != sim->faults->crash_shard)
    return FALSE;
  sim->faults->crashes_left--;
  sim_log_write (sim->log, "fault_greeting", "\"name\":\"crash\",\"connection\":%u,\"shard\":%u",
                 connection->number, connection->shard);
  sim_wire_append_broken (&connection->wire, out, "READY", 1, "{}", 2, FALSE);
  sim_io_write (connection->io, out->data, out->len);
  mute (connection);
  return TRUE;
}

gboolean
sim_faults_refuse_upgrade (Sim *sim)
{
  GQueue *next = &sim->faults->next;
  if (g_queue_is_empty (next) || GPOINTER_TO_INT (g_queue_peek_head (next)) != FAULT_UPGRADE_503)
    return FALSE;
  g_queue_pop_head (next);
  sim_log_write (sim->log, "fault_greeting", "\"name\":\"upgrade-503\"");
  return TRUE;
}

void
sim_faults_tick (Sim *sim, gint64 now)
{
  SimFaults *self = sim->faults;
  if (sim->options.fault_every == 0 || self->random->len == 0)
    return;
  if (self->random_at == 0 || now < self->random_at) {
    if (self->random_at == 0)
      self->random_at = now + sim->options.fault_every;
    return;
  }
  const Fault *fault =
      &g_array_index (self->random, Fault, g_rand_int_range (sim->rand, 0, (gint32) self->random->len));
  g_autoptr (GPtrArray) able = g_ptr_array_new ();
  for (guint i = 0; i < sim->connections->len; i++) {
    SimConnection *connection = g_ptr_array_index (sim->connections, i);
    if (connection->session != NULL && is_calm (connection) && connection->session->known
        && (!ends_session (fault) || connection->session->sent == connection->session->seq))
      g_ptr_array_add (able, connection);
  }
  if (able->len == 0)
    return;
  self->random_at = now + (gint64) (sim->options.fault_every * g_rand_double_range (sim->rand, 0.5, 1.5));
  inject (g_ptr_array_index (able, g_rand_int_range (sim->rand, 0, (gint32) able->len)), fault);
}

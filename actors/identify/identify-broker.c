/* The identify broker's actor: knows who asked, keeps its one timer, asks the API anew, tells alarms. Who may identify is decided in
 * identify-budget.c. */
#include "identify-broker.h"

#include "../tree/messages.h"
#include "../tree/tree.h"
#include "../rest/fetch.h"
#include "identify-budget.h"

/* From one request to the API to the next, at least. */
#define REFRESH_RETRY_US (60 * G_USEC_PER_SEC)

/* Who asked for the wish or lease of this shard and connection. */
typedef struct {
  guint shard;
  guint connection;
  HemeraPid pid;
  HemeraRef monitor;
} Holder;

typedef struct {
  HemeraTree *tree;
  HemeraIdentifyBudget budget;
  GArray *holders; /* Holder, few */
  HemeraRef timer;
  gint64 timer_at;
  HemeraPid fetch; /* the request to the API that runs, if any */
  HemeraRef fetch_monitor;
  gboolean alarmed;
} Broker;

/* Discord measures where the payloads arrive: the second may have had the faster way. */
static guint
with_margin (guint ms)
{
  return ms + ms / 100 + 50;
}

/* What others identified before this broker, it knows the last time of; and a predecessor may just have given a lease. */
static void
hold (HemeraActor *self, Broker *broker)
{
  HemeraTree *tree = broker->tree;
  gint64 last = atomic_load_explicit (&tree->identified_us, memory_order_relaxed);

  if (atomic_load_explicit (&tree->slots[0].started, memory_order_relaxed))
    last = hemera_actor_now (self);
  if (last != 0)
    hemera__identify_budget_hold (&broker->budget, last + broker->budget.spacing_us);
}

static HemeraNext
broker_init (HemeraActor *self, gpointer state, gconstpointer data)
{
  Broker *broker = state;
  HemeraTree *tree = ((const HemeraTreeArgs *) data)->tree;

  broker->tree = hemera__tree_ref (tree);
  broker->holders = g_array_new (FALSE, FALSE, sizeof (Holder));
  broker->timer_at = G_MAXINT64;
  hemera__identify_budget_init (&broker->budget, tree->max_concurrency,
                                with_margin (tree->config.identify_spacing_ms), tree->config.session_floor,
                                atomic_load_explicit (&tree->remaining, memory_order_relaxed));
  hold (self, broker);
  return HEMERA_CONTINUE;
}

/* ---- holders -------------------------------------------------------------------------------------------------- */

static void
remove_holder (HemeraActor *self, Broker *broker, guint index)
{
  hemera_actor_demonitor (self, g_array_index (broker->holders, Holder, index).monitor, TRUE);
  g_array_remove_index_fast (broker->holders, index);
}

static void
add_holder (HemeraActor *self, Broker *broker, const HemeraLeaseRequest *request)
{
  Holder holder = { request->shard, request->connection, request->pid, HEMERA_REF_NONE };

  for (guint i = broker->holders->len; i-- > 0;)
    if (g_array_index (broker->holders, Holder, i).shard == request->shard)
      remove_holder (self, broker, i);
  holder.monitor = hemera_actor_monitor (self, request->pid);
  g_array_append_val (broker->holders, holder);
}

static Holder *
find_holder (Broker *broker, guint shard, guint connection)
{
  for (guint i = 0; i < broker->holders->len; i++) {
    Holder *holder = &g_array_index (broker->holders, Holder, i);

    if (holder->shard == shard && holder->connection == connection)
      return holder;
  }
  return NULL;
}

static void
holder_done (HemeraActor *self, Broker *broker, guint shard, guint connection, gboolean used)
{
  hemera__identify_budget_done (&broker->budget, shard, connection, used, hemera_actor_now (self));
  for (guint i = broker->holders->len; i-- > 0;) {
    Holder *holder = &g_array_index (broker->holders, Holder, i);

    if (holder->shard == shard && holder->connection == connection)
      remove_holder (self, broker, i);
  }
}

static void
holder_down (HemeraActor *self, Broker *broker, HemeraRef ref)
{
  for (guint i = 0; i < broker->holders->len; i++) {
    Holder *holder = &g_array_index (broker->holders, Holder, i);

    if (hemera_ref_equal (holder->monitor, ref)) {
      hemera__identify_budget_done (&broker->budget, holder->shard, holder->connection, FALSE,
                                    hemera_actor_now (self));
      g_array_remove_index_fast (broker->holders, i);
      return;
    }
  }
}

/* ---- the 24 h budget -------------------------------------------------------------------------------------------- */

static void
raise_alarm (HemeraActor *self, Broker *broker, char *text)
{
  HemeraShardMessage *message =
      hemera__shard_message_new (HEMERA_SHARD_MESSAGE_ALARM, HEMERA_NO_SHARD, 0, text);

  hemera_send_name (hemera_actor_system (self), broker->tree->gateway_name,
                    hemera__said_new (&(HemeraSaid){ message }));
  g_free (text);
}

static void
refresh (HemeraActor *self, Broker *broker)
{
  const HemeraGatewayConfig *config = &broker->tree->config;

  if (broker->fetch.id != 0)
    return;
  broker->fetch = hemera__fetch_spawn (NULL, self,
                                       &(HemeraFetch){
                                           .trust = broker->tree->trust,
                                           .token = config->token,
                                           .api_url = config->api_url,
                                           .timeout_ms = config->rest_timeout_ms,
                                           .attempts = 0,
                                           .reply_to = hemera_actor_self (self),
                                       });
  broker->fetch_monitor = hemera_actor_monitor (self, broker->fetch);
}

/* It ended, with an answer or, when it was killed, without one. */
static void
fetch_over (HemeraActor *self, Broker *broker)
{
  hemera_actor_demonitor (self, broker->fetch_monitor, TRUE);
  broker->fetch = HEMERA_PID_NONE;
  broker->fetch_monitor = HEMERA_REF_NONE;
}

static void
refresh_later (HemeraActor *self, Broker *broker)
{
  atomic_store_explicit (&broker->tree->reset_us, hemera_actor_now (self) + REFRESH_RETRY_US,
                         memory_order_relaxed);
}

static void
refreshed (HemeraActor *self, Broker *broker, HemeraFetchResult *result)
{
  HemeraTree *tree = broker->tree;
  gint64 now = hemera_actor_now (self);

  fetch_over (self, broker);
  if (result->bot == NULL) {
    raise_alarm (
        self, broker,
        g_strdup_printf ("the session start limit could not be asked for: %s", result->error->message));
    refresh_later (self, broker);
    return;
  }
  broker->budget.remaining = hemera_gateway_bot_get_remaining (result->bot);
  hemera__identify_budget_set_concurrency (&broker->budget,
                                           hemera_gateway_bot_get_max_concurrency (result->bot), now);
  atomic_store_explicit (&tree->limit_total, hemera_gateway_bot_get_total (result->bot),
                         memory_order_relaxed);
  /* An API that says 0 ms again and again is not asked in a loop. */
  atomic_store_explicit (
      &tree->reset_us,
      now + MAX ((gint64) hemera_gateway_bot_get_reset_after_ms (result->bot) * 1000, REFRESH_RETRY_US),
      memory_order_relaxed);
  if (broker->budget.remaining > broker->budget.floor)
    broker->alarmed = FALSE;
}

static void
deny (HemeraActor *self, Broker *broker, Holder *holder)
{
  gint64 wait =
      atomic_load_explicit (&broker->tree->reset_us, memory_order_relaxed) - hemera_actor_now (self);
  guint64 retry_ms = (guint64) MAX (wait / 1000, 0) + 1000;

  hemera__lease_denied_send (holder->pid, &(HemeraLeaseDenied){ holder->connection, retry_ms });
  if (broker->alarmed)
    return;
  broker->alarmed = TRUE;
  raise_alarm (self, broker,
               g_strdup_printf ("%u session starts are left of %u and %u are kept back: no shard identifies "
                                "until the limit is reset "
                                "in %" G_GUINT64_FORMAT " s",
                                broker->budget.remaining,
                                atomic_load_explicit (&broker->tree->limit_total, memory_order_relaxed),
                                broker->budget.floor, retry_ms / 1000));
}

/* ---- deciding ------------------------------------------------------------------------------------------------------ */

static void
arm (HemeraActor *self, Broker *broker)
{
  gint64 now = hemera_actor_now (self), ms;
  gint64 at =
      MIN (hemera__identify_budget_deadline (&broker->budget),
           broker->fetch.id != 0 ? G_MAXINT64
                                 : atomic_load_explicit (&broker->tree->reset_us, memory_order_relaxed));

  if (at == broker->timer_at)
    return;
  if (broker->timer.id != 0)
    hemera_actor_cancel_timer (self, broker->timer);
  broker->timer = HEMERA_REF_NONE;
  broker->timer_at = at;
  if (at == G_MAXINT64)
    return;
  ms = MIN ((MAX (at - now, 0) + 999) / 1000, G_MAXINT32);
  broker->timer = hemera_actor_start_timer (self, (guint) ms, hemera_actor_self (self), NULL);
}

static void
decide (HemeraActor *self, Broker *broker)
{
  gint64 now = hemera_actor_now (self);
  HemeraLeaseVerdict verdict;
  HemeraLeaseWish wish;

  if (now >= atomic_load_explicit (&broker->tree->reset_us, memory_order_relaxed))
    refresh (self, broker);
  while ((verdict = hemera__identify_budget_next (&broker->budget, now, &wish)) != HEMERA_LEASE_NONE) {
    Holder *holder = find_holder (broker, wish.shard, wish.connection);

    if (holder == NULL)
      hemera__identify_budget_done (&broker->budget, wish.shard, wish.connection, FALSE, now);
    else if (verdict == HEMERA_LEASE_GRANTED)
      hemera__identify_send (holder->pid, &(HemeraIdentify){ wish.connection });
    else
      deny (self, broker, holder);
  }
  atomic_store_explicit (&broker->tree->remaining, broker->budget.remaining, memory_order_relaxed);
  arm (self, broker);
}

static HemeraNext
broker_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Broker *broker = state;
  HemeraLeaseRequest *request = hemera__lease_request_peek (message);
  HemeraLeaseUpdate *update = hemera__lease_update_peek (message);
  HemeraFetchResult *result = hemera__fetch_result_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);

  if (request != NULL) {
    add_holder (self, broker, request);
    hemera__identify_budget_wish (&broker->budget, &(HemeraLeaseWish){ request->shard, request->connection },
                                  hemera_actor_now (self));
  } else if (update != NULL && !update->done) {
    hemera__identify_budget_written (&broker->budget, update->shard, update->connection, update->left,
                                     hemera_actor_now (self));
  } else if (update != NULL) {
    holder_done (self, broker, update->shard, update->connection, update->used);
  } else if (result != NULL) {
    refreshed (self, broker, result);
  } else if (down != NULL && hemera_ref_equal (down->ref, broker->fetch_monitor)) {
    fetch_over (self, broker);
    refresh_later (self, broker);
  } else if (down != NULL) {
    holder_down (self, broker, down->ref);
  } else if (timeout != NULL && hemera_ref_equal (timeout->ref, broker->timer)) {
    broker->timer = HEMERA_REF_NONE;
    broker->timer_at = G_MAXINT64;
  }
  decide (self, broker);
  return HEMERA_CONTINUE;
}

static void
broker_finalize (gpointer state)
{
  Broker *broker = state;

  if (broker->fetch.id != 0)
    hemera_exit (broker->fetch, hemera_reason_kill ());
  hemera__identify_budget_clear (&broker->budget);
  g_clear_pointer (&broker->holders, g_array_unref);
  g_clear_pointer (&broker->tree, hemera__tree_unref);
}

const HemeraActorClass hemera__identify_broker_class = {
  .name = "hemera_identify_broker",
  .state_size = sizeof (Broker),
  .init = broker_init,
  .receive = broker_receive,
  .finalize = broker_finalize,
};

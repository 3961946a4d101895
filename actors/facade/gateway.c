/* HemeraGateway: the facade's object: signals, subscriptions, and the port through which the tree talks to it. */
#include "facade.h"

#include <hemera/enum-types.h>

G_DEFINE_FINAL_TYPE (HemeraGateway, hemera_gateway, G_TYPE_OBJECT)

enum { STATE_CHANGED, SHARD_DISCONNECTED, RESTARTED, GAP, ALARM, N_SIGNALS };
static guint signals[N_SIGNALS];

enum { PROP_0, PROP_SYSTEM, PROP_OPTIONS, N_PROPERTIES };
static GParamSpec *properties[N_PROPERTIES];

static void
lock (HemeraGateway *self)
{
  /* Acquire pairs with unlock's release. */
  while (atomic_flag_test_and_set_explicit (&self->busy, memory_order_acquire)) {}
}

static void
unlock (HemeraGateway *self)
{
  atomic_flag_clear_explicit (&self->busy, memory_order_release);
}

HemeraTree *
hemera__facade_dup_tree (HemeraGateway *self)
{
  HemeraTree *tree;

  lock (self);
  tree = atomic_load_explicit (&self->tree, memory_order_relaxed);
  if (tree != NULL)
    hemera__tree_ref (tree);
  unlock (self);
  return tree;
}

void
hemera__facade_take_tree (HemeraGateway *self, HemeraTree *tree)
{
  HemeraTree *old;

  lock (self);
  old = atomic_exchange_explicit (&self->tree, tree, memory_order_relaxed);
  unlock (self);
  g_clear_pointer (&old, hemera__tree_unref);
}

/* ---- helpers --------------------------------------------------------------------------------------------------- */

GSource *
hemera__facade_timer (HemeraGateway *self, guint ms, GSourceFunc func)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, func, self, NULL);
  g_source_attach (source, self->context);
  return source;
}

void
hemera__facade_clear_source (GSource **source)
{
  if (*source == NULL)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

void
hemera__facade_alarm (HemeraGateway *self, const char *text)
{
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "%s", text);
  g_signal_emit (self, signals[ALARM], 0, HEMERA_NO_SHARD, text);
}

void
hemera__facade_emit (HemeraGateway *self, HemeraShardMessage *message)
{
  switch (message->type) {
  case HEMERA_SHARD_MESSAGE_STATE:
    g_signal_emit (self, signals[STATE_CHANGED], 0, message->shard, message->connection, message->from,
                   message->to, message->text);
    break;
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED:
    g_signal_emit (self, signals[SHARD_DISCONNECTED], 0, message->shard, message->error,
                   message->will_restart);
    break;
  case HEMERA_SHARD_MESSAGE_RESTARTED:
    g_signal_emit (self, signals[RESTARTED], 0, message->shard, message->restarts, message->term);
    break;
  case HEMERA_SHARD_MESSAGE_GAP:
    g_signal_emit (self, signals[GAP], 0, message->shard, message->seq, message->since_ms);
    break;
  case HEMERA_SHARD_MESSAGE_ALARM:
    g_signal_emit (self, signals[ALARM], 0, message->shard, message->text);
    break;
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED:
  case HEMERA_SHARD_MESSAGE_SENT:
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY:
  case HEMERA_SHARD_MESSAGE_RECONNECTING:
  case HEMERA_SHARD_MESSAGE_DISCONNECTING:
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED: break;
  }
}

/* ---- the port ----------------------------------------------------------------------------------------------------- */

static void
on_message (HemeraPort *port, HemeraActorMessage *message, gpointer user_data)
{
  g_autoptr (HemeraGateway) self = g_object_ref (user_data); /* a handler may drop the last reference */
  HemeraSaid *said = hemera__said_peek (message);
  HemeraSessionPut *session = hemera__session_put_peek (message);
  HemeraFetchResult *result = hemera__fetch_result_peek (message);
  HemeraFetchRetry *retry = hemera__fetch_retry_peek (message);
  HemeraFileDone *done = hemera__file_done_peek (message);
  HemeraTreeDown *down = hemera__tree_down_peek (message);

  if (said != NULL)
    hemera__facade_heard (self, said);
  else if (session != NULL)
    hemera__facade_session (self, session);
  else if (result != NULL)
    hemera__facade_fetched (self, result);
  else if (retry != NULL)
    hemera__facade_retrying (self, retry);
  else if (done != NULL)
    hemera__facade_job_done (self, done);
  else if (down != NULL)
    hemera__facade_tree_down (self, down->tree, down->reason);
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

static gboolean
do_nothing (gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

/* The last reference was dropped in another thread, such as the one that a callback there was given: it goes again, in our context. */
static void
drop_in_context (HemeraGateway *self)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, do_nothing, g_object_ref (self), g_object_unref);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static void
dispose_here (HemeraGateway *self)
{
  if (self->port != NULL) {
    hemera__facade_kill_all (self);
    hemera__port_close (g_steal_pointer (&self->port));
  }
  /* No lock: nobody else has a reference. A cancelled one is only forgotten. */
  for (guint i = 0; self->subscriptions != NULL && i < self->subscriptions->len; i++)
    hemera__subscription_abandon (g_ptr_array_index (self->subscriptions, i));
  g_clear_pointer (&self->subscriptions, g_ptr_array_unref);
}

static void
hemera_gateway_dispose (GObject *object)
{
  HemeraGateway *self = HEMERA_GATEWAY (object);

  if (!g_main_context_acquire (self->context)) {
    drop_in_context (self);
    return;
  }
  dispose_here (self);
  g_main_context_release (self->context);
  G_OBJECT_CLASS (hemera_gateway_parent_class)->dispose (object);
}

static void
hemera_gateway_finalize (GObject *object)
{
  HemeraGateway *self = HEMERA_GATEWAY (object);
  HemeraTree *tree = atomic_load_explicit (&self->tree, memory_order_relaxed);

  g_clear_pointer (&tree, hemera__tree_unref);
  g_clear_pointer (&self->subscribers, hemera__subscribers_unref);
  g_clear_pointer (&self->trust, hemera__trust_unref);
  g_clear_pointer (&self->context, g_main_context_unref);
  hemera__gateway_config_clear (&self->config);
  /* Last: it may be the last reference of the system, which then ends what still runs of the tree. */
  g_clear_pointer (&self->system, hemera_system_unref);
  G_OBJECT_CLASS (hemera_gateway_parent_class)->finalize (object);
}

static void
hemera_gateway_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  HemeraGateway *self = HEMERA_GATEWAY (object);
  HemeraGatewayApiOptions *options;

  switch (id) {
  case PROP_SYSTEM: self->system = g_value_dup_boxed (value); break;
  case PROP_OPTIONS:
    options = g_value_get_object (value);
    if (options == NULL)
      break;
    hemera__gateway_config_clear (&self->config);
    hemera__gateway_config_copy (&self->config, hemera__gateway_api_options_config (options));
    break;
  default: G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
hemera_gateway_constructed (GObject *object)
{
  HemeraGateway *self = HEMERA_GATEWAY (object);
  g_autoptr (GError) error = NULL;

  if (self->system == NULL && (self->system = hemera_system_get_default (&error)) == NULL)
    /* as with memory: without threads there is nothing to go on with */
    g_error ("no workers for the gateway: %s", error->message);
  self->port = hemera__port_new (self->system, self->context, on_message, self, 0);
  if (self->port == NULL)
    g_error ("no file descriptor for the gateway");
  G_OBJECT_CLASS (hemera_gateway_parent_class)->constructed (object);
}

static void
hemera_gateway_class_init (HemeraGatewayClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->set_property = hemera_gateway_set_property;
  G_OBJECT_CLASS (klass)->constructed = hemera_gateway_constructed;
  G_OBJECT_CLASS (klass)->dispose = hemera_gateway_dispose;
  G_OBJECT_CLASS (klass)->finalize = hemera_gateway_finalize;

  properties[PROP_SYSTEM] =
      g_param_spec_boxed ("system", NULL, NULL, HEMERA_TYPE_SYSTEM,
                          G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  properties[PROP_OPTIONS] =
      g_param_spec_object ("options", NULL, NULL, HEMERA_TYPE_GATEWAY_API_OPTIONS,
                           G_PARAM_WRITABLE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (G_OBJECT_CLASS (klass), N_PROPERTIES, properties);

  signals[STATE_CHANGED] = g_signal_new ("state-changed", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 5, G_TYPE_UINT, G_TYPE_UINT, HEMERA_TYPE_SHARD_STATE,
                                         HEMERA_TYPE_SHARD_STATE, G_TYPE_STRING);
  signals[SHARD_DISCONNECTED] =
      g_signal_new ("shard-disconnected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                    G_TYPE_UINT, G_TYPE_ERROR, G_TYPE_BOOLEAN);
  signals[RESTARTED] = g_signal_new ("restarted", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                     3, G_TYPE_UINT, G_TYPE_UINT, HEMERA_TYPE_TERM);
  signals[GAP] = g_signal_new ("gap", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 3,
                               G_TYPE_UINT, G_TYPE_UINT64, G_TYPE_INT64);
  signals[ALARM] = g_signal_new ("alarm", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
                                 G_TYPE_UINT, G_TYPE_STRING);
}

static void
hemera_gateway_init (HemeraGateway *self)
{
  atomic_flag_clear (&self->busy);
  self->context = g_main_context_ref_thread_default ();
  self->subscribers = hemera__subscribers_new ();
  hemera__gateway_config_init (&self->config);
  self->subscriptions = g_ptr_array_new_with_free_func (g_object_unref);
}

/**
 * hemera_gateway_new:
 * @system: (nullable): where its actors live; %NULL: the shared system of the process
 * @options: copied
 *
 * In the context where its signals are to come: the caller's thread-default one. The last reference is to be dropped there too (else
 * it is gone a moment later); that ends what still runs, without waiting and without a close frame: use hemera_gateway_close_async() before.
 *
 * Returns: (transfer full): the gateway, not connected
 */
HemeraGateway *
hemera_gateway_new (HemeraSystem *system, HemeraGatewayApiOptions *options)
{
  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (options), NULL);
  return g_object_new (HEMERA_TYPE_GATEWAY, "system", system, "options", options, NULL);
}

/* ---- subscriptions --------------------------------------------------------------------------------------------------- */

static void
forget_cancelled (HemeraGateway *self, GPtrArray *forgotten)
{
  for (guint i = self->subscriptions->len; i-- > 0;)
    if (hemera__subscription_is_cancelled (g_ptr_array_index (self->subscriptions, i)))
      g_ptr_array_add (forgotten, g_ptr_array_steal_index_fast (self->subscriptions, i));
}

static HemeraSubscription *
subscribe (HemeraGateway *self, HemeraCallbackKind kind, const char *name, const HemeraFilter *filter,
           GCallback func, gpointer user_data, GDestroyNotify destroy)
{
  g_autoptr (GPtrArray) forgotten = g_ptr_array_new_with_free_func (g_object_unref); /* outside of the lock */
  HemeraSubscription *subscription;

  g_return_val_if_fail (HEMERA_IS_GATEWAY (self) && func != NULL, NULL);
  subscription =
      hemera__subscription_new (self, self->system, self->context, self->subscribers, kind, name, filter,
                                self->config.subscription_credit, func, user_data, destroy);
  lock (self);
  forget_cancelled (self, forgotten);
  g_ptr_array_add (self->subscriptions, subscription);
  unlock (self);
  return subscription;
}

HemeraSubscription *
hemera_gateway_on_event (HemeraGateway *self, const char *name, const HemeraFilter *filter,
                         HemeraEventFunc func, gpointer user_data, GDestroyNotify destroy)
{
  return subscribe (self, HEMERA_CALLBACK_EVENT, name, filter, G_CALLBACK (func), user_data, destroy);
}

HemeraSubscription *
hemera_gateway_on_ready (HemeraGateway *self, const HemeraFilter *filter, HemeraReadyFunc func,
                         gpointer user_data, GDestroyNotify destroy)
{
  return subscribe (self, HEMERA_CALLBACK_READY, "READY", filter, G_CALLBACK (func), user_data, destroy);
}

HemeraSubscription *
hemera_gateway_on_message_create (HemeraGateway *self, const HemeraFilter *filter,
                                  HemeraMessageCreateFunc func, gpointer user_data, GDestroyNotify destroy)
{
  return subscribe (self, HEMERA_CALLBACK_MESSAGE, "MESSAGE_CREATE", filter, G_CALLBACK (func), user_data,
                    destroy);
}

HemeraSubscription *
hemera_gateway_on_guild_create (HemeraGateway *self, const HemeraFilter *filter, HemeraGuildCreateFunc func,
                                gpointer user_data, GDestroyNotify destroy)
{
  return subscribe (self, HEMERA_CALLBACK_GUILD, "GUILD_CREATE", filter, G_CALLBACK (func), user_data,
                    destroy);
}

HemeraSubscription *
hemera_gateway_on_shard_message (HemeraGateway *self, const HemeraFilter *filter, HemeraShardMessageFunc func,
                                 gpointer user_data, GDestroyNotify destroy)
{
  return subscribe (self, HEMERA_CALLBACK_SHARD_MESSAGE, NULL, filter, G_CALLBACK (func), user_data, destroy);
}

guint64
hemera__facade_pending (HemeraGateway *self)
{
  guint64 pending = 0;

  lock (self);
  for (guint i = 0; i < self->subscriptions->len; i++) {
    HemeraSubscription *subscription = g_ptr_array_index (self->subscriptions, i);

    if (!hemera__subscription_is_cancelled (subscription))
      pending += hemera__subscription_pending (subscription);
  }
  unlock (self);
  return pending;
}

/* ---- asking -------------------------------------------------------------------------------------------------------------- */

guint
hemera_gateway_get_total_shards (HemeraGateway *self)
{
  HemeraTree *tree;
  guint total;

  g_return_val_if_fail (HEMERA_IS_GATEWAY (self), 0);
  tree = hemera__facade_dup_tree (self);
  total = tree != NULL ? tree->total_shards : 0;
  g_clear_pointer (&tree, hemera__tree_unref);
  return total;
}

guint
hemera_gateway_shard_id_for (HemeraGateway *self, guint64 guild_id)
{
  guint total = hemera_gateway_get_total_shards (self);

  return total != 0 ? (guint) ((guild_id >> 22) % total) : 0;
}

gboolean
hemera_gateway_kill (HemeraGateway *self, guint shard, const char *child)
{
  HemeraTree *tree;
  HemeraSlot *slot;
  gboolean is_up = FALSE;

  g_return_val_if_fail (HEMERA_IS_GATEWAY (self), FALSE);
  g_return_val_if_fail (g_strcmp0 (child, "shard") == 0 || g_strcmp0 (child, "event_parser") == 0, FALSE);
  tree = hemera__facade_dup_tree (self);
  slot = tree != NULL ? hemera__tree_slot_of (tree, shard) : NULL;
  if (slot != NULL) {
    is_up = hemera_system_whereis (self->system, slot->shard_name).id != 0;
    hemera_exit (hemera_system_whereis (self->system, *child == 's' ? slot->shard_name : slot->parser_name),
                 hemera_reason_kill ());
  }
  g_clear_pointer (&tree, hemera__tree_unref);
  return is_up;
}

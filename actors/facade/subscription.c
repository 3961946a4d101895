/* HemeraSubscription: deliveries come to a port in the subscriber's context and end in one callback. What the callback has handled is what
 * counts: for the credit, and for where a session may be resumed after the process ends. */
#include "subscription.h"

#include "../events/event-internal.h"
#include "../tree/messages.h"
#include "runtime/internal.h"

struct _HemeraSubscription {
  GObject parent_instance;
  HemeraSubscribers *set;
  HemeraSubscriber *subscriber;
  HemeraPort *port; /* (nullable): cancelled */
  GMainContext *context, *facade_context;
  HemeraGateway *gateway; /* alive as long as the port is, when its context is the gateway's own */
  GWeakRef weak;          /* else */
  gboolean foreign;
  HemeraCallbackKind kind;
  GCallback func;
  gpointer user_data;
  GDestroyNotify destroy;
};

G_DEFINE_FINAL_TYPE (HemeraSubscription, hemera_subscription, G_TYPE_OBJECT)

static void
hemera_subscription_finalize (GObject *object)
{
  HemeraSubscription *self = HEMERA_SUBSCRIPTION (object);

  hemera__subscriber_unref (self->subscriber);
  hemera__subscribers_unref (self->set);
  g_main_context_unref (self->context);
  g_main_context_unref (self->facade_context);
  g_weak_ref_clear (&self->weak);
  G_OBJECT_CLASS (hemera_subscription_parent_class)->finalize (object);
}

static void
hemera_subscription_class_init (HemeraSubscriptionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hemera_subscription_finalize;
}

static void
hemera_subscription_init (HemeraSubscription *self)
{
}

/* ---- deliveries --------------------------------------------------------------------------------------------------- */

static void
call_with_event (HemeraSubscription *self, HemeraGateway *gateway, HemeraEvent *event)
{
  gpointer model;
  HemeraShardMessage *message;

  switch (self->kind) {
  case HEMERA_CALLBACK_EVENT: ((HemeraEventFunc) self->func) (gateway, event, self->user_data); break;
  case HEMERA_CALLBACK_READY:
  case HEMERA_CALLBACK_MESSAGE:
  case HEMERA_CALLBACK_GUILD:
    model = hemera__event_get_model (event);
    if (model == NULL) /* d is no object: only the raw event can show that */
      break;
    if (self->kind == HEMERA_CALLBACK_READY)
      ((HemeraReadyFunc) self->func) (gateway, model, self->user_data);
    else if (self->kind == HEMERA_CALLBACK_MESSAGE)
      ((HemeraMessageCreateFunc) self->func) (gateway, model, self->user_data);
    else
      ((HemeraGuildCreateFunc) self->func) (gateway, model, self->user_data);
    break;
  case HEMERA_CALLBACK_SHARD_MESSAGE:
    message = hemera__shard_message_new_for_event (event);
    ((HemeraShardMessageFunc) self->func) (gateway, message, self->user_data);
    hemera_shard_message_unref (message);
    break;
  }
}

static void
call (HemeraSubscription *self, HemeraGateway *gateway, const HemeraDelivery *delivery)
{
  if (delivery->event != NULL)
    call_with_event (self, gateway, delivery->event);
  else if (self->kind == HEMERA_CALLBACK_SHARD_MESSAGE)
    ((HemeraShardMessageFunc) self->func) (gateway, delivery->message, self->user_data);
}

/* There is room, or nobody to have room for. The gateway actor of the delivery may be gone, and it is its successor that waits. */
static void
tell_gateway (HemeraSubscription *self)
{
  HemeraPid gateway = { .id = atomic_load_explicit (&self->subscriber->gateway, memory_order_seq_cst) };

  if (gateway.id != 0)
    hemera__credit_send (gateway, &(HemeraCredit){ 0 });
}

static void
on_delivery (HemeraPort *port, HemeraActorMessage *message, gpointer user_data)
{
  g_autoptr (HemeraSubscription) self = g_object_ref (user_data); /* the callback may cancel it */
  HemeraDelivery *delivery = hemera__delivery_peek (message);

  if (delivery == NULL
      || hemera__subscription_is_cancelled (self)) /* by another thread: the port is about to go */
    return;
  if (self->foreign) {
    g_autoptr (HemeraGateway) gateway = g_weak_ref_get (&self->weak);

    if (gateway == NULL)
      return;
    call (self, gateway, delivery);
  } else {
    call (self, self->gateway, delivery);
  }
  /* Release pairs with the acquire in safe_place(): what the callback did comes before. */
  if (delivery->mark != NULL)
    atomic_store_explicit (&delivery->mark->handled, delivery->place, memory_order_release);
  if (hemera__subscriber_handled (self->subscriber))
    tell_gateway (self);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

HemeraSubscription *
hemera__subscription_new (HemeraGateway *gateway, HemeraSystem *system, GMainContext *facade_context,
                          HemeraSubscribers *set, HemeraCallbackKind kind, const char *name,
                          const HemeraFilter *filter, guint credit, GCallback func, gpointer user_data,
                          GDestroyNotify destroy)
{
  HemeraSubscription *self = g_object_new (HEMERA_TYPE_SUBSCRIPTION, NULL);
  HemeraSubscriberKind subscriber_kind =
      kind == HEMERA_CALLBACK_SHARD_MESSAGE ? HEMERA_SUBSCRIBER_MESSAGES : HEMERA_SUBSCRIBER_EVENTS;

  self->context = g_main_context_ref_thread_default ();
  self->facade_context = g_main_context_ref (facade_context);
  self->foreign = self->context != facade_context;
  self->gateway = gateway;
  g_weak_ref_init (&self->weak, self->foreign ? gateway : NULL);
  self->set = hemera__subscribers_ref (set);
  self->subscriber = hemera__subscriber_new (subscriber_kind, name, filter, credit);
  self->kind = kind;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  self->port = hemera__port_new (system, self->context, on_delivery, self, 0);
  if (self->port == NULL) {
    g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                      "no file descriptor for a subscription: it gets nothing");
    atomic_store_explicit (&self->subscriber->cancelled, TRUE, memory_order_relaxed);
    if (destroy != NULL)
      destroy (user_data);
    return self;
  }
  self->subscriber->pid = hemera__port_pid (self->port);
  hemera__subscribers_add (set, self->subscriber);
  return self;
}

static void
close_port (HemeraSubscription *self)
{
  if (self->port == NULL)
    return;
  hemera__port_close (g_steal_pointer (&self->port));
  if (self->destroy != NULL)
    self->destroy (self->user_data);
}

static gboolean
close_in_context (gpointer user_data)
{
  close_port (user_data);
  return G_SOURCE_REMOVE;
}

static void
attach (GMainContext *context, GSourceFunc func, gpointer data, GDestroyNotify destroy)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, func, data, destroy);
  g_source_attach (source, context);
  g_source_unref (source);
}

/* At once where that is its own context or one that nobody runs. */
static void
stop (HemeraSubscription *self)
{
  if (g_main_context_acquire (self->context)) {
    close_port (self);
    g_main_context_release (self->context);
  } else {
    attach (self->context, close_in_context, g_object_ref (self), g_object_unref);
  }
}

/* What has to leave the set. No reference on the subscription, which has one on the context that this waits in. */
typedef struct {
  HemeraSubscribers *set;
  HemeraSubscriber *subscriber;
} Leaving;

static gboolean
leave (gpointer user_data)
{
  Leaving *self = user_data;

  hemera__subscribers_remove (self->set, self->subscriber);
  return G_SOURCE_REMOVE;
}

static void
free_leaving (gpointer user_data)
{
  Leaving *self = user_data;

  hemera__subscriber_unref (self->subscriber);
  hemera__subscribers_unref (self->set);
  g_free (self);
}

/* It leaves the set a moment later: a program that cancels and closes in one callback means both, and then what it has not handled is to
 * be replayed to its next run. In the gateway's context, as its own may run no more. */
void
hemera_subscription_cancel (HemeraSubscription *self)
{
  g_autoptr (HemeraSubscription) alive = NULL;
  Leaving leaving;

  g_return_if_fail (HEMERA_IS_SUBSCRIPTION (self));
  /* From the exchange on the gateway may forget it: with a subscription by @destroy, or by another thread. */
  alive = g_object_ref (self);
  if (atomic_exchange_explicit (&self->subscriber->cancelled, TRUE, memory_order_seq_cst))
    return;
  leaving = (Leaving){ hemera__subscribers_ref (self->set), hemera__subscriber_ref (self->subscriber) };
  attach (self->facade_context, leave, g_memdup2 (&leaving, sizeof leaving), free_leaving);
  /* The shards may have been waiting for this subscription alone. */
  tell_gateway (self);
  stop (self);
}

void
hemera__subscription_abandon (HemeraSubscription *self)
{
  atomic_store_explicit (&self->subscriber->cancelled, TRUE, memory_order_seq_cst);
  hemera__subscribers_remove (self->set, self->subscriber);
  tell_gateway (self);
  stop (self);
}

gboolean
hemera__subscription_is_cancelled (HemeraSubscription *self)
{
  return atomic_load_explicit (&self->subscriber->cancelled, memory_order_relaxed);
}

guint64
hemera__subscription_pending (HemeraSubscription *self)
{
  return hemera__subscriber_pending (self->subscriber);
}

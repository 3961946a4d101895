/* Probes, and a tree around them that a simulated system runs. See tree-rig.h. */
#include "tree-rig.h"

#include "actors/rest/gateway-bot.h"
#include <hemera/json.h>
#include <string.h>

/* ---- probes ------------------------------------------------------------------------------------------------ */

static HemeraNext
probe_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  *(Probe **) state = (Probe *) args;
  return HEMERA_CONTINUE;
}

static HemeraNext
probe_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Probe *probe = *(Probe **) state;
  const HemeraMessageType *type = hemera_actor_message_type (message);
  HemeraActorMessage *copy = hemera_actor_message_new (type, hemera_actor_message_payload (message));

  memset (hemera_actor_message_payload (message), 0, type->size); /* moved */
  g_ptr_array_add (probe->messages, copy);
  return HEMERA_CONTINUE;
}

static const HemeraActorClass probe_class = {
  .name = "probe",
  .state_size = sizeof (Probe *),
  .init = probe_init,
  .receive = probe_receive,
};

static void
probe_free (gpointer data)
{
  Probe *self = data;

  g_ptr_array_unref (self->messages);
  g_free (self);
}

Probe *
rig_probe (Rig *self)
{
  return rig_probe_named (self, NULL);
}

Probe *
rig_probe_named (Rig *self, const char *name)
{
  Probe *probe = g_new0 (Probe, 1);

  probe->messages = g_ptr_array_new_with_free_func ((GDestroyNotify) hemera_actor_message_free);
  probe->pid = hemera_system_spawn (
      self->system, &(HemeraSpawn){ .actor_class = &probe_class, .args = { .data = probe }, .name = name });
  g_ptr_array_add (self->probes, probe);
  rig_run (self);
  return probe;
}

gpointer
probe_payload (Probe *self, const HemeraMessageType *type, guint n)
{
  for (guint i = 0; i < self->messages->len; i++) {
    gpointer payload = hemera_actor_message_peek (g_ptr_array_index (self->messages, i), type);

    if (payload != NULL && n-- == 0)
      return payload;
  }
  return NULL;
}

guint
probe_count (Probe *self, const HemeraMessageType *type)
{
  guint n = 0;

  while (probe_payload (self, type, n) != NULL)
    n++;
  return n;
}

void
probe_forget (Probe *self)
{
  g_ptr_array_set_size (self->messages, 0);
}

HemeraShardMessage *
probe_message (Probe *self, HemeraShardMessageType type, guint n)
{
  for (guint i = 0; i < self->messages->len; i++) {
    HemeraSaid *said = hemera__said_peek (g_ptr_array_index (self->messages, i));
    HemeraDelivery *delivery = hemera__delivery_peek (g_ptr_array_index (self->messages, i));
    HemeraShardMessage *message = said != NULL ? said->message : delivery != NULL ? delivery->message : NULL;

    if (message != NULL && message->type == type && n-- == 0)
      return message;
  }
  return NULL;
}

/* ---- the tree ------------------------------------------------------------------------------------------------ */

void
rig_init (Rig *self, guint shards, guint max_concurrency, guint remaining)
{
  HemeraGatewayBot *bot =
      hemera__gateway_bot_new ("wss://gateway.test", shards, 1000, remaining, 86400000, max_concurrency);
  HemeraGatewayConfig config;

  *self = (Rig){ .system = hemera__system_new_simulated (1) };
  self->probes = g_ptr_array_new_with_free_func (probe_free);
  self->subscribers = hemera__subscribers_new ();
  self->facade = rig_probe (self);
  hemera__gateway_config_init (&config);
  config.cool_down_ms = 10000;
  config.subscription_credit = 4;
  self->tree = hemera__tree_new (self->system, &config, bot, "", self->facade->pid, self->subscribers);
  hemera__gateway_config_clear (&config);
  hemera_gateway_bot_unref (bot);
}

void
rig_clear (Rig *self)
{
  hemera_system_unref (self->system);
  hemera__tree_unref (self->tree);
  hemera__subscribers_unref (self->subscribers);
  g_ptr_array_unref (self->probes);
}

void
rig_run (Rig *self)
{
  hemera__system_run_until_idle (self->system);
}

void
rig_advance (Rig *self, gint64 ms)
{
  hemera__system_advance (self->system, ms * 1000);
  rig_run (self);
}

HemeraPid
rig_spawn (Rig *self, const HemeraActorClass *actor_class, const char *name)
{
  const HemeraTreeArgs args = { self->tree, 0 };
  HemeraPid pid = hemera_system_spawn (
      self->system,
      &(HemeraSpawn){ .actor_class = actor_class, .args = hemera__tree_args (&args), .name = name });

  rig_run (self);
  return pid;
}

HemeraPid
rig_spawn_server (Rig *self, const HemeraServerClass *server_class, const char *name)
{
  const HemeraTreeArgs args = { self->tree, 0 };
  HemeraSpawn spawn = hemera_server_spawn (server_class);
  HemeraPid pid;

  spawn.args = hemera__tree_args (&args);
  spawn.name = name;
  pid = hemera_system_spawn (self->system, &spawn);
  rig_run (self);
  return pid;
}

HemeraSubscriber *
rig_subscribe (Rig *self, Probe *probe, HemeraSubscriberKind kind, const char *name)
{
  HemeraSubscriber *subscriber =
      hemera__subscriber_new (kind, name, NULL, self->tree->config.subscription_credit);

  subscriber->pid = probe->pid;
  hemera__subscribers_add (self->subscribers, subscriber);
  hemera__subscriber_unref (subscriber); /* the set keeps it */
  return subscriber;
}

void
rig_dispatch (Rig *self, HemeraPid gateway, guint index, guint serial, guint64 seq)
{
  g_autofree char *text =
      g_strdup_printf ("{\"op\":0,\"t\":\"TYPING_START\",\"s\":%" G_GUINT64_FORMAT ",\"d\":{}}", seq);
  HemeraTerm *payload = hemera_term_new_from_json (text, strlen (text), NULL, NULL);
  HemeraEvent *event =
      hemera__event_new (self->tree->slots[index].shard, 1, seq, HEMERA_ENCODING_JSON, payload,
                         hemera_view_get (hemera_term_view (payload), "d"), "TYPING_START", 12);

  hemera__dispatch_send (gateway, &(HemeraDispatch){ index, serial, seq, event });
  rig_run (self);
}

void
rig_say (Rig *self, HemeraPid gateway, HemeraShardMessage *message)
{
  hemera__said_send (gateway, &(HemeraSaid){ message });
  rig_run (self);
}

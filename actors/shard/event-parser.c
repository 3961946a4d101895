/* The event parser's actor. It starts only once there is a gateway actor to hand on to, and ends with it. See event-parser.h. */
#include "event-parser.h"

#include "../events/event-internal.h"
#include "../tree/messages.h"
#include "../tree/tree.h"
#include <hemera/term-builder.h>

#define LOOK_MS 20

typedef struct {
  HemeraTree *tree;
  HemeraSlot *slot;
  guint index;
  HemeraPid gateway; /* none: it is being restarted */
  HemeraRef monitor, timer;
} Parser;

/* A restarted gateway actor takes its name a moment later than its predecessor's end is seen. Until it is there this parser is not started
 * either, so nothing can come for it. */
static void
look_for_gateway (HemeraActor *self, Parser *parser)
{
  parser->gateway = hemera_system_whereis (hemera_actor_system (self), parser->tree->gateway_name);
  if (parser->gateway.id == 0) {
    parser->timer = hemera_actor_start_timer (self, LOOK_MS, hemera_actor_self (self), NULL);
    return;
  }
  parser->monitor = hemera_actor_monitor (self, parser->gateway);
  hemera_actor_init_ack (self);
}

static HemeraNext
parser_init (HemeraActor *self, gpointer state, gconstpointer data)
{
  const HemeraTreeArgs *args = data;
  Parser *parser = state;

  parser->tree = hemera__tree_ref (args->tree);
  parser->index = args->index;
  parser->slot = &parser->tree->slots[args->index];
  hemera_actor_set_label (self, parser->slot->parser_name);
  hemera_actor_defer_init_ack (self);
  look_for_gateway (self, parser);
  return HEMERA_CONTINUE;
}

static void
dispatch (Parser *parser, HemeraEventReceived *received)
{
  HemeraDispatch dispatch = { .index = parser->index, .serial = received->serial, .seq = received->seq };

  if (hemera__subscribers_interested (parser->tree->subscribers, received->name, received->name_size))
    dispatch.event =
        hemera__event_new (parser->slot->shard, received->connection, received->seq, received->encoding,
                           received->payload, received->d, received->name, received->name_size);
  else
    hemera_term_unref (received->payload);
  hemera__dispatch_send (parser->gateway, &dispatch);
}

static void
other_op (Parser *parser, HemeraEventReceived *received)
{
  HemeraShardMessage *message = hemera__shard_message_new (HEMERA_SHARD_MESSAGE_EVENT_RECEIVED,
                                                           parser->slot->shard, received->connection, NULL);

  message->op = received->op;
  message->encoding = received->encoding;
  message->term = received->payload;
  message->d = received->d;
  hemera__said_send (parser->gateway, &(HemeraSaid){ message });
}

static HemeraNext
parser_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Parser *parser = state;
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);
  HemeraDownMessage *down = hemera_down_message_peek (message);
  HemeraEventReceived received;
  HemeraShardUp up;
  HemeraDrain drain;
  HemeraSaid said;

  if (hemera__event_received_steal (message, &received)) {
    if (received.op == HEMERA_OP_DISPATCH)
      dispatch (parser, &received);
    else
      other_op (parser, &received);
  } else if (hemera__said_steal (message, &said)) {
    hemera__said_send (parser->gateway, &said);
  } else if (hemera__shard_up_steal (message, &up)) {
    hemera__shard_up_send (parser->gateway, &up);
  } else if (hemera__drain_steal (message, &drain)) {
    hemera__drain_send (parser->gateway, &drain);
  } else if (timeout != NULL && hemera_ref_equal (timeout->ref, parser->timer)) {
    look_for_gateway (self, parser);
  } else if (down != NULL && hemera_ref_equal (down->ref, parser->monitor)) {
    return hemera_actor_stop (self, hemera_term_new ("{gateway_down, ~t}", down->reason));
  }
  return HEMERA_CONTINUE;
}

static void
parser_finalize (gpointer state)
{
  Parser *parser = state;

  g_clear_pointer (&parser->tree, hemera__tree_unref);
}

const HemeraActorClass hemera__event_parser_class = {
  .name = "hemera_event_parser",
  .state_size = sizeof (Parser),
  .init = parser_init,
  .receive = parser_receive,
  .finalize = parser_finalize,
};

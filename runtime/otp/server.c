/* HemeraServer over HemeraActor. A server class becomes an actor class whose callbacks sort messages into calls, casts and the rest;
 * the user's state stands first in the actor's state, our few fields behind it. Actor classes are made at the first spawn of a server
 * class and kept for the life of the process: there are as many as there are server classes. */
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "call.h"
#include "runtime/internal.h"

typedef struct _ServerClass ServerClass;
struct _ServerClass {
  HemeraActorClass actor; /* first: what the actor knows of us */
  HemeraServerClass server;
  gsize offset; /* of the ServerState, behind the user's state */
  ServerClass *next;
};

/* Owner only. */
typedef struct {
  gboolean continues;  /* hemera_actor_continue() was called: due before the next message */
  gboolean in_handler; /* the handler's caller will look at `continues` */
  gint64 idle_serial;  /* of the inactivity time-out that counts; 0: none */
  gint64 last_serial;
  HemeraRef idle_timer;
} ServerState;

/* Makes a server that has nothing to do look at `continues`. */
static const HemeraMessageType nudge_type = { .name = "hemera__nudge" };

/* The inactivity time-out, by its serial: one that a message has overtaken is no longer the one that counts. */
typedef struct {
  gint64 serial;
} Idle;
static const HemeraMessageType idle_type = { .name = "hemera__idle", .size = sizeof (Idle) };

static HemeraNext server_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message);

static const ServerClass *
class_of (HemeraActor *self)
{
  const HemeraActorClass *actor_class = hemera__actor_class (self);

  return actor_class->receive == server_receive ? (const ServerClass *) actor_class : NULL;
}

static ServerState *
state_of (const ServerClass *class, gpointer state)
{
  return (ServerState *) ((guint8 *) state + class->offset);
}

static HemeraNext
run_continues (HemeraActor *self, const ServerClass *class, ServerState *own, gpointer state, HemeraNext next)
{
  while (next == HEMERA_CONTINUE && own->continues) {
    own->continues = FALSE;
    if (class->server.handle_continue != NULL)
      next = class->server.handle_continue (self, state);
  }
  return next;
}

static HemeraNext
server_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  const ServerClass *class = class_of (self);
  ServerState *own = state_of (class, state);
  HemeraNext next = HEMERA_CONTINUE;

  own->in_handler = TRUE;
  if (class->server.init != NULL)
    next = class->server.init (self, state, args);
  own->in_handler = FALSE;
  if (next == HEMERA_CONTINUE && own->continues)
    hemera__actor_queue_first (self, hemera_actor_message_new (&nudge_type, NULL));
  return next;
}

/* gen_server: no message at all may come before the time-out; what comes cancels it, and it is not armed again. */
static void
end_idle (HemeraActor *self, ServerState *own)
{
  if (own->idle_serial == 0)
    return;
  own->idle_serial = 0;
  hemera_actor_cancel_timer (self, own->idle_timer);
}

static HemeraNext
handle_info (HemeraActor *self, const ServerClass *class, gpointer state, HemeraActorMessage *message)
{
  return class->server.handle_info != NULL ? class->server.handle_info (self, state, message)
                                           : HEMERA_CONTINUE;
}

static HemeraNext
handle_idle (HemeraActor *self, const ServerClass *class, gpointer state, gint64 serial)
{
  ServerState *own = state_of (class, state);
  HemeraTimeoutMessage payload = { HEMERA_REF_NONE, NULL };
  g_autoptr (HemeraActorMessage) timeout = NULL;

  if (serial != own->idle_serial)
    return HEMERA_CONTINUE;
  own->idle_serial = 0;
  timeout = hemera_actor_message_new (&hemera_timeout_message_type, &payload);
  return handle_info (self, class, state, timeout);
}

static HemeraNext
handle_call (HemeraActor *self, const ServerClass *class, gpointer state, HemeraCallMessage *call)
{
  HemeraFrom *from = hemera__from_new (call->from, call->ref);
  g_autoptr (HemeraActorMessage) request = g_steal_pointer (&call->request);
  g_autoptr (GError) error = NULL;

  if (class->server.handle_call != NULL)
    return class->server.handle_call (self, state, from, request);
  error = g_error_new (HEMERA_ERROR, HEMERA_ERROR_BAD_CALL, "%s takes no calls", class->server.name);
  hemera_from_reply_error (from, error);
  return HEMERA_CONTINUE;
}

static HemeraNext
dispatch (HemeraActor *self, const ServerClass *class, gpointer state, HemeraActorMessage *message)
{
  const HemeraMessageType *type = hemera_actor_message_type (message);
  gpointer payload = hemera_actor_message_payload (message);

  if (type == &nudge_type)
    return HEMERA_CONTINUE;
  if (type == &idle_type)
    return handle_idle (self, class, state, ((Idle *) payload)->serial);
  end_idle (self, state_of (class, state));
  if (type == &hemera__call_type)
    return handle_call (self, class, state, payload);
  if (type == &hemera__cast_type) {
    g_autoptr (HemeraActorMessage) cast = g_steal_pointer (&((HemeraCastMessage *) payload)->message);

    return class->server.handle_cast != NULL ? class->server.handle_cast (self, state, cast)
                                             : HEMERA_CONTINUE;
  }
  if (type == &hemera__stop_type)
    return hemera_actor_stop (self, g_steal_pointer (&((HemeraStopMessage *) payload)->reason));
  return handle_info (self, class, state, message);
}

static HemeraNext
server_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  const ServerClass *class = class_of (self);
  ServerState *own = state_of (class, state);
  HemeraNext next;

  own->in_handler = TRUE;
  next = run_continues (self, class, own, state, HEMERA_CONTINUE);
  if (next == HEMERA_CONTINUE)
    next = dispatch (self, class, state, message);
  next = run_continues (self, class, own, state, next);
  own->in_handler = FALSE;
  return next;
}

/* All server classes spawned so far, newest first. Pushed with release, read with acquire, never taken off. */
static _Atomic (ServerClass *) classes;

static const HemeraActorClass *
actor_class_for (const HemeraServerClass *server)
{
  const gsize alignment = G_ALIGNOF (max_align_t);
  ServerClass *head = atomic_load_explicit (&classes, memory_order_acquire); /* pairs with the push below */
  ServerClass *class;

  for (class = head; class != NULL; class = class->next)
    if (memcmp (&class->server, server, sizeof *server) == 0)
      return &class->actor;

  class = g_new0 (ServerClass, 1);
  class->server = *server;
  class->offset = (server->state_size + alignment - 1) & ~(alignment - 1);
  class->actor = (HemeraActorClass){ .name = server->name,
                                     .state_size = class->offset + sizeof (ServerState),
                                     .init = server_init,
                                     .receive = server_receive,
                                     .terminate = server->terminate,
                                     .finalize = server->finalize };
  /* Two threads may push the same class at once: then there are two, and either serves. */
  do
    class->next = head;
  while (!atomic_compare_exchange_weak_explicit (&classes, &head, class, memory_order_release,
                                                 memory_order_relaxed));
  return &class->actor;
}

/**
 * hemera_server_spawn:
 * @server_class: copied
 *
 * For hemera_actor_spawn() and hemera_system_spawn(): fill in args, name, link ... of the result as usual. Any thread.
 *
 * Returns: a spawn of @server_class
 */
HemeraSpawn
hemera_server_spawn (const HemeraServerClass *server_class)
{
  HemeraSpawn spawn = { NULL };

  g_return_val_if_fail (server_class != NULL, spawn);

  spawn.actor_class = actor_class_for (server_class);
  return spawn;
}

/**
 * hemera_actor_continue:
 * @self: a server
 *
 * `{continue, _}`: handle_continue runs when this callback returns, before any message. From init: after the starter was told.
 */
void
hemera_actor_continue (HemeraActor *self)
{
  const ServerClass *class = class_of (self);
  ServerState *own;

  g_return_if_fail (class != NULL);

  own = state_of (class, hemera_actor_state (self));
  if (own->continues)
    return;
  own->continues = TRUE;
  if (!own->in_handler) /* a source of the actor */
    hemera_send (hemera_actor_self (self), hemera_actor_message_new (&nudge_type, NULL));
}

/**
 * hemera_actor_set_idle_timeout:
 * @self: a server
 * @ms: milliseconds from now
 *
 * A number as the last element of gen_server's return: if no message at all comes in this time, handle_info gets a #HemeraTimeoutMessage
 * without a reference, once. Any message cancels it.
 */
void
hemera_actor_set_idle_timeout (HemeraActor *self, guint ms)
{
  const ServerClass *class = class_of (self);
  ServerState *own;
  Idle idle;

  g_return_if_fail (class != NULL);

  own = state_of (class, hemera_actor_state (self));
  end_idle (self, own);
  own->idle_serial = ++own->last_serial;
  idle.serial = own->idle_serial;
  own->idle_timer = hemera_actor_send_after (self, ms, hemera_actor_self (self),
                                             hemera_actor_message_new (&idle_type, &idle));
}

/* HemeraActorMessage: one message in a mailbox: a declared type and its payload. Sending moves the payload; a small one (up to 128
 * bytes) costs no malloc in the steady state. One owner at a time; any thread. */
#pragma once

#include <gio/gio.h>
#include <hemera/pid.h>
#include <hemera/term.h>

G_BEGIN_DECLS

typedef struct _HemeraActorMessage HemeraActorMessage;

/**
 * HemeraMessageType:
 * @name: unique, for logs and introspection
 * @size: bytes of the payload struct
 * @clear: (nullable): frees what the payload holds (not the payload itself)
 * @copy: (nullable): makes @dest, uninitialised, a copy of @src; %NULL: local only, never copied
 * @to_term: (nullable): (transfer full): term form, for nodes, traces and logs
 * @from_term: (nullable): fills a zeroed payload; FALSE with @error set
 *
 * A message type, declared once, static const.
 */
typedef struct {
  const char *name;
  gsize size;
  void (*clear) (gpointer payload);
  void (*copy) (gpointer dest, gconstpointer src);
  HemeraTerm *(*to_term) (gconstpointer payload);
  gboolean (*from_term) (gpointer payload, HemeraView term, GError **error);
} HemeraMessageType;

/* A message that takes over @payload's bytes (a shallow move of type->size bytes; NULL: zeroed). (transfer full) */
HEMERA_API HemeraActorMessage *
hemera_actor_message_new (const HemeraMessageType *type, gconstpointer payload);
/* Clears the payload, unless it was stolen, and frees. @self: (nullable) */
HEMERA_API void hemera_actor_message_free (HemeraActorMessage *self);
/* (transfer none) */
HEMERA_API const HemeraMessageType *hemera_actor_message_type (const HemeraActorMessage *self);
/* (transfer none): the payload, whatever its type; owned by the message. */
HEMERA_API gpointer hemera_actor_message_payload (HemeraActorMessage *self);
/* (transfer none) (nullable): the payload if the message is of @type and was not stolen. */
HEMERA_API gpointer hemera_actor_message_peek (HemeraActorMessage *self, const HemeraMessageType *type);
/* Moves the payload to @payload and leaves the message empty (it is still to be freed; inside a handler the runtime does that).
 * FALSE when it is of another type or empty already. */
HEMERA_API gboolean hemera_actor_message_steal (HemeraActorMessage *self, const HemeraMessageType *type,
                                                gpointer payload);

/* In a header: NAME_type, NAME_new(), NAME_send(), NAME_peek(), NAME_steal(), as the functions above, with the payload's own type. */
#define HEMERA_DECLARE_MESSAGE(Type, name)                                                                   \
  extern const HemeraMessageType name##_type;                                                                \
  G_GNUC_UNUSED static inline HemeraActorMessage *name##_new (const Type *payload)                           \
  {                                                                                                          \
    return hemera_actor_message_new (&name##_type, payload);                                                 \
  }                                                                                                          \
  G_GNUC_UNUSED static inline void name##_send (HemeraPid to, const Type *payload)                           \
  {                                                                                                          \
    hemera_send (to, hemera_actor_message_new (&name##_type, payload));                                      \
  }                                                                                                          \
  G_GNUC_UNUSED static inline Type *name##_peek (HemeraActorMessage *message)                                \
  {                                                                                                          \
    return (Type *) hemera_actor_message_peek (message, &name##_type);                                       \
  }                                                                                                          \
  G_GNUC_UNUSED static inline gboolean name##_steal (HemeraActorMessage *message, Type *payload)             \
  {                                                                                                          \
    return hemera_actor_message_steal (message, &name##_type, payload);                                      \
  }

/* In one C file, behind HEMERA_DECLARE_MESSAGE(): the type that it declares. Functions may be NULL: see #HemeraMessageType. */
#define HEMERA_DEFINE_MESSAGE(Type, prefix, copy_func, clear_func, to_term_func, from_term_func)             \
  const HemeraMessageType prefix##_type = { .name = #prefix,                                                 \
                                            .size = sizeof (Type),                                           \
                                            .clear = clear_func,                                             \
                                            .copy = copy_func,                                               \
                                            .to_term = to_term_func,                                         \
                                            .from_term = from_term_func }

/**
 * hemera_send:
 * @to: any pid
 * @message: (transfer full): moved
 *
 * Any thread; never blocks, never fails: a message to a pid that names nobody is dropped (Erlang reference manual, "Sending Signals").
 * Sent from inside an actor, signals of that actor to one receiver arrive in the order sent.
 */
HEMERA_API void hemera_send (HemeraPid to, HemeraActorMessage *message);

/* ---- messages that the runtime itself sends ----------------------------------------------------------------------------------- */

/* A bare term, for small uses. */
typedef struct {
  HemeraTerm *term; /* owned */
} HemeraTermMessage;
HEMERA_API const HemeraMessageType hemera_term_message_type;
#define hemera_term_message_peek(message)                                                                    \
  ((HemeraTermMessage *) hemera_actor_message_peek ((message), &hemera_term_message_type))

/* {'EXIT', From, Reason}: only when trap_exit is on. */
typedef struct {
  HemeraPid from;     /* HEMERA_PID_NONE: from outside of the actors */
  HemeraTerm *reason; /* owned */
} HemeraExitMessage;
HEMERA_API const HemeraMessageType hemera_exit_message_type;
#define hemera_exit_message_peek(message)                                                                    \
  ((HemeraExitMessage *) hemera_actor_message_peek ((message), &hemera_exit_message_type))

/* {'DOWN', Ref, process, Object, Reason}; @name is set when monitored by name. */
typedef struct {
  HemeraRef ref;
  HemeraPid pid;
  const char *name;   /* (nullable): interned, never freed */
  HemeraTerm *reason; /* owned */
} HemeraDownMessage;
HEMERA_API const HemeraMessageType hemera_down_message_type;
#define hemera_down_message_peek(message)                                                                    \
  ((HemeraDownMessage *) hemera_actor_message_peek ((message), &hemera_down_message_type))

/* {timeout, Ref, Message}: of hemera_actor_start_timer(). */
typedef struct {
  HemeraRef ref;
  HemeraActorMessage *message; /* (nullable): owned; steal it by setting it NULL */
} HemeraTimeoutMessage;
HEMERA_API const HemeraMessageType hemera_timeout_message_type;
#define hemera_timeout_message_peek(message)                                                                 \
  ((HemeraTimeoutMessage *) hemera_actor_message_peek ((message), &hemera_timeout_message_type))

/* A GIO operation ended (hemera_actor_ready()): give @result to its _finish function. */
typedef struct {
  guint tag;
  GObject *source_object; /* (nullable): owned */
  GAsyncResult *result;   /* owned */
} HemeraReadyMessage;
HEMERA_API const HemeraMessageType hemera_ready_message_type;
#define hemera_ready_message_peek(message)                                                                   \
  ((HemeraReadyMessage *) hemera_actor_message_peek ((message), &hemera_ready_message_type))

/* An actor spawned with @ack_to has ended its init: started, or not with the reason (HEMERA_IGNORE: @ignored). */
typedef struct {
  HemeraRef ref;
  HemeraPid pid;
  gboolean ignored;
  HemeraTerm *reason; /* (nullable): owned: why init failed; NULL: started */
} HemeraStartedMessage;
HEMERA_API const HemeraMessageType hemera_started_message_type;
#define hemera_started_message_peek(message)                                                                 \
  ((HemeraStartedMessage *) hemera_actor_message_peek ((message), &hemera_started_message_type))

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraActorMessage, hemera_actor_message_free)

G_END_DECLS

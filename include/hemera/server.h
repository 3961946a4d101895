/* HemeraServer: OTP's gen_server: calls with an answer, casts, info. A server is an actor whose class is a HemeraServerClass.
 *
 *   static HemeraNext
 *   counter_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
 *   {
 *     Counter *counter = state;
 *     Count *count = count_peek (request);
 *     g_autoptr (GError) error = NULL;
 *
 *     if (count != NULL) {
 *       hemera_from_reply (from, total_new (&(Total){ counter->value += count->by }));
 *     } else {
 *       error = g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_BAD_CALL, "only counts are known");
 *       hemera_from_reply_error (from, error);
 *     }
 *     return HEMERA_CONTINUE;
 *   }
 *
 *   static const HemeraServerClass counter_class = { .name = "counter", .state_size = sizeof (Counter), .handle_call = counter_call };
 *
 *   HemeraSpawn spawn = hemera_server_spawn (&counter_class);
 *   HemeraPid pid = hemera_system_spawn (system, &spawn);
 *   hemera_server_call_async (system, pid, count_new (&(Count){ 1 }), 0, NULL, on_total, NULL);
 */
#pragma once

#include <hemera/actor.h>

G_BEGIN_DECLS

/**
 * HEMERA_ERROR:
 *
 * Why a call has no answer.
 */
#define HEMERA_ERROR (hemera_error_quark ())
HEMERA_API GQuark hemera_error_quark (void);
typedef enum {
  HEMERA_ERROR_NOPROC,  /* nobody there, or not yet: a name between its server's crash and restart */
  HEMERA_ERROR_TIMEOUT, /* the request is not withdrawn */
  HEMERA_ERROR_DOWN,    /* the server ended meanwhile; the message has its reason */
  HEMERA_ERROR_CALLING_SELF,
  HEMERA_ERROR_BAD_CALL, /* the server does not know this request */
} HemeraError;

/* Who asked: to be answered once, now or later, from any actor or thread. */
typedef struct _HemeraFrom HemeraFrom;

/**
 * HemeraServerClass:
 * @name: for logs
 * @state_size: bytes of the state, zeroed before @init
 *
 * What a server does; any callback may be %NULL. Without @handle_call calls are answered with HEMERA_ERROR_BAD_CALL; casts and all else
 * are dropped then. A request whose type it does not know (peek gives NULL) a server answers so itself, with hemera_from_reply_error().
 * Copied when it is spawned.
 */
typedef struct {
  const char *name;
  gsize state_size;
  HemeraNext (*init) (HemeraActor *self, gpointer state, gconstpointer args); /* as in HemeraActorClass */
  /* After init and before any message, when init called hemera_actor_continue(). */
  HemeraNext (*handle_continue) (HemeraActor *self, gpointer state);
  /* @from: (transfer full): hemera_from_reply() now or later. @request: (transfer none) */
  HemeraNext (*handle_call) (HemeraActor *self, gpointer state, HemeraFrom *from,
                             HemeraActorMessage *request);
  /* @message: (transfer none): steal the payload to keep it */
  HemeraNext (*handle_cast) (HemeraActor *self, gpointer state, HemeraActorMessage *message);
  /* All else: DOWN, EXIT, timeouts, GIO results, plain sends, replies. @message: (transfer none) */
  HemeraNext (*handle_info) (HemeraActor *self, gpointer state, HemeraActorMessage *message);
  /* As in HemeraActorClass. For OTP's `{stop, Reason, Reply, State}` keep the from, return HEMERA_STOP and reply here. */
  void (*terminate) (HemeraActor *self, gpointer state, HemeraTerm *reason);
  /* As in HemeraActorClass; frees the froms that were kept. Makes and cancels no calls. */
  void (*finalize) (gpointer state);
} HemeraServerClass;

/* A HemeraSpawn for a server: fill in args, name, link ... of the result as usual. @server_class is copied. Any thread. */
HEMERA_API HemeraSpawn hemera_server_spawn (const HemeraServerClass *server_class);

/* `{continue, _}`: handle_continue runs when this callback has returned, before any message. For the server itself. */
HEMERA_API void hemera_actor_continue (HemeraActor *self);
/* gen_server's inactivity time-out: handle_info gets a #HemeraTimeoutMessage without a reference, once, if no message at all comes in @ms
 * milliseconds. For the server itself. */
HEMERA_API void hemera_actor_set_idle_timeout (HemeraActor *self, guint ms);
/* gen_server:stop() without the wait (monitor @to for that). @reason: (transfer none) (nullable): NULL is `normal`. Any thread. */
HEMERA_API void hemera_server_stop (HemeraPid to, HemeraTerm *reason);

/* The answer. Any thread, also from another actor. @from: (transfer full): freed. @reply: (transfer full) (nullable) */
HEMERA_API void hemera_from_reply (HemeraFrom *from, HemeraActorMessage *reply);
/* Answers with an error: the caller's _finish sets it. @from: (transfer full). @error: (transfer none) */
HEMERA_API void hemera_from_reply_error (HemeraFrom *from, const GError *error);
/* Who asked: an actor; for hemera_server_call_async() one that calls for its thread. */
HEMERA_API HemeraPid hemera_from_pid (HemeraFrom *from);
/* Not answered: the caller waits on for its time-out or the server's end. For finalize, mostly. @from: (nullable) */
HEMERA_API void hemera_from_free (HemeraFrom *from);

/* To handle_cast; no answer, no error. @message: (transfer full). Any thread. */
HEMERA_API void hemera_server_cast (HemeraPid to, HemeraActorMessage *message);

/* From inside an actor, server or not: the answer comes as a #HemeraReplyMessage with the reference, once, and never before this returns.
 * @request: (transfer full). @timeout_ms: -1 never, 0 means 5000; the request is not withdrawn when it is over. */
HEMERA_API HemeraRef hemera_actor_call (HemeraActor *self, HemeraPid to, HemeraActorMessage *request,
                                        int timeout_ms);
/* No reply of @ref is delivered any more, not even one in the queue. The request is not withdrawn. */
HEMERA_API void hemera_actor_cancel_call (HemeraActor *self, HemeraRef ref);
/* How a call of an actor ended. */
typedef struct {
  HemeraRef ref;
  HemeraActorMessage *reply; /* (nullable): owned; steal it by setting it NULL */
  GError *error;             /* (nullable): owned: there is no answer; HEMERA_ERROR, or the server's own */
} HemeraReplyMessage;
HEMERA_API const HemeraMessageType hemera_reply_message_type;
#define hemera_reply_message_peek(message)                                                                   \
  ((HemeraReplyMessage *) hemera_actor_message_peek ((message), &hemera_reply_message_type))

/**
 * hemera_server_call_async:
 * @system: the system of @to
 * @request: (transfer full)
 * @timeout_ms: milliseconds, 0 for 5000, -1 for never
 * @cancellable: (nullable)
 * @callback: (scope async)
 *
 * gen_server:call() from any thread with a main context. @callback comes in the caller's thread-default context, never before this
 * returns. Requests of one thread reach @to in the order of their calls. Cancelling ends the wait, not the request.
 */
HEMERA_API void
hemera_server_call_async (HemeraSystem *system, HemeraPid to, HemeraActorMessage *request, int timeout_ms,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full) (nullable): the reply. NULL with @error set: HEMERA_ERROR, the server's own error, G_IO_ERROR_CANCELLED, or
 * G_IO_ERROR_TOO_MANY_OPEN_FILES when there was no descriptor for the answer. NULL without: the server answered so. */
HEMERA_API HemeraActorMessage *hemera_server_call_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraFrom, hemera_from_free)

G_END_DECLS

/* Calls of an actor in flight. hemera_actor_call() is OTP's gen_server:call without the blocking: a monitor, whose reference names the
 * call, the request, and a timer. A filter in front of the actor's receive knows which references are still awaited: it lets one
 * reply through, makes replies of time-outs and DOWNs, and drops what comes late, so that no handler ever sees an answer twice or
 * one it no longer waits for (an alias that dies on demonitor, in OTP's words). Works for every actor, server or not. Owner only. */
#include "call.h"
#include "runtime/internal.h"

/* OTP's default. */
#define DEFAULT_TIMEOUT_MS 5000

typedef struct {
  HemeraRef ref;     /* of the monitor, and of the call; its id is the key */
  HemeraRef timer;   /* none: no time-out */
  gboolean monitors; /* FALSE: a call to itself, which has none */
} Call;

/* A call's time is up. */
typedef struct {
  HemeraRef ref;
} CallTimeout;
static const HemeraMessageType call_timeout_type = { .name = "hemera__call_timeout",
                                                     .size = sizeof (CallTimeout) };

static Call *
find_call (GHashTable *calls, HemeraRef ref)
{
  Call *call = g_hash_table_lookup (calls, &ref.id);

  return call != NULL && hemera_ref_equal (call->ref, ref) ? call : NULL;
}

/* The call is over, however it ended: nothing of it may reach the handlers any more. */
static void
end_call (HemeraActor *self, GHashTable *calls, Call *call)
{
  if (call->timer.id != 0)
    hemera_actor_cancel_timer (self, call->timer);
  if (call->monitors)
    hemera_actor_demonitor (self, call->ref, TRUE);
  g_hash_table_remove (calls, &call->ref.id);
}

static HemeraActorMessage *
new_failure (HemeraRef ref, GError *error)
{
  HemeraReplyMessage reply = { .ref = ref, .error = error };

  return hemera_actor_message_new (&hemera_reply_message_type, &reply);
}

/* OTP's exits of gen_server:call: noproc when nobody was there, else the server's own reason. */
static GError *
error_of_down (HemeraTerm *reason)
{
  HemeraView view = hemera_term_view (reason);
  g_autofree char *text = NULL;

  if (hemera_view_is_atom (view, "noproc"))
    return g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_NOPROC, "No such server");
  text = hemera_view_to_string (view);
  return g_error_new (HEMERA_ERROR, HEMERA_ERROR_DOWN, "The server ended: %s", text);
}

static HemeraActorMessage *
filter_message (HemeraActor *self, gpointer data, HemeraActorMessage *message)
{
  GHashTable *calls = data;
  const HemeraMessageType *type = hemera_actor_message_type (message);
  HemeraActorMessage *result = NULL;

  if (type == &hemera_reply_message_type) {
    HemeraReplyMessage *reply = hemera_actor_message_payload (message);
    Call *call = find_call (calls, reply->ref);

    if (call != NULL) {
      end_call (self, calls, call);
      return message;
    }
  } else if (type == &call_timeout_type) {
    CallTimeout *timeout = hemera_actor_message_payload (message);
    Call *call = find_call (calls, timeout->ref);

    if (call != NULL) {
      call->timer = HEMERA_REF_NONE;
      result = new_failure (call->ref,
                            g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_TIMEOUT, "No answer in time"));
      end_call (self, calls, call);
    }
  } else if (type == &hemera_down_message_type) {
    HemeraDownMessage *down = hemera_actor_message_payload (message);
    Call *call = find_call (calls, down->ref);

    if (call == NULL)
      return message;
    call->monitors = FALSE;
    result = new_failure (call->ref, error_of_down (down->reason));
    end_call (self, calls, call);
  } else
    return message;
  hemera_actor_message_free (message);
  return result;
}

static void
free_calls (gpointer data)
{
  g_hash_table_unref (data);
}

static GHashTable *
ensure_calls (HemeraActor *self)
{
  GHashTable *calls = hemera__actor_filter_data (self);

  if (calls == NULL) {
    calls = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
    hemera__actor_set_filter (self, filter_message, calls, free_calls);
  }
  return calls;
}

/**
 * hemera_actor_call:
 * @self: the actor that asks
 * @to: the server
 * @request: (transfer full)
 * @timeout_ms: milliseconds; 0: 5000; -1: never
 *
 * gen_server:call() without the blocking: a #HemeraReplyMessage with the returned reference comes, once, with the reply or an error of
 * #HemeraError. The request is not withdrawn by a time-out. Never answers before this returns.
 */
HemeraRef
hemera_actor_call (HemeraActor *self, HemeraPid to, HemeraActorMessage *request, int timeout_ms)
{
  HemeraPid me;
  GHashTable *calls;
  Call *call;

  g_return_val_if_fail (self != NULL && request != NULL, HEMERA_REF_NONE);

  me = hemera_actor_self (self);
  calls = ensure_calls (self);
  call = g_new0 (Call, 1);
  if (hemera_pid_equal (me, to)) {
    call->ref = hemera_ref_new ();
    hemera_actor_message_free (request);
    hemera_send (me, new_failure (call->ref, g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_CALLING_SELF,
                                                                  "An actor cannot call itself")));
  } else {
    HemeraCallMessage message;

    call->ref = hemera_actor_monitor (self, to);
    call->monitors = TRUE;
    message = (HemeraCallMessage){ .from = me, .ref = call->ref, .request = request };
    hemera_send (to, hemera_actor_message_new (&hemera__call_type, &message));
    if (timeout_ms >= 0) {
      CallTimeout timeout = { .ref = call->ref };

      call->timer = hemera_actor_send_after (self, timeout_ms == 0 ? DEFAULT_TIMEOUT_MS : (guint) timeout_ms,
                                             me, hemera_actor_message_new (&call_timeout_type, &timeout));
    }
  }
  g_hash_table_insert (calls, &call->ref.id, call);
  return call->ref;
}

/**
 * hemera_actor_cancel_call:
 * @self: the actor that asked
 * @ref: a call, over or not
 *
 * Ends the wait, not the request: no reply of @ref is delivered any more, not even one in the queue.
 */
void
hemera_actor_cancel_call (HemeraActor *self, HemeraRef ref)
{
  GHashTable *calls;
  Call *call;

  g_return_if_fail (self != NULL);

  calls = hemera__actor_filter_data (self);
  call = calls != NULL ? find_call (calls, ref) : NULL;
  if (call != NULL)
    end_call (self, calls, call);
}

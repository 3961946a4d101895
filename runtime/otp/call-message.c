/* The messages of calls, casts and replies, and HemeraFrom, the right to answer one call. A reply is sent to whoever asked and names
 * the call by its reference; whether anybody still waits is decided where it arrives. Any thread. */
#include "call.h"

static void
clear_call (gpointer payload)
{
  HemeraCallMessage *call = payload;

  g_clear_pointer (&call->request, hemera_actor_message_free);
}

HEMERA_DEFINE_MESSAGE (HemeraCallMessage, hemera__call, NULL, clear_call, NULL, NULL);

static void
clear_cast (gpointer payload)
{
  HemeraCastMessage *cast = payload;

  g_clear_pointer (&cast->message, hemera_actor_message_free);
}

HEMERA_DEFINE_MESSAGE (HemeraCastMessage, hemera__cast, NULL, clear_cast, NULL, NULL);

static void
clear_stop (gpointer payload)
{
  HemeraStopMessage *stop = payload;

  g_clear_pointer (&stop->reason, hemera_term_unref);
}

HEMERA_DEFINE_MESSAGE (HemeraStopMessage, hemera__stop, NULL, clear_stop, NULL, NULL);

static void
clear_reply (gpointer payload)
{
  HemeraReplyMessage *reply = payload;

  g_clear_pointer (&reply->reply, hemera_actor_message_free);
  g_clear_error (&reply->error);
}

HEMERA_DEFINE_MESSAGE (HemeraReplyMessage, hemera_reply_message, NULL, clear_reply, NULL, NULL);

struct _HemeraFrom {
  HemeraPid pid;
  HemeraRef ref;
};

HemeraFrom *
hemera__from_new (HemeraPid pid, HemeraRef ref)
{
  HemeraFrom *self = g_new (HemeraFrom, 1);

  self->pid = pid;
  self->ref = ref;
  return self;
}

/**
 * hemera_from_free:
 * @self: (transfer full): not answered
 *
 * Gives up the answer: the caller waits on for its time-out, or for the server's end. Any thread.
 */
void
hemera_from_free (HemeraFrom *self)
{
  g_free (self);
}

HemeraPid
hemera_from_pid (HemeraFrom *self)
{
  g_return_val_if_fail (self != NULL, HEMERA_PID_NONE);

  return self->pid;
}

static void
answer (HemeraFrom *self, HemeraActorMessage *reply, GError *error)
{
  HemeraReplyMessage message = { .ref = self->ref, .reply = reply, .error = error };

  hemera_send (self->pid, hemera_actor_message_new (&hemera_reply_message_type, &message));
  g_free (self);
}

/**
 * hemera_from_reply:
 * @self: (transfer full): freed
 * @reply: (transfer full) (nullable): the answer
 *
 * Answers a call, once. Any thread. OTP's `{stop, Reason, Reply, State}` is: keep @self, return HEMERA_STOP, reply in terminate.
 */
void
hemera_from_reply (HemeraFrom *self, HemeraActorMessage *reply)
{
  g_return_if_fail (self != NULL);

  answer (self, reply, NULL);
}

/**
 * hemera_from_reply_error:
 * @self: (transfer full): freed
 * @error: (transfer none): copied
 *
 * Answers a call with an error, once. Any thread.
 */
void
hemera_from_reply_error (HemeraFrom *self, const GError *error)
{
  g_return_if_fail (self != NULL);
  g_return_if_fail (error != NULL);

  answer (self, NULL, g_error_copy (error));
}

/**
 * hemera_server_cast:
 * @to: a server
 * @message: (transfer full)
 *
 * gen_server:cast(): comes to handle_cast; never fails. Any thread.
 */
void
hemera_server_cast (HemeraPid to, HemeraActorMessage *message)
{
  HemeraCastMessage cast = { .message = message };

  g_return_if_fail (message != NULL);

  hemera_send (to, hemera_actor_message_new (&hemera__cast_type, &cast));
}

/**
 * hemera_server_stop:
 * @to: a server or supervisor
 * @reason: (transfer none) (nullable): NULL is `normal`
 *
 * gen_server:stop() without the wait: what is in the mailbox comes first, then terminate runs. Monitor @to to know when it has ended.
 * Any thread.
 */
void
hemera_server_stop (HemeraPid to, HemeraTerm *reason)
{
  HemeraStopMessage stop = { .reason = hemera_term_ref (reason != NULL ? reason : hemera_reason_normal ()) };

  hemera_send (to, hemera_actor_message_new (&hemera__stop_type, &stop));
}

/* What one asks a supervisor, what it answers, and what it tells its observer. Any thread. */
#include "supervisor-internal.h"

/* ---- requests ------------------------------------------------------------------------------------------------------------------ */

static void
clear_request (gpointer payload)
{
  HemeraSupervisorRequest *request = payload;

  g_clear_pointer (&request->spec, hemera_supervisor_spec_free);
  g_clear_pointer (&request->id, g_free);
}

HEMERA_DEFINE_MESSAGE (HemeraSupervisorRequest, hemera__supervisor_request, NULL, clear_request, NULL, NULL);
HEMERA_DEFINE_MESSAGE (HemeraChildIsStable, hemera__child_is_stable, NULL, NULL, NULL, NULL);
HEMERA_DEFINE_MESSAGE (HemeraTryAgain, hemera__try_again, NULL, NULL, NULL, NULL);

static HemeraActorMessage *
new_request (HemeraSupervisorVerb verb, HemeraSupervisorSpec *spec, const char *id)
{
  HemeraSupervisorRequest request = { .verb = verb, .spec = spec, .id = g_strdup (id) };

  return hemera_actor_message_new (&hemera__supervisor_request_type, &request);
}

/**
 * hemera_supervisor_start_child:
 * @spec: copied, with its args
 *
 * supervisor:start_child/2. A failed start keeps no spec.
 *
 * Returns: (transfer full): a request; the reply is a #HemeraSupervisorReply
 */
HemeraActorMessage *
hemera_supervisor_start_child (const HemeraChildSpec *spec)
{
  HemeraSupervisorSpec one = { .children = spec, .n_children = 1 };

  g_return_val_if_fail (spec != NULL, NULL);

  return new_request (HEMERA__START_CHILD, hemera_supervisor_spec_copy (&one), NULL);
}

/**
 * hemera_supervisor_terminate_child:
 * @id: a child
 *
 * supervisor:terminate_child/2: stops it, or its restart attempts; its spec stays (temporary: goes).
 *
 * Returns: (transfer full): a request; the reply is a #HemeraSupervisorReply
 */
HemeraActorMessage *
hemera_supervisor_terminate_child (const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  return new_request (HEMERA__TERMINATE_CHILD, NULL, id);
}

/**
 * hemera_supervisor_restart_child:
 * @id: a child that is stopped
 *
 * supervisor:restart_child/2.
 *
 * Returns: (transfer full): a request; the reply is a #HemeraSupervisorReply
 */
HemeraActorMessage *
hemera_supervisor_restart_child (const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  return new_request (HEMERA__RESTART_CHILD, NULL, id);
}

/**
 * hemera_supervisor_delete_child:
 * @id: a child that is stopped
 *
 * supervisor:delete_child/2: its spec goes.
 *
 * Returns: (transfer full): a request; the reply is a #HemeraSupervisorReply
 */
HemeraActorMessage *
hemera_supervisor_delete_child (const char *id)
{
  g_return_val_if_fail (id != NULL, NULL);

  return new_request (HEMERA__DELETE_CHILD, NULL, id);
}

/* Returns: (transfer full): a request; the reply is a #HemeraSupervisorChildren */
HemeraActorMessage *
hemera_supervisor_which_children (void)
{
  return new_request (HEMERA__WHICH_CHILDREN, NULL, NULL);
}

/* Returns: (transfer full): a request; the reply is a #HemeraSupervisorCount */
HemeraActorMessage *
hemera_supervisor_count_children (void)
{
  return new_request (HEMERA__COUNT_CHILDREN, NULL, NULL);
}

/**
 * hemera_supervisor_child_is_stable:
 * @child: a running child; another pid changes nothing
 *
 * Returns: (transfer full): a message for hemera_server_cast() or hemera_send()
 */
HemeraActorMessage *
hemera_supervisor_child_is_stable (HemeraPid child)
{
  HemeraChildIsStable stable = { child };

  return hemera_actor_message_new (&hemera__child_is_stable_type, &stable);
}

/* ---- replies ------------------------------------------------------------------------------------------------------------------- */

static void
clear_reply (gpointer payload)
{
  HemeraSupervisorReply *reply = payload;

  g_clear_pointer (&reply->result, hemera_term_unref);
}

HEMERA_DEFINE_MESSAGE (HemeraSupervisorReply, hemera_supervisor_reply, NULL, clear_reply, NULL, NULL);

void
hemera__supervisor_reply (HemeraFrom *from, HemeraPid pid, HemeraTerm *result)
{
  HemeraSupervisorReply reply = { .pid = pid, .result = result };

  hemera_from_reply (from, hemera_actor_message_new (&hemera_supervisor_reply_type, &reply));
}

static void
clear_children (gpointer payload)
{
  HemeraSupervisorChildren *children = payload;

  g_clear_pointer (&children->children, g_array_unref);
}

HEMERA_DEFINE_MESSAGE (HemeraSupervisorChildren, hemera_supervisor_children, NULL, clear_children, NULL,
                       NULL);
HEMERA_DEFINE_MESSAGE (HemeraSupervisorCount, hemera_supervisor_count, NULL, NULL, NULL, NULL);

/* ---- events -------------------------------------------------------------------------------------------------------------------- */

static void
clear_event (gpointer payload)
{
  HemeraSupervisorEvent *event = payload;

  g_clear_pointer (&event->child, g_free);
  g_clear_pointer (&event->reason, hemera_term_unref);
}

static void
copy_event (gpointer dest, gconstpointer src)
{
  HemeraSupervisorEvent *copy = dest;
  const HemeraSupervisorEvent *event = src;

  *copy = *event;
  copy->child = g_strdup (event->child);
  copy->reason = event->reason != NULL ? hemera_term_ref (event->reason) : NULL;
}

HEMERA_DEFINE_MESSAGE (HemeraSupervisorEvent, hemera_supervisor_event, copy_event, clear_event, NULL, NULL);

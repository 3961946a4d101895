/* HemeraSupervisor: the actor. It takes one message at a time as OTP's supervisor does; while a job runs (supervisor-job.c) the others
 * wait in its backlog, in order. It traps exits; its parent's EXIT ends it, with that reason, once its children are down. */
#include <hemera/term-builder.h>

#include "restart-decision.h"
#include "supervisor-internal.h"
#include "runtime/internal.h"

/* ---- requests ------------------------------------------------------------------------------------------------------------------ */

static HemeraNext
refuse (HemeraFrom *from, HemeraPid pid, const char *reason)
{
  hemera__supervisor_reply (from, pid, hemera_term_new ("{error, ~a}", reason));
  return HEMERA_CONTINUE;
}

static HemeraNext
begin_request (HemeraSupervisor *self, HemeraJobKind kind, HemeraFrom *from, HemeraChild *child)
{
  hemera__job_begin (self, kind);
  self->job.from = from;
  g_ptr_array_add (kind == HEMERA__JOB_TERMINATE_CHILD ? self->job.stops : self->job.starts, child);
  return hemera__job_run (self);
}

static HemeraNext
handle_start_child (HemeraSupervisor *self, HemeraFrom *from, const HemeraChildSpec *spec)
{
  g_autoptr (HemeraTerm) wrong = hemera__child_spec_check (spec, self->auto_shutdown);
  HemeraChild *child;

  if (wrong != NULL) {
    hemera__supervisor_reply (from, HEMERA_PID_NONE, hemera_term_new ("{error, ~t}", wrong));
    return HEMERA_CONTINUE;
  }
  child = hemera__supervisor_find_child (self, spec->id);
  if (child != NULL)
    return refuse (from, child->pid,
                   child->status == HEMERA_CHILD_RUNNING ? "already_started" : "already_present");
  return begin_request (self, HEMERA__JOB_START_CHILD, from, hemera__supervisor_add_child (self, spec));
}

/* restart_child and delete_child want a child that is stopped. */
static HemeraNext
handle_stopped_child (HemeraSupervisor *self, HemeraFrom *from, HemeraChild *child, HemeraSupervisorVerb verb)
{
  g_assert (child != NULL); /* the request has an id */
  if (child->status == HEMERA_CHILD_RESTARTING)
    return refuse (from, HEMERA_PID_NONE, "restarting");
  if (child->status != HEMERA_CHILD_STOPPED)
    return refuse (from, child->pid, "running");
  if (verb == HEMERA__RESTART_CHILD)
    return begin_request (self, HEMERA__JOB_RESTART_CHILD, from, child);
  hemera__supervisor_remove_child (self, child);
  hemera__supervisor_reply (from, HEMERA_PID_NONE, hemera_term_new_atom ("ok"));
  return HEMERA_CONTINUE;
}

static void
clear_info (gpointer data)
{
  g_free (((HemeraChildInfo *) data)->id);
}

static HemeraNext
handle_which_children (HemeraSupervisor *self, HemeraFrom *from)
{
  HemeraSupervisorChildren reply = { g_array_sized_new (FALSE, TRUE, sizeof (HemeraChildInfo),
                                                        self->children->len) };

  g_array_set_clear_func (reply.children, clear_info);
  for (guint i = self->children->len; i-- > 0;) {
    HemeraChild *child = self->children->pdata[i];
    HemeraChildInfo info = { .id = g_strdup (child->spec.id),
                             .pid = child->pid,
                             .status = child->status,
                             .is_supervisor = child->spec.supervisor != NULL,
                             .restarts = child->restarts };

    g_array_append_val (reply.children, info);
  }
  hemera_from_reply (from, hemera_actor_message_new (&hemera_supervisor_children_type, &reply));
  return HEMERA_CONTINUE;
}

static HemeraNext
handle_count_children (HemeraSupervisor *self, HemeraFrom *from)
{
  HemeraSupervisorCount count = { .specs = self->children->len };

  for (guint i = 0; i < self->children->len; i++) {
    HemeraChild *child = self->children->pdata[i];

    count.active += child->status == HEMERA_CHILD_RUNNING && child->end == NULL;
    count.supervisors += child->spec.supervisor != NULL;
    count.workers += child->spec.supervisor == NULL;
  }
  hemera_from_reply (from, hemera_actor_message_new (&hemera_supervisor_count_type, &count));
  return HEMERA_CONTINUE;
}

static HemeraNext
handle_request (HemeraSupervisor *self, HemeraFrom *from, HemeraSupervisorRequest *request)
{
  HemeraChild *child = request->id != NULL ? hemera__supervisor_find_child (self, request->id) : NULL;

  if (request->id != NULL && child == NULL)
    return refuse (from, HEMERA_PID_NONE, "not_found");
  switch (request->verb) {
  case HEMERA__START_CHILD: return handle_start_child (self, from, request->spec->children);
  case HEMERA__TERMINATE_CHILD: return begin_request (self, HEMERA__JOB_TERMINATE_CHILD, from, child);
  case HEMERA__RESTART_CHILD:
  case HEMERA__DELETE_CHILD: return handle_stopped_child (self, from, child, request->verb);
  case HEMERA__WHICH_CHILDREN: return handle_which_children (self, from);
  case HEMERA__COUNT_CHILDREN: return handle_count_children (self, from);
  }
  g_assert_not_reached ();
}

static HemeraNext
handle_call (HemeraSupervisor *self, HemeraCallMessage *call)
{
  HemeraFrom *from = hemera__from_new (call->from, call->ref);
  HemeraSupervisorRequest *request =
      hemera_actor_message_peek (call->request, &hemera__supervisor_request_type);
  g_autoptr (GError) error = NULL;

  if (request != NULL)
    return handle_request (self, from, request);
  error = g_error_new (HEMERA_ERROR, HEMERA_ERROR_BAD_CALL, "Not a request for a supervisor: %s",
                       hemera_actor_message_type (call->request)->name);
  hemera_from_reply_error (from, error);
  return HEMERA_CONTINUE;
}

/* ---- messages ------------------------------------------------------------------------------------------------------------------ */

static HemeraNext
handle_exit (HemeraSupervisor *self, HemeraExitMessage *exit)
{
  HemeraChild *child = hemera__supervisor_child_by_pid (self, exit->from);

  if (child != NULL)
    return hemera__supervisor_child_ended (self, child, exit->reason);
  if (hemera_pid_equal (exit->from, hemera_actor_parent (self->actor)))
    return hemera__supervisor_end (self, exit->reason);
  return HEMERA_CONTINUE; /* a stranger's, or of a child that was stopped since */
}

/* One message, while there is no job. */
static HemeraNext
handle (HemeraSupervisor *self, HemeraActorMessage *message)
{
  const HemeraMessageType *type = hemera_actor_message_type (message);
  gpointer payload = hemera_actor_message_payload (message);
  HemeraNext next = HEMERA_CONTINUE;

  if (type == &hemera_exit_message_type)
    return handle_exit (self, payload);
  if (type == &hemera__call_type)
    return handle_call (self, payload);
  if (type == &hemera__try_again_type)
    return hemera__supervisor_try_again (self, ((HemeraTryAgain *) payload)->serial);
  if (type == &hemera_timeout_message_type)
    hemera__supervisor_backoff_over (self, ((HemeraTimeoutMessage *) payload)->ref, &next);
  else if (type == &hemera__cast_type)
    return handle (self, ((HemeraCastMessage *) payload)->message);
  else if (type == &hemera__child_is_stable_type)
    hemera__supervisor_stable (self, ((HemeraChildIsStable *) payload)->child);
  else if (type == &hemera__stop_type)
    return hemera__supervisor_end (self, ((HemeraStopMessage *) payload)->reason);
  return next;
}

/* The message with its payload, to keep. */
static HemeraActorMessage *
keep (HemeraActorMessage *message)
{
  const HemeraMessageType *type = hemera_actor_message_type (message);
  g_autofree gpointer payload = g_malloc (MAX (type->size, 1));

  hemera_actor_message_steal (message, type, payload);
  return hemera_actor_message_new (type, payload);
}

static HemeraNext
supervisor_receive (HemeraActor *actor, gpointer state, HemeraActorMessage *message)
{
  HemeraSupervisor *self = state;
  HemeraNext next;

  if (!hemera__job_receive (self, message, &next)) {
    if (self->job.kind != HEMERA__JOB_NONE) {
      g_queue_push_tail (&self->backlog, keep (message));
      return HEMERA_CONTINUE;
    }
    next = handle (self, message);
  }
  while (next == HEMERA_CONTINUE && self->job.kind == HEMERA__JOB_NONE && self->backlog.length > 0) {
    g_autoptr (HemeraActorMessage) kept = g_queue_pop_head (&self->backlog);

    next = handle (self, kept);
  }
  return next;
}

/* ---- begin and end ------------------------------------------------------------------------------------------------------------- */

static void
init_flags (HemeraSupervisor *self, const HemeraSupervisorSpec *spec)
{
  guint intensity = spec->intensity == 0 ? 1 : spec->intensity == HEMERA_INTENSITY_ZERO ? 0 : spec->intensity;

  self->strategy = spec->strategy;
  self->auto_shutdown = spec->auto_shutdown;
  self->events_to = spec->events_to;
  hemera__restart_window_init (&self->window, intensity, spec->period_ms != 0 ? spec->period_ms : 5000);
  self->children = g_ptr_array_new_with_free_func (hemera__child_free);
  self->by_pid = g_hash_table_new (g_int64_hash, g_int64_equal);
  g_queue_init (&self->backlog);
}

static HemeraNext
supervisor_init (HemeraActor *actor, gpointer state, gconstpointer args)
{
  HemeraSupervisor *self = state;
  const HemeraSupervisorSpec *spec = args;
  g_autoptr (HemeraTerm) wrong = NULL;

  self->actor = actor;
  init_flags (self, spec);
  hemera__actor_receive_parent_exit (actor);
  wrong = hemera__supervisor_spec_check (spec);
  if (wrong != NULL)
    return hemera_actor_stop (actor, hemera_term_new ("{start_spec, ~t}", wrong));
  hemera_actor_defer_init_ack (actor);
  for (guint i = 0; i < spec->n_children; i++)
    hemera__supervisor_add_child (self, &spec->children[i]);
  hemera__job_begin (self, HEMERA__JOB_INIT);
  for (guint i = 0; i < self->children->len; i++)
    g_ptr_array_add (self->job.starts, self->children->pdata[i]);
  return hemera__job_run (self);
}

static void
supervisor_finalize (gpointer state)
{
  HemeraSupervisor *self = state;

  if (self->children == NULL) /* init did not run */
    return;
  hemera__job_clear (&self->job);
  g_queue_clear_full (&self->backlog, (GDestroyNotify) hemera_actor_message_free);
  hemera__restart_window_clear (&self->window);
  g_hash_table_unref (self->by_pid);
  g_ptr_array_unref (self->children);
}

static const HemeraActorClass supervisor_class = {
  .name = "supervisor",
  .state_size = sizeof (HemeraSupervisor),
  .init = supervisor_init,
  .receive = supervisor_receive,
  .finalize = supervisor_finalize,
};

static gpointer
copy_spec (gconstpointer data)
{
  return hemera_supervisor_spec_copy (data);
}

static void
free_spec (gpointer data)
{
  hemera_supervisor_spec_free (data);
}

HemeraSpawn
hemera_supervisor_spawn (const HemeraSupervisorSpec *spec)
{
  return (HemeraSpawn){ .actor_class = &supervisor_class,
                        .args = { .data = spec, .copy = copy_spec, .free = free_spec },
                        .trap_exit = TRUE };
}

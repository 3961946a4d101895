/* gen_server:call() from outside of the actors: hemera_server_call_async() for any thread with a main context.
 *
 * A small actor, the caller, makes the calls and hands what came of them to a port in the context they came from. A call is one owned
 * object, Job, that travels: into the caller's mailbox, its state, and back through the port. Whoever frees it without an answer (a
 * mailbox of a caller that was killed, a system that ends) sends it home as a failure, so each call is answered exactly once.
 *
 * Calls that overlap share what they need, until the last of them is over: those of one thread to one system their caller, so that requests
 * go through one mailbox and reach a server in the order of the calls, as those of an actor do; and of these the ones into one context
 * their port. */
#include <stdatomic.h>

#include "call.h"
#include "runtime/internal.h"
#include "runtime/sched/slot.h"

/* From a thread to a system. */
typedef struct {
  atomic_int refs;      /* a port's each, and one of the calls under way */
  atomic_int calls;     /* under way; 0 once is 0 for ever: the caller is told to end */
  HemeraSystem *system; /* to compare with only */
  HemeraPid caller;
} CallLine;

/* An inbox in a context, for the calls under way. */
typedef struct {
  atomic_int refs;  /* the thread's, and one of the calls under way */
  atomic_int calls; /* under way; 0 once is 0 for ever: the context's thread is closing it */
  CallLine *line;
  GMainContext *context;
  HemeraPort *port; /* its context's thread only, but for the pid */
  HemeraPid pid;
} CallPort;

/* What waits in the context. Its thread only, once the caller has its job. */
typedef struct {
  CallPort *port;
  GTask *task;     /* (nullable): NULL once cancelled */
  GSource *cancel; /* (nullable) */
  HemeraRef id;
} Waiting;

/* What travels. */
typedef struct {
  HemeraPid home;
  Waiting *waiting;
  HemeraRef id;
  HemeraRef ref; /* none before it is sent; its id is the caller's key */
  HemeraPid to;
  int timeout_ms;
  HemeraActorMessage *request; /* (nullable) once sent */
} Job;

/* The job comes home. */
typedef struct {
  Waiting *waiting;
  HemeraActorMessage *reply; /* (nullable) */
  GError *error;             /* (nullable) */
} Answer;

/* ---- the job ------------------------------------------------------------------------------------------------------------------- */

static void
clear_answer (gpointer payload)
{
  Answer *answer = payload;

  g_clear_pointer (&answer->reply, hemera_actor_message_free);
  g_clear_error (&answer->error);
}

static const HemeraMessageType answer_type = { .name = "hemera__answer",
                                               .size = sizeof (Answer),
                                               .clear = clear_answer };

/* Takes @reply and @error. Empties the job. */
static void
send_home (Job *job, HemeraActorMessage *reply, GError *error)
{
  Answer answer = { .waiting = job->waiting, .reply = reply, .error = error };

  job->waiting = NULL;
  hemera_send (job->home, hemera_actor_message_new (&answer_type, &answer));
}

static void
clear_job (gpointer payload)
{
  Job *job = payload;

  g_clear_pointer (&job->request, hemera_actor_message_free);
  if (job->waiting != NULL)
    send_home (job, NULL,
               g_error_new_literal (HEMERA_ERROR, HEMERA_ERROR_DOWN, "The caller's actor system ended"));
}

static const HemeraMessageType job_type = { .name = "hemera__call_job",
                                            .size = sizeof (Job),
                                            .clear = clear_job };

/* ---- the caller ---------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GHashTable *jobs; /* by the id of their ref */
} Caller;

/* Nobody waits for the call any more. */
typedef struct {
  HemeraRef id;
} Cancel;
static const HemeraMessageType cancel_type = { .name = "hemera__call_cancel", .size = sizeof (Cancel) };

/* The last call came home. */
static const HemeraMessageType finish_type = { .name = "hemera__call_finish" };

static void
free_job (gpointer data)
{
  clear_job (data);
  g_free (data);
}

static HemeraNext
caller_init (HemeraActor *self, gpointer state, gconstpointer args)
{
  ((Caller *) state)->jobs = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_job);
  return HEMERA_CONTINUE;
}

static void
cancel_job (HemeraActor *self, GHashTable *jobs, HemeraRef id)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, jobs);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Job *job = value;

    if (!hemera_ref_equal (job->id, id))
      continue;
    hemera_actor_cancel_call (self, job->ref);
    send_home (job, NULL, NULL);
    g_hash_table_iter_remove (&iter);
    return;
  }
}

static HemeraNext
caller_receive (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  GHashTable *jobs = ((Caller *) state)->jobs;
  HemeraReplyMessage *reply = hemera_reply_message_peek (message);
  Cancel *cancel = hemera_actor_message_peek (message, &cancel_type);
  Job *job, new_job;

  if (hemera_actor_message_steal (message, &job_type, &new_job)) {
    job = g_memdup2 (&new_job, sizeof new_job);
    job->ref = hemera_actor_call (self, job->to, g_steal_pointer (&job->request), job->timeout_ms);
    g_hash_table_insert (jobs, &job->ref.id, job);
  } else if (reply != NULL) {
    job = g_hash_table_lookup (jobs, &reply->ref.id);
    if (job != NULL) {
      send_home (job, g_steal_pointer (&reply->reply), g_steal_pointer (&reply->error));
      g_hash_table_remove (jobs, &reply->ref.id);
    }
  } else if (cancel != NULL) {
    cancel_job (self, jobs, cancel->id);
  }
  return hemera_actor_message_type (message) == &finish_type ? HEMERA_STOP : HEMERA_CONTINUE;
}

static void
caller_finalize (gpointer state)
{
  g_clear_pointer (&((Caller *) state)->jobs, g_hash_table_unref);
}

static const HemeraActorClass caller_class = {
  .name = "caller",
  .state_size = sizeof (Caller),
  .init = caller_init,
  .receive = caller_receive,
  .finalize = caller_finalize,
};

/* ---- the context --------------------------------------------------------------------------------------------------------------- */

/* Release by each holder, acquire by the last: it sees all that the others did. */
static gboolean
is_last (atomic_int *count)
{
  return atomic_fetch_sub_explicit (count, 1, memory_order_acq_rel) == 1;
}

static void
call_line_unref (CallLine *self)
{
  if (is_last (&self->refs))
    g_free (self);
}

static void
call_port_unref (gpointer data)
{
  CallPort *self = data;

  if (!is_last (&self->refs))
    return;
  call_line_unref (self->line);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
release_line (CallLine *self)
{
  if (!is_last (&self->calls))
    return;
  hemera_send (self->caller, hemera_actor_message_new (&finish_type, NULL));
  call_line_unref (self);
}

/* A call has ended: port and caller go with the last one. */
static void
release_call (CallPort *self)
{
  CallLine *line = self->line;

  if (is_last (&self->calls)) {
    hemera__port_close (self->port);
    call_port_unref (self);
  }
  release_line (line); /* the call's count is what kept it */
}

static void
free_message (gpointer data)
{
  hemera_actor_message_free (data);
}

static gboolean
complete (gpointer user_data)
{
  Answer *answer = user_data;
  Waiting *waiting = answer->waiting;
  g_autoptr (GTask) task = g_steal_pointer (&waiting->task);

  if (task != NULL && answer->error != NULL)
    g_task_return_error (task, g_steal_pointer (&answer->error));
  else if (task != NULL)
    g_task_return_pointer (task, g_steal_pointer (&answer->reply), free_message);
  /* Only now: a callback that calls again finds the port open. */
  if (waiting->cancel != NULL) {
    g_source_destroy (waiting->cancel);
    g_source_unref (waiting->cancel);
  }
  release_call (waiting->port);
  g_free (waiting);
  return G_SOURCE_REMOVE;
}

static void
free_answer (gpointer data)
{
  clear_answer (data);
  g_free (data);
}

/* The callback runs from a source of its own, not from the port's: one that runs a loop may wait for other calls. */
static void
on_answer (HemeraPort *port, HemeraActorMessage *message, gpointer user_data)
{
  CallPort *self = user_data;
  Answer answer;
  GSource *source;

  if (!hemera_actor_message_steal (message, &answer_type, &answer))
    return;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_static_name (source, "hemera_server_call_async");
  g_source_set_callback (source, complete, g_memdup2 (&answer, sizeof answer), free_answer);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Waiting *self = user_data;
  g_autoptr (GTask) task = g_steal_pointer (&self->task);

  if (task != NULL)
    g_task_return_error_if_cancelled (task);
  hemera_send (self->port->line->caller, hemera_actor_message_new (&cancel_type, &(Cancel){ self->id }));
  return G_SOURCE_REMOVE;
}

/* ---- the start ------------------------------------------------------------------------------------------------------------------ */

/* This thread's ports: those of calls under way, and some that are closed. */
static GPrivate thread_ports = G_PRIVATE_INIT ((GDestroyNotify) g_ptr_array_unref);

/* Without those that are closed. */
static GPtrArray *
get_ports (void)
{
  GPtrArray *ports = g_private_get (&thread_ports);

  if (ports == NULL) {
    ports = g_ptr_array_new_with_free_func (call_port_unref);
    g_private_set (&thread_ports, ports);
  }
  for (guint i = ports->len; i-- > 0;)
    if (atomic_load_explicit (&((CallPort *) ports->pdata[i])->calls, memory_order_relaxed) == 0)
      g_ptr_array_remove_index_fast (ports, i);
  return ports;
}

/* One more call under way, unless the last one has ended. */
static gboolean
acquire (atomic_int *count)
{
  int calls = atomic_load_explicit (count, memory_order_relaxed);

  while (calls > 0)
    if (atomic_compare_exchange_weak_explicit (count, &calls, calls + 1, memory_order_relaxed,
                                               memory_order_relaxed))
      return TRUE;
  return FALSE;
}

/* With one call more under way. */
static CallLine *
ensure_line (GPtrArray *ports, HemeraSystem *system)
{
  CallLine *self;

  for (guint i = 0; i < ports->len; i++) {
    self = ((CallPort *) ports->pdata[i])->line;
    /* A system that ended took its caller along; the next one may stand at its address. */
    if (self->system == system && hemera__pid_is_alive (self->caller) && acquire (&self->calls))
      return self;
  }
  self = g_new0 (CallLine, 1);
  atomic_init (&self->refs, 1);
  atomic_init (&self->calls, 1);
  self->system = system;
  self->caller = hemera_system_spawn (system, &(HemeraSpawn){ .actor_class = &caller_class });
  return self;
}

/* With one call more under way. (transfer none) (nullable): there are no descriptors left */
static CallPort *
ensure_port (HemeraSystem *system, GMainContext *context)
{
  GPtrArray *ports = get_ports ();
  CallLine *line = ensure_line (ports, system);
  CallPort *self;

  for (guint i = 0; i < ports->len; i++) {
    self = ports->pdata[i];
    if (self->line == line && self->context == context && acquire (&self->calls))
      return self;
  }
  self = g_new0 (CallPort, 1);
  self->port = hemera__port_new (system, context, on_answer, self, 0);
  if (self->port == NULL) {
    g_free (self);
    release_line (line);
    return NULL;
  }
  self->pid = hemera__port_pid (self->port);
  atomic_init (&self->refs, 2);
  atomic_init (&self->calls, 1);
  atomic_fetch_add_explicit (&line->refs, 1, memory_order_relaxed);
  self->line = line;
  self->context = g_main_context_ref (context);
  g_ptr_array_add (ports, self);
  return self;
}

void
hemera_server_call_async (HemeraSystem *system, HemeraPid to, HemeraActorMessage *request, int timeout_ms,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  Waiting *waiting;
  Job job;

  g_return_if_fail (system != NULL && request != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  waiting = g_new0 (Waiting, 1);
  waiting->task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (waiting->task, hemera_server_call_async);
  waiting->port = ensure_port (system, context);
  if (waiting->port == NULL) {
    g_task_return_new_error (waiting->task, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES,
                             "No descriptor for the answer");
    g_object_unref (waiting->task);
    g_free (waiting);
    hemera_actor_message_free (request);
    return;
  }
  waiting->id = hemera_ref_new ();
  job = (Job){ waiting->port->pid, waiting, waiting->id, HEMERA_REF_NONE, to, timeout_ms, request };
  if (cancellable != NULL) {
    waiting->cancel = g_cancellable_source_new (cancellable);
    g_source_set_priority (waiting->cancel, G_PRIORITY_DEFAULT);
    g_source_set_callback (waiting->cancel, G_SOURCE_FUNC (on_cancelled), waiting, NULL);
    g_source_attach (waiting->cancel, context);
  }
  hemera_send (waiting->port->line->caller, hemera_actor_message_new (&job_type, &job));
}

HemeraActorMessage *
hemera_server_call_finish (GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, NULL), NULL);
  g_return_val_if_fail (g_async_result_is_tagged (result, hemera_server_call_async), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

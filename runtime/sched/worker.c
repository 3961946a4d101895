/* The life of a worker: see worker.h; its GSource is in worker-source.c. */
#include "runtime/sched/worker.h"
#include "runtime/sched/pool.h"
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* How long a system that ends waits for GIO operations that its actors had begun. */
#define READY_GRACE_US (2 * G_USEC_PER_SEC)

static void
stop_now (HemeraWorker *self, HemeraWork *work)
{
  self->stop_by = g_get_monotonic_time () + READY_GRACE_US;
  hemera__worker_kill_all (self);
}

HemeraWorker *
hemera__worker_new (HemeraSystem *system, guint index)
{
  HemeraWorker *self = aligned_alloc (64, (sizeof *self + 63) & ~(gsize) 63);

  if (!self)
    g_error ("out of memory");
  memset (self, 0, sizeof *self);
  self->system = system;
  self->index = index;
  self->wake_fd = -1;
  self->timer_fd = -1;
  self->timer_armed = G_MAXINT64;
  self->stop.func = stop_now;
  self->context = g_main_context_new ();
  sem_init (&self->started, 0, 0);
  sem_init (&self->may_end, 0, 0);
  return self;
}

void
hemera__worker_free (HemeraWorker *self)
{
  if (self->wake_fd >= 0)
    close (self->wake_fd);
  if (self->timer_fd >= 0)
    close (self->timer_fd);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_error (&self->error);
  sem_destroy (&self->started);
  sem_destroy (&self->may_end);
  free (self);
}

/* Every sender that found it asleep has written by the time this returns. */
static void
await_wakes (HemeraWorker *self)
{
  while (self->wakes_owed > 0) {
    struct pollfd poll_fd = { .fd = self->wake_fd, .events = POLLIN };
    eventfd_t value;

    poll (&poll_fd, 1, -1);
    if (eventfd_read (self->wake_fd, &value) == 0)
      self->wakes_owed -= (gint64) value;
  }
}

static void *
run_thread (void *data)
{
  HemeraWorker *self = data;
  char name[16];

  g_snprintf (name, sizeof name, "hemera-%u", self->index);
  pthread_setname_np (pthread_self (), name);
  g_main_context_push_thread_default (self->context);
  hemera__thread.worker = self;
  hemera__thread.pool = self->pool = hemera__pool_acquire ();
  self->net = hemera__net_new (self->context, &self->error);
  if (self->net) {
    self->loop = g_main_loop_new (self->context, FALSE);
    self->source = hemera__worker_source_new (self);
    g_source_attach (self->source, self->context);
    sem_post (&self->started);
    g_main_loop_run (self->loop);
    while (sem_wait (&self->may_end) != 0 && errno == EINTR)
      ;
    await_wakes (self);
    hemera__net_free (self->net);
    g_source_destroy (self->source);
    g_source_unref (self->source);
    g_main_loop_unref (self->loop);
  }
  g_main_context_pop_thread_default (self->context);
  g_clear_pointer (&self->context, g_main_context_unref);
  hemera__worker_clear (self);
  hemera__pool_release (self->pool);
  hemera__thread = (HemeraThread){ 0 };
  sem_post (&self->started); /* for a failed start; nobody waits otherwise */
  return NULL;
}

/* The thread takes no signals of the process: those are for the host's own threads. */
static int
create_thread (HemeraWorker *self)
{
  static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF };
  sigset_t blocked, before;
  int code;

  sigfillset (&blocked);
  for (guint i = 0; i < G_N_ELEMENTS (own); i++)
    sigdelset (&blocked, own[i]);
  pthread_sigmask (SIG_SETMASK, &blocked, &before);
  code = pthread_create (&self->thread, NULL, run_thread, self);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  return code;
}

gboolean
hemera__worker_start (HemeraWorker *self, GError **error)
{
  int code;

  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  self->timer_fd = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  if (self->wake_fd < 0 || self->timer_fd < 0) {
    code = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "a worker's descriptors: %s",
                 g_strerror (code));
    return FALSE;
  }
  code = create_thread (self);
  if (code != 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "a worker's thread: %s", g_strerror (code));
    return FALSE;
  }
  while (sem_wait (&self->started) != 0 && errno == EINTR)
    ;
  if (self->error) {
    pthread_join (self->thread, NULL);
    g_propagate_error (error, g_steal_pointer (&self->error));
    return FALSE;
  }
  return TRUE;
}

void
hemera__worker_stop (HemeraWorker *self)
{
  hemera__worker_schedule (self, &self->stop);
}

void
hemera__worker_join (HemeraWorker *self)
{
  sem_post (&self->may_end);
  pthread_join (self->thread, NULL);
}

/* ---- the run queue ------------------------------------------------------------------------------------------------------------- */

static void
append (HemeraWorker *self, HemeraInboxNode *node)
{
  node->next = NULL;
  if (self->last_work)
    self->last_work->next = node;
  else
    self->first_work = node;
  self->last_work = node;
  self->n_work++;
}

void
hemera__worker_schedule (HemeraWorker *self, HemeraWork *work)
{
  if (hemera__thread.worker == self) {
    append (self, &work->node);
    return;
  }
  if (hemera__inbox_push (&self->inbox, &work->node) == HEMERA_PUSH_WAKE && self->wake_fd >= 0)
    eventfd_write (self->wake_fd, 1); /* the last touch: see wakes_owed */
}

gboolean
hemera__worker_collect (HemeraWorker *self)
{
  for (HemeraInboxNode *node = hemera__inbox_take (&self->inbox); node;) {
    HemeraInboxNode *next = node->next;
    append (self, node);
    node = next;
  }
  return self->first_work != NULL;
}

void
hemera__worker_run_one (HemeraWorker *self, guint position)
{
  HemeraInboxNode *before = NULL, *node = self->first_work;
  HemeraWork *work;

  for (; position > 0 && node->next; position--) {
    before = node;
    node = node->next;
  }
  if (before)
    before->next = node->next;
  else
    self->first_work = node->next;
  if (self->last_work == node)
    self->last_work = before;
  self->n_work--;
  work = (HemeraWork *) node;
  work->func (self, work);
}

/* ---- the end ------------------------------------------------------------------------------------------------------------------- */

void
hemera__worker_kill_all (HemeraWorker *self)
{
  while (self->actors)
    hemera__actor_end (self->actors, hemera_term_ref (hemera_reason_killed ()), HEMERA_END_SYSTEM);
}

gboolean
hemera__worker_is_over (HemeraWorker *self)
{
  if (self->stop_by == 0)
    return FALSE;
  /* Relaxed: only this worker lowers it, and who raised it did so before the system closed, which is before stop_now() came here. */
  if (atomic_load_explicit (&self->live, memory_order_relaxed) > 0)
    return FALSE;
  return !self->readies || g_get_monotonic_time () >= self->stop_by;
}

void
hemera__worker_clear (HemeraWorker *self)
{
  hemera__timers_clear (&self->timers);
  hemera__readies_clear (self);
}

/* A file job is a thread and one word, its progress: whoever comes second, thread or owner, frees what the job holds. */
#include "file-job.h"

#include "../session/session-file.h"

#include <pthread.h>
#include <stdatomic.h>

typedef enum { RUNNING, DONE, ABANDONED } Progress;

typedef struct {
  HemeraFileJob job; /* first */
  pthread_t thread;
  _Atomic guint progress; /* whoever comes second, thread or owner, cleans up */
} Running;

static _Atomic guint64 numbers = 1;

HEMERA_DEFINE_MESSAGE (HemeraFileDone, hemera__file_done, NULL, NULL, NULL, NULL);

static void
job_free (Running *self)
{
  g_free (self->job.ca_file);
  g_free (self->job.session_file);
  g_clear_pointer (&self->job.save, hemera_term_unref);
  g_clear_pointer (&self->job.trust, hemera__trust_unref);
  g_clear_pointer (&self->job.sessions, hemera_term_unref);
  g_clear_error (&self->job.trust_error);
  g_clear_error (&self->job.session_error);
  g_free (self);
}

static void *
run (void *data)
{
  Running *self = data;
  HemeraFileJob *job = data;

  if (job->ca_file != NULL)
    job->trust = hemera__trust_new (job->ca_file, &job->trust_error);
  if (job->session_file != NULL && job->save == NULL)
    job->sessions = hemera__session_file_load (job->session_file, &job->session_error);
  else if (job->session_file != NULL)
    hemera__session_file_save (job->session_file, job->save, &job->session_error);
  /* acq_rel: the second sees what the first did. */
  if (atomic_exchange_explicit (&self->progress, DONE, memory_order_acq_rel) == ABANDONED)
    job_free (self);
  else
    hemera__file_done_send (job->reply_to, &(HemeraFileDone){ job->number });
  return NULL;
}

HemeraFileJob *
hemera__file_job_start (const HemeraFileJob *job, GError **error)
{
  Running *self = g_new0 (Running, 1);
  int code;

  self->job = *job;
  self->job.number = atomic_fetch_add_explicit (&numbers, 1, memory_order_relaxed);
  atomic_init (&self->progress, RUNNING);
  code = pthread_create (&self->thread, NULL, run, self);
  if (code == 0)
    return &self->job;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "no thread for files: %s", g_strerror (code));
  job_free (self);
  return NULL;
}

void
hemera__file_job_finish (HemeraFileJob *self)
{
  Running *running = (Running *) self;

  pthread_join (running->thread, NULL);
  job_free (running);
}

void
hemera__file_job_abandon (HemeraFileJob *self)
{
  Running *running = (Running *) self;
  pthread_t thread = running->thread;

  /* acq_rel: as in run(). */
  if (atomic_exchange_explicit (&running->progress, ABANDONED, memory_order_acq_rel) == DONE)
    hemera__file_job_finish (self);
  else
    pthread_detach (thread);
}

/* hemera_system_dump(): every worker is asked to describe its actors, in its own thread; one that does not answer in time is busy. */
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

#include <errno.h>
#include <time.h>

typedef struct _Dump Dump;

/* To one worker. */
typedef struct {
  HemeraWork work; /* first */
  Dump *dump;
  _Atomic (char *) text; /* NULL until the worker has answered */
} Question;

/* Shared by the asker and the workers; the last one frees it. */
struct _Dump {
  _Atomic guint refs;
  sem_t answered;
  guint n_questions;
  Question questions[];
};

static void
unref (Dump *self)
{
  /* acq_rel: the last one sees what the others did with it. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) > 1)
    return;
  for (guint i = 0; i < self->n_questions; i++)
    g_free (atomic_load_explicit (&self->questions[i].text, memory_order_relaxed));
  sem_destroy (&self->answered);
  g_free (self);
}

static const char *
status_of (HemeraActor *actor)
{
  return !actor->started ? "starting" : actor->first ? "runnable" : "waiting";
}

static void
describe (HemeraActor *actor, GString *out)
{
  const char *name = actor->name ? actor->name : actor->label ? actor->label : actor->actor_class->name;
  guint monitors = 0;

  for (HemeraTableNode *node = actor->entries.first; node; node = node->next)
    monitors += ((HemeraMonitor *) node)->kind == HEMERA_ENTRY_MONITOR;
  g_string_append_printf (out,
                          HEMERA_PID_FORMAT " %s%s worker=%u parent=" HEMERA_PID_FORMAT
                                            " status=%s queue=%u reductions=%" G_GUINT64_FORMAT
                                            " links=%u monitors=%u timers=%u monitored_by=%u",
                          HEMERA_PID_ARGS (actor->pid), name ? name : "(unnamed)",
                          actor->name ? " registered" : "", actor->worker->index,
                          HEMERA_PID_ARGS (actor->parent), status_of (actor), actor->n_messages,
                          actor->reductions, actor->links.count, monitors, actor->entries.count - monitors,
                          actor->watchers.count);
  for (HemeraTableNode *node = actor->links.first; node; node = node->next)
    g_string_append_printf (out, "%s" HEMERA_PID_FORMAT, node == actor->links.first ? " linked=" : ",",
                            HEMERA_PID_ARGS (((HemeraLink *) node)->peer));
  g_string_append_c (out, '\n');
}

static void
answer (HemeraWorker *worker, HemeraWork *work)
{
  Question *self = (Question *) work;
  GString *out = g_string_new (NULL);

  for (HemeraActor *actor = worker->actors; actor; actor = actor->next)
    describe (actor, out);
  /* release: pairs with the acquire in append_answer(). */
  atomic_store_explicit (&self->text, g_string_free (out, FALSE), memory_order_release);
  sem_post (&self->dump->answered);
  unref (self->dump);
}

static Dump *
ask (HemeraSystem *system)
{
  Dump *self = g_malloc0 (sizeof *self + system->n_workers * sizeof (Question));

  atomic_init (&self->refs, 1 + system->n_workers);
  sem_init (&self->answered, 0, 0);
  self->n_questions = system->n_workers;
  for (guint i = 0; i < self->n_questions; i++) {
    self->questions[i].work.func = answer;
    self->questions[i].dump = self;
    hemera__worker_schedule (system->workers[i], &self->questions[i].work);
  }
  return self;
}

static void
await_answers (Dump *self, guint timeout_ms)
{
  guint n = self->n_questions;
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long) (timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  while (n > 0) {
    if (sem_timedwait (&self->answered, &until) == 0)
      n--;
    else if (errno != EINTR)
      return;
  }
}

static void
append_answer (Question *self, HemeraWorker *worker, GString *out)
{
  /* acquire: pairs with the release in answer(). */
  const char *text = atomic_load_explicit (&self->text, memory_order_acquire);

  if (text)
    g_string_append (out, text);
  else
    g_string_append_printf (out, "worker=%u status=busy actors=%u\n", worker->index,
                            atomic_load_explicit (&worker->live, memory_order_relaxed));
}

char *
hemera_system_dump (HemeraSystem *self, guint timeout_ms)
{
  GString *out = g_string_new (NULL);
  Dump *dump;

  g_assert (hemera__thread.worker == NULL); /* it blocks */
  dump = ask (self);
  if (self->simulated)
    hemera__system_run_until_idle (self);
  await_answers (dump, timeout_ms);
  for (guint i = 0; i < self->n_workers; i++)
    append_answer (&dump->questions[i], self->workers[i], out);
  unref (dump);
  return g_string_free (out, FALSE);
}

/* hemera_system_dump(): every worker is asked to describe its actors, in its own thread; one that does not answer in time is busy. */
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

#include <errno.h>
#include <time.h>

/* Shared by the asker and the workers it asked; the last one frees it. */
typedef struct {
  _Atomic guint refs;
  sem_t answered;
} Dump;

typedef struct {
  HemeraWork work; /* first */
  Dump *dump;
  _Atomic (char *) text; /* NULL until the worker has answered */
  _Atomic guint refs;    /* the asker and the worker */
} Question;

static void
unref_dump (Dump *self)
{
  /* acq_rel: the last one sees what the other did with it. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) > 1)
    return;
  sem_destroy (&self->answered);
  g_free (self);
}

static void
unref_question (Question *self)
{
  /* acq_rel: as above. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) > 1)
    return;
  unref_dump (self->dump);
  g_free (atomic_load_explicit (&self->text, memory_order_relaxed));
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
  /* release: pairs with the acquire in hemera_system_dump(). */
  atomic_store_explicit (&self->text, g_string_free (out, FALSE), memory_order_release);
  sem_post (&self->dump->answered);
  unref_question (self);
}

static Question *
ask (HemeraWorker *worker, Dump *dump)
{
  Question *self = g_new0 (Question, 1);

  self->work.func = answer;
  self->dump = dump;
  atomic_init (&self->refs, 2);
  atomic_fetch_add_explicit (&dump->refs, 1, memory_order_relaxed);
  hemera__worker_schedule (worker, &self->work);
  return self;
}

static void
await_answers (Dump *dump, guint n, guint timeout_ms)
{
  struct timespec until;

  clock_gettime (CLOCK_REALTIME, &until);
  until.tv_sec += timeout_ms / 1000;
  until.tv_nsec += (long) (timeout_ms % 1000) * 1000000;
  if (until.tv_nsec >= 1000000000) {
    until.tv_sec++;
    until.tv_nsec -= 1000000000;
  }
  while (n > 0) {
    if (sem_timedwait (&dump->answered, &until) == 0)
      n--;
    else if (errno != EINTR)
      return;
  }
}

char *
hemera_system_dump (HemeraSystem *self, guint timeout_ms)
{
  Dump *dump = g_new0 (Dump, 1);
  g_autofree Question **questions = g_new0 (Question *, self->n_workers);
  GString *out = g_string_new (NULL);

  g_assert (hemera__thread.worker == NULL); /* it blocks */
  atomic_init (&dump->refs, 1);
  sem_init (&dump->answered, 0, 0);
  for (guint i = 0; i < self->n_workers; i++)
    questions[i] = ask (self->workers[i], dump);
  if (self->simulated)
    hemera__system_run_until_idle (self);
  await_answers (dump, self->n_workers, timeout_ms);
  for (guint i = 0; i < self->n_workers; i++) {
    /* acquire: pairs with the release in answer(). */
    const char *text = atomic_load_explicit (&questions[i]->text, memory_order_acquire);
    if (text)
      g_string_append (out, text);
    else
      g_string_append_printf (out, "worker=%u status=busy actors=%u\n", i,
                              atomic_load_explicit (&self->workers[i]->live, memory_order_relaxed));
    unref_question (questions[i]);
  }
  unref_dump (dump);
  return g_string_free (out, FALSE);
}

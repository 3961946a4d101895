/* hemera_system_dump() and hemera_system_dump_term(): every worker is asked to describe its actors, in its own thread; one that does not answer in time is busy. */
#include "runtime/sched/actor-info.h"
#include "runtime/sched/system.h"
#include "runtime/signal/actor.h"

#include <errno.h>
#include <time.h>

/* Levels of a tree that text shows as such: a chain of parents may be as long as there are actors. */
#define MAX_INDENT 32

typedef struct _Dump Dump;

/* To one worker. */
typedef struct {
  HemeraWork work; /* first */
  Dump *dump;
  _Atomic (GArray *) infos; /* of HemeraActorInfo; NULL until the worker has answered */
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
  for (guint i = 0; i < self->n_questions; i++) {
    GArray *infos = atomic_load_explicit (&self->questions[i].infos, memory_order_relaxed);
    g_clear_pointer (&infos, g_array_unref);
  }
  sem_destroy (&self->answered);
  g_free (self);
}

static void
clear_info (gpointer info)
{
  hemera__actor_info_clear (info);
}

static void
answer (HemeraWorker *worker, HemeraWork *work)
{
  Question *self = (Question *) work;
  GArray *infos = g_array_new (FALSE, FALSE, sizeof (HemeraActorInfo));

  g_array_set_clear_func (infos, clear_info);
  for (HemeraActor *actor = worker->actors; actor; actor = actor->next) {
    g_array_set_size (infos, infos->len + 1);
    hemera__actor_info_init (&g_array_index (infos, HemeraActorInfo, infos->len - 1), actor);
  }
  /* release: pairs with the acquire in answer_of(). */
  atomic_store_explicit (&self->infos, infos, memory_order_release);
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

/* (transfer none) (nullable): NULL: the worker is busy */
static GArray *
answer_of (Question *self)
{
  /* acquire: pairs with the release in answer(). */
  return atomic_load_explicit (&self->infos, memory_order_acquire);
}

/* Asks all workers. The answers are moved to @infos, of which each is behind its parent; *@depths says how deep. */
static guint *
collect (HemeraSystem *system, guint timeout_ms, GArray *infos, gboolean *is_busy, guint **depths)
{
  Dump *dump;

  g_assert (hemera__thread.worker == NULL); /* it blocks */
  dump = ask (system);
  if (system->simulated)
    hemera__system_run_until_idle (system);
  await_answers (dump, timeout_ms);
  for (guint i = 0; i < system->n_workers; i++) {
    GArray *answer = answer_of (&dump->questions[i]);

    is_busy[i] = answer == NULL;
    if (is_busy[i])
      continue;
    g_array_append_vals (infos, answer->data, answer->len);
    g_array_set_clear_func (answer, NULL); /* moved */
  }
  unref (dump);
  return hemera__actor_infos_in_order (infos, depths);
}

static guint
live_of (HemeraWorker *worker)
{
  return atomic_load_explicit (&worker->live, memory_order_relaxed);
}

char *
hemera_system_dump (HemeraSystem *self, guint timeout_ms)
{
  g_autoptr (GArray) infos = g_array_new (FALSE, FALSE, sizeof (HemeraActorInfo));
  g_autofree gboolean *is_busy = g_new (gboolean, self->n_workers);
  g_autofree guint *depths = NULL;
  g_autofree guint *order = collect (self, timeout_ms, infos, is_busy, &depths);
  GString *out = g_string_new (NULL);

  g_array_set_clear_func (infos, clear_info);
  for (guint i = 0; i < infos->len; i++) {
    g_string_append_printf (out, "%*s", (int) MIN (depths[i], MAX_INDENT) * 2, "");
    hemera__actor_info_print (&g_array_index (infos, HemeraActorInfo, order[i]), out);
    g_string_append_c (out, '\n');
  }
  for (guint i = 0; i < self->n_workers; i++)
    if (is_busy[i])
      g_string_append_printf (out, "worker=%u status=busy actors=%u\n", i, live_of (self->workers[i]));
  return g_string_free (out, FALSE);
}

HemeraTerm *
hemera_system_dump_term (HemeraSystem *self, guint timeout_ms)
{
  g_autoptr (GArray) infos = g_array_new (FALSE, FALSE, sizeof (HemeraActorInfo));
  g_autofree gboolean *is_busy = g_new (gboolean, self->n_workers);
  g_autofree guint *depths = NULL;
  g_autofree guint *order = collect (self, timeout_ms, infos, is_busy, &depths);
  g_autoptr (HemeraTermBuilder) out = hemera_term_builder_new ();

  g_array_set_clear_func (infos, clear_info);
  hemera_term_builder_open_list (out);
  for (guint i = 0; i < infos->len; i++)
    hemera__actor_info_add (&g_array_index (infos, HemeraActorInfo, order[i]), out);
  for (guint i = 0; i < self->n_workers; i++) {
    g_autoptr (HemeraTerm) busy = NULL;

    if (!is_busy[i])
      continue;
    busy = hemera_term_new ("#{worker => ~u, status => busy, actors => ~u}", (guint64) i,
                            (guint64) live_of (self->workers[i]));
    hemera_term_builder_add_view (out, hemera_term_view (busy));
  }
  hemera_term_builder_close (out);
  return hemera_term_builder_end (out, NULL);
}

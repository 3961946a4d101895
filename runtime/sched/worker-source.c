/* The one GSource of a worker: run queue, timers and wake-ups. See worker.h for its promises to other sources and other threads. */
#include "runtime/sched/system.h"

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* What one dispatch does before other sources have their turn: actors' turns, and time. The clock, and with it the timers, is looked at
 * every few turns. */
#define TURNS      256
#define TURNS_LOOK 4
#define TIME_US    2000

typedef struct {
  GSource source;
  HemeraWorker *worker;
} WorkerSource;

static gboolean
has_due_timer (HemeraWorker *self)
{
  gint64 next = hemera__timers_next (&self->timers);

  return next != G_MAXINT64 && next <= hemera_system_now (self->system);
}

/* Only before sleep: while awake the heap itself is looked at. */
static void
arm (HemeraWorker *self)
{
  gint64 next = hemera__timers_next (&self->timers);
  struct itimerspec when = { 0 };

  if (next == self->timer_armed || (next == G_MAXINT64 && self->timer_armed == G_MAXINT64))
    return;
  if (next != G_MAXINT64) {
    when.it_value.tv_sec = next / G_USEC_PER_SEC;
    when.it_value.tv_nsec = next % G_USEC_PER_SEC * 1000;
    if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0)
      when.it_value.tv_nsec = 1;
  }
  timerfd_settime (self->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
  self->timer_armed = next;
}

static gboolean
prepare (GSource *source, int *timeout)
{
  HemeraWorker *self = ((WorkerSource *) source)->worker;

  *timeout = 0;
  if (self->rests)
    return FALSE;
  if (self->first_work || has_due_timer (self))
    return TRUE;
  if (hemera__worker_is_over (self))
    return TRUE;
  if (!self->asleep && !hemera__inbox_try_idle (&self->inbox))
    return TRUE;
  self->asleep = TRUE;
  arm (self);
  *timeout = self->stop_by ? 10 : -1;
  return FALSE;
}

static void
read_descriptors (HemeraWorker *self)
{
  guint64 value;

  if (g_source_query_unix_fd (self->source, self->wake_tag) & G_IO_IN
      && eventfd_read (self->wake_fd, &value) == 0)
    self->wakes_owed -= (gint64) value;
  if (g_source_query_unix_fd (self->source, self->timer_tag) & G_IO_IN) {
    if (read (self->timer_fd, &value, sizeof value) > 0)
      self->timer_armed = G_MAXINT64;
  }
}

/* Whether it slept or not: it is awake from here on. */
static void
wake_up (HemeraWorker *self)
{
  if (!self->asleep)
    return;
  self->asleep = FALSE;
  if (!hemera__inbox_end_idle (&self->inbox))
    self->wakes_owed++;
}

static gboolean
check (GSource *source)
{
  HemeraWorker *self = ((WorkerSource *) source)->worker;

  read_descriptors (self);
  wake_up (self);
  if (self->rests) {
    self->rests = FALSE;
    return FALSE;
  }
  return self->first_work || hemera__inbox_has (&self->inbox) || has_due_timer (self)
         || hemera__worker_is_over (self);
}

/* TRUE when the time of this dispatch is over. */
static gboolean
look_at_clock (HemeraWorker *self, gint64 until)
{
  gint64 now = hemera_system_now (self->system);

  hemera__timers_fire (&self->timers, now);
  return now >= until;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  HemeraWorker *self = ((WorkerSource *) source)->worker;
  gint64 until = hemera_system_now (self->system) + TIME_US;

  wake_up (self);
  hemera__timers_fire (&self->timers, until - TIME_US);
  for (guint turn = 1; hemera__worker_collect (self); turn++) {
    hemera__worker_run_one (self, 0);
    if ((turn % TURNS_LOOK == 0 && look_at_clock (self, until)) || turn >= TURNS) {
      self->rests = TRUE;
      break;
    }
  }
  if (hemera__worker_is_over (self))
    g_main_loop_quit (self->loop);
  return G_SOURCE_CONTINUE;
}

GSource *
hemera__worker_source_new (HemeraWorker *self)
{
  static GSourceFuncs funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };
  GSource *source = g_source_new (&funcs, sizeof (WorkerSource));

  ((WorkerSource *) source)->worker = self;
  g_source_set_static_name (source, "hemera worker");
  self->wake_tag = g_source_add_unix_fd (source, self->wake_fd, G_IO_IN);
  self->timer_tag = g_source_add_unix_fd (source, self->timer_fd, G_IO_IN);
  return source;
}

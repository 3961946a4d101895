/* HemeraPort: a slot whose owner is a GSource in a GMainContext of the application. Same inbox, same sleep and wake: the port is idle when
 * its queue and inbox are empty; the push that finds it idle writes its eventfd, once. Everything but the push belongs to the
 * context's thread. */
#include "runtime/signal/actor.h"
#include "runtime/signal/signal.h"
#include "runtime/sched/slot.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define DEFAULT_BUDGET 64

typedef struct {
  GSource source;
  HemeraPort *port; /* (nullable): NULL: closed */
} PortSource;

struct _HemeraPort {
  HemeraSlot *slot;
  HemeraPid pid;
  HemeraPortFunc func;
  gpointer user_data;
  guint budget;
  GSource *source;
  int fd;
  HemeraInboxNode *first, *last; /* messages */
  HemeraTable watchers;
  gboolean idle;
  gboolean rests; /* lets one iteration pass */
  gboolean in_func;
  gboolean closed;
};

static void
queue (HemeraPort *self, HemeraActorMessage *message)
{
  message->node.next = NULL;
  if (self->last)
    self->last->next = &message->node;
  else
    self->first = &message->node;
  self->last = &message->node;
}

/* A port is no process: it cannot be linked or ended by a signal, but watched. */
static void
handle (HemeraPort *self, HemeraActorMessage *block)
{
  HemeraMonitor *monitor = hemera__block_payload (block);
  HemeraTableNode *node;

  if (block->generation != (guint32) (self->pid.id >> 32)) {
    hemera__signal_bounce ((HemeraPid){ .id = (guint64) block->generation << 32 | self->slot->index }, block);
    return;
  }
  switch ((HemeraSignal) block->signal) {
  case HEMERA_SIGNAL_MESSAGE: queue (self, block); break;
  case HEMERA_SIGNAL_MONITOR:
    if (monitor->name)
      hemera__signal_bounce (self->pid, block);
    else
      hemera__table_insert (&self->watchers, &monitor->node, monitor->node.key);
    break;
  case HEMERA_SIGNAL_DEMONITOR:
    node = hemera__table_lookup (&self->watchers, monitor->node.key);
    if (node) {
      hemera__table_remove (&self->watchers, node);
      hemera__block_free (hemera__block_of (node));
    }
    hemera__block_free (block);
    break;
  default: hemera__signal_bounce (self->pid, block); break;
  }
}

static void
drain (HemeraPort *self)
{
  HemeraInboxNode *node = hemera__inbox_take (&self->slot->inbox);

  while (node) {
    HemeraActorMessage *block = (HemeraActorMessage *) node;
    node = node->next;
    handle (self, block);
  }
}

static gboolean
prepare (GSource *source, int *timeout)
{
  HemeraPort *self = ((PortSource *) source)->port;

  *timeout = self && self->rests ? 0 : -1;
  return self && !self->idle && !self->rests;
}

static gboolean
check (GSource *source)
{
  HemeraPort *self = ((PortSource *) source)->port;
  eventfd_t value;

  if (!self)
    return FALSE;
  if (self->rests) {
    self->rests = FALSE;
    return FALSE;
  }
  /* One write for each time it is woken, so what is read here is the end of this sleep. */
  if (self->idle && eventfd_read (self->fd, &value) == 0)
    self->idle = FALSE;
  return !self->idle;
}

static void free_port (HemeraPort *self);

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  HemeraPort *self = ((PortSource *) source)->port;

  drain (self);
  for (guint budget = self->budget; budget > 0 && self->first && !self->closed; budget--) {
    HemeraActorMessage *message = (HemeraActorMessage *) self->first;
    self->first = message->node.next;
    if (!self->first)
      self->last = NULL;
    self->in_func = TRUE;
    self->func (self, message, self->user_data);
    self->in_func = FALSE;
    hemera_actor_message_free (message);
  }
  if (self->closed) {
    free_port (self);
    return G_SOURCE_REMOVE;
  }
  if (self->first)
    self->rests =
        TRUE; /* as a worker's source: one that is always ready would starve the lower priorities, such as redraws */
  else
    self->idle = hemera__inbox_try_idle (&self->slot->inbox);
  return G_SOURCE_CONTINUE;
}

/**
 * hemera__port_new:
 * @context: (nullable): %NULL: the thread-default one of the caller
 *
 * Any thread, but @func may come before this returns when that is not the context's own.
 *
 * Returns: (transfer full) (nullable): the port; NULL when there are no descriptors or slots left
 */
HemeraPort *
hemera__port_new (HemeraSystem *system, GMainContext *context, HemeraPortFunc func, gpointer user_data,
                  guint budget)
{
  static GSourceFuncs funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  HemeraPort *self;
  HemeraPid pid;
  HemeraSlot *slot = fd >= 0 ? hemera__slot_new (&pid) : NULL;

  if (!slot) {
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  self = g_new0 (HemeraPort, 1);
  self->slot = slot;
  self->pid = pid;
  self->func = func;
  self->user_data = user_data;
  self->budget = budget ? budget : DEFAULT_BUDGET;
  self->fd = fd;
  self->idle = TRUE;
  atomic_store_explicit (&slot->worker, NULL, memory_order_relaxed);
  slot->wake_fd = fd;
  hemera__inbox_open (&slot->inbox, TRUE);
  self->source = g_source_new (&funcs, sizeof (PortSource));
  ((PortSource *) self->source)->port = self;
  g_source_set_static_name (self->source, "hemera port");
  g_source_add_unix_fd (self->source, fd, G_IO_IN);
  g_source_attach (self->source, context ? context : g_main_context_get_thread_default ());
  return self;
}

HemeraPid
hemera__port_pid (HemeraPort *self)
{
  return self->pid;
}

static void
free_port (HemeraPort *self)
{
  close (self->fd);
  hemera__table_clear (&self->watchers);
  g_source_unref (self->source);
  g_free (self);
}

/* Who woke it may still be on the way to its eventfd: the descriptor stays until that write is there. */
static void
await_wake (HemeraPort *self)
{
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };
  eventfd_t value;

  while (eventfd_read (self->fd, &value) != 0)
    poll (&poll_fd, 1, -1);
}

void
hemera__port_close (HemeraPort *self)
{
  HemeraTableNode *watcher;
  HemeraInboxNode *node;
  gboolean was_idle;

  g_return_if_fail (!self->closed);
  self->closed = TRUE;
  node = hemera__inbox_close (&self->slot->inbox, &was_idle);
  if (self->idle && !was_idle)
    await_wake (self);
  while (node) {
    HemeraActorMessage *block = (HemeraActorMessage *) node;
    node = node->next;
    hemera__signal_bounce ((HemeraPid){ .id = (guint64) block->generation << 32 | self->slot->index }, block);
  }
  while ((watcher = hemera__table_pop (&self->watchers)))
    hemera__signal_send_down (hemera__block_of (watcher), self->pid, hemera_reason_normal ());
  while (self->first) {
    HemeraActorMessage *message = (HemeraActorMessage *) self->first;
    self->first = message->node.next;
    hemera_actor_message_free (message);
  }
  hemera__slot_free (self->slot);
  ((PortSource *) self->source)->port = NULL;
  g_source_destroy (self->source);
  if (!self->in_func)
    free_port (self);
}

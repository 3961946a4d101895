/* The two ways from GLib into an actor: a source whose callback runs as the actor, and a GAsyncReadyCallback that becomes a message. */
#include "runtime/signal/actor.h"

/* ---- sources ------------------------------------------------------------------------------------------------------------------- */

/* Stands where the source's callback data stood: GLib calls ref and get right before the source's dispatch and unref right after it,
 * so the actor is entered in get, and left in the unref that ends the dispatch, whatever the callback's signature is. */
struct _HemeraActorSource {
  guint refs;
  gboolean in_dispatch;
  gboolean source_gone; /* destroyed in its own dispatch */
  GSource *source;
  HemeraActor *actor; /* (nullable): NULL: has ended */
  HemeraActor *before;
  HemeraActorSource *prev, *next;
  GSourceCallbackFuncs *inner; /* (nullable) */
  gpointer inner_data;
};

static void
forget (HemeraActorSource *self)
{
  if (!self->actor)
    return;
  if (self->prev)
    self->prev->next = self->next;
  else
    self->actor->sources = self->next;
  if (self->next)
    self->next->prev = self->prev;
  self->actor = NULL;
}

static void
ref_source (gpointer data)
{
  HemeraActorSource *self = data;

  self->refs++;
  if (self->inner)
    self->inner->ref (self->inner_data);
}

static void
get_source (gpointer data, GSource *source, GSourceFunc *func, gpointer *user_data)
{
  HemeraActorSource *self = data;

  *func = NULL;
  *user_data = NULL;
  if (self->inner)
    self->inner->get (self->inner_data, source, func, user_data);
  if (self->actor && !self->in_dispatch) {
    self->in_dispatch = TRUE;
    self->before = hemera__actor_enter (self->actor);
  }
}

static void
end_dispatch (HemeraActorSource *self)
{
  HemeraActor *actor = self->actor;

  self->in_dispatch = FALSE;
  if (!actor)
    return;
  hemera__actor_leave (actor, self->before);
  if (actor->stop_asked) {
    actor->stop_asked = FALSE;
    hemera__actor_stop (actor);
  }
}

static void
unref_source (gpointer data)
{
  HemeraActorSource *self = data;

  if (self->inner)
    self->inner->unref (self->inner_data);
  /* Two references while it is dispatched, its source's and the dispatch's; one when the callback has destroyed the source: then the
   * first unref is the source's, from inside the callback, and the second one ends the dispatch. */
  if (self->in_dispatch && !self->source_gone && g_source_is_destroyed (self->source)) {
    self->source_gone = TRUE;
  } else if (self->in_dispatch) {
    end_dispatch (self);
  }
  if (--self->refs == 0) {
    forget (self);
    g_free (self);
  }
}

void
hemera_actor_add_source (HemeraActor *self, GSource *source)
{
  static GSourceCallbackFuncs funcs = { .ref = ref_source, .unref = unref_source, .get = get_source };
  HemeraActorSource *entry = g_new0 (HemeraActorSource, 1);

  entry->refs = 1;
  entry->source = source;
  entry->actor = self;
  entry->inner = source->callback_funcs;
  entry->inner_data = source->callback_data;
  if (entry->inner)
    entry->inner->ref (entry->inner_data);
  entry->next = self->sources;
  if (entry->next)
    entry->next->prev = entry;
  self->sources = entry;
  g_source_set_callback_indirect (source, entry, &funcs);
  g_source_attach (source, self->worker->context);
}

void
hemera__actor_end_sources (HemeraActor *self)
{
  while (self->sources) {
    HemeraActorSource *entry = self->sources;
    GSource *source = g_source_ref (entry->source);
    forget (entry);
    g_source_destroy (source);
    g_source_unref (source);
  }
}

/* ---- GIO results --------------------------------------------------------------------------------------------------------------- */

struct _HemeraReady {
  HemeraWorker *worker;
  HemeraPid pid;
  guint tag;
  HemeraReady *prev, *next;
};

/**
 * hemera_actor_ready:
 * @tag: of the message to come
 *
 * Returns: (transfer full): user_data for one operation whose callback is hemera_actor_ready_cb(), started from this actor; the callback frees it
 */
gpointer
hemera_actor_ready (HemeraActor *self, guint tag)
{
  HemeraReady *ready = g_new0 (HemeraReady, 1);

  ready->worker = self->worker;
  ready->pid = self->pid;
  ready->tag = tag;
  ready->next = self->worker->readies;
  if (ready->next)
    ready->next->prev = ready;
  self->worker->readies = ready;
  return ready;
}

static void
free_ready (HemeraReady *self)
{
  if (self->prev)
    self->prev->next = self->next;
  else
    self->worker->readies = self->next;
  if (self->next)
    self->next->prev = self->prev;
  g_free (self);
}

void
hemera_actor_ready_cb (GObject *source_object, GAsyncResult *result, gpointer user_data)
{
  HemeraReady *self = user_data;
  HemeraReadyMessage message = { .tag = self->tag };
  HemeraPid pid = self->pid;

  g_assert (hemera__thread.worker == self->worker); /* GIO answers in the context where the operation began */
  free_ready (self);
  message.source_object = source_object ? g_object_ref (source_object) : NULL;
  message.result = g_object_ref (result);
  hemera_send (pid, hemera_actor_message_new (&hemera_ready_message_type, &message));
}

void
hemera__readies_clear (HemeraWorker *worker)
{
  HemeraReady *ready = worker->readies;

  worker->readies = NULL;
  while (ready) {
    HemeraReady *next = ready->next;
    g_free (ready);
    ready = next;
  }
}

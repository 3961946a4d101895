/* What an actor asks and says of itself. Each function is for the actor's own thread. */
#include "runtime/signal/actor.h"
#include "runtime/sched/system.h"

HemeraActor *
hemera_actor_current (void)
{
  return hemera__thread.actor;
}

HemeraPid
hemera_actor_self (HemeraActor *self)
{
  return self->pid;
}

HemeraPid
hemera_actor_parent (HemeraActor *self)
{
  return self->parent;
}

HemeraSystem *
hemera_actor_system (HemeraActor *self)
{
  return self->worker->system;
}

GMainContext *
hemera_actor_context (HemeraActor *self)
{
  return self->worker->context;
}

gpointer
hemera_actor_state (HemeraActor *self)
{
  return self->state;
}

gint64
hemera_actor_now (HemeraActor *self)
{
  return hemera_system_now (self->worker->system);
}

guint64
hemera_actor_random (HemeraActor *self)
{
  return hemera__random (&self->random);
}

void
hemera_actor_set_label (HemeraActor *self, const char *label)
{
  g_free (self->label);
  self->label = g_strdup (label);
}

void
hemera_actor_set_reason (HemeraActor *self, HemeraTerm *reason)
{
  g_clear_pointer (&self->reason, hemera_term_unref);
  self->reason = reason;
}

HemeraNext
hemera_actor_stop (HemeraActor *self, HemeraTerm *reason)
{
  hemera_actor_set_reason (self, reason);
  self->stop_asked = TRUE;
  return HEMERA_STOP;
}

void
hemera_actor_defer_init_ack (HemeraActor *self)
{
  self->ack_deferred = TRUE;
}

void
hemera_actor_init_ack (HemeraActor *self)
{
  hemera__actor_ack (self, FALSE, NULL);
}

void
hemera_actor_set_trap_exit (HemeraActor *self, gboolean trap_exit)
{
  self->trap_exit = trap_exit != FALSE;
}

gboolean
hemera_actor_get_trap_exit (HemeraActor *self)
{
  return self->trap_exit;
}

/* ---- names --------------------------------------------------------------------------------------------------------------------- */

gboolean
hemera_actor_register (HemeraActor *self, const char *name)
{
  const char *interned = hemera__intern (name);
  HemeraPid holder;

  if (!interned || self->name || g_str_equal (interned, "undefined"))
    return FALSE;
  if (!hemera__registry_add (&self->worker->system->registry, interned, self->pid, &holder))
    return FALSE;
  self->name = interned;
  return TRUE;
}

void
hemera_actor_unregister (HemeraActor *self)
{
  if (self->name)
    hemera__registry_remove (&self->worker->system->registry, g_steal_pointer (&self->name));
}

gboolean
hemera_send_name (HemeraSystem *system, const char *name, HemeraActorMessage *message)
{
  HemeraPid to = hemera_system_whereis (system, name);

  if (to.id == 0) {
    hemera_actor_message_free (message);
    return FALSE;
  }
  hemera_send (to, message);
  return TRUE;
}

/* ---- for the behaviours -------------------------------------------------------------------------------------------------------- */

const HemeraActorClass *
hemera__actor_class (HemeraActor *self)
{
  return self->actor_class;
}

void
hemera__actor_set_filter (HemeraActor *self, HemeraActorFilter filter, gpointer data, GDestroyNotify destroy)
{
  g_assert (self->filter == NULL);
  self->filter = filter;
  self->filter_data = data;
  self->filter_destroy = destroy;
}

gpointer
hemera__actor_filter_data (HemeraActor *self)
{
  return self->filter_data;
}

void
hemera__actor_receive_parent_exit (HemeraActor *self)
{
  self->receives_parent_exit = TRUE;
}

HemeraNet *
hemera__actor_net (HemeraActor *self)
{
  return self->worker->net;
}

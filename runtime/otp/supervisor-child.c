/* The children of a supervisor: their list in start order, their states and the one way to spawn each kind. */
#include "supervisor-internal.h"

HemeraChild *
hemera__supervisor_add_child (HemeraSupervisor *self, const HemeraChildSpec *spec)
{
  HemeraChild *child = g_new0 (HemeraChild, 1);

  hemera__child_spec_init_copy (&child->spec, spec);
  child->serial = ++self->last_serial;
  child->status = HEMERA_CHILD_STOPPED;
  g_ptr_array_add (self->children, child);
  return child;
}

void
hemera__child_free (gpointer data)
{
  HemeraChild *child = data;

  hemera__child_spec_clear (&child->spec);
  g_clear_pointer (&child->end, hemera_term_unref);
  g_clear_pointer (&child->cause, hemera_term_unref);
  g_free (child);
}

void
hemera__supervisor_remove_child (HemeraSupervisor *self, HemeraChild *child)
{
  g_assert (child->status == HEMERA_CHILD_STOPPED);

  g_ptr_array_remove (self->children, child);
}

HemeraChild *
hemera__supervisor_find_child (HemeraSupervisor *self, const char *id)
{
  for (guint i = 0; i < self->children->len; i++) {
    HemeraChild *child = self->children->pdata[i];

    if (g_str_equal (child->spec.id, id))
      return child;
  }
  return NULL;
}

HemeraChild *
hemera__supervisor_child_by_serial (HemeraSupervisor *self, guint64 serial)
{
  for (guint i = 0; i < self->children->len; i++) {
    HemeraChild *child = self->children->pdata[i];

    if (child->serial == serial)
      return child;
  }
  return NULL;
}

HemeraChild *
hemera__supervisor_child_by_pid (HemeraSupervisor *self, HemeraPid pid)
{
  HemeraChild *child = g_hash_table_lookup (self->by_pid, &pid.id);

  return child != NULL && hemera_pid_equal (child->pid, pid) ? child : NULL;
}

static HemeraSpawn
spawn_of (const HemeraChildSpec *spec)
{
  if (spec->supervisor != NULL)
    return hemera_supervisor_spawn (spec->supervisor);
  if (spec->server != NULL) {
    HemeraSpawn spawn = hemera_server_spawn (spec->server);

    spawn.args = spec->args;
    return spawn;
  }
  return (HemeraSpawn){ .actor_class = spec->actor, .args = spec->args };
}

void
hemera__child_spawn (HemeraSupervisor *self, HemeraChild *child, HemeraRef ack)
{
  HemeraSpawn spawn = spawn_of (&child->spec);

  g_assert (child->status == HEMERA_CHILD_STOPPED || child->status == HEMERA_CHILD_RESTARTING);

  spawn.name = child->spec.name;
  spawn.label = child->spec.id;
  spawn.placement = child->spec.placement;
  spawn.link = TRUE;
  spawn.monitor = &child->monitor;
  spawn.ack_to = hemera_actor_self (self->actor);
  spawn.ack_ref = ack;
  child->pid = hemera_actor_spawn (self->actor, &spawn);
  child->status = HEMERA_CHILD_STARTING;
  g_hash_table_insert (self->by_pid, &child->pid.id, child);
}

void
hemera__child_started (HemeraSupervisor *self, HemeraChild *child)
{
  child->status = HEMERA_CHILD_RUNNING;
  child->started_ms = hemera__supervisor_now_ms (self);
}

void
hemera__child_detach (HemeraSupervisor *self, HemeraChild *child)
{
  g_hash_table_remove (self->by_pid, &child->pid.id);
  if (child->end == NULL)
    hemera_actor_demonitor (self->actor, child->monitor, TRUE);
  if (child->status == HEMERA_CHILD_RUNNING)
    child->old_pid = child->pid;
  child->pid = HEMERA_PID_NONE;
  child->status = HEMERA_CHILD_STOPPED;
  g_clear_pointer (&child->end, hemera_term_unref);
}

void
hemera__child_set_restarting (HemeraChild *child, HemeraTerm *cause)
{
  g_assert (child->status == HEMERA_CHILD_STOPPED || child->status == HEMERA_CHILD_RESTARTING);

  child->status = HEMERA_CHILD_RESTARTING;
  hemera_term_ref (cause);
  g_clear_pointer (&child->cause, hemera_term_unref);
  child->cause = cause;
}

void
hemera__child_cancel_restart (HemeraSupervisor *self, HemeraChild *child)
{
  g_assert (child->status == HEMERA_CHILD_RESTARTING);

  if (child->timer.id != 0)
    hemera_actor_cancel_timer (self->actor, child->timer);
  child->timer = HEMERA_REF_NONE;
  child->status = HEMERA_CHILD_STOPPED;
  g_clear_pointer (&child->cause, hemera_term_unref);
}

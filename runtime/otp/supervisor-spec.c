/* Supervisor specs: deep copies of them, and what may be wrong with them, in the words of OTP's supervisor. Any thread. */
#include <string.h>

#include <hemera/term-builder.h>

#include "supervisor-internal.h"

static HemeraArgs
copy_args (const HemeraArgs *args)
{
  HemeraArgs copy = *args;

  if (args->copy != NULL)
    copy.data = args->data != NULL ? args->copy (args->data) : NULL;
  else
    copy.free = NULL; /* not ours */
  return copy;
}

void
hemera__child_spec_init_copy (HemeraChildSpec *self, const HemeraChildSpec *spec)
{
  *self = *spec;
  self->id = g_strdup (spec->id);
  self->name = g_strdup (spec->name);
  self->supervisor = spec->supervisor != NULL ? hemera_supervisor_spec_copy (spec->supervisor) : NULL;
  self->args = copy_args (&spec->args);
}

void
hemera__child_spec_clear (HemeraChildSpec *self)
{
  g_free ((char *) self->id);
  g_free ((char *) self->name);
  if (self->supervisor != NULL)
    hemera_supervisor_spec_free ((HemeraSupervisorSpec *) self->supervisor);
  if (self->args.copy != NULL && self->args.free != NULL && self->args.data != NULL)
    self->args.free ((gpointer) self->args.data);
  memset (self, 0, sizeof *self);
}

/**
 * hemera_supervisor_spec_copy:
 * @spec: with its children, their specs and args
 *
 * Args without a copy function are shared, as static data. Any thread.
 *
 * Returns: (transfer full): a deep copy
 */
HemeraSupervisorSpec *
hemera_supervisor_spec_copy (const HemeraSupervisorSpec *spec)
{
  HemeraSupervisorSpec *self;
  HemeraChildSpec *children;

  g_return_val_if_fail (spec != NULL, NULL);

  self = g_new (HemeraSupervisorSpec, 1);
  *self = *spec;
  children = g_new0 (HemeraChildSpec, spec->n_children);
  for (guint i = 0; i < spec->n_children; i++)
    hemera__child_spec_init_copy (&children[i], &spec->children[i]);
  self->children = children;
  return self;
}

/**
 * hemera_supervisor_spec_free:
 * @spec: (transfer full) (nullable): made by hemera_supervisor_spec_copy()
 */
void
hemera_supervisor_spec_free (HemeraSupervisorSpec *spec)
{
  HemeraChildSpec *children;

  if (spec == NULL)
    return;
  children = (HemeraChildSpec *) spec->children;
  for (guint i = 0; i < spec->n_children; i++)
    hemera__child_spec_clear (&children[i]);
  g_free (children);
  g_free (spec);
}

HemeraTerm *
hemera__child_id_term (const char *id)
{
  if (g_utf8_validate (id, -1, NULL))
    return g_utf8_strlen (id, -1) <= 255 ? hemera_term_new_atom (id) : hemera_term_new_string (id);
  return hemera_term_new_atom ("undefined");
}

HemeraTerm *
hemera__child_spec_check (const HemeraChildSpec *spec, HemeraAutoShutdown auto_shutdown)
{
  if (spec->id == NULL)
    return hemera_term_new_atom ("missing_id");
  if ((spec->actor != NULL) + (spec->server != NULL) + (spec->supervisor != NULL) != 1)
    return hemera_term_new_atom ("missing_start");
  if (spec->shutdown_ms < HEMERA_SHUTDOWN_BRUTAL_KILL)
    return hemera_term_new ("{invalid_shutdown, ~i}", (gint64) spec->shutdown_ms);
  if (!spec->significant)
    return NULL;
  if (auto_shutdown == HEMERA_AUTO_SHUTDOWN_NEVER)
    return hemera_term_new ("{bad_combination, [{auto_shutdown, never}, {significant, true}]}");
  if (spec->restart == HEMERA_RESTART_PERMANENT)
    return hemera_term_new ("{bad_combination, [{restart, permanent}, {significant, true}]}");
  return NULL;
}

HemeraTerm *
hemera__supervisor_spec_check (const HemeraSupervisorSpec *spec)
{
  g_autoptr (GHashTable) ids = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < spec->n_children; i++) {
    const HemeraChildSpec *child = &spec->children[i];
    HemeraTerm *wrong = hemera__child_spec_check (child, spec->auto_shutdown);

    if (wrong != NULL)
      return wrong;
    if (!g_hash_table_add (ids, (char *) child->id)) {
      g_autoptr (HemeraTerm) id = hemera__child_id_term (child->id);

      return hemera_term_new ("{duplicate_child_name, ~t}", id);
    }
  }
  return NULL;
}

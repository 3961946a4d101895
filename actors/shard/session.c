/* HemeraSession: the value that a RESUME needs; see machine.h. */
#include "machine.h"

void
hemera__session_copy (HemeraSession *dest, const HemeraSession *src)
{
  *dest = *src;
  dest->id = g_strdup (src->id);
  dest->resume_url = g_strdup (src->resume_url);
}

void
hemera__session_clear (HemeraSession *self)
{
  g_free (self->id);
  g_free (self->resume_url);
  *self = (HemeraSession){ 0 };
}

/* HemeraSession: the value that a RESUME needs; see machine.h. */
#include "machine.h"

#define ID_MAX 512

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

/* Visible ASCII: a NUL would cut it, and a control character in it would come out in a log. */
gboolean
hemera__session_id_is_usable (const char *id, gsize size)
{
  if (size == 0 || size > ID_MAX)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isgraph (id[i]))
      return FALSE;
  return TRUE;
}

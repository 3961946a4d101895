/* See envelope.h. One walk over the pairs: each look-up by key would skip the large d again. */
#include "envelope.h"

#include "machine.h"

#include <hemera/gateway-types.h>
#include <string.h>

enum { SEEN_OP = 1, SEEN_D = 2, SEEN_S = 4, SEEN_T = 8 };

static gboolean
violate (GError **error, const char *what)
{
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PROTOCOL, "protocol violated: %s", what);
  return FALSE;
}

static guint
key_of (HemeraView key)
{
  const char *text;
  gsize size;

  if (!hemera_view_get_string (key, &text, &size))
    return 0;
  if (size == 1)
    return text[0] == 'd' ? SEEN_D : text[0] == 's' ? SEEN_S : text[0] == 't' ? SEEN_T : 0;
  return size == 2 && memcmp (text, "op", 2) == 0 ? SEEN_OP : 0;
}

gboolean
hemera__envelope_read (HemeraView root, HemeraEnvelope *envelope, GError **error)
{
  HemeraViewIter iter;
  HemeraView key, value;
  guint seen = 0;
  guint64 op;

  *envelope = (HemeraEnvelope){ 0 };
  if (hemera_view_type (root) != HEMERA_TERM_MAP)
    return violate (error, "a payload is not a map");

  hemera_view_iter_init (&iter, root);
  while (hemera_view_iter_next_pair (&iter, &key, &value)) {
    guint which = key_of (key);

    if ((seen & which) != 0)
      return violate (error, "a payload has op, d, s or t twice");
    seen |= which;

    switch (which) {
    case SEEN_OP:
      if (!hemera_view_get_uint64 (value, &op) || op > G_MAXUINT16)
        return violate (error, "op is not a small integer");
      envelope->op = (guint) op;
      break;
    case SEEN_D: envelope->d = value; break;
    case SEEN_S:
      if (hemera_view_is_null (value))
        break;
      if (!hemera_view_get_uint64 (value, &envelope->seq) || envelope->seq > HEMERA_SEQ_MAX)
        return violate (error, "s is not a sequence number");
      envelope->has_seq = TRUE;
      break;
    case SEEN_T:
      if (hemera_view_is_null (value))
        break;
      if (!hemera_view_get_string (value, &envelope->name, &envelope->name_size) || envelope->name_size == 0)
        return violate (error, "t is not an event name");
      break;
    default: break;
    }
  }
  return (seen & SEEN_OP) != 0 ? TRUE : violate (error, "a payload has no op");
}

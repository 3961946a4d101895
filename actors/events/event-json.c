/* An event's data as JSON, with ids as strings wherever the schema has an id: the same text whatever the wire was. */
#include "codec/json/json-ids.h"
#include "event-names.h"
#include "id-nodes.h"

#include <hemera/event.h>
#include <string.h>

static gconstpointer
find_member (gconstpointer node, const char *key, gsize size)
{
  const HemeraIdNode *self = node;
  guint low, high;

  if (self->kind == HEMERA_ID_NODE_EACH)
    return &hemera__id_nodes[self->first];
  if (self->kind != HEMERA_ID_NODE_MODEL || key == NULL)
    return NULL;
  low = self->first;
  high = low + self->count;
  while (low < high) {
    guint middle = (low + high) / 2;
    const char *name = hemera__id_members[middle].name;
    gsize name_size = strlen (name);
    int order = memcmp (key, name, MIN (size, name_size));

    if (order == 0 && size == name_size)
      return &hemera__id_nodes[hemera__id_members[middle].node];
    if (order < 0 || (order == 0 && size < name_size))
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

static gconstpointer
find_element (gconstpointer node)
{
  const HemeraIdNode *self = node;

  return self->kind == HEMERA_ID_NODE_EACH ? &hemera__id_nodes[self->first] : NULL;
}

static gboolean
is_id (gconstpointer node)
{
  return ((const HemeraIdNode *) node)->kind == HEMERA_ID_NODE_ID;
}

static const HemeraJsonIds ids = { find_member, find_element, is_id };

gboolean
hemera_event_append_json (HemeraEvent *self, GString *out, GError **error)
{
  const char *name;
  const HemeraEventType *type;
  gconstpointer root;

  g_return_val_if_fail (self != NULL && out != NULL && (error == NULL || *error == NULL), FALSE);
  name = hemera_event_get_name (self);
  type = hemera__event_type_find (name, strlen (name));
  root = type != NULL ? &hemera__id_nodes[hemera__id_events[hemera__event_type_index (type)]] : NULL;
  return hemera__view_append_json_ids (hemera_event_get_data (self), &ids, root, out, error);
}

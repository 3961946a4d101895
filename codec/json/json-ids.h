/* Where ids stand in a term, for the JSON writer, which knows nothing of what they are ids of. */
#pragma once

#include <hemera/json.h>

/* A node describes a value; NULL nothing. Pure functions, any thread. */
typedef struct {
  gconstpointer (*member) (gconstpointer node, const char *key, gsize size); /* of a map's value */
  gconstpointer (*element) (gconstpointer node);                             /* of a list's elements */
  gboolean (*is_id) (gconstpointer node); /* an integer here is written as a string */
} HemeraJsonIds;

/* hemera_view_append_json() with HEMERA_JSON_SAFE_IDS, and every integer that @ids calls an id as a string. */
gboolean hemera__view_append_json_ids (HemeraView view, const HemeraJsonIds *ids, gconstpointer root,
                                       GString *out, GError **error);

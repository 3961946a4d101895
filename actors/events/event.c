/* HemeraEvent: a dispatch and, for a typed one, its model in the same allocation. What accessors make at their first use is kept on a list
 * that any thread pushes to and the last unref frees. */
#include "event-internal.h"
#include "event-names.h"

#include <string.h>

typedef struct _Kept Kept;
struct _Kept {
  Kept *next;
  gpointer data;
};

struct _HemeraEvent {
  /* any thread, atomic */
  atomic_uint ref_count;
  _Atomic (Kept *) kept; /* pushed only, taken by the last unref */
  /* immutable after new */
  guint shard, connection;
  guint64 seq;
  HemeraEncoding encoding;
  const char *name; /* of the type, or own */
  char *own_name;   /* (nullable): of an unknown event */
  HemeraTerm *payload;
  HemeraView d;
  gboolean has_model;
  HemeraModel model[]; /* the root, with its data behind it */
};

G_DEFINE_BOXED_TYPE (HemeraEvent, hemera_event, hemera_event_ref, hemera_event_unref)

HemeraEvent *
hemera__event_new (guint shard, guint connection, guint64 seq, HemeraEncoding encoding, HemeraTerm *payload,
                   HemeraView d, const char *name, gsize name_size)
{
  const HemeraEventType *type = hemera__event_type_find (name, name_size);
  const HemeraModelClass *model_class =
      type != NULL && hemera_view_type (d) == HEMERA_TERM_MAP ? type->model : NULL;
  HemeraEvent *self = g_malloc0 (sizeof *self + (model_class != NULL ? hemera__model_size (model_class) : 0));

  atomic_init (&self->ref_count, 1);
  atomic_init (&self->kept, NULL);
  self->shard = shard;
  self->connection = connection;
  self->seq = seq;
  self->encoding = encoding;
  self->payload = payload;
  self->d = d;
  if (type == NULL)
    self->own_name = g_utf8_make_valid (name, (gssize) name_size);
  self->name = type != NULL ? type->name : self->own_name;
  self->has_model = model_class != NULL;
  if (model_class != NULL)
    hemera__model_init (self->model, self, model_class, d);
  return self;
}

HemeraEvent *
hemera_event_ref (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  atomic_fetch_add_explicit (&self->ref_count, 1, memory_order_relaxed);
  return self;
}

void
hemera_event_unref (HemeraEvent *self)
{
  Kept *kept, *next;

  g_return_if_fail (self != NULL);
  /* Release: our reads and writes come before the free; acquire: the last one sees all others' releases. */
  if (atomic_fetch_sub_explicit (&self->ref_count, 1, memory_order_acq_rel) != 1)
    return;
  for (kept = atomic_load_explicit (&self->kept, memory_order_relaxed); kept != NULL; kept = next) {
    next = kept->next;
    g_free (kept->data);
    g_free (kept);
  }
  hemera_term_unref (self->payload);
  g_free (self->own_name);
  g_free (self);
}

void
hemera__event_keep (HemeraEvent *self, gpointer data)
{
  Kept *kept = g_new (Kept, 1);

  kept->data = data;
  kept->next = atomic_load_explicit (&self->kept, memory_order_relaxed);
  /* Release pairs with the acquire of the last unref, through the reference that the caller holds. */
  while (!atomic_compare_exchange_weak_explicit (&self->kept, &kept->next, kept, memory_order_release,
                                                 memory_order_relaxed)) {}
}

guint
hemera_event_get_shard (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->shard;
}

guint
hemera__event_get_connection (HemeraEvent *self)
{
  return self->connection;
}

guint64
hemera_event_get_seq (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, 0);
  return self->seq;
}

const char *
hemera_event_get_name (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return self->name;
}

HemeraEncoding
hemera_event_get_encoding (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, HEMERA_ENCODING_ETF);
  return self->encoding;
}

HemeraView
hemera_event_get_data (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, HEMERA_VIEW_INVALID);
  return self->d;
}

HemeraTerm *
hemera_event_dup_term (HemeraEvent *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return hemera_term_new_from_view (self->d);
}

gboolean
hemera_event_get_guild_id (HemeraEvent *self, guint64 *guild_id)
{
  gboolean is_guild;

  g_return_val_if_fail (self != NULL && guild_id != NULL, FALSE);
  is_guild = strcmp (self->name, "GUILD_CREATE") == 0 || strcmp (self->name, "GUILD_UPDATE") == 0
             || strcmp (self->name, "GUILD_DELETE") == 0;
  return hemera_view_get_snowflake (hemera_view_get (self->d, is_guild ? "id" : "guild_id"), guild_id);
}

gpointer
hemera__event_get_model (HemeraEvent *self)
{
  return self->has_model ? self->model : NULL;
}

gpointer
hemera__event_get_model_of (HemeraEvent *self, const HemeraModelClass *model_class)
{
  HemeraModel *model;

  g_return_val_if_fail (self != NULL, NULL);
  model = hemera__event_get_model (self);
  return model != NULL && model->model_class == model_class ? model : NULL;
}

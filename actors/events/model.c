/* Models: offsets are found once, when the model is made, in one walk over the object; a field is read from its offset. See model.h. */
#include "event-internal.h"

#define ERL_STRING_EXT 107

static guint32 *
get_offsets (const HemeraModel *self)
{
  return (guint32 *) &self->data[0];
}

static gsize
offsets_words (const HemeraModelClass *model_class)
{
  return (model_class->n_fields * sizeof (guint32) + sizeof (gpointer) - 1) / sizeof (gpointer);
}

static _Atomic (gpointer) *
get_slot (HemeraModel *self, guint field)
{
  return &self->data[offsets_words (self->model_class) + (gsize) self->model_class->fields[field].slot];
}

gsize
hemera__model_size (const HemeraModelClass *model_class)
{
  return sizeof (HemeraModel) + (offsets_words (model_class) + model_class->n_slots) * sizeof (gpointer);
}

static gint
find_field (const HemeraModelClass *model_class, const char *name, gsize size)
{
  const HemeraField *field;
  guint place;

  if (size == 0 || size > G_MAXUINT8)
    return -1;
  place = model_class->index[hemera__name_hash (name, size, model_class->multiplier, model_class->bits)];
  if (place == 0)
    return -1;
  field = &model_class->fields[place - 1];
  return field->size == size && memcmp (field->name, name, size) == 0 ? (gint) place - 1 : -1;
}

void
hemera__model_init (HemeraModel *self, HemeraEvent *event, const HemeraModelClass *model_class,
                    HemeraView view)
{
  guint32 *offsets;
  HemeraViewIter iter;
  HemeraView key, value;

  self->event = event;
  self->model_class = model_class;
  self->view = view;
  offsets = get_offsets (self);
  hemera_view_iter_init (&iter, view);
  while (hemera_view_iter_next_pair (&iter, &key, &value)) {
    const char *name;
    gsize size;
    gint field;

    if (!hemera_view_get_string (key, &name, &size))
      continue;
    field = find_field (model_class, name, size);
    if (field >= 0
        && offsets[field] == 0) /* the first one counts where a key stands twice, as in hemera_view_get() */
      offsets[field] = (guint32) (value.data - view.data) + 1;
  }
}

HemeraView
hemera__model_whole (gconstpointer model)
{
  const HemeraModel *self = model;

  return self != NULL ? self->view : HEMERA_VIEW_INVALID;
}

HemeraView
hemera__model_view (gconstpointer model, guint field)
{
  const HemeraModel *self = model;
  guint32 offset = self != NULL ? get_offsets (self)[field] : 0;

  if (offset == 0)
    return HEMERA_VIEW_INVALID;
  return (HemeraView){ self->view.data + offset - 1 };
}

gboolean
hemera__model_has (gconstpointer model, guint field)
{
  return hemera_view_is_valid (hemera__model_view (model, field));
}

guint64
hemera__model_snowflake (gconstpointer model, guint field)
{
  guint64 id = 0;

  hemera_view_get_snowflake (hemera__model_view (model, field), &id);
  return id;
}

gint64
hemera__model_integer (gconstpointer model, guint field)
{
  return hemera_view_int64 (hemera__model_view (model, field), 0);
}

guint64
hemera__model_bitfield (gconstpointer model, guint field)
{
  return hemera__model_snowflake (model, field);
}

double
hemera__model_number (gconstpointer model, guint field)
{
  return hemera_view_number (hemera__model_view (model, field), 0.0);
}

gboolean
hemera__model_boolean (gconstpointer model, guint field)
{
  return hemera_view_boolean (hemera__model_view (model, field), FALSE);
}

/* Publishes @made in @slot unless another thread was first; what is in the slot. Acquire pairs with the release of the winner's CAS. */
static gpointer
publish (HemeraModel *self, _Atomic (gpointer) *slot, gpointer made)
{
  gpointer found = NULL;

  if (atomic_compare_exchange_strong_explicit (slot, &found, made, memory_order_acq_rel,
                                               memory_order_acquire)) {
    hemera__event_keep (self->event, made);
    return made;
  }
  g_free (made);
  return found;
}

const char *
hemera__model_string (gpointer model, guint field)
{
  HemeraModel *self = model;
  HemeraView value = hemera__model_view (self, field);
  _Atomic (gpointer) *slot;
  const char *data;
  gpointer made;
  gsize size;

  if (!hemera_view_is_valid (value) || hemera_view_is_null (value))
    return NULL;
  slot = get_slot (self, field);
  made = atomic_load_explicit (slot, memory_order_acquire); /* pairs with publish() */
  if (made != NULL)
    return made;
  made = hemera_view_dup_string (value);
  if (made == NULL) {
    gint64 number;

    if (hemera_view_get_string (value, &data, &size))
      made = g_utf8_make_valid (data, (gssize) size);
    else if (hemera_view_get_int64 (value, &number))
      made = g_strdup_printf ("%" G_GINT64_FORMAT, number);
    else
      return NULL;
  }
  return publish (self, slot, made);
}

gpointer
hemera__model_object (gpointer model, guint field)
{
  HemeraModel *self = model;
  HemeraView value = hemera__model_view (self, field);
  const HemeraModelClass *model_class;
  _Atomic (gpointer) *slot;
  gpointer made;

  if (hemera_view_type (value) != HEMERA_TERM_MAP)
    return NULL;
  slot = get_slot (self, field);
  made = atomic_load_explicit (slot, memory_order_acquire); /* pairs with publish() */
  if (made != NULL)
    return made;
  model_class = self->model_class->fields[field].model;
  made = g_malloc0 (hemera__model_size (model_class));
  hemera__model_init (made, self->event, model_class, value);
  return publish (self, slot, made);
}

guint
hemera__model_n_objects (gconstpointer model, guint field)
{
  HemeraView value = hemera__model_view (model, field);

  return hemera_view_type (value) == HEMERA_TERM_LIST ? (guint) hemera_view_length (value) : 0;
}

/* Where the elements of a list lie, found in one walk at its first use, and the models made of them so far. */
typedef struct {
  guint32 *offsets; /* behind the models */
  _Atomic (gpointer) models[];
} Elements;

static Elements *
find_elements (HemeraView list, guint n)
{
  Elements *self = g_malloc0 (sizeof *self + n * (sizeof (gpointer) + sizeof (guint32)));
  HemeraViewIter iter;
  HemeraView element;

  self->offsets = (guint32 *) &self->models[n];
  hemera_view_iter_init (&iter, list);
  for (guint i = 0; i < n && hemera_view_iter_next (&iter, &element); i++)
    self->offsets[i] = (guint32) (element.data - list.data);
  return self;
}

gpointer
hemera__model_object_at (gpointer model, guint field, guint index)
{
  HemeraModel *self = model;
  HemeraView list = hemera__model_view (self, field);
  const HemeraModelClass *model_class;
  _Atomic (gpointer) *slot;
  Elements *elements;
  HemeraView element;
  gpointer made;

  /* A STRING_EXT is a list of small integers. */
  if (index >= hemera__model_n_objects (self, field) || list.data[0] == ERL_STRING_EXT)
    return NULL;
  slot = get_slot (self, field);
  elements = atomic_load_explicit (slot, memory_order_acquire); /* pairs with publish() */
  if (elements == NULL)
    elements = publish (self, slot, find_elements (list, hemera__model_n_objects (self, field)));
  made = atomic_load_explicit (&elements->models[index], memory_order_acquire); /* pairs with publish() */
  if (made != NULL)
    return made;
  model_class = self->model_class->fields[field].model;
  element = (HemeraView){ list.data + elements->offsets[index] };
  if (hemera_view_type (element) != HEMERA_TERM_MAP)
    return NULL;
  made = g_malloc0 (hemera__model_size (model_class));
  hemera__model_init (made, self->event, model_class, element);
  return publish (self, &elements->models[index], made);
}

gpointer
hemera__model_ref (gpointer model)
{
  g_return_val_if_fail (model != NULL, NULL);
  hemera_event_ref (((HemeraModel *) model)->event);
  return model;
}

void
hemera__model_unref (gpointer model)
{
  g_return_if_fail (model != NULL);
  hemera_event_unref (((HemeraModel *) model)->event);
}

/* HemeraModel: a typed object inside an event's payload: the offsets of its known fields in the payload's own bytes. Nothing is copied
 * when a model is made; a string or a nested model is made at its first use and kept with the event.
 *
 * Lock-free, any thread: offsets are written before the model is shared and never change; a slot is published once by compare-and-swap
 * (release), and read with acquire; the loser of a race frees its own work. Everything lives as long as the event, which is what
 * hemera_NAME_ref() counts. */
#pragma once

#include <hemera/term.h>
#include <stdatomic.h>
#include <string.h>

typedef enum {
  HEMERA_FIELD_SNOWFLAKE,
  HEMERA_FIELD_STRING,
  HEMERA_FIELD_INTEGER,
  HEMERA_FIELD_BITFIELD, /* a number or a decimal string */
  HEMERA_FIELD_NUMBER,
  HEMERA_FIELD_BOOLEAN,
  HEMERA_FIELD_OBJECT,
  HEMERA_FIELD_OBJECTS, /* a list of objects */
  HEMERA_FIELD_VIEW,    /* anything else: lists of scalars, maps, unions */
} HemeraFieldKind;

typedef struct _HemeraModelClass HemeraModelClass;

typedef struct {
  const char *name;
  guint8 size;
  guint8 kind;
  gint16 slot;                   /* -1: needs none */
  const HemeraModelClass *model; /* of OBJECT and OBJECTS */
} HemeraField;

/* Generated, static const. A field's name is at index[hemera__name_hash (..)] - 1, if anywhere. */
struct _HemeraModelClass {
  const char *name;
  const HemeraField *fields;
  const guint8 *index;
  guint64 multiplier;
  guint8 bits;
  guint8 n_fields, n_slots;
};

/* Perfect over one table's names for the multiplier that the generator found: first and last eight bytes, and the size. @size > 0 */
static inline guint
hemera__name_hash (const char *name, gsize size, guint64 multiplier, guint bits)
{
  guint64 first = 0, last = 0;

  memcpy (&first, name, MIN (size, 8));
  memcpy (&last, name + size - MIN (size, 8), MIN (size, 8));
  first = GUINT64_FROM_LE (first);
  last = GUINT64_FROM_LE (last);
  return (guint) (((first ^ (last << 23 | last >> 41) ^ size) * multiplier) >> (64 - bits));
}

typedef struct {
  struct _HemeraEvent *event;
  const HemeraModelClass *model_class;
  HemeraView view;
  /* guint32 offset + 1 of each field's value behind view.data, 0 absent; then the slots, _Atomic (gpointer) each */
  _Atomic (gpointer) data[];
} HemeraModel;

/* Bytes of a model with its offsets and slots, a multiple of its alignment. */
gsize hemera__model_size (const HemeraModelClass *model_class);
/* @self: zeroed memory of that size. */
void hemera__model_init (HemeraModel *self, struct _HemeraEvent *event, const HemeraModelClass *model_class,
                         HemeraView view);

/* What the generated accessors call; total: an absent field, another type or no @self gives 0, NULL, FALSE or the invalid view. */
HemeraView hemera__model_whole (gconstpointer self);
HemeraView hemera__model_view (gconstpointer self, guint field);
gboolean hemera__model_has (gconstpointer self, guint field);
guint64 hemera__model_snowflake (gconstpointer self, guint field);
const char *hemera__model_string (gpointer self, guint field);
gint64 hemera__model_integer (gconstpointer self, guint field);
guint64 hemera__model_bitfield (gconstpointer self, guint field);
double hemera__model_number (gconstpointer self, guint field);
gboolean hemera__model_boolean (gconstpointer self, guint field);
gpointer hemera__model_object (gpointer self, guint field);
guint hemera__model_n_objects (gconstpointer self, guint field);
gpointer hemera__model_object_at (gpointer self, guint field, guint index);
gpointer hemera__model_ref (gpointer self);
void hemera__model_unref (gpointer self);

/* The arena behind SimValue and its total accessors. One thread. */
#include "value.h"

#include <string.h>

#define CHUNK 16384u

struct _SimDoc {
  GPtrArray *chunks; /* of CHUNK bytes; the first `used` are in use */
  GPtrArray *large;  /* single allocations above a quarter of a chunk */
  guint used;
  gsize offset;
};

GQuark
sim_error_quark (void)
{
  return g_quark_from_static_string ("sim-error-quark");
}

SimDoc *
sim_doc_new (void)
{
  SimDoc *self = g_new0 (SimDoc, 1);
  self->chunks = g_ptr_array_new_with_free_func (g_free);
  self->large = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sim_doc_free (SimDoc *self)
{
  g_ptr_array_unref (self->chunks);
  g_ptr_array_unref (self->large);
  g_free (self);
}

void
sim_doc_reset (SimDoc *self)
{
  g_ptr_array_set_size (self->large, 0);
  if (self->chunks->len > 64)
    g_ptr_array_set_size (self->chunks, 64);
  self->used = 0;
  self->offset = CHUNK;
}

gpointer
sim_doc_alloc (SimDoc *self, gsize size)
{
  size = (size + 15) & ~(gsize) 15;
  if (size > CHUNK / 4) {
    gpointer data = g_malloc (size);
    g_ptr_array_add (self->large, data);
    return data;
  }
  if (self->used == 0 || self->offset + size > CHUNK) {
    if (self->used == self->chunks->len)
      g_ptr_array_add (self->chunks, g_malloc (CHUNK));
    self->used++;
    self->offset = 0;
  }
  gpointer data = (guint8 *) g_ptr_array_index (self->chunks, self->used - 1) + self->offset;
  self->offset += size;
  return data;
}

SimValue *
sim_doc_value (SimDoc *self, SimType type)
{
  SimValue *value = sim_doc_alloc (self, sizeof *value);
  memset (value, 0, sizeof *value);
  value->type = type;
  return value;
}

SimValue *
sim_doc_text (SimDoc *self, SimType type, const char *text, gsize size)
{
  SimValue *value = sim_doc_value (self, type);
  char *copy = sim_doc_alloc (self, size + 1);
  memcpy (copy, text, size);
  copy[size] = '\0';
  value->text = copy;
  value->size = size;
  return value;
}

void
sim_value_append (SimValue *parent, SimValue *child)
{
  if (parent->last != NULL)
    parent->last->next = child;
  else
    parent->first = child;
  parent->last = child;
  parent->count++;
}

const SimValue *
sim_value_get (const SimValue *object, const char *key)
{
  if (object == NULL || object->type != SIM_OBJECT)
    return NULL;
  gsize size = strlen (key);
  for (const SimValue *member = object->first; member != NULL; member = member->next)
    if (member->key_size == size && memcmp (member->key, key, size) == 0)
      return member;
  return NULL;
}

gboolean
sim_value_is (const SimValue *value, SimType type)
{
  return value != NULL && value->type == type;
}

gboolean
sim_value_int64 (const SimValue *value, gint64 *number)
{
  if (!sim_value_is (value, SIM_NUMBER) || value->size > 20)
    return FALSE;
  gboolean negative = value->text[0] == '-';
  guint64 magnitude = 0;
  for (gsize i = negative ? 1 : 0; i < value->size; i++) {
    guint digit = (guint) (value->text[i] - '0');
    if (digit > 9 || magnitude > ((guint64) G_MAXINT64 - digit) / 10)
      return FALSE;
    magnitude = magnitude * 10 + digit;
  }
  *number = negative ? -(gint64) magnitude : (gint64) magnitude;
  return TRUE;
}

gboolean
sim_text_snowflake (const char *text, gsize size, guint64 *id)
{
  if (size == 0 || size > 20)
    return FALSE;
  guint64 value = 0;
  for (gsize i = 0; i < size; i++) {
    guint digit = (guint) (text[i] - '0');
    if (digit > 9 || value > (G_MAXUINT64 - digit) / 10)
      return FALSE;
    value = value * 10 + digit;
  }
  *id = value;
  return TRUE;
}

gboolean
sim_value_snowflake (const SimValue *value, guint64 *id)
{
  return (sim_value_is (value, SIM_NUMBER) || sim_value_is (value, SIM_STRING))
         && sim_text_snowflake (value->text, value->size, id);
}

gboolean
sim_value_equals (const SimValue *value, const char *text)
{
  return sim_value_is (value, SIM_STRING) && value->size == strlen (text)
         && memcmp (value->text, text, value->size) == 0;
}

gboolean
sim_value_boolean (const SimValue *value, gboolean *flag)
{
  if (!sim_value_is (value, SIM_TRUE) && !sim_value_is (value, SIM_FALSE))
    return FALSE;
  *flag = value->type == SIM_TRUE;
  return TRUE;
}

char *
sim_value_dup (const SimValue *value)
{
  return sim_value_is (value, SIM_STRING) ? g_strndup (value->text, value->size) : g_strdup ("");
}

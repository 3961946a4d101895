/* Prints models as JSON by their public accessors alone (model-dump.c is generated). */
#pragma once

#include <hemera/events.h>
#include <hemera/json.h>
#include <hemera/term-builder.h>

/* FALSE: @event is not typed. */
gboolean dump_model (const char *event, gpointer model, GString *out);

static inline void
open_object (GString *out)
{
  g_string_append_c (out, '{');
}

static inline void
close_object (GString *out)
{
  if (out->str[out->len - 1] == ',')
    g_string_truncate (out, out->len - 1);
  g_string_append_c (out, '}');
}

static inline void
append_end (GString *out)
{
  g_string_append_c (out, ',');
}

static inline void
append_text (GString *out, guint64 value)
{
  g_string_append_printf (out, "\"%" G_GUINT64_FORMAT "\"", value);
}

static inline void
append_snowflake (GString *out, guint64 value)
{
  append_text (out, value);
}

static inline void
append_bitfield (GString *out, guint64 value)
{
  g_string_append_printf (out, "%" G_GUINT64_FORMAT, value);
}

static inline void
append_integer (GString *out, gint64 value)
{
  g_string_append_printf (out, "%" G_GINT64_FORMAT, value);
}

static inline void
append_number (GString *out, double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  g_string_append (out, g_ascii_dtostr (text, sizeof text, value));
}

static inline void
append_boolean (GString *out, gboolean value)
{
  g_string_append (out, value ? "true" : "false");
}

static inline void
append_view (GString *out, HemeraView value)
{
  if (!hemera_view_append_json (value, HEMERA_JSON_DEFAULT, out, NULL))
    g_string_append (out, "null");
}

static inline void
append_string (GString *out, const char *value)
{
  g_autoptr (HemeraTerm) term = value != NULL ? hemera_term_new_string (value) : NULL;

  append_view (out, hemera_term_view (term));
}

static inline void
append_object (GString *out, gpointer model, void (*dump) (gpointer model, GString *out))
{
  if (model != NULL)
    dump (model, out);
  else
    g_string_append (out, "null");
}

/* Absent fields are left out, null ones written here; TRUE: the value is to follow. */
static inline gboolean
begin_field (GString *out, const char *name, gboolean has, gboolean is_null)
{
  if (!has)
    return FALSE;
  g_string_append_printf (out, "\"%s\":%s", name, is_null ? "null," : "");
  return !is_null;
}

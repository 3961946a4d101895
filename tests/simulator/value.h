/* SimValue: a JSON-shaped tree that lives in an arena (SimDoc). The simulator's one data model for what it reads: lines of a stream,
 * client frames in JSON and in ETF. It is deliberately not Hemera's term: a simulator that shared the codec with the client that it
 * judges would share its bugs.
 *
 * Strings without escapes and numbers point into the text that was parsed, which must outlive the document. */
#pragma once

#include <glib.h>

typedef enum {
  SIM_NULL,
  SIM_FALSE,
  SIM_TRUE,
  SIM_NUMBER, /* text: as JSON writes it, any size */
  SIM_STRING,
  SIM_ARRAY,
  SIM_OBJECT,
} SimType;

typedef struct _SimValue SimValue;
struct _SimValue {
  SimType type;
  guint count;     /* members of an array or object */
  const char *key; /* of an object's member; not NUL-terminated */
  gsize key_size;
  const char *text; /* of a number or string; not NUL-terminated */
  gsize size;
  const char *raw; /* the JSON text of this value; NULL when it came as ETF */
  gsize raw_size;
  SimValue *first, *last, *next;
};

typedef struct _SimDoc SimDoc;

#define SIM_ERROR (sim_error_quark ())
GQuark sim_error_quark (void);
typedef enum {
  SIM_ERROR_MALFORMED,
  SIM_ERROR_ATOM_KEY,   /* ETF: a map key is an atom */
  SIM_ERROR_COMPRESSED, /* ETF: compressed term */
  SIM_ERROR_TYPE,       /* ETF: a type that the gateway does not take */
  SIM_ERROR_OPTION,
  SIM_ERROR_SYSTEM,
} SimError;

SimDoc *sim_doc_new (void);
void sim_doc_free (SimDoc *self);
/* Forgets all values, keeps the memory. */
void sim_doc_reset (SimDoc *self);
gpointer sim_doc_alloc (SimDoc *self, gsize size);
SimValue *sim_doc_value (SimDoc *self, SimType type);
/* A value whose text is a copy. */
SimValue *sim_doc_text (SimDoc *self, SimType type, const char *text, gsize size);

void sim_value_append (SimValue *parent, SimValue *child);
/* NULL when @object is NULL, no object, or lacks @key. */
const SimValue *sim_value_get (const SimValue *object, const char *key);
gboolean sim_value_is (const SimValue *value, SimType type);
gboolean sim_value_int64 (const SimValue *value, gint64 *number);
/* An id: a decimal string or an integer. */
gboolean sim_value_snowflake (const SimValue *value, guint64 *id);
gboolean sim_value_equals (const SimValue *value, const char *text);
/* TRUE and @flag for true, false; FALSE for anything else. */
gboolean sim_value_boolean (const SimValue *value, gboolean *flag);
/* Strings only; the empty string for others. (transfer full) */
char *sim_value_dup (const SimValue *value);
gboolean sim_text_snowflake (const char *text, gsize size, guint64 *id);

/* Strict RFC 8259; a key twice is an error. NULL with @error set. (transfer none): the document's. */
SimValue *sim_json_parse (SimDoc *doc, const char *text, gsize size, GError **error);
/* Quoted; @size -1: to the NUL. What is no UTF-8 is replaced. */
void sim_json_append_string (GString *out, const char *text, gssize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SimDoc, sim_doc_free)

/* Loading a stream: each line is parsed once and checked, of READY the parts are kept that every session's own READY repeats. */
#include "stream.h"

#include <string.h>

struct _SimStream {
  GMappedFile *file;
  GArray *events;     /* SimEvent, READY left out */
  GArray *guilds;     /* guint64 */
  GHashTable *create; /* guint64* -> index + 1 */
  char *user, *application, *user_id;
};

guint
sim_stream_shard (guint64 guild, guint total)
{
  return guild == 0 ? 0 : (guint) ((guild >> 22) % total);
}

static guint64
guild_of (const char *t, const SimValue *d)
{
  guint64 id = 0;
  gboolean own =
      strcmp (t, "GUILD_CREATE") == 0 || strcmp (t, "GUILD_UPDATE") == 0 || strcmp (t, "GUILD_DELETE") == 0;
  if (!sim_value_snowflake (sim_value_get (d, own ? "id" : "guild_id"), &id))
    return 0;
  return id;
}

static char *
raw (const SimValue *value, const char *fallback)
{
  return value != NULL ? g_strndup (value->raw, value->raw_size) : g_strdup (fallback);
}

static void
take_ready (SimStream *self, const SimValue *d)
{
  g_clear_pointer (&self->user, g_free);
  g_clear_pointer (&self->application, g_free);
  g_clear_pointer (&self->user_id, g_free);
  self->user = raw (sim_value_get (d, "user"), "{}");
  self->application = raw (sim_value_get (d, "application"), "{}");
  self->user_id = sim_value_dup (sim_value_get (sim_value_get (d, "user"), "id"));
  g_array_set_size (self->guilds, 0);
  const SimValue *guilds = sim_value_get (d, "guilds");
  for (const SimValue *guild = guilds != NULL ? guilds->first : NULL; guild != NULL; guild = guild->next) {
    guint64 id;
    if (sim_value_snowflake (sim_value_get (guild, "id"), &id))
      g_array_append_val (self->guilds, id);
  }
}

/* Discord's names are of these letters alone, so that no writer has to escape them. */
static gboolean
is_event_name (const SimValue *t)
{
  if (!sim_value_is (t, SIM_STRING) || t->size == 0 || t->size > 255)
    return FALSE;
  for (gsize i = 0; i < t->size; i++)
    if (!g_ascii_isupper (t->text[i]) && !g_ascii_isdigit (t->text[i]) && t->text[i] != '_')
      return FALSE;
  return TRUE;
}

static gboolean
take_line (SimStream *self, SimDoc *doc, const char *text, gsize size, guint line, GError **error)
{
  sim_doc_reset (doc);
  g_autoptr (GError) why = NULL;
  const SimValue *root = sim_json_parse (doc, text, size, &why);
  const SimValue *t = sim_value_get (root, "t"), *d = sim_value_get (root, "d");
  if (!is_event_name (t) || d == NULL || size > G_MAXINT32) {
    g_set_error (error, SIM_ERROR, SIM_ERROR_MALFORMED, "line %u of the stream is no dispatch%s%s", line,
                 why != NULL ? ": " : "", why != NULL ? why->message : "");
    return FALSE;
  }
  g_autofree char *name = g_strndup (t->text, t->size);
  if (strcmp (name, "READY") == 0) {
    take_ready (self, d);
    return TRUE;
  }
  SimEvent event = { g_intern_string (name), d->raw, (guint32) d->raw_size, line, guild_of (name, d) };
  g_array_append_val (self->events, event);
  if (event.guild != 0 && strcmp (name, "GUILD_CREATE") == 0 && sim_value_get (d, "channels") != NULL
      && !g_hash_table_contains (self->create, &event.guild))
    g_hash_table_insert (self->create, g_memdup2 (&event.guild, sizeof event.guild),
                         GUINT_TO_POINTER (self->events->len));
  return TRUE;
}

SimStream *
sim_stream_load (const char *path, GError **error)
{
  SimStream *self = g_new0 (SimStream, 1);
  self->events = g_array_new (FALSE, FALSE, sizeof (SimEvent));
  self->guilds = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->create = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->user =
      g_strdup ("{\"id\":\"1100000000000000001\",\"username\":\"simulated\",\"discriminator\":\"0000\","
                "\"global_name\":null,\"avatar\":null,\"bot\":true}");
  self->application = g_strdup ("{\"id\":\"1100000000000000001\",\"flags\":0}");
  self->user_id = g_strdup ("1100000000000000001");
  if (path == NULL)
    return self;
  g_autoptr (SimDoc) doc = sim_doc_new ();
  self->file = g_mapped_file_new (path, FALSE, error);
  const char *at = self->file != NULL ? g_mapped_file_get_contents (self->file) : NULL;
  const char *end = at != NULL ? at + g_mapped_file_get_length (self->file) : NULL;
  gboolean ok = self->file != NULL;
  for (guint line = 1; ok && at < end; line++) {
    const char *stop = memchr (at, '\n', (gsize) (end - at));
    gsize size = (gsize) ((stop != NULL ? stop : end) - at);
    ok = size == 0 || take_line (self, doc, at, size, line, error);
    at += size + 1;
  }
  if (ok)
    return self;
  sim_stream_free (self);
  return NULL;
}

void
sim_stream_free (SimStream *self)
{
  g_clear_pointer (&self->file, g_mapped_file_unref);
  g_array_unref (self->events);
  g_array_unref (self->guilds);
  g_hash_table_unref (self->create);
  g_free (self->user);
  g_free (self->application);
  g_free (self->user_id);
  g_free (self);
}

guint
sim_stream_length (const SimStream *self)
{
  return self->events->len;
}

const SimEvent *
sim_stream_event (const SimStream *self, guint index)
{
  return &g_array_index (self->events, SimEvent, index);
}

const char *
sim_stream_user (const SimStream *self)
{
  return self->user;
}

const char *
sim_stream_application (const SimStream *self)
{
  return self->application;
}

const char *
sim_stream_user_id (const SimStream *self)
{
  return self->user_id;
}

const guint64 *
sim_stream_guilds (const SimStream *self, guint *count)
{
  *count = self->guilds->len;
  return (const guint64 *) (gconstpointer) self->guilds->data;
}

const SimEvent *
sim_stream_guild_create (const SimStream *self, guint64 guild)
{
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (self->create, &guild));
  return index != 0 ? sim_stream_event (self, index - 1) : NULL;
}

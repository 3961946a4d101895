/* HemeraGatewayApiOptions: setters over a HemeraGatewayConfig, and where tokens come from. One thread at a time. */
#include "../session/session-file.h"
#include "../tree/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TOKEN_FILE_MAX 4096

struct _HemeraGatewayApiOptions {
  GObject parent_instance;
  HemeraGatewayConfig config;
};

G_DEFINE_FINAL_TYPE (HemeraGatewayApiOptions, hemera_gateway_api_options, G_TYPE_OBJECT)

static void
hemera_gateway_api_options_finalize (GObject *object)
{
  hemera__gateway_config_clear (&HEMERA_GATEWAY_API_OPTIONS (object)->config);
  G_OBJECT_CLASS (hemera_gateway_api_options_parent_class)->finalize (object);
}

static void
hemera_gateway_api_options_class_init (HemeraGatewayApiOptionsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hemera_gateway_api_options_finalize;
}

static void
hemera_gateway_api_options_init (HemeraGatewayApiOptions *self)
{
  hemera__gateway_config_init (&self->config);
}

const HemeraGatewayConfig *
hemera__gateway_api_options_config (HemeraGatewayApiOptions *self)
{
  return &self->config;
}

/* ---- the token ------------------------------------------------------------------------------------------ */

HemeraGatewayApiOptions *
hemera_gateway_api_options_new (const char *token, GError **error)
{
  HemeraGatewayApiOptions *self;
  HemeraToken *secret;

  g_return_val_if_fail (token != NULL, NULL);
  secret = hemera__token_new (token, error);
  if (secret == NULL)
    return NULL;
  self = g_object_new (HEMERA_TYPE_GATEWAY_API_OPTIONS, NULL);
  self->config.token = secret;
  return self;
}

HemeraGatewayApiOptions *
hemera_gateway_api_options_new_from_environment (GError **error)
{
  g_autoptr (HemeraGatewayApiOptions) self =
      hemera_gateway_api_options_new_from_variable ("DISCORD_TOKEN", error);
  const char *url = g_getenv ("HEMERA_API_URL"), *ca_file = g_getenv ("HEMERA_CA_FILE");

  if (self == NULL || (url != NULL && !hemera_gateway_api_options_set_api_url (self, url, error)))
    return NULL;
  if (ca_file != NULL && *ca_file != '\0')
    hemera_gateway_api_options_set_ca_file (self, ca_file);
  return g_steal_pointer (&self);
}

HemeraGatewayApiOptions *
hemera_gateway_api_options_new_from_variable (const char *name, GError **error)
{
  const char *token;

  g_return_val_if_fail (name != NULL, NULL);
  token = g_getenv (name);
  if (token == NULL || *token == '\0') {
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
                 "the environment variable %s is not set: it holds the bot's token", name);
    return NULL;
  }
  return hemera_gateway_api_options_new (token, error);
}

/* A token file is a line: what is longer is something else, and none of it may end up in memory that is not wiped. */
static gboolean
read_token (const char *path, char *buffer, gsize size, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  gsize used = 0;
  gssize n = 0;

  if (fd >= 0) {
    do {
      n = read (fd, buffer + used, size - 1 - used);
      if (n > 0)
        used += (gsize) n;
    } while ((n > 0 && used < size - 1) || (n < 0 && errno == EINTR));
  }
  if (fd < 0 || n < 0) {
    int saved = errno;

    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS, "the token file %s: %s", path,
                 g_strerror (saved));
    if (fd >= 0)
      close (fd);
    return FALSE;
  }
  close (fd);
  buffer[used] = '\0';
  buffer[strcspn (buffer, "\r\n")] = '\0';
  return TRUE;
}

HemeraGatewayApiOptions *
hemera_gateway_api_options_new_from_file (const char *path, GError **error)
{
  g_autofree char *credential = NULL;
  HemeraGatewayApiOptions *self = NULL;
  char buffer[TOKEN_FILE_MAX];

  g_return_val_if_fail (path != NULL, NULL);
  if (strchr (path, '/') == NULL && g_getenv ("CREDENTIALS_DIRECTORY") != NULL)
    credential = g_build_filename (g_getenv ("CREDENTIALS_DIRECTORY"), path, NULL);
  if (read_token (credential != NULL ? credential : path, buffer, sizeof buffer, error))
    self = hemera_gateway_api_options_new (buffer, error);
  explicit_bzero (buffer, sizeof buffer);
  return self;
}

/* ---- where ---------------------------------------------------------------------------------------------- */

static void
set_string (char **field, const char *value)
{
  char *copy = g_strdup (value);

  g_free (*field);
  *field = copy;
}

gboolean
hemera_gateway_api_options_set_api_url (HemeraGatewayApiOptions *self, const char *url, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GError) why = NULL;
  gsize size;

  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self) && url != NULL, FALSE);
  uri = g_uri_parse (url, G_URI_FLAGS_NONE, &why);
  if (uri == NULL
      || (strcmp (g_uri_get_scheme (uri), "https") != 0 && strcmp (g_uri_get_scheme (uri), "http") != 0)
      || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0' || g_uri_get_userinfo (uri) != NULL
      || g_uri_get_query (uri) != NULL || g_uri_get_fragment (uri) != NULL) {
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
                 "the API url must be https://HOST[:PORT][/PATH] (http:// for a simulator)%s%s",
                 why != NULL ? ": " : "", why != NULL ? why->message : "");
    return FALSE;
  }
  set_string (&self->config.api_url, url);
  for (size = strlen (self->config.api_url); size > 0 && self->config.api_url[size - 1] == '/'; size--)
    self->config.api_url[size - 1] = '\0';
  return TRUE;
}

const char *
hemera_gateway_api_options_get_api_url (HemeraGatewayApiOptions *self)
{
  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self), NULL);
  return self->config.api_url;
}

void
hemera_gateway_api_options_set_ca_file (HemeraGatewayApiOptions *self, const char *path)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  set_string (&self->config.ca_file, path);
}

const char *
hemera_gateway_api_options_get_ca_file (HemeraGatewayApiOptions *self)
{
  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self), NULL);
  return self->config.ca_file;
}

void
hemera_gateway_api_options_set_session_file (HemeraGatewayApiOptions *self, const char *path)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  set_string (&self->config.session_file, path);
}

const char *
hemera_gateway_api_options_get_session_file (HemeraGatewayApiOptions *self)
{
  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self), NULL);
  return self->config.session_file;
}

gboolean
hemera_gateway_api_options_set_sessions (HemeraGatewayApiOptions *self, HemeraTerm *sessions, GError **error)
{
  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self), FALSE);
  if (sessions != NULL && !hemera__sessions_check (hemera_term_view (sessions), error))
    return FALSE;
  if (sessions != NULL)
    hemera_term_ref (sessions);
  g_clear_pointer (&self->config.sessions, hemera_term_unref);
  self->config.sessions = sessions;
  return TRUE;
}

/* ---- plain values --------------------------------------------------------------------------------------- */

#define PLAIN_SETTER(Type, name, field)                                                                      \
  void hemera_gateway_api_options_set_##name (HemeraGatewayApiOptions *self, Type value)                     \
  {                                                                                                          \
    g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));                                                 \
    self->config.field = value;                                                                              \
  }
#define PLAIN_GETTER(Type, name, field)                                                                      \
  Type hemera_gateway_api_options_get_##name (HemeraGatewayApiOptions *self)                                 \
  {                                                                                                          \
    g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self), 0);                                          \
    return self->config.field;                                                                               \
  }

/* A value that is none of the enumeration is the caller's mistake. */
#define ENUM_SETTER(Type, name, last)                                                                        \
  void hemera_gateway_api_options_set_##name (HemeraGatewayApiOptions *self, Type value)                     \
  {                                                                                                          \
    g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));                                                 \
    g_return_if_fail ((guint) value <= (last));                                                              \
    self->config.name = value;                                                                               \
  }

/* A time or number whose 0 stands for the default. */
#define DEFAULT_SETTER(name, field, fallback)                                                                \
  void hemera_gateway_api_options_set_##name (HemeraGatewayApiOptions *self, guint value)                    \
  {                                                                                                          \
    g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));                                                 \
    self->config.field = value != 0 ? value : (fallback);                                                    \
  }

ENUM_SETTER (HemeraEncoding, encoding, HEMERA_ENCODING_JSON)
PLAIN_GETTER (HemeraEncoding, encoding, encoding)
ENUM_SETTER (HemeraCompression, compression, HEMERA_COMPRESSION_ZLIB_STREAM)
PLAIN_GETTER (HemeraCompression, compression, compression)
PLAIN_SETTER (guint, total_shards, total_shards)
PLAIN_GETTER (guint, total_shards, total_shards)
PLAIN_SETTER (guint64, intents, intents)
PLAIN_GETTER (guint64, intents, intents)
PLAIN_GETTER (guint, large_threshold, large_threshold)
PLAIN_SETTER (guint, hello_timeout, times.hello_ms)
PLAIN_SETTER (guint, ready_timeout, times.ready_ms)
PLAIN_SETTER (guint, resumed_timeout, times.resumed_ms)
PLAIN_SETTER (guint, close_timeout, times.close_ms)
PLAIN_SETTER (guint, session_floor, session_floor)
DEFAULT_SETTER (rest_timeout, rest_timeout_ms, 15000)
DEFAULT_SETTER (cool_down, cool_down_ms, 300000)
DEFAULT_SETTER (identify_spacing, identify_spacing_ms, 5000)
DEFAULT_SETTER (subscription_credit, subscription_credit, 1024)

void
hemera_gateway_api_options_set_connect_timeout (HemeraGatewayApiOptions *self, guint ms)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  self->config.times.resolve_ms = ms;
  self->config.times.connect_ms = ms;
}

void
hemera_gateway_api_options_set_large_threshold (HemeraGatewayApiOptions *self, guint members)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  self->config.large_threshold = members == 0 ? 0 : CLAMP (members, 50, 250);
}

void
hemera_gateway_api_options_set_backoff (HemeraGatewayApiOptions *self, guint base_ms, guint cap_ms,
                                        guint reset_ms)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  self->config.times.backoff_base_ms = base_ms;
  self->config.times.backoff_cap_ms = cap_ms;
  self->config.times.backoff_reset_ms = reset_ms;
}

void
hemera_gateway_api_options_set_invalid_session_wait (HemeraGatewayApiOptions *self, guint min_ms,
                                                     guint max_ms)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  self->config.times.invalid_session_min_ms = min_ms;
  self->config.times.invalid_session_max_ms = max_ms;
}

void
hemera_gateway_api_options_set_restart_backoff (HemeraGatewayApiOptions *self, guint base_ms, guint cap_ms)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  self->config.restart_base_ms = base_ms != 0 ? base_ms : 500;
  self->config.restart_cap_ms = cap_ms != 0 ? cap_ms : 60000;
}

void
hemera_gateway_api_options_set_restart_intensity (HemeraGatewayApiOptions *self, guint intensity,
                                                  guint period_ms)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  self->config.intensity = intensity != 0 ? intensity : 5;
  self->config.period_ms = period_ms != 0 ? period_ms : 60000;
}

static int
compare_shards (gconstpointer a, gconstpointer b)
{
  guint x = *(const guint *) a, y = *(const guint *) b;

  return (x > y) - (x < y);
}

void
hemera_gateway_api_options_set_shards (HemeraGatewayApiOptions *self, const guint *shards, guint n)
{
  GArray *array;

  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  g_return_if_fail (shards != NULL || n == 0);
  array = g_array_new (FALSE, FALSE, sizeof (guint));
  if (n > 0)
    g_array_append_vals (array, shards, n);
  g_array_sort (array, compare_shards);
  for (guint i = 1; i < array->len;) {
    if (g_array_index (array, guint, i) == g_array_index (array, guint, i - 1))
      g_array_remove_index (array, i);
    else
      i++;
  }
  g_array_unref (self->config.shards);
  self->config.shards = array;
}

const guint *
hemera_gateway_api_options_get_shards (HemeraGatewayApiOptions *self, guint *n)
{
  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self) && n != NULL, NULL);
  *n = self->config.shards->len;
  return (const guint *) (gpointer) self->config.shards->data;
}

void
hemera_gateway_api_options_set_presence (HemeraGatewayApiOptions *self, HemeraTerm *presence)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  if (presence != NULL)
    hemera_term_ref (presence);
  g_clear_pointer (&self->config.presence, hemera_term_unref);
  self->config.presence = presence;
}

void
hemera_gateway_api_options_set_properties (HemeraGatewayApiOptions *self, const char *os, const char *browser,
                                           const char *device)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (self));
  set_string (&self->config.os, os);
  set_string (&self->config.browser, browser);
  set_string (&self->config.device, device);
}

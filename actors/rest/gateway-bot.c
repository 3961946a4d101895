/* HemeraGatewayBot, and the reader of the JSON that it comes from: every field is checked, as the url says where the token goes. */
#include "gateway-bot.h"

#include "../protocol/gateway-url.h"

#include <hemera/json.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#define RETRY_MIN_MS 250
#define RETRY_MAX_MS 3600000

struct _HemeraGatewayBot {
  atomic_uint refs;
  char *url;
  guint shards, total, remaining, max_concurrency;
  guint64 reset_after_ms;
};

G_DEFINE_BOXED_TYPE (HemeraGatewayBot, hemera_gateway_bot, hemera_gateway_bot_ref, hemera_gateway_bot_unref)

HemeraGatewayBot *
hemera__gateway_bot_new (const char *url, guint shards, guint total, guint remaining, guint64 reset_after_ms,
                         guint max_concurrency)
{
  HemeraGatewayBot *self = g_new0 (HemeraGatewayBot, 1);

  atomic_init (&self->refs, 1);
  self->url = g_strdup (url);
  self->shards = shards;
  self->total = total;
  self->remaining = remaining;
  self->reset_after_ms = reset_after_ms;
  self->max_concurrency = max_concurrency;
  return self;
}

HemeraGatewayBot *
hemera_gateway_bot_ref (HemeraGatewayBot *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera_gateway_bot_unref (HemeraGatewayBot *self)
{
  g_return_if_fail (self != NULL);
  /* Release pairs with the acquire of the last unref. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  g_free (self->url);
  g_free (self);
}

#define GETTER(Type, field)                                                                                  \
  Type hemera_gateway_bot_get_##field (HemeraGatewayBot *self)                                               \
  {                                                                                                          \
    g_return_val_if_fail (self != NULL, 0);                                                                  \
    return self->field;                                                                                      \
  }

GETTER (const char *, url)
GETTER (guint, shards)
GETTER (guint, total)
GETTER (guint, remaining)
GETTER (guint64, reset_after_ms)
GETTER (guint, max_concurrency)

/* ---- reading ------------------------------------------------------------------------------------------------ */

gboolean
hemera__gateway_url_is_allowed (const char *url, gboolean plain)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);

  return hemera__gateway_url_is_usable (url, !plain) && uri != NULL && g_uri_get_host (uri) != NULL
         && *g_uri_get_host (uri) != '\0' && g_uri_get_userinfo (uri) == NULL
         && g_uri_get_fragment (uri) == NULL
         && (strcmp (g_uri_get_scheme (uri), "wss") == 0
             || (plain && strcmp (g_uri_get_scheme (uri), "ws") == 0));
}

static gboolean
refuse (GError **error, const char *why)
{
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST,
               "the API's answer about the gateway %s", why);
  return FALSE;
}

static gboolean
get_count (HemeraView map, const char *key, guint64 max, guint64 *value, GError **error)
{
  g_autofree char *why = NULL;

  if (hemera_view_get_uint64 (hemera_view_get (map, key), value) && *value <= max)
    return TRUE;
  why = g_strdup_printf ("has no usable \"%s\"", key);
  return refuse (error, why);
}

HemeraGatewayBot *
hemera__gateway_bot_parse (GBytes *body, gboolean bot, gboolean plain, GError **error)
{
  g_autoptr (HemeraTerm) term = NULL;
  g_autofree char *url = NULL;
  HemeraView root, limit;
  guint64 shards = 1, total = 1, remaining = 1, reset = 0, concurrency = 1;
  gsize size;
  const char *data = g_bytes_get_data (body, &size);

  term = hemera_term_new_from_json (data != NULL ? data : "", size, NULL, NULL);
  root = hemera_term_view (term);
  if (term == NULL || hemera_view_type (root) != HEMERA_TERM_MAP) {
    refuse (error, "is not JSON, or no object");
    return NULL;
  }
  url = hemera_view_dup_string (hemera_view_get (root, "url"));
  if (url == NULL || !hemera__gateway_url_is_allowed (url, plain)) {
    refuse (error, plain ? "has no ws or wss url" : "has no wss url");
    return NULL;
  }
  if (bot) {
    limit = hemera_view_get (root, "session_start_limit");
    if (!get_count (root, "shards", HEMERA_SHARDS_MAX, &shards, error)
        || !get_count (limit, "total", G_MAXUINT32, &total, error)
        || !get_count (limit, "remaining", G_MAXUINT32, &remaining, error)
        || !get_count (limit, "reset_after", G_GUINT64_CONSTANT (31536000000), &reset, error)
        || !get_count (limit, "max_concurrency", HEMERA_SHARDS_MAX, &concurrency, error))
      return NULL;
    if (shards == 0 || concurrency == 0) {
      refuse (error, shards == 0 ? "recommends 0 shards" : "has a max_concurrency of 0");
      return NULL;
    }
  }
  return hemera__gateway_bot_new (url, (guint) shards, (guint) total, (guint) remaining, reset,
                                  (guint) concurrency);
}

guint64
hemera__rest_retry_after_ms (const char *header, GBytes *body)
{
  g_autoptr (HemeraTerm) term = NULL;
  gsize size = 0;
  const char *data = body != NULL ? g_bytes_get_data (body, &size) : NULL;
  double seconds = header != NULL ? g_ascii_strtod (header, NULL) : 0;

  if (size > 0)
    term = hemera_term_new_from_json (data, size, NULL, NULL);
  if (!isfinite (seconds))
    seconds = 0;
  if (term != NULL)
    seconds = MAX (seconds, hemera_view_number (hemera_view_get (hemera_term_view (term), "retry_after"), 0));
  return (guint64) CLAMP (seconds * 1000 + 0.999, RETRY_MIN_MS, RETRY_MAX_MS);
}

/* HemeraGatewayConfig: the defaults of the options, the deep copy and its end. */
#include "config.h"

#define DEFAULT_API_URL "https://discord.com/api/v10"

void
hemera__gateway_config_init (HemeraGatewayConfig *self)
{
  *self = (HemeraGatewayConfig){
    .api_url = g_strdup (DEFAULT_API_URL),
    .encoding = HEMERA_ENCODING_ETF,
    .compression = HEMERA_COMPRESSION_ZLIB_STREAM,
    .shards = g_array_new (FALSE, FALSE, sizeof (guint)),
    .intents = HEMERA_INTENTS_NOT_PRIVILEGED,
    .rest_timeout_ms = 15000,
    .restart_base_ms = 500,
    .restart_cap_ms = 60000,
    .intensity = 5,
    .period_ms = 60000,
    .cool_down_ms = 300000,
    .identify_spacing_ms = 5000,
    .session_floor = 10,
    .subscription_credit = 1024,
  };
}

void
hemera__gateway_config_copy (HemeraGatewayConfig *dest, const HemeraGatewayConfig *src)
{
  *dest = *src;
  dest->token = src->token != NULL ? hemera__token_ref (src->token) : NULL;
  dest->api_url = g_strdup (src->api_url);
  dest->ca_file = g_strdup (src->ca_file);
  dest->session_file = g_strdup (src->session_file);
  dest->sessions = src->sessions != NULL ? hemera_term_ref (src->sessions) : NULL;
  dest->shards = g_array_copy (src->shards);
  dest->presence = src->presence != NULL ? hemera_term_ref (src->presence) : NULL;
  dest->os = g_strdup (src->os);
  dest->browser = g_strdup (src->browser);
  dest->device = g_strdup (src->device);
}

void
hemera__gateway_config_clear (HemeraGatewayConfig *self)
{
  g_clear_pointer (&self->token, hemera__token_unref);
  g_free (self->api_url);
  g_free (self->ca_file);
  g_free (self->session_file);
  g_clear_pointer (&self->sessions, hemera_term_unref);
  g_clear_pointer (&self->shards, g_array_unref);
  g_clear_pointer (&self->presence, hemera_term_unref);
  g_free (self->os);
  g_free (self->browser);
  g_free (self->device);
  *self = (HemeraGatewayConfig){ 0 };
}

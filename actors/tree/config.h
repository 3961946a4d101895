/* HemeraGatewayConfig: the options of a gateway as the actors need them: plain, copied deeply when a gateway is made. Strings owned. */
#pragma once

#include "../protocol/machine.h"
#include <hemera/gateway-api-options.h>
#include <hemera/version.h>

typedef struct {
  HemeraToken *token;
  char *api_url;
  char *ca_file;
  char *session_file;
  HemeraTerm *sessions; /* (nullable) */
  HemeraEncoding encoding;
  HemeraCompression compression;
  guint total_shards;
  GArray *shards; /* guint, sorted, unique; empty: all */
  guint64 intents;
  guint large_threshold;
  HemeraTerm *presence;
  char *os, *browser, *device;
  HemeraShardTimes times;
  guint rest_timeout_ms;
  guint restart_base_ms, restart_cap_ms;
  guint intensity, period_ms;
  guint cool_down_ms;
  guint identify_spacing_ms;
  guint session_floor;
  guint subscription_credit;
} HemeraGatewayConfig;

/* Defaults filled in. */
void hemera__gateway_config_init (HemeraGatewayConfig *self);
void hemera__gateway_config_copy (HemeraGatewayConfig *dest, const HemeraGatewayConfig *src);
void hemera__gateway_config_clear (HemeraGatewayConfig *self);

const HemeraGatewayConfig *hemera__gateway_api_options_config (HemeraGatewayApiOptions *self);

/* Discord wants "DiscordBot (url, version)"; the project has no page of its own yet. */
#define HEMERA_USER_AGENT                                                                                    \
  "DiscordBot (https://hemera.invalid, " G_STRINGIFY (HEMERA_MAJOR_VERSION) "." G_STRINGIFY (                \
      HEMERA_MINOR_VERSION) "." G_STRINGIFY (HEMERA_MICRO_VERSION) ")"

/* The fetch actor: one GET of /gateway or /gateway/bot with its retries, on a worker. Answers @reply_to with a HemeraFetchResult, and for
 * each failed try that will be repeated with a HemeraFetchRetry; then it ends. To cancel: exit it. */
#pragma once

#include "../tree/config.h"
#include "gateway-bot.h"
#include "runtime/internal.h"
#include "runtime/net/net.h"
#include <hemera/actor.h>

typedef struct {
  HemeraTrust *trust; /* (nullable) */
  HemeraToken *token; /* (nullable): for /gateway/bot */
  const char *api_url;
  guint timeout_ms;
  guint attempts; /* 0: until it is cancelled, or an answer says that trying again is pointless */
  guint backoff_base_ms, backoff_cap_ms; /* 0: 1000, 60000 */
  HemeraPid reply_to;
  guint tag;
} HemeraFetch;

typedef struct {
  guint tag;
  HemeraGatewayBot *bot; /* either; /gateway: only its url counts */
  GError *error;         /* or */
} HemeraFetchResult;
HEMERA_DECLARE_MESSAGE (HemeraFetchResult, hemera__fetch_result)

typedef struct {
  guint tag;
  guint64 wait_ms;
  GError *error;
} HemeraFetchRetry;
HEMERA_DECLARE_MESSAGE (HemeraFetchRetry, hemera__fetch_retry)

/* @self: (nullable): the actor that spawns it (no link), else any thread. @fetch is copied. */
HemeraPid hemera__fetch_spawn (HemeraSystem *system, HemeraActor *self, const HemeraFetch *fetch);

typedef enum { HEMERA_FETCH_DONE, HEMERA_FETCH_RETRY, HEMERA_FETCH_FAIL } HemeraFetchVerdict;
/* What to do with an answer. Pure. @bot or @error is set but for a retry, which sets @error and @wait_ms (0: the back-off's). */
HemeraFetchVerdict
hemera__fetch_judge (const HemeraHttpResponse *response, gboolean with_token, gboolean plain,
                     HemeraGatewayBot **bot, guint64 *wait_ms, GError **error);

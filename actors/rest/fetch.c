/* The fetch actor: judging an answer is a pure function; the actor asks, judges, waits and asks again. */
#include "fetch.h"

#include <string.h>

static void
result_clear (gpointer payload)
{
  HemeraFetchResult *self = payload;

  g_clear_pointer (&self->bot, hemera_gateway_bot_unref);
  g_clear_error (&self->error);
}

static void
retry_clear (gpointer payload)
{
  g_clear_error (&((HemeraFetchRetry *) payload)->error);
}

HEMERA_DEFINE_MESSAGE (HemeraFetchResult, hemera__fetch_result, NULL, result_clear, NULL, NULL);
HEMERA_DEFINE_MESSAGE (HemeraFetchRetry, hemera__fetch_retry, NULL, retry_clear, NULL, NULL);

/* ---- deciding ------------------------------------------------------------------------------------------------- */

HemeraFetchVerdict
hemera__fetch_judge (const HemeraHttpResponse *response, gboolean with_token, gboolean plain,
                     HemeraGatewayBot **bot, guint64 *wait_ms, GError **error)
{
  *wait_ms = 0;
  *bot = NULL;
  switch (response->status) {
  case 200:
    *bot = hemera__gateway_bot_parse (response->body, with_token, plain, error);
    return *bot != NULL ? HEMERA_FETCH_DONE : HEMERA_FETCH_FAIL;
  case 401:
    g_set_error_literal (
        error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_UNAUTHORIZED,
        "the API answered 401: the bot token is not valid; take a new one from the developer portal");
    return HEMERA_FETCH_FAIL;
  case 429:
    *wait_ms = hemera__rest_retry_after_ms (response->retry_after, response->body);
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST,
                 "the API answered 429: too many requests, try again in %" G_GUINT64_FORMAT " ms", *wait_ms);
    return HEMERA_FETCH_RETRY;
  default:
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST, "the API answered %u%s",
                 response->status,
                 response->status >= 500   ? ": it has a fault"
                 : response->status == 403 ? ": it refuses this client"
                 : response->status == 404 ? ": there is no gateway at this API url"
                                           : "");
    return response->status >= 500 ? HEMERA_FETCH_RETRY : HEMERA_FETCH_FAIL;
  }
}

/* ---- the actor ------------------------------------------------------------------------------------------------ */

typedef struct {
  HemeraFetch fetch;
  HemeraHttpGet *get; /* (nullable): the newest */
  guint tries;
  HemeraRef timer;
} State;

static gpointer
fetch_copy (gconstpointer data)
{
  HemeraFetch *copy = g_memdup2 (data, sizeof (HemeraFetch));

  if (copy->trust != NULL)
    hemera__trust_ref (copy->trust);
  if (copy->token != NULL)
    hemera__token_ref (copy->token);
  copy->api_url = g_strdup (copy->api_url);
  return copy;
}

static void
fetch_free (gpointer data)
{
  HemeraFetch *self = data;

  g_clear_pointer (&self->trust, hemera__trust_unref);
  g_clear_pointer (&self->token, hemera__token_unref);
  g_free ((char *) self->api_url);
  g_free (self);
}

static gboolean
is_plain (const HemeraFetch *fetch)
{
  return g_ascii_strncasecmp (fetch->api_url, "http://", 7) == 0;
}

static void
try_once (HemeraActor *self, State *state)
{
  const HemeraFetch *fetch = &state->fetch;
  g_autofree char *url =
      g_strconcat (fetch->api_url, fetch->token != NULL ? "/gateway/bot" : "/gateway", NULL);
  char *authorization =
      fetch->token != NULL ? g_strconcat ("Bot ", hemera__token_reveal (fetch->token), NULL) : NULL;
  const HemeraHttpOptions options = {
    .url = url,
    .trust = fetch->trust,
    .user_agent = HEMERA_USER_AGENT,
    .authorization = authorization,
    .timeout_ms = fetch->timeout_ms,
  };

  state->tries++;
  hemera__http_get_free (state->get);
  state->get = hemera__http_get_async (hemera__actor_net (self), &options, hemera_actor_ready_cb,
                                       hemera_actor_ready (self, 0));
  if (authorization != NULL) {
    explicit_bzero (authorization, strlen (authorization));
    g_free (authorization);
  }
}

static HemeraNext
fetch_init (HemeraActor *self, gpointer data, gconstpointer args)
{
  State *state = data;

  state->fetch = *(const HemeraFetch *) args; /* its copies live as long as the actor */
  try_once (self, state);
  return HEMERA_CONTINUE;
}

/* Full jitter over base * 2^tries, at least a twentieth of it. */
static guint64
backoff_ms (HemeraActor *self, const State *state)
{
  guint64 base = state->fetch.backoff_base_ms != 0 ? state->fetch.backoff_base_ms : 1000;
  guint64 cap = state->fetch.backoff_cap_ms != 0 ? state->fetch.backoff_cap_ms : 60000;
  guint64 bound = MIN (cap, base << MIN (state->tries - 1, 16));

  return MAX (bound / 20, hemera_actor_random (self) % (bound + 1));
}

static HemeraNext
finish (HemeraActor *self, State *state, HemeraGatewayBot *bot, GError *error)
{
  hemera__fetch_result_send (state->fetch.reply_to, &(HemeraFetchResult){ state->fetch.tag, bot, error });
  return hemera_actor_stop (self, NULL);
}

static HemeraNext
judge (HemeraActor *self, State *state, GAsyncResult *result)
{
  GError *error = NULL, *network = NULL;
  HemeraGatewayBot *bot = NULL;
  HemeraFetchVerdict verdict;
  guint64 wait_ms = 0;
  HemeraHttpResponse *response = hemera__http_get_finish (result, &network);

  if (response != NULL) {
    verdict = hemera__fetch_judge (response, state->fetch.token != NULL, is_plain (&state->fetch), &bot,
                                   &wait_ms, &error);
    hemera__http_response_free (response);
  } else {
    gboolean pointless = g_error_matches (network, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL)
                         || g_error_matches (network, HEMERA_NET_ERROR, HEMERA_NET_ERROR_LIMIT);

    verdict = pointless ? HEMERA_FETCH_FAIL : HEMERA_FETCH_RETRY;
    g_set_error (&error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_REST, "the API at %s cannot be asked: %s",
                 state->fetch.api_url, network->message);
    g_clear_error (&network);
  }
  if (verdict != HEMERA_FETCH_RETRY || (state->fetch.attempts != 0 && state->tries >= state->fetch.attempts))
    return finish (self, state, bot, error);

  wait_ms = MAX (
      wait_ms,
      backoff_ms (self, state)); /* an API that asks for too little is asked ever more seldom all the same */
  hemera__fetch_retry_send (state->fetch.reply_to, &(HemeraFetchRetry){ state->fetch.tag, wait_ms, error });
  state->timer = hemera_actor_start_timer (self, (guint) wait_ms, hemera_actor_self (self), NULL);
  return HEMERA_CONTINUE;
}

static HemeraNext
fetch_receive (HemeraActor *self, gpointer data, HemeraActorMessage *message)
{
  State *state = data;
  HemeraReadyMessage *ready = hemera_ready_message_peek (message);
  HemeraTimeoutMessage *timeout = hemera_timeout_message_peek (message);

  if (ready != NULL)
    return judge (self, state, ready->result);
  if (timeout != NULL && hemera_ref_equal (timeout->ref, state->timer))
    try_once (self, state);
  return HEMERA_CONTINUE;
}

static void
fetch_finalize (gpointer data)
{
  State *state = data;

  hemera__http_get_free (state->get);
}

static const HemeraActorClass fetch_class = {
  .name = "hemera_fetch",
  .state_size = sizeof (State),
  .init = fetch_init,
  .receive = fetch_receive,
  .finalize = fetch_finalize,
};

HemeraPid
hemera__fetch_spawn (HemeraSystem *system, HemeraActor *self, const HemeraFetch *fetch)
{
  const HemeraSpawn spawn = {
    .actor_class = &fetch_class,
    .args = { .data = fetch, .copy = fetch_copy, .free = fetch_free },
  };

  return self != NULL ? hemera_actor_spawn (self, &spawn) : hemera_system_spawn (system, &spawn);
}

/* HemeraGatewayManager: each request is a fetch actor and a port in the caller's context, tied together by a GTask. */
#include "fetch.h"

#include "runtime/internal.h"

#define ATTEMPTS 5

struct _HemeraGatewayManager {
  GObject parent_instance;
  HemeraSystem *system;
  HemeraGatewayConfig config;
  HemeraTrust *trust;
};

G_DEFINE_FINAL_TYPE (HemeraGatewayManager, hemera_gateway_manager, G_TYPE_OBJECT)

static void
hemera_gateway_manager_finalize (GObject *object)
{
  HemeraGatewayManager *self = HEMERA_GATEWAY_MANAGER (object);

  hemera__gateway_config_clear (&self->config);
  g_clear_pointer (&self->trust, hemera__trust_unref);
  g_clear_pointer (&self->system, hemera_system_unref);
  G_OBJECT_CLASS (hemera_gateway_manager_parent_class)->finalize (object);
}

static void
hemera_gateway_manager_class_init (HemeraGatewayManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = hemera_gateway_manager_finalize;
}

static void
hemera_gateway_manager_init (HemeraGatewayManager *self)
{
}

HemeraGatewayManager *
hemera_gateway_manager_new (HemeraSystem *system, HemeraGatewayApiOptions *options, GError **error)
{
  g_autoptr (HemeraGatewayManager) self = NULL;
  const HemeraGatewayConfig *config;

  g_return_val_if_fail (HEMERA_IS_GATEWAY_API_OPTIONS (options), NULL);
  config = hemera__gateway_api_options_config (options);
  g_return_val_if_fail (config->token != NULL, NULL); /* options of g_object_new() have none */
  self = g_object_new (HEMERA_TYPE_GATEWAY_MANAGER, NULL);
  hemera__gateway_config_copy (&self->config, config);
  self->system = system != NULL ? hemera_system_ref (system) : hemera_system_get_default (error);
  if (self->system == NULL)
    return NULL;
  if (config->ca_file != NULL) {
    self->trust = hemera__trust_new (config->ca_file, error);
    if (self->trust == NULL)
      return NULL;
  }
  return g_steal_pointer (&self);
}

/* ---- one request ------------------------------------------------------------------------------------------------ */

typedef struct {
  HemeraPort *port;
  HemeraPid fetch;
  GCancellable *cancellable;
  gulong cancelled;
} Request;

static void
on_reply (HemeraPort *port, HemeraActorMessage *message, gpointer user_data)
{
  GTask *task = user_data;
  Request *request = g_task_get_task_data (task);
  HemeraFetchResult result;

  if (!hemera__fetch_result_steal (message, &result))
    return;
  g_cancellable_disconnect (request->cancellable, request->cancelled);
  g_clear_object (&request->cancellable);
  if (result.error != NULL)
    g_task_return_error (task, result.error);
  else
    g_task_return_pointer (task, result.bot, (GDestroyNotify) hemera_gateway_bot_unref);
  hemera__port_close (g_steal_pointer (&request->port)); /* what else came is dropped */
  g_object_unref (task);
}

/* Any thread: the actor's end is answered for by this message, which comes to the port as its own would. */
static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  Request *request = user_data;

  hemera_exit (request->fetch, hemera_reason_kill ());
  hemera__fetch_result_send (
      hemera__port_pid (request->port),
      &(HemeraFetchResult){
          .error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "the request was cancelled") });
}

static void
fetch (HemeraGatewayManager *self, gboolean bot, gpointer tag, GCancellable *cancellable,
       GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, callback, user_data);
  Request *request = g_new0 (Request, 1);
  HemeraFetch spec = {
    .trust = self->trust,
    .token = bot ? self->config.token : NULL,
    .api_url = self->config.api_url,
    .timeout_ms = self->config.rest_timeout_ms,
    .attempts = ATTEMPTS,
    .backoff_base_ms = self->config.times.backoff_base_ms,
    .backoff_cap_ms = self->config.times.backoff_cap_ms,
  };

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, request, g_free);
  request->port = hemera__port_new (self->system, g_task_get_context (task), on_reply, task, 0);
  if (request->port != NULL) {
    spec.reply_to = hemera__port_pid (request->port);
    request->fetch = hemera__fetch_spawn (self->system, NULL, &spec);
  }
  if (hemera_pid_equal (request->fetch, HEMERA_PID_NONE)) {
    g_clear_pointer (&request->port, hemera__port_close);
    g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES,
                             "no descriptor or no pid for the request");
    g_object_unref (task);
    return;
  }
  request->cancellable = cancellable != NULL ? g_object_ref (cancellable) : g_cancellable_new ();
  request->cancelled = g_cancellable_connect (request->cancellable, G_CALLBACK (on_cancelled), request, NULL);
}

void
hemera_gateway_manager_fetch_gateway_async (HemeraGatewayManager *self, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_MANAGER (self));
  fetch (self, FALSE, hemera_gateway_manager_fetch_gateway_async, cancellable, callback, user_data);
}

char *
hemera_gateway_manager_fetch_gateway_finish (HemeraGatewayManager *self, GAsyncResult *result, GError **error)
{
  g_autoptr (HemeraGatewayBot) bot = NULL;

  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  bot = g_task_propagate_pointer (G_TASK (result), error);
  return bot != NULL ? g_strdup (hemera_gateway_bot_get_url (bot)) : NULL;
}

void
hemera_gateway_manager_fetch_gateway_bot_async (HemeraGatewayManager *self, GCancellable *cancellable,
                                                GAsyncReadyCallback callback, gpointer user_data)
{
  g_return_if_fail (HEMERA_IS_GATEWAY_MANAGER (self));
  fetch (self, TRUE, hemera_gateway_manager_fetch_gateway_bot_async, cancellable, callback, user_data);
}

HemeraGatewayBot *
hemera_gateway_manager_fetch_gateway_bot_finish (HemeraGatewayManager *self, GAsyncResult *result,
                                                 GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);
  return g_task_propagate_pointer (G_TASK (result), error);
}

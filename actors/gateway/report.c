/* Log lines that a person who runs a bot understands: one for each thing that happened, none for each event. */
#include "gateway-private.h"

#include <string.h>

static const struct {
  const char *cause;
  const char *text;
} causes[] = {
  { "op_7", "the gateway asked for it" },
  { "invalid_session", "the gateway refused the session" },
  { "invalid_session_resumable", "the gateway asked to try again" },
  { "no_traffic", "nothing came between two heartbeats" },
  { "connection_lost", "the connection was lost" },
  { "connect_failed", "no connection could be made" },
  { "upgrade_refused", "the gateway refused the websocket" },
  { "closed", "the gateway closed the connection" },
  { "resolve_timeout", "the host name was not found in time" },
  { "connect_timeout", "the connection took too long" },
  { "hello_timeout", "the gateway did not say hello in time" },
  { "ready_timeout", "the gateway did not answer the identify in time" },
  { "resumed_timeout", "the gateway did not answer the resume in time" },
  { "lease_timeout", "the turn to identify did not come in time" },
  { "no_session_starts", "no session starts are left for now" },
  { "reconnect", "the application asked for it" },
};

static char *
explain (const char *text)
{
  if (text == NULL)
    return g_strdup ("no cause is known");
  for (guint i = 0; i < G_N_ELEMENTS (causes); i++) {
    gsize size = strlen (causes[i].cause);

    if (g_str_has_prefix (text, causes[i].cause) && (text[size] == '\0' || text[size] == ':'))
      return g_strconcat (causes[i].text, text + size, NULL);
  }
  return g_strdup (text);
}

static void
write_line (GLogLevelFlags level, HemeraShardMessage *message, char *line)
{
  g_autofree char *shard = g_strdup_printf ("%u", message->shard);
  g_autofree char *connection = g_strdup_printf ("%u", message->connection);
  g_autofree char *text = message->shard == HEMERA_NO_SHARD || g_str_has_prefix (line, "shard ")
                              ? g_strdup (line)
                              : g_strdup_printf ("shard %s: %s", shard, line);

  g_log_structured (G_LOG_DOMAIN, level, "HEMERA_SHARD", message->shard == HEMERA_NO_SHARD ? "" : shard,
                    "HEMERA_CONNECTION", connection, "MESSAGE", "%s", text);
  g_free (line);
}

char *
hemera__report_reason (HemeraTerm *reason)
{
  HemeraView view = hemera_term_view (reason), map;
  char *cause;

  if (reason == NULL)
    return g_strdup ("unknown");
  if (hemera_view_is_atom (hemera_view_element (view, 0), "shutdown"))
    view = hemera_view_element (view, 1);
  map = hemera_view_element (view, 1);
  cause = hemera_view_is_atom (hemera_view_element (view, 0), "shard_disconnected")
              ? hemera_view_dup_string (hemera_view_get (map, "cause"))
              : NULL;
  return cause != NULL ? cause : hemera_view_to_string (hemera_term_view (reason));
}

static void
report_state (HemeraShardMessage *message, guint64 replayed)
{
  if (message->to == HEMERA_SHARD_ACTIVE && message->from == HEMERA_SHARD_RESUMING)
    write_line (
        G_LOG_LEVEL_MESSAGE, message,
        g_strdup_printf ("connected, session resumed (%" G_GUINT64_FORMAT " events replayed)", replayed));
  else if (message->to == HEMERA_SHARD_ACTIVE)
    write_line (G_LOG_LEVEL_MESSAGE, message, g_strdup ("connected, new session"));
  else if (message->to == HEMERA_SHARD_STOPPED)
    write_line (G_LOG_LEVEL_MESSAGE, message, g_strdup ("disconnected"));
  else
    write_line (G_LOG_LEVEL_DEBUG, message,
                g_strdup_printf ("%s -> %s (%s)", hemera_shard_state_to_string (message->from),
                                 hemera_shard_state_to_string (message->to),
                                 message->text != NULL ? message->text : ""));
}

void
hemera__report (HemeraShardMessage *message, guint64 replayed)
{
  g_autofree char *cause = NULL;

  switch (message->type) {
  case HEMERA_SHARD_MESSAGE_STATE: report_state (message, replayed); break;
  case HEMERA_SHARD_MESSAGE_REQUESTING_IDENTIFY:
    write_line (G_LOG_LEVEL_INFO, message, g_strdup ("waits for its turn to identify"));
    break;
  case HEMERA_SHARD_MESSAGE_RECONNECTING:
    cause = explain (message->text);
    write_line (
        G_LOG_LEVEL_MESSAGE, message,
        message->code >= 1000 ? g_strdup_printf ("reconnecting: %s (code %u: %s)", cause, message->code,
                                                 hemera__close_code_explain (message->code))
        : message->code != 0  ? g_strdup_printf ("reconnecting: %s (HTTP status %u)", cause, message->code)
                              : g_strdup_printf ("reconnecting: %s", cause));
    break;
  case HEMERA_SHARD_MESSAGE_ERROR_RECEIVED:
    write_line (G_LOG_LEVEL_WARNING, message,
                g_strdup (message->error != NULL ? message->error->message : "an error"));
    break;
  case HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED:
    if (!message->will_restart)
      write_line (G_LOG_LEVEL_WARNING, message, g_strdup (message->error->message));
    break;
  case HEMERA_SHARD_MESSAGE_GAP:
    write_line (G_LOG_LEVEL_MESSAGE, message,
                g_strdup_printf ("the session was lost after event %" G_GUINT64_FORMAT
                                 ": what came until the new one is missing",
                                 message->seq));
    break;
  case HEMERA_SHARD_MESSAGE_RESTARTED:
    cause = hemera__report_reason (message->term);
    write_line (G_LOG_LEVEL_MESSAGE, message,
                g_strdup_printf ("restarted (restart %u) after: %s", message->restarts, cause));
    break;
  case HEMERA_SHARD_MESSAGE_ALARM: write_line (G_LOG_LEVEL_WARNING, message, g_strdup (message->text)); break;
  case HEMERA_SHARD_MESSAGE_EVENT_RECEIVED:
  case HEMERA_SHARD_MESSAGE_SENT:
  case HEMERA_SHARD_MESSAGE_DISCONNECTING: break;
  }
}

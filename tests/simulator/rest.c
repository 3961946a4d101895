/* HTTP: the two REST resources, their scripted faults, and the upgrade to a gateway websocket. One request a connection. */
#include "connection.h"

#include <string.h>

#include "faults.h"

typedef struct {
  char *name;
  guint left;
} RestFault;

struct _SimRest {
  GArray *faults;
  gint64 limited_until;
};

static const char *const fault_names[] = { "401",
                                           "403",
                                           "429",
                                           "500",
                                           "502",
                                           "stall",
                                           "html",
                                           "big",
                                           "no-url",
                                           "zero-shards",
                                           "zero-concurrency",
                                           "truncated",
                                           NULL };

SimRest *
sim_rest_new (char **faults, GError **error)
{
  SimRest *self = g_new0 (SimRest, 1);
  self->faults = g_array_new (FALSE, FALSE, sizeof (RestFault));
  for (char **at = faults; at != NULL && *at != NULL; at++) {
    g_auto (GStrv) parts = g_strsplit (*at, ":", 2);
    guint64 count = 1;
    if (parts[0] == NULL || !g_strv_contains (fault_names, parts[0])
        || (parts[1] != NULL && !g_ascii_string_to_unsigned (parts[1], 10, 1, 1000000, &count, NULL))) {
      g_set_error (error, SIM_ERROR, SIM_ERROR_OPTION, "--rest-fault %s is unknown", *at);
      sim_rest_free (self);
      return NULL;
    }
    RestFault fault = { g_strdup (parts[0]), (guint) count };
    g_array_append_val (self->faults, fault);
  }
  return self;
}

void
sim_rest_free (SimRest *self)
{
  for (guint i = 0; i < self->faults->len; i++)
    g_free (g_array_index (self->faults, RestFault, i).name);
  g_array_unref (self->faults);
  g_free (self);
}

/* The fault for this request, "" for none. */
static const char *
take_fault (SimRest *self)
{
  for (guint i = 0; i < self->faults->len; i++) {
    RestFault *fault = &g_array_index (self->faults, RestFault, i);
    if (fault->left > 0) {
      fault->left--;
      return fault->name;
    }
  }
  return "";
}

/* @claimed: Content-Length, or 0 for the body's. */
static void
answer (SimConnection *self, const char *status, const char *type, const char *more, const char *body,
        gsize claimed)
{
  gsize size = strlen (body);
  g_autofree char *head = g_strdup_printf (
      "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %" G_GSIZE_FORMAT "\r\nConnection: close\r\n%s\r\n",
      status, type, claimed != 0 ? claimed : size, more);
  sim_io_write (self->io, head, strlen (head));
  sim_io_write (self->io, body, size);
}

static void
answer_json (SimConnection *self, const char *status, const char *body)
{
  answer (self, status, "application/json", "", body, 0);
  sim_connection_close (self, 0, "");
}

static char *
gateway_bot (SimConnection *self, const char *fault)
{
  Sim *sim = self->sim;
  gint64 reset_after = MAX (sim->session_reset_at - sim_now (), 0);
  gboolean no_url = strcmp (fault, "no-url") == 0;
  return g_strdup_printf (
      "{%s%s%s\"shards\":%d,\"session_start_limit\":{\"total\":%d,\"remaining\":%" G_GINT64_FORMAT
      ",\"reset_after\":%" G_GINT64_FORMAT ",\"max_concurrency\":%d}}",
      no_url ? "" : "\"url\":\"", no_url ? "" : sim->url, no_url ? "" : "\",",
      strcmp (fault, "zero-shards") == 0 ? 0 : sim->options.shards, sim->options.session_total,
      sim->remaining, reset_after,
      strcmp (fault, "zero-concurrency") == 0 ? 0 : sim->options.max_concurrency);
}

/* Faults that replace the answer; FALSE when there is none of these. */
static gboolean
answer_fault (SimConnection *self, const char *fault, const char *body)
{
  if (strcmp (fault, "401") == 0) {
    answer_json (self, "401 Unauthorized", "{\"message\":\"401: Unauthorized\",\"code\":0}");
  } else if (strcmp (fault, "403") == 0) {
    answer_json (self, "403 Forbidden", "{\"message\":\"403: Forbidden\",\"code\":0}");
  } else if (strcmp (fault, "429") == 0) {
    self->sim->rest->limited_until = sim_now () + 1000;
    answer (self, "429 Too Many Requests", "application/json",
            "Retry-After: 1\r\nX-RateLimit-Limit: 1\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset-After: "
            "1.000\r\n"
            "X-RateLimit-Scope: user\r\n",
            "{\"message\":\"You are being rate limited.\",\"retry_after\":1.0,\"global\":false}", 0);
    sim_connection_close (self, 0, "");
  } else if (strcmp (fault, "500") == 0) {
    answer_json (self, "500 Internal Server Error",
                 "{\"message\":\"500: Internal Server Error\",\"code\":0}");
  } else if (strcmp (fault, "502") == 0) {
    answer (self, "502 Bad Gateway", "text/html", "", "<html><body>bad gateway</body></html>", 0);
    sim_connection_close (self, 0, "");
  } else if (strcmp (fault, "html") == 0) {
    answer (self, "200 OK", "text/html", "", "<html><body>down for maintenance</body></html>", 0);
    sim_connection_close (self, 0, "");
  } else if (strcmp (fault, "big") == 0) {
    g_autofree char *padding = g_strnfill (10 << 20, 'x');
    g_autofree char *big = g_strdup_printf ("{\"padding\":\"%s\",%s", padding, body + 1);
    answer_json (self, "200 OK", big);
  } else if (strcmp (fault, "truncated") == 0) {
    answer (self, "200 OK", "application/json", "", "{\"url\":\"", 500);
    sim_connection_close (self, 0, "");
  } else if (strcmp (fault, "stall") == 0) {
    answer (self, "200 OK", "application/json", "", "{\"url\":\"", 500);
    self->state = SIM_CONNECTION_CLOSING;
    self->finish_at = sim_now () + 120000;
    self->linger_until = self->finish_at;
  } else {
    return FALSE;
  }
  return TRUE;
}

static char *
header (char **lines, const char *name)
{
  gsize size = strlen (name);
  for (char **line = lines + 1; lines[0] != NULL && *line != NULL; line++)
    if (g_ascii_strncasecmp (*line, name, size) == 0 && (*line)[size] == ':')
      return g_strstrip (g_strdup (*line + size + 1));
  return g_strdup ("");
}

/* "DiscordBot ($url, $versionNumber)", and what the client likes behind it. */
static gboolean
is_user_agent (const char *agent)
{
  return g_regex_match_simple ("^DiscordBot \\([^ ,()]+, [^ ,()]+\\)( |$)", agent, 0, 0);
}

static void
on_rest (SimConnection *self, const char *path, char **lines)
{
  Sim *sim = self->sim;
  gboolean bot = strcmp (path, "/api/v10/gateway/bot") == 0;
  g_autofree char *agent = header (lines, "User-Agent"), *authorization = header (lines, "Authorization");
  g_autofree char *wanted = g_strconcat ("Bot ", sim->options.token, NULL);
  if (!is_user_agent (agent)) {
    sim_connection_violation (self, "user_agent", 0, agent);
    answer_json (self, "403 Forbidden", "{\"message\":\"403: Forbidden\",\"code\":0}");
    return;
  }
  if (bot && (sim->token_reset || strcmp (authorization, wanted) != 0)) {
    sim_log_write (sim->log, "rest", "\"path\":\"%s\",\"status\":401", path);
    answer_json (self, "401 Unauthorized", "{\"message\":\"401: Unauthorized\",\"code\":0}");
    return;
  }
  if (sim_now () < sim->rest->limited_until - 50)
    sim_connection_violation (self, "rest_too_soon", 0, "within Retry-After");
  const char *fault = take_fault (sim->rest);
  gboolean no_url = strcmp (fault, "no-url") == 0;
  g_autofree char *body = bot      ? gateway_bot (self, fault)
                          : no_url ? g_strdup ("{}")
                                   : g_strdup_printf ("{\"url\":\"%s\"}", sim->url);
  sim_log_write (sim->log, "rest", "\"path\":\"%s\",\"fault\":\"%s\",\"remaining\":%" G_GINT64_FORMAT, path,
                 fault, sim->remaining);
  if (!answer_fault (self, fault, body))
    answer_json (self, "200 OK", body);
}

static char *
query_value (const char *query, const char *name)
{
  g_auto (GStrv) pairs = g_strsplit (query, "&", -1);
  gsize size = strlen (name);
  for (char **pair = pairs; *pair != NULL; pair++)
    if (strncmp (*pair, name, size) == 0 && (*pair)[size] == '=')
      return g_strdup (*pair + size + 1);
  return NULL;
}

/* Which of two values counts, no server promises. */
static gboolean
has_name_twice (const char *query)
{
  g_auto (GStrv) pairs = g_strsplit (query, "&", -1);
  for (char **pair = pairs; *pair != NULL; pair++) {
    gsize size = strcspn (*pair, "=");
    for (char **other = pairs; other < pair; other++)
      if (strcspn (*other, "=") == size && strncmp (*other, *pair, size) == 0)
        return TRUE;
  }
  return FALSE;
}

static void
refuse (SimConnection *self, const char *status, const char *detail)
{
  sim_connection_violation (self, "upgrade", 0, detail);
  answer_json (self, status, "{\"message\":\"bad upgrade\",\"code\":0}");
}

static void
on_upgrade (SimConnection *self, const char *target, char **lines)
{
  g_autofree char *key = header (lines, "Sec-WebSocket-Key"),
                  *version = header (lines, "Sec-WebSocket-Version");
  const char *mark = strchr (target, '?');
  const char *query = mark != NULL ? mark + 1 : "";
  g_autofree char *v = query_value (query, "v"), *encoding = query_value (query, "encoding");
  g_autofree char *compress = query_value (query, "compress");
  gsize key_size = 0;
  g_free (g_base64_decode (key, &key_size));
  g_autoptr (GString) text = g_string_new (NULL);
  sim_json_append_string (text, query, (gssize) MIN (strlen (query), 200));
  sim_log_write (self->sim->log, "connection", "\"connection\":%u,\"host\":\"%s\",\"query\":%s", self->number,
                 self->resume_host ? "resume" : "base", text->str);
  if (mark != NULL ? strncmp (target, "/?", 2) != 0 : strcmp (target, "/") != 0)
    refuse (self, "404 Not Found", "the path is not /");
  else if (has_name_twice (query))
    refuse (self, "400 Bad Request", "a parameter stands twice");
  else if (key_size != 16 || strcmp (version, "13") != 0)
    refuse (self, "400 Bad Request", "no websocket version 13 with a key of 16 bytes");
  else if (encoding != NULL && strcmp (encoding, "json") != 0 && strcmp (encoding, "etf") != 0)
    refuse (self, "400 Bad Request", "encoding is neither json nor etf");
  else if (compress != NULL && strcmp (compress, "zlib-stream") != 0)
    refuse (self, "400 Bad Request", "compress is not zlib-stream");
  else if (sim_faults_refuse_upgrade (self->sim))
    answer_json (self, "503 Service Unavailable", "{\"message\":\"503: Service Unavailable\",\"code\":0}");
  else {
    gboolean right = v != NULL && strcmp (v, "10") == 0;
    g_autofree char *accept = sim_frames_accept (key);
    sim_connection_upgrade (self, accept, encoding != NULL && strcmp (encoding, "etf") == 0,
                            compress != NULL);
    if (!right)
      sim_connection_violation (self, "version", 4012, v);
  }
}

void
sim_rest_request (SimConnection *self, const char *head)
{
  g_auto (GStrv) lines = g_strsplit (head, "\r\n", 128);
  g_auto (GStrv) words = g_strsplit (lines[0] != NULL ? lines[0] : "", " ", 4);
  g_autofree char *upgrade = header (lines, "Upgrade"), *host = header (lines, "Host");
  if (g_strv_length (words) != 3 || strcmp (words[2], "HTTP/1.1") != 0 || words[1][0] != '/' || *host == '\0')
    refuse (self, "400 Bad Request", "no HTTP/1.1 request for a path, with a Host");
  else if (strcmp (words[0], "GET") != 0)
    answer_json (self, "405 Method Not Allowed", "{\"message\":\"405: Method Not Allowed\",\"code\":0}");
  else if (g_ascii_strcasecmp (upgrade, "websocket") == 0)
    on_upgrade (self, words[1], lines);
  else if (!self->resume_host
           && (strcmp (words[1], "/api/v10/gateway") == 0 || strcmp (words[1], "/api/v10/gateway/bot") == 0))
    on_rest (self, words[1], lines);
  else
    answer_json (self, "404 Not Found", "{\"message\":\"404: Not Found\",\"code\":0}");
}

/* Urls of the net: ws, wss, http, https. Parsed by GUri, then held to what goes on the wire unchanged: printable ASCII, a path and a query
 * kept as given, no user information (secrets in urls end up in logs), no zone ids. Error messages never repeat the url. */
#include "runtime/net/net-internal.h"

#include <string.h>

#define MAX_HOST   127  /* lws checks no longer name */
#define MAX_PATH   2048 /* the request must fit lws' buffer of 4096 bytes */
#define MAX_HEADER 1024

static gboolean
is_printable (const char *text, gsize limit)
{
  gsize size = strlen (text);

  if (size > limit)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    if (text[i] < 0x20 || text[i] > 0x7e)
      return FALSE;
  return TRUE;
}

gboolean
hemera__header_is_clean (const char *value)
{
  return is_printable (value, MAX_HEADER);
}

static gboolean
is_host_name (const char *host)
{
  for (const char *p = host; *p; p++)
    if (!g_ascii_isalnum (*p) && *p != '-' && *p != '.' && *p != '_')
      return FALSE;
  return *host != 0 && *host != '.' && strstr (host, "..") == NULL;
}

static const char *
parse_scheme (const char *scheme, gboolean websocket, HemeraUrl *url)
{
  const char *plain = websocket ? "ws" : "http";

  url->tls = g_str_equal (scheme, websocket ? "wss" : "https");
  return url->tls || g_str_equal (scheme, plain) ? NULL : "the scheme is not supported";
}

static const char *
parse_host (GUri *uri, HemeraUrl *url)
{
  const char *host = g_uri_get_host (uri);

  if (g_uri_get_userinfo (uri))
    return "user information is refused";
  if (!host || !*host)
    return "the host is missing";
  url->numeric = g_hostname_is_ip_address (host);
  if (url->numeric ? strchr (host, '%') != NULL : FALSE)
    return "zone ids are refused";
  url->host = url->numeric ? g_strdup (host) : g_hostname_to_ascii (host);
  if (!url->host || strlen (url->host) > MAX_HOST || (!url->numeric && !is_host_name (url->host)))
    return "the host is malformed";
  return NULL;
}

/* GUri would mend spaces and control characters by escaping them. */
static gboolean
has_blanks (const char *text)
{
  for (const char *p = text; *p; p++)
    if ((guchar) *p <= 0x20 || *p == 0x7f)
      return TRUE;
  return FALSE;
}

static const char *
fill (const char *text, gboolean websocket, HemeraUrl *url)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD, NULL);
  const char *why;
  int port;

  if (!uri || has_blanks (text) || !g_utf8_validate (text, -1, NULL))
    return "it cannot be parsed";
  if ((why = parse_scheme (g_uri_get_scheme (uri), websocket, url)) != NULL
      || (why = parse_host (uri, url)) != NULL)
    return why;
  if (g_uri_get_fragment (uri))
    return "a fragment is refused";
  port = g_uri_get_port (uri);
  if (port == 0)
    return "port 0 is refused";
  url->port = port > 0 ? (guint16) port : url->tls ? 443 : 80;
  url->path = g_strconcat (*g_uri_get_path (uri) ? g_uri_get_path (uri) : "/",
                           g_uri_get_query (uri) ? "?" : "", g_uri_get_query (uri), NULL);
  if (!is_printable (url->path, MAX_PATH))
    return "the path is malformed or too long";

  g_autofree char *bracketed =
      strchr (url->host, ':') ? g_strdup_printf ("[%s]", url->host) : g_strdup (url->host);
  url->authority = url->port == (url->tls ? 443 : 80) ? g_strdup (bracketed)
                                                      : g_strdup_printf ("%s:%u", bracketed, url->port);
  return NULL;
}

HemeraUrl *
hemera__url_parse (const char *text, gboolean websocket, GError **error)
{
  HemeraUrl *url = g_new0 (HemeraUrl, 1);
  const char *why = text ? fill (text, websocket, url) : "it is missing";

  if (why) {
    g_set_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_URL, "bad %s url: %s",
                 websocket ? "websocket" : "http", why);
    g_clear_pointer (&url, hemera__url_free);
  }
  return url;
}

void
hemera__url_free (HemeraUrl *self)
{
  g_free (self->host);
  g_free (self->authority);
  g_free (self->path);
  g_free (self);
}

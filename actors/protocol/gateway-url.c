/* See gateway-url.h. */
#include "gateway-url.h"

#include <string.h>

#define MAX_LENGTH 1024

static const char *
after_scheme (const char *url)
{
  if (g_ascii_strncasecmp (url, "wss://", 6) == 0)
    return url + 6;
  if (g_ascii_strncasecmp (url, "ws://", 5) == 0)
    return url + 5;
  return NULL;
}

gboolean
hemera__gateway_url_is_encrypted (const char *url)
{
  return g_ascii_strncasecmp (url, "wss://", 6) == 0;
}

gboolean
hemera__gateway_url_is_usable (const char *url, gboolean must_encrypt)
{
  const char *host = after_scheme (url);
  gsize host_size;

  if (host == NULL || strlen (url) > MAX_LENGTH || (must_encrypt && !hemera__gateway_url_is_encrypted (url)))
    return FALSE;
  for (const char *p = url; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return FALSE;
  host_size = strcspn (host, "/?#");
  return host_size > 0 && host[0] != ':' && memchr (host, '@', host_size) == NULL;
}

/* Ours to say: what the base says of them is left out, as a server would have to choose. */
static gboolean
is_ours (const char *parameter)
{
  static const char *const names[] = { "v", "encoding", "compress" };
  gsize size = strcspn (parameter, "=");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (size == strlen (names[i]) && memcmp (parameter, names[i], size) == 0)
      return TRUE;
  return size == 0;
}

char *
hemera__gateway_url_build (const char *base, guint version, HemeraEncoding encoding,
                           HemeraCompression compression)
{
  g_autofree char *cut = g_strndup (base, strcspn (base, "#"));
  gsize path_end = strcspn (cut, "?");
  g_auto (GStrv) query = g_strsplit (cut[path_end] != '\0' ? cut + path_end + 1 : "", "&", -1);
  const char *host = after_scheme (cut);
  GString *url = g_string_new_len (cut, (gssize) path_end);

  if (host == NULL)
    host = cut;
  if (memchr (host, '/', path_end - (gsize) (host - cut)) == NULL)
    g_string_append_c (url, '/');
  g_string_append_c (url, '?');
  for (guint i = 0; query[i] != NULL; i++)
    if (!is_ours (query[i]))
      g_string_append_printf (url, "%s&", query[i]);

  g_string_append_printf (url, "v=%u&encoding=%s", version, encoding == HEMERA_ENCODING_ETF ? "etf" : "json");
  if (compression == HEMERA_COMPRESSION_ZLIB_STREAM)
    g_string_append (url, "&compress=zlib-stream");
  return g_string_free (url, FALSE);
}

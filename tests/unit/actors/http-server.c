/* See http-server.h. */
#include "http-server.h"

#include <string.h>

void
http_server_start (HttpServer *self)
{
  guint16 port;

  self->listener = g_socket_listener_new ();
  port = g_socket_listener_add_any_inet_port (self->listener, NULL, NULL);
  g_assert_cmpuint (port, >, 0);
  self->api_url = g_strdup_printf ("http://127.0.0.1:%u/api", port);
}

void
http_server_stop (HttpServer *self)
{
  g_object_unref (self->listener);
  g_free (self->api_url);
}

GSocketConnection *
http_server_accept (HttpServer *self, char **head)
{
  GSocketConnection *connection = g_socket_listener_accept (self->listener, NULL, NULL, NULL);
  GInputStream *in = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GString *text = g_string_new (NULL);
  char c;

  while (!g_str_has_suffix (text->str, "\r\n\r\n")) {
    g_assert_cmpint (g_input_stream_read (in, &c, 1, NULL, NULL), ==, 1);
    g_string_append_c (text, c);
  }
  *head = g_string_free (text, FALSE);
  return connection;
}

char *
http_server_serve (HttpServer *self, const char *answer)
{
  char *head;
  GSocketConnection *connection = http_server_accept (self, &head);

  g_output_stream_write_all (g_io_stream_get_output_stream (G_IO_STREAM (connection)), answer,
                             strlen (answer), NULL, NULL, NULL);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  g_object_unref (connection);
  return head;
}

void
http_server_await_end (GSocketConnection *connection)
{
  char c;

  g_assert_cmpint (
      g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), &c, 1, NULL, NULL), <=,
      0);
}

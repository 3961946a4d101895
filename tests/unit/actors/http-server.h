/* A server of HTTP on loopback that the test plays itself, a request at a time: each call blocks the test's thread. */
#pragma once

#include <gio/gio.h>

typedef struct {
  GSocketListener *listener;
  char *api_url; /* http://127.0.0.1:PORT/api */
} HttpServer;

void http_server_start (HttpServer *self);
void http_server_stop (HttpServer *self);
/* Takes the next connection and its request, whose head it gives. (transfer full) */
GSocketConnection *http_server_accept (HttpServer *self, char **head);
/* The same, and answers. The request's head. (transfer full) */
char *http_server_serve (HttpServer *self, const char *answer);
/* Waits until the other side ends @connection. */
void http_server_await_end (GSocketConnection *connection);

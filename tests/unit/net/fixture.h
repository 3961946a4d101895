/* What the net's tests share: a net on a context of its own, a resolver that knows the tests' names, a client that keeps what it hears. */
#pragma once

#include "runtime/net/net.h"
#include "tests/unit/net/peer.h"

/* Names: gateway.test, a.wild.test, a.b.wild.test: 127.0.0.1; two.test: 127.0.0.2, 127.0.0.1; slow.test: 127.0.0.1 after 50 ms; dead.test: never;
 * everything else does not exist. */
void resolver_install (void);
void resolver_remove (void);
/* Look-ups started since the last call. */
int resolver_count (void);

typedef struct {
  GMainContext *context;
  HemeraNet *net;
  HemeraTrust *trust;
} World;

void world_init (World *self);
void world_clear (World *self);
/* Turns the loop until *@flag, or until @ms have passed. Whether *@flag. */
gboolean world_run (World *self, int ms, const int *flag);

typedef struct _Client Client;
typedef void (*ClientHook) (Client *self);

struct _Client {
  World *world;
  HemeraWebsocket *websocket;
  HemeraWebsocketOptions options;
  char *url;
  gpointer arg;
  ClientHook on_resolved, on_opened, on_message, on_drained, on_ended;
  int resolved, opened, messages, drained, ended; /* how often */
  int pieces;
  gboolean in_message;
  gboolean binary;
  GByteArray *message; /* the last one, or the one that comes in */
  gsize bytes;         /* of all messages */
  guint code;
  gboolean by_us;
  guint http_status;
  guint retry_after_s;
  GError *error;
};

/* @tls: wss://@host:@port@path with the tests' CA, otherwise ws. */
void client_init (Client *self, World *world, gboolean tls, const char *host, guint16 port, const char *path);
void client_connect (Client *self);
/* Connects and waits for it to be open. */
void client_open (Client *self);
/* Waits for the end, 5 s at most. */
void client_finish (Client *self);
void client_clear (Client *self);
void client_send (Client *self, const char *text);

/* TESTS: name and function; each is added twice, under @prefix/plain and @prefix/tls, with the kind of certificate as its data. */
typedef struct {
  const char *name;
  GTestDataFunc func;
} TestCase;
void add_for_both (const char *prefix, const TestCase *cases, gsize n);
CertKind cert_of (gconstpointer data);

void add_url_tests (void);
void add_websocket_tests (void);
void add_connect_tests (void);
void add_tls_tests (void);
void add_http_tests (void);
void add_life_tests (void);
void add_handle_tests (void);
void add_growth_tests (void);

/* The tests' fixtures, and main(). */
#include "tests/unit/net/fixture.h"

#include <stdatomic.h>
#include <string.h>

/* ---- resolver ----------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GResolver parent;
} TestResolver;
typedef struct {
  GResolverClass parent;
} TestResolverClass;

GType test_resolver_get_type (void);
G_DEFINE_TYPE (TestResolver, test_resolver, G_TYPE_RESOLVER)

static atomic_int lookups;
static GResolver *system_resolver;

static GList *
answer_for (const char *name)
{
  GList *list = NULL;

  if (g_str_equal (name, "two.test"))
    list = g_list_append (list, g_inet_address_new_from_string ("127.0.0.2"));
  if (g_str_has_suffix (name, ".test") && !g_str_equal (name, "none.test"))
    list = g_list_append (list, g_inet_address_new_from_string ("127.0.0.1"));
  return list;
}

static void
free_answer (gpointer list)
{
  g_resolver_free_addresses (list);
}

static gboolean
answer (gpointer user_data)
{
  GTask *task = user_data;
  GList *list = answer_for (g_task_get_task_data (task));

  if (list)
    g_task_return_pointer (task, list, free_answer);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no such name");
  return G_SOURCE_REMOVE;
}

static void
lookup_async (GResolver *resolver, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback,
              gpointer user_data)
{
  GTask *task = g_task_new (resolver, cancellable, callback, user_data);
  GSource *timer;

  atomic_fetch_add_explicit (&lookups, 1, memory_order_relaxed);
  g_task_set_task_data (task, g_strdup (name), g_free);
  timer = g_timeout_source_new (g_str_equal (name, "slow.test")   ? 50
                                : g_str_equal (name, "dead.test") ? 60000
                                                                  : 0);
  g_source_set_callback (timer, answer, task, g_object_unref);
  g_source_attach (timer, g_main_context_get_thread_default ());
  g_source_unref (timer);
}

static GList *
lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
test_resolver_class_init (TestResolverClass *klass)
{
  G_RESOLVER_CLASS (klass)->lookup_by_name_async = lookup_async;
  G_RESOLVER_CLASS (klass)->lookup_by_name_finish = lookup_finish;
}

static void
test_resolver_init (TestResolver *self)
{
}

void
resolver_install (void)
{
  g_autoptr (GResolver) resolver = g_object_new (test_resolver_get_type (), NULL);

  system_resolver = g_resolver_get_default ();
  g_resolver_set_default (resolver);
}

void
resolver_remove (void)
{
  g_resolver_set_default (system_resolver);
  g_clear_object (&system_resolver);
}

int
resolver_count (void)
{
  return atomic_exchange_explicit (&lookups, 0, memory_order_relaxed);
}

/* ---- world -------------------------------------------------------------------------------------------------------------------------- */

void
world_init (World *self)
{
  g_autoptr (GError) error = NULL;

  self->context = g_main_context_new ();
  g_main_context_push_thread_default (self->context);
  self->net = hemera__net_new (self->context, &error);
  g_assert_no_error (error);
  self->trust = hemera__trust_new (certs_ca_file (), &error);
  g_assert_no_error (error);
}

void
world_clear (World *self)
{
  hemera__net_free (self->net);
  hemera__trust_unref (self->trust);
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_main_context_pop_thread_default (self->context);
  g_main_context_unref (self->context);
}

static gboolean
set_flag (gpointer flag)
{
  *(int *) flag = 1;
  return G_SOURCE_REMOVE;
}

gboolean
world_run (World *self, int ms, const int *flag)
{
  GSource *timer = g_timeout_source_new ((guint) ms);
  int late = 0;

  g_source_set_callback (timer, set_flag, &late, NULL);
  g_source_attach (timer, self->context);
  while (!late && !(flag && *flag))
    g_main_context_iteration (self->context, TRUE);
  g_source_destroy (timer);
  g_source_unref (timer);
  return flag && *flag;
}

/* ---- client ------------------------------------------------------------------------------------------------------------------------- */

static void
on_resolved (HemeraWebsocket *websocket, gpointer user_data)
{
  Client *self = user_data;

  self->resolved++;
  if (self->on_resolved)
    self->on_resolved (self);
}

static void
on_opened (HemeraWebsocket *websocket, gpointer user_data)
{
  Client *self = user_data;

  self->opened++;
  if (self->on_opened)
    self->on_opened (self);
}

static void
on_received (HemeraWebsocket *websocket, const guint8 *data, gsize size, gboolean first, gboolean final,
             gboolean binary, gpointer user_data)
{
  Client *self = user_data;

  g_assert_cmpint (first, ==, !self->in_message);
  if (first) {
    g_byte_array_set_size (self->message, 0);
    self->binary = binary;
  }
  g_assert_cmpint (binary, ==, self->binary);
  g_byte_array_append (self->message, data, (guint) size);
  self->pieces++;
  self->bytes += size;
  self->in_message = !final;
  if (!final)
    return;
  self->messages++;
  if (self->on_message)
    self->on_message (self);
}

static void
on_drained (HemeraWebsocket *websocket, gpointer user_data)
{
  Client *self = user_data;

  self->drained++;
  if (self->on_drained)
    self->on_drained (self);
}

static void
on_ended (HemeraWebsocket *websocket, const HemeraWebsocketEnd *end, gpointer user_data)
{
  Client *self = user_data;

  g_assert_cmpint (self->ended, ==, 0);
  self->ended++;
  self->code = end->code;
  self->by_us = end->by_us;
  self->http_status = end->http_status;
  self->retry_after_s = end->retry_after_s;
  self->error = end->error ? g_error_copy (end->error) : NULL;
  if (self->on_ended)
    self->on_ended (self);
  self->websocket = NULL;
}

void
client_init (Client *self, World *world, gboolean tls, const char *host, guint16 port, const char *path)
{
  memset (self, 0, sizeof *self);
  self->world = world;
  self->message = g_byte_array_new ();
  self->url = g_strdup_printf ("%s://%s:%u%s", tls ? "wss" : "ws", host, port, path);
  self->options =
      (HemeraWebsocketOptions){ .url = self->url, .trust = world->trust, .user_agent = "HemeraTest (1)" };
}

void
client_connect (Client *self)
{
  static const HemeraWebsocketEvents events = { .resolved = on_resolved,
                                                .opened = on_opened,
                                                .received = on_received,
                                                .drained = on_drained,
                                                .ended = on_ended };
  g_autoptr (GError) error = NULL;

  self->websocket = hemera__websocket_connect (self->world->net, &self->options, &events, self, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->websocket);
  g_assert_cmpint (self->resolved + self->opened + self->ended, ==, 0);
}

void
client_open (Client *self)
{
  client_connect (self);
  for (int i = 0; i < 1000 && !self->opened && !self->ended; i++)
    world_run (self->world, 5, &self->opened);
  g_assert_no_error (self->error);
  g_assert_cmpint (self->opened, ==, 1);
}

void
client_finish (Client *self)
{
  g_assert_true (world_run (self->world, PATIENCE_MS, &self->ended));
}

void
client_clear (Client *self)
{
  g_byte_array_unref (self->message);
  g_free (self->url);
  g_clear_error (&self->error);
}

void
client_send (Client *self, const char *text)
{
  hemera__websocket_send (self->websocket, text, strlen (text), FALSE);
}

/* ---- main --------------------------------------------------------------------------------------------------------------------------- */

void
add_for_both (const char *prefix, const TestCase *cases, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree char *plain = g_strdup_printf ("%s/plain/%s", prefix, cases[i].name);
    g_autofree char *tls = g_strdup_printf ("%s/tls/%s", prefix, cases[i].name);

    g_test_add_data_func (plain, GINT_TO_POINTER (CERT_NONE), cases[i].func);
    g_test_add_data_func (tls, GINT_TO_POINTER (CERT_GOOD), cases[i].func);
  }
}

CertKind
cert_of (gconstpointer data)
{
  return (CertKind) GPOINTER_TO_INT (data);
}

int
main (int argc, char **argv)
{
  int result;

  /* Every test so proves that lws does not use it. */
  g_setenv ("http_proxy", "http://user:password@127.0.0.1:1", TRUE);
  g_unsetenv ("SSL_CERT_FILE"); /* would be read whole by each net that is the first */
  g_test_init (&argc, &argv, NULL);
  certs_init ();
  resolver_install ();
  add_url_tests ();
  add_websocket_tests ();
  add_connect_tests ();
  add_tls_tests ();
  add_http_tests ();
  add_life_tests ();
  add_handle_tests ();
  add_growth_tests ();
  result = g_test_run ();
  resolver_remove ();
  certs_clear ();
  return result;
}

/* HemeraNet: one lws context over libuv for one thread, in its GMainContext, with two GSources: the uv loop, and the chores that must be
 * done outside of lws' callbacks. The host's process stays as it is: no proxy from the environment, no signal handler, lws' log goes to
 * g_log as debug text, and lws' creation and destruction, which are not thread-safe, happen under one lock of the process. What it does
 * change: where OpenSSL is not yet initialised, it will not clean up at exit (tls.c).
 *
 * SIGPIPE: lws sets it to ignored whenever a context is made, for the whole process; that is undone at once, under the same lock. OpenSSL
 * writes with write(), so a reset peer raises it: the thread of a net blocks it while it has a net (a blocked SIGPIPE is discarded before
 * the mask is given back). */
#include "runtime/net/net-internal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define ORPHAN_TURNS 10000 /* of uv, to let handles close: they need two or three */

static pthread_mutex_t creation = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static _Thread_local HemeraNet *current;
static _Thread_local guint nets_here;
static _Thread_local gboolean pipe_was_blocked;

static const struct lws_protocols protocols[] = { { .name = "hemera", .callback = hemera__link_callback },
                                                  { 0 } };

GQuark
hemera__net_error_quark (void)
{
  return g_quark_from_static_string ("hemera-net-error-quark");
}

/* ---- what lws does to the process --------------------------------------------------------------------------------------------------- */

static void
emit (int level, const char *line)
{
  g_autofree char *text = hemera__link_text (line, 255);

  g_debug ("libwebsockets: %s", text);
}

static void
set_up_log (void)
{
  lws_set_log_level (LLL_ERR | LLL_WARN, emit);
}

static void
block_pipe (void)
{
  sigset_t pipe_set, old;

  if (nets_here++ > 0)
    return;
  sigemptyset (&pipe_set);
  sigaddset (&pipe_set, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &pipe_set, &old);
  pipe_was_blocked = sigismember (&old, SIGPIPE) == 1;
}

static void
unblock_pipe (void)
{
  static const struct timespec now = { 0 };
  sigset_t pipe_set;

  if (--nets_here > 0 || pipe_was_blocked)
    return;
  sigemptyset (&pipe_set);
  sigaddset (&pipe_set, SIGPIPE);
  while (sigtimedwait (&pipe_set, NULL, &now) == SIGPIPE)
    ;
  pthread_sigmask (SIG_UNBLOCK, &pipe_set, NULL);
}

/* Under the creation lock. */
static struct lws_context *
create_context (HemeraNet *self, SSL_CTX *tls)
{
  static const lws_retry_bo_t no_keep_alive = { 0 };
  void *loops[] = { &self->loop };
  struct sigaction pipe_action;
  struct lws_context_creation_info info = {
    .port = CONTEXT_PORT_NO_LISTEN,
    .protocols = protocols,
    .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_LIBUV
               | LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
    .provided_client_ssl_ctx = tls,
    .foreign_loops = loops,
    .http_proxy_address = ":0",
    .retry_and_idle_policy = &no_keep_alive,
    .max_http_header_data = 16384,
    .timeout_secs = 600, /* every deadline is ours */
    .connect_timeout_secs = 600,
    .pcontext = &self->lws,
  };

  sigaction (SIGPIPE, NULL, &pipe_action);
  self->lws = lws_create_context (&info);
  sigaction (SIGPIPE, &pipe_action, NULL);
  return self->lws;
}

/* ---- calls into lws ----------------------------------------------------------------------------------------------------------------- */

HemeraNet *
hemera__net_enter (HemeraNet *self)
{
  HemeraNet *before = current;

  current = self;
  self->depth++;
  return before;
}

void
hemera__net_leave (HemeraNet *self, HemeraNet *before)
{
  current = before;
  self->depth--;
}

HemeraNet *
hemera__net_current (void)
{
  return current;
}

static void
kill_doomed (HemeraNet *self)
{
  for (GList *node = self->attempts.head, *next; node && self->doomed > 0; node = next) {
    HemeraAttempt *attempt = node->data;

    next = node->next;
    if (attempt->doomed)
      hemera__attempt_kill (attempt);
  }
}

/* What a chore's callbacks put on the list waits for the next turn: the loop gets its share. */
static gboolean
do_chores (gpointer user_data)
{
  HemeraNet *self = user_data;

  g_source_set_ready_time (self->chores, -1);
  self->busy = TRUE;
  kill_doomed (self);
  for (guint n = self->due.length; n > 0 && self->due.length > 0; n--)
    hemera__link_work (g_queue_pop_head_link (&self->due)->data);
  self->busy = FALSE;
  return G_SOURCE_CONTINUE;
}

void
hemera__net_chore (HemeraNet *self)
{
  if (g_source_get_ready_time (self->chores) != 0)
    g_source_set_ready_time (self->chores, 0);
}

/* ---- sources ------------------------------------------------------------------------------------------------------------------------ */

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs chore_funcs = { .dispatch = dispatch };

GSource *
hemera__net_timer (HemeraNet *self, guint ms, GSourceFunc func, gpointer user_data)
{
  GSource *source = g_timeout_source_new (ms);

  g_source_set_callback (source, func, user_data, NULL);
  g_source_attach (source, self->context);
  return source;
}

void
hemera__source_clear (GSource **source)
{
  if (!*source)
    return;
  g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
attach (HemeraNet *self)
{
  self->uv = hemera__uv_source_new (self, &self->loop);
  self->chores = g_source_new (&chore_funcs, sizeof (GSource));
  g_source_set_static_name (self->chores, "hemera-net-chores");
  g_source_set_callback (self->chores, do_chores, self, NULL);
  g_source_attach (self->uv, self->context);
  g_source_attach (self->chores, self->context);
}

static void
turn_until_closed (HemeraNet *self)
{
  for (int i = 0; i < ORPHAN_TURNS && uv_run (&self->loop, UV_RUN_NOWAIT) != 0; i++)
    ;
}

/* ---- life --------------------------------------------------------------------------------------------------------------------------- */

static void
find_pipe (uv_handle_t *handle, void *fd)
{
  uv_os_fd_t found;

  if (handle->type == UV_POLL && uv_fileno (handle, &found) == 0)
    *(int *) fd = found;
}

HemeraNet *
hemera__net_new (GMainContext *context, GError **error)
{
  HemeraNet *self = g_new0 (HemeraNet, 1);
  SSL_CTX *tls;
  gboolean failed = FALSE;

  self->pipe_fd = -1;
  block_pipe ();
  pthread_once (&log_once, set_up_log);
  self->context = g_main_context_ref (context);
  self->lookups = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, hemera__lookup_free);
  if (uv_loop_init (&self->loop) != 0) {
    g_set_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT, "cannot make a uv loop");
    goto no_loop;
  }
  pthread_mutex_lock (&creation);
  tls = hemera__tls_acquire (error);
  if (tls && !create_context (self, tls)) {
    g_set_error (
        error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_CONNECT,
        "cannot make a libwebsockets context (is its libuv plugin, libwebsockets-evlib-uv, installed?)");
    turn_until_closed (self);
    hemera__tls_release ();
    failed = TRUE;
  }
  pthread_mutex_unlock (&creation);
  if (tls && !failed) {
    uv_walk (&self->loop, find_pipe, &self->pipe_fd); /* the only one to poll so far */
    attach (self);
    return self;
  }
  uv_loop_close (&self->loop);
no_loop:
  g_hash_table_unref (self->lookups);
  g_main_context_unref (self->context);
  g_free (self);
  unblock_pipe ();
  return NULL;
}

static void
end_links (HemeraNet *self)
{
  HemeraLink *link;

  self->closing = TRUE;
  while ((link = g_queue_peek_head (&self->links)) != NULL) {
    hemera__link_detach (link);
    link->klass->over (link, TRUE);
  }
}

/* lws closes its eventfd twice: when a context is destroyed, and when the uv handle of it has closed, a turn later. What another thread opens
 * in between may get the number, and would be closed. So the number is taken here, at once. FALSE: somebody was faster. */
static gboolean
hold_pipe_number (HemeraNet *self)
{
  int held = fcntl (uv_backend_fd (&self->loop), F_DUPFD_CLOEXEC, self->pipe_fd);

  if (held != self->pipe_fd && held >= 0)
    close (held);
  return held == self->pipe_fd;
}

/* lws frees a context on a foreign loop in two steps, with turns of the loop in between for the handles to close. FALSE: the second step
 * would close a descriptor of somebody else, so the context and its loop stay as they are. Under the creation lock. */
static gboolean
finish (HemeraNet *self)
{
  HemeraNet *before;

  if (!hold_pipe_number (self))
    return FALSE;
  before = hemera__net_enter (self);
  turn_until_closed (self);
  if (self->lws)
    lws_context_destroy (self->lws);
  turn_until_closed (self);
  hemera__net_leave (self, before);
  hemera__tls_release ();
  hemera__source_clear (&self->chores);
  g_main_context_unref (self->context);
  for (GList *node; (node = g_queue_pop_head_link (&self->attempts)) != NULL;)
    g_free (node->data); /* those lws never answered for */
  uv_loop_close (&self->loop);
  g_free (self);
  return TRUE;
}

/* Whoever frees a net next, on whatever thread, finishes those whose number is free again. */
static void
destroy_context (HemeraNet *self)
{
  static GQueue left_behind = G_QUEUE_INIT;
  HemeraNet *before;

  pthread_mutex_lock (&creation);
  before = hemera__net_enter (self);
  lws_context_destroy (self->lws);
  hemera__net_leave (self, before);
  g_queue_push_head (&left_behind, self);
  for (GList *node = left_behind.head, *next; node; node = next) {
    next = node->next;
    if (finish (node->data))
      g_queue_delete_link (&left_behind, node);
    else
      g_debug ("a descriptor of libwebsockets was taken over, its context is left behind for now");
  }
  pthread_mutex_unlock (&creation);
}

void
hemera__net_free (HemeraNet *self)
{
  g_assert (self->depth == 0 && !self->busy);
  end_links (self);
  g_hash_table_unref (self->lookups);
  hemera__source_clear (&self->uv);
  g_source_destroy (self->chores);
  destroy_context (self);
  unblock_pipe ();
}

/* The uv loop of a net as one GSource: polls the loop's epoll descriptor and its next timer, dispatches one non-blocking turn. GLib so
 * looks at one descriptor a turn, however many connections there are. At the default priority, beside the run queue: a source that is
 * always ready there shares turns with it. An empty uv loop reports a time-out of 0, hence the check for life: without it the source
 * would spin. */
#include "runtime/net/net-internal.h"

typedef struct {
  GSource base;
  HemeraNet *net;
  uv_loop_t *loop;
  gpointer tag;
} UvSource;

static gboolean
prepare (GSource *source, gint *timeout)
{
  UvSource *self = (UvSource *) source;

  *timeout = -1;
  if (!uv_loop_alive (self->loop))
    return FALSE;
  uv_update_time (self->loop);
  *timeout = uv_backend_timeout (self->loop);
  return *timeout == 0;
}

static gboolean
check (GSource *source)
{
  UvSource *self = (UvSource *) source;
  gint timeout;

  return g_source_query_unix_fd (source, self->tag) != 0 || prepare (source, &timeout);
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  UvSource *self = (UvSource *) source;
  HemeraNet *before = hemera__net_enter (self->net);

  uv_run (self->loop, UV_RUN_NOWAIT);
  hemera__net_leave (self->net, before);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs funcs = { .prepare = prepare, .check = check, .dispatch = dispatch };

GSource *
hemera__uv_source_new (HemeraNet *net, uv_loop_t *loop)
{
  GSource *source = g_source_new (&funcs, sizeof (UvSource));
  UvSource *self = (UvSource *) source;

  self->net = net;
  self->loop = loop;
  self->tag = g_source_add_unix_fd (source, uv_backend_fd (loop), G_IO_IN);
  g_source_set_static_name (source, "hemera-net");
  return source;
}

/* Standard input: each line a gateway send event. A bad line is an error_received, and the next one counts. */
#include "tail.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE 65536

struct _TailInput {
  HemeraGateway *gateway;
  TailOutput *output;
  GCancellable *cancellable;
  GString *line;
  gboolean is_too_long; /* the rest of the line is dropped */
  guint source;
  guint refs; /* the reader and each send under way */
};

typedef struct {
  TailInput *input;
  gint shard;
} Sending;

static void
unref_input (TailInput *self)
{
  if (--self->refs > 0)
    return;
  g_object_unref (self->gateway);
  g_object_unref (self->cancellable);
  g_string_free (self->line, TRUE);
  g_free (self);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Sending *sending = user_data;
  g_autoptr (GError) error = NULL;

  if (!hemera_gateway_send_finish (HEMERA_GATEWAY (source), result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    tail_output_input_error (sending->input->output, sending->shard, error->message);
  unref_input (sending->input);
  g_free (sending);
}

static void
take_line (TailInput *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraTerm) term = NULL;
  g_autoptr (HemeraTerm) data = NULL;
  gint64 shard, op;
  HemeraView view, d;
  Sending *sending;

  if (self->line->len == 0)
    return;
  term = hemera_term_new_from_json (self->line->str, self->line->len, NULL, &error);
  if (term == NULL) {
    tail_output_input_error (self->output, -1, error->message);
    return;
  }
  view = hemera_term_view (term);
  if (!hemera_view_get_int64 (hemera_view_get (view, "shard"), &shard) || shard < 0 || shard > 99999
      || !hemera_view_get_int64 (hemera_view_get (view, "op"), &op) || op < 0 || op > 255
      || !hemera_view_lookup (view, "d", &d)) {
    tail_output_input_error (self->output, -1, "a line {\"shard\":0,\"op\":3,\"d\":{...}} is wanted");
    return;
  }
  data = hemera_term_new_from_view (d);
  sending = g_new (Sending, 1);
  *sending = (Sending){ self, (gint) shard };
  self->refs++;
  hemera_gateway_send_async (self->gateway, (guint) shard, (guint) op, data, self->cancellable, on_sent,
                             sending);
}

static void
take_bytes (TailInput *self, const char *bytes, gsize size)
{
  while (size > 0) {
    const char *end = memchr (bytes, '\n', size);
    gsize part = end != NULL ? (gsize) (end - bytes) : size;

    if (!self->is_too_long && self->line->len + part > MAX_LINE) {
      self->is_too_long = TRUE;
      tail_output_input_error (self->output, -1, "a line is longer than 65536 bytes");
    }
    if (!self->is_too_long)
      g_string_append_len (self->line, bytes, (gssize) part);
    if (end == NULL)
      return;
    if (!self->is_too_long)
      take_line (self);
    g_string_truncate (self->line, 0);
    self->is_too_long = FALSE;
    bytes += part + 1;
    size -= part + 1;
  }
}

/* One read a turn: it does not block, as the descriptor is ready. The end of input changes nothing. */
static gboolean
on_readable (gint fd, GIOCondition condition, gpointer user_data)
{
  TailInput *self = user_data;
  char bytes[4096];
  gssize size = read (fd, bytes, sizeof bytes);

  if (size < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  if (size > 0) {
    take_bytes (self, bytes, (gsize) size);
    return G_SOURCE_CONTINUE;
  }
  if (!self->is_too_long)
    take_line (self);
  self->source = 0;
  return G_SOURCE_REMOVE;
}

TailInput *
tail_input_new (HemeraGateway *gateway, TailOutput *output)
{
  TailInput *self = g_new0 (TailInput, 1);

  self->gateway = g_object_ref (gateway);
  self->output = output;
  self->cancellable = g_cancellable_new ();
  self->line = g_string_new (NULL);
  self->refs = 1;
  self->source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
  return self;
}

void
tail_input_free (TailInput *self)
{
  if (self->source != 0)
    g_source_remove (self->source);
  g_cancellable_cancel (self->cancellable);
  unref_input (self);
}

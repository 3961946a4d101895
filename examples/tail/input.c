/* Standard input: each line a gateway send event. A bad line is an error_received, and the next one counts. */
#include "tail.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINE 65536
#define MAX_HELD 256 /* then the pipe fills up until a shard is READY */

struct _TailInput {
  HemeraGateway *gateway;
  TailOutput *output;
  GCancellable *cancellable;
  GString *line;
  gboolean is_paused;
  gboolean is_too_long; /* the rest of the line is dropped */
  GQueue held;          /* Held: for shards that were never active */
  GHashTable *active;   /* shards that were */
  const GArray *shards; /* of guint; empty: all. Not owned */
  guint source;
  guint refs; /* the reader and each send under way */
};

typedef struct {
  TailInput *input;
  gint shard;
} Sending;

typedef struct {
  guint shard, op;
  HemeraTerm *data;
} Held;

static void
held_free (gpointer data)
{
  hemera_term_unref (((Held *) data)->data);
  g_free (data);
}

static void
unref_input (TailInput *self)
{
  if (--self->refs > 0)
    return;
  g_queue_clear_full (&self->held, held_free);
  g_hash_table_unref (self->active);
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

/* takes @data */
static void
send_now (TailInput *self, guint shard, guint op, HemeraTerm *data)
{
  Sending *sending = g_new (Sending, 1);

  *sending = (Sending){ self, (gint) shard };
  self->refs++;
  hemera_gateway_send_async (self->gateway, shard, op, data, self->cancellable, on_sent, sending);
  hemera_term_unref (data);
}

/* A shard that will be active: before the API has answered that is not known, and a line waits all the same. */
static gboolean
must_wait (TailInput *self, guint shard)
{
  guint total = hemera_gateway_get_total_shards (self->gateway);
  gboolean is_ours = self->shards->len == 0;

  for (guint i = 0; i < self->shards->len; i++)
    is_ours = is_ours || g_array_index (self->shards, guint, i) == shard;
  return is_ours && (total == 0 || shard < total)
         && !g_hash_table_contains (self->active, GUINT_TO_POINTER (shard));
}

static void
take_line (TailInput *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HemeraTerm) term = NULL;
  HemeraTerm *data;
  gint64 shard, op;
  HemeraView view, d;
  Held *held;

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
  if (!must_wait (self, (guint) shard)) {
    send_now (self, (guint) shard, (guint) op, data);
    return;
  }
  held = g_new (Held, 1);
  *held = (Held){ (guint) shard, (guint) op, data };
  g_queue_push_tail (&self->held, held);
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

static gboolean on_readable (gint fd, GIOCondition condition, gpointer user_data);

static void
watch (TailInput *self)
{
  self->source = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_readable, self);
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
    if (self->held.length < MAX_HELD)
      return G_SOURCE_CONTINUE;
    self->is_paused = TRUE;
    self->source = 0;
    return G_SOURCE_REMOVE;
  }
  if (!self->is_too_long)
    take_line (self);
  self->source = 0;
  return G_SOURCE_REMOVE;
}

void
tail_input_message (TailInput *self, HemeraShardMessage *message)
{
  GQueue waiting = self->held;
  Held *held;

  if (hemera_shard_message_get_message_type (message) != HEMERA_SHARD_MESSAGE_STATE)
    return;
  if (hemera_shard_message_get_to (message) == HEMERA_SHARD_ACTIVE)
    g_hash_table_add (self->active, GUINT_TO_POINTER (hemera_shard_message_get_shard (message)));
  g_queue_init (&self->held);
  while ((held = g_queue_pop_head (&waiting)) != NULL) {
    if (must_wait (self, held->shard)) {
      g_queue_push_tail (&self->held, held);
      continue;
    }
    send_now (self, held->shard, held->op, g_steal_pointer (&held->data));
    g_free (held);
  }
  if (self->is_paused && self->held.length < MAX_HELD) {
    self->is_paused = FALSE;
    watch (self);
  }
}

TailInput *
tail_input_new (HemeraGateway *gateway, const GArray *shards, TailOutput *output)
{
  TailInput *self = g_new0 (TailInput, 1);

  self->gateway = g_object_ref (gateway);
  self->shards = shards;
  self->output = output;
  self->cancellable = g_cancellable_new ();
  self->line = g_string_new (NULL);
  self->active = g_hash_table_new (NULL, NULL);
  self->refs = 1;
  g_queue_init (&self->held);
  watch (self);
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

/* Sends of the application: each has a tag in the machine; who called is answered when its bytes have left, or with the reason why not. */
#include "shard-private.h"

#define EARLY_MAX 256

typedef struct {
  HemeraFrom *from; /* (nullable) */
  guint op;
  HemeraTerm *data;
} EarlySend;

static void
early_free (gpointer data)
{
  EarlySend *send = data;

  g_clear_pointer (&send->from, hemera_from_free);
  hemera_term_unref (send->data);
  g_free (send);
}

static void
fail (HemeraShard *self, HemeraFrom *from, const GError *error)
{
  if (from != NULL)
    hemera_from_reply_error (from, error);
  else
    hemera__shard_say_error (self, g_error_copy (error));
}

static void
send_now (HemeraShard *self, HemeraFrom *from, guint op, HemeraTerm *data)
{
  g_autoptr (GError) error = NULL;
  guint64 *tag = g_new (guint64, 1);

  *tag = ++self->tags;
  if (!hemera__shard_machine_send (self->machine, hemera_actor_now (self->self), op, hemera_term_view (data),
                                   *tag, &error)) {
    g_free (tag);
    fail (self, from, error);
  } else if (from != NULL)
    g_hash_table_insert (self->waiting, tag, from);
  else
    g_free (tag);
}

void
hemera__shard_send (HemeraShard *self, HemeraFrom *from, guint op, HemeraTerm *data)
{
  EarlySend *early;

  if (self->machine != NULL) {
    send_now (self, from, op, data);
    return;
  }
  if (self->early.length >= EARLY_MAX) {
    g_autoptr (GError) error = g_error_new_literal (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_QUEUE_FULL,
                                                    "the shard's send queue is full");
    fail (self, from, error);
    return;
  }
  early = g_new (EarlySend, 1);
  *early = (EarlySend){ from, op, hemera_term_ref (data) };
  g_queue_push_tail (&self->early, early);
}

void
hemera__shard_send_early (HemeraShard *self)
{
  EarlySend *early;

  while ((early = g_queue_pop_head (&self->early)) != NULL) {
    send_now (self, g_steal_pointer (&early->from), early->op, early->data);
    early_free (early);
  }
}

void
hemera__shard_sent (HemeraShard *self, guint64 tag, const GError *error)
{
  gpointer key, from;

  if (!g_hash_table_steal_extended (self->waiting, &tag, &key, &from)) {
    if (error != NULL)
      fail (self, NULL, error);
    return;
  }
  g_free (key);
  if (error != NULL)
    hemera_from_reply_error (from, error);
  else
    hemera_from_reply (from, NULL);
}

void
hemera__shard_clear_sends (HemeraShard *self)
{
  GHashTableIter iter;
  gpointer from;

  g_queue_clear_full (&self->early, early_free);
  if (self->waiting == NULL)
    return;
  /* Not answered: whoever called watches the shard and sees its reason. */
  g_hash_table_iter_init (&iter, self->waiting);
  while (g_hash_table_iter_next (&iter, NULL, &from))
    hemera_from_free (from);
  g_clear_pointer (&self->waiting, g_hash_table_unref);
}

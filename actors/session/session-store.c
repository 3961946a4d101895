/* The session store's actor: an entry a slot, and the facade's copy of each change. See session-store.h. */
#include "session-store.h"

#include "../tree/messages.h"
#include "../tree/tree.h"
#include "session-file.h"

typedef struct {
  HemeraTree *tree;
  HemeraSessionPut *entries; /* one a slot */
} Store;

static HemeraNext
store_init (HemeraActor *self, gpointer state, gconstpointer data)
{
  Store *store = state;
  HemeraTree *tree = ((const HemeraTreeArgs *) data)->tree;

  store->tree = hemera__tree_ref (tree);
  store->entries = g_new0 (HemeraSessionPut, tree->n_slots);
  for (guint i = 0; i < tree->n_slots; i++) {
    store->entries[i].index = i;
    /* The sessions of the options are good for the first connection only: afterwards the shards know better. */
    if (tree->sessions != NULL && atomic_load_explicit (&tree->slots[i].serial, memory_order_relaxed) == 1
        && hemera__sessions_lookup (hemera_term_view (tree->sessions), tree->total_shards,
                                    tree->slots[i].shard, &store->entries[i].session))
      store->entries[i].serial = 1;
  }
  return HEMERA_CONTINUE;
}

/* The seq of a RESUME is what was fanned out of this very session; a session of which nothing was starts at 0. */
static guint64
safe_seq (const HemeraSlot *slot, guint serial)
{
  guint64 fanned = atomic_load_explicit (&slot->fanned, memory_order_acquire);

  return hemera__place_serial (fanned) == (serial & 0xffff) ? hemera__place_seq (fanned) : 0;
}

/* When the session was last seen alive: here, or by the process that wrote the file. */
static gint64
alive_ms (const HemeraTree *tree, guint index, gint64 fallback)
{
  gint64 alive_us = atomic_load_explicit (&tree->slots[index].alive_us, memory_order_relaxed);

  return alive_us != 0 ? (alive_us + tree->wall_offset_us) / 1000 : fallback;
}

static HemeraNext
store_handle_call (HemeraActor *self, gpointer state, HemeraFrom *from, HemeraActorMessage *request)
{
  Store *store = state;
  HemeraSessionGet *get = hemera__session_get_peek (request);
  HemeraSessionPut reply;

  if (get == NULL || get->index >= store->tree->n_slots) {
    hemera_from_free (from);
    return HEMERA_CONTINUE;
  }
  reply = store->entries[get->index];
  hemera__session_copy (&reply.session, &store->entries[get->index].session);
  reply.session.alive_ms = alive_ms (store->tree, get->index, reply.session.alive_ms);
  reply.session.seq = safe_seq (&store->tree->slots[get->index], reply.serial);
  hemera_from_reply (from, hemera__session_put_new (&reply));
  return HEMERA_CONTINUE;
}

static void
put (Store *store, HemeraSessionPut *change)
{
  HemeraSessionPut *entry = &store->entries[change->index];
  HemeraSessionPut copy = *change;

  hemera__session_clear (&entry->session);
  entry->session = change->session;
  entry->serial = change->serial;
  copy.tree = store->tree->number;
  hemera__session_copy (&copy.session, &entry->session);
  hemera__session_put_send (store->tree->facade, &copy);
}

static HemeraNext
store_handle_info (HemeraActor *self, gpointer state, HemeraActorMessage *message)
{
  Store *store = state;
  HemeraSessionFailures *failures = hemera__session_failures_peek (message);
  HemeraSessionPut change;

  if (failures != NULL && failures->index < store->tree->n_slots)
    store->entries[failures->index].failures = failures->failures;
  else if (hemera__session_put_steal (message, &change)) {
    if (change.index < store->tree->n_slots)
      put (store, &change);
    else
      hemera__session_clear (&change.session);
  }
  return HEMERA_CONTINUE;
}

static void
store_finalize (gpointer state)
{
  Store *store = state;

  for (guint i = 0; store->entries != NULL && i < store->tree->n_slots; i++)
    hemera__session_clear (&store->entries[i].session);
  g_free (store->entries);
  g_clear_pointer (&store->tree, hemera__tree_unref);
}

const HemeraServerClass hemera__session_store_class = {
  .name = "hemera_session_store",
  .state_size = sizeof (Store),
  .init = store_init,
  .handle_call = store_handle_call,
  .handle_info = store_handle_info,
  .finalize = store_finalize,
};

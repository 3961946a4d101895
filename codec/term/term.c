/* HemeraTerm: the counted buffer. One allocation a term: the struct, and behind it the bytes when they are the term's own. The term of a
 * payload stands in the payload's slab, and costs none. */
#include "codec/term/term-internal.h"
#include "codec/term/cursor.h"

#include <hemera/term-builder.h>

G_DEFINE_BOXED_TYPE (HemeraTerm, hemera_term, hemera_term_ref, hemera_term_unref)

HemeraTerm *
hemera_term_ref (HemeraTerm *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  /* relaxed: the caller's reference keeps the term, and another thread gets the new one by some ordered means. */
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera_term_unref (HemeraTerm *self)
{
  g_return_if_fail (self != NULL);
  /* release: this holder's reads are over before the last holder, which acquires here, frees the bytes. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  if (self->is_in_owner) {
    self->owner_free (self->owner); /* self is gone with it */
    return;
  }
  if (self->owner_free != NULL)
    self->owner_free (self->owner);
  g_free (self);
}

HemeraView
hemera_term_view (HemeraTerm *self)
{
  if (self == NULL)
    return HEMERA_VIEW_INVALID;
  return (HemeraView){ self->data + 1 };
}

HemeraTerm *
hemera__term_new_inline (gsize size, guint8 **payload)
{
  HemeraTerm *self = g_malloc (sizeof *self + 1 + size);
  atomic_init (&self->refs, 1);
  self->is_in_owner = FALSE;
  self->inline_data[0] = ETF_VERSION;
  self->data = self->inline_data;
  self->size = 1 + size;
  self->owner = NULL;
  self->owner_free = NULL;
  *payload = self->inline_data + 1;
  return self;
}

HemeraTerm *
hemera_term_new_from_view (HemeraView view)
{
  gsize size;
  guint8 *payload;
  g_return_val_if_fail (hemera_view_is_valid (view), NULL);
  const guint8 *bytes = hemera_view_bytes (view, &size);
  HemeraTerm *self = hemera__term_new_inline (size, &payload);
  memcpy (payload, bytes, size);
  return self;
}

GBytes *
hemera_term_to_etf (HemeraTerm *self)
{
  g_return_val_if_fail (self != NULL, NULL);
  return g_bytes_new_with_free_func (self->data, self->size, (GDestroyNotify) hemera_term_unref,
                                     hemera_term_ref (self));
}

/* ---- shared terms -------------------------------------------------------------------------------------------------------------- */

static const char *const shared_names[] = { "nil",    "true",         "false",     "null",
                                            "ok",     "error",        "undefined", "infinity",
                                            "normal", "shutdown",     "kill",      "killed",
                                            "noproc", "noconnection", "timeout",   "noreply" };
#define SMALL_INTEGERS 32

static _Atomic (HemeraTerm *) shared_atoms[G_N_ELEMENTS (shared_names)];
static _Atomic (HemeraTerm *) shared_integers[SMALL_INTEGERS];

static HemeraTerm *
build_one (HemeraTermBuilder *builder)
{
  HemeraTerm *term = hemera_term_builder_end (builder, NULL);
  hemera_term_builder_free (builder);
  return term;
}

static HemeraTerm *
make_atom (const char *name)
{
  HemeraTermBuilder *builder = hemera_term_builder_new ();
  hemera_term_builder_add_atom (builder, name);
  return build_one (builder);
}

static HemeraTerm *
make_integer (gint64 value)
{
  HemeraTermBuilder *builder = hemera_term_builder_new ();
  hemera_term_builder_add_int64 (builder, value);
  return build_one (builder);
}

/* Publishes @made as the shared term of @slot, or takes the one that another thread was faster with. The slot keeps a reference for ever. */
static HemeraTerm *
publish (_Atomic (HemeraTerm *) *slot, HemeraTerm *made)
{
  HemeraTerm *expected = NULL;
  /* release: pairs with the acquire loads of the slot; the term's bytes are written before it is seen. */
  if (atomic_compare_exchange_strong_explicit (slot, &expected, made, memory_order_acq_rel,
                                               memory_order_acquire))
    return hemera_term_ref (made);
  hemera_term_unref (made);
  return hemera_term_ref (expected);
}

HemeraTerm *
hemera_term_new_atom (const char *name)
{
  g_return_val_if_fail (name != NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (shared_names); i++) {
    if (strcmp (name, shared_names[i]) != 0)
      continue;
    HemeraTerm *shared = atomic_load_explicit (&shared_atoms[i], memory_order_acquire);
    return shared != NULL ? hemera_term_ref (shared) : publish (&shared_atoms[i], make_atom (name));
  }
  HemeraTerm *term = make_atom (name);
  g_return_val_if_fail (term != NULL, NULL); /* over 255 characters or no UTF-8 */
  return term;
}

HemeraTerm *
hemera_term_new_int64 (gint64 value)
{
  if (value < 0 || value >= SMALL_INTEGERS)
    return make_integer (value);
  HemeraTerm *shared = atomic_load_explicit (&shared_integers[value], memory_order_acquire);
  return shared != NULL ? hemera_term_ref (shared) : publish (&shared_integers[value], make_integer (value));
}

HemeraTerm *
hemera_term_new_string (const char *utf8)
{
  g_return_val_if_fail (utf8 != NULL, NULL);
  HemeraTermBuilder *builder = hemera_term_builder_new ();
  hemera_term_builder_add_string (builder, utf8);
  HemeraTerm *term = build_one (builder);
  g_return_val_if_fail (term != NULL, NULL); /* no UTF-8 */
  return term;
}

/* HemeraToken: the secret in memory that is wiped when the last reference goes. Any thread; the count is the one atomic. */
#include "token.h"

#include <hemera/gateway-types.h>
#include <stdatomic.h>
#include <string.h>

struct _HemeraToken {
  atomic_int refs;
  gsize size;
  char secret[];
};

/* What may stand in an Authorization header: visible ASCII. White space inside would split the header's value. */
static gboolean
holds_header_bytes (const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isgraph (text[i]))
      return FALSE;
  return TRUE;
}

HemeraToken *
hemera__token_new (const char *secret, GError **error)
{
  HemeraToken *self;
  gsize size;

  g_return_val_if_fail (secret != NULL, NULL);

  while (g_ascii_isspace (*secret))
    secret++;
  if (strncmp (secret, "Bot", 3) == 0 && g_ascii_isspace (secret[3])) {
    secret += 4;
    while (g_ascii_isspace (*secret))
      secret++;
  }
  size = strlen (secret);
  while (size > 0 && g_ascii_isspace (secret[size - 1]))
    size--;

  if (size == 0) {
    g_set_error_literal (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS, "the token is empty");
    return NULL;
  }
  if (size > 1024 || !holds_header_bytes (secret, size)) {
    g_set_error_literal (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
                         "the token is too long or has bytes that no HTTP header may hold");
    return NULL;
  }

  self = g_malloc (sizeof *self + size + 1);
  atomic_init (&self->refs, 1);
  self->size = size;
  memcpy (self->secret, secret, size);
  self->secret[size] = '\0';
  return self;
}

HemeraToken *
hemera__token_ref (HemeraToken *self)
{
  /* Relaxed: whoever calls holds a reference already, which came to it in order. */
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera__token_unref (HemeraToken *self)
{
  /* Release pairs with the acquire of the last unref: reads of the other holders happen before the wipe. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) > 1)
    return;
  explicit_bzero (self->secret, self->size);
  g_free (self);
}

const char *
hemera__token_reveal (HemeraToken *self)
{
  return self->secret;
}

/* HemeraToken: the bot token, a type of its own so that no log, error, trace or term can print it. Immutable, counted, any thread;
 * its bytes are wiped at the end. Only the payload writer at the socket's edge and the REST client read them. */
#pragma once

#include <glib.h>

typedef struct _HemeraToken HemeraToken;

/* A leading "Bot " and white space around are taken off. NULL with @error (HEMERA_GATEWAY_ERROR_OPTIONS) for an empty one or one with
 * bytes that no header may hold; the message does not contain it. */
HemeraToken *hemera__token_new (const char *secret, GError **error);
HemeraToken *hemera__token_ref (HemeraToken *self);
void hemera__token_unref (HemeraToken *self);
/* The secret: for the socket's edge only. */
const char *hemera__token_reveal (HemeraToken *self);

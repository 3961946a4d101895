/* What the actors and the generated models know of a HemeraEvent. */
#pragma once

#include "model.h"
#include <hemera/event.h>

/* One allocation: the event, and the root model where the event's type has one. Decodes the root's field offsets here, in the parser,
 * so that readers on other threads find them done. @payload: (transfer full): the whole envelope; @d lies inside it, as does @name,
 * which is interned when the event is a known one. (transfer full) */
HemeraEvent *hemera__event_new (guint shard, guint connection, guint64 seq, HemeraEncoding encoding,
                                HemeraTerm *payload, HemeraView d, const char *name, gsize name_size);

/* Which connection of its shard it came over. */
guint hemera__event_get_connection (HemeraEvent *self);

/* (nullable) (transfer none): the typed root model: HemeraMessage of MESSAGE_CREATE and so on. Lives as long as the event. */
gpointer hemera__event_get_model (HemeraEvent *self);
/* The same where it is of that class. (nullable) */
gpointer hemera__event_get_model_of (HemeraEvent *self, const HemeraModelClass *model_class);

/* Makes @data live as long as @self and freed with g_free(): any thread, lock-free. */
void hemera__event_keep (HemeraEvent *self, gpointer data);

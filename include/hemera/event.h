/* HemeraEvent: one dispatch: boxed, reference-counted, immutable, decoded lazily from the payload's own bytes. Any thread.
 * Generated types (events.h: HemeraReady, HemeraMessage, HemeraGuild, HemeraUser ...) are models inside an event's payload. */
#pragma once

#include <hemera/gateway-types.h>
#include <hemera/json.h>

G_BEGIN_DECLS

typedef struct _HemeraEvent HemeraEvent;
#define HEMERA_TYPE_EVENT (hemera_event_get_type ())
HEMERA_API GType hemera_event_get_type (void);

/* Keeps the event, and with it the payload that it came in. ref: (transfer full) */
HEMERA_API HemeraEvent *hemera_event_ref (HemeraEvent *self);
HEMERA_API void hemera_event_unref (HemeraEvent *self);
/* Which shard it came over. */
HEMERA_API guint hemera_event_get_shard (HemeraEvent *self);
/* Discord's `s`: one more with each dispatch of a session. */
HEMERA_API guint64 hemera_event_get_seq (HemeraEvent *self);
/* Discord's `t`, "MESSAGE_CREATE". (transfer none): UTF-8, lives as long as the event, and for ever when the event is known */
HEMERA_API const char *hemera_event_get_name (HemeraEvent *self);
/* What it was written in; the data is the same either way. */
HEMERA_API HemeraEncoding hemera_event_get_encoding (HemeraEvent *self);
/* `d` as Discord sent it; lives as long as the event. */
HEMERA_API HemeraView hemera_event_get_data (HemeraEvent *self);
/* `d` in a compact buffer of its own, without the rest of the payload. (transfer full) */
HEMERA_API HemeraTerm *hemera_event_dup_term (HemeraEvent *self);
/* `d` as JSON, the same text from ETF and from JSON: ids are decimal strings wherever the schema has an id, and so is every integer
 * beyond +-(2^53-1). FALSE with a #HemeraCodecError, and @out as it was, when it holds what JSON cannot. */
HEMERA_API gboolean hemera_event_append_json (HemeraEvent *self, GString *out, GError **error);
/* FALSE when the event belongs to no guild. GUILD_CREATE, _UPDATE, _DELETE: d.id. */
HEMERA_API gboolean hemera_event_get_guild_id (HemeraEvent *self, guint64 *guild_id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HemeraEvent, hemera_event_unref)

G_END_DECLS

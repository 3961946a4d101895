/* Gateway intents: which events Discord sends (developers/events/gateway.mdx, "Gateway Intents"). Any thread. */
#pragma once

#include <glib.h>
#include <hemera/macros.h>

G_BEGIN_DECLS

typedef enum {
  HEMERA_INTENT_GUILDS = 1 << 0,
  HEMERA_INTENT_GUILD_MEMBERS = 1 << 1, /* privileged */
  HEMERA_INTENT_GUILD_MODERATION = 1 << 2,
  HEMERA_INTENT_GUILD_EXPRESSIONS = 1 << 3,
  HEMERA_INTENT_GUILD_INTEGRATIONS = 1 << 4,
  HEMERA_INTENT_GUILD_WEBHOOKS = 1 << 5,
  HEMERA_INTENT_GUILD_INVITES = 1 << 6,
  HEMERA_INTENT_GUILD_VOICE_STATES = 1 << 7,
  HEMERA_INTENT_GUILD_PRESENCES = 1 << 8, /* privileged */
  HEMERA_INTENT_GUILD_MESSAGES = 1 << 9,
  HEMERA_INTENT_GUILD_MESSAGE_REACTIONS = 1 << 10,
  HEMERA_INTENT_GUILD_MESSAGE_TYPING = 1 << 11,
  HEMERA_INTENT_DIRECT_MESSAGES = 1 << 12,
  HEMERA_INTENT_DIRECT_MESSAGE_REACTIONS = 1 << 13,
  HEMERA_INTENT_DIRECT_MESSAGE_TYPING = 1 << 14,
  HEMERA_INTENT_MESSAGE_CONTENT = 1 << 15, /* privileged */
  HEMERA_INTENT_GUILD_SCHEDULED_EVENTS = 1 << 16,
  HEMERA_INTENT_AUTO_MODERATION_CONFIGURATION = 1 << 20,
  HEMERA_INTENT_AUTO_MODERATION_EXECUTION = 1 << 21,
  HEMERA_INTENT_GUILD_MESSAGE_POLLS = 1 << 24,
  HEMERA_INTENT_DIRECT_MESSAGE_POLLS = 1 << 25,
} HemeraIntent;

#define HEMERA_INTENTS_ALL 53608447u
#define HEMERA_INTENTS_PRIVILEGED                                                                            \
  (HEMERA_INTENT_GUILD_MEMBERS | HEMERA_INTENT_GUILD_PRESENCES | HEMERA_INTENT_MESSAGE_CONTENT)
#define HEMERA_INTENTS_NOT_PRIVILEGED 53575421u

/* A number, or names joined by commas ("GUILDS,GUILD_MESSAGES", any case). FALSE with @error (#GOptionError BAD_VALUE) for anything else. */
HEMERA_API gboolean hemera_intents_parse (const char *text, guint64 *intents, GError **error);
/* "GUILDS, GUILD_MEMBERS"; bits without a name as numbers. (transfer full) */
HEMERA_API char *hemera_intents_to_string (guint64 intents);

G_END_DECLS

/* Intents by name and by number: one table, read in both directions. */
#include <hemera/intents.h>

static const struct {
  guint bit;
  const char *name;
} names[] = {
  { 0, "GUILDS" },
  { 1, "GUILD_MEMBERS" },
  { 2, "GUILD_MODERATION" },
  { 3, "GUILD_EXPRESSIONS" },
  { 4, "GUILD_INTEGRATIONS" },
  { 5, "GUILD_WEBHOOKS" },
  { 6, "GUILD_INVITES" },
  { 7, "GUILD_VOICE_STATES" },
  { 8, "GUILD_PRESENCES" },
  { 9, "GUILD_MESSAGES" },
  { 10, "GUILD_MESSAGE_REACTIONS" },
  { 11, "GUILD_MESSAGE_TYPING" },
  { 12, "DIRECT_MESSAGES" },
  { 13, "DIRECT_MESSAGE_REACTIONS" },
  { 14, "DIRECT_MESSAGE_TYPING" },
  { 15, "MESSAGE_CONTENT" },
  { 16, "GUILD_SCHEDULED_EVENTS" },
  { 20, "AUTO_MODERATION_CONFIGURATION" },
  { 21, "AUTO_MODERATION_EXECUTION" },
  { 24, "GUILD_MESSAGE_POLLS" },
  { 25, "DIRECT_MESSAGE_POLLS" },
};

static gboolean
find_name (const char *name, guint64 *intents)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_ascii_strcasecmp (names[i].name, name) == 0) {
      *intents |= G_GUINT64_CONSTANT (1) << names[i].bit;
      return TRUE;
    }
  }
  return FALSE;
}

gboolean
hemera_intents_parse (const char *text, guint64 *intents, GError **error)
{
  g_auto (GStrv) parts = NULL;
  guint64 value = 0;

  g_return_val_if_fail (text != NULL && intents != NULL, FALSE);
  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, intents, NULL))
    return TRUE;
  parts = g_strsplit (text, ",", -1);
  for (guint i = 0; parts[i] != NULL; i++) {
    if (!find_name (g_strstrip (parts[i]), &value)) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "\"%s\" is no intent", parts[i]);
      return FALSE;
    }
  }
  *intents = value;
  return TRUE;
}

char *
hemera_intents_to_string (guint64 intents)
{
  GString *out = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    guint64 bit = G_GUINT64_CONSTANT (1) << names[i].bit;

    if ((intents & bit) == 0)
      continue;
    g_string_append_printf (out, "%s%s", out->len > 0 ? ", " : "", names[i].name);
    intents &= ~bit;
  }
  if (intents != 0)
    g_string_append_printf (out, "%s%" G_GUINT64_FORMAT, out->len > 0 ? ", " : "", intents);
  return g_string_free (out, FALSE);
}

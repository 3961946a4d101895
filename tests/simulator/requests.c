/* Ops 3, 4, 8, 31 and 43: checked, and answered with dispatches of the session. Members, sounds and channels are those of the guild's
 * GUILD_CREATE in the stream. A payload that is wrong for its op gets 4001; a guild that is not the shard's gets a violation and no answer. */
#include "connection.h"

#include <string.h>

#define CHUNK 1000u

/* The GUILD_CREATE of d.guild_id, parsed into @doc; NULL without an answer. */
static const SimValue *
guild_of (SimConnection *self, const SimValue *value, SimDoc *doc, guint64 *guild)
{
  if (!sim_value_snowflake (value, guild)) {
    sim_connection_violation (self, "guild_id", 4001, NULL);
    return NULL;
  }
  const SimEvent *create = sim_stream_guild_create (self->sim->stream, *guild);
  if (create == NULL || !sim_shard_owns (self->session->shard, *guild)) {
    sim_connection_violation (self, "unknown_guild", 0, "not in the stream, or another shard's");
    return NULL;
  }
  return sim_json_parse (doc, create->d, create->d_size, NULL);
}

static void
produce (SimConnection *self, const char *t, GString *d)
{
  sim_session_produce_own (self->session, t, g_string_free (d, FALSE));
}

static void
voice_state (SimConnection *self, const SimValue *d)
{
  guint64 guild, channel = 0;
  gboolean mute, deaf;
  const SimValue *where = sim_value_get (d, "channel_id");
  if (!sim_value_snowflake (sim_value_get (d, "guild_id"), &guild)
      || (!sim_value_is (where, SIM_NULL) && !sim_value_snowflake (where, &channel))
      || !sim_value_boolean (sim_value_get (d, "self_mute"), &mute)
      || !sim_value_boolean (sim_value_get (d, "self_deaf"), &deaf)) {
    sim_connection_violation (self, "voice_payload", 4001, "guild_id, channel_id, self_mute and self_deaf");
    return;
  }
  GString *out = g_string_new (NULL);
  g_string_printf (out, "{\"guild_id\":\"%" G_GUINT64_FORMAT "\",\"user_id\":\"%s\",", guild,
                   sim_stream_user_id (self->sim->stream));
  if (channel != 0)
    g_string_append_printf (out, "\"channel_id\":\"%" G_GUINT64_FORMAT "\",", channel);
  else
    g_string_append (out, "\"channel_id\":null,");
  g_string_append_printf (
      out,
      "\"session_id\":\"%.32s\",\"deaf\":false,\"mute\":false,\"self_deaf\":%s,\"self_mute\":%s,"
      "\"self_video\":false,\"suppress\":false,\"request_to_speak_timestamp\":null}",
      self->session->id, deaf ? "true" : "false", mute ? "true" : "false");
  produce (self, "VOICE_STATE_UPDATE", out);
  if (channel == 0)
    return;
  out = g_string_new (NULL);
  g_string_printf (
      out, "{\"token\":\"simulated\",\"guild_id\":\"%" G_GUINT64_FORMAT "\",\"endpoint\":\"127.0.0.1:1\"}",
      guild);
  produce (self, "VOICE_SERVER_UPDATE", out);
}

static gboolean
wants_member (const SimValue *member, const SimValue *query, const SimValue *user_ids)
{
  const SimValue *user = sim_value_get (member, "user"), *name = sim_value_get (user, "username");
  guint64 id, wanted;
  if (query != NULL) {
    const SimValue *nick = sim_value_get (member, "nick");
    if (query->size == 0)
      return TRUE;
    return (sim_value_is (name, SIM_STRING) && name->size >= query->size
            && g_ascii_strncasecmp (name->text, query->text, query->size) == 0)
           || (sim_value_is (nick, SIM_STRING) && nick->size >= query->size
               && g_ascii_strncasecmp (nick->text, query->text, query->size) == 0);
  }
  if (!sim_value_snowflake (sim_value_get (user, "id"), &id))
    return FALSE;
  if (user_ids->type != SIM_ARRAY)
    return sim_value_snowflake (user_ids, &wanted) && wanted == id;
  for (const SimValue *item = user_ids->first; item != NULL; item = item->next)
    if (sim_value_snowflake (item, &wanted) && wanted == id)
      return TRUE;
  return FALSE;
}

/* TRUE when all members of @guild were asked for a moment ago; RATE_LIMITED was the answer. */
static gboolean
limit_members (SimConnection *self, guint64 guild, const char *nonce)
{
  Sim *sim = self->sim;
  gint64 now = sim_now (), *last = g_hash_table_lookup (sim->members, &guild);
  if (last == NULL || now - *last >= sim->options.members_interval) {
    g_hash_table_insert (sim->members, g_memdup2 (&guild, sizeof guild), g_memdup2 (&now, sizeof now));
    return FALSE;
  }
  gint64 wait = sim->options.members_interval - (now - *last);
  GString *out = g_string_new (NULL);
  g_string_printf (
      out, "{\"opcode\":8,\"retry_after\":%d.%03d,\"meta\":{\"guild_id\":\"%" G_GUINT64_FORMAT "\"%s}}",
      (int) (wait / 1000), (int) (wait % 1000), guild, nonce);
  produce (self, "RATE_LIMITED", out);
  return TRUE;
}

static const SimValue *
presence_of (const SimValue *guild, guint64 user)
{
  const SimValue *presences = sim_value_get (guild, "presences");
  guint64 id;
  for (const SimValue *item = presences != NULL ? presences->first : NULL; item != NULL; item = item->next)
    if (sim_value_snowflake (sim_value_get (sim_value_get (item, "user"), "id"), &id) && id == user)
      return item;
  return NULL;
}

/* ids of @user_ids that no member of @guild has, as ",not_found":[...] or nothing. */
static void
append_not_found (GString *out, const SimValue *guild, const SimValue *user_ids)
{
  if (user_ids == NULL)
    return;
  const SimValue *members = sim_value_get (guild, "members");
  guint missing = 0;
  SimValue alone = { .type = SIM_ARRAY };
  const SimValue *first = user_ids->type == SIM_ARRAY ? user_ids->first : user_ids;
  for (const SimValue *item = first; item != NULL; item = user_ids->type == SIM_ARRAY ? item->next : NULL) {
    gboolean found = FALSE;
    guint64 id;
    alone = *item;
    alone.next = NULL;
    for (const SimValue *member = members != NULL ? members->first : NULL; member != NULL && !found;
         member = member->next)
      found = wants_member (member, NULL, &alone);
    if (!found && sim_value_snowflake (item, &id))
      g_string_append_printf (out, "%s\"%" G_GUINT64_FORMAT "\"", missing++ > 0 ? "," : ",\"not_found\":[",
                              id);
  }
  if (missing > 0)
    g_string_append_c (out, ']');
}

static void
members (SimConnection *self, const SimValue *d)
{
  g_autoptr (SimDoc) doc = sim_doc_new ();
  guint64 guild_id;
  gint64 limit = 0;
  gboolean presences = FALSE;
  const SimValue *query = sim_value_get (d, "query"), *user_ids = sim_value_get (d, "user_ids");
  const SimValue *nonce = sim_value_get (d, "nonce"), *shown = sim_value_get (d, "presences");
  gboolean has_limit = sim_value_int64 (sim_value_get (d, "limit"), &limit) && limit >= 0;
  if (sim_value_is (query, SIM_NULL))
    query = NULL;
  if ((query == NULL && user_ids == NULL) || (query != NULL && (query->type != SIM_STRING || !has_limit))
      || (shown != NULL && !sim_value_boolean (shown, &presences))) {
    sim_connection_violation (self, "members_payload", 4001, "query with limit, or user_ids");
    return;
  }
  const SimValue *guild = guild_of (self, sim_value_get (d, "guild_id"), doc, &guild_id);
  if (guild == NULL)
    return;
  gboolean all = query != NULL && query->size == 0 && limit == 0;
  if ((all && (self->session->intents & 2) == 0) || (presences && (self->session->intents & 256) == 0)) {
    sim_connection_violation (self, "members_intent", 0, "GUILD_MEMBERS or GUILD_PRESENCES is missing");
    return;
  }
  g_autoptr (GString) echo = g_string_new (NULL);
  if (sim_value_is (nonce, SIM_STRING) && nonce->size <= 32) {
    g_string_append (echo, ",\"nonce\":");
    sim_json_append_string (echo, nonce->text, (gssize) nonce->size);
  }
  if (all && limit_members (self, guild_id, echo->str))
    return;
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  guint most = all ? G_MAXUINT : query != NULL && limit > 0 ? (guint) MIN (limit, 100) : 100;
  const SimValue *list = sim_value_get (guild, "members");
  for (const SimValue *member = list != NULL ? list->first : NULL; member != NULL && found->len < most;
       member = member->next)
    if (wants_member (member, query, user_ids))
      g_ptr_array_add (found, (gpointer) member);
  guint chunks = MAX (1, (found->len + CHUNK - 1) / CHUNK);
  for (guint chunk = 0; chunk < chunks; chunk++) {
    GString *out = g_string_new (NULL);
    g_autoptr (GString) seen = g_string_new (NULL);
    g_string_printf (out, "{\"guild_id\":\"%" G_GUINT64_FORMAT "\",\"members\":[", guild_id);
    for (guint i = chunk * CHUNK; i < MIN (found->len, (chunk + 1) * CHUNK); i++) {
      const SimValue *member = g_ptr_array_index (found, i);
      guint64 user;
      g_string_append_printf (out, "%s", i > chunk * CHUNK ? "," : "");
      g_string_append_len (out, member->raw, (gssize) member->raw_size);
      const SimValue *presence =
          presences && sim_value_snowflake (sim_value_get (sim_value_get (member, "user"), "id"), &user)
              ? presence_of (guild, user)
              : NULL;
      if (presence != NULL) {
        g_string_append_printf (seen, "%s", seen->len > 0 ? "," : "");
        g_string_append_len (seen, presence->raw, (gssize) presence->raw_size);
      }
    }
    g_string_append_printf (out, "],\"chunk_index\":%u,\"chunk_count\":%u", chunk, chunks);
    if (presences)
      g_string_append_printf (out, ",\"presences\":[%s]", seen->str);
    if (chunk == 0 && query == NULL)
      append_not_found (out, guild, user_ids);
    g_string_append_printf (out, "%s}", echo->str);
    produce (self, "GUILD_MEMBERS_CHUNK", out);
  }
}

static void
soundboard (SimConnection *self, const SimValue *d)
{
  const SimValue *ids = sim_value_get (d, "guild_ids");
  if (!sim_value_is (ids, SIM_ARRAY) || ids->count == 0) {
    sim_connection_violation (self, "soundboard_payload", 4001, "guild_ids");
    return;
  }
  for (const SimValue *item = ids->first; item != NULL && self->session != NULL; item = item->next) {
    g_autoptr (SimDoc) doc = sim_doc_new ();
    guint64 guild_id;
    const SimValue *guild = guild_of (self, item, doc, &guild_id);
    if (guild == NULL)
      continue;
    const SimValue *sounds = sim_value_get (guild, "soundboard_sounds");
    GString *out = g_string_new (NULL);
    g_string_printf (out, "{\"guild_id\":\"%" G_GUINT64_FORMAT "\",\"soundboard_sounds\":", guild_id);
    g_string_append_len (out, sounds != NULL ? sounds->raw : "[]",
                         sounds != NULL ? (gssize) sounds->raw_size : 2);
    g_string_append_c (out, '}');
    produce (self, "SOUNDBOARD_SOUNDS", out);
  }
}

static void
channel_info (SimConnection *self, const SimValue *d)
{
  g_autoptr (SimDoc) doc = sim_doc_new ();
  guint64 guild_id;
  const SimValue *fields = sim_value_get (d, "fields");
  gboolean status = FALSE, start = FALSE, wrong = !sim_value_is (fields, SIM_ARRAY);
  for (const SimValue *field = wrong ? NULL : fields->first; field != NULL; field = field->next) {
    gboolean is_status = sim_value_equals (field, "status"),
             is_start = sim_value_equals (field, "voice_start_time");
    status |= is_status;
    start |= is_start;
    wrong |= !is_status && !is_start;
  }
  if (wrong) {
    sim_connection_violation (self, "channel_info_payload", 4001, "fields are status and voice_start_time");
    return;
  }
  const SimValue *guild = guild_of (self, sim_value_get (d, "guild_id"), doc, &guild_id);
  if (guild == NULL)
    return;
  GString *out = g_string_new (NULL);
  g_string_printf (out, "{\"guild_id\":\"%" G_GUINT64_FORMAT "\",\"channels\":[", guild_id);
  const SimValue *channels = sim_value_get (guild, "channels");
  guint listed = 0;
  for (const SimValue *channel = channels != NULL ? channels->first : NULL; channel != NULL;
       channel = channel->next) {
    gint64 type;
    const SimValue *id = sim_value_get (channel, "id");
    if (id == NULL || !sim_value_int64 (sim_value_get (channel, "type"), &type) || (type != 2 && type != 13))
      continue;
    g_string_append_printf (out, "%s{\"id\":", listed++ > 0 ? "," : "");
    g_string_append_len (out, id->raw, (gssize) id->raw_size);
    g_string_append_printf (out, "%s%s}", status ? ",\"status\":null" : "",
                            start ? ",\"voice_start_time\":null" : "");
  }
  g_string_append (out, "]}");
  produce (self, "CHANNEL_INFO", out);
}

gboolean
sim_request (SimConnection *self, gint64 op, const SimValue *d)
{
  const char *wrong = NULL;
  switch (op) {
  case 3:
    if ((wrong = sim_check_presence (d)) != NULL)
      sim_connection_violation (self, "presence_payload", 4001, wrong);
    break;
  case 4: voice_state (self, d); break;
  case 8: members (self, d); break;
  case 31: soundboard (self, d); break;
  case 43: channel_info (self, d); break;
  default: return FALSE;
  }
  sim_log_write (self->sim->log, "request", "\"connection\":%u,\"shard\":%u,\"op\":%d", self->number,
                 self->shard, (int) op);
  if (self->state == SIM_CONNECTION_ACTIVE)
    sim_connection_pump (self);
  return TRUE;
}

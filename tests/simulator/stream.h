/* SimStream: a file of make_stream.py, mapped, with the place, name and guild of each dispatch. Immutable once loaded. */
#pragma once

#include "value.h"

typedef struct {
  const char *t; /* interned */
  const char *d; /* JSON text in the mapped file */
  guint32 d_size;
  guint32 line;  /* from 1 */
  guint64 guild; /* 0: none */
} SimEvent;

typedef struct _SimStream SimStream;

/* @path NULL: an empty stream with a made-up bot and no guilds. NULL with @error set. (transfer full) */
SimStream *sim_stream_load (const char *path, GError **error);
void sim_stream_free (SimStream *self);

guint sim_stream_length (const SimStream *self);
const SimEvent *sim_stream_event (const SimStream *self, guint index);
/* READY's user and application as JSON text. */
const char *sim_stream_user (const SimStream *self);
const char *sim_stream_application (const SimStream *self);
/* The user's id as text. */
const char *sim_stream_user_id (const SimStream *self);
/* The guilds of READY. */
const guint64 *sim_stream_guilds (const SimStream *self, guint *count);
/* The first whole GUILD_CREATE of @guild, NULL when it has none. */
const SimEvent *sim_stream_guild_create (const SimStream *self, guint64 guild);

/* The shard of a guild; 0 for guild 0. */
guint sim_stream_shard (guint64 guild, guint total);

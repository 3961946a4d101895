/* Sessions as a term and as a file, so that the next run of a bot can RESUME.
 *
 * The term: #{version => 1, total => Total, identified_ms => Unix time of the last IDENTIFY, sessions => [#{shard, id, seq, resume_url,
 * encoding, alive_ms}]} with binary keys. The file is the same as JSON. What is read is hostile until checked: a resume url says where the
 * token goes. */
#pragma once

#include "../protocol/machine.h"

/* Any thread; pure. FALSE with @error (HEMERA_GATEWAY_ERROR_OPTIONS). */
gboolean hemera__sessions_check (HemeraView sessions, GError **error);
/* The session of @shard of @total in a checked term; FALSE: none. @session: to be cleared. */
gboolean hemera__sessions_lookup (HemeraView sessions, guint total, guint shard, HemeraSession *session);
/* When this bot identified last, as far as checked @sessions know; 0: they do not. */
gint64 hemera__sessions_identified_ms (HemeraView sessions);
/* @shards[i] is the shard of @sessions[i]; those without an id are left out. (transfer full) */
HemeraTerm *hemera__sessions_new (guint total, gint64 identified_ms, const guint *shards,
                                  const HemeraSession *sessions, guint n);

/* Blocking: from a thread of its own. At most 4 MiB of a file that only its owner, the user of this process, can write. NULL without
 * @error: there is no file. (transfer full) */
HemeraTerm *hemera__session_file_load (const char *path, GError **error);
/* Mode 0600, through a new file beside it and a rename. */
gboolean hemera__session_file_save (const char *path, HemeraTerm *sessions, GError **error);

/* Sessions to a term and back, to a file (a temporary one, then a rename) and back. See session-file.h. */
#include "session-file.h"

#include "../protocol/gateway-url.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <hemera/json.h>
#include <hemera/term-builder.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX     (4 * 1024 * 1024)
#define SESSIONS_MAX 65536

/* ---- the term ------------------------------------------------------------------------------------------- */

static gboolean
is_session_id (HemeraView view)
{
  const char *data;
  gsize size;

  return hemera_view_type (view) == HEMERA_TERM_BINARY && hemera_view_get_string (view, &data, &size)
         && hemera__session_id_is_usable (data, size);
}

/* Whether the session's own gateway may be reached without TLS is for the shard to say. */
static gboolean
is_resume_url (HemeraView view)
{
  g_autofree char *url = hemera_view_type (view) == HEMERA_TERM_BINARY ? hemera_view_dup_string (view) : NULL;
  const char *data;
  gsize size;

  return url != NULL && hemera_view_get_string (view, &data, &size) && strlen (url) == size
         && hemera__gateway_url_is_usable (url, FALSE);
}

static gboolean
check_session (HemeraView session)
{
  HemeraView url = hemera_view_get (session, "resume_url");
  HemeraView encoding = hemera_view_get (session, "encoding");
  guint64 number;

  if (!hemera_view_get_uint64 (hemera_view_get (session, "shard"), &number) || number >= SESSIONS_MAX)
    return FALSE;
  if (!hemera_view_get_uint64 (hemera_view_get (session, "seq"), &number) || number > HEMERA_SEQ_MAX)
    return FALSE;
  if (!is_session_id (hemera_view_get (session, "id")))
    return FALSE;
  if (hemera_view_is_valid (url) && !hemera_view_is_null (url) && !is_resume_url (url))
    return FALSE;
  return hemera_view_equals_string (encoding, "etf") || hemera_view_equals_string (encoding, "json");
}

gboolean
hemera__sessions_check (HemeraView sessions, GError **error)
{
  HemeraView list = hemera_view_get (sessions, "sessions"), session;
  HemeraViewIter iter;
  guint64 total;

  if (hemera_view_uint64 (hemera_view_get (sessions, "version"), 0) == 1
      && hemera_view_get_uint64 (hemera_view_get (sessions, "total"), &total) && total >= 1
      && total <= SESSIONS_MAX && hemera_view_type (list) == HEMERA_TERM_LIST
      && hemera_view_length (list) <= SESSIONS_MAX) {
    gboolean good = TRUE;

    hemera_view_iter_init (&iter, list);
    while (good && hemera_view_iter_next (&iter, &session))
      good = check_session (session);
    if (good)
      return TRUE;
  }
  g_set_error_literal (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS,
                       "these are no sessions that Hemera wrote");
  return FALSE;
}

gboolean
hemera__sessions_lookup (HemeraView sessions, guint total, guint shard, HemeraSession *session)
{
  HemeraViewIter iter;
  HemeraView entry, url;

  *session = (HemeraSession){ 0 };
  if (hemera_view_uint64 (hemera_view_get (sessions, "total"), 0) != total)
    return FALSE;
  hemera_view_iter_init (&iter, hemera_view_get (sessions, "sessions"));
  while (hemera_view_iter_next (&iter, &entry)) {
    if (hemera_view_uint64 (hemera_view_get (entry, "shard"), G_MAXUINT64) != shard)
      continue;
    url = hemera_view_get (entry, "resume_url");
    session->id = hemera_view_dup_string (hemera_view_get (entry, "id"));
    session->resume_url = hemera_view_is_null (url) ? NULL : hemera_view_dup_string (url);
    session->seq = hemera_view_uint64 (hemera_view_get (entry, "seq"), 0);
    session->alive_ms = hemera_view_int64 (hemera_view_get (entry, "alive_ms"), 0);
    session->encoding = hemera_view_equals_string (hemera_view_get (entry, "encoding"), "json")
                            ? HEMERA_ENCODING_JSON
                            : HEMERA_ENCODING_ETF;
    return session->id != NULL;
  }
  return FALSE;
}

gint64
hemera__sessions_identified_ms (HemeraView sessions)
{
  return hemera_view_int64 (hemera_view_get (sessions, "identified_ms"), 0);
}

HemeraTerm *
hemera__sessions_new (guint total, gint64 identified_ms, const guint *shards, const HemeraSession *sessions,
                      guint n)
{
  g_autoptr (HemeraTermBuilder) builder = hemera_term_builder_new ();

  hemera_term_builder_open_map (builder);
  hemera_term_builder_key (builder, "version");
  hemera_term_builder_add_int64 (builder, 1);
  hemera_term_builder_key (builder, "total");
  hemera_term_builder_add_uint64 (builder, total);
  hemera_term_builder_key (builder, "identified_ms");
  hemera_term_builder_add_int64 (builder, identified_ms);
  hemera_term_builder_key (builder, "sessions");
  hemera_term_builder_open_list (builder);
  for (guint i = 0; i < n; i++) {
    if (sessions[i].id == NULL)
      continue;
    hemera_term_builder_open_map (builder);
    hemera_term_builder_key (builder, "shard");
    hemera_term_builder_add_uint64 (builder, shards[i]);
    hemera_term_builder_key (builder, "id");
    hemera_term_builder_add_string (builder, sessions[i].id);
    hemera_term_builder_key (builder, "seq");
    hemera_term_builder_add_uint64 (builder, sessions[i].seq);
    hemera_term_builder_key (builder, "resume_url");
    if (sessions[i].resume_url != NULL)
      hemera_term_builder_add_string (builder, sessions[i].resume_url);
    else
      hemera_term_builder_add_nil (builder);
    hemera_term_builder_key (builder, "encoding");
    hemera_term_builder_add_string (builder, sessions[i].encoding == HEMERA_ENCODING_JSON ? "json" : "etf");
    hemera_term_builder_key (builder, "alive_ms");
    hemera_term_builder_add_int64 (builder, sessions[i].alive_ms);
    hemera_term_builder_close (builder);
  }
  hemera_term_builder_close (builder);
  hemera_term_builder_close (builder);
  return hemera_term_builder_end (builder, NULL);
}

/* ---- the file ------------------------------------------------------------------------------------------- */

static gboolean
fail (GError **error, const char *path, const char *why)
{
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS, "the session file %s: %s", path,
               why);
  return FALSE;
}

static gboolean
read_all (int fd, const char *path, GByteArray *into, GError **error)
{
  guint8 buffer[8192];
  gssize n;

  while ((n = read (fd, buffer, sizeof buffer)) != 0) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return fail (error, path, g_strerror (errno));
    if (into->len + (gsize) n > FILE_MAX)
      return fail (error, path, "it is too large");
    g_byte_array_append (into, buffer, (guint) n);
  }
  return TRUE;
}

HemeraTerm *
hemera__session_file_load (const char *path, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) why = NULL;
  HemeraTerm *term = NULL;
  struct stat status;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

  if (fd < 0) {
    if (errno != ENOENT)
      fail (error, path, g_strerror (errno));
    return NULL;
  }
  /* Whoever can write the file chooses the host that the token is sent to. */
  if (fstat (fd, &status) != 0)
    fail (error, path, g_strerror (errno));
  else if (!S_ISREG (status.st_mode))
    fail (error, path, "it is no regular file");
  else if (status.st_uid != geteuid () || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    fail (error, path, "others can write it, so it is not trusted");
  else if (read_all (fd, path, bytes, error)) {
    term = hemera_term_new_from_json ((const char *) bytes->data, bytes->len, NULL, &why);
    if (term == NULL || !hemera__sessions_check (hemera_term_view (term), &why)) {
      fail (error, path, why->message);
      g_clear_pointer (&term, hemera_term_unref);
    }
  }
  close (fd);
  return term;
}

static gboolean
write_all (int fd, const char *data, gsize size)
{
  while (size > 0) {
    gssize n = write (fd, data, size);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return FALSE;
    data += n;
    size -= (gsize) n;
  }
  return fsync (fd) == 0;
}

gboolean
hemera__session_file_save (const char *path, HemeraTerm *sessions, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".XXXXXX", NULL);
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean written;
  int fd, saved;

  if (!hemera_view_append_json (hemera_term_view (sessions), HEMERA_JSON_DEFAULT, text, error))
    return FALSE;
  g_string_append_c (text, '\n');
  fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail (error, path, g_strerror (errno));
  written = write_all (fd, text->str, text->len);
  saved = errno;
  if (close (fd) != 0 && written) {
    written = FALSE;
    saved = errno;
  }
  if (written && rename (temporary, path) != 0) {
    written = FALSE;
    saved = errno;
  }
  if (!written) {
    unlink (temporary);
    return fail (error, path, g_strerror (saved));
  }
  return TRUE;
}

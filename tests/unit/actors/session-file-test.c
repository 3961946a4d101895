/* Sessions as a term and a file: what is written is read, what others wrote is refused. */
#include "actors/session/session-file.h"

#include <glib/gstdio.h>
#include <hemera/json.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
  char *folder, *path;
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("hemera-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, "sessions", NULL);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_unlink (self->path);
  g_assert_cmpint (g_rmdir (self->folder), ==, 0); /* nothing else was left */
  g_free (self->path);
  g_free (self->folder);
}

static HemeraTerm *
sessions_new (void)
{
  const guint shards[] = { 0, 2 };
  const HemeraSession sessions[] = {
    { .id = (char *) "abc",
      .resume_url = (char *) "wss://a.discord.gg",
      .seq = 42,
      .alive_ms = 1234567890123 },
    { .id = (char *) "def", .seq = 7, .encoding = HEMERA_ENCODING_JSON },
  };

  return hemera__sessions_new (3, 1234567890555, shards, sessions, 2);
}

static void
test_round_trip (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraTerm) sessions = sessions_new (), read = NULL;
  g_autoptr (GError) error = NULL;
  HemeraSession session;
  struct stat status;

  g_assert_true (hemera__session_file_save (self->path, sessions, &error));
  g_assert_cmpint (stat (self->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0600);
  read = hemera__session_file_load (self->path, &error);
  g_assert_no_error (error);
  g_assert_cmpint (hemera__sessions_identified_ms (hemera_term_view (read)), ==, 1234567890555);
  g_assert_true (hemera__sessions_lookup (hemera_term_view (read), 3, 0, &session));
  g_assert_cmpstr (session.id, ==, "abc");
  g_assert_cmpstr (session.resume_url, ==, "wss://a.discord.gg");
  g_assert_cmpuint (session.seq, ==, 42);
  g_assert_cmpint (session.alive_ms, ==, 1234567890123);
  hemera__session_clear (&session);
  g_assert_true (hemera__sessions_lookup (hemera_term_view (read), 3, 2, &session));
  g_assert_cmpint (session.encoding, ==, HEMERA_ENCODING_JSON);
  g_assert_null (session.resume_url);
  hemera__session_clear (&session);
  g_assert_false (hemera__sessions_lookup (hemera_term_view (read), 3, 1, &session));
  g_assert_false (hemera__sessions_lookup (hemera_term_view (read), 4, 0, &session)); /* another total */
}

/* What a shard keeps is read again: one long url would else cost all shards their sessions. */
static void
test_extremes (Fixture *self, gconstpointer data)
{
  g_autofree char *id = g_strnfill (512, 'x'), *path = g_strnfill (1000, 'p');
  g_autofree char *url = g_strconcat ("wss://a.discord.gg/", path, NULL);
  const guint shard = 0;
  const HemeraSession written = { .id = id, .resume_url = url, .seq = HEMERA_SEQ_MAX };
  g_autoptr (HemeraTerm) sessions = hemera__sessions_new (1, 0, &shard, &written, 1), read = NULL;
  g_autoptr (GError) error = NULL;
  HemeraSession session;

  g_assert_true (hemera__session_file_save (self->path, sessions, &error));
  read = hemera__session_file_load (self->path, &error);
  g_assert_no_error (error);
  g_assert_true (hemera__sessions_lookup (hemera_term_view (read), 1, 0, &session));
  g_assert_cmpstr (session.id, ==, id);
  g_assert_cmpstr (session.resume_url, ==, url);
  g_assert_cmpuint (session.seq, ==, HEMERA_SEQ_MAX);
  hemera__session_clear (&session);
}

static void
test_no_file (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (hemera__session_file_load (self->path, &error));
  g_assert_no_error (error);
}

static void
test_writable_by_others (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraTerm) sessions = sessions_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (hemera__session_file_save (self->path, sessions, NULL));
  g_assert_cmpint (g_chmod (self->path, 0622), ==, 0);
  g_assert_null (hemera__session_file_load (self->path, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
}

static void
test_hostile (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents_full (self->path, data, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_null (hemera__session_file_load (self->path, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
}

static void
test_too_large (Fixture *self, gconstpointer data)
{
  g_autofree char *text = g_strnfill (5 * 1024 * 1024, ' ');

  test_hostile (self, text);
}

/* tear_down() sees that no temporary file stays. */
static void
test_cannot_be_written (Fixture *self, gconstpointer data)
{
  g_autoptr (HemeraTerm) sessions = sessions_new ();
  g_autofree char *nowhere = g_build_filename (self->folder, "no", "sessions", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (hemera__session_file_save (nowhere, sessions, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
  g_clear_error (&error);
  g_assert_cmpint (g_mkdir (self->path, 0700), ==, 0);
  g_assert_false (hemera__session_file_save (self->path, sessions, &error));
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
  g_assert_cmpint (g_rmdir (self->path), ==, 0);
}

static void
test_no_regular_file (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (mkfifo (self->path, 0600), ==, 0);
  g_assert_null (hemera__session_file_load (self->path, &error)); /* nor does it wait for a writer */
  g_assert_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_OPTIONS);
}

/* A session of which no url is known is resumed at the base url. */
static void
test_url_may_be_missing (Fixture *self, gconstpointer data)
{
  const char text[] =
      "{\"version\":1,\"total\":1,\"sessions\":[{\"shard\":0,\"id\":\"a\",\"seq\":1,\"encoding\":\"etf\"}]}";
  g_autoptr (HemeraTerm) read = NULL;
  g_autoptr (GError) error = NULL;
  HemeraSession session;

  g_assert_true (g_file_set_contents (self->path, text, -1, NULL));
  g_assert_cmpint (g_chmod (self->path, 0600), ==, 0);
  read = hemera__session_file_load (self->path, &error);
  g_assert_no_error (error);
  g_assert_true (hemera__sessions_lookup (hemera_term_view (read), 1, 0, &session));
  g_assert_cmpstr (session.id, ==, "a");
  g_assert_null (session.resume_url);
  hemera__session_clear (&session);
}

#define SESSION(id, url)                                                                                     \
  "{\"version\":1,\"total\":1,\"sessions\":[{\"shard\":0,\"id\":" id ",\"seq\":1,\"resume_url\":" url        \
  ",\"encoding\":\"etf\"}]}"

int
main (int argc, char **argv)
{
  static const struct {
    const char *path, *text;
  } hostile[] = {
    { "/session-file/hostile/empty", "" },
    { "/session-file/hostile/not-json", "}{" },
    { "/session-file/hostile/no-object", "[]" },
    { "/session-file/hostile/another-version", "{\"version\":2,\"total\":1,\"sessions\":[]}" },
    { "/session-file/hostile/sessions-is-a-map", "{\"version\":1,\"total\":1,\"sessions\":{}}" },
    { "/session-file/hostile/http-url", SESSION ("\"a\"", "\"http://evil\"") },
    { "/session-file/hostile/line-in-url", SESSION ("\"a\"", "\"wss://x\\r\\nHost: y\"") },
    { "/session-file/hostile/user-in-url", SESSION ("\"a\"", "\"wss://u:p@x\"") },
    { "/session-file/hostile/nul-in-url", SESSION ("\"a\"", "\"wss://x\\u0000y\"") },
    { "/session-file/hostile/nul-in-id", SESSION ("\"a\\u0000\"", "null") },
    { "/session-file/hostile/id-is-a-number", SESSION ("7", "null") },
    { "/session-file/hostile/empty-id", SESSION ("\"\"", "null") },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add ("/session-file/round-trip", Fixture, NULL, set_up, test_round_trip, tear_down);
  g_test_add ("/session-file/extremes", Fixture, NULL, set_up, test_extremes, tear_down);
  g_test_add ("/session-file/url-may-be-missing", Fixture, NULL, set_up, test_url_may_be_missing, tear_down);
  g_test_add ("/session-file/none", Fixture, NULL, set_up, test_no_file, tear_down);
  g_test_add ("/session-file/cannot-be-written", Fixture, NULL, set_up, test_cannot_be_written, tear_down);
  g_test_add ("/session-file/no-regular-file", Fixture, NULL, set_up, test_no_regular_file, tear_down);
  g_test_add ("/session-file/writable-by-others", Fixture, NULL, set_up, test_writable_by_others, tear_down);
  g_test_add ("/session-file/hostile/too-large", Fixture, NULL, set_up, test_too_large, tear_down);
  for (guint i = 0; i < G_N_ELEMENTS (hostile); i++)
    g_test_add (hostile[i].path, Fixture, hostile[i].text, set_up, test_hostile, tear_down);
  return g_test_run ();
}

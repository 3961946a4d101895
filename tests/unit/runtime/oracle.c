/* See oracle.h. */
#include "tests/unit/runtime/oracle.h"

#include <stdio.h>
#include <unistd.h>

char **
oracle_run (const char *escript, const char *script, guint n_cases)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *program = g_find_program_in_path ("escript");
  g_autofree char *file = NULL;
  g_autofree char *output = NULL;
  const char *argv[] = { program, escript, NULL, NULL };
  char **lines;
  int fd;
  int status = 0;

  if (program == NULL)
    return NULL;
  fd = g_file_open_tmp ("hemera-diff-XXXXXX", &file, &error);
  g_assert_no_error (error);
  close (fd);
  g_file_set_contents (file, script, -1, &error);
  g_assert_no_error (error);
  argv[2] = file;
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, &status, &error);
  remove (file);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
  lines = g_strsplit (output, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, n_cases + 1);
  return lines;
}

guint64
oracle_number (const char *variable, guint64 fallback)
{
  const char *text = g_getenv (variable);

  return text != NULL ? g_ascii_strtoull (text, NULL, 10) : fallback;
}

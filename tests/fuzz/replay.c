/* Runs the kept inputs of a fuzz target as a test: replay FOLDER. Prints TAP, one line an input. */
#include <glib.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
main (int argc, char **argv)
{
  g_autoptr (GDir) dir = argc == 2 ? g_dir_open (argv[1], 0, NULL) : NULL;
  const char *name;
  guint n = 0;

  if (dir == NULL) {
    g_printerr ("usage: %s FOLDER\n", argv[0]);
    return 2;
  }
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (argv[1], name, NULL);
    g_autofree char *data = NULL;
    gsize size;

    if (!g_file_get_contents (path, &data, &size, NULL))
      continue;
    LLVMFuzzerTestOneInput ((const guint8 *) data, size);
    g_print ("ok %u %s\n", ++n, name);
  }
  g_print ("1..%u\n", n);
  return n > 0 ? 0 : 1;
}

/* Reads texts, each behind a 4-byte big-endian length, and writes a 1 for each that is JSON and a 0 for each other. A program of its own,
 * for hemera-etf stops at the first bad text. */
#include <hemera/json.h>
#include <stdio.h>
#include <string.h>

int
main (void)
{
  guint8 head[4];

  while (fread (head, 1, 4, stdin) == 4) {
    gsize size = (gsize) head[0] << 24 | (gsize) head[1] << 16 | (gsize) head[2] << 8 | head[3];
    g_autofree char *text = g_malloc (MAX (size, 1)); /* no byte more than the text */
    g_autoptr (HemeraTerm) term = NULL;
    g_autoptr (GError) error = NULL;

    if (fread (text, 1, size, stdin) != size)
      return 1;
    term = hemera_term_new_from_json (text, size, NULL, &error);
    if (term == NULL && strstr (error->message, " at byte ") == NULL)
      return 1;
    putchar (term != NULL ? '1' : '0');
  }
  return 0;
}

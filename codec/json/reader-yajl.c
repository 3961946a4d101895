/* The JSON reader over yajl, which gives integers as digits, keeps NUL in strings and does not recurse. What it lacks is done here. Its
 * UTF-8 check takes overlong forms, its unescaping half surrogate pairs, its idea of white space vertical tabs and form feeds: so a pass
 * of our own goes over the text first. And it overlooks a token that is cut off behind the value. */
#include "json-reader.h"

#include "codec/term/utf8.h"

#include <hemera/etf.h>
#include <string.h>
#include <yajl/yajl_parse.h>

#define SCRATCH_SIZE 4096

typedef struct {
  yajl_handle yajl;
  HemeraJsonEventFunc func;
  gpointer data;
  gsize base; /* offset of the chunk that yajl has */
  gsize value_end;
  guint depth;
  gboolean complete; /* the value has ended, at value_end */
  GError *error;
  /* yajl's handful of small pieces of memory, taken one behind the other; what does not fit comes from the heap. */
  gsize scratch_used;
  _Alignas(16) guint8 scratch[SCRATCH_SIZE];
} Reader;

/* ---- yajl's memory ------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  gsize size;
  _Alignas(16) guint8 data[];
} Piece;

static gboolean
is_scratch (Reader *self, const void *data)
{
  return (const guint8 *) data >= self->scratch && (const guint8 *) data < self->scratch + SCRATCH_SIZE;
}

static void *
take_memory (void *data, size_t size)
{
  Reader *self = data;
  gsize whole = (sizeof (Piece) + size + 15) & ~(gsize) 15;
  Piece *piece;

  if (size < SCRATCH_SIZE && whole <= SCRATCH_SIZE - self->scratch_used) {
    piece = (Piece *) (self->scratch + self->scratch_used);
    self->scratch_used += whole;
  } else {
    piece = g_malloc (sizeof (Piece) + size);
  }
  piece->size = size;
  return piece->data;
}

static void
give_memory (void *data, void *memory)
{
  if (memory != NULL && !is_scratch (data, memory))
    g_free ((guint8 *) memory - offsetof (Piece, data));
}

static void *
resize_memory (void *data, void *memory, size_t size)
{
  Piece *piece;
  void *moved;

  if (memory == NULL)
    return take_memory (data, size);
  piece = (Piece *) ((guint8 *) memory - offsetof (Piece, data));
  if (!is_scratch (data, memory)) {
    piece = g_realloc (piece, sizeof (Piece) + size);
    piece->size = size;
    return piece->data;
  }
  moved = take_memory (data, size);
  memcpy (moved, memory, MIN (piece->size, size));
  return moved;
}

/* ---- what yajl lets pass ---------------------------------------------------------------------------------------------------------- */

static gboolean
read_code_unit (const char *at, const char *end, guint *unit)
{
  *unit = 0;
  if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
    return FALSE;
  for (guint i = 2; i < 6; i++) {
    int digit = g_ascii_xdigit_value (at[i]);

    if (digit < 0)
      return FALSE; /* for yajl to report */
    *unit = *unit << 4 | (guint) digit;
  }
  return TRUE;
}

#define IS_HIGH(unit) (((unit) &0xfc00) == 0xd800)
#define IS_LOW(unit)  (((unit) &0xfc00) == 0xdc00)

/* Backslashes stand in strings only (else yajl stops there), so they are found without following the syntax. */
static const char *
find_lone_surrogate (const char *text, gsize size)
{
  const char *end = text + size, *at = text;
  guint unit, second;

  while ((at = memchr (at, '\\', (gsize) (end - at))) != NULL) {
    if (!read_code_unit (at, end, &unit)) {
      at += MIN (2, end - at);
    } else if (IS_HIGH (unit)) {
      if (!read_code_unit (at + 6, end, &second) || !IS_LOW (second))
        return at;
      at += 12;
    } else if (IS_LOW (unit)) {
      return at;
    } else {
      at += 6;
    }
  }
  return NULL;
}

static gboolean
check_text (const char *text, gsize size, GError **error)
{
  const char *at;

  if (!hemera__utf8_valid (text, size)) {
    for (at = text; !g_utf8_validate_len (at, size - (gsize) (at - text), &at) && *at == '\0'; at++)
      ; /* it stops at NUL, which is UTF-8 */
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_MALFORMED,
                 "JSON text is no UTF-8 at byte %" G_GSIZE_FORMAT, (gsize) (at - text));
    return FALSE;
  }
  at = memchr (text, '\v', size);
  if (at == NULL)
    at = memchr (text, '\f', size);
  if (at != NULL) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_MALFORMED,
                 "JSON text has a control character at byte %" G_GSIZE_FORMAT, (gsize) (at - text));
    return FALSE;
  }
  at = find_lone_surrogate (text, size);
  if (at != NULL) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_MALFORMED,
                 "JSON string has half a surrogate pair at byte %" G_GSIZE_FORMAT, (gsize) (at - text));
    return FALSE;
  }
  return TRUE;
}

/* ---- yajl's callbacks ------------------------------------------------------------------------------------------------------------- */

static int
emit (Reader *self, HemeraJsonEvent event, const void *bytes, gsize size)
{
  gsize end = self->base + yajl_get_bytes_consumed (self->yajl);

  if (event == HEMERA_JSON_OBJECT || event == HEMERA_JSON_ARRAY)
    self->depth++;
  else if (event == HEMERA_JSON_OBJECT_END || event == HEMERA_JSON_ARRAY_END)
    self->depth--;
  if (self->depth == 0) {
    self->complete = TRUE;
    self->value_end = end;
  }
  return self->func (self->data, event, bytes, size, end, &self->error);
}

static int
on_null (void *data)
{
  return emit (data, HEMERA_JSON_NULL, NULL, 0);
}

static int
on_boolean (void *data, int value)
{
  return emit (data, value ? HEMERA_JSON_TRUE : HEMERA_JSON_FALSE, NULL, 0);
}

static int
on_number (void *data, const char *text, size_t size)
{
  return emit (data, HEMERA_JSON_NUMBER, text, size);
}

static int
on_string (void *data, const unsigned char *text, size_t size)
{
  return emit (data, HEMERA_JSON_STRING, text, size);
}

static int
on_key (void *data, const unsigned char *text, size_t size)
{
  return emit (data, HEMERA_JSON_KEY, text, size);
}

static int
on_object (void *data)
{
  return emit (data, HEMERA_JSON_OBJECT, NULL, 0);
}

static int
on_object_end (void *data)
{
  return emit (data, HEMERA_JSON_OBJECT_END, NULL, 0);
}

static int
on_array (void *data)
{
  return emit (data, HEMERA_JSON_ARRAY, NULL, 0);
}

static int
on_array_end (void *data)
{
  return emit (data, HEMERA_JSON_ARRAY_END, NULL, 0);
}

static const yajl_callbacks callbacks = {
  .yajl_null = on_null,
  .yajl_boolean = on_boolean,
  .yajl_number = on_number,
  .yajl_string = on_string,
  .yajl_start_map = on_object,
  .yajl_map_key = on_key,
  .yajl_end_map = on_object_end,
  .yajl_start_array = on_array,
  .yajl_end_array = on_array_end,
};

/* ---- the reader ---------------------------------------------------------------------------------------------------------------------- */

/* yajl forgets a token that the end of the text cuts off, such as a lone quote, once the value is complete: so what follows the value is
 * looked at here. */
static gboolean
check_trailing (Reader *self, const char *text, gsize size, GError **error)
{
  gsize at = self->value_end;

  while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n'))
    at++;
  if (at == size)
    return TRUE;
  g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRAILING,
               "bytes behind the JSON value at byte %" G_GSIZE_FORMAT, at);
  return FALSE;
}

static gboolean
is_word (char c)
{
  return g_ascii_isalnum (c) || c == '+' || c == '-' || c == '.';
}

/* Where the token began that ends before @end. */
static gsize
find_token_start (const char *text, gsize end)
{
  gsize at = end - 1;

  if (text[at] == '"')
    return hemera__json_string_start (text, end);
  if (is_word (text[at]))
    while (at > 0 && is_word (text[at - 1]))
      at--;
  return at;
}

static void
set_syntax_error (Reader *self, const char *text, gsize size, gboolean ended, GError **error)
{
  unsigned char *message;
  char *what;
  gsize at;

  if (ended) {
    g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_TRUNCATED,
                 "JSON text ends too early at byte %" G_GSIZE_FORMAT, size);
    return;
  }
  message = yajl_get_error (self->yajl, 0, NULL, 0);
  what = g_strdelimit (g_strchomp ((char *) message), "\n", ' ');
  if (g_str_has_suffix (what, "."))
    what[strlen (what) - 1] = '\0';
  at = yajl_get_bytes_consumed (self->yajl);
  /* Errors of the grammar, and characters that begin no token, are told behind the token. */
  if (at > 0 && g_str_has_prefix (what, "parse error"))
    at = find_token_start (text, at);
  else if (at > 0 && strstr (what, "invalid char in json text") != NULL)
    at--;
  g_set_error (error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_MALFORMED, "JSON %s at byte %" G_GSIZE_FORMAT,
               what, at);
  yajl_free_error (self->yajl, message);
}

gboolean
hemera__json_read (const char *text, gsize size, HemeraJsonEventFunc func, gpointer data, GError **error)
{
  Reader self;
  yajl_alloc_funcs memory = { take_memory, resize_memory, give_memory, &self };
  gboolean ended = FALSE, ok = FALSE;

  if (size == 0)
    text = ""; /* whatever the caller's pointer is */
  if (!check_text (text, size, error))
    return FALSE;
  memset (&self, 0, offsetof (Reader, scratch));
  self.func = func;
  self.data = data;
  self.yajl = yajl_alloc (&callbacks, &memory, &self);
  yajl_config (self.yajl, yajl_dont_validate_strings, 1); /* all of the text is checked */
  if (yajl_parse (self.yajl, (const unsigned char *) text, size) == yajl_status_ok) {
    /* Only now a number at the end of the text is known to be whole; yajl takes it as if a space followed. */
    ended = TRUE;
    self.base = size;
    yajl_complete_parse (self.yajl); /* what it finds is in self */
  }
  if (self.error != NULL) {
    g_propagate_error (error, self.error);
  } else if (self.complete) {
    ok = check_trailing (&self, text, size, error);
  } else {
    set_syntax_error (&self, text, size, ended, error);
  }
  yajl_free (self.yajl);
  return ok;
}

gsize
hemera__json_string_start (const char *text, gsize end)
{
  gsize at = end - 1; /* the closing quote */

  for (;;) {
    gsize slashes = 0;

    do
      at--;
    while (text[at] != '"');
    while (slashes < at && text[at - 1 - slashes] == '\\')
      slashes++;
    if (slashes % 2 == 0)
      return at;
  }
}

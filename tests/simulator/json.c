/* JSON text into a SimValue tree: recursive, with a depth limit, strict. */
#include "value.h"

#include <string.h>

#define MAX_DEPTH 200

typedef struct {
  SimDoc *doc;
  const char *start, *at, *end;
  GError **error;
} Reader;

static gpointer
fail (Reader *self, const char *what)
{
  if (self->error != NULL && *self->error == NULL)
    g_set_error (self->error, SIM_ERROR, SIM_ERROR_MALFORMED, "%s at byte %" G_GSIZE_FORMAT, what,
                 (gsize) (self->at - self->start));
  return NULL;
}

static void
skip_space (Reader *self)
{
  while (self->at < self->end
         && (*self->at == ' ' || *self->at == '\t' || *self->at == '\n' || *self->at == '\r'))
    self->at++;
}

static gboolean
read_hex (Reader *self, guint *unit)
{
  if (self->end - self->at < 4)
    return FALSE;
  *unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = g_ascii_xdigit_value (*self->at++);
    if (digit < 0)
      return FALSE;
    *unit = *unit << 4 | (guint) digit;
  }
  return TRUE;
}

/* Behind "\u": one code point, of a surrogate pair if it must. */
static gboolean
read_escape (Reader *self, gunichar *point)
{
  guint high, low;
  if (!read_hex (self, &high) || (high >= 0xDC00 && high < 0xE000))
    return FALSE;
  *point = high;
  if (high < 0xD800 || high >= 0xE000)
    return TRUE;
  if (self->end - self->at < 2 || self->at[0] != '\\' || self->at[1] != 'u')
    return FALSE;
  self->at += 2;
  if (!read_hex (self, &low) || low < 0xDC00 || low >= 0xE000)
    return FALSE;
  *point = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
  return TRUE;
}

/* At the byte behind the opening quote. Without escapes the text is used where it is. */
static gboolean
read_string (Reader *self, const char **text, gsize *size)
{
  const char *from = self->at;
  while (self->at < self->end && *self->at != '"' && *self->at != '\\' && (guchar) *self->at >= 0x20)
    self->at++;
  if (self->at == self->end || (guchar) *self->at < 0x20)
    return fail (self, "bad string") != NULL;
  if (*self->at == '"') {
    *text = from;
    *size = (gsize) (self->at++ - from);
    return TRUE;
  }
  const char *close = self->at;
  while (close < self->end && *close != '"')
    close += *close == '\\' ? 2 : 1;
  if (close >= self->end)
    return fail (self, "unterminated string") != NULL;
  char *copy = sim_doc_alloc (self->doc, (gsize) (close - from) + 8);
  gsize used = (gsize) (self->at - from);
  memcpy (copy, from, used);
  while (*self->at != '"') {
    if ((guchar) *self->at < 0x20)
      return fail (self, "control character in a string") != NULL;
    if (*self->at != '\\') {
      copy[used++] = *self->at++;
      continue;
    }
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char kind = self->at[1];
    self->at += 2;
    const char *found = kind != '\0' ? strchr (plain, kind) : NULL;
    gunichar point;
    if (found != NULL)
      copy[used++] = meant[found - plain];
    else if (kind == 'u' && read_escape (self, &point))
      used += (gsize) g_unichar_to_utf8 (point, copy + used);
    else
      return fail (self, "bad escape") != NULL;
    if (self->at >= self->end)
      return fail (self, "unterminated string") != NULL;
  }
  self->at++;
  *text = copy;
  *size = used;
  return TRUE;
}

static gsize
digits (Reader *self)
{
  const char *from = self->at;
  while (self->at < self->end && g_ascii_isdigit (*self->at))
    self->at++;
  return (gsize) (self->at - from);
}

static SimValue *
read_number (Reader *self)
{
  const char *from = self->at;
  if (*self->at == '-')
    self->at++;
  gboolean zero = self->at < self->end && *self->at == '0';
  gsize whole = digits (self);
  if (whole == 0 || (zero && whole > 1))
    return fail (self, "bad number");
  if (self->at < self->end && *self->at == '.') {
    self->at++;
    if (digits (self) == 0)
      return fail (self, "bad number");
  }
  if (self->at < self->end && (*self->at == 'e' || *self->at == 'E')) {
    self->at++;
    if (self->at < self->end && (*self->at == '+' || *self->at == '-'))
      self->at++;
    if (digits (self) == 0)
      return fail (self, "bad number");
  }
  SimValue *value = sim_doc_value (self->doc, SIM_NUMBER);
  value->text = from;
  value->size = (gsize) (self->at - from);
  return value;
}

static SimValue *read_value (Reader *self, guint depth);

static SimValue *
read_container (Reader *self, guint depth, SimType type)
{
  char close = type == SIM_OBJECT ? '}' : ']';
  SimValue *container = sim_doc_value (self->doc, type);
  if (depth >= MAX_DEPTH)
    return fail (self, "too deep");
  self->at++;
  skip_space (self);
  if (self->at < self->end && *self->at == close) {
    self->at++;
    return container;
  }
  for (;;) {
    const char *key = NULL;
    gsize key_size = 0;
    skip_space (self);
    if (type == SIM_OBJECT) {
      if (self->at == self->end || *self->at != '"')
        return fail (self, "a key is missing");
      self->at++;
      if (!read_string (self, &key, &key_size))
        return NULL;
      for (const SimValue *other = container->first; other != NULL; other = other->next)
        if (other->key_size == key_size && memcmp (other->key, key, key_size) == 0)
          return fail (self, "a key twice");
      skip_space (self);
      if (self->at == self->end || *self->at != ':')
        return fail (self, "a colon is missing");
      self->at++;
    }
    SimValue *member = read_value (self, depth + 1);
    if (member == NULL)
      return NULL;
    member->key = key;
    member->key_size = key_size;
    sim_value_append (container, member);
    skip_space (self);
    if (self->at == self->end || (*self->at != ',' && *self->at != close))
      return fail (self, "a comma is missing");
    if (*self->at++ == close)
      return container;
  }
}

static SimValue *
read_word (Reader *self, const char *word, SimType type)
{
  gsize size = strlen (word);
  if ((gsize) (self->end - self->at) < size || memcmp (self->at, word, size) != 0)
    return fail (self, "bad value");
  self->at += size;
  return sim_doc_value (self->doc, type);
}

static SimValue *
read_value (Reader *self, guint depth)
{
  skip_space (self);
  if (self->at == self->end)
    return fail (self, "a value is missing");
  const char *from = self->at;
  SimValue *value = NULL;
  switch (*from) {
  case '{': value = read_container (self, depth, SIM_OBJECT); break;
  case '[': value = read_container (self, depth, SIM_ARRAY); break;
  case 't': value = read_word (self, "true", SIM_TRUE); break;
  case 'f': value = read_word (self, "false", SIM_FALSE); break;
  case 'n': value = read_word (self, "null", SIM_NULL); break;
  case '"': {
    const char *text = NULL;
    gsize size = 0;
    self->at++;
    if (!read_string (self, &text, &size))
      return NULL;
    value = sim_doc_value (self->doc, SIM_STRING);
    value->text = text;
    value->size = size;
    break;
  }
  default:
    if (*from != '-' && !g_ascii_isdigit (*from))
      return fail (self, "bad value");
    value = read_number (self);
  }
  if (value != NULL) {
    value->raw = from;
    value->raw_size = (gsize) (self->at - from);
  }
  return value;
}

SimValue *
sim_json_parse (SimDoc *doc, const char *text, gsize size, GError **error)
{
  g_autoptr (GError) local = NULL;
  Reader reader = { .doc = doc, .start = text, .at = text, .end = text + size, .error = &local };
  SimValue *value = NULL;
  if (!g_utf8_validate_len (text, size, NULL))
    fail (&reader, "no UTF-8");
  else if ((value = read_value (&reader, 0)) != NULL) {
    skip_space (&reader);
    if (reader.at != reader.end)
      value = fail (&reader, "text behind the value");
  }
  if (value == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return value;
}

void
sim_json_append_string (GString *out, const char *text, gssize size)
{
  g_autofree char *valid = g_utf8_make_valid (text, size);
  text = valid;
  size = (gssize) strlen (text);
  g_string_append_c (out, '"');
  for (gssize i = 0; i < size; i++) {
    guchar c = (guchar) text[i];
    if (c == '"' || c == '\\')
      g_string_append_printf (out, "\\%c", c);
    else if (c < 0x20)
      g_string_append_printf (out, "\\u%04x", c);
    else
      g_string_append_c (out, (char) c);
  }
  g_string_append_c (out, '"');
}

/* hemera_view_append_json(): writes the text of a term while it goes over its bytes once, front to back, so that depth costs nothing. Not
 * recursive: the open containers are a stack, a few on the C stack and more on the heap. The same term gives the same bytes; the order of
 * an object is the map's. Only what must be escaped is. */
#include "json-ids.h"
#include "key-set.h"
#include "number.h"

#include "codec/term/cursor.h"
#include "codec/term/number-text.h"
#include "codec/term/utf8.h"

#include <hemera/json.h>
#include <string.h>

#define SAFE_INTEGER ((G_GINT64_CONSTANT (1) << 53) - 1)
#define FEW_LEVELS   16
/* What integers may have together in one text, so that printing them is bounded: as many as JSON text may have when it is read (seconds),
 * and few enough for a main loop (milliseconds). */
#define MAX_DIGITS       (5 * HEMERA_JSON_MAX_DIGITS / 4)
#define MAX_EVENT_DIGITS 20000
#define SHOWN_KEY        60 /* bytes of a key that an error shows */

typedef struct {
  gsize keys;         /* mark of the object's keys */
  gconstpointer node; /* (nullable): what the ids say of it */
  guint32 left;       /* elements to come */
  gboolean is_object;
  gboolean is_first;
} Frame;

typedef struct {
  HemeraView root;
  const guint8 *at; /* the next term to write */
  HemeraJsonFlags flags;
  const HemeraJsonIds *ids; /* (nullable) */
  guint64 work, max_work;   /* of printing integers, which is quadratic: digits squared */
  GString *out;
  gsize out_start;
  Frame few[FEW_LEVELS];
  Frame *frames;
  gsize depth, allocated;
  HemeraKeySet keys;
  GError **error;
} Writer;

/* ---- errors --------------------------------------------------------------------------------------------------------------------------- */

/* The offset is that in the root's external form: its version byte is byte 0. */
static gboolean
refuse (Writer *self, HemeraView view, const char *what)
{
  if (!hemera_view_is_valid (view) || !hemera_view_is_valid (self->root))
    g_set_error (self->error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_UNSUPPORTED, "%s", what);
  else
    g_set_error (self->error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_UNSUPPORTED,
                 "%s at byte %" G_GSIZE_FORMAT, what, (gsize) (view.data - self->root.data) + 1);
  return FALSE;
}

static gboolean
refuse_size (Writer *self, HemeraView view)
{
  g_set_error (self->error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_SIZE,
               "too many digits in integers at byte %" G_GSIZE_FORMAT,
               (gsize) (view.data - self->root.data) + 1);
  return FALSE;
}

static gboolean
refuse_type (Writer *self, HemeraView view)
{
  switch (hemera_view_type (view)) {
  case HEMERA_TERM_TUPLE: return refuse (self, view, "a tuple has no JSON form");
  case HEMERA_TERM_PID: return refuse (self, view, "a pid has no JSON form");
  case HEMERA_TERM_PORT: return refuse (self, view, "a port has no JSON form");
  case HEMERA_TERM_REFERENCE: return refuse (self, view, "a reference has no JSON form");
  case HEMERA_TERM_FUN: return refuse (self, view, "a fun has no JSON form");
  case HEMERA_TERM_BITSTRING: return refuse (self, view, "a bitstring has no JSON form");
  default: return refuse (self, view, "an invalid term has no JSON form");
  }
}

static gboolean
refuse_key (Writer *self, HemeraView key)
{
  switch (hemera_view_type (key)) {
  case HEMERA_TERM_FLOAT: return refuse (self, key, "a float is no JSON key");
  case HEMERA_TERM_MAP: return refuse (self, key, "a map is no JSON key");
  case HEMERA_TERM_LIST: return refuse (self, key, "a list is no JSON key");
  default: return refuse_type (self, key);
  }
}

static gboolean
refuse_twice (Writer *self, const HemeraKey *twice)
{
  const char *key = self->out->str + self->out_start + twice->at, *end;
  gsize size = twice->size;

  if (size > SHOWN_KEY) {
    g_utf8_validate_len (key, SHOWN_KEY, &end);
    size = (gsize) (end - key);
  }
  g_set_error (self->error, HEMERA_CODEC_ERROR, HEMERA_CODEC_ERROR_DUPLICATE,
               "two keys of a map become the JSON key \"%.*s\"%s at byte %" G_GSIZE_FORMAT, (int) size, key,
               size < twice->size ? "..." : "", twice->where);
  return FALSE;
}

/* ---- scalars ------------------------------------------------------------------------------------------------------------------------ */

/* What stands behind the backslash: a letter, or 'u' for a code; 0 for bytes that stand as they are. */
static const char escapes[256] = {
  ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
  [0] = 'u',   [1] = 'u',     [2] = 'u',    [3] = 'u',    [4] = 'u',    [5] = 'u',    [6] = 'u',
  [7] = 'u',   [11] = 'u',    [14] = 'u',   [15] = 'u',   [16] = 'u',   [17] = 'u',   [18] = 'u',
  [19] = 'u',  [20] = 'u',    [21] = 'u',   [22] = 'u',   [23] = 'u',   [24] = 'u',   [25] = 'u',
  [26] = 'u',  [27] = 'u',    [28] = 'u',   [29] = 'u',   [30] = 'u',   [31] = 'u',
};

static void
append_quoted (GString *out, const char *text, gsize size)
{
  const guint8 *bytes = (const guint8 *) text;
  gsize done = 0;

  g_string_append_c (out, '"');
  for (gsize i = 0; i < size; i++) {
    char escape = escapes[bytes[i]];

    if (escape == 0)
      continue;
    g_string_append_len (out, text + done, (gssize) (i - done));
    done = i + 1;
    g_string_append_c (out, '\\');
    g_string_append_c (out, escape);
    if (escape == 'u') {
      const char code[4] = { '0', '0', bytes[i] < 16 ? '0' : '1', "0123456789abcdef"[bytes[i] & 15] };

      g_string_append_len (out, code, 4);
    }
  }
  g_string_append_len (out, text + done, (gssize) (size - done));
  g_string_append_c (out, '"');
}

static gboolean
append_string (Writer *self, HemeraView view)
{
  const char *text;
  gsize size;
  char latin1[512]; /* for the old atoms */

  if (!hemera_view_get_string (view, &text, &size))
    text = hemera__etf_atom_utf8 (view.data, latin1, &size);
  if (hemera_view_type (view) == HEMERA_TERM_BINARY && !hemera__utf8_valid (text, size))
    return refuse (self, view, "a binary that is no UTF-8 has no JSON form");
  append_quoted (self->out, text, size);
  return TRUE;
}

static gboolean
append_atom (Writer *self, HemeraView view)
{
  gboolean value;

  if (hemera_view_is_null (view)) {
    g_string_append_len (self->out, "null", 4);
  } else if (hemera_view_get_boolean (view, &value)) {
    g_string_append (self->out, value ? "true" : "false");
  } else {
    return append_string (self, view);
  }
  return TRUE;
}

static gboolean
append_integer (Writer *self, HemeraView view, gboolean quoted)
{
  gint64 value;
  gboolean fits = hemera_view_get_int64 (view, &value);

  if ((self->flags & HEMERA_JSON_SAFE_IDS) && !(fits && value >= -SAFE_INTEGER && value <= SAFE_INTEGER))
    quoted = TRUE;
  if (quoted)
    g_string_append_c (self->out, '"');
  if (!fits) {
    guint64 digits = (guint64) (hemera__etf_skip (view.data) - view.data) * 5 / 2; /* at most */

    self->work += digits * digits;
    if (self->work > self->max_work)
      return refuse_size (self, view);
  }
  hemera__append_integer (self->out, view);
  if (quoted)
    g_string_append_c (self->out, '"');
  return TRUE;
}

static gboolean
append_key (Writer *self, HemeraView key)
{
  gsize at = self->out->len;
  HemeraTermType type = hemera_view_type (key);

  if (type == HEMERA_TERM_INTEGER) {
    if (!append_integer (self, key, TRUE))
      return FALSE;
  } else if (type != HEMERA_TERM_ATOM && type != HEMERA_TERM_BINARY)
    return refuse_key (self, key);
  else if (!append_string (self, key)) /* also nil and true, which as keys are their names */
    return FALSE;
  /* Escaping is one to one, so what stands between the quotes is compared. */
  hemera__key_set_add (&self->keys, (const guint8 *) self->out->str + self->out_start,
                       at + 1 - self->out_start, self->out->len - at - 2,
                       (gsize) (key.data - self->root.data) + 1);
  return TRUE;
}

/* ---- the walk ------------------------------------------------------------------------------------------------------------------------ */

static void
open_container (Writer *self, gconstpointer node, gboolean is_object)
{
  Frame *frame;

  if (self->depth == self->allocated) {
    Frame *frames = g_new (Frame, 2 * self->allocated);

    memcpy (frames, self->frames, self->depth * sizeof *frames);
    if (self->frames != self->few)
      g_free (self->frames);
    self->frames = frames;
    self->allocated *= 2;
  }
  frame = &self->frames[self->depth++];
  frame->left = etf_get32 (self->at + 1);
  frame->node = node;
  frame->is_object = is_object;
  frame->is_first = TRUE;
  frame->keys = hemera__key_set_open (&self->keys);
  self->at += 5;
  g_string_append_c (self->out, is_object ? '{' : '[');
}

static gconstpointer
element_node (Writer *self, gconstpointer node)
{
  return node != NULL ? self->ids->element (node) : NULL;
}

/* A list of bytes in the short form. */
static void
append_bytes (Writer *self, gconstpointer node)
{
  gsize size = etf_get16 (self->at + 1);
  gboolean quoted = node != NULL && self->ids->is_id (node);

  g_string_append_c (self->out, '[');
  for (gsize i = 0; i < size; i++) {
    const guint8 byte[2] = { ETF_SMALL_INTEGER, self->at[3 + i] };

    if (i > 0)
      g_string_append_c (self->out, ',');
    append_integer (self, (HemeraView){ byte }, quoted);
  }
  g_string_append_c (self->out, ']');
  self->at += 3 + size;
}

/* Writes a scalar, or opens a container. */
static gboolean
append_value (Writer *self, gconstpointer node)
{
  HemeraView view = { self->at };
  gboolean ok = TRUE;

  switch (hemera_view_type (view)) {
  case HEMERA_TERM_MAP: open_container (self, node, TRUE); return TRUE;
  case HEMERA_TERM_LIST:
    if (*self->at == ETF_LIST)
      open_container (self, node, FALSE);
    else if (*self->at == ETF_STRING)
      append_bytes (self, element_node (self, node));
    else {
      g_string_append_len (self->out, "[]", 2);
      self->at++;
    }
    return TRUE;
  case HEMERA_TERM_ATOM: ok = append_atom (self, view); break;
  case HEMERA_TERM_BINARY: ok = append_string (self, view); break;
  case HEMERA_TERM_INTEGER: ok = append_integer (self, view, node != NULL && self->ids->is_id (node)); break;
  case HEMERA_TERM_FLOAT: hemera_view_append_string (view, self->out); break; /* Erlang's text is JSON's */
  default: return refuse_type (self, view);
  }
  self->at = hemera__etf_skip (self->at);
  return ok;
}

/* The comma between elements; FALSE when all are written. */
static gboolean
begin_element (Writer *self, Frame *frame)
{
  if (frame->left == 0)
    return FALSE;
  if (!frame->is_first)
    g_string_append_c (self->out, ',');
  frame->is_first = FALSE;
  frame->left--;
  return TRUE;
}

static gconstpointer
value_node (Writer *self, gconstpointer node, HemeraView key)
{
  const char *text = NULL;
  gsize size = 0;

  if (node == NULL)
    return NULL;
  hemera_view_get_string (key, &text, &size);
  return self->ids->member (node, text, size);
}

static gboolean
continue_object (Writer *self)
{
  Frame *frame = &self->frames[self->depth - 1];
  HemeraKey twice;

  if (begin_element (self, frame)) {
    HemeraView key = { self->at };

    if (!append_key (self, key))
      return FALSE;
    self->at = hemera__etf_skip (self->at);
    g_string_append_c (self->out, ':');
    return append_value (self, value_node (self, frame->node, key));
  }
  if (!hemera__key_set_close (&self->keys, frame->keys, (const guint8 *) self->out->str + self->out_start,
                              &twice))
    return refuse_twice (self, &twice);
  g_string_append_c (self->out, '}');
  self->depth--;
  return TRUE;
}

static gboolean
continue_array (Writer *self)
{
  Frame *frame = &self->frames[self->depth - 1];

  if (begin_element (self, frame))
    return append_value (self, element_node (self, frame->node));
  if (*self->at != ETF_NIL)
    return refuse (self, (HemeraView){ self->at }, "an improper list has no JSON form");
  self->at++;
  g_string_append_c (self->out, ']');
  self->depth--;
  return TRUE;
}

static gboolean
write_text (HemeraView view, HemeraJsonFlags flags, const HemeraJsonIds *ids, gconstpointer root,
            guint max_digits, GString *out, GError **error)
{
  Writer self = { .root = view,
                  .flags = flags,
                  .ids = ids,
                  .max_work = (guint64) max_digits * max_digits,
                  .out = out,
                  .out_start = out->len,
                  .allocated = FEW_LEVELS,
                  .error = error };
  gboolean ok;

  self.frames = self.few;
  self.at = view.data;
  ok = hemera_view_is_valid (view) ? append_value (&self, root) : refuse_type (&self, view);
  while (ok && self.depth > 0)
    ok = self.frames[self.depth - 1].is_object ? continue_object (&self) : continue_array (&self);
  if (!ok)
    g_string_truncate (out, self.out_start);
  if (self.frames != self.few)
    g_free (self.frames);
  hemera__key_set_clear (&self.keys);
  return ok;
}

gboolean
hemera__view_append_json_ids (HemeraView view, const HemeraJsonIds *ids, gconstpointer root, GString *out,
                              GError **error)
{
  return write_text (view, HEMERA_JSON_SAFE_IDS, ids, root, MAX_EVENT_DIGITS, out, error);
}

/**
 * hemera_view_append_json:
 * @view: a term
 * @flags: how to write
 * @out: where the text goes
 * @error: #HemeraCodecError; its byte offset counts from the version byte of @view's own external form
 *
 * Returns: %FALSE with @error set and @out as it was when the term has no JSON form
 */
gboolean
hemera_view_append_json (HemeraView view, HemeraJsonFlags flags, GString *out, GError **error)
{
  return write_text (view, flags, NULL, NULL, MAX_DIGITS, out, error);
}

/**
 * hemera_view_to_json:
 * @view: a term
 * @flags: how to write
 * @error: as for hemera_view_append_json()
 *
 * Returns: (transfer full) (nullable): the text
 */
char *
hemera_view_to_json (HemeraView view, HemeraJsonFlags flags, GError **error)
{
  GString *out = g_string_sized_new (256);
  gboolean ok = hemera_view_append_json (view, flags, out, error);

  return g_string_free (out, !ok);
}

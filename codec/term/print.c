/* Terms as text: io_lib:format("~tw") of OTP 25, but for pids, ports, references and funs, which have no portable text: they are printed
 * with all fields of their encoding. Keys of maps of any size stand in the order of small maps. A stack of open containers in place of
 * recursion. */
#include "codec/term/atom-text.h"
#include "codec/term/compare.h"
#include "codec/term/cursor.h"
#include "codec/term/number-text.h"

typedef struct {
  HemeraViewIter iter; /* tuples, lists */
  HemeraPair *pairs;   /* maps: sorted, owned */
  gsize n, next;       /* maps: parts (keys and values) and how many are printed */
  char close;
  gboolean first;
} Level;

static void
append_bits (GString *out, HemeraView view)
{
  const guint8 *data = NULL;
  gsize bits = 0;
  hemera_view_get_bitstring (view, &data, &bits);
  g_string_append (out, "<<");
  for (gsize i = 0; i < bits / 8; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    hemera__append_word (out, data[i]);
  }
  if (bits % 8 != 0)
    g_string_append_printf (out, "%s%u:%u", bits >= 8 ? "," : "", data[bits / 8] >> (8 - bits % 8),
                            (guint) (bits % 8));
  g_string_append (out, ">>");
}

/* #Pid<node.number.serial.creation>, #Port<node.number.creation>, #Ref<node.creation.words>. */
static void
append_identity (GString *out, HemeraView view, HemeraTermType type)
{
  EtfIdentity identity;
  gboolean reference = type == HEMERA_TERM_REFERENCE;
  hemera__etf_identity (view.data, &identity);
  g_string_append (out, reference ? "#Ref<" : type == HEMERA_TERM_PID ? "#Pid<" : "#Port<");
  hemera__append_atom (out, identity.node);
  if (reference)
    g_string_append_printf (out, ".%u", identity.creation);
  for (guint i = 0; i < identity.n_words; i++)
    g_string_append_printf (out, ".%" G_GUINT64_FORMAT, identity.words[i]);
  if (!reference)
    g_string_append_printf (out, ".%u", identity.creation);
  g_string_append_c (out, '>');
}

/* fun m:f/1, its names as atoms (OTP 25 takes their UTF-8 for Latin-1); #Fun<module.index.uniq.old_index.old_uniq/arity> and the free
 * variables' number; they may be anything, a secret too. */
static void
append_fun (GString *out, HemeraView view)
{
  if (*view.data == ETF_EXPORT) {
    EtfExport export;
    hemera__etf_export (view.data, &export);
    g_string_append (out, "fun ");
    hemera__append_atom (out, export.module);
    g_string_append_c (out, ':');
    hemera__append_atom (out, export.name);
    g_string_append_printf (out, "/%u", export.arity);
    return;
  }
  EtfFun fun;
  hemera__etf_fun (view.data, &fun);
  g_string_append (out, "#Fun<");
  hemera__append_atom (out, fun.module);
  g_string_append_printf (out, ".%u.", (guint32) fun.index);
  for (gsize i = 0; i < 16; i++)
    g_string_append_printf (out, "%02x", fun.uniq[i]);
  g_string_append_printf (out, ".%" G_GINT64_FORMAT ".%d/%u.%u>", fun.old_index, fun.old_uniq, fun.arity,
                          fun.n_free);
}

/* Prints a term without parts, or opens one. */
static void
begin_term (GArray *levels, HemeraSkipIndex *index, GString *out, HemeraView view)
{
  HemeraTermType type = hemera_view_type (view);
  Level level = { .first = TRUE };
  double number = 0;

  if (levels->len >= HEMERA_SKIP_INDEX_DEPTH && hemera_view_length (view) > 0)
    hemera__skip_index_cover (index, view.data);
  switch (type) {
  case HEMERA_TERM_INVALID: g_string_append (out, "#Invalid"); return;
  case HEMERA_TERM_INTEGER: hemera__append_integer (out, view); return;
  case HEMERA_TERM_FLOAT:
    hemera_view_get_double (view, &number);
    hemera__append_double (out, number);
    return;
  case HEMERA_TERM_ATOM: hemera__append_atom (out, view.data); return;
  case HEMERA_TERM_BINARY:
  case HEMERA_TERM_BITSTRING: append_bits (out, view); return;
  case HEMERA_TERM_PID:
  case HEMERA_TERM_PORT:
  case HEMERA_TERM_REFERENCE: append_identity (out, view, type); return;
  case HEMERA_TERM_FUN: append_fun (out, view); return;
  case HEMERA_TERM_TUPLE:
  case HEMERA_TERM_LIST:
    g_string_append_c (out, type == HEMERA_TERM_TUPLE ? '{' : '[');
    level.close = type == HEMERA_TERM_TUPLE ? '}' : ']';
    hemera_view_iter_init (&level.iter, view);
    break;
  case HEMERA_TERM_MAP:
    g_string_append (out, "#{");
    level.close = '}';
    level.n = 2 * hemera_view_length (view);
    level.pairs = hemera__map_sorted_pairs (view, index);
    break;
  }
  g_array_append_val (levels, level);
}

/* The next part of @level, with what stands in front of it; FALSE behind the last. */
static gboolean
next_part (Level *level, const HemeraSkipIndex *index, GString *out, HemeraView *part)
{
  if (level->pairs != NULL) {
    if (level->next == level->n)
      return FALSE;
    const HemeraPair *pair = &level->pairs[level->next / 2];
    gboolean key = level->next++ % 2 == 0;
    if (!key)
      g_string_append (out, " => ");
    else if (level->next > 1)
      g_string_append_c (out, ',');
    *part = key ? pair->key : pair->value;
    return TRUE;
  }
  if (hemera__view_iter_next (&level->iter, index, part)) {
    if (!level->first)
      g_string_append_c (out, ',');
    level->first = FALSE;
    return TRUE;
  }
  *part = level->close == ']' ? hemera__view_iter_tail (&level->iter, index) : HEMERA_VIEW_INVALID;
  if (!hemera_view_is_valid (*part))
    return FALSE;
  g_string_append_c (out, '|');
  hemera_view_iter_init (&level->iter, HEMERA_VIEW_INVALID);
  return TRUE;
}

void
hemera_view_append_string (HemeraView self, GString *out)
{
  GArray *levels = g_array_new (FALSE, FALSE, sizeof (Level));
  HemeraSkipIndex index = { NULL, NULL, NULL };
  HemeraView part;

  begin_term (levels, &index, out, self);
  while (levels->len > 0) {
    Level *top = &g_array_index (levels, Level, levels->len - 1);
    if (next_part (top, &index, out, &part)) {
      begin_term (levels, &index, out, part);
      continue;
    }
    g_string_append_c (out, top->close);
    g_free (top->pairs);
    g_array_set_size (levels, levels->len - 1);
  }
  g_array_unref (levels);
  hemera__skip_index_clear (&index);
}

char *
hemera_view_to_string (HemeraView self)
{
  GString *out = g_string_new (NULL);
  hemera_view_append_string (self, out);
  return g_string_free (out, FALSE);
}

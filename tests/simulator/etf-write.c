/* SimValue to ETF in Discord's manner. Which strings become integers is a rule on keys, not a schema: decimal strings of snowflake size
 * under "id", "..._id" and the known lists of ids, but for those few fields that the API documents as text. */
#include "etf.h"

#include <math.h>
#include <string.h>

enum {
  SMALL_INTEGER = 97,
  INTEGER = 98,
  OLD_FLOAT = 99,
  ATOM_LATIN1 = 100,
  NEW_FLOAT = 70,
  NIL = 106,
  STRING = 107,
  LIST = 108,
  BINARY = 109,
  SMALL_BIG = 110,
  LARGE_BIG = 111,
  SMALL_ATOM_LATIN1 = 115,
  MAP = 116,
  ATOM_UTF8 = 118,
  SMALL_ATOM_UTF8 = 119,
};

static void
byte (GByteArray *out, guint8 value)
{
  g_byte_array_append (out, &value, 1);
}

static void
word (GByteArray *out, guint32 value)
{
  guint32 big = GUINT32_TO_BE (value);
  g_byte_array_append (out, (const guint8 *) &big, 4);
}

static void
half (GByteArray *out, guint value)
{
  guint16 big = GUINT16_TO_BE ((guint16) value);
  g_byte_array_append (out, (const guint8 *) &big, 2);
}

/* The next choice of a mixture of @n. */
static guint
choose (SimEtf *self, guint n)
{
  self->salt = self->salt * 1664525u + 1013904223u;
  return (self->salt >> 16) % n;
}

static gboolean
is_ascii (const char *text, gsize size)
{
  for (gsize i = 0; i < size; i++)
    if ((guchar) text[i] >= 0x80)
      return FALSE;
  return TRUE;
}

static void
append_binary (GByteArray *out, const char *text, gsize size)
{
  byte (out, BINARY);
  word (out, (guint32) size);
  g_byte_array_append (out, (const guint8 *) text, (guint) size);
}

void
sim_etf_append_atom (SimEtf *self, GByteArray *out, const char *text, gsize size)
{
  static const guint8 mixed[] = { ATOM_LATIN1, SMALL_ATOM_LATIN1, ATOM_UTF8, SMALL_ATOM_UTF8 };
  guint8 tag = self->style == SIM_ETF_DISCORD  ? ATOM_LATIN1
               : self->style == SIM_ETF_BINARY ? SMALL_ATOM_UTF8
                                               : mixed[choose (self, 4)];
  byte (out, tag);
  if (tag == ATOM_LATIN1 || tag == ATOM_UTF8)
    half (out, (guint) size);
  else
    byte (out, (guint8) size);
  g_byte_array_append (out, (const guint8 *) text, (guint) size);
}

void
sim_etf_append_key (SimEtf *self, GByteArray *out, const char *text, gsize size, gboolean as_atom)
{
  if (self->style == SIM_ETF_MIXED)
    as_atom = choose (self, 2) == 0;
  if (!as_atom || self->style == SIM_ETF_BINARY || size == 0 || size > 255 || !is_ascii (text, size))
    append_binary (out, text, size);
  else
    sim_etf_append_atom (self, out, text, size);
}

static void
append_big (GByteArray *out, const char *digits, gsize size, gboolean negative)
{
  g_autoptr (GByteArray) little = g_byte_array_new ();
  for (gsize i = 0; i < size; i++) {
    guint carry = (guint) (digits[i] - '0');
    for (guint j = 0; j < little->len; j++) {
      carry += little->data[j] * 10u;
      little->data[j] = (guint8) carry;
      carry >>= 8;
    }
    if (carry != 0)
      byte (little, (guint8) carry);
  }
  byte (out, little->len < 256 ? SMALL_BIG : LARGE_BIG);
  if (little->len < 256)
    byte (out, (guint8) little->len);
  else
    word (out, little->len);
  byte (out, negative);
  g_byte_array_append (out, little->data, little->len);
}

void
sim_etf_append_integer (GByteArray *out, const char *digits, gsize size)
{
  SimValue number = { .type = SIM_NUMBER, .text = digits, .size = size };
  gint64 value;
  if (!sim_value_int64 (&number, &value) || value > G_MAXINT32 || value < G_MININT32) {
    gboolean negative = digits[0] == '-';
    append_big (out, digits + negative, size - negative, negative);
  } else if (value >= 0 && value < 256) {
    byte (out, SMALL_INTEGER);
    byte (out, (guint8) value);
  } else {
    byte (out, INTEGER);
    word (out, (guint32) (gint32) value);
  }
}

static gboolean
is_whole (const SimValue *number)
{
  for (gsize i = 0; i < number->size; i++)
    if (number->text[i] == '.' || number->text[i] == 'e' || number->text[i] == 'E')
      return FALSE;
  return TRUE;
}

static void
append_float (SimEtf *self, GByteArray *out, const SimValue *number)
{
  g_autofree char *text = g_strndup (number->text, number->size);
  double value = g_ascii_strtod (text, NULL);
  if (!isfinite (value))
    value = 0;
  if (self->style == SIM_ETF_MIXED && choose (self, 4) == 0) {
    char old[31] = { 0 };
    g_ascii_formatd (old, sizeof old, "%.20e", value);
    byte (out, OLD_FLOAT);
    g_byte_array_append (out, (const guint8 *) old, sizeof old);
    return;
  }
  union {
    double number;
    guint64 bits;
  } both = { .number = value };
  guint64 big = GUINT64_TO_BE (both.bits);
  byte (out, NEW_FLOAT);
  g_byte_array_append (out, (const guint8 *) &big, 8);
}

static gboolean
key_is (const char *key, gsize size, const char *const *names)
{
  for (; *names != NULL; names++)
    if (strlen (*names) == size && memcmp (*names, key, size) == 0)
      return TRUE;
  return FALSE;
}

/* Whether strings under @key, in an object that stands under @parent, are ids. */
static gboolean
holds_ids (const char *key, gsize size, const char *parent, gsize parent_size)
{
  static const char *const text[] = { "session_id", "custom_id", "target_id", "sync_id", "party_id", NULL };
  static const char *const texty_parents[] = { "account", "activities", "party", NULL };
  static const char *const lists[] = {
    "roles", "ids", "mention_roles", "exempt_roles", "exempt_channels", "applied_tags", NULL
  };
  if (size == 2 && memcmp (key, "id", 2) == 0)
    return !key_is (parent, parent_size, texty_parents);
  if (key_is (key, size, text))
    return FALSE;
  return (size > 3 && memcmp (key + size - 3, "_id", 3) == 0)
         || (size > 4 && memcmp (key + size - 4, "_ids", 4) == 0) || key_is (key, size, lists);
}

static gboolean
looks_like_id (const SimValue *value)
{
  guint64 id;
  return value->size >= 15 && value->text[0] != '0' && sim_text_snowflake (value->text, value->size, &id);
}

typedef struct {
  const char *key;
  gsize size;
  gboolean ids;
  guint depth;
} Place;

static void append_value (SimEtf *self, GByteArray *out, const SimValue *value, const Place *place);

static void
append_object (SimEtf *self, GByteArray *out, const SimValue *object, const Place *place)
{
  static const char *const integer_keys[] = { "authorizing_integration_owners", NULL };
  gboolean integers = self->style != SIM_ETF_BINARY && key_is (place->key, place->size, integer_keys);
  /* Discord's deeper maps come from other services: part of them have binary keys. */
  gboolean atoms = place->depth < 3 || (object->count + place->depth) % 3 != 0;
  byte (out, MAP);
  word (out, object->count);
  for (const SimValue *member = object->first; member != NULL; member = member->next) {
    guint64 number;
    if (integers && member->key_size < 4 && sim_text_snowflake (member->key, member->key_size, &number)
        && (member->key[0] != '0' || member->key_size == 1))
      sim_etf_append_integer (out, member->key, member->key_size);
    else if (member->key_size > 0 && g_ascii_isdigit (member->key[0]))
      append_binary (out, member->key, member->key_size); /* maps from ids to objects */
    else
      sim_etf_append_key (self, out, member->key, member->key_size, atoms);
    Place inner = { member->key, member->key_size,
                    holds_ids (member->key, member->key_size, place->key, place->size), place->depth + 1 };
    append_value (self, out, member, &inner);
  }
}

static void
append_array (SimEtf *self, GByteArray *out, const SimValue *array, const Place *place)
{
  gboolean bytes = array->count > 0 && array->count < 65536;
  gint64 number = 0;
  for (const SimValue *item = array->first; bytes && item != NULL; item = item->next)
    bytes = sim_value_int64 (item, &number) && number >= 0 && number < 256;
  if (array->count == 0) {
    byte (out, NIL);
    return;
  }
  byte (out, bytes ? STRING : LIST);
  if (bytes)
    half (out, array->count);
  else
    word (out, array->count);
  for (const SimValue *item = array->first; item != NULL; item = item->next) {
    if (bytes && sim_value_int64 (item, &number))
      byte (out, (guint8) number);
    else
      append_value (self, out, item, place);
  }
  if (!bytes)
    byte (out, NIL);
}

static void
append_value (SimEtf *self, GByteArray *out, const SimValue *value, const Place *place)
{
  switch (value->type) {
  case SIM_NULL: sim_etf_append_atom (self, out, "nil", 3); break;
  case SIM_FALSE: sim_etf_append_atom (self, out, "false", 5); break;
  case SIM_TRUE: sim_etf_append_atom (self, out, "true", 4); break;
  case SIM_NUMBER:
    if (is_whole (value))
      sim_etf_append_integer (out, value->text, value->size);
    else
      append_float (self, out, value);
    break;
  case SIM_STRING:
    if (place->ids && looks_like_id (value))
      sim_etf_append_integer (out, value->text, value->size);
    else
      append_binary (out, value->text, value->size);
    break;
  case SIM_ARRAY: append_array (self, out, value, place); break;
  case SIM_OBJECT: append_object (self, out, value, place); break;
  }
}

void
sim_etf_append_value (SimEtf *self, GByteArray *out, const SimValue *value)
{
  Place root = { "", 0, FALSE, 1 };
  append_value (self, out, value, &root);
}

void
sim_etf_append_envelope (SimEtf *self, GByteArray *out, int op, const char *t, gint64 s, const SimValue *d,
                         guint order)
{
  static const char orders[3][5] = { "tsod", "ostd", "dsto" };
  char number[24];
  byte (out, 131);
  byte (out, MAP);
  word (out, 4);
  for (const char *at = orders[order % 3]; *at != '\0'; at++) {
    switch (*at) {
    case 't':
      sim_etf_append_key (self, out, "t", 1, TRUE);
      if (t != NULL && self->style == SIM_ETF_BINARY)
        append_binary (out, t, strlen (t));
      else
        sim_etf_append_atom (self, out, t != NULL ? t : "nil", t != NULL ? strlen (t) : 3);
      break;
    case 's':
      sim_etf_append_key (self, out, "s", 1, TRUE);
      if (s < 0)
        sim_etf_append_atom (self, out, "nil", 3);
      else
        sim_etf_append_integer (out, number,
                                (gsize) g_snprintf (number, sizeof number, "%" G_GINT64_FORMAT, s));
      break;
    case 'o':
      sim_etf_append_key (self, out, "op", 2, TRUE);
      sim_etf_append_integer (out, number, (gsize) g_snprintf (number, sizeof number, "%d", op));
      break;
    default: sim_etf_append_key (self, out, "d", 1, TRUE); sim_etf_append_value (self, out, d);
    }
  }
}

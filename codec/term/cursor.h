/* Reading validated ETF bytes: tags, big-endian numbers and the few compound readings that every part of the term core needs.
 *
 * Nothing here checks bounds: the validating pass (validate.c) has, and no other bytes may be given. After it (and normal.c) these hold:
 * a LIST_EXT has at least one element, and its tail is NIL_EXT or no list at all.
 *
 * ei writes our terms (builder.c) but does not read them: its decoders copy what is pointed at here (an atom costs ten times as much, a pid
 * a kilobyte), read old floats by the process's locale, have bigs beyond 64 bits in digits of 16, and count in int. A test reads the same
 * bytes with both. */
#pragma once

#include <hemera/term.h>
#include <string.h>

enum {
  ETF_VERSION = 131,
  ETF_NEW_FLOAT = 70,
  ETF_BIT_BINARY = 77,
  ETF_COMPRESSED = 80,
  ETF_NEW_PID = 88,
  ETF_NEW_PORT = 89,
  ETF_NEWER_REFERENCE = 90,
  ETF_SMALL_INTEGER = 97,
  ETF_INTEGER = 98,
  ETF_FLOAT = 99,
  ETF_ATOM = 100,
  ETF_REFERENCE = 101,
  ETF_PORT = 102,
  ETF_PID = 103,
  ETF_SMALL_TUPLE = 104,
  ETF_LARGE_TUPLE = 105,
  ETF_NIL = 106,
  ETF_STRING = 107,
  ETF_LIST = 108,
  ETF_BINARY = 109,
  ETF_SMALL_BIG = 110,
  ETF_LARGE_BIG = 111,
  ETF_NEW_FUN = 112,
  ETF_EXPORT = 113,
  ETF_NEW_REFERENCE = 114,
  ETF_SMALL_ATOM = 115,
  ETF_MAP = 116,
  ETF_ATOM_UTF8 = 118,
  ETF_SMALL_ATOM_UTF8 = 119,
  ETF_V4_PORT = 120,
};

/* Bytes of NEW_FUN_EXT in front of the module atom: tag, size, arity, uniq, index, number of free variables. */
#define ETF_FUN_HEADER 30

static inline guint16
etf_get16 (const guint8 *p)
{
  guint16 v;
  memcpy (&v, p, 2);
  return GUINT16_FROM_BE (v);
}

static inline guint32
etf_get32 (const guint8 *p)
{
  guint32 v;
  memcpy (&v, p, 4);
  return GUINT32_FROM_BE (v);
}

static inline guint64
etf_get64 (const guint8 *p)
{
  guint64 v;
  memcpy (&v, p, 8);
  return GUINT64_FROM_BE (v);
}

static inline gboolean
etf_is_atom_tag (guint8 tag)
{
  return tag == ETF_SMALL_ATOM_UTF8 || tag == ETF_ATOM || tag == ETF_ATOM_UTF8 || tag == ETF_SMALL_ATOM;
}

static inline gboolean
etf_is_latin1_tag (guint8 tag)
{
  return tag == ETF_ATOM || tag == ETF_SMALL_ATOM;
}

/* The name's bytes of the atom at @p; the atom ends behind them. */
static inline const guint8 *
etf_atom_name (const guint8 *p, gsize *size)
{
  if (*p == ETF_SMALL_ATOM_UTF8 || *p == ETF_SMALL_ATOM) {
    *size = p[1];
    return p + 2;
  }
  *size = etf_get16 (p + 1);
  return p + 3;
}

static inline const guint8 *
etf_skip_atom (const guint8 *p)
{
  gsize size;
  const guint8 *name = etf_atom_name (p, &size);
  return name + size;
}

/* Steps into the term at @p: how many terms are its parts, and where the first begins; 0 and behind the term where it has none. A list's
 * parts are its elements and its tail, a map's keys and values in turn, a fun's module, two numbers, creator and free variables, an
 * export's module, name and arity. */
const guint8 *hemera__etf_enter (const guint8 *p, gsize *parts);

/* Behind the @n terms from @p on. A counter of terms still to come replaces a stack: no recursion, no allocation. */
const guint8 *hemera__etf_skip_n (const guint8 *p, gsize n);

/* Behind the whole term at @p; the frequent leaves in place. */
static inline const guint8 *
hemera__etf_skip (const guint8 *p)
{
  switch (*p) {
  case ETF_SMALL_ATOM_UTF8: return p + 2 + p[1];
  case ETF_BINARY: return p + 5 + (gsize) etf_get32 (p + 1);
  case ETF_ATOM: return p + 3 + etf_get16 (p + 1);
  case ETF_SMALL_INTEGER: return p + 2;
  case ETF_SMALL_BIG: return p + 3 + p[1];
  default: return hemera__etf_skip_n (p, 1);
  }
}

/* An integer of any size as sign and magnitude. @digits is little-endian without leading (that is, last) zeros; zero has no digits and is not
 * negative. The digits of one-word encodings live in @word. */
typedef struct {
  gboolean negative;
  gsize size;
  const guint8 *digits;
  guint8 word[8];
} EtfInteger;

/* FALSE for terms that are no integers. */
gboolean hemera__etf_integer (const guint8 *p, EtfInteger *out);
/* The magnitude when it has at most eight bytes. */
guint64 hemera__etf_integer_word (const EtfInteger *integer);
/* The 64 most significant bits, the highest set, @bits the length; @rest whether lower bits follow. For integers but zero. */
guint64 hemera__etf_integer_top (const EtfInteger *integer, guint64 *bits, gboolean *rest);

/* FALSE for terms that are no floats. */
gboolean hemera__etf_double (const guint8 *p, double *out);

/* The name of an atom in UTF-8; Latin-1 names that are not ASCII are converted into @buffer (at least 512 bytes). */
const char *hemera__etf_atom_utf8 (const guint8 *p, char *buffer, gsize *size);

/* What pids, ports and references are made of. */
typedef struct {
  const guint8 *node; /* an atom */
  guint32 creation;
  guint n_words;
  guint64 words[5]; /* pid: number, serial; port: number; reference: its words as they are sent */
} EtfIdentity;

void hemera__etf_identity (const guint8 *p, EtfIdentity *out);

/* The parts of NEW_FUN_EXT: @creator is followed by @n_free terms. */
typedef struct {
  guint8 arity;
  const guint8 *uniq; /* 16 bytes */
  gint32 index;       /* signed in BEAM, and so in the order of funs */
  guint32 n_free;
  const guint8 *module;
  gint64 old_index;
  gint32 old_uniq; /* what BEAM keeps of it, and tells funs apart by */
  const guint8 *creator;
} EtfFun;

void hemera__etf_fun (const guint8 *p, EtfFun *out);

typedef struct {
  const guint8 *module, *name;
  guint32 arity; /* what BEAM keeps of it */
} EtfExport;

void hemera__etf_export (const guint8 *p, EtfExport *out);

/* Where ids stand in the data of each event: the schema's snowflakes, as a graph of nodes. Generated tables. What an id is encoded as
 * differs (ETF: integers or strings; JSON: strings); with this it is printed the same way from both. */
#pragma once

#include <glib.h>

typedef enum {
  HEMERA_ID_NODE_ID,
  HEMERA_ID_NODE_EACH,  /* a list or map whose elements or values are all of node `first` */
  HEMERA_ID_NODE_MODEL, /* an object: members first .. first + count - 1, sorted by name */
} HemeraIdNodeKind;

typedef struct {
  guint8 kind;
  guint16 first, count;
} HemeraIdNode;

typedef struct {
  const char *name;
  guint16 node;
} HemeraIdMember;

extern const HemeraIdNode hemera__id_nodes[];
extern const HemeraIdMember hemera__id_members[];
extern const guint16 hemera__id_events[];

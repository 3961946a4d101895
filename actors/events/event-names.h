/* The dispatch events that the schema knows: an index each, and the model of those that are typed. Generated table. */
#pragma once

#include "model.h"

typedef struct {
  const char *name;
  guint8 size;
  const HemeraModelClass *model; /* (nullable): not typed */
} HemeraEventType;

/* (nullable): NULL for an unknown event. */
const HemeraEventType *hemera__event_type_find (const char *name, gsize size);
/* Its place among all types, from 0. */
guint hemera__event_type_index (const HemeraEventType *type);

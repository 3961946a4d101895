/* HemeraPid and HemeraRef: names of actors and of one-time things (monitors, timers, calls). Values; they never dangle: a pid of an actor
 * that is gone names nobody, and its slot's next owner has another generation. Any thread. */
#pragma once

#include <glib.h>
#include <hemera/macros.h>

G_BEGIN_DECLS

typedef struct {
  guint64 id; /* slot and generation; 0 names nobody */
  guint32 node;
  guint32 creation;
} HemeraPid;

typedef struct {
  guint64 id; /* unique in this process; 0 is no reference */
  guint32 node;
  guint32 creation;
} HemeraRef;

#define HEMERA_PID_NONE ((HemeraPid){ 0, 0, 0 })
#define HEMERA_REF_NONE ((HemeraRef){ 0, 0, 0 })

static inline gboolean
hemera_pid_equal (HemeraPid a, HemeraPid b)
{
  return a.id == b.id && a.node == b.node && a.creation == b.creation;
}

static inline gboolean
hemera_ref_equal (HemeraRef a, HemeraRef b)
{
  return a.id == b.id && a.node == b.node && a.creation == b.creation;
}

#define HEMERA_PID_FORMAT    "<0.%" G_GUINT64_FORMAT ".%" G_GUINT64_FORMAT ">"
#define HEMERA_PID_ARGS(pid) ((pid).id & G_MAXUINT32), ((pid).id >> 32)

G_END_DECLS

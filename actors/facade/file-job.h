/* Work on files for a facade: in a thread of its own, as no loop may block on a disk. One job at a time; the end comes as a message. */
#pragma once

#include "runtime/net/net.h"
#include <hemera/actor-message.h>

typedef struct {
  char *ca_file;      /* (nullable): to load -> trust */
  char *session_file; /* (nullable): to load -> sessions, or to write @save to */
  HemeraTerm *save;   /* (nullable) */
  HemeraPid reply_to;
  HemeraTrust *trust;
  HemeraTerm *sessions;
  GError *trust_error, *session_error;
  guint64 number; /* unique in the process: memory comes back, numbers do not */
} HemeraFileJob;

typedef struct {
  guint64 number; /* of the job that may be finished now */
} HemeraFileDone;
HEMERA_DECLARE_MESSAGE (HemeraFileDone, hemera__file_done)

/* Takes what @job holds. NULL with @error: no thread. */
HemeraFileJob *hemera__file_job_start (const HemeraFileJob *job, GError **error);
/* Waits for the thread (after HemeraFileDone: no time) and frees the job. */
void hemera__file_job_finish (HemeraFileJob *self);
/* Without waiting: what it still does has no result, and nobody may look at it any more. */
void hemera__file_job_abandon (HemeraFileJob *self);

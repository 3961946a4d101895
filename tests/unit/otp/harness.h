/* What the tests of servers and supervisors share: a system (one worker, two, or the simulated one), a log that actors of any thread
 * write, a parent actor that runs functions of the test and logs what it receives, and kids that do as they are told. */
#pragma once

#include <hemera/supervisor.h>
#include <hemera/term-builder.h>
#include <pthread.h>

#include "runtime/internal.h"

typedef enum { ONE_WORKER, TWO_WORKERS, SIMULATED } Mode;

typedef struct {
  Mode mode;
  HemeraSystem *system;
  HemeraPid parent;
  HemeraPid sup;
  gboolean log_events;       /* the parent logs HemeraSupervisorEvents */
  HemeraPlacement elsewhere; /* where subjects go */
  /* any thread, under the lock */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GString *log;       /* entries joined by '|' */
  GHashTable *starts; /* id -> count */
  GHashTable *pids;   /* id -> HemeraPid* of the latest */
} Fixture;

void fixture_set_up (Fixture *f, gconstpointer mode);
void fixture_tear_down (Fixture *f, gconstpointer mode);

void log_add (Fixture *f, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Waits until the log is @text, fails after some seconds; then the log is empty. Simulated: runs until idle first. */
void expect (Fixture *f, const char *text);
/* Simulated: lets @ms pass. */
void advance (Fixture *f, gint64 ms);

/* Runs @func in the parent. */
typedef void (*ParentFunc) (HemeraActor *self, Fixture *f, gpointer data);
void in_parent (Fixture *f, ParentFunc func, gpointer data);
/* The parent calls @to; the answer is logged as "reply ...". */
void ask (Fixture *f, HemeraPid to, HemeraActorMessage *request);

/* ---- kids ---------------------------------------------------------------------------------------------------------------------- */

typedef enum {
  KID_NO_TRAP = 1 << 0,
  KID_DEAF = 1 << 1,  /* traps, and does not mind its parent's EXIT */
  KID_QUIET = 1 << 2, /* logs nothing */
} KidOptions;

typedef struct {
  Fixture *f;
  const char *id;
  KidOptions options;
  const char *
      outcomes; /* (nullable): of its starts, a letter each: . ok, f fails, i ignore, h hangs; the last one repeats */
} KidArgs;

extern const HemeraServerClass kid_class;
/* A child spec for a kid, its args copied. */
HemeraChildSpec kid (Fixture *f, const char *id, HemeraRestart restart);
HemeraChildSpec
kid_full (Fixture *f, const char *id, HemeraRestart restart, KidOptions options, const char *outcomes);
void kid_spec_clear (HemeraChildSpec *spec);

HemeraPid kid_pid (Fixture *f, const char *id);
/* It stops by itself with the reason, a format of hemera_term_new(). */
void die (Fixture *f, const char *id, const char *reason);
void tell (Fixture *f, const char *id, const char *term);

/* The parent starts a supervisor of @n kids, linked: "started", "failed ..." or "ignored" is logged. The kids' args are freed. */
void start_sup (Fixture *f, HemeraSupervisorSpec *spec, HemeraChildSpec *kids, guint n);
/* The parent sends it an exit signal. */
void exit_from_parent (Fixture *f, HemeraPid to, const char *reason);

/* Adds @test for every mode: PATH/one-worker, PATH/two-workers, PATH/simulated. */
void add_everywhere (const char *path, void (*test) (Fixture *f, gconstpointer mode));
void add_simulated (const char *path, void (*test) (Fixture *f, gconstpointer mode));
/* main(): with a log writer that keeps warnings of supervisors quiet; harness_warnings() counts them. */
int harness_run (int *argc, char ***argv, void (*add_tests) (void));
guint harness_warnings (void);
/* The fields "HEMERA_CHILD HEMERA_REASON" of the last one. (transfer full) */
char *harness_last_warning (void);

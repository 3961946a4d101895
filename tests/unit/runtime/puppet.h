/* Puppets: actors that do what a test tells them and write down what they receive, so that one body of a test runs in three worlds:
 * both actors on one worker, on two, or in a simulated system. */
#pragma once

#include <hemera/term-builder.h>
#include <pthread.h>
#include <semaphore.h>

#include "runtime/internal.h"

typedef enum { WORLD_SAME, WORLD_OTHER, WORLD_SIMULATED } WorldKind;

typedef struct {
  WorldKind kind;
  HemeraSystem *system;
  pthread_mutex_t lock;
  GPtrArray *puppets; /* under the lock, and their pids; the first is 'a' in logs */
} World;

typedef struct {
  World *world;
  HemeraPid pid;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GString *log; /* words: a text message's text, EXIT:from:reason, DOWN:who:reason, timeout, started ... */
  gboolean ended;
  guint finalized;
  HemeraTerm *terminated; /* reason that terminate saw */
} Puppet;

typedef void (*PuppetFunc) (HemeraActor *self, Puppet *puppet, gpointer data);

/* A message with a text. */
typedef struct {
  char text[24];
} Text;
HEMERA_DECLARE_MESSAGE (Text, text)
HemeraActorMessage *text_new_of (const char *text);

World *world_new (WorldKind kind);
void world_free (World *self);

/* Puppets spread over the workers in turn. */
Puppet *puppet_new (World *world);
/* Spawned by another one; @spawn's class, args and placement are filled in. Inside a PuppetFunc. */
Puppet *puppet_spawn (HemeraActor *self, Puppet *parent, HemeraSpawn spawn);
/* Runs @func as the puppet and waits for it. */
void puppet_do (Puppet *self, PuppetFunc func, gpointer data);
/* The same without waiting: a message like any other. Any thread. */
void puppet_post (Puppet *self, PuppetFunc func, gpointer data);
/* Waits until @word stands in its log. */
void puppet_await (Puppet *self, const char *word);
void puppet_await_end (Puppet *self);
/* Its links and monitors have fired too, and its pid names nobody. */
void puppet_await_gone (Puppet *self);
/* A round trip a, b, a: signals that they sent each other before have been handled. Both live. */
void puppet_settle (Puppet *a, Puppet *b);
/* Blocks the worker of @self, where it is not the worker of others as well, until puppet_release(). */
void puppet_hold (Puppet *self, sem_t *gate);
void puppet_release (Puppet *self, sem_t *gate);
/* The log so far. (transfer full) */
char *puppet_log (Puppet *self);
#define assert_log(puppet, expected)                                                                         \
  G_STMT_START                                                                                               \
  {                                                                                                          \
    g_autofree char *log_ = puppet_log (puppet);                                                             \
    g_assert_cmpstr (log_, ==, expected);                                                                    \
  }                                                                                                          \
  G_STMT_END

/* PuppetFuncs for frequent needs. @data: the other Puppet, or a string. */
void do_trap (HemeraActor *self, Puppet *puppet, gpointer data);
void do_link (HemeraActor *self, Puppet *puppet, gpointer other);
void do_unlink (HemeraActor *self, Puppet *puppet, gpointer other);
void do_monitor (HemeraActor *self, Puppet *puppet, gpointer other);
void do_stop (HemeraActor *self, Puppet *puppet,
              gpointer reason); /* after this callback, with the reason (an atom) */

/* Registers @body for the three worlds: /runtime/<world>/<path>. */
void add_test (const char *path, void (*body) (World *world));
/* g_test_init(), and the crash reports that tests provoke are swallowed. (GLib's own writer also gives false reports under
 * ThreadSanitizer, when two threads format the time of day.) */
void puppet_init (int *argc, char ***argv);
void puppet_swallow_crash_reports (void);
/* The last one's fields as KEY=value; and how many so far. (transfer full) */
char *puppet_last_crash_report (guint *count);

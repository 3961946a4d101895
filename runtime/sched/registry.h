/* HemeraRegistry: names of actors of one system. Any thread; a short lock, never held while other code runs. */
#pragma once

#include <hemera/pid.h>
#include <pthread.h>

typedef struct {
  pthread_mutex_t lock;
  GHashTable *pids; /* interned name -> HemeraPid */
} HemeraRegistry;

void hemera__registry_init (HemeraRegistry *self);
void hemera__registry_clear (HemeraRegistry *self);
/* FALSE, and *@holder set, when it is taken. @name: interned. */
gboolean hemera__registry_add (HemeraRegistry *self, const char *name, HemeraPid pid, HemeraPid *holder);
void hemera__registry_remove (HemeraRegistry *self, const char *name);
HemeraPid hemera__registry_lookup (HemeraRegistry *self, const char *name);

/* The one copy of @name in this process; it stays for ever. NULL when it is empty or over 255 bytes. */
const char *hemera__intern (const char *name);

/* Names: see registry.h. GLib's own interning is not used: its lock is invisible to ThreadSanitizer. */
#include "runtime/sched/registry.h"

#include <string.h>

#define MAX_NAME 255

static pthread_mutex_t intern_lock = PTHREAD_MUTEX_INITIALIZER;
static GHashTable *interned;

const char *
hemera__intern (const char *name)
{
  const char *found;

  if (!name || strnlen (name, MAX_NAME + 1) - 1 >= MAX_NAME)
    return NULL;
  pthread_mutex_lock (&intern_lock);
  if (!interned)
    interned = g_hash_table_new (g_str_hash, g_str_equal);
  found = g_hash_table_lookup (interned, name);
  if (!found) {
    char *copy = g_strdup (name);
    g_hash_table_add (interned, copy);
    found = copy;
  }
  pthread_mutex_unlock (&intern_lock);
  return found;
}

void
hemera__registry_init (HemeraRegistry *self)
{
  pthread_mutex_init (&self->lock, NULL);
  self->pids = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
}

void
hemera__registry_clear (HemeraRegistry *self)
{
  g_hash_table_unref (self->pids);
  pthread_mutex_destroy (&self->lock);
}

gboolean
hemera__registry_add (HemeraRegistry *self, const char *name, HemeraPid pid, HemeraPid *holder)
{
  const HemeraPid *found;

  pthread_mutex_lock (&self->lock);
  found = g_hash_table_lookup (self->pids, name);
  if (found) {
    *holder = *found;
  } else {
    HemeraPid *entry = g_new (HemeraPid, 1);
    *entry = pid;
    g_hash_table_insert (self->pids, (gpointer) name, entry);
  }
  pthread_mutex_unlock (&self->lock);
  return found == NULL;
}

void
hemera__registry_remove (HemeraRegistry *self, const char *name)
{
  pthread_mutex_lock (&self->lock);
  g_hash_table_remove (self->pids, name);
  pthread_mutex_unlock (&self->lock);
}

HemeraPid
hemera__registry_lookup (HemeraRegistry *self, const char *name)
{
  const HemeraPid *found;
  HemeraPid pid;

  pthread_mutex_lock (&self->lock);
  found = g_hash_table_lookup (self->pids, name);
  pid = found ? *found : HEMERA_PID_NONE;
  pthread_mutex_unlock (&self->lock);
  return pid;
}

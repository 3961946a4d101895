/* Which gateway of a system has the names without a suffix: the first that asks, until it gives them back. Any thread. */
#include "facade.h"

#define MAX_SYSTEMS 64

static atomic_flag busy = ATOMIC_FLAG_INIT;
static HemeraSystem *claimed[MAX_SYSTEMS]; /* under busy; identities only */

static void
lock (void)
{
  /* Acquire pairs with unlock's release. */
  while (atomic_flag_test_and_set_explicit (&busy, memory_order_acquire)) {}
}

static void
unlock (void)
{
  atomic_flag_clear_explicit (&busy, memory_order_release);
}

gboolean
hemera__facade_claim_names (HemeraSystem *system)
{
  gboolean free_slot = FALSE, taken = FALSE;
  guint slot = 0;

  lock ();
  for (guint i = 0; i < MAX_SYSTEMS; i++) {
    taken = taken || claimed[i] == system;
    if (claimed[i] == NULL && !free_slot) {
      free_slot = TRUE;
      slot = i;
    }
  }
  if (free_slot && !taken)
    claimed[slot] = system;
  unlock ();
  return free_slot && !taken;
}

void
hemera__facade_release_names (HemeraSystem *system)
{
  lock ();
  for (guint i = 0; i < MAX_SYSTEMS; i++)
    if (claimed[i] == system)
      claimed[i] = NULL;
  unlock ();
}

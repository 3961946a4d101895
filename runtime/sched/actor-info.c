/* Describing an actor: see actor-info.h. */
#include "runtime/signal/actor.h"
#include "runtime/sched/actor-info.h"

static const char *
status_of (HemeraActor *actor)
{
  if (!actor->started)
    return "starting";
  return actor->first || hemera__inbox_has (&actor->slot->inbox) ? "runnable" : "waiting";
}

static gsize
memory_of (HemeraActor *actor)
{
  const HemeraTable *tables[] = { &actor->links, &actor->entries, &actor->watchers };
  gsize bytes = sizeof *actor + actor->actor_class->state_size;

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
    bytes += tables[i]->count * (sizeof (HemeraActorMessage) + HEMERA_BLOCK_PAYLOAD);
    bytes += tables[i]->n_buckets * sizeof (HemeraTableNode *);
  }
  for (HemeraInboxNode *node = actor->first; node; node = node->next) {
    const HemeraMessageType *type = ((HemeraActorMessage *) node)->type;
    bytes += sizeof (HemeraActorMessage) + MAX (type ? type->size : 0, HEMERA_BLOCK_PAYLOAD);
  }
  return bytes;
}

void
hemera__actor_info_init (HemeraActorInfo *self, HemeraActor *actor)
{
  *self = (HemeraActorInfo){ .number = actor->number,
                             .pid = actor->pid,
                             .parent = actor->parent,
                             .name = actor->name,
                             .class_name = actor->actor_class->name,
                             .label = g_strdup (actor->label),
                             .status = status_of (actor),
                             .worker = actor->worker->index,
                             .inbox = hemera__inbox_count (&actor->slot->inbox),
                             .queue = actor->n_messages,
                             .reductions = actor->reductions,
                             .monitored_by = actor->watchers.count,
                             .links = g_array_new (FALSE, FALSE, sizeof (HemeraPid)),
                             .monitors = g_array_new (FALSE, FALSE, sizeof (HemeraPid)),
                             .memory = memory_of (actor) };
  for (HemeraTableNode *node = actor->links.first; node; node = node->next)
    g_array_append_val (self->links, ((HemeraLink *) node)->peer);
  for (HemeraTableNode *node = actor->entries.first; node; node = node->next)
    if (((HemeraMonitor *) node)->kind == HEMERA_ENTRY_MONITOR)
      g_array_append_val (self->monitors, ((HemeraMonitor *) node)->peer);
  self->timers = actor->entries.count - self->monitors->len;
}

void
hemera__actor_info_clear (HemeraActorInfo *self)
{
  g_free (self->label);
  g_array_unref (self->links);
  g_array_unref (self->monitors);
}

/* ---- as text -------------------------------------------------------------------------------------------------------------------- */

static void
print_pids (const char *name, GArray *pids, GString *out)
{
  for (guint i = 0; i < pids->len; i++) {
    HemeraPid pid = g_array_index (pids, HemeraPid, i);
    g_string_append_printf (out, i > 0 ? "," : " %s=", name);
    g_string_append_printf (out, HEMERA_PID_FORMAT, HEMERA_PID_ARGS (pid));
  }
}

void
hemera__actor_info_print (const HemeraActorInfo *self, GString *out)
{
  const char *name = self->name ? self->name : self->label ? self->label : self->class_name;

  g_string_append_printf (out, HEMERA_PID_FORMAT " %s%s", HEMERA_PID_ARGS (self->pid),
                          name ? name : "(unnamed)", self->name ? " registered" : "");
  if (self->name && self->label)
    g_string_append_printf (out, " label=%s", self->label);
  g_string_append_printf (
      out,
      " worker=%u parent=" HEMERA_PID_FORMAT " status=%s inbox=%u queue=%u reductions=%" G_GUINT64_FORMAT
      " links=%u monitors=%u timers=%u monitored_by=%u memory=%" G_GSIZE_FORMAT,
      self->worker, HEMERA_PID_ARGS (self->parent), self->status, self->inbox, self->queue, self->reductions,
      self->links->len, self->monitors->len, self->timers, self->monitored_by, self->memory);
  print_pids ("linked", self->links, out);
  print_pids ("monitored", self->monitors, out);
}

/* ---- as a term ------------------------------------------------------------------------------------------------------------------- */

static void
add_pid (HemeraTermBuilder *out, HemeraPid pid)
{
  g_autofree char *text = g_strdup_printf (HEMERA_PID_FORMAT, HEMERA_PID_ARGS (pid));

  hemera_term_builder_add_string (out, text);
}

static void
add_pids (HemeraTermBuilder *out, const char *key, GArray *pids)
{
  hemera_term_builder_key (out, key);
  hemera_term_builder_open_list (out);
  for (guint i = 0; i < pids->len; i++)
    add_pid (out, g_array_index (pids, HemeraPid, i));
  hemera_term_builder_close (out);
}

static void
add_number (HemeraTermBuilder *out, const char *key, guint64 number)
{
  hemera_term_builder_key (out, key);
  hemera_term_builder_add_uint64 (out, number);
}

/* @text: (nullable): then the key is left out */
static void
add_text (HemeraTermBuilder *out, const char *key, const char *text)
{
  g_autofree char *valid = text ? g_utf8_make_valid (text, -1) : NULL;

  if (!valid)
    return;
  hemera_term_builder_key (out, key);
  hemera_term_builder_add_string (out, valid);
}

void
hemera__actor_info_add (const HemeraActorInfo *self, HemeraTermBuilder *out)
{
  hemera_term_builder_open_map (out);
  hemera_term_builder_key (out, "pid");
  add_pid (out, self->pid);
  if (self->parent.id != 0) {
    hemera_term_builder_key (out, "parent");
    add_pid (out, self->parent);
  }
  add_text (out, "name", self->name);
  add_text (out, "label", self->label);
  add_text (out, "class", self->class_name);
  hemera_term_builder_key (out, "status");
  hemera_term_builder_add_atom (out, self->status);
  add_number (out, "worker", self->worker);
  add_number (out, "inbox", self->inbox);
  add_number (out, "queue", self->queue);
  add_number (out, "reductions", self->reductions);
  add_pids (out, "links", self->links);
  add_pids (out, "monitors", self->monitors);
  add_number (out, "monitored_by", self->monitored_by);
  add_number (out, "timers", self->timers);
  add_number (out, "memory", self->memory);
  hemera_term_builder_close (out);
}

/* ---- the tree -------------------------------------------------------------------------------------------------------------------- */

static int
compare_age (gconstpointer a, gconstpointer b)
{
  const HemeraActorInfo *left = a, *right = b;

  return left->number < right->number ? -1 : left->number > right->number;
}

guint *
hemera__actor_infos_in_order (GArray *infos, guint **depths)
{
  const guint none = G_MAXUINT;
  g_autoptr (GHashTable) by_pid = g_hash_table_new (g_int64_hash, g_int64_equal);
  /* The last slot of first_child is of those without a parent here. */
  g_autofree guint *first_child = g_new (guint, infos->len + 1), *sibling = g_new (guint, infos->len);
  g_autofree guint *parents = g_new (guint, infos->len);
  guint *order = g_new (guint, infos->len);
  guint n = 0, at, depth = 0;

  *depths = g_new (guint, infos->len);
  g_array_sort (infos, compare_age);
  for (guint i = 0; i < infos->len; i++) {
    g_hash_table_insert (by_pid, &g_array_index (infos, HemeraActorInfo, i).pid.id, GUINT_TO_POINTER (i + 1));
    first_child[i] = none;
  }
  first_child[infos->len] = none;
  for (guint i = infos->len; i-- > 0;) { /* the youngest first: the oldest one stands first in the end */
    guint found =
        GPOINTER_TO_UINT (g_hash_table_lookup (by_pid, &g_array_index (infos, HemeraActorInfo, i).parent.id));
    parents[i] = found > 0 ? found - 1 : infos->len;
    sibling[i] = first_child[parents[i]];
    first_child[parents[i]] = i;
  }
  for (at = first_child[infos->len]; at != none;) {
    order[n] = at;
    (*depths)[n++] = depth;
    if (first_child[at] != none) {
      at = first_child[at];
      depth++;
      continue;
    }
    while (sibling[at] == none && parents[at] != infos->len) {
      at = parents[at];
      depth--;
    }
    at = sibling[at];
  }
  return order;
}

/* HemeraTree: made from a configuration and an answer of the API, with the specs of all supervisors; counted. See tree.h. */
#include "tree.h"

#include "../identify/identify-broker.h"
#include "../session/session-file.h"
#include "../session/session-store.h"
#include "../shard/event-parser.h"
#include "../shard/shard-actor.h"
#include "../gateway/gateway-actor.h"
#include "runtime/net/net.h"

/* A parser's init waits for the gateway actor. That comes at once or, when the application supervisor has given up, not at all: then the
 * shards' supervisors must not wait for it for ever, or they would never see that they are to end. */
#define PARSER_START_MS 5000

/* A supervisor that was killed leaves children that end a little later, and much later when it was just waiting for the start of a parser:
 * until then they have the names that the children of its successor need. */
#define SUPERVISOR_BACKOFF_MS 200

static _Atomic guint64 numbers = 1;

/* ---- making --------------------------------------------------------------------------------------------------- */

static void
fill_slot (HemeraTree *self, HemeraSlot *slot, guint shard, const char *suffix)
{
  HemeraSession session;

  slot->shard = shard;
  slot->shard_name = g_strdup_printf ("hemera_shard_%u%s", shard, suffix);
  slot->parser_name = g_strdup_printf ("hemera_event_parser_%u%s", shard, suffix);
  slot->supervisor_id = g_strdup_printf ("shard_%u", shard);
  if (self->sessions == NULL
      || !hemera__sessions_lookup (hemera_term_view (self->sessions), self->total_shards, shard, &session))
    return;
  atomic_init (&slot->serial, 1);
  atomic_init (&slot->fanned, hemera__place (1, session.seq));
  if (session.alive_ms > 0 && session.alive_ms < G_MAXINT64 / 2000) /* a file may say anything */
    atomic_init (&slot->fanned_us, session.alive_ms * 1000 - self->wall_offset_us);
  hemera__session_clear (&session);
}

/* Unix time, of a file that may say anything, as a time of the system's clock that is not ahead of it. */
static gint64
identified_us (const HemeraTree *self, HemeraSystem *system)
{
  gint64 ms = self->sessions != NULL ? hemera__sessions_identified_ms (hemera_term_view (self->sessions)) : 0;

  if (ms <= 0 || ms >= G_MAXINT64 / 2000)
    return 0;
  return MIN (ms * 1000 - self->wall_offset_us, hemera_system_now (system));
}

HemeraTree *
hemera__tree_new (HemeraSystem *system, const HemeraGatewayConfig *config, HemeraGatewayBot *bot,
                  const char *suffix, HemeraPid facade, HemeraSubscribers *subscribers)
{
  HemeraTree *self = g_new0 (HemeraTree, 1);

  atomic_init (&self->refs, 1);
  self->number = atomic_fetch_add_explicit (&numbers, 1, memory_order_relaxed);
  hemera__gateway_config_copy (&self->config, config);
  self->gateway_url = g_strdup (hemera_gateway_bot_get_url (bot));
  self->total_shards = config->total_shards != 0 ? config->total_shards : hemera_gateway_bot_get_shards (bot);
  self->max_concurrency = hemera_gateway_bot_get_max_concurrency (bot);
  self->sessions = config->sessions != NULL ? hemera_term_ref (config->sessions) : NULL;
  self->gateway_name = g_strconcat ("hemera_gateway", suffix, NULL);
  self->store_name = g_strconcat ("hemera_session_store", suffix, NULL);
  self->broker_name = g_strconcat ("hemera_identify_broker", suffix, NULL);
  self->shards_name = g_strconcat ("hemera_shards", suffix, NULL);
  self->root_name = g_strconcat ("hemera_application", suffix, NULL);
  self->wall_offset_us = g_get_real_time () - hemera_system_now (system);
  self->facade = facade;
  self->subscribers = hemera__subscribers_ref (subscribers);
  atomic_init (&self->limit_total, hemera_gateway_bot_get_total (bot));
  atomic_init (&self->remaining, hemera_gateway_bot_get_remaining (bot));
  atomic_init (&self->reset_us,
               hemera_system_now (system) + (gint64) hemera_gateway_bot_get_reset_after_ms (bot) * 1000);
  atomic_init (&self->identified_us, identified_us (self, system));
  self->n_slots = config->shards->len != 0 ? config->shards->len : self->total_shards;
  self->slots = g_aligned_alloc0 (self->n_slots, sizeof *self->slots, _Alignof(HemeraSlot));
  for (guint i = 0; i < self->n_slots; i++)
    fill_slot (self, &self->slots[i], config->shards->len != 0 ? g_array_index (config->shards, guint, i) : i,
               suffix);
  return self;
}

void
hemera__tree_follow (HemeraTree *self, HemeraTree *before)
{
  if (before != NULL)
    atomic_store_explicit (&self->identified_us,
                           MAX (atomic_load_explicit (&self->identified_us, memory_order_relaxed),
                                atomic_load_explicit (&before->identified_us, memory_order_relaxed)),
                           memory_order_relaxed);
}

HemeraTree *
hemera__tree_ref (HemeraTree *self)
{
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera__tree_unref (HemeraTree *self)
{
  /* Release pairs with the acquire of the last unref: the actors' accesses come before the free. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  for (guint i = 0; i < self->n_slots; i++) {
    g_free (self->slots[i].shard_name);
    g_free (self->slots[i].parser_name);
    g_free (self->slots[i].supervisor_id);
  }
  g_aligned_free (self->slots);
  hemera__gateway_config_clear (&self->config);
  g_clear_pointer (&self->trust, hemera__trust_unref);
  g_clear_pointer (&self->sessions, hemera_term_unref);
  hemera__subscribers_unref (self->subscribers);
  g_free (self->gateway_url);
  g_free (self->gateway_name);
  g_free (self->store_name);
  g_free (self->broker_name);
  g_free (self->shards_name);
  g_free (self->root_name);
  g_free (self);
}

HemeraSlot *
hemera__tree_slot_of (HemeraTree *self, guint shard)
{
  if (shard < self->n_slots && self->slots[shard].shard == shard) /* all of them run here */
    return &self->slots[shard];
  for (guint i = 0; i < self->n_slots; i++)
    if (self->slots[i].shard == shard)
      return &self->slots[i];
  return NULL;
}

gboolean
hemera__tree_safe_seq (HemeraTree *self, guint index, guint serial, guint64 *seq)
{
  /* Acquire pairs with the gateway actor's release: the sends before it are seen in the marks. */
  guint64 fanned = atomic_load_explicit (&self->slots[index].fanned, memory_order_acquire);
  guint64 safe = hemera__subscribers_safe_place (self->subscribers, self->number, index, fanned);

  *seq = hemera__place_seq (safe);
  if (hemera__place_serial (safe) == (serial & 0xffff))
    return TRUE;
  /* Nothing of it was fanned out: a new session whose READY is under way, or an older one that is gone. */
  *seq = 0;
  return serial == atomic_load_explicit (&self->slots[index].serial, memory_order_relaxed);
}

/* ---- the supervisors -------------------------------------------------------------------------------------------- */

static gpointer
args_copy (gconstpointer data)
{
  const HemeraTreeArgs *args = data;
  HemeraTreeArgs *copy = g_new (HemeraTreeArgs, 1);

  copy->tree = hemera__tree_ref (args->tree);
  copy->index = args->index;
  return copy;
}

static void
args_free (gpointer data)
{
  HemeraTreeArgs *args = data;

  hemera__tree_unref (args->tree);
  g_free (args);
}

HemeraArgs
hemera__tree_args (const HemeraTreeArgs *args)
{
  return (HemeraArgs){ .data = args, .copy = args_copy, .free = args_free };
}

typedef struct {
  HemeraTreeArgs args;
  HemeraChildSpec children[2];
  HemeraSupervisorSpec supervisor;
} ShardSpec;

/* rest_for_one: a parser that dies takes the shard with it, and what was on its way between them is replayed by the RESUME. */
static void
fill_shard_spec (HemeraTree *self, guint index, ShardSpec *spec)
{
  spec->args = (HemeraTreeArgs){ self, index };
  spec->children[0] = (HemeraChildSpec){
    .id = "event_parser",
    .actor = &hemera__event_parser_class,
    .args = hemera__tree_args (&spec->args),
    .name = self->slots[index].parser_name,
    .start_timeout_ms = PARSER_START_MS,
    .restart = HEMERA_RESTART_PERMANENT,
    .placement = HEMERA_PLACE_WITH_PARENT,
  };
  spec->children[1] = (HemeraChildSpec){
    .id = "shard",
    .server = &hemera__shard_actor_class,
    .args = hemera__tree_args (&spec->args),
    .name = self->slots[index].shard_name,
    .restart = HEMERA_RESTART_TRANSIENT,
    .significant = TRUE,
    .shutdown_ms = 10000,
    .backoff = { .base_ms = self->config.restart_base_ms, .cap_ms = self->config.restart_cap_ms },
    .placement = HEMERA_PLACE_WITH_PARENT,
  };
  spec->supervisor = (HemeraSupervisorSpec){
    .strategy = HEMERA_REST_FOR_ONE,
    .intensity = self->config.intensity,
    .period_ms = self->config.period_ms,
    .auto_shutdown = HEMERA_ANY_SIGNIFICANT,
    .children = spec->children,
    .n_children = 2,
  };
}

HemeraSupervisorSpec *
hemera__tree_spec (HemeraTree *self)
{
  g_autofree ShardSpec *shards = g_new0 (ShardSpec, self->n_slots);
  g_autofree HemeraChildSpec *shard_children = g_new0 (HemeraChildSpec, self->n_slots);
  const HemeraTreeArgs args = { self, 0 };
  HemeraSupervisorSpec shards_spec = { .strategy = HEMERA_ONE_FOR_ONE,
                                       .intensity = 10,
                                       .period_ms = 60000,
                                       .children = shard_children,
                                       .n_children = self->n_slots };
  const HemeraChildSpec children[] = {
    { .id = "session_store",
      .server = &hemera__session_store_class,
      .args = hemera__tree_args (&args),
      .name = self->store_name },
    { .id = "identify_broker",
      .actor = &hemera__identify_broker_class,
      .args = hemera__tree_args (&args),
      .name = self->broker_name },
    { .id = "gateway",
      .actor = &hemera__gateway_actor_class,
      .args = hemera__tree_args (&args),
      .name = self->gateway_name },
    { .id = "shards",
      .supervisor = &shards_spec,
      .name = self->shards_name,
      .backoff = { .base_ms = SUPERVISOR_BACKOFF_MS } },
  };
  const HemeraSupervisorSpec application = {
    .strategy = HEMERA_ONE_FOR_ONE,
    .intensity = 10,
    .period_ms = 60000,
    .children = children,
    .n_children = G_N_ELEMENTS (children),
  };

  for (guint i = 0; i < self->n_slots; i++) {
    fill_shard_spec (self, i, &shards[i]);
    shard_children[i] = (HemeraChildSpec){
      .id = self->slots[i].supervisor_id,
      .supervisor = &shards[i].supervisor,
      .restart = HEMERA_RESTART_TRANSIENT,
      .backoff = { .base_ms = SUPERVISOR_BACKOFF_MS },
      .placement = HEMERA_PLACE_ANY,
    };
  }
  return hemera_supervisor_spec_copy (&application);
}

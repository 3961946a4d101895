/* The shards seen from outside: who is up, why one went, what is told of it; the cool-down of one whose supervisor gave up, and the
 * watchdog for one that does nothing any more. */
#include "gateway-private.h"

#define WATCHDOG_MS         5000
#define DEFAULT_INTERVAL_MS 45000
#define SILENT_INTERVALS    3

static HemeraShardMessage *
message_new (HemeraGatewayState *self, guint index, HemeraShardMessageType type, const char *text)
{
  return hemera__shard_message_new (type, self->tree->slots[index].shard, 0, text);
}

static void
tell (HemeraGatewayState *self, HemeraShardMessage *message)
{
  hemera__report (message, 0);
  hemera__fan_out_message (self, message);
}

static void
start_cool_down (HemeraGatewayState *self, guint index)
{
  self->watches[index].cool_down = hemera_actor_start_timer (self->self, self->tree->config.cool_down_ms,
                                                             hemera_actor_self (self->self), NULL);
}

/* ---- who runs ------------------------------------------------------------------------------------------------------ */

/* A shard's supervisor that ended may have given up, or been shut down with all others; and before a restart of this actor nobody was there
 * to see it. The supervisor of the shards knows. Where there is none, or it does not answer, all shards are being started, and will say
 * so, or all are ending. One question at a time, as its answer is about all of them; whom an old one takes for running is found dead. */
static void
ask_for_supervisors (HemeraGatewayState *self)
{
  HemeraPid shards = hemera_system_whereis (hemera_actor_system (self->self), self->tree->shards_name);

  if (self->asked.id == 0 && shards.id != 0)
    self->asked = hemera_actor_call (self->self, shards, hemera_supervisor_which_children (), -1);
}

void
hemera__watch_start (HemeraGatewayState *self)
{
  gboolean is_restart = FALSE;

  for (guint i = 0; i < self->tree->n_slots; i++)
    is_restart = is_restart || atomic_load_explicit (&self->tree->slots[i].starts, memory_order_relaxed) > 0;
  for (guint i = 0; i < self->tree->n_slots; i++)
    if (atomic_load_explicit (&self->tree->slots[i].end, memory_order_relaxed) == HEMERA_SHARD_GAVE_UP)
      start_cool_down (self, i);
  self->watchdog = hemera_actor_start_interval (self->self, WATCHDOG_MS);
  if (is_restart)
    ask_for_supervisors (self);
}

/* ---- up and down --------------------------------------------------------------------------------------------------- */

static void
tell_restarted (HemeraGatewayState *self, guint index)
{
  HemeraWatch *watch = &self->watches[index];
  HemeraShardMessage *message = message_new (self, index, HEMERA_SHARD_MESSAGE_RESTARTED, NULL);

  message->restarts = atomic_load_explicit (&self->tree->slots[index].starts, memory_order_relaxed) - 1;
  /* Without a cause it was this actor's predecessor that went, and took the parsers along. */
  message->term =
      watch->cause != NULL ? g_steal_pointer (&watch->cause) : hemera_term_new_atom ("gateway_down");
  watch->told = TRUE;
  tell (self, message);
}

void
hemera__watch_up (HemeraGatewayState *self, const HemeraShardUp *up)
{
  HemeraWatch *watch = &self->watches[up->index];
  HemeraSlot *slot = &self->tree->slots[up->index];
  guint starts = atomic_fetch_add_explicit (&slot->starts, 1, memory_order_relaxed) + 1;
  gboolean knew = watch->shard.id != 0;

  atomic_store_explicit (&slot->end, HEMERA_SHARD_RUNS, memory_order_relaxed);
  if (!hemera_pid_equal (watch->supervisor, up->supervisor))
    watch->supervisor_monitor = hemera_actor_monitor (self->self, up->supervisor);
  watch->supervisor = up->supervisor;
  watch->old_shard_monitor = watch->shard_monitor;
  watch->shard = up->shard;
  watch->shard_monitor = hemera_actor_monitor (self->self, up->shard);
  if (!hemera_pid_equal (watch->parser, up->parser)) { /* else a monitor more for each shard of a long life */
    watch->old_parser_monitor = watch->parser_monitor;
    watch->parser_monitor = hemera_actor_monitor (self->self, up->parser);
  }
  watch->parser = up->parser;
  watch->disposed = FALSE;
  /* The end of the one before may still be on its way here: then it is told when it comes. */
  watch->told = starts == 1;
  if (!watch->told && (watch->cause != NULL || !knew))
    tell_restarted (self, up->index);
  hemera__fan_out_up (self, up->index, up->given);
  /* What it has been told until now went to its predecessor. */
  hemera__credit_send (up->shard, &(HemeraCredit){ 0 });
}

static void
keep_cause (HemeraWatch *watch, HemeraTerm *reason)
{
  if (watch->cause != NULL && (!hemera_reason_is_clean (watch->cause) || hemera_reason_is_clean (reason)))
    return;
  g_clear_pointer (&watch->cause, hemera_term_unref);
  watch->cause = hemera_term_ref (reason);
}

/* Its supervisor ended, alone, and it was no shutdown of ours and no fatal close: too many crashes. */
static void
gave_up (HemeraGatewayState *self, guint index)
{
  HemeraWatch *watch = &self->watches[index];
  HemeraSlot *slot = &self->tree->slots[index];
  g_autofree char *cause = hemera__report_reason (watch->cause);
  g_autofree char *text = NULL;
  HemeraShardMessage *message;

  atomic_store_explicit (&slot->end, HEMERA_SHARD_GAVE_UP, memory_order_relaxed);
  text = g_strdup_printf ("the shard crashed too often and is started again in %u s; the last cause: %s",
                          self->tree->config.cool_down_ms / 1000, cause);
  tell (self, message_new (self, index, HEMERA_SHARD_MESSAGE_ALARM, text));
  message = message_new (self, index, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, NULL);
  message->will_restart = TRUE;
  message->error = g_error_new (HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED, "shard %u: %s",
                                slot->shard, text);
  tell (self, message);
  start_cool_down (self, index);
}

static void
supervisor_down (HemeraGatewayState *self, guint index, HemeraTerm *reason)
{
  HemeraWatch *watch = &self->watches[index];
  HemeraSlot *slot = &self->tree->slots[index];

  watch->supervisor = HEMERA_PID_NONE;
  watch->supervisor_monitor = HEMERA_REF_NONE;
  if (atomic_load_explicit (&self->tree->closing, memory_order_relaxed)
      || atomic_load_explicit (&slot->end, memory_order_relaxed) == HEMERA_SHARD_ENDED)
    return;
  if (hemera_view_is_atom (hemera_term_view (reason), "killed"))
    return; /* by somebody: it is restarted */
  if (watch->disposed)
    atomic_store_explicit (&slot->end, HEMERA_SHARD_ENDED, memory_order_relaxed);
  else
    ask_for_supervisors (self);
}

void
hemera__watch_down (HemeraGatewayState *self, const HemeraDownMessage *down)
{
  for (guint i = 0; i < self->tree->n_slots; i++) {
    HemeraWatch *watch = &self->watches[i];

    if (hemera_ref_equal (down->ref, watch->supervisor_monitor)) {
      supervisor_down (self, i, down->reason);
      return;
    }
    if (hemera_ref_equal (down->ref, watch->shard_monitor)) {
      watch->shard_monitor = HEMERA_REF_NONE;
      watch->disposed = hemera_view_is_atom (hemera_term_view (down->reason), "normal");
      keep_cause (watch, down->reason);
      return;
    }
    if (hemera_ref_equal (down->ref, watch->parser_monitor)) {
      watch->parser_monitor = HEMERA_REF_NONE;
      keep_cause (watch, down->reason);
      return;
    }
    if (hemera_ref_equal (down->ref, watch->old_shard_monitor)
        || hemera_ref_equal (down->ref, watch->old_parser_monitor)) {
      if (!watch->told) {
        keep_cause (watch, down->reason);
        tell_restarted (self, i);
      }
      return;
    }
  }
}

void
hemera__watch_disconnecting (HemeraGatewayState *self, guint index, HemeraShardMessage *said)
{
  HemeraSlot *slot = &self->tree->slots[index];
  HemeraShardMessage *message = message_new (self, index, HEMERA_SHARD_MESSAGE_SHARD_DISCONNECTED, NULL);

  atomic_store_explicit (&slot->end, HEMERA_SHARD_ENDED, memory_order_relaxed);
  message->code = said->code;
  message->error = g_error_new (HEMERA_GATEWAY_ERROR,
                                said->code == 4004 ? HEMERA_GATEWAY_ERROR_UNAUTHORIZED
                                                   : HEMERA_GATEWAY_ERROR_SHARD_DISCONNECTED,
                                "shard %u was closed for good with code %u: %s", slot->shard, said->code,
                                said->text != NULL ? said->text : "no reason was given");
  tell (self, message);
}

/* ---- cool-down and watchdog ------------------------------------------------------------------------------------------ */

static void
start_again (HemeraGatewayState *self, guint index)
{
  HemeraSlot *slot = &self->tree->slots[index];
  HemeraPid shards = hemera_system_whereis (hemera_actor_system (self->self), self->tree->shards_name);

  self->watches[index].cool_down = HEMERA_REF_NONE;
  if (atomic_load_explicit (&self->tree->closing, memory_order_relaxed)
      || atomic_load_explicit (&slot->end, memory_order_relaxed) != HEMERA_SHARD_GAVE_UP)
    return;
  if (shards.id == 0)
    start_cool_down (self, index);
  else
    hemera_actor_call (self->self, shards, hemera_supervisor_restart_child (slot->supervisor_id), -1);
}

static void
watch_supervisor (HemeraGatewayState *self, guint index, const HemeraChildInfo *info)
{
  HemeraWatch *watch = &self->watches[index];

  if (watch->supervisor.id != 0 || atomic_load_explicit (&self->tree->closing, memory_order_relaxed)
      || atomic_load_explicit (&self->tree->slots[index].end, memory_order_relaxed) != HEMERA_SHARD_RUNS)
    return;
  if (info->status == HEMERA_CHILD_STOPPED) {
    gave_up (self, index);
  } else if (info->pid.id != 0) {
    watch->supervisor = info->pid;
    watch->supervisor_monitor = hemera_actor_monitor (self->self, info->pid);
  }
}

static void
watch_supervisors (HemeraGatewayState *self, const GArray *children)
{
  for (guint c = 0; c < children->len; c++) {
    const HemeraChildInfo *info = &g_array_index (children, HemeraChildInfo, c);

    for (guint i = 0; i < self->tree->n_slots; i++)
      if (g_str_equal (info->id, self->tree->slots[i].supervisor_id))
        watch_supervisor (self, i, info);
  }
}

static void
answered (HemeraGatewayState *self, HemeraReplyMessage *reply)
{
  HemeraSupervisorChildren *children =
      reply->reply != NULL ? hemera_supervisor_children_peek (reply->reply) : NULL;

  self->asked = HEMERA_REF_NONE;
  if (children != NULL)
    watch_supervisors (self, children->children);
}

/* Nothing needs to be done when a start worked: the shard will say that it is up. Those that did not start cool down once more. */
void
hemera__watch_reply (HemeraGatewayState *self, HemeraReplyMessage *reply)
{
  if (hemera_ref_equal (reply->ref, self->asked)) {
    answered (self, reply);
    return;
  }
  for (guint i = 0; i < self->tree->n_slots; i++)
    if (atomic_load_explicit (&self->tree->slots[i].end, memory_order_relaxed) == HEMERA_SHARD_GAVE_UP
        && self->watches[i].cool_down.id == 0)
      start_cool_down (self, i);
}

static void
look_for_silence (HemeraGatewayState *self)
{
  gint64 now = hemera_actor_now (self->self);

  for (guint i = 0; i < self->tree->n_slots; i++) {
    HemeraSlot *slot = &self->tree->slots[i];
    HemeraShardState state = atomic_load_explicit (&slot->state, memory_order_relaxed);
    guint interval_ms = atomic_load_explicit (&slot->interval_ms, memory_order_relaxed);
    gint64 silent_us = now - atomic_load_explicit (&slot->alive_us, memory_order_relaxed);

    /* A shard that waits, or that we keep from reading, may be silent for long. */
    if (state == HEMERA_SHARD_STOPPED || state == HEMERA_SHARD_WAITING
        || self->watches[i].shard_monitor.id == 0
        || atomic_load_explicit (&slot->waiting, memory_order_relaxed))
      continue;
    interval_ms = interval_ms != 0 ? interval_ms : DEFAULT_INTERVAL_MS;
    if (silent_us / 1000 <= (gint64) interval_ms * SILENT_INTERVALS + WATCHDOG_MS)
      continue;
    tell (self,
          message_new (
              self, i, HEMERA_SHARD_MESSAGE_ALARM,
              "the shard neither received anything nor changed its state for three intervals: it is killed"));
    hemera_actor_exit (self->self, self->watches[i].shard, hemera_reason_kill ());
  }
}

void
hemera__watch_timeout (HemeraGatewayState *self, HemeraRef ref)
{
  if (hemera_ref_equal (ref, self->watchdog)) {
    look_for_silence (self);
    hemera__fan_out_missed (self);
    return;
  }
  for (guint i = 0; i < self->tree->n_slots; i++)
    if (hemera_ref_equal (ref, self->watches[i].cool_down))
      start_again (self, i);
}

void
hemera__watch_clear (HemeraGatewayState *self)
{
  for (guint i = 0; self->watches != NULL && i < self->tree->n_slots; i++)
    g_clear_pointer (&self->watches[i].cause, hemera_term_unref);
}

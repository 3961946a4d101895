/* Fuzz target: bytes decide what gateway, network, application and clock do to a shard machine; the invariants of the unit tests' rig are
 * the oracle. Input: one byte of set-up, then commands of one byte with their arguments. */
#include "../unit/shard/rig.h"

#include <hemera/etf.h>
#include <hemera/term-builder.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct {
  const guint8 *at, *end;
} Input;

static guint
take (Input *input)
{
  return input->at < input->end ? *input->at++ : 0;
}

static guint
take_2 (Input *input)
{
  guint high = take (input);

  return high << 8 | take (input);
}

/* As much as there is, up to @wanted. */
static gsize
at_most (Input *input, gsize wanted)
{
  return MIN (wanted, (gsize) (input->end - input->at));
}

static void
speak (Rig *rig, guint which, guint argument)
{
  static const char *const formats[] = {
    "{\"op\":10,\"d\":{\"heartbeat_interval\":%u}}",
    "{\"t\":\"READY\",\"s\":1,\"op\":0,\"d\":{\"session_id\":\"s%u\",\"resume_gateway_url\":\"wss://r.io\"}}",
    "{\"op\":0,\"s\":%u,\"t\":\"TYPING_START\",\"d\":{\"a\":[1,2,3]}}",
    "{\"op\":0,\"s\":%u,\"t\":\"RESUMED\",\"d\":null}",
    "{\"op\":1,\"d\":%u}",
    "{\"op\":7,\"x\":%u}",
    "{\"op\":9,\"d\":true,\"x\":%u}",
    "{\"op\":9,\"d\":false,\"x\":%u}",
    "{\"op\":11,\"x\":%u}",
    "{\"op\":%u,\"d\":{\"session_id\":\"x\"}}",
  };
  g_autofree char *json = NULL;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  json = g_strdup_printf (formats[which % G_N_ELEMENTS (formats)], argument);
#pragma GCC diagnostic pop
  if (which % G_N_ELEMENTS (formats) == 0 && argument < 1000)
    rig->fast_beats = TRUE;
  rig_payload (rig, json);
}

static void
command (Rig *rig, Input *input)
{
  HemeraShardMachine *machine = rig->machine;
  guint first = take (input);
  g_autoptr (HemeraTerm) term = NULL;
  gsize n;

  switch (first & 15) {
  case 0: rig_start (rig); break;
  case 1: rig_resolved (rig); break;
  case 2: rig_opened (rig); break;
  case 3: /* raw bytes, in any framing */
    n = at_most (input, take_2 (input));
    rig_bytes (rig, input->at, n, (first & 16) != 0, (first & 32) != 0, (first & 64) != 0);
    input->at += n;
    break;
  case 4:
  case 5:
  case 6: speak (rig, first >> 4, take_2 (input)); break;
  case 7: rig_ended (rig, (first & 16) != 0 ? 4000 + (first >> 5) * 2 : take_2 (input)); break;
  case 8: hemera__shard_machine_drained (machine, rig->now, rig->connection - ((first & 16) != 0)); break;
  case 9:
    if ((first & 16) != 0)
      hemera__shard_machine_lease_denied (machine, rig->now, rig->connection - 1, take_2 (input));
    else
      rig_lease (rig);
    break;
  case 10:
    n = take_2 (input);
    hemera__shard_machine_set_watermark (
        machine, (first & 16) != 0 ? "s0" : hemera__shard_machine_session (machine)->id,
        MIN (n, rig->last_seq));
    break;
  case 11: hemera__shard_machine_paused (machine, rig->now, (first & 16) != 0); break;
  case 12:
    n = at_most (input, take (input));
    term = hemera_term_new_from_etf_data (input->at, n, NULL, NULL);
    input->at += n;
    if (term == NULL)
      term = hemera_term_new ("#{a => ~u}", (guint64) n);
    hemera__shard_machine_send (machine, rig->now, (first >> 4) | ((first & 128) != 0 ? 0 : 3),
                                hemera_term_view (term), n, NULL);
    break;
  case 13:
    if ((first & 64) != 0)
      hemera__shard_machine_dispose (machine, rig->now,
                                     (first & 16) != 0 ? HEMERA_CLOSE_END : HEMERA_CLOSE_KEEP);
    else
      hemera__shard_machine_reconnect (machine, rig->now, (first & 16) != 0);
    break;
  case 14:
    if (hemera__shard_machine_deadline (machine) < G_MAXINT64)
      rig_tick (rig);
    break;
  case 15: /* time, without and with the ticks that are due */
    if ((first & 16) != 0)
      rig->now += take_2 (input) * 1000;
    else {
      n = take_2 (input);
      rig_advance (rig, rig->fast_beats ? (gint64) n % 2000 : (gint64) n);
    }
    hemera__shard_machine_tick (machine, rig->now);
    break;
  }
  rig_collect (rig);
}

static void
limit_payloads (HemeraShardConfig *config)
{
  config->max_payload = 1 << 20;
  config->send_queue = 16;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  Input input = { data, data + size };
  guint setup = take (&input);
  HemeraSession session = { .id = (char *) "s0", .resume_url = (char *) "wss://resume.example", .seq = 100 };
  RigVariant variant = rig_variants[setup % rig_n_variants];
  Rig *rig;

  session.encoding = (setup & 64) != 0 ? HEMERA_ENCODING_JSON : HEMERA_ENCODING_ETF;
  rig = rig_new (&variant, (setup & 32) != 0 ? &session : NULL, setup >= 248 ? 3 : 0, limit_payloads);
  rig->quiet = TRUE;
  rig->random = (double) (setup & 15) / 16.0;
  for (guint i = 0; input.at < input.end && i < 250 && !rig->stopped; i++)
    command (rig, &input);
  rig_free (rig);
  return 0;
}

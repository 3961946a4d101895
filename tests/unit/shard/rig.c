/* See rig.h. */
#include "rig.h"

#include "actors/protocol/machine-private.h"

#include <hemera/etf.h>
#include <hemera/json.h>
#include <string.h>

const RigVariant rig_variants[] = {
  { HEMERA_ENCODING_ETF, HEMERA_COMPRESSION_NONE, 0, "etf-none" },
  { HEMERA_ENCODING_ETF, HEMERA_COMPRESSION_ZLIB_STREAM, 0, "etf-zlib" },
  { HEMERA_ENCODING_JSON, HEMERA_COMPRESSION_NONE, 0, "json-none" },
  { HEMERA_ENCODING_JSON, HEMERA_COMPRESSION_ZLIB_STREAM, 0, "json-zlib" },
  { HEMERA_ENCODING_ETF, HEMERA_COMPRESSION_NONE, 7, "etf-none-pieces" },
  { HEMERA_ENCODING_JSON, HEMERA_COMPRESSION_ZLIB_STREAM, 1, "json-zlib-bytes" },
};
const guint rig_n_variants = G_N_ELEMENTS (rig_variants);

static double
give_random (gpointer data)
{
  return ((Rig *) data)->random;
}

Rig *
rig_new (const RigVariant *variant, const HemeraSession *session, guint failures,
         void (*adjust) (HemeraShardConfig *config))
{
  Rig *self = g_new0 (Rig, 1);
  HemeraShardConfig config = { 0 };

  self->variant = *variant;
  self->random = 0.5;
  self->now = 1000000;
  self->words = g_string_new (NULL);
  self->writes = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->token = hemera__token_new (RIG_TOKEN, NULL);
  config.shard_id = 1;
  config.total_shards = 4;
  config.encoding = variant->encoding;
  config.compression = variant->compression;
  config.intents = 513;
  config.gateway_url = "wss://base.example";
  config.token = self->token;
  config.wall_offset_us = RIG_WALL;
  if (adjust != NULL)
    adjust (&config);
  self->machine = hemera__shard_machine_new (&config, session, failures, give_random, self);
  g_assert_nonnull (self->machine);
  if (session != NULL && session->id != NULL) {
    self->session_known = TRUE;
    self->last_seq = session->seq;
    self->variant.encoding = session->encoding;
  }
  if (failures >= 3)
    self->variant.encoding = HEMERA_ENCODING_JSON;
  return self;
}

void
rig_free (Rig *self)
{
  hemera__shard_machine_free (self->machine);
  hemera__token_unref (self->token);
  if (self->deflating)
    deflateEnd (&self->deflate);
  g_string_free (self->words, TRUE);
  g_array_unref (self->writes);
  g_free (self->last_write);
  g_free (self->last_url);
  g_free (self->last_d);
  g_free (self);
}

/* ---- what must hold always ------------------------------------------------------------------------------------------------------ */

static void
check_window (Rig *self)
{
  guint in_window = 0;

  for (guint i = self->writes->len; i > 0; i--)
    if (g_array_index (self->writes, gint64, i - 1) > self->now - 60 * G_USEC_PER_SEC)
      in_window++;
  /* A HELLO may have come as raw bytes. */
  if (!self->fast_beats && self->machine->heartbeat.interval >= G_USEC_PER_SEC)
    g_assert_cmpuint (in_window, <=, 120);
}

static void
check_write (Rig *self, const HemeraShardAction *action, HemeraView root)
{
  guint64 op = hemera_view_uint64 (hemera_view_get (root, "op"), 0);

  g_assert_true (self->open && !self->closing && !self->stopped);
  g_assert_cmpuint (action->connection, ==, self->connection);
  g_assert_cmpuint (g_bytes_get_size (action->data), <=, 4096);
  g_assert_true (action->binary == (self->variant.encoding == HEMERA_ENCODING_ETF));
  if (op == HEMERA_OP_IDENTIFY || op == HEMERA_OP_RESUME)
    g_assert_cmpuint (++self->identifies, ==, 1);
  else if (op != HEMERA_OP_HEARTBEAT)
    g_assert_true (self->active);
  if (op == HEMERA_OP_RESUME)
    self->resumes++;
  g_array_append_val (self->writes, self->now);
  check_window (self);
}

static void
check_no_token (const char *text)
{
  if (text != NULL)
    g_assert_null (strstr (text, RIG_TOKEN));
}

static void
check_invariants (Rig *self, const HemeraShardAction *action)
{
  g_assert_false (self->stopped); /* STOP is the last */
  check_no_token (action->cause);
  check_no_token (action->detail);
  check_no_token (action->url);
  check_no_token (action->error != NULL ? action->error->message : NULL);

  switch (action->type) {
  case HEMERA_SHARD_ACTION_CONNECT:
    g_assert_cmpuint (action->connection, ==, self->connection + 1);
    self->connection = action->connection;
    self->open = self->closing = self->active = FALSE;
    self->identifies = 0;
    self->connects++;
    g_array_set_size (self->writes, 0);
    g_free (self->last_url);
    self->last_url = g_strdup (action->url);
    break;
  case HEMERA_SHARD_ACTION_CLOSE:
    g_assert_true (self->open && !self->closing);
    self->closing = TRUE;
    break;
  case HEMERA_SHARD_ACTION_ABORT: self->open = FALSE; break;
  case HEMERA_SHARD_ACTION_EVENT:
    g_assert_true (self->open && !self->closing);
    self->events++;
    if (action->seq > 0) {
      g_assert_true (self->session_known);
      g_assert_cmpuint (action->seq, >, self->last_seq);
      self->last_seq = action->seq;
    }
    if (action->op == 0)
      g_assert_nonnull (action->name);
    if (!self->quiet) {
      g_free (self->last_d);
      self->last_d = hemera_view_to_json (action->d, HEMERA_JSON_DEFAULT, NULL);
    }
    break;
  case HEMERA_SHARD_ACTION_STATE:
    if (action->to == HEMERA_SHARD_ACTIVE)
      self->active = TRUE;
    break;
  case HEMERA_SHARD_ACTION_SESSION:
    self->session_known = action->session.id != NULL;
    self->last_seq = 0;
    break;
  case HEMERA_SHARD_ACTION_GAP:
    self->gaps++;
    g_assert_cmpuint (action->seq, >=, self->last_seq);
    g_assert_nonnull (action->session.id);
    self->last_since_ms = action->since_ms;
    self->last_gap_seq = action->seq;
    break;
  case HEMERA_SHARD_ACTION_REQUEST_IDENTIFY:
    g_assert_true (self->open && !self->closing && !self->lease);
    self->lease = TRUE;
    break;
  case HEMERA_SHARD_ACTION_IDENTIFIED: g_assert_true (self->lease); break;
  case HEMERA_SHARD_ACTION_RELEASE_LEASE:
    g_assert_true (self->lease);
    self->lease = FALSE;
    break;
  case HEMERA_SHARD_ACTION_SENT:
  case HEMERA_SHARD_ACTION_SEND_FAILED: self->finished++; break;
  case HEMERA_SHARD_ACTION_ENCODING: self->variant.encoding = action->encoding; break;
  case HEMERA_SHARD_ACTION_STOP:
    g_assert_false (self->lease);
    self->stopped = TRUE;
    break;
  default: break;
  }
}

static void
check_deadline (Rig *self)
{
  HemeraShardState state = hemera__shard_machine_state (self->machine);

  if (state != HEMERA_SHARD_STOPPED && state != HEMERA_SHARD_ACTIVE)
    g_assert_cmpint (hemera__shard_machine_deadline (self->machine), <, G_MAXINT64);
}

/* ---- actions as words ----------------------------------------------------------------------------------------------------------- */

static HemeraTerm *
decode_write (const HemeraShardAction *action)
{
  gsize size;
  const char *data = g_bytes_get_data (action->data, &size);
  HemeraTerm *term;
  GError *error = NULL;

  if (action->binary)
    term = hemera_term_new_from_etf_data (data, size, NULL, &error);
  else
    term = hemera_term_new_from_json (data, size, NULL, &error);
  g_assert_no_error (error);
  return term;
}

static void
add_write (Rig *self, const HemeraShardAction *action)
{
  HemeraTerm *term = decode_write (action);
  HemeraView root = hemera_term_view (term);
  guint64 op = hemera_view_uint64 (hemera_view_get (root, "op"), 99);

  check_write (self, action, root);
  g_free (self->last_write);
  self->last_write = hemera_view_to_json (root, HEMERA_JSON_DEFAULT, NULL);
  if (op == HEMERA_OP_HEARTBEAT) {
    guint64 seq = hemera_view_uint64 (hemera_view_get (root, "d"), 0);

    self->last_beat = seq;
    g_string_append_printf (self->words, "beat:%" G_GUINT64_FORMAT, seq);
  } else if (op == HEMERA_OP_RESUME)
    g_string_append_printf (self->words, "resume:%" G_GUINT64_FORMAT,
                            hemera_view_uint64 (hemera_view_get (hemera_view_get (root, "d"), "seq"), 0));
  else if (op == HEMERA_OP_IDENTIFY)
    g_string_append (self->words, "identify");
  else
    g_string_append_printf (self->words, "write:%" G_GUINT64_FORMAT, op);
  hemera_term_unref (term);
}

static void
add_word (Rig *self, const HemeraShardAction *action)
{
  GString *words = self->words;
  g_autofree char *reason = NULL;

  if (words->len > 0)
    g_string_append_c (words, ' ');
  switch (action->type) {
  case HEMERA_SHARD_ACTION_CONNECT: g_string_append_printf (words, "connect:%u", action->connection); break;
  case HEMERA_SHARD_ACTION_WRITE: add_write (self, action); break;
  case HEMERA_SHARD_ACTION_CLOSE: g_string_append_printf (words, "close:%u", action->code); break;
  case HEMERA_SHARD_ACTION_ABORT: g_string_append (words, "abort"); break;
  case HEMERA_SHARD_ACTION_REQUEST_IDENTIFY: g_string_append (words, "request"); break;
  case HEMERA_SHARD_ACTION_IDENTIFIED: g_string_append (words, "identified"); break;
  case HEMERA_SHARD_ACTION_RELEASE_LEASE:
    g_string_append (words, action->used ? "release:used" : "release:unused");
    break;
  case HEMERA_SHARD_ACTION_STATE:
    g_string_append_printf (words, "%s>%s", hemera_shard_state_to_string (action->from),
                            hemera_shard_state_to_string (action->to));
    break;
  case HEMERA_SHARD_ACTION_EVENT:
    g_string_append_printf (words, "event:%u", action->op);
    if (action->name != NULL)
      g_string_append_printf (words, ":%" G_GUINT64_FORMAT ":%.*s", action->seq, (int) action->name_size,
                              action->name);
    break;
  case HEMERA_SHARD_ACTION_SESSION:
    g_string_append_printf (words, "session:%s", action->session.id != NULL ? action->session.id : "-");
    break;
  case HEMERA_SHARD_ACTION_GAP: g_string_append_printf (words, "gap:%" G_GUINT64_FORMAT, action->seq); break;
  case HEMERA_SHARD_ACTION_SENT:
    g_string_append_printf (words, "sent:%" G_GUINT64_FORMAT, action->tag);
    break;
  case HEMERA_SHARD_ACTION_SEND_FAILED:
    g_string_append_printf (words, "failed:%" G_GUINT64_FORMAT ":%d", action->tag, action->error->code);
    break;
  case HEMERA_SHARD_ACTION_RECONNECTING:
    g_string_append_printf (words, "reconnecting:%s", action->cause);
    if (action->code != 0)
      g_string_append_printf (words, ":%u", action->code);
    break;
  case HEMERA_SHARD_ACTION_DISCONNECTING:
    g_string_append_printf (words, "disconnecting:%u", action->code);
    break;
  case HEMERA_SHARD_ACTION_ERROR:
    g_assert_true (action->error->domain == HEMERA_GATEWAY_ERROR);
    g_string_append (words, "error");
    break;
  case HEMERA_SHARD_ACTION_LATENCY:
    g_string_append_printf (words, "latency:%" G_GINT64_FORMAT, action->latency_us);
    break;
  case HEMERA_SHARD_ACTION_ENCODING:
    g_string_append (words, action->encoding == HEMERA_ENCODING_JSON ? "encoding:json" : "encoding:etf");
    break;
  case HEMERA_SHARD_ACTION_FAILURES: g_string_append_printf (words, "failures:%u", action->failures); break;
  case HEMERA_SHARD_ACTION_ALARM: g_string_append (words, "alarm"); break;
  case HEMERA_SHARD_ACTION_STOP:
    reason = hemera_view_to_string (hemera_term_view (action->reason));
    check_no_token (reason);
    if (hemera_view_is_atom (hemera_term_view (action->reason), "normal"))
      g_string_append (words, "stop:normal");
    else if (hemera_view_is_atom (hemera_view_element (hemera_term_view (action->reason), 0), "shutdown"))
      g_string_append (words, "stop:shutdown");
    else
      g_string_append (words, "stop:crash");
    break;
  }
}

void
rig_collect (Rig *self)
{
  HemeraShardAction action;

  while (hemera__shard_machine_next_action (self->machine, &action)) {
    check_invariants (self, &action);
    add_word (self, &action);
    if (self->on_action != NULL)
      self->on_action (self->on_action_data, &action);
    if (self->quiet)
      g_string_truncate (self->words, 0);
    hemera__shard_action_clear (&action);
  }
  check_deadline (self);
}

char *
rig_take (Rig *self)
{
  char *words;

  rig_collect (self);
  words = g_strdup (self->words->str);
  g_string_truncate (self->words, 0);
  return words;
}

/* ---- inputs --------------------------------------------------------------------------------------------------------------------- */

void
rig_tick (Rig *self)
{
  gint64 deadline = hemera__shard_machine_deadline (self->machine);

  g_assert_cmpint (deadline, <, G_MAXINT64);
  self->now = MAX (self->now, deadline);
  hemera__shard_machine_tick (self->machine, self->now);
  rig_collect (self);
}

void
rig_advance (Rig *self, gint64 ms)
{
  gint64 end = self->now + ms * 1000;
  guint turns = 0;

  while (hemera__shard_machine_deadline (self->machine) <= end) {
    rig_tick (self);
    g_assert_cmpuint (turns++, <, 100000); /* a deadline that stays in the past would spin a loop */
  }
  self->now = end;
}

void
rig_start (Rig *self)
{
  hemera__shard_machine_start (self->machine, self->now);
  rig_collect (self);
}

void
rig_resolved (Rig *self)
{
  hemera__shard_machine_resolved (self->machine, self->now, self->connection);
  rig_collect (self);
}

void
rig_opened (Rig *self)
{
  HemeraShardState state = hemera__shard_machine_state (self->machine);

  if (state == HEMERA_SHARD_RESOLVING || state == HEMERA_SHARD_CONNECTING)
    self->open = TRUE;
  if (self->deflating)
    deflateEnd (&self->deflate);
  self->deflating = FALSE;
  hemera__shard_machine_opened (self->machine, self->now, self->connection);
  rig_collect (self);
}

void
rig_bytes (Rig *self, gconstpointer data, gsize size, gboolean first, gboolean final, gboolean binary)
{
  /* A copy of just the size, so that reading past it is seen by the sanitizer. */
  g_autofree guint8 *copy = size > 0 ? g_memdup2 (data, size) : NULL;

  hemera__shard_machine_received (self->machine, self->now, self->connection, copy, size, first, final,
                                  binary);
  rig_collect (self);
}

GBytes *
rig_encode (HemeraEncoding encoding, const char *json)
{
  g_autoptr (HemeraTerm) term = NULL;
  GError *error = NULL;

  if (encoding == HEMERA_ENCODING_JSON)
    return g_bytes_new (json, strlen (json));
  term = hemera_term_new_from_json (json, strlen (json), NULL, &error);
  g_assert_no_error (error);
  return hemera_term_to_etf (term);
}

GBytes *
rig_compress (Rig *self, GBytes *plain)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (plain, &size);
  gsize capacity = size + 1024;
  guint8 *out = g_malloc (capacity);

  if (!self->deflating) {
    memset (&self->deflate, 0, sizeof self->deflate);
    g_assert_cmpint (deflateInit (&self->deflate, 6), ==, Z_OK);
    self->deflating = TRUE;
  }
  self->deflate.next_in = (Bytef *) data;
  self->deflate.avail_in = (uInt) size;
  self->deflate.next_out = out;
  self->deflate.avail_out = (uInt) capacity;
  g_assert_cmpint (deflate (&self->deflate, Z_SYNC_FLUSH), ==, Z_OK);
  g_assert_cmpuint (self->deflate.avail_in, ==, 0);
  return g_bytes_new_take (out, capacity - self->deflate.avail_out);
}

void
rig_payload (Rig *self, const char *json)
{
  g_autoptr (GBytes) bytes = rig_encode (self->variant.encoding, json);
  gboolean binary =
      self->variant.encoding == HEMERA_ENCODING_ETF || self->variant.compression != HEMERA_COMPRESSION_NONE;
  gsize size, at = 0;
  const guint8 *data;

  if (self->variant.compression == HEMERA_COMPRESSION_ZLIB_STREAM) {
    GBytes *compressed = rig_compress (self, bytes);

    g_bytes_unref (bytes);
    bytes = compressed;
  }
  data = g_bytes_get_data (bytes, &size);
  do {
    gsize piece = self->variant.piece != 0 ? MIN (self->variant.piece, size - at) : size;

    rig_bytes (self, data + at, piece, at == 0, at + piece == size, binary);
    at += piece;
  } while (at < size);
}

void
rig_ended (Rig *self, guint code)
{
  self->open = FALSE;
  hemera__shard_machine_ended (self->machine, self->now, self->connection, code, 0, 0, NULL);
  rig_collect (self);
}

void
rig_lease (Rig *self)
{
  hemera__shard_machine_lease (self->machine, self->now, self->connection);
  rig_collect (self);
}

/* ---- whole ways ------------------------------------------------------------------------------------------------------------------ */

void
rig_open (Rig *self)
{
  if (hemera__shard_machine_state (self->machine) == HEMERA_SHARD_STOPPED)
    rig_start (self);
  rig_resolved (self);
  rig_opened (self);
}

void
rig_hello (Rig *self, guint interval_ms)
{
  g_autofree char *json = g_strdup_printf (
      "{\"t\":null,\"s\":null,\"op\":10,\"d\":{\"heartbeat_interval\":%u,\"_trace\":[\"x\"]}}", interval_ms);

  self->fast_beats = interval_ms < 1000;
  rig_payload (self, json);
}

void
rig_ready (Rig *self)
{
  rig_open (self);
  rig_hello (self, 41250);
  rig_lease (self);
  rig_payload (self, "{\"t\":\"READY\",\"s\":1,\"op\":0,\"d\":{\"v\":10,\"session_id\":\"s1\",\"resume_"
                     "gateway_url\":\"wss://resume.example\","
                     "\"guilds\":[],\"shard\":[1,4]}}");
  g_assert_cmpint (hemera__shard_machine_state (self->machine), ==, HEMERA_SHARD_ACTIVE);
}

void
rig_event (Rig *self, guint64 seq)
{
  g_autofree char *json = g_strdup_printf (
      "{\"t\":\"TYPING_START\",\"s\":%" G_GUINT64_FORMAT ",\"op\":0,\"d\":{\"user_id\":\"1\"}}", seq);

  rig_payload (self, json);
}

void
rig_reconnect (Rig *self)
{
  if (hemera__shard_machine_state (self->machine) == HEMERA_SHARD_CLOSING)
    rig_ended (self, 0);
  g_assert_cmpint (hemera__shard_machine_state (self->machine), ==, HEMERA_SHARD_WAITING);
  rig_tick (self);
  rig_open (self);
  rig_hello (self, 41250);
}

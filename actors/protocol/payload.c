/* A payload is built as a term in Discord's profile and then written as ETF as it is, or as JSON text. See payload.h. */
#include "payload.h"

#include "codec/term/utf8.h"

#include <hemera/etf.h>
#include <hemera/json.h>
#include <hemera/term-builder.h>
#include <string.h>

#define MAX_DEPTH 64

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD, "a payload cannot hold %s", what);
  return FALSE;
}

static gboolean
add_text (HemeraTermBuilder *builder, HemeraView view, GError **error)
{
  const char *data;
  gsize size;

  if (hemera_view_get_string (view, &data, &size)) {
    if (!hemera__utf8_valid (data, size))
      return refuse (error, "a binary that is not UTF-8");
    hemera_term_builder_add_binary (builder, data, size);
  } else { /* an atom in Latin-1 */
    g_autofree char *text = hemera_view_dup_string (view);

    hemera_term_builder_add_string (builder, text);
  }
  return TRUE;
}

static gboolean
add_key (HemeraTermBuilder *builder, HemeraView key, GError **error)
{
  char digits[24];
  gint64 number;
  guint64 positive;

  switch (hemera_view_type (key)) {
  case HEMERA_TERM_ATOM:
  case HEMERA_TERM_BINARY: return add_text (builder, key, error);
  case HEMERA_TERM_INTEGER:
    if (hemera_view_get_int64 (key, &number))
      g_snprintf (digits, sizeof digits, "%" G_GINT64_FORMAT, number);
    else if (hemera_view_get_uint64 (key, &positive))
      g_snprintf (digits, sizeof digits, "%" G_GUINT64_FORMAT, positive);
    else
      return refuse (error, "an integer beyond 64 bits");
    hemera_term_builder_add_string (builder, digits);
    return TRUE;
  default: return refuse (error, "a map key that is not an atom, a binary or an integer");
  }
}

static gboolean
add_number (HemeraTermBuilder *builder, HemeraView view, GError **error)
{
  gint64 number;
  guint64 positive;

  if (hemera_view_get_int64 (view, &number))
    hemera_term_builder_add_int64 (builder, number);
  else if (hemera_view_get_uint64 (view, &positive))
    hemera_term_builder_add_uint64 (builder, positive);
  else
    return refuse (error, "an integer beyond 64 bits");
  return TRUE;
}

static gboolean
add_float (HemeraTermBuilder *builder, HemeraView view, GError **error)
{
  double value;

  if (!hemera_view_get_double (view, &value))
    return refuse (error, "a float that is not finite");
  hemera_term_builder_add_double (builder, value);
  return TRUE;
}

static gboolean
add_atom (HemeraTermBuilder *builder, HemeraView view, GError **error)
{
  gboolean value;

  if (hemera_view_get_boolean (view, &value))
    hemera_term_builder_add_boolean (builder, value);
  else if (hemera_view_is_null (view))
    hemera_term_builder_add_nil (builder);
  else
    return add_text (builder, view, error);
  return TRUE;
}

static gboolean add_term (HemeraTermBuilder *builder, HemeraView view, guint depth, GError **error);

static gboolean
add_list (HemeraTermBuilder *builder, HemeraView view, guint depth, GError **error)
{
  HemeraViewIter iter;
  HemeraView element;

  hemera_term_builder_open_list (builder);
  hemera_view_iter_init (&iter, view);
  while (hemera_view_iter_next (&iter, &element))
    if (!add_term (builder, element, depth + 1, error))
      return FALSE;
  if (hemera_view_is_valid (hemera_view_iter_tail (&iter)))
    return refuse (error, "an improper list");
  hemera_term_builder_close (builder);
  return TRUE;
}

static gboolean
add_map (HemeraTermBuilder *builder, HemeraView view, guint depth, GError **error)
{
  HemeraViewIter iter;
  HemeraView key, value;

  hemera_term_builder_open_map (builder);
  hemera_view_iter_init (&iter, view);
  while (hemera_view_iter_next_pair (&iter, &key, &value))
    if (!add_key (builder, key, error) || !add_term (builder, value, depth + 1, error))
      return FALSE;
  hemera_term_builder_close (builder);
  return TRUE;
}

/* Recurses no deeper than MAX_DEPTH: 4096 bytes hold nothing sensible beyond it. */
static gboolean
add_term (HemeraTermBuilder *builder, HemeraView view, guint depth, GError **error)
{
  if (depth > MAX_DEPTH)
    return refuse (error, "terms nested so deep");

  switch (hemera_view_type (view)) {
  case HEMERA_TERM_INTEGER: return add_number (builder, view, error);
  case HEMERA_TERM_FLOAT: return add_float (builder, view, error);
  case HEMERA_TERM_ATOM: return add_atom (builder, view, error);
  case HEMERA_TERM_BINARY: return add_text (builder, view, error);
  case HEMERA_TERM_LIST: return add_list (builder, view, depth, error);
  case HEMERA_TERM_MAP: return add_map (builder, view, depth, error);
  case HEMERA_TERM_TUPLE: return refuse (error, "a tuple");
  case HEMERA_TERM_PID: return refuse (error, "a pid");
  case HEMERA_TERM_PORT: return refuse (error, "a port");
  case HEMERA_TERM_REFERENCE: return refuse (error, "a reference");
  case HEMERA_TERM_FUN: return refuse (error, "a fun");
  case HEMERA_TERM_BITSTRING: return refuse (error, "a bitstring");
  case HEMERA_TERM_INVALID: break;
  }
  return refuse (error, "no term at all");
}

static GBytes *
encode (HemeraEncoding encoding, HemeraTerm *term, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (encoding == HEMERA_ENCODING_ETF)
    bytes = hemera_term_to_etf (term);
  else {
    GString *text = g_string_sized_new (256);

    if (!hemera_view_append_json (hemera_term_view (term), HEMERA_JSON_DEFAULT, text, error)) {
      g_string_free (text, TRUE);
      return NULL;
    }
    bytes = g_string_free_to_bytes (text);
  }

  if (g_bytes_get_size (bytes) > HEMERA_PAYLOAD_MAX) {
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD,
                 "the payload has %" G_GSIZE_FORMAT " bytes encoded, the gateway takes %d",
                 g_bytes_get_size (bytes), HEMERA_PAYLOAD_MAX);
    return NULL;
  }
  return g_steal_pointer (&bytes);
}

/* Closes the envelope, ends the term and encodes it. Codec errors become the gateway's: they speak of what the caller gave. */
static GBytes *
finish (HemeraTermBuilder *builder, HemeraEncoding encoding, GError **error)
{
  g_autoptr (HemeraTerm) term = NULL;
  GError *cause = NULL;
  GBytes *bytes = NULL;

  hemera_term_builder_close (builder);
  term = hemera_term_builder_end (builder, &cause);
  if (term != NULL)
    bytes = encode (encoding, term, &cause);
  if (cause != NULL && cause->domain != HEMERA_GATEWAY_ERROR) {
    g_set_error_literal (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD, cause->message);
    g_error_free (cause);
  } else if (cause != NULL)
    g_propagate_error (error, cause);
  return bytes;
}

static HemeraTermBuilder *
open_envelope (guint op)
{
  HemeraTermBuilder *builder = hemera_term_builder_new ();

  hemera_term_builder_open_map (builder);
  hemera_term_builder_key (builder, "op");
  hemera_term_builder_add_uint64 (builder, op);
  hemera_term_builder_key (builder, "d");
  return builder;
}

GBytes *
hemera__payload_heartbeat (HemeraEncoding encoding, const guint64 *seq)
{
  g_autoptr (HemeraTermBuilder) builder = open_envelope (HEMERA_OP_HEARTBEAT);

  if (seq != NULL)
    hemera_term_builder_add_uint64 (builder, *seq);
  else
    hemera_term_builder_add_nil (builder);
  return finish (builder, encoding, NULL);
}

static void
add_pair (HemeraTermBuilder *builder, const char *key, const char *value)
{
  hemera_term_builder_key (builder, key);
  hemera_term_builder_add_string (builder, value);
}

GBytes *
hemera__payload_identify (HemeraEncoding encoding, const HemeraShardConfig *config, GError **error)
{
  g_autoptr (HemeraTermBuilder) builder = open_envelope (HEMERA_OP_IDENTIFY);

  hemera_term_builder_open_map (builder);
  add_pair (builder, "token", hemera__token_reveal (config->token));

  hemera_term_builder_key (builder, "properties");
  hemera_term_builder_open_map (builder);
  add_pair (builder, "os", config->os);
  add_pair (builder, "browser", config->browser);
  add_pair (builder, "device", config->device);
  hemera_term_builder_close (builder);

  hemera_term_builder_key (builder, "intents");
  hemera_term_builder_add_uint64 (builder, config->intents);
  if (config->large_threshold > 0) {
    hemera_term_builder_key (builder, "large_threshold");
    hemera_term_builder_add_uint64 (builder, config->large_threshold);
  }

  hemera_term_builder_key (builder, "shard");
  hemera_term_builder_open_list (builder);
  hemera_term_builder_add_uint64 (builder, config->shard_id);
  hemera_term_builder_add_uint64 (builder, config->total_shards);
  hemera_term_builder_close (builder);

  if (config->presence != NULL) {
    hemera_term_builder_key (builder, "presence");
    if (!add_term (builder, hemera_term_view (config->presence), 0, error))
      return NULL;
  }
  hemera_term_builder_close (builder);
  return finish (builder, encoding, error);
}

GBytes *
hemera__payload_resume (HemeraEncoding encoding, const HemeraShardConfig *config,
                        const HemeraSession *session, GError **error)
{
  g_autoptr (HemeraTermBuilder) builder = open_envelope (HEMERA_OP_RESUME);

  hemera_term_builder_open_map (builder);
  add_pair (builder, "token", hemera__token_reveal (config->token));
  add_pair (builder, "session_id", session->id);
  hemera_term_builder_key (builder, "seq");
  hemera_term_builder_add_uint64 (builder, session->seq);
  hemera_term_builder_close (builder);
  return finish (builder, encoding, error);
}

gboolean
hemera__payload_is_sendable (guint op)
{
  switch (op) {
  case HEMERA_OP_PRESENCE_UPDATE:
  case HEMERA_OP_VOICE_STATE_UPDATE:
  case HEMERA_OP_REQUEST_GUILD_MEMBERS:
  case HEMERA_OP_REQUEST_SOUNDBOARD_SOUNDS:
  case HEMERA_OP_REQUEST_CHANNEL_INFO: return TRUE;
  default: return FALSE;
  }
}

GBytes *
hemera__payload_send (HemeraEncoding encoding, guint op, HemeraView data, GError **error)
{
  g_autoptr (HemeraTermBuilder) builder = NULL;
  gsize size;

  if (!hemera__payload_is_sendable (op)) {
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD,
                 "op %u is not one that applications send (3, 4, 8, 31, 43)", op);
    return NULL;
  }
  if (hemera_view_type (data) != HEMERA_TERM_MAP) {
    g_set_error_literal (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD,
                         "d of a payload must be a map");
    return NULL;
  }
  /* A float or a small integer in an old or long form shrinks, but not to less than an eighth: do not build what cannot fit. */
  hemera_view_bytes (data, &size);
  if (size > 8 * HEMERA_PAYLOAD_MAX) {
    g_set_error (error, HEMERA_GATEWAY_ERROR, HEMERA_GATEWAY_ERROR_PAYLOAD, "the payload is over %d bytes",
                 HEMERA_PAYLOAD_MAX);
    return NULL;
  }

  builder = open_envelope (op);
  if (!add_term (builder, data, 0, error))
    return NULL;
  return finish (builder, encoding, error);
}

GBytes *
hemera__payload_recode (HemeraEncoding from, HemeraEncoding to, GBytes *payload, GError **error)
{
  g_autoptr (HemeraTerm) term = NULL;
  gsize size;
  const char *data = g_bytes_get_data (payload, &size);

  if (from == to)
    return g_bytes_ref (payload);
  if (from == HEMERA_ENCODING_ETF)
    term = hemera_term_new_from_etf (payload, NULL, error);
  else
    term = hemera_term_new_from_json (data, size, NULL, error);
  return term != NULL ? encode (to, term, error) : NULL;
}

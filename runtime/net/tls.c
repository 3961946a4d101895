/* TLS of the net: one client SSL_CTX a process (reading the roots costs, and lws would do it once a context), and what is decided a
 * connection when its handshake starts: the name that the certificate must carry, the trust anchors, the verify callback which knows why a
 * certificate is refused. That is set here and not left to lws: every lws context made anywhere in the process overwrites the global index
 * by which lws' own callback finds its connection. A handshake whose socket belongs to no link of ours is refused. Nothing here can turn a
 * check off.
 *
 * The SSL_CTX and each HemeraTrust are immutable once made and counted, so threads share them. */
#include "runtime/net/net-internal.h"

#include <unistd.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct _HemeraTrust {
  atomic_uint refs;
  X509_STORE *store;
};

static SSL_CTX *shared; /* under net.c's creation lock */
static guint users;

static char *
drain_errors (void)
{
  unsigned long code = ERR_peek_last_error ();
  const char *reason = code ? ERR_reason_error_string (code) : NULL;
  char *text = g_strdup (reason ? reason : "unknown error");

  ERR_clear_error ();
  return text;
}

/* ---- one handshake ------------------------------------------------------------------------------------------------------------------ */

static HemeraLink *
link_of (const SSL *ssl)
{
  return hemera__link_of_fd (SSL_get_fd (ssl));
}

static void
tell (HemeraLink *link, char *reason)
{
  if (link && !link->tls_reason)
    link->tls_reason = reason;
  else
    g_free (reason);
}

static int
verify (int ok, X509_STORE_CTX *store)
{
  const SSL *ssl = X509_STORE_CTX_get_ex_data (store, SSL_get_ex_data_X509_STORE_CTX_idx ());
  int why = X509_STORE_CTX_get_error (store);
  HemeraLink *link = ssl ? link_of (ssl) : NULL;

  if (!link)
    return 0;
  if (!ok)
    tell (link,
          g_strdup_printf ("certificate refused: %s (%d, depth %d)", X509_verify_cert_error_string (why), why,
                           X509_STORE_CTX_get_error_depth (store)));
  return ok;
}

static int
refuse (int ok, X509_STORE_CTX *store)
{
  return 0;
}

static gboolean
expect_name (SSL *ssl, const HemeraUrl *url)
{
  X509_VERIFY_PARAM *param = SSL_get0_param (ssl);

  X509_VERIFY_PARAM_set_hostflags (param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (url->numeric)
    return X509_VERIFY_PARAM_set1_host (param, NULL, 0) == 1
           && X509_VERIFY_PARAM_set1_ip_asc (param, url->host) == 1
           && SSL_set_tlsext_host_name (ssl, NULL) == 1;
  return X509_VERIFY_PARAM_set1_host (param, url->host, strlen (url->host)) == 1
         && SSL_set_tlsext_host_name (ssl, url->host) == 1;
}

static void
start_handshake (SSL *ssl)
{
  HemeraLink *link = link_of (ssl);

  if (!link || !expect_name (ssl, link->url)
      || (link->trust && SSL_set1_verify_cert_store (ssl, link->trust->store) != 1)) {
    SSL_set_verify (ssl, SSL_VERIFY_PEER, refuse);
    return;
  }
  SSL_set_verify (ssl, SSL_VERIFY_PEER, verify);
  if (link->phase < HEMERA_PHASE_TLS)
    link->phase = HEMERA_PHASE_TLS;
}

/* What OpenSSL itself found wrong: not TLS at all, a bad record. An end of the stream is no fault of TLS. */
static void
note_error (HemeraLink *link)
{
  unsigned long code = ERR_peek_last_error ();
  const char *reason = code ? ERR_reason_error_string (code) : NULL;

  if (reason && ERR_GET_LIB (code) == ERR_LIB_SSL
      && ERR_GET_REASON (code) != SSL_R_UNEXPECTED_EOF_WHILE_READING)
    tell (link, g_strdup (reason));
}

static void
on_info (const SSL *ssl, int where, int ret)
{
  HemeraLink *link;

  if (where & SSL_CB_HANDSHAKE_START) {
    start_handshake ((SSL *) ssl);
  } else if (where & SSL_CB_HANDSHAKE_DONE) {
    if ((link = link_of (ssl)) != NULL && link->phase == HEMERA_PHASE_TLS)
      link->phase = HEMERA_PHASE_HTTP;
  } else if ((where & SSL_CB_ALERT) && ret >> 8 == SSL3_AL_FATAL) {
    if ((link = link_of (ssl)) != NULL && link->phase == HEMERA_PHASE_TLS)
      tell (link,
            g_strdup_printf ("%s: %s",
                             where & SSL_CB_READ ? "the peer refused the handshake" : "the handshake failed",
                             SSL_alert_desc_string_long (ret)));
  } else if (where == SSL_CB_CONNECT_EXIT && ret <= 0) {
    if ((link = link_of (ssl)) != NULL && link->phase == HEMERA_PHASE_TLS)
      note_error (link);
  }
}

/* ---- what connections share --------------------------------------------------------------------------------------------------------- */

/* A process may end while threads of ours are inside OpenSSL: its own atexit handler would free what they read. The first initialisation
 * decides; OpenSSL makes further calls cheap, from any thread. */
static void
init_openssl (void)
{
  OPENSSL_init_crypto (OPENSSL_INIT_NO_ATEXIT, NULL);
}

/* OpenSSL's directory of roots is read lazily by hash: a fraction of a millisecond instead of the bundle's tens. */
static gboolean
use_system_roots (X509_STORE *store)
{
  X509_LOOKUP *dir = X509_STORE_add_lookup (store, X509_LOOKUP_hash_dir ());
  const char *file = secure_getenv (X509_get_default_cert_file_env ());

  if (!dir || X509_LOOKUP_add_dir (dir, NULL, X509_FILETYPE_DEFAULT) != 1)
    return FALSE;
  if (file)
    X509_STORE_load_file (
        store, file); /* the user's own replacement of the bundle; what it lacks is refused later */
  ERR_clear_error ();
  return TRUE;
}

SSL_CTX *
hemera__tls_acquire (GError **error)
{
  if (!shared) {
    SSL_CTX *ctx;
    g_autofree char *why = NULL;

    init_openssl ();
    ctx = SSL_CTX_new (TLS_client_method ());
    if (!ctx || SSL_CTX_set_min_proto_version (ctx, TLS1_2_VERSION) != 1
        || !use_system_roots (SSL_CTX_get_cert_store (ctx))) {
      why = drain_errors ();
      g_set_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS, "cannot set up TLS: %s", why);
      SSL_CTX_free (ctx);
      return NULL;
    }
    SSL_CTX_set_options (ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode (ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode (ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify (ctx, SSL_VERIFY_PEER, refuse);
    SSL_CTX_set_info_callback (ctx, on_info);
    shared = ctx;
  }
  users++;
  return shared;
}

void
hemera__tls_release (void)
{
  if (--users == 0)
    g_clear_pointer (&shared, SSL_CTX_free);
}

HemeraTrust *
hemera__trust_new (const char *ca_file, GError **error)
{
  X509_STORE *store;
  HemeraTrust *self;

  init_openssl ();
  store = X509_STORE_new ();
  if (!store || !use_system_roots (store) || X509_STORE_load_file (store, ca_file) != 1) {
    int reason = access (ca_file, R_OK) != 0 ? errno : 0; /* which OpenSSL's own text does not say */
    g_autofree char *why = drain_errors ();
    g_set_error (error, HEMERA_NET_ERROR, HEMERA_NET_ERROR_TLS,
                 "cannot read trust anchors from the CA file %s: %s", ca_file,
                 reason != 0 ? g_strerror (reason) : why);
    X509_STORE_free (store);
    return NULL;
  }
  self = g_new0 (HemeraTrust, 1);
  atomic_init (&self->refs, 1);
  self->store = store;
  return self;
}

HemeraTrust *
hemera__trust_ref (HemeraTrust *self)
{
  atomic_fetch_add_explicit (&self->refs, 1, memory_order_relaxed);
  return self;
}

void
hemera__trust_unref (HemeraTrust *self)
{
  /* Release pairs with the acquire of the last unref, on whichever thread that is. */
  if (atomic_fetch_sub_explicit (&self->refs, 1, memory_order_acq_rel) != 1)
    return;
  X509_STORE_free (self->store);
  g_free (self);
}

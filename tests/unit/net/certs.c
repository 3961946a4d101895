/* Certificates on P-256, made in memory; only the CA is written to a file, as clients read it from one. */
#include "tests/unit/net/certs.h"

#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#define DAY   86400L
#define NAMES "DNS:gateway.test,DNS:two.test,DNS:slow.test,DNS:localhost,DNS:*.wild.test,IP:127.0.0.1,IP:::1"

static EVP_PKEY *keys[3]; /* CA, other CA, server */
static X509 *ca, *other_ca, *certs[CERT_COUNT];
static char *ca_file;

static void
add_extension (X509 *cert, X509 *issuer, int nid, const char *value)
{
  X509V3_CTX ctx;
  X509_EXTENSION *extension;

  X509V3_set_ctx (&ctx, issuer, cert, NULL, NULL, 0);
  extension = X509V3_EXT_conf_nid (NULL, &ctx, nid, value);
  g_assert_nonnull (extension);
  X509_add_ext (cert, extension, -1);
  X509_EXTENSION_free (extension);
}

/* @issuer NULL: self-signed. @names NULL: a CA. */
static X509 *
make (const char *common_name, const char *names, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
      long from, long until)
{
  static long serial = 1;
  X509 *cert = X509_new ();

  X509_set_version (cert, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (cert), serial++);
  X509_gmtime_adj (X509_getm_notBefore (cert), from);
  X509_gmtime_adj (X509_getm_notAfter (cert), until);
  X509_NAME_add_entry_by_txt (X509_get_subject_name (cert), "CN", MBSTRING_UTF8, (const guint8 *) common_name,
                              -1, -1, 0);
  X509_set_issuer_name (cert, X509_get_subject_name (issuer ? issuer : cert));
  X509_set_pubkey (cert, key);
  add_extension (cert, issuer ? issuer : cert, NID_basic_constraints,
                 names ? "critical,CA:FALSE" : "critical,CA:TRUE");
  if (names)
    add_extension (cert, issuer ? issuer : cert, NID_subject_alt_name, names);
  else
    add_extension (cert, cert, NID_key_usage, "critical,keyCertSign");
  g_assert_cmpint (X509_sign (cert, issuer_key ? issuer_key : key, EVP_sha256 ()), >, 0);
  return cert;
}

static void
write_ca (void)
{
  int fd = g_file_open_tmp ("hemera-test-ca-XXXXXX.pem", &ca_file, NULL);
  FILE *file = fdopen (fd, "w");

  PEM_write_X509 (file, ca);
  fclose (file);
}

void
certs_init (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    keys[i] = EVP_EC_gen ("P-256");
  ca = make ("Test CA", NULL, keys[0], NULL, NULL, -DAY, DAY);
  other_ca = make ("Other CA", NULL, keys[1], NULL, NULL, -DAY, DAY);
  certs[CERT_GOOD] = make ("good", NAMES, keys[2], ca, keys[0], -DAY, DAY);
  certs[CERT_OTHER_NAME] = make ("other", "DNS:other.test,IP:127.0.0.9", keys[2], ca, keys[0], -DAY, DAY);
  certs[CERT_EXPIRED] = make ("expired", NAMES, keys[2], ca, keys[0], -2 * DAY, -DAY);
  certs[CERT_NOT_YET] = make ("not yet", NAMES, keys[2], ca, keys[0], DAY, 2 * DAY);
  certs[CERT_OTHER_CA] = make ("unknown", NAMES, keys[2], other_ca, keys[1], -DAY, DAY);
  certs[CERT_SELF_SIGNED] = make ("self", NAMES, keys[2], NULL, NULL, -DAY, DAY);
  write_ca ();
}

void
certs_clear (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    EVP_PKEY_free (keys[i]);
  for (gsize i = 0; i < G_N_ELEMENTS (certs); i++)
    X509_free (certs[i]);
  X509_free (ca);
  X509_free (other_ca);
  g_unlink (ca_file);
  g_free (ca_file);
}

const char *
certs_ca_file (void)
{
  return ca_file;
}

static int
choose_h2 (SSL *ssl, const unsigned char **out, unsigned char *size, const unsigned char *in,
           unsigned int in_size, void *arg)
{
  *out = (const unsigned char *) "h2";
  *size = 2;
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *
certs_server (CertKind kind)
{
  SSL_CTX *ctx = SSL_CTX_new (TLS_server_method ());

  if (kind == CERT_TLS_1_1) {
    SSL_CTX_set_security_level (ctx, 0);
    SSL_CTX_set_max_proto_version (ctx, TLS1_1_VERSION);
  }
  if (kind == CERT_TLS_1_2)
    SSL_CTX_set_max_proto_version (ctx, TLS1_2_VERSION);
  if (kind == CERT_H2)
    SSL_CTX_set_alpn_select_cb (ctx, choose_h2, NULL);
  SSL_CTX_use_certificate (ctx, certs[kind > CERT_SELF_SIGNED ? CERT_GOOD : kind]);
  SSL_CTX_use_PrivateKey (ctx, keys[2]);
  return ctx;
}

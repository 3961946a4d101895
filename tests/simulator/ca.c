/* Two P-256 keys, a CA certificate and a server certificate, made anew at each start. */
#include "ca.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

static gboolean
add_extension (X509 *certificate, X509 *issuer, int nid, const char *value)
{
  X509V3_CTX context;
  X509V3_set_ctx_nodb (&context);
  X509V3_set_ctx (&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid (NULL, &context, nid, value);
  gboolean ok = extension != NULL && X509_add_ext (certificate, extension, -1) == 1;
  X509_EXTENSION_free (extension);
  return ok;
}

static X509 *
make_certificate (EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key)
{
  X509 *certificate = X509_new ();
  guint64 serial = 0;
  RAND_bytes ((unsigned char *) &serial, sizeof serial);
  X509_NAME *subject = X509_get_subject_name (certificate);
  gboolean ca = issuer == NULL;
  gboolean ok =
      X509_set_version (certificate, 2) == 1
      && ASN1_INTEGER_set_uint64 (X509_get_serialNumber (certificate), serial >> 1) == 1
      && X509_gmtime_adj (X509_getm_notBefore (certificate), -3600) != NULL
      && X509_gmtime_adj (X509_getm_notAfter (certificate), 30 * 86400) != NULL
      && X509_NAME_add_entry_by_txt (subject, "CN", MBSTRING_UTF8, (const unsigned char *) name, -1, -1, 0)
             == 1
      && X509_set_issuer_name (certificate, X509_get_subject_name (ca ? certificate : issuer)) == 1
      && X509_set_pubkey (certificate, key) == 1;
  if (ca)
    issuer = certificate;
  ok = ok && add_extension (certificate, issuer, NID_subject_key_identifier, "hash")
       && add_extension (certificate, issuer, NID_basic_constraints,
                         ca ? "critical,CA:TRUE" : "critical,CA:FALSE")
       && add_extension (certificate, issuer, NID_key_usage,
                         ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature");
  if (!ca)
    ok = ok && add_extension (certificate, issuer, NID_authority_key_identifier, "keyid")
         && add_extension (certificate, issuer, NID_ext_key_usage, "serverAuth")
         && add_extension (certificate, issuer, NID_subject_alt_name,
                           "IP:127.0.0.1,DNS:localhost,DNS:gateway.test");
  if (ok && X509_sign (certificate, issuer_key, EVP_sha256 ()) > 0)
    return certificate;
  X509_free (certificate);
  return NULL;
}

static gboolean
write_certificate (X509 *certificate, const char *path)
{
  BIO *bio = BIO_new_file (path, "w");
  gboolean ok = bio != NULL && PEM_write_bio_X509 (bio, certificate) == 1;
  BIO_free (bio);
  return ok;
}

/* h2 is refused by not answering it: only http/1.1 is chosen. */
static int
choose_alpn (SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in,
             unsigned size, void *data)
{
  static const unsigned char offer[] = "\x08http/1.1";
  int found = SSL_select_next_proto ((unsigned char **) out, out_size, offer, sizeof offer - 1, in, size);
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

SSL_CTX *
sim_ca_server_context (const char *ca_file, GError **error)
{
  EVP_PKEY *ca_key = EVP_EC_gen ("P-256"), *key = EVP_EC_gen ("P-256");
  X509 *ca =
      ca_key != NULL ? make_certificate (ca_key, "Hemera simulator's throw-away CA", NULL, ca_key) : NULL;
  X509 *certificate = ca != NULL && key != NULL ? make_certificate (key, "gateway.test", ca, ca_key) : NULL;
  SSL_CTX *context = certificate != NULL ? SSL_CTX_new (TLS_server_method ()) : NULL;
  gboolean ok = context != NULL && SSL_CTX_set_min_proto_version (context, TLS1_2_VERSION) == 1
                && SSL_CTX_use_certificate (context, certificate) == 1
                && SSL_CTX_use_PrivateKey (context, key) == 1 && write_certificate (ca, ca_file);
  if (ok) {
    SSL_CTX_set_mode (context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER
                                   | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options (context, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_alpn_select_cb (context, choose_alpn, NULL);
  } else {
    char why[128] = "";
    ERR_error_string_n (ERR_get_error (), why, sizeof why);
    g_set_error (error, SIM_ERROR, SIM_ERROR_SYSTEM, "cannot make the certificates: %s", why);
    g_clear_pointer (&context, SSL_CTX_free);
  }
  X509_free (certificate);
  X509_free (ca);
  EVP_PKEY_free (key);
  EVP_PKEY_free (ca_key);
  return context;
}

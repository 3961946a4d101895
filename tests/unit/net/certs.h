/* Throw-away certificates of the net's tests, made anew each run: a CA, and server certificates that are right or wrong in one way. */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

typedef enum {
  CERT_NONE, /* no TLS */
  CERT_GOOD, /* gateway.test, two.test, slow.test, localhost, *.wild.test, 127.0.0.1, ::1 */
  CERT_OTHER_NAME,
  CERT_EXPIRED,
  CERT_NOT_YET,
  CERT_OTHER_CA,
  CERT_SELF_SIGNED,
  CERT_TLS_1_1, /* good, but the server speaks nothing newer */
  CERT_TLS_1_2,
  CERT_H2, /* good, but the server chooses a protocol that was not offered */
  CERT_COUNT,
} CertKind;

void certs_init (void);
void certs_clear (void);
/* The PEM file of the CA that signed the good ones. */
const char *certs_ca_file (void);
/* (transfer full) */
SSL_CTX *certs_server (CertKind kind);

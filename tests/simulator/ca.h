/* The simulator's throw-away certification authority. */
#pragma once

#include <openssl/ssl.h>

#include "value.h"

/* A server context whose certificate holds for 127.0.0.1, localhost and gateway.test, signed by a CA made now and whose certificate is
 * written to @ca_file. Keys never leave the process. NULL with @error set. (transfer full) */
SSL_CTX *sim_ca_server_context (const char *ca_file, GError **error);

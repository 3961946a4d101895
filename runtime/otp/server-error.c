#include <hemera/server.h>

G_DEFINE_QUARK (hemera-error-quark, hemera_error)

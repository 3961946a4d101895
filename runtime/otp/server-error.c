/* The error domain of calls. */
#include <hemera/server.h>

G_DEFINE_QUARK (hemera_error, hemera_error)

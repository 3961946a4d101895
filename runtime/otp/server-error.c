/* The error domain of calls. */
#include <hemera/server.h>

GQuark
hemera_error_quark (void)
{
  return g_quark_from_static_string ("hemera-error-quark");
}

/* The error domain of the codec. Like all of ours not by G_DEFINE_QUARK, whose cached value is a data race: actors of all workers ask. */
#include <hemera/etf.h>

GQuark
hemera_codec_error_quark (void)
{
  return g_quark_from_static_string ("hemera-codec-error-quark");
}

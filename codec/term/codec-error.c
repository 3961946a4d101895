/* The error domain of the codec. */
#include <hemera/etf.h>

G_DEFINE_QUARK (hemera_codec_error, hemera_codec_error)

#include <hemera/etf.h>

G_DEFINE_QUARK (hemera-codec-error-quark, hemera_codec_error)

/* Compiler and visibility macros of Hemera's headers. */
#pragma once

#include <glib.h>

#if defined(__GNUC__)
#define HEMERA_API __attribute__ ((visibility ("default"))) extern
#else
#define HEMERA_API extern
#endif

/* Standard input and output of hemera-etf, with buffers of their own: a filter over a million small terms must not ask the kernel for each,
 * a co-process must answer before it waits, and the pipes that a program inherits may be non-blocking, which stdio takes for an error. */
#pragma once

#include <glib.h>

/* Reads up to @size bytes; fewer only at the end of the input. Before it waits for more it writes out what is pending. */
gboolean etf_read (void *data, gsize size, gsize *got, GError **error);

/* Takes @data for writing; it is out after etf_flush(), or before the next wait for input. */
gboolean etf_write (const void *data, gsize size, GError **error);
gboolean etf_flush (GError **error);

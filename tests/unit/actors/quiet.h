/* For tests that give reasons for warnings: g_log_set_writer_func (quiet_log, NULL, NULL) drops those, but a critical still ends the program. */
#pragma once

#include <glib.h>

static inline GLogWriterOutput
quiet_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  return level <= G_LOG_LEVEL_CRITICAL ? g_log_writer_default (level, fields, n, data) : G_LOG_WRITER_HANDLED;
}

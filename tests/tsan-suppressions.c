/* What TSan is told not to report, linked into every program of a tsan build: third-party code alone, each rule with its reason. Rules match
 * a function on either stack, so each names a leaf: one that names a library, or a caller of ours, would blind TSan. */

const char *__tsan_default_suppressions (void) __attribute__ ((visibility ("default")));

/* GRWLock: GLib makes the pthread_rwlock_t inside at the first use, and publishes it by a compare-and-exchange which TSan does not see, as
 * Debian's GLib is not instrumented. So the second thread to use one "races" with the malloc of the first: two workers with their first
 * GError, since the table of extended error domains has such a lock. */
const char *
__tsan_default_suppressions (void)
{
  return "race:^g_rw_lock_reader_lock$\n";
}

/*
 * Named steps at which a test may end the process, as a crash would: CRASH_POINT=name:n in the
 * environment ends it the n-th time that the step is reached. Only in builds with
 * -DCRASH_POINTS=ON; other builds do not contain them.
 */
#ifndef BASE_CRASH_H
#define BASE_CRASH_H

#ifdef CRASH_POINTS
void crash_point(const char *name);
#else
#define crash_point(name) ((void)0)
#endif

#endif

/*
 * Measuring one small thing: how long an operation takes, and how many bytes it works through.
 *
 * An operation is repeated until a repetition takes long enough to be told from noise; what is
 * shown is the median of several repetitions, with the fastest beside it.
 */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <stddef.h>

/* What to measure and how long; made from the command line. */
struct measure {
    const char *const *wanted; /* beginnings of names, NULL-terminated; none: everything */
    int repetitions;
    int repetition_ms;
};

/* Do the operation `count` times. */
typedef void measured(void *context, size_t count);

/* Measure and print a line, if the name is wanted. `bytes`: worked through by one operation. */
void measure(const struct measure *, const char *name, size_t bytes, measured *, void *context);

/* Keep the compiler from finding out that nobody uses *p. */
static inline void measure_keep(const void *p)
{
    __asm__ volatile("" : : "r"(p) : "memory");
}

#endif

/* Repeating, timing, and the line that comes of it. */
#include "measure.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS_MOST = 101 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double time_ns(measured *work, void *context, size_t count)
{
    double start = now_ns();
    work(context, count);
    return now_ns() - start;
}

/* How many operations fill a repetition; warms up on the way. */
static size_t calibrate(const struct measure *m, measured *work, void *context)
{
    double wanted_ns = m->repetition_ms * 1e6;
    for (size_t count = 1;; count *= 2) {
        double took_ns = time_ns(work, context, count);
        if (took_ns >= wanted_ns / 4) {
            return (size_t)((double)count * wanted_ns / took_ns) + 1;
        }
    }
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static bool is_wanted(const struct measure *m, const char *name)
{
    for (const char *const *w = m->wanted; *w; w++) {
        if (strncmp(name, *w, strlen(*w)) == 0) {
            return true;
        }
    }
    return !*m->wanted;
}

void measure(const struct measure *m, const char *name, size_t bytes, measured *work, void *context)
{
    double ns[REPETITIONS_MOST];
    int n = m->repetitions < REPETITIONS_MOST ? m->repetitions : REPETITIONS_MOST;
    if (!is_wanted(m, name)) {
        return;
    }
    size_t count = calibrate(m, work, context);
    for (int i = 0; i < n; i++) {
        ns[i] = time_ns(work, context, count) / (double)count;
    }
    qsort(ns, (size_t)n, sizeof *ns, compare);
    double median = ns[n / 2];
    printf("%-34s %10.1f %10.1f", name, median, ns[0]);
    if (bytes) {
        printf(" %10.0f", (double)bytes * 1e3 / median);
    }
    putchar('\n');
    fflush(stdout);
}

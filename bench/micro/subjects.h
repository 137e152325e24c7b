/* What is measured, a file each. */
#ifndef BENCH_SUBJECTS_H
#define BENCH_SUBJECTS_H

#include "measure.h"

void bench_decode(const struct measure *);   /* messages of pgoutput to events */
void bench_key(const struct measure *);      /* making and comparing the merger's keys */
void bench_ring(const struct measure *);     /* batches from thread to thread */
void bench_escape(const struct measure *);   /* strings to JSON */
void bench_value(const struct measure *);    /* each type, in both forms */
void bench_bytea(const struct measure *);    /* bytea of several sizes */
void bench_record(const struct measure *);   /* whole rows and changes */
void bench_printing(const struct measure *); /* batches of rows, to nowhere and to a pipe */

#endif

/* Writing to descriptors that may take nothing for a while, or be set not to block. */
#ifndef MAIN_OUTPUT_H
#define MAIN_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Where standard output is a pipe, make room for 1 MiB in it, if it has less and the system lets us. */
void output_widen(void);

/*
 * Before the end, give the pipe the size that it had: some relays of containers lose what is more
 * than that when the writer ends. The reader must take it first. Waits for that until the reader is
 * gone, `stop_fd` is readable, or the deadline (of clock_monotonic_us()).
 */
void output_narrow(int stop_fd, int64_t deadline_us);

/*
 * Write all of it to standard output. If the consumer does not read, it waits until `stop_fd` (-1:
 * none) is readable, and fails with ERR_STOPPED.
 */
bool output_write(const char *data, size_t len, int stop_fd, struct err *);

/* The same for who may wait as long as it takes, and writes much at a time: a stop is not heard. */
bool output_stream(const char *data, size_t len, struct err *);

/*
 * A line of the log to standard error, written by `write`, which knows the form of lines. If
 * standard error takes nothing for a second, this line and those that follow are dropped and
 * counted. The next line that is written comes after one that says how many. One thread at a time.
 */
void output_log(const char *line, size_t len, void (*say_dropped)(unsigned count));

/* To standard error, what is no line of the log. Gives up if nothing is taken for a second. */
bool output_error(const char *data, size_t len);

/* Whether standard error is a regular file, which keeps no times of its lines. */
bool output_error_is_file(void);

/* Whether standard error takes something now. */
bool output_error_ready(void);

#endif

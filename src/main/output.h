/* Writing to descriptors that may take nothing for a while, or be set not to block. */
#ifndef MAIN_OUTPUT_H
#define MAIN_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * All of it to standard output, which nobody may read: once `stop_fd` (-1: none) is readable it ends
 * with ERR_STOPPED.
 */
bool output_write(const char *data, size_t len, int stop_fd, struct err *);

/* The same for who may wait as long as it takes, and writes much at a time: a stop is not heard. */
bool output_stream(const char *data, size_t len, struct err *);

/*
 * A line of the log to standard error, written by `write`, which knows the form of lines. Where nobody
 * takes any for a second, this and those that follow are dropped, and counted: the next one that is
 * taken again comes after a line that says how many. One thread at a time.
 */
void output_log(const char *line, size_t len, void (*say_dropped)(unsigned count));

/* To standard error, what is no line of the log: given up where nobody takes it for a second. */
bool output_error(const char *data, size_t len);

/* Whether standard error takes something now. */
bool output_error_ready(void);

#endif

/* The row of the watermarks table that requests a backfill. */
#ifndef ROW_REQUEST_H
#define ROW_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The row's `slot`: it asks the capture of that slot to backfill a table again. Its `watermark` is
 * the table's stream_name(). No slot has such a name. Caller frees.
 */
char *request_name(const char *slot);

/* Whether a row has that name. */
bool is_request_name(const char *name, size_t len, const char *slot);

#endif

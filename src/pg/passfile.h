/* libpq's file of passwords: PGPASSFILE, or ~/.pgpass. */
#ifndef PG_PASSFILE_H
#define PG_PASSFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether libpq would ignore it, with a warning on standard error that no log has: others may read
 * it, or it is no plain file. *path: which file that is.
 */
bool passfile_is_ignored(char *path, size_t size);

#endif

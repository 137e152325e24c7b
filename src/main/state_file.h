/*
 * The state file of a read, while it runs: a consumer that rewrites it with the newest state that
 * it has stored, records and all, lets the server release WAL up to there.
 */
#ifndef MAIN_STATE_FILE_H
#define MAIN_STATE_FILE_H

#include <sys/stat.h>

#include "airbyte/airbyte.h"
#include "program.h"

struct state_file {
    struct program *program;
    struct airbyte_read *read;
    struct stat taken; /* the file as it was read last */
    int failures;      /* to read it, in a row */
    int missing;       /* how often it was not there, likewise */
};

/* As it was when the program read it. */
void state_file_begin(struct state_file *, struct program *, struct airbyte_read *);

/* Call about once a second; the context is the state file. */
void state_file_step(void *context);

#endif

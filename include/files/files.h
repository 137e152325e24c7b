/*
 * Records in files, below one directory, exactly once whatever ends the process or the machine:
 *
 *   DIRECTORY/lock                              held by the one process that writes there
 *   DIRECTORY/state.json                        the state, and how far each open file counts
 *   DIRECTORY/public.orders/00000001.jsonl      finished: never touched again, anybody may take it
 *   DIRECTORY/public.orders/00000002.jsonl.open being written
 *
 * A line is a record's data. With compression names end in .jsonl.zst: frames of Zstandard, one
 * behind the other.
 *
 * A checkpoint is kept in this order: records are written and synced, then state.json is replaced,
 * then the server is allowed to release their WAL, then files that are finished get their names. A
 * crash leaves an open file with more than state.json knows of, which the next start cuts off, or a
 * finished one without its name, which the next start gives it.
 *
 * The calls of codec and sink come from the emitter's thread.
 */
#ifndef FILES_FILES_H
#define FILES_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "config/catalog.h"
#include "config/config.h"
#include "engine/engine.h"
#include "runtime/run.h"
#include "state/state.h"

struct files_options {
    const char *directory; /* made if it is not there; its parent must be */
    uint64_t rotate_bytes; /* a file of so many bytes is finished at the next checkpoint, */
    int64_t rotate_ms;     /* and so is one whose first record is as old */
    bool zstd;
};

struct files;

/* Make the directory and lock it. NULL: another process has it, or it cannot be used. */
struct files *files_open(const struct files_options *, struct err *);
void files_close(struct files **);

/*
 * Read state.json, and bring the files to what it says. *state is what the capture goes on from;
 * the beginning in a new directory. Config and catalog are borrowed for as long as it is open.
 */
bool files_load(struct files *, const struct config *, const struct catalog *,
                const struct captured_streams *, struct state *, struct err *);

/* Before the engine runs. What is kept is stored to *acknowledged. */
void files_begin(struct files *, struct run *, uint64_t *acknowledged);

struct codec files_codec(struct files *);
struct sink files_sink(struct files *);

#endif

/*
 * Records in files, below one directory: each exactly once, even if the process or the machine
 * crashes:
 *
 *   DIRECTORY/lock                              locked by the one process that writes there
 *   DIRECTORY/state.json                        the state, and how far each open file counts
 *   DIRECTORY/public.orders/00000001.jsonl      finished: never written again, may be moved away
 *   DIRECTORY/public.orders/00000002.jsonl.open being written
 *
 * A line is a record's data. With compression names end in .jsonl.zst: Zstandard frames, one after
 * the other.
 *
 * A checkpoint is kept in this order: records are written and synced, then state.json is replaced,
 * then the server is allowed to remove their WAL, then finished files get their names. After a
 * crash an open file may hold more than state.json says: the next start cuts that off. Or a
 * finished file does not have its final name: the next start renames it.
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
 * Read state.json, and bring the files to what it says. *state is what the capture continues from;
 * in a new directory, the beginning. Config and catalog are borrowed for as long as it is open.
 */
bool files_load(struct files *, const struct config *, const struct catalog *,
                const struct captured_streams *, struct state *, struct err *);

/* Before the engine runs. The position of each checkpoint that is on disk is stored to
 * *acknowledged. */
void files_begin(struct files *, struct run *, uint64_t *acknowledged);

struct codec files_codec(struct files *);
struct sink files_sink(struct files *);

#endif

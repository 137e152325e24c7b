/* What the files of this layer share. */
#ifndef FILES_INTERNAL_H
#define FILES_INTERNAL_H

#include <sys/types.h>
#include <zstd.h>

#include "files/files.h"
#include "manifest.h"
#include "name.h"

/*
 * For each table: the file that is being written; `at` says its number and length.
 *
 *   NONE --first bytes--> OPEN --sync--> ... --due at a checkpoint--> FINISHED --named--> NONE
 *
 * FINISHED: `at` is the next file already.
 */
struct series {
    struct files *files;
    struct file_entry at;
    struct file_entry finished; /* number 0: none; its directory is not set */
    struct out out;             /* what is not in the file yet; no memory while unused */
    int fd;                     /* -1: not open now */
    ino_t inode;                /* of the open file; 0: it was not opened yet */
    uint64_t used;              /* when it was last, for choosing what to close */
    bool written;               /* it is among those that were written since the last checkpoint */
    bool dirty;                 /* and something is not synced */
    bool made;                  /* its directory has a new name in it that is not synced */
};

struct files {
    char *path;
    int directory, lock; /* descriptors */
    uint64_t rotate_bytes;
    int64_t rotate_ms;
    bool zstd;

    const struct config *config;
    const struct catalog *catalog;
    struct run *run;
    uint64_t *acknowledged;

    struct series **series;
    size_t count, cap;
    struct series **of_stream; /* of the catalog; NULL: not asked for yet */
    struct series **written;
    size_t written_count, written_cap;
    struct series **open; /* those with a descriptor */
    int open_count, open_most;
    uint64_t uses;
    bool makes_room; /* buffers are being freed */
    bool syncs_all;  /* the file system can be synced as a whole, and reports what failed */
    bool sync_all;   /* it must be: files were closed without a sync */

    ZSTD_CCtx *compressor; /* NULL: not needed yet */
    struct out frame;

    struct checkpoint *whole; /* the last of each stream */
    struct out state;         /* the last one as text; empty: none yet */
    uint64_t cursor;          /* of it */
    int64_t looked_us;        /* when files that are due were last looked for */
    bool over;                /* nothing will follow: all files are finished */
    bool failed;              /* permanently: what the disk has is not known any more */
    struct err err;
};

/* "DIRECTORY/name", or "DIRECTORY/directory/name"; new. */
char *files_path(const struct files *, const char *directory, const char *name);

/* Set the error by errno: which action on which file failed, and what to do. Returns false. */
bool disk_error(struct err *, const char *what, char *path);

/* The same for a directory that cannot be used at all: nothing has been written to it. */
bool disk_unusable(struct err *, const char *what, char *path);

/* Write all of it, at that offset. False: errno. */
bool disk_write(int fd, const char *data, size_t len, uint64_t at);

/* Whether disk_sync_all can be relied on. */
bool disk_can_sync_all(int directory);
bool disk_sync_all(const struct files *, struct err *);

/* Sync a directory, so that names in it last. `name` NULL: of our own directory. */
bool disk_sync_directory(const struct files *, const char *name, struct err *);

/* series.c: the series of that directory, made if there is none; takes the name. */
struct series *series_get(struct files *, char **directory);
void series_free(struct series *);

/* The buffer to print to; it writes to the file when it is full, and with series_flush. */
struct out *series_out(struct series *);
bool series_flush(struct series *, struct err *);

/* Sync the file. */
bool series_sync(struct series *, struct err *);

/* Note that it is synced, once the whole file system is. */
void series_synced(struct series *);

/* Check that the name still leads to this file. */
bool series_check(struct series *, struct err *);

/* The file gets no more; the next one begins. */
void series_finish(struct series *);

/* Rename the finished file to its final name; the directory is still to be synced. */
bool series_name_finished(struct series *, struct err *);

/* recover.c: make the directory match `at`. */
bool series_recover(struct series *, struct err *);

/* state.c */
bool state_load(struct files *, const struct captured_streams *, struct state *, struct err *);
bool state_save(struct files *, struct err *);

#endif

/* What the files of this layer share. */
#ifndef FILES_INTERNAL_H
#define FILES_INTERNAL_H

#include <sys/types.h>
#include <zstd.h>

#include "files/files.h"
#include "manifest.h"
#include "name.h"

/*
 * Of a table: the file that is being written, of which `at` says which one it is and how long.
 *
 *   NONE --first bytes--> OPEN --sync--> ... --due at a checkpoint--> FINISHED --named--> NONE
 *
 * FINISHED: `at` is the next file already.
 */
struct series {
    struct files *files;
    struct file_entry at;
    struct file_entry finished; /* number 0: none; its directory is not set */
    struct out out;             /* what is not in the file yet; without room: none is used */
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
    bool makes_room; /* buffers are being given away */
    bool syncs_all;  /* the file system can be synced as a whole, and tells what went wrong */
    bool sync_all;   /* it must be: what was closed is not synced */

    ZSTD_CCtx *compressor; /* NULL: not needed yet */
    struct out frame;

    struct checkpoint *whole; /* the last of each stream */
    struct out state;         /* the last one as text; empty: none yet */
    uint64_t cursor;          /* of it */
    int64_t looked_us;        /* when it was looked for files that are due */
    bool over;                /* nothing will follow: all files are finished */
    bool failed;              /* for good: what the disk has is not known any more */
    struct err err;
};

/* "DIRECTORY/name", or "DIRECTORY/directory/name"; new. */
char *files_path(const struct files *, const char *directory, const char *name);

/* What was not done to which file, by errno, and what to do. Returns false. */
bool disk_error(struct err *, const char *what, char *path);

/* The same of a directory that cannot be used at all: nothing has been written to it. */
bool disk_unusable(struct err *, const char *what, char *path);

/* All of it, at that place. False: errno. */
bool disk_write(int fd, const char *data, size_t len, uint64_t at);

/* Whether disk_sync_all can be relied on. */
bool disk_can_sync_all(int directory);
bool disk_sync_all(const struct files *, struct err *);

/* So that names in it stay. `name` NULL: of our own directory. */
bool disk_sync_directory(const struct files *, const char *name, struct err *);

/* series.c: that of the directory, whose name moves; a new one where there is none. */
struct series *series_get(struct files *, char **directory);
void series_free(struct series *);

/* Somewhere to print to; bytes of it arrive in the file by themselves, and with series_flush. */
struct out *series_out(struct series *);
bool series_flush(struct series *, struct err *);

/* What is in the file stays there. */
bool series_sync(struct series *, struct err *);

/* The same once all of the file system is synced. */
void series_synced(struct series *);

/* It is still the file of that name. */
bool series_check(struct series *, struct err *);

/* The file gets no more; the next one begins. */
void series_finish(struct series *);

/* It gets the name that it is found by; that is still to be synced. */
bool series_name_finished(struct series *, struct err *);

/* recover.c: what is in the directory comes to what `at` says. */
bool series_recover(struct series *, struct err *);

/* state.c */
bool state_load(struct files *, const struct captured_streams *, struct state *, struct err *);
bool state_save(struct files *, struct err *);

#endif

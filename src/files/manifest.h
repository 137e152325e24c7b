/*
 * state.json: the state in a form that --state takes too, and beside it how far the files count.
 *
 *   {"state":{"cursor":"0/16B3748", … },
 *    "files":{"public.orders":{"file":"00000002.jsonl","length":4096,"since":1700000000000}}}
 *
 * "file" is the name that the open file will get; all of the table before it are finished. "length"
 * is how many bytes of it count, and "since" when its first record was written; both 0: there is
 * none yet. A table without any records is left out.
 */
#ifndef FILES_MANIFEST_H
#define FILES_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/out.h"
#include "json/json.h"

struct file_entry {
    char *directory; /* owned */
    uint64_t number;
    bool zstd;
    uint64_t length;
    int64_t since_ms;
};

/* Visit each member of the document's "files", which must exist; the visitor takes the directory.
 * False: err says what is wrong, or the visitor refused. */
bool manifest_read(const struct json_at *document,
                   bool (*visit)(void *context, struct file_entry *, struct err *), void *context,
                   struct err *);

/* The whole of it, with the state as it was appended by state_write_whole. */
void manifest_begin(struct out *, const char *state, size_t len);
void manifest_add(struct out *, const struct file_entry *, bool *first);
void manifest_end(struct out *);

#endif

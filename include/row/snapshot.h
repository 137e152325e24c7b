/*
 * What a transaction could see: PostgreSQL's pg_snapshot, "xmin:xmax:xip,…" in 64-bit transaction
 * ids. The stream names transactions by the low 32 bits; the nearest 64-bit id is meant, which is
 * right as long as the two are less than 2^31 transactions apart.
 */
#ifndef ROW_SNAPSHOT_H
#define ROW_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snapshot {
    uint64_t xmin; /* every id below had ended */
    uint64_t xmax; /* no id from here on had ended */
    uint64_t *xip; /* ids in between that were running, ascending; owned */
    size_t xip_count;
};

bool snapshot_parse(struct snapshot *, const char *text);
char *snapshot_text(const struct snapshot *); /* the same form; caller frees */
void snapshot_copy(struct snapshot *, const struct snapshot *from);
void snapshot_free(struct snapshot *);

/* Whether a transaction known to have committed is visible in the snapshot. */
bool snapshot_sees(const struct snapshot *, uint32_t xid);

#endif

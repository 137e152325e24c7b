/*
 * What a transaction could see: PostgreSQL's pg_snapshot, "xmin:xmax:xip,…" in 64-bit transaction
 * ids. The stream names transactions by the low 32 bits; the nearest 64-bit id is meant, which is
 * right as long as the two are less than 2^31 transactions apart.
 *
 * A standby does not show which transactions ran at its primary. There a snapshot is a position,
 * "0/16B3748", that had been replayed before it was taken: it sees all that was committed before
 * that, and may see more.
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
    uint64_t replayed; /* of a standby: the position, and all else is 0; else 0 */
};

bool snapshot_parse(struct snapshot *, const char *text);
char *snapshot_text(const struct snapshot *); /* the same form; caller frees */
void snapshot_copy(struct snapshot *, const struct snapshot *from);
void snapshot_free(struct snapshot *);

/*
 * Whether a transaction of the stream is visible in the snapshot. On a standby it may be visible
 * although this returns false: applying its changes to the rows a second time must do no harm.
 * `final_lsn`: of its commit record; 0: the transaction was received before the snapshot was taken.
 */
bool snapshot_sees(const struct snapshot *, uint32_t xid, uint64_t final_lsn);

#endif

/*
 * The cursor of the Airbyte look, `_ab_cdc_lsn`: with it a destination decides which of two records
 * of a key is newer.
 *
 * It is the LSN of the record's commit with two more hexadecimal digits, and counts on from there:
 * the changes of a transaction, all that the server sent of them, so that a transaction that is
 * sent again has the same cursors whatever is captured of it. Each change has two: a row that moved
 * to another key has its delete at the first and its create at the second, since what differs as
 * text (1.0 and 1.00) may be one key to the destination. Commits are some 40 bytes of WAL apart at
 * least, which is room for five thousand changes; a larger transaction runs into the cursors of the
 * next ones, which then count on from its last. A state carries how far that has gone
 * (cursor_carry), so that a new process does not fall back.
 *
 * A row that the backfill found has the cursor of the position that released it: after all changes
 * that arrived before it, and before all that follow. In ctid order a row may come after its
 * changes, and a key that is not unique does not show it: then all rows get the cursor before that
 * of the first such change (cursor_before).
 *
 * The merger counts, and says in each batch where its changes begin; the emitter counts on from
 * there.
 */
#ifndef ROW_CURSOR_H
#define ROW_CURSOR_H

#include <stdint.h>

enum { CURSOR_BITS = 8 };

/* A cursor after all changes that were committed before `lsn`, the last of which has the cursor
 * `last`. */
static inline uint64_t cursor_before(uint64_t last, uint64_t lsn)
{
    uint64_t at = lsn << CURSOR_BITS;
    return last > at ? last : at;
}

/* A transaction begins whose commit record is at `final_lsn`. */
static inline void cursor_begin(uint64_t *last, uint64_t final_lsn)
{
    uint64_t first = final_lsn << CURSOR_BITS;
    *last = *last > first ? *last : first;
}

/* One of its changes, printed or not. Returns its second cursor; the first is one less. */
static inline uint64_t cursor_change(uint64_t *last)
{
    return *last += 2;
}

/* Rows are released at `lsn`: the end of a commit, or a position between transactions. */
static inline uint64_t cursor_release(uint64_t *last, uint64_t lsn)
{
    uint64_t at = lsn << CURSOR_BITS;
    return *last = *last >= at ? *last + 1 : at;
}

/* The carry of a state with the cursor `lsn`; 0: none is needed, since later cursors are higher. */
static inline uint64_t cursor_carry(uint64_t last, uint64_t lsn)
{
    return last > lsn << CURSOR_BITS ? last : 0;
}

#endif

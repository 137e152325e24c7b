/* Reading the terms of tables (row/terms.h), and judging by them what has happened to a table. */
#ifndef PG_TERMS_H
#define PG_TERMS_H

#include "base/out.h"
#include "config/catalog.h"
#include "config/config.h"
#include "pg/pg.h"
#include "row/terms.h"

/*
 * Append the expressions of all terms, in order, with commas between them; and what they need in
 * FROM, which may follow other items. `oid`, `publication` (its name) and `key` (the names of the
 * key's columns, a text[]) are expressions, too.
 */
void terms_sql(struct out *, const char *oid, const char *publication, const char *key,
               int version);
void terms_from_sql(struct out *, const char *oid, const char *publication, const char *key,
                    int version);

/* Copy them from the columns of a row, from `column` on. */
void terms_take(struct terms *, const struct pg_rows *, int row, int column);

/*
 * The terms of all streams, by name, in one query. keys[i]: the names of a stream's key columns,
 * NULL-terminated; NULL: none. All that is seen was committed before *lsn.
 */
bool terms_look(struct pg *, const struct config *, const struct catalog *,
                char *const *const *keys, struct terms *now, uint64_t *lsn, struct err *);

/*
 * Keep of the oids, in their order, those that no table has. All that is seen was committed before
 * *lsn: what drops a table is flushed before that can be seen.
 */
bool terms_look_gone(struct pg *, uint32_t *oids, size_t *count, uint64_t *lsn, struct err *);

/* How the capture uses the table. */
enum terms_use {
    TERMS_BY_KEY,  /* its rows are being read in the order of the key, */
    TERMS_BY_CTID, /* or as they are stored */
    TERMS_ACTIVE,  /* all its rows are written */
};

/* In order of severity. */
enum terms_change {
    TERMS_SAME,
    TERMS_SHAPE,   /* the capture continues by the new terms: other columns, new empty
                      partitions, files that were rewritten with all their rows */
    TERMS_EMPTIED, /* a file is new, and none of the old rows is in it: TRUNCATE, or an ALTER TABLE
                        that rewrote them */
    TERMS_UNTRACKED, /* it was changed in a way that the stream does not report */
    TERMS_OTHER,     /* its backfill, or the capture of its changes, cannot continue */
    TERMS_AWAY,      /* it is not there, not published or not logged */
};

struct terms_verdict {
    enum terms_change change;
    bool told;     /* the reason is to be logged in any case: a user may have to act */
    char why[400]; /* completes "table s.t …"; "" if it is the same */
};

/* Whether a partitioned table's changes come under the names of its partitions. */
bool terms_come_by_leaves(const struct terms *);

/*
 * Queries rows of the table where only they can show what happened: see terms_judge_leaves.c.
 * `truncated`: the transaction that sent the last TRUNCATE of the whole table; 0: none. The
 * connection must not be in a transaction. It needs the right to read the table; of its partitions
 * no more than that.
 */
bool terms_judge(struct pg *, const struct terms *was, const struct terms *now, enum terms_use,
                 uint32_t truncated, struct terms_verdict *, struct err *);

#endif

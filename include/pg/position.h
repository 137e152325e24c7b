/*
 * Snapshots and positions of the server's WAL, as SQL for the server behind the connection: at a standby
 * they are told in other ways than at a primary. One that was promoted while the connection lasts says
 * NULL: it is to be connected to again.
 */
#ifndef PG_POSITION_H
#define PG_POSITION_H

#include "pg/pg.h"
#include "row/snapshot.h"

/*
 * A snapshot's text (row/snapshot.h): that of the statement; at a standby, of one that is taken after the
 * statement.
 */
const char *snapshot_sql(const struct pg *);

/* A pg_lsn that the server has reached: what was committed before is visible to later statements, but for
 * transactions that wait for a synchronous standby. */
const char *position_sql(const struct pg *);

/*
 * A pg_lsn: all that was visible to the statement's snapshot was committed at or before it. What it names
 * may not be flushed yet, or not be replayed by the standby, and therefore not be sent.
 */
const char *seen_position_sql(const struct pg *);

/* Read one of the two. ERR_TRANSIENT: the standby was promoted. */
bool position_read(struct pg *, const char *(*position)(const struct pg *), uint64_t *lsn,
                   struct err *);

/* Read the first. */
bool snapshot_read(struct pg *, struct snapshot *, struct err *);

/* Set the error to that which NULL means. Returns false. */
bool position_is_none(struct err *);

/* A statement without rows for a primary, which then soon flushes all WAL that there is: it takes a
 * transaction id, and changes nothing. A standby sends what it has replayed, flushed or not. */
#define FLUSH_SQL "SELECT WHERE pg_catalog.txid_current()=0"

#endif

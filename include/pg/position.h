/*
 * Snapshots and positions of the server's WAL, as SQL for the server behind the connection: the
 * expressions for a standby differ from those for a primary. If the standby was promoted after the
 * connection was made, they yield NULL: connect again.
 */
#ifndef PG_POSITION_H
#define PG_POSITION_H

#include "pg/pg.h"
#include "row/snapshot.h"

/*
 * The text of a snapshot (row/snapshot.h): the statement's; at a standby, of one that is taken
 * after the statement.
 */
const char *snapshot_sql(const struct pg *);

/* A pg_lsn that the server has reached: what was committed before is visible to later statements,
 * except transactions that wait for a synchronous standby. */
const char *position_sql(const struct pg *);

/*
 * A pg_lsn: all that was visible to the statement's snapshot was committed at or before it. WAL up
 * to there may not be flushed yet, or not be replayed by the standby, and then it is not sent yet.
 */
const char *seen_position_sql(const struct pg *);

/* Read position_sql or seen_position_sql. ERR_TRANSIENT: the standby was promoted. */
bool position_read(struct pg *, const char *(*position)(const struct pg *), uint64_t *lsn,
                   struct err *);

/* Read snapshot_sql. */
bool snapshot_read(struct pg *, struct snapshot *, struct err *);

/* Set the error to that which NULL means. Returns false. */
bool position_is_none(struct err *);

/* A statement without rows for a primary, which then soon flushes all WAL that there is: it takes a
 * transaction id, and changes nothing. A standby sends what it has replayed, flushed or not. */
#define FLUSH_SQL "SELECT WHERE pg_catalog.txid_current()=0"

#endif

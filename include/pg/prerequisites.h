/*
 * What a capture needs of the server before it can start: finding out what is missing, and making
 * it.
 */
#ifndef PG_PREREQUISITES_H
#define PG_PREREQUISITES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/problems.h"
#include "config/catalog.h"
#include "config/config.h"
#include "pg/facts.h"
#include "pg/pg.h"

/* The purpose for which the slot is checked. */
enum slot_use {
    SLOT_MUST_BE_FREE, /* to read it: it is a problem that another process does */
    SLOT_GOES_ON,      /* the same, to continue from a state: slot_verify reports what is lost */
    SLOT_MAY_BE_READ,  /* by the capture that is being examined */
    SLOT_MAY_BE_OURS,  /* by a capture of this program, but by no other */
};

/*
 * Find everything that would keep a capture from starting. Each problem is added to `problems` as
 * one line in plain words that says how to fix it. Something missing that prerequisites_create may
 * make is not a problem. Without a catalog (`check`) no single
 * table is examined: it is a problem if none can be read. Nothing is changed,
 * and the check waits a few seconds for a slot that must be free and is not. A replication
 * connection is opened as a test, and handed to the caller in *replication (NULL if it failed), or
 * closed if `replication` is NULL. The facts are left in *facts, unless `facts` is NULL; free them
 * even after a failure. False: the server could not be asked.
 */
bool prerequisites_check(struct pg *, const struct config *, const struct catalog *, enum slot_use,
                         struct pg **replication, struct facts *facts, struct problems *problems,
                         struct err *);

/* Nothing is missing, so that prerequisites_create would make nothing. */
bool prerequisites_are_there(const struct facts *, const struct config *);

/*
 * Take those tables out of a catalog that this user may not read, or that are not published and
 * cannot be: by this user, or without making the application's UPDATE fail. Each is a problem. For
 * tables that the user has not named.
 */
bool prerequisites_leave_out(struct pg *, const struct config *, struct catalog *,
                             struct problems *left_out, struct err *);

/* What prerequisites_create makes besides the watermarks table and the publication. */
struct prerequisites {
    bool slot;         /* make one; a capture that has begun can do nothing with a new one */
    uint64_t slot_lsn; /* set to a new slot's consistent point, where its changes begin */
};

/*
 * Make what is missing: the watermarks table, the publication and its tables, and last the slot,
 * waiting for older transactions and for locks of others as long as needed. A stop cancels the
 * statement that waits. Expects that prerequisites_check found no problem in these facts.
 */
bool prerequisites_create(struct pg *, const struct config *, const struct catalog *,
                          struct facts *, struct prerequisites *, struct err *);

/* For streams that join a capture: if their tables cannot be captured, the error says why; else
 * they are added to the publication, unless they are in it. */
bool prerequisites_publish(struct pg *, const struct config *, const struct catalog *,
                           struct err *);

/* It is an error (ERR_CONFIG, with what to run) if what is written to the watermarks table does not
 * arrive in the stream: then a backfill would never end. Takes no lock on a table. */
bool watermarks_come(struct pg *, const struct config *, struct err *);

#endif

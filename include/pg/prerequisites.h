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

/* What the slot is looked at for. */
enum slot_use {
    SLOT_MUST_BE_FREE, /* to read it: it is a problem that another process does */
    SLOT_GOES_ON,      /* the same, from a state: slot_verify tells of what is lost */
    SLOT_MAY_BE_READ,  /* by the very capture that is being looked at */
};

/*
 * Find everything that would keep a capture from starting. Each problem is added to `problems` as
 * one line in plain words with what mends it.
 * What is missing and prerequisites_create may make is no problem. Without a catalog (`check`) the
 * tables are left out. Nothing is changed, and a slot that must be free and is not is given a few
 * seconds to become so. A replication connection is opened to try it, and left to the
 * caller in *replication (NULL where it failed), or closed if `replication` is NULL. What was looked
 * at is left in *facts, to be freed even after a failure, unless that is NULL. False: the server
 * could not be asked.
 */
bool prerequisites_check(struct pg *, const struct config *, const struct catalog *, enum slot_use,
                         struct pg **replication, struct facts *facts, struct problems *problems,
                         struct err *);

/* Nothing is missing, so that prerequisites_create would make nothing. */
bool prerequisites_are_there(const struct facts *, const struct config *);

/*
 * Take those tables out of a catalog that are not published and cannot be: by this user, or without
 * making the application's UPDATE fail. Each is a problem. For tables that nobody has named.
 */
bool prerequisites_leave_out(struct pg *, const struct config *, struct catalog *,
                             struct problems *left_out, struct err *);

/* What prerequisites_create makes beside the watermarks table and the publication. */
struct prerequisites {
    bool slot;         /* make one; a capture that has begun can do nothing with a new one */
    uint64_t slot_lsn; /* set to a new slot's consistent point, where its changes begin */
};

/*
 * Make what is missing: the watermarks table, the publication and its tables, and last the slot,
 * waiting as long as older transactions and others' locks make it wait. A stop takes back what still
 * waits. Expects that prerequisites_check found no problem in these facts.
 */
bool prerequisites_create(struct pg *, const struct config *, const struct catalog *,
                          struct facts *, struct prerequisites *, struct err *);

/* For streams that join a capture: what keeps their tables from being captured is the error; else they
 * are added to the publication, if they are not in it. */
bool prerequisites_publish(struct pg *, const struct config *, const struct catalog *,
                           struct err *);

/* It is an error (ERR_CONFIG, with what to run) if what is written to the watermarks table does not
 * arrive in the stream: a backfill would wait for it for ever. Takes no lock on a table. */
bool watermarks_come(struct pg *, const struct config *, struct err *);

#endif

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
 * caller in *replication (NULL where it failed), or closed if `replication` is NULL. False: the
 * server could not be asked.
 */
bool prerequisites_check(struct pg *, const struct config *, const struct catalog *, enum slot_use,
                         struct pg **replication, struct problems *problems, struct err *);

/* What prerequisites_create makes beside the watermarks table and the publication. */
struct prerequisites {
    bool slot;         /* make one; a capture that has begun can do nothing with a new one */
    uint64_t slot_lsn; /* set to a new slot's consistent point, where its changes begin */
};

/*
 * Make what is missing: the watermarks table, the publication and its tables, and last the slot,
 * waiting as long as older transactions and others' locks make it wait. A stop takes back what still
 * waits. Expects that prerequisites_check found nothing.
 */
bool prerequisites_create(struct pg *, const struct config *, const struct catalog *,
                          struct prerequisites *, struct err *);

/* For streams that join a capture: what keeps their tables from being captured is the error; else they
 * are added to the publication, if they are not in it. */
bool prerequisites_publish(struct pg *, const struct config *, const struct catalog *,
                           struct err *);

/* It is an error (ERR_CONFIG, with what to run) if what is written to the watermarks table does not
 * come by in the stream: a backfill would wait for it for ever. Takes no lock on a table. */
bool watermarks_come(struct pg *, const struct config *, struct err *);

#endif

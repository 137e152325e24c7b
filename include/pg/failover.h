/*
 * Failover slots (PostgreSQL 17 and later): a standby synchronizes them, and when it takes over,
 * the capture continues from its copy of the slot.
 */
#ifndef PG_FAILOVER_H
#define PG_FAILOVER_H

#include "config/config.h"
#include "pg/pg.h"

/* The first version that has them. */
enum { FAILOVER_VERSION = 170000 };

/* Facts about the server's standbys. */
struct failover_facts {
    bool possible; /* it is a primary that can have such slots; else nothing that follows is set */
    bool standby;  /* a standby has a slot here, which synchronizing takes */
    char *slots;   /* owned; the slots of standbys, or NULL */
    bool awaited;  /* synchronized_standby_slots names some: no failover slot is ahead of these */
    char *absent;  /* owned; those of them that no process reads, or NULL */
};

bool failover_read(struct pg *, struct failover_facts *, struct err *);
void failover_clear(struct failover_facts *);

/* Whether the capture's slot should be a failover slot. */
bool failover_wanted(const struct config *, const struct failover_facts *);

/* Make it one. Over a PG_REPLICATION connection; waits until no process reads the slot. */
bool failover_enable(struct pg *replication, const char *slot, struct err *);

/* Visit a line for each problem that a failover would have. */
bool failover_remark(struct pg *, const struct config *,
                     void (*visit)(void *context, const char *line), void *context, struct err *);

#endif

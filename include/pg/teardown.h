/* Removing what a capture has made on the server. */
#ifndef PG_TEARDOWN_H
#define PG_TEARDOWN_H

#include "base/problems.h"
#include "config/config.h"
#include "pg/pg.h"

/* The objects to drop, and those to keep, with the reason. */
struct teardown {
    bool slot, publication, watermarks;
    bool other_slot; /* left by a full refresh that failed: config->other_slot */
    struct problems kept;
};

/*
 * What belongs to the configured capture: its slot; the publication and the watermarks table where
 * they are the user's, and no other capture's slot has a row in that table. ERR_CONFIG: it runs.
 */
bool teardown_plan(struct pg *, const struct config *, struct teardown *, struct err *);

static inline bool teardown_drops(const struct teardown *t)
{
    return t->slot || t->other_slot || t->publication || t->watermarks;
}

/* Append the statements, a line each. */
void teardown_sql(struct out *, const struct config *, const struct teardown *);

/* Run them. The slot goes first: what the server kept for it is free at once. */
bool teardown_run(struct pg *, const struct config *, const struct teardown *, struct err *);

void teardown_clear(struct teardown *);

#endif

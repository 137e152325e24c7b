/*
 * backfillBegin and backfillComplete: destinations drop what a backfill that begins again leaves
 * behind. Nothing that a runtime sends tells whether it takes them, so they are asked for by a
 * feature flag.
 */
#ifndef FLOW_BACKFILLS_H
#define FLOW_BACKFILLS_H

#include "flow/flow.h"

struct backfills;

/* `given`: the state that the capture begins with, NULL: none. */
struct backfills *backfills_new(const struct config *, const struct catalog *,
                                const struct checkpoint *given);
void backfills_free(struct backfills **);

/*
 * Call `say` for each binding whose rows will all be read, before any of them is written, and again
 * for those whose rows were all read before.
 */
void backfills_open(struct backfills *, void (*say)(void *, int binding, bool complete),
                    void *context);

/* The same for each that is complete in a checkpoint that was just written, or begins again behind it:
 * see codec.lost_first. */
void backfills_checkpoint(struct backfills *, const struct checkpoint *,
                          void (*say)(void *, int binding, bool complete), void *context);

#endif

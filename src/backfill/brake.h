/*
 * What keeps a worker from beginning its next chunk: the rate that all workers share, and standbys
 * of the server that lag. A chunk that was begun is read to its end.
 */
#ifndef BACKFILL_BRAKE_H
#define BACKFILL_BRAKE_H

#include "backfill/backfill.h"
#include "pg/pg.h"
#include "runtime/log.h"

struct brake {
    const struct backfill *backfill;
    struct worker_progress *progress;
    struct log_wait wait;
    uint64_t waited_us[BACKFILL_WAITS]; /* as last stored in `progress` */
};

void brake_init(struct brake *, const struct backfill *, struct worker_progress *);

/* Whether the next chunk may begin: then *wait_us is 0, else for how long brake_hold() is to wait
 * before the next brake_ask(). */
bool brake_ask(struct brake *, struct pg *, enum backfill_wait *why, int64_t *wait_us,
               struct err *);

/* Wait for so long, or until the run stops. */
void brake_hold(struct brake *, enum backfill_wait why, int64_t wait_us);

#endif

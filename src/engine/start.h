/* Facts found at the start of a capture: fixed before the threads start. */
#ifndef ENGINE_START_H
#define ENGINE_START_H

#include <stdbool.h>
#include <stdint.h>

#include "merge/checkpoint.h"

struct start {
    struct capture_identity identity; /* owned; its timeline is the first: see pipeline.timeline */
    uint64_t lsn;                     /* where the stream begins */
    uint64_t history_end;  /* where the timeline of the state ended; 0: the server is on it */
    uint64_t planned_lsn;  /* the server's position when the tables were described, */
    uint64_t planned_xmax; /* and the next transaction id */
    int streams;           /* that the capture begins with */
    bool new_slot;         /* making it waited for all transactions that wrote before */
    bool fence;            /* a captured table was being written to when it was described */
    uint64_t renew_lsn;    /* of the tasks of tables that begin (backfill/backfill.h) */
};

#endif

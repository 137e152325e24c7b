/*
 * Warnings about the WAL that a slot keeps: that it is much, and that the slot is about to be lost;
 * and when a capture that has a limit ends. Decided from what was read; nothing is asked here.
 */
#ifndef PG_SLOT_GUARD_H
#define PG_SLOT_GUARD_H

#include "base/out.h"
#include "pg/slot.h"

struct slot_guard {
    const char *slot;                /* borrowed, as is: */
    const char *release;             /* how to make the server remove captured WAL, in words */
    uint64_t warn_bytes, stop_bytes; /* 0: never */

    /* Kept by slot_guard_look; 0 at first. */
    uint64_t said_bytes; /* kept at the last warning; 0: it has not been much since */
    uint64_t said_safe;  /* likewise: bytes that could still be written before the slot is lost */
    uint64_t first;      /* kept at the first look, */
    bool begun;          /* which has been */
    bool near;           /* the slot was about to be lost then */
};

/*
 * Look at the slot, all of whose changes up to `captured` are out. Appends a warning to `warning`
 * if one is due: the same one only when it has become twice as bad. False: the capture is to end.
 *
 * A run that begins with more than the limit must be able to catch up: it ends once as much as the
 * limit has come on top.
 */
bool slot_guard_look(struct slot_guard *, const struct slot *, uint64_t captured,
                     struct out *warning, struct err *);

/* Before the slot is read: warn if it has been idle for nearly as long as it may be. */
void slot_guard_idle(const struct slot *, const char *name, struct out *warning);

#endif

/*
 * Questions that the service is asked from time to time, besides those that the merger needs to
 * continue: how the tables are (a look), what holds the slot back, how the slot is, and heartbeats.
 * Only the merger's thread uses it.
 */
#ifndef ENGINE_LOOKS_H
#define ENGINE_LOOKS_H

#include "service.h"

struct looks {
    struct question
        *look;            /* owned; answered, and taken in once the stream has passed what it saw */
    int64_t look_us;      /* when the tables are looked at next, */
    int64_t held_us;      /* what holds the slot back is asked, */
    int64_t slot_us;      /* the slot is looked at, */
    int64_t heartbeat_us; /* and a heartbeat is sent; INT64_MAX: never */
    bool look_asked, held_asked, slot_asked, heartbeat_asked; /* not answered yet */
};

struct merger_thread;

/* Ask what is due. */
void looks_begin(struct merger_thread *, int64_t now_us);

/* Ask a question that needs nothing but its kind. */
void looks_ask(struct merger_thread *, enum question_kind, bool *asked);

/* The answer to ASK_HEARTBEAT. Not `ok`: no more heartbeats are sent. */
void looks_heartbeat_sent(struct merger_thread *, bool ok);

/* When the merger's thread must wake, for this or for anything else. */
int64_t looks_deadline_us(const struct merger_thread *);

#endif

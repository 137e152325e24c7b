/*
 * The lines logged recently, so that a line about the same is logged at most once a minute, and then
 * how many were left out.
 */
#ifndef RUNTIME_REPEATS_H
#define RUNTIME_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

enum { REPEATS = 32 }; /* keys that are remembered */

struct repeat {
    char *key;        /* owned: what its lines are about; NULL: unused */
    char *text;       /* owned: the newest line that was left out; NULL: none was */
    int level;        /* the caller's */
    const void *wait; /* that logged the newest line; NULL: none did */
    bool over;        /* what the lines are about has ended: those left out are not told any more */
    unsigned count;   /* left out since */
    int64_t said_us;  /* monotonic */
};

/* All zero: none. */
struct repeats {
    struct repeat items[REPEATS];
};

/* A line that is to be logged. `wait`: whose end repeats_over tells; NULL: none. */
struct repeated {
    const char *key, *text;
    int level;
    const void *wait;
};

/* Whether the line is to be logged now, and *before: how many about the same were left out before
 * it. Then its key is remembered, else the line is counted. */
bool repeats_allow(struct repeats *, const struct repeated *, int64_t now_us, unsigned *before);

/*
 * Take the newest line that was left out, where one about the same was logged more than a minute
 * ago, or any such if `all`: its text is the caller's. Left out means since then. False: there is
 * none.
 */
bool repeats_take(struct repeats *, int64_t now_us, bool all, struct repeat *);

/* What lines with this key, or of this wait, report is over. NULL: ignored. */
void repeats_over(struct repeats *, const char *key, const void *wait);

/* Forget it: it may be logged again at once. NULL: nothing is to be forgotten. */
void repeats_forget(struct repeats *, const char *key);
void repeats_clear(struct repeats *);

#endif

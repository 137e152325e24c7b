/*
 * The lines logged recently, so that the same line is logged at most once a minute, and then how
 * many times it was left out.
 */
#ifndef RUNTIME_REPEATS_H
#define RUNTIME_REPEATS_H

#include <stdbool.h>
#include <stdint.h>

enum { REPEATS = 32 }; /* lines that are remembered */

struct repeat {
    char *text;      /* owned; NULL: unused */
    int level;       /* the caller's */
    unsigned count;  /* left out since */
    int64_t said_us; /* monotonic */
};

/* All zero: none. */
struct repeats {
    struct repeat items[REPEATS];
};

/* Whether the line is to be logged now. Then it is remembered, else counted. */
bool repeats_allow(struct repeats *, int level, const char *text, int64_t now_us);

/*
 * Take out a line that was left out meanwhile, and was logged more than a minute ago, or any such
 * if `all`: *repeat is the caller's, with its text. False: there is none.
 */
bool repeats_take(struct repeats *, int64_t now_us, bool all, struct repeat *);

/* Forget it: it may be logged again at once. NULL: nothing is to be forgotten. */
void repeats_forget(struct repeats *, const char *text);
void repeats_clear(struct repeats *);

#endif

/*
 * When to try again after a transient failure, and when to give up: the rule alone, which knows
 * neither clock nor sleep.
 */
#ifndef RUNTIME_RETRY_H
#define RUNTIME_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct retry {
    int64_t success_us; /* when it last went well, */
    int64_t pause_us;   /* and how long to pause after the next failure */
};

/* Also to initialize it. */
void retry_succeeded(struct retry *, int64_t now_us);

/*
 * After the failure *err: whether `what` is to be tried again, after *pause_us, which grows from
 * one failure to the next. False if trying again cannot help, or if it has failed for five minutes;
 * then err says so.
 */
bool retry_again(struct retry *, const char *what, int64_t now_us, int64_t *pause_us, struct err *);

#endif

/* Judging facts: what of them keeps a capture from starting, and what mends it. Asks nothing. */
#ifndef PG_PROBLEMS_H
#define PG_PROBLEMS_H

#include "base/problems.h"
#include "pg/facts.h"
#include "pg/prerequisites.h"

/* Add one, in one line. */
void problem(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A statement that mends the last one, whose text ends in "run". */
void mend(struct problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All but what a second look at the slot tells; `catalog` is that of facts_read. */
void problems_find(const struct facts *, const struct config *, const struct catalog *,
                   enum slot_use, struct problems *problems);

#endif

/* Judging facts: what keeps a capture from starting, and how to fix it. Makes no query. */
#ifndef PG_PROBLEMS_H
#define PG_PROBLEMS_H

#include "base/problems.h"
#include "pg/facts.h"
#include "pg/prerequisites.h"

/* Add one, in one line. */
void problem(struct problems *problems, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Add a statement that fixes the last problem, whose text ends in "run". */
void mend(struct problems *problems, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Find what discover_schemas names and is not there: of a survey, without a catalog. */
void find_unknown_schemas(const struct facts *, struct problems *problems);

/* Find all problems except that the slot is in use, which takes a second look; `catalog` is that of
 * facts_read. */
void problems_find(const struct facts *, const struct config *, const struct catalog *,
                   enum slot_use, struct problems *problems);

#endif

/* Finding the known name that is nearest to an unknown one. */
#ifndef BASE_NEAREST_H
#define BASE_NEAREST_H

#include <stdbool.h>

/*
 * How many letters to insert, delete or replace to get from one to the other (Levenshtein). Letters
 * and digits alone count, in lower case: slotName, slot_name and slot-name are one.
 */
int nearest_distance(const char *from, const char *to);

/* A search among names: begins as {.wanted = …}. Strings are borrowed. */
struct nearest {
    const char *wanted;
    const char *name; /* the nearest that was offered; the first of equals. NULL: none was */
    int distance;
};

void nearest_offer(struct nearest *, const char *name);

/* Whether the name can be meant: at most half of the letters are wrong, or it is longer. */
bool nearest_found(const struct nearest *);

#endif

/* The fields of a line of the log, with the text of those that are numbers. */
#ifndef MAIN_FIELDS_H
#define MAIN_FIELDS_H

#include <stdint.h>

#include "runtime/log.h"

enum { FIELDS = 12, FIELD_NUMBER = 24 };

/* All zero: none. */
struct fields {
    struct log_field items[FIELDS + 1]; /* the last one has no name */
    char numbers[FIELDS][FIELD_NUMBER];
    int count;
};

void fields_text(struct fields *, const char *name, const char *value); /* borrowed */
void fields_number(struct fields *, const char *name, uint64_t value);
void fields_rounded(struct fields *, const char *name, double value);

#endif

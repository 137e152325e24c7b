/* Numbers are printed where the fields keep them. */
#include "fields.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/check.h"

static char *add(struct fields *f, const char *name, const char *value)
{
    CHECK(f->count < FIELDS);
    char *number = f->numbers[f->count];
    f->items[f->count++] = (struct log_field){name, value ? value : number, !value};
    return number;
}

void fields_text(struct fields *f, const char *name, const char *value)
{
    add(f, name, value);
}

void fields_number(struct fields *f, const char *name, uint64_t value)
{
    snprintf(add(f, name, NULL), FIELD_NUMBER, "%" PRIu64, value);
}

void fields_rounded(struct fields *f, const char *name, double value)
{
    snprintf(add(f, name, NULL), FIELD_NUMBER, "%.0f", value);
}

/* Making and comparing shapes of tables. */
#include "row/relation.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct relation *relation_new(int column_count)
{
    struct relation *relation = mem_zero(sizeof *relation);
    relation->columns = mem_zero((size_t)column_count * sizeof *relation->columns);
    relation->column_count = column_count;
    relation->stream = relation->renamed_of = STREAM_NONE;
    return relation;
}

void relation_free(struct relation **relation)
{
    struct relation *r = *relation;
    *relation = NULL;
    if (!r) {
        return;
    }
    for (int i = 0; i < r->column_count; i++) {
        free((void *)r->columns[i].name);
    }
    free((void *)r->schema);
    free((void *)r->name);
    free(r->columns);
    free(r->key);
    free(r);
}

static bool column_equal(const struct column *a, const struct column *b)
{
    return a->type_oid == b->type_oid && a->typmod == b->typmod && a->identity == b->identity &&
           a->text == b->text && !strcmp(a->name, b->name);
}

bool relation_equal(const struct relation *a, const struct relation *b)
{
    if (a->oid != b->oid || a->identity != b->identity || a->column_count != b->column_count ||
        strcmp(a->schema, b->schema) != 0 || strcmp(a->name, b->name) != 0) {
        return false;
    }
    for (int i = 0; i < a->column_count; i++) {
        if (!column_equal(&a->columns[i], &b->columns[i])) {
            return false;
        }
    }
    return true;
}

int relation_column(const struct relation *relation, const char *name)
{
    for (int i = 0; i < relation->column_count; i++) {
        if (!strcmp(relation->columns[i].name, name)) {
            return i;
        }
    }
    return -1;
}

/* The row of facts beside a chunk: whether the table is as it was described. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "reader.h"
#include "row/tuple.h"

/* Each is the caller's to free; NULL: SQL NULL. */
static bool read_facts(const struct message *row, char *facts[FACTS], struct err *err)
{
    struct bytes in = bytes_of(row->body, row->len);
    const uint8_t *next = tuple_check_row(&in, FACTS);
    if (!next || bytes_left(&in)) {
        return err_set(err, ERR_SYSTEM, "the server sent a row that cannot be read");
    }
    next = tuple_first(next);
    for (int i = 0; i < FACTS; i++) {
        struct value value;
        next = tuple_row_next(next, &value);
        facts[i] = value.data ? mem_string_n(value.data, value.len) : NULL;
    }
    return true;
}

/* Whether the table is as it was described. */
static bool check_terms(struct reader *r, char *const *facts, struct err *err)
{
    const struct terms *described = &r->table.description->terms;
    for (int i = 0; i < TERMS; i++) {
        if (strcmp(facts[FACT_TERMS + i] ? facts[FACT_TERMS + i] : "",
                   described->text[i] ? described->text[i] : "") != 0) {
            r->differs = true;
            return err_set(err, ERR_TRANSIENT, "table %s.%s is not what it was: its %s changed",
                           r->table.relation->schema, r->table.relation->name, term_name(i));
        }
    }
    return true;
}

/* *snapshot is the caller's to free, also after a failure. */
bool reader_facts(struct reader *r, char **snapshot, uint64_t *pages, struct err *err)
{
    struct message row;
    char *facts[FACTS] = {NULL};
    *snapshot = NULL;
    if (!reader_expect(r, WIRE_ROW, &row, err) || !read_facts(&row, facts, err)) {
        return false;
    }
    bool ok = check_terms(r, facts, err);
    *pages = facts[FACT_PAGES] ? strtoull(facts[FACT_PAGES], NULL, 10) : 0;
    *snapshot = facts[FACT_SNAPSHOT];
    for (int i = 0; i < FACTS; i++) {
        if (i != FACT_SNAPSHOT) {
            free(facts[i]);
        }
    }
    if (!ok) {
        reader_drain(r);
    }
    return ok && reader_expect_done(r, 1, err);
}

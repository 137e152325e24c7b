/* The row of facts beside a chunk: whether the table is as it was described. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "chunk_reader.h"
#include "pg/position.h"
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
static bool check_terms(struct chunk_reader *r, const struct table_description *d,
                        char *const *facts, struct err *err)
{
    struct terms now;
    memcpy(now.text, facts + FACT_TERMS, sizeof now.text);
    enum term term = terms_differ(&d->terms, &now);
    if (term == TERMS) {
        return true;
    }
    r->failure = OUTCOME_CHANGED;
    return err_set(err, ERR_TRANSIENT, "table %s is not what it was: its %s changed",
                   stream_label(d->relation->schema, d->relation->name).s, term_name(term));
}

/* At a standby the row has the position that was replayed before the *next* snapshot is taken. This
 * snapshot is at least as new as the position in the previous row. */
static bool take_snapshot(struct chunk_reader *r, const char *text, struct snapshot *snapshot,
                          struct err *err)
{
    if (!text) {
        return position_is_none(err);
    }
    if (!snapshot_parse(snapshot, text)) {
        return err_set(err, ERR_SYSTEM, "the server's snapshot cannot be read");
    }
    uint64_t replayed = snapshot->replayed;
    snapshot->replayed = replayed ? r->replayed : 0;
    r->replayed = replayed;
    return true;
}

static bool take_sight(struct chunk_reader *r, char *const *facts, struct snapshot *snapshot,
                       struct rows *rows, struct err *err)
{
    rows->pages = facts[FACT_PAGES] ? strtoull(facts[FACT_PAGES], NULL, 10) : 0;
    return take_snapshot(r, facts[FACT_SNAPSHOT], snapshot, err) &&
           (lsn_parse(facts[FACT_SEEN_LSN] ? facts[FACT_SEEN_LSN] : "", &rows->seen_lsn) ||
            err_set(err, ERR_TRANSIENT, "the server's position cannot be read"));
}

bool chunk_reader_facts_row(struct chunk_reader *r, const struct table_description *d,
                            const struct message *row, struct snapshot *snapshot, struct rows *rows,
                            struct err *err)
{
    char *facts[FACTS] = {NULL};
    bool ok = read_facts(row, facts, err) && check_terms(r, d, facts, err) &&
              (!snapshot || take_sight(r, facts, snapshot, rows, err));
    for (int i = 0; i < FACTS; i++) {
        free(facts[i]);
    }
    return ok;
}

bool chunk_reader_facts(struct chunk_reader *r, struct snapshot *snapshot, struct rows *rows,
                        struct err *err)
{
    struct message row;
    *snapshot = (struct snapshot){0};
    if (!chunk_reader_expect(r, WIRE_ROW, &row, err)) {
        return false;
    }
    if (!chunk_reader_facts_row(r, r->table.description, &row, snapshot, rows, err)) {
        chunk_reader_drain(r);
        return false;
    }
    return chunk_reader_expect_done(r, 1, err);
}

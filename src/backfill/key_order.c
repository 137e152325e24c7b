/* Rows in the order of the key: a chunk begins after a key, and may be cut after any row. */
#include "base/bytes.h"
#include "order.h"

static void rows_sql(struct out *sql, const struct table *table, const struct backfill_task *task,
                     const struct key *after, int rows)
{
    const struct table_description *d = table->description;
    if (after) {
        table_bound_sql(sql, d, true, after);
    }
    if (task->until) {
        table_bound_sql(sql, d, false, task->until);
    }
    out_string(sql, " ORDER BY ");
    table_order_sql(sql, d);
    out_format(sql, " LIMIT %d", rows);
}

static void no_pages_sql(struct out *sql, const char *oid)
{
    (void)oid;
    out_string(sql, "NULL");
}

static size_t batches_most(const struct chunk_reader *r)
{
    return r->ask->batches;
}

static double left_of(const struct chunk_reader *r, const struct rows *rows)
{
    double left = (double)r->ask->rows - (double)rows->count;
    return left > 0 ? left * r->table.row_bytes : 0;
}

static bool note_end(struct chunk_reader *r, struct err *err)
{
    if (!r->batch->row_count) {
        return true;
    }
    key_free(&r->end);
    r->end = table_row_key(&r->table, r->batch->rows[r->batch->row_count - 1]);
    return r->end || err_set(err, ERR_SYSTEM, "the server sent a row whose key cannot be read");
}

/* A cancel might hit the chunk that was asked for behind this one: then the session ends instead. */
static bool cut(struct chunk_reader *r, struct rows *rows, struct err *err)
{
    rows->cut = true;
    if (!note_end(r, err)) {
        return false;
    }
    if (r->ahead) {
        pg_drop(r->pg);
        return true;
    }
    return chunk_reader_skip_rows(r, err);
}

static bool close_chunk(struct chunk_reader *r, const struct rows *rows, struct chunk_close *close,
                        struct err *err)
{
    close->last = !rows->cut && rows->count < (uint64_t)r->ask->rows;
    if (close->last) {
        return true;
    }
    close->end = r->end;
    r->end = NULL;
    return close->end || err_set(err, ERR_SYSTEM, "a chunk has ended without a key to go on from");
}

/* Keys may be long; none is cut within a character. */
static void add_key(struct err *err, const struct key *key)
{
    enum { LONGEST = 200 };
    for (int i = 0; i < key->count; i++) {
        const struct key_column *c = &key->columns[i];
        size_t len = c->len > LONGEST ? bytes_whole_letters(c->text, LONGEST) : c->len;
        err_suffix(err, "%s%.*s%s", i ? ", " : "", (int)len, c->text, len < c->len ? "…" : "");
    }
}

static void name_row(const struct chunk_reader *r, struct err *where)
{
    const struct key *last = r->end ? r->end : r->ask->after;
    if (last) {
        err_suffix(where, " after the row with the key (");
        add_key(where, last);
        err_suffix(where, ")");
    }
}

const struct chunk_order key_order = {
    .may_group = true,
    .in_turn = true,
    .rows_sql = rows_sql,
    .pages_sql = no_pages_sql,
    .batches_most = batches_most,
    .bytes_left = left_of,
    .note_end = note_end,
    .cut = cut,
    .close = close_chunk,
    .name_row = name_row,
};

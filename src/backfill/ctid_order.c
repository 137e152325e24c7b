/*
 * Rows in ctid order: a chunk is a number of pages, whatever they hold, and cannot be cut. Its end
 * is the ctid "(page,0)" of the next page.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "order.h"

static uint64_t first_page(const struct key *after)
{
    return after ? strtoull(after->columns[0].text + 1, NULL, 10) : 0;
}

static struct key *page_key(uint64_t page)
{
    struct key *key = key_new(1);
    char *text = mem_format("(%" PRIu64 ",0)", page);
    key_set(key, 0, text, strlen(text));
    free(text);
    return key;
}

static uint64_t chunk_pages(const struct table *table, int rows)
{
    const struct table_description *d = table->description;
    double per_page = 100;
    if (d->pages > 0 && d->row_estimate > 0) {
        per_page = (double)d->row_estimate / (double)d->pages;
    } else if (d->pages > 0 && d->kind == 'p') {
        per_page *= (double)d->bytes / PAGE_BYTES / (double)d->pages; /* a page of each partition */
    }
    double pages = rows / (per_page < 1 ? 1 : per_page);
    return pages < 1 ? 1 : (uint64_t)pages;
}

/* Before version 14 a range of ctids is a scan of the whole table; a list of ctids is not. */
static void add_pages(struct out *sql, const struct table *table, const struct key *after, int rows)
{
    uint64_t first = first_page(after);
    uint64_t end = first + chunk_pages(table, rows);
    if (table->version >= 140000) {
        out_format(sql, " AND ctid>='(%" PRIu64 ",0)'::tid AND ctid<'(%" PRIu64 ",0)'::tid", first,
                   end);
        return;
    }
    out_format(
        sql,
        " AND ctid=ANY(ARRAY(SELECT ('('||p||','||i||')')::tid"
        " FROM pg_catalog.generate_series(%" PRIu64 ",%" PRIu64 ") p,"
        " pg_catalog.generate_series(1,pg_catalog.current_setting('block_size')::int/28) i))",
        first, end - 1);
}

/*
 * Leave out rows that the base snapshot did not see: they come as changes. The ids of their
 * transactions are between that snapshot's xmax and the newest id, or in its list of running ones.
 * This holds as long as no id was used twice: see engine/base.c.
 */
static void add_ids(struct out *sql, const struct snapshot *base)
{
    out_format(sql,
               " AND NOT (xmin::text::bigint>=%" PRIu64 " AND xmin::text::bigint<"
               "pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()))",
               base->xmax);
    for (size_t i = 0; i < base->xip_count; i++) {
        out_format(sql, " AND xmin<>'%" PRIu64 "'", base->xip[i]);
    }
}

static void rows_sql(struct out *sql, const struct table *table, const struct backfill_task *task,
                     const struct key *after, int rows)
{
    add_pages(sql, table, after, rows);
    if (!task_imports(task)) {
        add_ids(sql, &task->base->snapshot);
    }
}

/* A single page may take all that there is, once earlier chunks have gone. */
static size_t batches_most(const struct chunk_reader *r)
{
    return chunk_pages(&r->table, r->ask->rows) == 1
               ? r->backfill->pool_batches - CHUNK_EXTRA_BATCHES
               : chunk_reader_batches(r);
}

static double left_of(const struct chunk_reader *r, const struct rows *rows)
{
    (void)r, (void)rows;
    return HUGE_VAL;
}

static bool note_nothing(struct chunk_reader *r, struct err *err)
{
    (void)r, (void)err;
    return true;
}

/* The next query asks for fewer pages, if this one asked for several. */
static bool cut(struct chunk_reader *r, struct rows *rows, struct err *err)
{
    (void)rows;
    if (!chunk_reader_skip_rows(r, err)) {
        return false;
    }
    chunk_reader_ask_for_less(r, chunk_pages(&r->table, r->ask->rows) > 1);
    return err_set(err, ERR_CONFIG,
                   "the rows of table %s that are read at once take more than "
                   "advanced.memory_limit_mb allows: raise it",
                   stream_label(r->table.relation->schema, r->table.relation->name).s);
}

static bool close_chunk(struct chunk_reader *r, const struct rows *rows, struct chunk_close *close,
                        struct err *err)
{
    (void)err;
    uint64_t next = first_page(r->ask->after) + chunk_pages(&r->table, r->ask->rows);
    close->last = next >= rows->pages;
    close->end = close->last ? NULL : page_key(next);
    return true;
}

static void name_no_row(const struct chunk_reader *r, struct err *where)
{
    (void)r, (void)where;
}

const struct chunk_order ctid_order = {
    .locks_leaves = true,
    .rows_sql = rows_sql,
    .pages_sql = describe_pages_sql,
    .batches_most = batches_most,
    .bytes_left = left_of,
    .note_end = note_nothing,
    .cut = cut,
    .close = close_chunk,
    .name_row = name_no_row,
};

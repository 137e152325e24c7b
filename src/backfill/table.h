/* A table as a worker reads it: its shape, its key, and the statements made of them. */
#ifndef BACKFILL_TABLE_H
#define BACKFILL_TABLE_H

#include "backfill/backfill.h"
#include "pg/describe.h"
#include "pg/pg.h"

enum { PAGE_BYTES = 8192 }; /* for estimates: nearly all servers have it so */

struct table {
    const struct table_description *description; /* NULL: not described yet; else the plan's, or */
    struct table_description *own;               /* what the server has said since; owned */
    int stream;                                  /* that it is of */
    struct relation *relation;   /* of the rows as selected: the newest of `relations` */
    const char *filter;          /* of the backfill's rows, by the catalog; NULL: none */
    const char *publication;     /* what the shape has of it decides what changes come */
    int version;                 /* of the server */
    double row_bytes;            /* estimate of a row as the server sends it */
    bool prepared;               /* the session has the statement of its facts */
    bool begun;                  /* rows were read as it is described */
    int rows_most;               /* more would make a query too long; 0: no limit known */
    struct relation **relations; /* all that chunks may still point at; owned */
    size_t relation_count, relation_cap;
};

/* Once no chunk is left that was read with it. */
void table_free(struct table *);

/* Read a stream's table as it was described last: by the plan, unless it is the one in hand. */
void table_take(struct table *, const struct pg *, const struct backfill *, int stream);

/* The same stream's table is not that any more: describe it anew. */
bool table_describe(struct table *, struct pg *, struct types *, const struct backfill *,
                    int stream, struct err *);

/* Rows to ask for, so that a chunk holds about `bytes`, and its query is not too long. */
int table_chunk_rows(const struct table *, int most, size_t bytes);

/* Learn from a query for so many rows, which took `took_us` where `limit_us` is long enough. */
void table_learn_time(struct table *, int rows, int64_t took_us, int64_t limit_us);

/*
 * Take a snapshot, and select the rows after `after` (NULL: from the beginning) in key order.
 * Answers: done, done, a row {snapshot, shape, pages, storage}, done, rows, done, done.
 */
void table_chunk_statements(struct out *request, const struct table *, const struct backfill_task *,
                            const struct key *after, int rows, uint32_t minimum_xid);

/* Parts of statements: the table's name; its key as a row of columns of `r`, to be compared and
 * ordered by. */
void table_name_sql(struct out *, const struct table_description *);
void table_key_sql(struct out *, const struct table_description *);

/* By place: a chunk of pages from the one that `after` names. */
uint64_t table_first_page(const struct key *after);
uint64_t table_chunk_pages(const struct table *, int rows);
struct key *table_page_key(uint64_t page);

/* The key of a row as text; NULL if a value in it is not of its type's length. */
struct key *table_row_key(const struct table *, const uint8_t *tuple);

#endif

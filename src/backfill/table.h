/* A table as a worker reads it: its shape, its key, and the statements made of them. */
#ifndef BACKFILL_TABLE_H
#define BACKFILL_TABLE_H

#include "backfill/backfill.h"
#include "pg/describe.h"
#include "pg/pg.h"

enum { PAGE_BYTES = 8192 }; /* for estimates: nearly all servers have it so */

struct order;

struct table {
    const struct table_description *description; /* of the task in hand; NULL: none yet */
    const struct order *order;                   /* in which its rows are read: order.h */
    struct relation *relation;                   /* of the rows as selected: the newest of all */
    const char *publication;      /* its terms of the table decide what changes come */
    const char *filter;           /* of the rows that are read, by the catalog; NULL: none */
    int version;                  /* of the server */
    double row_bytes;             /* estimate of a row as the server sends it */
    const struct order *prepared; /* the session has the statement of facts of it; NULL: of none */
    int rows_most;                /* more would make a query too long; 0: no limit known */
    struct relation **relations;  /* all that chunks may still point at; owned */
    size_t relation_count, relation_cap;
};

/* Once no chunk is left that was read with it. */
void table_free(struct table *);

/* Read a table as it is described. */
void table_take(struct table *, const struct pg *, const struct config *,
                const struct table_description *);

/* Rows to ask for, so that a chunk holds about `bytes`, and its query is not too long. */
int table_chunk_rows(const struct table *, int most, size_t bytes);

/* Learn from a query for so many rows, which took `took_us` where `limit_us` is long enough. */
void table_learn_time(struct table *, int rows, int64_t took_us, int64_t limit_us);

/* The row of facts: the snapshot's text, pages, then the table's terms (pg/terms.h). */
enum { FACT_SNAPSHOT, FACT_PAGES, FACT_TERMS, FACTS = FACT_TERMS + TERMS };

/* Whether all chunks of the task are read in a snapshot that was exported. */
static inline bool task_imports(const struct backfill_task *task)
{
    return task->base && task->base->exported;
}

/*
 * Select the rows after `after` (NULL: from the beginning). Answers:
 *
 *   task_imports:  done, done, done, rows, done, done, facts, done
 *   else:          done, done, facts, done, rows, done, done
 */
void table_chunk_statements(struct out *request, const struct table *, const struct backfill_task *,
                            const struct key *after, int rows, uint32_t minimum_xid);

/* Parts of statements: the table's name; and what its rows, `r`, are ordered by. */
void table_name_sql(struct out *, const struct table_description *);
void table_order_sql(struct out *, const struct table_description *);

/* AND the key is greater than that one; or else, that it is not. */
void table_bound_sql(struct out *, const struct table_description *, bool greater,
                     const struct key *);

/* The key of a row as text; NULL if a value in it is not of its type's length. */
struct key *table_row_key(const struct table *, const uint8_t *tuple);

#endif

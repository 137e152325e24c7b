/* A table as a worker reads it: its columns, its key, and the statements made of them. Only the
 * worker's thread uses it. */
#ifndef BACKFILL_TABLE_H
#define BACKFILL_TABLE_H

#include "backfill/backfill.h"
#include "pg/describe.h"
#include "pg/pg.h"

enum { PAGE_BYTES = 8192 }; /* for estimates: nearly all servers have it so */

struct chunk_order;

struct table {
    const struct table_description *description; /* borrowed; of the task in hand; NULL: none yet */
    const struct chunk_order *order;             /* in which its rows are read */
    struct relation *relation;           /* of its rows as selected: the last of `relations` */
    const char *publication;             /* borrowed; its name */
    const char *filter;                  /* borrowed; the catalog's condition; NULL: none */
    int version;                         /* of the server */
    const char *snapshot_sql, *seen_sql; /* pg/position.h */
    double row_bytes;                    /* estimate of a row's size as the server sends it */
    const struct chunk_order
        *prepared;               /* whose statement of facts the session has prepared; NULL: none */
    int rows_most;               /* a query for more would take too long; 0: no limit is known */
    struct relation **relations; /* owned; chunks may still point at each */
    size_t relation_count, relation_cap;
};

/* Once nothing points at a chunk that was read with it. */
void table_free(struct table *);

/* Read this table from now on. */
void table_take(struct table *, const struct pg *, const struct config *,
                const struct table_description *);

/* How many rows to ask for: at most `most`, of about `bytes`, and in the time that there is. */
int table_chunk_rows(const struct table *, int most, size_t bytes);

/* Learn from a query for so many rows, which took `took_us` and was to take at most `limit_us`. */
void table_learn_time(struct table *, int rows, int64_t took_us, int64_t limit_us);

/* The row of facts: the snapshot's text, a position after all that it saw, the number of pages,
 * and the table's terms (pg/terms.h). */
enum { FACT_SNAPSHOT, FACT_SEEN_LSN, FACT_PAGES, FACT_TERMS, FACTS = FACT_TERMS + TERMS };

/* Whether all chunks of the task are read in one snapshot, which was exported. */
static inline bool task_imports(const struct backfill_task *task)
{
    return task->base && task->base->exported;
}

/*
 * Select the rows after `after` (NULL: from the beginning). Answers:
 *
 *   task_imports:  done, done, done, snapshot, done, rows, done, done, done, done, facts, done,
 *                  done
 *   else:          done, done, facts, done, rows, done, done
 */
void table_chunk_statements(struct out *request, const struct table *, const struct backfill_task *,
                            const struct key *after, int rows, uint32_t minimum_xid);

/* Two of these statements, for a group of small tables (group.c): one for all, and one for each. */
void table_facts_statement(struct out *request, const struct table *,
                           const struct backfill_task *const *tasks, int count);
void table_rows_statement(struct out *request, const struct table *, const struct backfill_task *,
                          const struct key *after, int rows, uint32_t minimum_xid);

/* Append the table's name; and the columns that its rows, `r`, are ordered by. */
void table_name_sql(struct out *, const struct table_description *);
void table_order_sql(struct out *, const struct table_description *);

/* Append the condition that the key is greater than that one; or that it is not. */
void table_bound_sql(struct out *, const struct table_description *, bool greater,
                     const struct key *);

/* The key of a row as text; NULL if a value in it is not of its type's length. */
struct key *table_row_key(const struct table *, const uint8_t *tuple);

#endif

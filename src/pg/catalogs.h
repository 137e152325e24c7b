/*
 * SQL that several questions to the system catalogs have in common, by server version.
 *
 * Each question is one text with its columns named beside it. Where it is, what it asks for, and
 * when:
 *
 *   facts_*.c, slot.c, survey.c   the server's facts: at the start, before a table joins, by
 *                                 commands;
 *   settled.c                     whether the tables were still the same ones when that was read
 *   watermarks.c                  whether watermarks arrive: at the start, and while one is awaited
 *   describe*.c, types.c          the captured tables, in one snapshot: at the start, and when a
 *                                 table is to be backfilled again
 *   terms.c                       the terms of tables: in that snapshot; by each chunk in its own,
 *                                 under the table's lock; and every check_interval
 *   leaf_rows.c                   rows of partitions and rewritten tables, where terms have
 *                                 changed: each in a transaction of its own
 *   remarks.c, failover.c         what is worth a line: at the start, and by commands
 *   discover*.c                   all tables that can be captured, through a cursor
 *   setup.c, teardown.c           what those commands alone need
 */
#ifndef PG_CATALOGS_H
#define PG_CATALOGS_H

#include <stddef.h>

#include "base/out.h"
#include "config/config.h"

/*
 * Common table expressions of questions about streams, which are the parameters $1 (schemas), $2
 * (tables) and $4 (keys) of stream_lists.h. After WITH RECURSIVE.
 *
 *   wanted     a row for each, by its place `n`; NULLs where the table, or its schema, is not there
 *   tree       each table of `wanted` and, if it is partitioned, all that is below: (root, oid)
 */
#define WANTED_SQL                                                                                 \
    "wanted AS (SELECT w.n, w.schema_name, w.key::text[] AS key, s.oid AS schema, c.oid,"          \
    "  c.relkind, c.relreplident, c.relispartition"                                                \
    " FROM unnest($1::text[], $2::text[], $4::text[]) WITH ORDINALITY"                             \
    "  w(schema_name, table_name, key, n)"                                                         \
    " LEFT JOIN pg_namespace s ON s.nspname = w.schema_name"                                       \
    " LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = w.table_name)"

#define TREE_SQL                                                                                   \
    "tree(root, oid) AS (SELECT w.oid, w.oid FROM wanted w"                                        \
    " UNION ALL SELECT t.root, h.inhrelid FROM tree t"                                             \
    "  JOIN pg_class p ON p.oid = t.oid AND p.relkind = 'p'"                                       \
    "  JOIN pg_inherits h ON h.inhparent = t.oid)"

/*
 * Append a common table expression `published`: what `publication`, an expression for its name,
 * publishes under its own name, (relid) and from version 15 on (relid, attrs, qual). attrs is NULL
 * where all columns are published, and may be a list of all.
 */
void published_sql(struct out *, const char *publication, int version);

/*
 * An expression: whether role `o` can act as role `u` by its own doing (both rows of pg_roles): it
 * may SET ROLE to it, or make itself a member. For such a role there is no right of `u` to gain.
 */
const char *becomes_sql(int version);

/* A name, or a table's name with its schema, quoted as in SQL. Caller frees. */
char *sql_name(const char *name);
char *sql_table(const char *schema, const char *table);

/*
 * `publication`, below, is an expression for the name of the capture's publication, which need not
 * exist.
 *
 * Append an expression: whether index `i`, of pg_index, keeps rows distinct at every moment: it is
 * unique and valid, neither partial nor deferrable, and only of captured columns that are NOT NULL.
 */
void usable_index_sql(struct out *, const char *publication, int version);

/*
 * Append a condition: index `i` is a usable one of table `oid`, and lies within `key`, the names of
 * columns as text[]. Both are expressions. NULL is a key without columns.
 */
void index_within_sql(struct out *, const char *oid, const char *key, const char *publication,
                      int version);

/*
 * Append a SELECT of each table's best key: of the usable indexes the primary key, or else the
 * replica identity, or else the one with fewest columns. Columns: indrelid, indkey,
 * indcollation, indclass, width (how many of indkey are the key, and not INCLUDEd), indisprimary.
 * `condition` restricts `i`, of pg_index.
 */
void keys_sql(struct out *, const char *publication, int version, const char *condition);

/* An expression: whether table `c`, of pg_class, has a replica identity. */
extern const char identified_sql[];

/*
 * Append an expression: names of the generated columns in the replica identity of table `c` that
 * the publication does not send; NULL: none. From version 18 on the server refuses UPDATE and
 * DELETE on such a table once it is published.
 */
void unsent_identity_sql(struct out *, const char *publication, int version);

/* Append an expression: whether UPDATE and DELETE on table `c` still work once it is published. */
void publishable_sql(struct out *, const char *publication, int version);

/* An expression: whether table `c`, of pg_class, is of a kind that discover shows. */
const char *offered_kind_sql(const struct config *, int version);

/* Append the schemas that discover shows, as the text of an array; none: all. */
void offered_schemas(struct out *, const struct config *);

/* An expression: whether column `a`, of pg_attribute, never holds a null. */
const char *not_null_sql(int version);

/* An expression: whether column `a` is generated. */
const char *generated_sql(int version);

/*
 * An expression: whether `r`, of pg_publication_rel, is a table that a publication for all tables
 * leaves out (EXCEPT; version 19 and later).
 */
const char *excepted_sql(int version);

/*
 * Append an expression: whether column `a` is generated and not sent. Stored ones are sent where
 * the publication says so, from version 18 on; virtual ones never.
 */
void uncaptured_sql(struct out *, const char *publication, int version);

/* Likewise, of a partitioned table that each partition of it can be. */
void publishable_tree_sql(struct out *, const char *publication, int version);

/* An expression: how many columns of index `i`, of pg_index, are its key. */
const char *key_width_sql(int version);

/* The name of a pg_class.relkind, with its article. */
const char *kind_name(char kind);

#endif

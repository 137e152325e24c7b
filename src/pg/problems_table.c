/* What is wrong with a captured table. */
#include "problems_table.h"

#include <stdlib.h>

#include "base/mem.h"
#include "catalogs.h"
#include "problems.h"
#include "publication.h"
#include "runner.h"

bool table_unpublished(const struct facts *facts, const struct table_facts *table)
{
    return facts->publication.exists && table->oid && !table->published;
}

void find_unpublished(const struct facts *facts, const struct table_facts *table,
                      const struct config *config, const char *name, struct problems *problems)
{
    bool may_add = facts->publication.owned && table->owned && !facts->publication.all_tables &&
                   !facts->server.standby;
    if (!table_unpublished(facts, table) || may_add) {
        return;
    }
    if (facts->publication.all_tables) {
        problem(
            problems,
            "table %s is left out of publication \"%s\", which is for all tables but some: take "
            "the table out of its EXCEPT list, or name another publication",
            name, config->publication);
        return;
    }
    char *publication = sql_name(config->publication);
    problem(problems, "table %s is not in publication \"%s\", and user \"%s\" may not add it: run",
            name, config->publication, facts->server.user);
    mend(problems, "ALTER PUBLICATION %s ADD TABLE ONLY %s", publication, name);
    left_to_publisher(problems, facts, table);
    problems_extend(problems, " as their owner");
    free(publication);
}

/* NULL: it can be captured. */
static const char *unfit_kind(const struct table_facts *table)
{
    if (table->system) {
        return "a table of the system";
    }
    if (table->kind == 'r' || table->kind == 'p') {
        return table->persistence == 't' ? "a temporary table" : NULL;
    }
    return kind_name(table->kind);
}

void mend_schema(const struct facts *facts, const struct table_facts *table, const char *schema,
                 const char *user, struct problems *problems)
{
    if (!table->schema_usable) {
        char *name = sql_name(schema);
        mend(problems, "GRANT USAGE ON SCHEMA %s TO %s", name, user);
        left_to_owner(problems, facts, table->schema_owner);
        free(name);
    }
}

static void find_unreadable(const struct facts *facts, const struct table_facts *table,
                            const struct catalog_stream *stream, const char *name,
                            struct problems *problems)
{
    char *user = sql_name(facts->server.user);
    if (!table->readable || !table->schema_usable) {
        problem(problems, "user \"%s\" may not read table %s: run", facts->server.user, name);
        mend_schema(facts, table, stream->schema, user, problems);
        if (!table->readable) {
            mend(problems, "GRANT SELECT ON TABLE %s TO %s", name, user);
            left_to_owner(problems, facts, table->owner);
        }
    }
    if (table->row_security) {
        problem(problems,
                "row security hides rows of table %s from user \"%s\": run as a superuser", name,
                facts->server.user);
        mend(problems, "ALTER ROLE %s BYPASSRLS", user);
        left_to(problems, facts, "a superuser, or from PostgreSQL 16 on by a role with BYPASSRLS");
    }
    free(user);
}

/* A partitioned table, or a partition, under a name that the publication does not use. */
static bool find_partitioning(const struct facts *facts, const struct table_facts *table,
                              const struct config *config, const char *name,
                              struct problems *problems)
{
    const struct publication_facts *publication = &facts->publication;
    bool root = table->kind == 'p' && !table->published;
    char *quoted = sql_name(config->publication);
    bool found = true;
    if (root && facts->server.version < 130000) {
        problem(problems,
                "table %s is partitioned, and PostgreSQL before 13 publishes partitions alone: "
                "capture those, which discover shows",
                name);
    } else if (root && publication->exists && !publication->via_root) {
        problem(
            problems,
            "changes of the partitioned table %s are published under its partitions' names: run",
            name);
        mend(problems, "ALTER PUBLICATION %s SET (publish_via_partition_root = true)", quoted);
        left_to_owner(problems, facts, publication->owner);
    } else if (table->partition && publication->via_root && !table->published &&
               publication->all_tables) {
        problem(problems,
                "changes of partition %s are published under the partitioned table's name: capture "
                "that one, or run ALTER PUBLICATION %s SET (publish_via_partition_root = false)",
                name, quoted);
    } else {
        found = false;
    }
    free(quoted);
    return found;
}

/*
 * Once a table is published, the server refuses UPDATE and DELETE on it unless a replica identity
 * identifies its rows: the application would be blocked. If others have published it, it is so
 * already. So this is to be fixed before the table is published.
 */
static void find_unidentified(const struct facts *facts, const struct table_facts *table,
                              const struct config *config, const char *name,
                              struct problems *problems)
{
    bool publishes = !facts->publication.exists || table_unpublished(facts, table);
    if (publishes && table->identified && table->unsent) {
        problem(problems,
                "the replica identity of table %s has generated columns that publication \"%s\" "
                "%s (%s), so that the server would refuse UPDATE and DELETE on it once "
                "it is published: %s publish_generated_columns = stored (which helps stored ones "
                "alone), or give the table a replica identity without them",
                name, config->publication,
                facts->publication.exists ? "does not publish" : "would not publish", table->unsent,
                facts->publication.exists ? "alter the publication with"
                                          : "make the publication yourself with");
    }
    if (publishes && !table->identified) {
        problem(problems,
                "table %s%s has no primary key and no other replica identity, so that the server "
                "would refuse UPDATE and DELETE on it once it is published: run",
                name, table->kind == 'p' ? ", or a partition of it," : "");
        bool leaves = table->kind == 'p' && facts->named == ALL_TABLES && table->leaf_mends;
        if (leaves) {
            mend(problems, "%s", table->leaf_mends);
            if (!table->leaves_owned) {
                left_to(problems, facts, "the owners of these tables, or by a superuser");
            }
        } else {
            mend(problems, "ALTER TABLE %s REPLICA IDENTITY FULL", name);
            left_to_owner(problems, facts, table->owner);
        }
        problems_extend(problems, table->kind == 'p' && !leaves
                                      ? ", and so for each partition, or add a primary key"
                                      : ", or add a primary key");
    }
}

static char *name_list(char *const *names)
{
    struct out out;
    out_init(&out, 64);
    for (int i = 0; names[i]; i++) {
        char *name = sql_name(names[i]);
        out_format(&out, i ? ", %s" : "%s", name);
        free(name);
    }
    char *text = mem_string(out_text(&out));
    out_free(&out);
    return text;
}

/*
 * Chunks go from one key to the next, so that of rows with the same key some would be skipped. Only
 * an index guarantees that there are none. If the catalog allows keys that repeat, rows are read in
 * ctid order instead.
 */
static void find_key_repeats(const struct table_facts *table, const struct catalog_stream *stream,
                             const char *name, struct problems *problems)
{
    if (!table->key_repeats || stream->key_may_repeat || stream->mode != BACKFILL_NORMAL) {
        return;
    }
    char *key = name_list(stream->key);
    char *nulls = table->key_nulls ? mem_format("ALTER TABLE %s %s; ", name, table->key_nulls)
                                   : mem_string("");
    problem(problems,
            "table %s cannot be captured by the key (%s): no unique index of NOT NULL columns lies "
            "within it, so that rows with the same key would be lost; %s%s%sleave primary_key out "
            "(Flow: set the binding's mode to Without Primary Key), or run %sCREATE UNIQUE INDEX "
            "ON %s (%s)",
            name, key, table->uniques ? "choose a key that contains one of " : "",
            table->uniques ? table->uniques : "", table->uniques ? ", " : "", nulls, name, key);
    free(key);
    free(nulls);
}

void find_table(const struct facts *facts, int i, const struct config *config,
                const struct catalog_stream *stream, struct problems *problems)
{
    const struct table_facts *table = &facts->tables[i];
    char *name = sql_table(stream->schema, stream->table);
    const char *unfit = table->oid ? unfit_kind(table) : NULL;
    if (!strcmp(stream->schema, config->watermarks_schema) &&
        !strcmp(stream->table, config->watermarks_table)) {
        problem(problems, "%s is the capture's own table of watermarks: take it out of the catalog",
                name);
    } else if (!table->oid) {
        problem(problems, "table %s does not exist: correct the catalog, or create the table",
                name);
    } else if (unfit) {
        problem(problems, "%s is %s: only ordinary and partitioned tables can be captured", name,
                unfit);
    } else {
        if (table->persistence == 'u') {
            problem(problems, "table %s is unlogged, and its changes are not replicated: run",
                    name);
            mend(problems, "ALTER TABLE %s SET LOGGED", name);
            left_to_owner(problems, facts, table->owner);
        }
        find_unreadable(facts, table, stream, name, problems);
        find_key_repeats(table, stream, name, problems);
        if (!find_partitioning(facts, table, config, name, problems)) {
            find_unidentified(facts, table, config, name, problems);
            find_unpublished(facts, table, config, name, problems);
        }
    }
    free(name);
}

bool find_uncapturable(const struct facts *facts, int i, const struct config *config,
                       const struct catalog_stream *stream, struct problems *problems)
{
    size_t before = problems->count;
    if (!facts->tables[i].oid) {
        return true; /* it was dropped after it was listed */
    }
    char *name = sql_table(stream->schema, stream->table);
    find_unreadable(facts, &facts->tables[i], stream, name, problems);
    find_unidentified(facts, &facts->tables[i], config, name, problems);
    find_unpublished(facts, &facts->tables[i], config, name, problems);
    free(name);
    return problems->count > before;
}

/* CREATE PUBLICATION, as the server's version has it. */
#include "publication.h"

#include <stdlib.h>

#include "catalogs.h"

/* The statement would fail for any other table. The watermarks table is named anyway. */
static bool is_listed(const struct facts *facts, const struct table_facts *table)
{
    bool kind = table->kind == 'r' || (table->kind == 'p' && facts->server.version >= 130000);
    return table->oid && table->oid != facts_watermarks(facts)->oid && kind &&
           table->persistence == 'p' && !table->system;
}

static void list_tables(struct out *sql, const struct facts *facts, const struct config *config,
                        const struct catalog *catalog)
{
    char *name = sql_table(config->watermarks_schema, config->watermarks_table);
    out_format(sql, "TABLE ONLY %s", name);
    free(name);
    for (int i = 0; catalog && i < catalog->count; i++) {
        if (!is_listed(facts, &facts->tables[i])) {
            continue;
        }
        name = sql_table(catalog->streams[i].schema, catalog->streams[i].table);
        out_format(sql, ", ONLY %s", name);
        free(name);
    }
}

/* By root, unless partitions themselves are captured; servers before 13 know no choice. */
static const char *via_root(const struct config *config, const struct facts *facts)
{
    bool partitions = config->capture_as_partitions;
    for (int i = 0; i < facts->stream_count; i++) {
        partitions = partitions || facts->tables[i].partition;
    }
    return facts->server.version < 130000 ? ""
           : partitions                   ? " WITH (publish_via_partition_root = false)"
                                          : " WITH (publish_via_partition_root = true)";
}

void publication_sql(struct out *sql, const struct facts *facts, const struct config *config,
                     const struct catalog *catalog, bool all_tables, const char *others)
{
    out_string(sql, "CREATE PUBLICATION ");
    pg_quote_identifier(sql, config->publication);
    out_string(sql, " FOR ");
    if (all_tables) {
        out_string(sql, "ALL TABLES");
    } else {
        list_tables(sql, facts, config, catalog);
        out_format(sql, others ? ", %s" : "%s", others ? others : "");
    }
    out_string(sql, via_root(config, facts));
}

bool publication_creatable(const struct facts *facts, const struct config *config)
{
    if (facts->server.superuser || config->publish_all_tables) {
        return facts->server.superuser;
    }
    for (int i = 0; i <= facts->stream_count; i++) {
        if (facts->tables[i].oid && !facts->tables[i].owned) {
            return false;
        }
    }
    return facts->server.may_create;
}

/* CREATE PUBLICATION, as the server's version has it. */
#include "publication.h"

#include <stdlib.h>

#include "catalogs.h"

/* The statement would fail for any other table. The watermarks table is named anyway, if it is
 * used. */
static bool is_listed(const struct facts *facts, const struct table_facts *table)
{
    bool kind = table->kind == 'r' || (table->kind == 'p' && facts->server.version >= 130000);
    bool logged = table->persistence == 'p' || /* or set so by the SQL before */
                  (table->persistence == 'u' && facts->named == ALL_TABLES);
    return table->oid && table->oid != facts_watermarks(facts)->oid && kind && logged &&
           !table->system;
}

bool publication_leaves_out(const struct facts *facts, const struct table_facts *table)
{
    bool watermarks = table == facts_watermarks(facts);
    return facts->admin && table->owner && (watermarks || is_listed(facts, table));
}

static void list_table(struct out *sql, bool first, const char *schema, const char *table)
{
    char *name = sql_table(schema, table);
    out_format(sql, first ? " FOR TABLE ONLY %s" : ", ONLY %s", name);
    free(name);
}

/* Returns whether there is one. */
static bool list_tables(struct out *sql, const struct facts *facts, const struct config *config,
                        const struct catalog *catalog)
{
    bool listed =
        !config->read_only_capture && !publication_leaves_out(facts, facts_watermarks(facts));
    if (listed) {
        list_table(sql, true, config->watermarks_schema, config->watermarks_table);
    }
    for (int i = 0; catalog && i < catalog->count; i++) {
        const struct table_facts *table = &facts->tables[i];
        if (is_listed(facts, table) && !publication_leaves_out(facts, table)) {
            list_table(sql, !listed, catalog->streams[i].schema, catalog->streams[i].table);
            listed = true;
        }
    }
    return listed;
}

/* Publish by root, unless partitions themselves are captured; servers before 13 have no such
 * option. */
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
    if (all_tables) {
        out_string(sql, " FOR ALL TABLES");
    } else {
        bool listed = list_tables(sql, facts, config, catalog);
        if (others) {
            out_format(sql, "%s%s", listed ? ", " : " FOR TABLE ", others);
        }
    }
    out_string(sql, via_root(config, facts));
}

bool publication_creatable(const struct facts *facts, const struct config *config)
{
    if (facts->server.standby) {
        return false;
    }
    if (facts->server.superuser || config->publish_all_tables) {
        return facts->server.superuser;
    }
    int tables = facts->stream_count + !config->read_only_capture; /* the last is the watermarks' */
    for (int i = 0; i < tables; i++) {
        if (facts->tables[i].oid && !facts->tables[i].owned) {
            return false;
        }
    }
    return facts->server.may_create;
}

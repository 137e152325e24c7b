/* backfill: asks a capture to backfill tables again, and prints when it will. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "commands/commands.h"
#include "pg/facts.h"
#include "pg/request.h"

static bool is_in(const struct catalog *catalog, const struct catalog_stream *wanted)
{
    return catalog_find(catalog, catalog->count, wanted->schema, wanted->table) >= 0;
}

static bool fail_unknown(const struct catalog *catalog, const struct catalog_stream *wanted,
                         struct err *err)
{
    err_set(err, ERR_CONFIG, "table %s is not in the catalog",
            stream_label(wanted->schema, wanted->table).s);
    for (int i = 0; i < catalog->count; i++) {
        const struct catalog_stream *s = &catalog->streams[i];
        if (!strcasecmp(s->schema, wanted->schema) && !strcasecmp(s->table, wanted->table)) {
            return err_suffix(err, ": did you mean %s?", stream_label(s->schema, s->table).s);
        }
    }
    return false;
}

static bool add_table(struct catalog *tables, const struct request *request, const char *name,
                      struct err *err)
{
    struct catalog_stream *table = &tables->streams[tables->count];
    if (!stream_name_parse(name, &table->schema, &table->table)) {
        return err_set(err, ERR_CONFIG,
                       "\"%s\" names no table: write schema.table, with a part that has a dot or a "
                       "double quote in double quotes as in SQL",
                       name);
    }
    if (is_in(tables, table)) {
        free(table->schema);
        free(table->table);
        *table = (struct catalog_stream){0};
        return true;
    }
    tables->count++;
    return !request->catalog || is_in(request->catalog, table) ||
           fail_unknown(request->catalog, table, err);
}

static bool parse_tables(struct catalog **tables, const struct request *request, struct err *err)
{
    bool ok = true;
    *tables = mem_zero(sizeof **tables);
    (*tables)->streams = mem_zero((size_t)request->table_count * sizeof *(*tables)->streams);
    for (int i = 0; ok && i < request->table_count; i++) {
        ok = add_table(*tables, request, request->tables[i], err);
    }
    return ok;
}

static bool check(struct pg *pg, const struct request *request, const struct catalog *tables,
                  const struct facts *facts, struct err *err)
{
    struct problems problems = {0};
    bool ok = request_check(pg, request->config, tables, facts, &problems, err) &&
              problems_none(&problems, err);
    problems_free(&problems);
    return ok;
}

static void print(struct out *out, const struct catalog *tables, const struct slot *slot,
                  const char *slot_name)
{
    for (int i = 0; i < tables->count; i++) {
        const struct catalog_stream *s = &tables->streams[i];
        out_format(out, "Asked for a backfill of %s.\n", stream_label(s->schema, s->table).s);
    }
    if (slot->active_pid) {
        out_format(
            out, "The capture runs: process %d reads slot \"%s\". It begins when it reads of it.\n",
            slot->active_pid, slot_name);
    } else {
        out_format(out, "Nobody reads slot \"%s\" now: it will be done when the capture runs.\n",
                   slot_name);
    }
}

bool command_backfill(const struct request *request, struct out *out, struct err *err)
{
    struct catalog *tables;
    struct facts facts = {0};
    struct pg *pg = NULL;
    bool ok =
        parse_tables(&tables, request, err) &&
        (pg =
             pg_open(request->config, PG_SQL, "source-postgres backfill", request->stop_fd, err)) &&
        facts_read(pg, request->config, tables, &facts, err) &&
        check(pg, request, tables, &facts, err) && request_write(pg, request->config, tables, err);
    if (ok) {
        print(out, tables, &facts.slot, request->config->slot);
    }
    facts_free(&facts);
    pg_close(&pg);
    catalog_free(&tables);
    return ok;
}

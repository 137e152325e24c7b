/* The CATALOG message: one line however many tables, written as they are found. */
#include <string.h>

#include "airbyte/airbyte.h"
#include "schema.h"
#include "json/json.h"

struct listing {
    struct out *out;
    bool first;
};

/* [["a"],["b"]]: each key column is a path. */
static void write_key(struct out *out, const struct discovered_table *table)
{
    out_char(out, '[');
    for (int i = 0; i < table->key_count; i++) {
        const char *name = table->columns[table->key[i]].name;
        out_string(out, i ? ",[" : "[");
        json_write_string(out, name, strlen(name));
        out_char(out, ']');
    }
    out_char(out, ']');
}

static bool write_stream(void *context, const struct discovered_table *table, struct err *err)
{
    struct listing *listing = context;
    struct out *out = listing->out;
    out_string(out, listing->first ? "{\"name\":" : ",{\"name\":");
    listing->first = false;
    json_write_string(out, table->name, strlen(table->name));
    out_string(out, ",\"namespace\":");
    json_write_string(out, table->schema, strlen(table->schema));
    out_string(out, ",\"json_schema\":");
    airbyte_schema(out, table);
    out_string(out, ",\"supported_sync_modes\":[\"full_refresh\",\"incremental\"],"
                    "\"source_defined_cursor\":true,"
                    "\"default_cursor_field\":[\"" AIRBYTE_CURSOR "\"],"
                    "\"source_defined_primary_key\":");
    write_key(out, table);
    out_string(out, ",\"is_resumable\":true}");
    return !out->failed || err_set(err, ERR_SYSTEM, "cannot write the catalog");
}

/* Records of changes, that have no key: see the manual for what is in them. */
static void write_logical(const struct config *config, struct listing *listing)
{
    const char *option;
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        if (config_emits_logical(config, (enum logical_stream)i, &option)) {
            out_format(
                listing->out,
                "%s{\"name\":\"%s\",\"namespace\":\"%s\",\"json_schema\":{\"type\":\"object\","
                "\"properties\":%s},\"supported_sync_modes\":[\"incremental\"],"
                "\"source_defined_cursor\":true,\"is_resumable\":true}",
                listing->first ? "" : ",", logical_streams[i].table, logical_streams[i].schema,
                airbyte_logical_properties[i]);
            listing->first = false;
        }
    }
}

bool airbyte_discover(const struct config *config, int stop_fd, struct out *out, struct err *err)
{
    struct listing listing = {out, true};
    struct types *types = types_new();
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres discover", stop_fd, err);
    out_string(out, "{\"type\":\"CATALOG\",\"catalog\":{\"streams\":[");
    bool ok = pg && tables_discover(pg, types, config, NULL, write_stream, &listing, err);
    write_logical(config, &listing);
    out_string(out, "]}}\n");
    pg_close(&pg);
    types_free(&types);
    return ok;
}

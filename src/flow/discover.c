/* The response to discover: a binding for each table, written as they are found. */
#include <string.h>

#include "internal.h"

struct listing {
    const struct config *config;
    struct out *out;
    bool first;
};

static void write_resource(struct out *out, const struct discovered_table *table)
{
    out_string(out, ",\"resourceConfig\":{\"namespace\":");
    json_write_string(out, table->schema, strlen(table->schema));
    out_string(out, ",\"stream\":");
    json_write_string(out, table->name, strlen(table->name));
    out_string(out, table->key_count ? "}" : ",\"mode\":\"Without Primary Key\"}");
}

static bool write_binding(void *context, const struct discovered_table *table, struct err *err)
{
    struct listing *listing = context;
    struct out *out = listing->out;
    out_string(out, listing->first ? "{\"recommendedName\":\"" : ",{\"recommendedName\":\"");
    listing->first = false;
    write_plain_name(out, table->schema, true);
    out_char(out, '/');
    write_plain_name(out, table->name, true);
    out_char(out, '"');
    write_resource(out, table);
    out_string(out, ",\"documentSchema\":");
    document_schema(out, table, listing->config);
    out_string(out, ",\"key\":");
    key_pointers(out, table);
    /* A key that a user chose is not replaced by one that is only second best. */
    out_string(out, is_keyable(table) && table->key_primary ? "}" : ",\"isFallbackKey\":true}");
    return !out->failed || err_set(err, ERR_SYSTEM, "cannot write the discovered bindings");
}

bool flow_discover(const struct config *config, int stop_fd, struct out *out, struct err *err)
{
    struct listing listing = {config, out, true};
    struct types *types = types_new();
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres discover", stop_fd, err);
    out_string(out, "{\"discovered\":{\"bindings\":[");
    bool ok = pg && tables_discover_bindable(pg, types, config, write_binding, &listing, err);
    out_string(out, "]}}\n");
    pg_close(&pg);
    types_free(&types);
    return ok;
}

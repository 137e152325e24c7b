/* The response to discover: a binding for each table, written as they are found. */
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "respond.h"

struct listing {
    const struct config *config;
    struct discovered discovered;
};

static void write_resource(struct out *out, const struct discovered_table *table)
{
    out_string(out, "{\"namespace\":");
    json_write_string(out, table->schema, strlen(table->schema));
    out_string(out, ",\"stream\":");
    json_write_string(out, table->name, strlen(table->name));
    out_string(out, table->key_count ? "}" : ",\"mode\":\"Without Primary Key\"}");
}

static void write_name(struct out *out, const struct discovered_table *table)
{
    write_plain_name(out, table->schema, true);
    out_char(out, '/');
    write_plain_name(out, table->name, true);
}

static bool write_binding(void *context, const struct discovered_table *table, struct err *err)
{
    struct listing *listing = context;
    struct found found;
    struct out name;
    out_init(&name, 128);
    out_init(&found.resource, 128);
    out_init(&found.schema, 8192);
    write_name(&name, table);
    write_resource(&found.resource, table);
    document_schema(&found.schema, table, listing->config);
    found.name = out_text(&name);
    found.key = key_pointers(table);
    /* A key that a user chose is not replaced by one that is only second best. */
    found.fallback = !is_keyable(table) || !table->key_primary;
    discovered_add(&listing->discovered, &found);
    json_strings_free(&found.key);
    out_free(&found.resource);
    out_free(&found.schema);
    out_free(&name);
    const struct out *out = listing->discovered.out;
    return !out->failed || err_set(err, ERR_SYSTEM, "cannot write the discovered bindings");
}

bool flow_discover(const struct config *config, enum flow_form form, int stop_fd, struct out *out,
                   struct err *err)
{
    struct listing listing = {config, respond_discovered(out, form)};
    struct types *types = types_new();
    struct pg *pg = pg_open(config, PG_SQL, "source-postgres discover", stop_fd, err);
    bool ok = pg && tables_discover_bindable(pg, types, config, write_binding, &listing, err);
    discovered_end(&listing.discovered);
    pg_close(&pg);
    types_free(&types);
    return ok;
}

/* A catalog of all tables that can be captured and fit a pattern, instead of a catalog file. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "pg/discover.h"
#include "program.h"
#include "row/name.h"
#include "json/json.h"

struct listing {
    const char *pattern;
    struct out out;
    int count;
};

static bool add_stream(void *context, const struct discovered_table *table, struct err *err)
{
    struct listing *listing = context;
    char *name = stream_name(table->schema, table->name);
    bool fits = fnmatch(listing->pattern, name, 0) == 0;
    (void)err;
    free(name);
    if (!fits) {
        return true;
    }
    out_string(&listing->out,
               listing->count++ ? ",{\"stream\":{\"namespace\":" : "{\"stream\":{\"namespace\":");
    json_write_string(&listing->out, table->schema, strlen(table->schema));
    out_string(&listing->out, ",\"name\":");
    json_write_string(&listing->out, table->name, strlen(table->name));
    out_string(&listing->out, "},\"sync_mode\":\"incremental\"}");
    return true;
}

static bool list(const struct program *p, struct listing *listing, struct err *err)
{
    struct types *types = types_new();
    struct pg *pg = pg_open(p->config, PG_SQL, "source-postgres discover", p->signals, err);
    bool ok = pg && tables_discover(pg, types, p->config, NULL, add_stream, listing, err);
    pg_close(&pg);
    types_free(&types);
    return ok && (listing->count ||
                  err_set(err, ERR_CONFIG,
                          "--all %s: no table that can be captured has such a name, which is that "
                          "of its schema, a dot, and its own; see discover",
                          listing->pattern));
}

struct catalog *catalog_of_all(const struct program *p, struct err *err)
{
    struct listing listing = {.pattern = p->command.all};
    struct catalog *catalog = NULL;
    out_init(&listing.out, 4096);
    out_format(&listing.out, "{\"tail\":%s,\"streams\":[", p->command.tail ? "true" : "false");
    if (list(p, &listing, err)) {
        out_string(&listing.out, "]}");
        catalog = catalog_parse(listing.out.data, listing.out.len, err);
    }
    out_free(&listing.out);
    return catalog;
}

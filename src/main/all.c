/* A catalog of all tables that can be captured and fit a pattern, instead of a catalog file. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "pg/discover.h"
#include "pg/prerequisites.h"
#include "program.h"
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

static bool list(struct pg *pg, const struct program *p, struct listing *listing, struct err *err)
{
    struct types *types = types_new();
    bool ok = tables_discover_all(pg, types, p->config, add_stream, listing, err);
    types_free(&types);
    return ok && (listing->count ||
                  err_set(err, ERR_CONFIG,
                          "--all %s: no table that can be captured has such a name, which is that "
                          "of its schema, a dot, and its own; see discover",
                          listing->pattern));
}

static void add_logical_streams(const struct config *config, struct catalog *catalog)
{
    const char *option;
    for (int i = 0; i < LOGICAL_STREAMS; i++) {
        catalog->logical[i] = config_emits_logical(config, (enum logical_stream)i, &option);
    }
}

/* What a table lacks, in one line. */
static void say_left_out(const struct program *p, struct err *lacks)
{
    struct out line;
    out_init(&line, 256);
    for (char *rest = lacks->message, *one; (one = strsep(&rest, "\n"));) {
        out_format(&line, line.len ? "; and %s" : "%s", one);
    }
    log_line(p->log, LOG_WARN, "not captured: %s; then send SIGHUP to a capture that runs",
             out_text(&line));
    out_free(&line);
}

/* A new table that cannot be captured must not keep a capture of all tables from starting. */
static bool leave_out(struct pg *pg, const struct program *p, struct catalog *catalog,
                      struct err *err)
{
    struct problems left_out = {0};
    bool ok = prerequisites_leave_out(pg, p->config, catalog, &left_out, err) &&
              (catalog->count || problems_none(&left_out, err));
    struct err one;
    for (size_t next = 0; ok && problems_of_stream(&left_out, &next, &one);) {
        say_left_out(p, &one);
    }
    problems_free(&left_out);
    return ok;
}

struct catalog *catalog_of_all(const struct program *p, struct err *err)
{
    struct listing listing = {.pattern = p->command.all};
    struct catalog *catalog = NULL;
    struct pg *pg = pg_open(p->config, PG_SQL, "source-postgres discover", p->signals, err);
    out_init(&listing.out, 4096);
    out_format(&listing.out, "{\"tail\":%s,\"streams\":[", p->command.tail ? "true" : "false");
    if (pg && list(pg, p, &listing, err)) {
        out_string(&listing.out, "]}");
        catalog = catalog_parse(listing.out.data, listing.out.len, err);
    }
    if (catalog && !leave_out(pg, p, catalog, err)) {
        catalog_free(&catalog);
    }
    if (catalog) {
        add_logical_streams(p->config, catalog);
    }
    pg_close(&pg);
    out_free(&listing.out);
    return catalog;
}

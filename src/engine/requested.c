/* Requests to backfill a table again while the capture runs: rows of the watermarks table, which
 * arrive in the stream. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/name.h"
#include "merger.h"
#include "plan.h"

static const char requested_again[] = "was asked for again by the command backfill";

static int find_named(const struct catalog *catalog, const char *name, size_t len)
{
    int found = STREAM_NONE;
    char *text = mem_string_n(name, len), *schema, *table;
    if (stream_name_parse(text, &schema, &table)) {
        found = catalog_find(catalog, catalog->count, schema, table);
        free(schema);
        free(table);
    }
    free(text);
    return found;
}

/* A stream that is lost, or whose life begins after the request, is read as it is by then
 * anyway. */
void roster_requested(void *engine, const char *table, size_t len)
{
    struct merger_thread *t = engine;
    int stream = find_named(t->config->catalog, table, len);
    if (stream == STREAM_NONE) {
        log_line(t->config->log, LOG_WARN,
                 "a backfill of table %.*s was asked for, which this capture does not have under "
                 "that name: nothing is done",
                 (int)len, table);
    } else if (plan_skips_rows(t->config->config, &t->config->catalog->streams[stream])) {
        log_line(t->config->log, LOG_WARN,
                 "a backfill of table %.*s was asked for, which is captured without its rows: "
                 "nothing is done",
                 (int)len, table);
    } else if (!merge_skips(t->merge, stream)) {
        t->roster.members[stream].raised = true;
        roster_lose_because(t, stream, requested_again);
    }
}

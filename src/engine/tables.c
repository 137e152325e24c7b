/*
 * Whether the tables are still those that the capture began with. What comes under a captured name
 * is captured; but what another table held before it had the name, or was published, is not. That
 * must not go unnoticed, and the next start reads such a table from the beginning (plan.c).
 */
#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

static void warn_changed(void *context, int stream, enum table_change change)
{
    static const char *const what[] = {
        [TABLE_GONE] = "is gone, dropped or renamed: there is nothing more to capture of it",
        [TABLE_REPLACED] =
            ("is another one than when the capture began, dropped and recreated or renamed: rows "
             "that it held before are not captured, nor deletes of what the old one held; start "
             "the capture again, which then reads it from the beginning"),
        [TABLE_UNPUBLISHED] =
            ("is not in the publication any more: its changes are not captured; start the capture "
             "again, which adds it where it may, and then reads it from the beginning"),
    };
    struct service *s = context;
    const struct catalog_stream *c = &s->config->catalog->streams[stream];
    if (!s->changed[stream]) {
        s->changed[stream] = true;
        log_line(s->config->log, LOG_WARN, "table %s.%s %s", c->schema, c->table, what[change]);
    }
}

/* A failure to look is none of the capture's. */
void tables_look(struct service *s)
{
    struct err ignored;
    tables_changed(s->pg, s->config->config, s->config->catalog, s->tables, warn_changed, s,
                   &ignored);
}

void tables_warn_renamed(struct service *s, const struct relation *relation)
{
    for (int i = 0; i < s->config->catalog->count; i++) {
        const struct catalog_stream *c = &s->config->catalog->streams[i];
        if (s->tables[i].relation->oid == relation->oid && !s->renamed[i]) {
            s->renamed[i] = true;
            log_line(s->config->log, LOG_WARN,
                     "table %s.%s was renamed to %s.%s: its changes are not captured under this "
                     "name; rename it back, or capture it under its new name",
                     c->schema, c->table, relation->schema, relation->name);
        }
    }
}

bool tables_bind_other(struct service *s, struct relation *relation, struct err *err)
{
    static const char sql[] =
        "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid=c.relnamespace"
        " WHERE c.oid=$1::oid AND n.nspname=$2 AND c.relname=$3";
    char *oid = mem_format("%u", relation->oid);
    const char *params[] = {oid, relation->schema, relation->name};
    struct pg_rows *rows = service_ask(s, sql, 3, params, err);
    free(oid);
    if (rows && pg_rows_count(rows)) {
        warn_changed(s, relation->stream, TABLE_REPLACED);
    } else {
        relation->stream = STREAM_NONE;
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

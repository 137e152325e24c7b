/* `status` for programs: one JSON object, one line. What is not known is null. */
#include <inttypes.h>
#include <string.h>

#include "base/lsn.h"
#include "look.h"
#include "json/json.h"

static void key(struct out *out, const char *name)
{
    bool first = !out->len || out->data[out->len - 1] == '{';
    out_format(out, first ? "\"%s\":" : ",\"%s\":", name);
}

static void text(struct out *out, const char *name, const char *value)
{
    key(out, name);
    if (value) {
        json_write_string(out, value, strlen(value));
    } else {
        out_string(out, "null");
    }
}

static void number(struct out *out, const char *name, bool known, int64_t value)
{
    key(out, name);
    if (known) {
        out_format(out, "%" PRId64, value);
    } else {
        out_string(out, "null");
    }
}

static void boolean(struct out *out, const char *name, bool value)
{
    key(out, name);
    out_string(out, value ? "true" : "false");
}

static void lsn(struct out *out, const char *name, uint64_t value)
{
    text(out, name, value ? lsn_format(value).s : NULL);
}

static void write_server(struct out *out, const struct look *look)
{
    const struct server_facts *server = &look->facts.server;
    key(out, "server");
    out_char(out, '{');
    number(out, "version", true, server->version);
    text(out, "database", server->database);
    boolean(out, "standby", server->standby);
    lsn(out, "wal_lsn", look->facts.slot.wal_end);
    out_char(out, '}');
}

static void write_reader(struct out *out, const struct look *look)
{
    const struct slot_reader *reader = &look->reader;
    const struct slot *slot = &look->facts.slot;
    number(out, "active_pid", slot->active_pid, slot->active_pid);
    text(out, "reader", slot->active_pid ? reader->application : NULL);
    text(out, "reader_state", reader->state);
    text(out, "reader_since", slot->active_pid ? reader->since : NULL);
    lsn(out, "sent_lsn", reader->sent);
    lsn(out, "acknowledged_lsn", reader->flushed);
}

static void write_slot(struct out *out, const struct look *look)
{
    const struct slot *slot = &look->facts.slot;
    key(out, "slot");
    out_char(out, '{');
    text(out, "name", look->request->config->slot);
    boolean(out, "exists", slot->exists);
    if (slot->exists) {
        boolean(out, "being_created", slot->restart_lsn && !slot->confirmed_flush);
        text(out, "wal_status", slot->wal_status);
        number(out, "safe_wal_size", slot->safe_wal_size != INT64_MAX, slot->safe_wal_size);
        text(out, "invalidation", slot->invalidation);
        boolean(out, "failover", slot->failover);
        lsn(out, "restart_lsn", slot->restart_lsn);
        lsn(out, "confirmed_flush_lsn", slot->confirmed_flush);
        number(out, "lag_bytes", slot->confirmed_flush,
               (int64_t)lsn_distance(slot->confirmed_flush, slot->wal_end));
        number(out, "retained_bytes", slot->restart_lsn,
               (int64_t)lsn_distance(slot->restart_lsn, slot->wal_end));
        write_reader(out, look);
    }
    out_char(out, '}');
}

/* A session that may be of a capture that begins. */
static void write_beginning(struct out *out, const struct look *look)
{
    const struct slot_reader *reader = &look->reader;
    bool begins = !look->facts.slot.active_pid && reader->pid;
    key(out, "beginning");
    if (!begins) {
        out_string(out, "null");
        return;
    }
    out_char(out, '{');
    number(out, "pid", true, reader->pid);
    text(out, "application", reader->application);
    text(out, "since", reader->since);
    out_char(out, '}');
}

static void write_publication(struct out *out, const struct look *look)
{
    const struct publication_facts *publication = &look->facts.publication;
    key(out, "publication");
    out_char(out, '{');
    text(out, "name", look->request->config->publication);
    boolean(out, "exists", publication->exists);
    boolean(out, "all_tables", publication->all_tables);
    boolean(out, "via_root", publication->via_root);
    out_char(out, '}');
    key(out, "watermarks_table");
    out_char(out, '{');
    text(out, "schema", look->request->config->watermarks_schema);
    text(out, "name", look->request->config->watermarks_table);
    boolean(out, "exists", facts_watermarks(&look->facts)->oid);
    out_char(out, '}');
}

static void write_state(struct out *out, const struct look *look)
{
    const struct state *state = look->request->state;
    if (state && state->checkpoint) {
        key(out, "state");
        out_char(out, '{');
        lsn(out, "cursor", state->checkpoint->cursor);
        number(out, "lag_bytes", true,
               (int64_t)lsn_distance(state->checkpoint->cursor, look->facts.slot.wal_end));
        out_char(out, '}');
    }
}

static void write_table(struct out *out, const struct look *look, int i)
{
    const struct catalog_stream *stream = &look->request->catalog->streams[i];
    const struct table_facts *table = &look->facts.tables[i];
    const struct stream_state *state = look_stream(look, i);
    int64_t estimate = look_estimate(look, i);
    out_string(out, i ? ",{" : "{");
    text(out, "schema", stream->schema);
    text(out, "name", stream->table);
    boolean(out, "exists", table->oid);
    boolean(out, "published", table->published);
    text(out, "mode", state ? look_mode(state) : NULL);
    number(out, "backfilled", state, state ? (int64_t)state->backfilled : 0);
    number(out, "row_estimate", estimate >= 0, estimate);
    out_char(out, '}');
}

static void write_lines(struct out *out, const char *name, const struct problems *lines)
{
    key(out, name);
    out_char(out, '[');
    for (size_t i = 0; i < lines->count; i++) {
        out_string(out, i ? "," : "");
        json_write_string(out, lines->items[i].text, strlen(lines->items[i].text));
    }
    out_char(out, ']');
}

void look_write_json(struct out *out, const struct look *look)
{
    const struct catalog *catalog = look->request->catalog;
    out_char(out, '{');
    write_server(out, look);
    write_slot(out, look);
    write_beginning(out, look);
    write_publication(out, look);
    write_state(out, look);
    key(out, "tables");
    out_char(out, '[');
    for (int i = 0; catalog && i < catalog->count; i++) {
        write_table(out, look, i);
    }
    out_char(out, ']');
    write_lines(out, "problems", &look->problems);
    write_lines(out, "remarks", &look->remarks);
    out_string(out, "}\n");
}

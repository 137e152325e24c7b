/* `status` for a terminal. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/lsn.h"
#include "base/size.h"
#include "look.h"

static void print_position(struct out *out, const struct slot *slot)
{
    if (slot->confirmed_flush) {
        out_format(out, ", %s behind, at %s",
                   size_format(lsn_distance(slot->confirmed_flush, slot->wal_end)).s,
                   lsn_format(slot->confirmed_flush).s);
    } else if (slot->restart_lsn) {
        out_string(out,
                   ", which is being created, and waits for transactions that began before: the "
                   "capture's log names them");
    }
}

static void print_kept(struct out *out, const struct slot *slot)
{
    if (slot->restart_lsn) {
        out_format(out, "\n             the server keeps %s of WAL for it",
                   size_format(lsn_distance(slot->restart_lsn, slot->wal_end)).s);
    } else {
        out_string(out, "\n             the server keeps no WAL for it");
    }
    if (slot->wal_status) {
        out_format(out, " (%s)", slot->wal_status);
    }
}

static void print_slot(struct out *out, const struct look *look)
{
    const struct slot *slot = &look->facts.slot;
    const char *name = look->request->config->slot;
    if (!slot->exists) {
        out_format(out, "slot         \"%s\" is not there\n", name);
        return;
    }
    out_format(out, "slot         \"%s\"", name);
    print_position(out, slot);
    print_kept(out, slot);
    if (slot->safe_wal_size != INT64_MAX) {
        out_format(out, ", and drops it after %s more",
                   size_format(slot->safe_wal_size > 0 ? (uint64_t)slot->safe_wal_size : 0).s);
    }
    out_char(out, '\n');
    if (slot->failover) {
        out_string(out, "             standbys synchronize it (failover slot)\n");
    }
    if (slot->invalidation) {
        out_format(out, "             INVALIDATED: %s\n", slot->invalidation);
    }
}

static void print_sent(struct out *out, const struct slot_reader *reader)
{
    if (reader->hidden) {
        out_string(out, "             only members of pg_monitor may see how far it is\n");
    } else if (!reader->state) {
        out_string(out, "             not streaming\n");
    } else {
        out_format(out, "             %s, sent %s, acknowledged %s\n", reader->state,
                   reader->sent ? lsn_format(reader->sent).s : "nothing yet",
                   reader->flushed ? lsn_format(reader->flushed).s : "nothing yet");
    }
}

static void print_reader(struct out *out, const struct look *look)
{
    const struct slot_reader *reader = &look->reader;
    const struct slot *slot = &look->facts.slot;
    if (!slot->active_pid && reader->pid) {
        out_format(out,
                   "capture      may be about to begin: process %d (%s, user %s, from %s) does not "
                   "read the slot yet\n",
                   reader->pid, reader->application, reader->user, reader->address);
    } else if (!slot->active_pid) {
        out_format(out, "capture      does not run%s\n",
                   slot->exists ? ": nobody reads the slot" : "");
    } else if (!reader->pid) {
        out_format(out, "capture      runs: process %d reads the slot\n", slot->active_pid);
    } else {
        out_format(out, "capture      runs since %s: process %d (%s, user %s, from %s)\n",
                   reader->since, slot->active_pid, reader->application, reader->user,
                   reader->address);
        print_sent(out, reader);
    }
}

static void print_publication(struct out *out, const struct look *look)
{
    const struct publication_facts *publication = &look->facts.publication;
    const struct config *config = look->request->config;
    char *watermarks = stream_name(config->watermarks_schema, config->watermarks_table);
    out_format(out, "publication  \"%s\" %s\n", config->publication,
               !publication->exists      ? "is not there"
               : publication->all_tables ? "for all tables"
                                         : "for some tables");
    if (config->read_only_capture) {
        out_string(out, "watermarks   none are written\n");
    } else {
        out_format(out, "watermarks   %s%s\n", watermarks,
                   facts_watermarks(&look->facts)->oid ? "" : " is not there");
    }
    free(watermarks);
}

static void print_rows(struct out *out, const struct look *look, int i)
{
    const struct stream_state *state = look_stream(look, i);
    int64_t estimate = look_estimate(look, i);
    uint64_t rows = state ? state->backfilled : 0;
    if (state && state->mode == STREAM_BACKFILL && estimate > 0) {
        double percent = (double)rows * 100 / (double)estimate;
        out_format(out, "%12" PRIu64 " of about %" PRId64 " rows (%.0f %%)", rows, estimate,
                   percent > 100 ? 100 : percent);
    } else if (state) {
        out_format(out, "%12" PRIu64 " rows backfilled", rows);
    } else if (estimate >= 0) {
        out_format(out, "about %" PRId64 " rows", estimate);
    }
}

/* The last columns of a line may be empty. */
static void end_line(struct out *out)
{
    while (out->len && out->data[out->len - 1] == ' ') {
        out->len--;
    }
    out_char(out, '\n');
}

static void print_tables(struct out *out, const struct look *look)
{
    const struct catalog *catalog = look->request->catalog;
    for (int i = 0; catalog && i < catalog->count; i++) {
        const struct table_facts *table = &look->facts.tables[i];
        char *name = stream_name(catalog->streams[i].schema, catalog->streams[i].table);
        out_format(out, "%s%-40s %-10s ", i ? "             " : "tables       ", name,
                   look_mode(look_stream(look, i)));
        print_rows(out, look, i);
        out_string(out, !table->oid ? "is not there" : !table->published ? " (not published)" : "");
        end_line(out);
        free(name);
    }
}

static void print_state(struct out *out, const struct look *look)
{
    const struct state *state = look->request->state;
    if (state && state->checkpoint) {
        uint64_t cursor = state->checkpoint->cursor;
        out_format(out, "state        at %s, %s behind\n", lsn_format(cursor).s,
                   size_format(lsn_distance(cursor, look->facts.slot.wal_end)).s);
    }
}

static void print_lines(struct out *out, const char *title, const struct problems *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        out_format(out, "%s%s\n", i ? "             " : title, lines->items[i].text);
    }
}

void look_print(struct out *out, const struct look *look)
{
    const struct server_facts *server = &look->facts.server;
    out_format(out, "server       PostgreSQL %d, database \"%s\", %s, WAL up to %s\n",
               server->version / 10000, server->database, server->standby ? "standby" : "primary",
               lsn_format(look->facts.slot.wal_end).s);
    print_slot(out, look);
    print_reader(out, look);
    print_publication(out, look);
    print_state(out, look);
    print_tables(out, look);
    print_lines(out, "problems     ", &look->problems);
    print_lines(out, "remarks      ", &look->remarks);
}

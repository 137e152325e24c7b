/* Opening the replication connection, starting the stream, and reporting to the server. */
#include "replication.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/lsn.h"
#include "base/mem.h"

enum { STATUS_US = 10 * 1000 * 1000 }; /* at least so often, and thrice within wal_sender_timeout */

struct replication *replication_new(const struct engine_config *config, struct pipeline *pipeline,
                                    const struct start *start)
{
    struct replication *r = mem_zero(sizeof *r);
    r->config = config;
    r->pipeline = pipeline;
    r->start = start;
    r->decoder = decoder_new();
    const char *directory = getenv("TMPDIR");
    r->streamed = streamed_new(directory && *directory ? directory : "/tmp");
    return r;
}

void replication_free(struct replication **replication)
{
    struct replication *r = *replication;
    *replication = NULL;
    if (r) {
        pg_close(&r->pg);
        decoder_free(&r->decoder);
        streamed_free(&r->streamed);
        batch_free(&r->batch);
        free(r);
    }
}

struct pg *replication_connection(struct replication *r, struct err *err)
{
    const struct engine_config *c = r->config;
    if (!r->pg) {
        r->pg = pg_open(c->config, PG_REPLICATION, REPLICATION_NAME, run_stop_fd(c->run), err);
    }
    return r->pg;
}

static bool identify(struct replication *r, struct server_identity *server, struct err *err)
{
    return replication_connection(r, err) && server_identify(r->pg, server, err);
}

/* The server may have ended a connection that was idle since the prerequisites were checked. */
static bool identify_again(struct replication *r, struct server_identity *server, struct err *err)
{
    if (err->kind != ERR_TRANSIENT) {
        return false;
    }
    pg_close(&r->pg);
    return identify(r, server, err);
}

bool replication_identify(struct replication *r, struct server_identity *server, uint32_t timeline,
                          uint64_t *timeline_end, struct err *err)
{
    *timeline_end = 0;
    return (identify(r, server, err) || identify_again(r, server, err)) &&
           (timeline == 0 || timeline == server->timeline ||
            server_timeline_end(r->pg, server->timeline, timeline, timeline_end, err));
}

/* Report three times within wal_sender_timeout. */
static bool read_timeout(struct replication *r, struct err *err)
{
    if (!pg_send(r->pg, "SHOW wal_sender_timeout", err)) {
        return false;
    }
    r->status_us = STATUS_US;
    for (;;) {
        enum pg_step step = pg_next(r->pg, err);
        if (step == PG_DONE) {
            return true;
        }
        if (step != PG_ROWS) {
            return step == PG_OK;
        }
        struct pg_rows *rows = pg_take_rows(r->pg);
        char *unit;
        long number = strtol(pg_rows_value(rows, 0, 0), &unit, 10);
        int64_t us = number * (!strcmp(unit, "ms")  ? 1000
                               : !strcmp(unit, "s") ? 1000000
                                                    : 60000000);
        pg_rows_free(&rows);
        r->status_us = us > 0 && us / 3 < STATUS_US ? us / 3 : STATUS_US;
    }
}

/* The beginning of the stream may have come with the answer: it is kept. */
static bool ask_for_stream(struct replication *r, const char *command, struct err *err)
{
    struct message answer;
    struct out request;
    struct arena arena;
    out_init(&request, 512);
    arena_init(&arena, 0);
    wire_command(&request, command);
    bool ok = wire_send(r->pg, &request, err) && wire_answer(r->pg, &arena, &answer, err);
    if (ok && answer.type != WIRE_STREAM) {
        ok = answer.type == WIRE_ERROR
                 ? wire_fail(r->pg, &answer, err)
                 : err_set(err, ERR_SYSTEM, "the server did not start to stream");
    }
    wire_leave(r->pg);
    arena_free(&arena);
    out_free(&request);
    return ok;
}

static bool has_messages(const struct replication *r)
{
    return r->config->catalog->logical[LOGICAL_MESSAGES];
}

/* Whether to ask the server to send large transactions before they have committed. Not with
 * messages: each has the id of its top-level transaction, so that one which was written in a
 * savepoint that is rolled back later could not be told from the others. */
static bool streams_open(const struct replication *r)
{
    return r->config->config->stream_open_transactions && !has_messages(r) && !r->spool_failed &&
           pg_server_version(r->pg) >= 140000;
}

static bool start_stream(struct replication *r, struct err *err)
{
    const struct config *c = r->config->config;
    struct out sql;
    out_init(&sql, 512);
    out_string(&sql, "START_REPLICATION SLOT ");
    pg_quote_identifier(&sql, c->slot);
    out_format(&sql, " LOGICAL %s (%s, publication_names ", lsn_format(r->resume_lsn).s,
               streams_open(r) ? "proto_version '2', streaming 'on'" : "proto_version '1'");
    struct out name;
    out_init(&name, 128);
    pg_quote_identifier(&name, c->publication);
    pg_quote_literal(&sql, name.data, name.len);
    if (has_messages(r)) {
        out_string(&sql, ", messages 'true'");
    }
    out_string(&sql, ")");
    out_free(&name);
    bool ok = ask_for_stream(r, out_text(&sql), err);
    out_free(&sql);
    return ok || (err->kind != ERR_STOPPED &&
                  err_prefix(err, "starting replication from slot \"%s\": ", c->slot));
}

static void say_acknowledged(const struct replication *r)
{
    if (log_shows(r->config->log, LOG_DEBUG)) {
        log_line(r->config->log, LOG_DEBUG, "the server is told that all is stored up to %s",
                 lsn_format(r->flushed).s);
    }
}

/* The server may remove WAL up to what the consumer has taken, and no more. */
bool replication_status(struct replication *r, bool reply, struct err *err)
{
    char status[34], *p = status;
    struct out request;
    int64_t since_2000_us = (clock_wall_ms() - INT64_C(946684800000)) * 1000;
    uint64_t *shown = &r->config->progress->flushed;
    uint64_t before = r->flushed;
    r->flushed = shared_load(r->config->acknowledged);
    if (r->flushed > shared_load(shown)) {
        shared_store(shown, r->flushed); /* else the slot stays where it is */
    }
    *p++ = 'r';
    p = store64(p, r->received);
    p = store64(p, r->flushed);
    p = store64(p, r->flushed);
    p = store64(p, (uint64_t)since_2000_us);
    *p = reply ? 1 : 0;
    crash_point("status-due");
    r->next_status_us = clock_monotonic_us() + r->status_us;
    out_init(&request, 64);
    wire_data(&request, status, sizeof status);
    bool ok = wire_send(r->pg, &request, err);
    out_free(&request);
    if (ok && r->flushed != before) {
        say_acknowledged(r);
    }
    return ok;
}

/*
 * A standby that took over may lack what the old server had last: rows that were read there, and
 * watermarks. Of what was emitted it lacks nothing, so that a new run can continue from the state.
 */
static bool may_follow(const struct replication *r, uint64_t timeline, /* 0: of a standby */
                       const struct server_identity *server, struct err *err)
{
    struct progress *p = r->config->progress;
    bool ends = !r->config->catalog->tail, reads = ends;
    for (uint64_t i = 0; i < shared_load(&p->stream_count); i++) {
        reads |= shared_load(&p->streams[i].backfilling) != 0;
    }
    return !reads || !timeline || server->timeline == timeline ||
           err_set(err, ERR_SYSTEM,
                   "the server was promoted to timeline %u %s, and may not have all that was read: "
                   "start the capture again, which goes on from its state",
                   server->timeline,
                   ends ? "before the read was complete" : "while rows were read");
}

/* A connection that was opened again must be to the same server, slot and history. */
static bool verify_again(struct replication *r, struct err *err)
{
    const struct config *config = r->config->config;
    const struct capture_identity *identity = &r->start->identity;
    struct server_identity server;
    struct slot slot = {0};
    uint64_t timeline_end;
    uint32_t timeline = (uint32_t)shared_load(&r->pipeline->timeline);
    struct slot_claim claim = {
        identity->system_identifier, timeline,      identity->slot,
        identity->database,          r->resume_lsn, config->read_only_capture};
    struct pg *sql = pg_open(config, PG_SQL, "source-postgres", run_stop_fd(r->config->run), err);
    bool ok =
        sql && slot_read(sql, config->slot, &slot, err) &&
        replication_identify(r, &server, timeline, &timeline_end, err) &&
        slot_verify(&claim, &slot, config->slot, config->database, &server, timeline_end, err);
    if (ok) {
        shared_store(&r->pipeline->timeline, server_lasting_timeline(&server));
        shared_fence(); /* with roster_lose() */
        ok = may_follow(r, timeline, &server, err);
    }
    slot_clear(&slot);
    pg_close(&sql);
    return ok;
}

bool replication_begin(struct replication *r, bool again, struct err *err)
{
    if ((again && !verify_again(r, err)) || !replication_connection(r, err) ||
        !read_timeout(r, err) || !start_stream(r, err)) {
        return false;
    }
    decoder_restart(r->decoder);
    streamed_restart(r->streamed);
    r->repeats = r->handed;
    r->first_transaction = r->handed > 0;
    r->last_message_us = clock_monotonic_us();
    shared_store(&r->pipeline->renewal.begun, r->resume_lsn);
    return replication_status(r, again, err); /* an idle server's answer shows that it is back */
}

bool replication_probe(struct replication *r, struct err *err)
{
    const struct engine_config *c = r->config;
    struct pg *sql = pg_open(c->config, PG_SQL, "source-postgres", run_stop_fd(c->run), err);
    bool alive = sql != NULL;
    pg_close(&sql);
    return alive;
}

/* The slot's state, and whose transactions make the server keep WAL that has been captured. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "base/size.h"
#include "pg/slot.h"
#include "runtime/counter.h"
#include "service.h"

/*
 * The server can only remove WAL from before the oldest transaction that it would have to decode
 * again. Short transactions end soon; long ones fill a disk.
 */
static const char held_sql[] =
    "WITH holders AS ("
    " SELECT pg_catalog.format('process %s (user %s, open for %s s)', pid, usename,"
    "   pg_catalog.round(extract(epoch FROM pg_catalog.clock_timestamp()-xact_start)::numeric)),"
    "  xact_start AS since FROM pg_catalog.pg_stat_activity"
    " WHERE backend_xid IS NOT NULL AND pid<>pg_catalog.pg_backend_pid()"
    " UNION ALL SELECT pg_catalog.format('prepared transaction %s (user %s, open for %s s)', gid,"
    "   owner, pg_catalog.round(extract("
    "   epoch FROM pg_catalog.clock_timestamp()-prepared)::numeric)),"
    "  prepared FROM pg_catalog.pg_prepared_xacts"
    "), oldest(text) AS ("
    " SELECT format FROM holders WHERE since<pg_catalog.clock_timestamp()-interval '2 s'"
    " ORDER BY since LIMIT 3) "
    "SELECT (confirmed_flush_lsn-restart_lsn)::bigint,"
    " (SELECT pg_catalog.string_agg(text, ', ') FROM oldest) "
    "FROM pg_catalog.pg_replication_slots"
    " WHERE slot_name=$1 AND confirmed_flush_lsn-restart_lsn>32*1024*1024"
    " AND EXISTS (SELECT FROM oldest)";

enum { HELD_BYTES, HELD_BY };

/* Remarks on tables that have changed since the capture began. */
static void remark(struct service *s, const struct question *q)
{
    struct err ignored = {0};
    const struct catalog now = {.streams = s->config->catalog->streams, .count = q->count};
    (void)service_remark(s, &now, &ignored);
}

static const char held_about[] = "held WAL";

/* A failure to look is none of the capture's. */
void answer_held(struct service *s, const struct question *q)
{
    struct err ignored = {0};
    remark(s, q);
    const char *slot = s->config->config->slot;
    struct pg_rows *rows = service_query(s, held_sql, 1, &slot, &ignored);
    if (rows && pg_rows_count(rows)) {
        log_about(s->config->log, LOG_WARN, held_about,
                  "old transactions make the server keep %s of WAL that has been captured: %s; "
                  "one can be ended with SELECT pg_terminate_backend(pid)",
                  size_format(strtoull(pg_rows_value(rows, 0, HELD_BYTES), NULL, 10)).s,
                  pg_rows_value(rows, 0, HELD_BY));
    } else if (rows) {
        log_over(s->config->log, held_about);
    }
    pg_rows_free(&rows);
}

static enum slot_status status_of(const struct slot *slot)
{
    for (int i = SLOT_STATUS_RESERVED; slot->wal_status && i <= SLOT_STATUS_LOST; i++) {
        if (!strcmp(slot->wal_status, slot_status_names[i])) {
            return (enum slot_status)i;
        }
    }
    return SLOT_STATUS_UNKNOWN;
}

/* The mark stays until it is reached; the time that takes is how much the capture lags; or until a
 * fail-over leaves it past the end of the WAL. */
static void mark(struct progress *p, uint64_t wal_end)
{
    if (shared_load(&p->position) >= p->slot.mark_lsn || wal_end < p->slot.mark_lsn) {
        shared_store(&p->slot.marked_us, (uint64_t)clock_monotonic_us());
        shared_store(&p->slot.mark_lsn, wal_end);
    }
}

static void show_slot(struct slot_progress *p, const struct slot *slot)
{
    uint64_t safe = slot->safe_wal_size > 0 ? (uint64_t)slot->safe_wal_size : 0;
    shared_store(&p->status, status_of(slot));
    shared_store(&p->safe_wal_size, slot->safe_wal_size == INT64_MAX ? UINT64_MAX : safe);
    shared_store(&p->retained,
                 slot->restart_lsn ? lsn_distance(slot->restart_lsn, slot->wal_end) : 0);
    shared_store(&p->catalog_age, (uint64_t)slot->catalog_age);
    shared_store(&p->wal_end, slot->wal_end);
    shared_store(&p->known, 1);
}

/* Before the first change: the position from which they come. */
static uint64_t captured(const struct service *s, const struct slot *slot)
{
    uint64_t position = shared_load(&s->config->progress->position);
    const struct checkpoint *given = s->config->state->checkpoint;
    return position ? position : given ? given->cursor : slot->confirmed_flush;
}

static bool guard(struct service *s, const struct slot *slot, struct err *err)
{
    struct out warning;
    out_init(&warning, 512);
    bool ok = slot_guard_look(&s->guard, slot, captured(s, slot), &warning, err);
    if (ok && warning.len) {
        log_line(s->config->log, LOG_WARN, "%s", out_text(&warning));
    }
    out_free(&warning);
    return ok;
}

void service_look_at_slot(void *service, struct pg *probe)
{
    struct service *s = service;
    struct err err = {0};
    struct slot slot;
    if (slot_read(probe, s->config->config->slot, &slot, &err) && slot.exists) {
        show_slot(&s->config->progress->slot, &slot);
        if (slot_is_own(&slot) && !guard(s, &slot, &err)) {
            run_fail(s->config->run, &err);
        }
    }
    slot_clear(&slot);
}

/* A failure to look is none of the capture's. */
bool answer_slot(struct service *s, struct err *err)
{
    struct err ignored = {0};
    struct slot slot;
    struct retry retry;
    retry_succeeded(&retry, clock_monotonic_us());
    bool ok;
    do {
        ok = slot_read(s->pg, s->config->config->slot, &slot, &ignored);
    } while (!ok && service_may_retry(s, &retry, &ignored));
    bool within = true;
    if (ok && slot.exists) {
        show_slot(&s->config->progress->slot, &slot);
        mark(s->config->progress, slot.wal_end);
        look_at_decoding(s, &slot);
        within =
            (!slot_is_own(&slot) || slot_valid(&slot, s->config->config->slot,
                                               shared_load(&s->config->progress->position), err)) &&
            guard(s, &slot, err);
    }
    slot_clear(&slot);
    return within;
}

/*
 * Whether nothing comes because the server decodes a large transaction. It sends none before its
 * commit, and of one that touches no captured table nothing at all; what does not fit its memory it
 * spills to disk.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "runtime/counter.h"
#include "service.h"

enum {
    BEHIND_BYTES = 1024 * 1024,      /* less is decoded at once */
    AFTER_LOOKS = 5,                 /* not logged before so many check intervals, */
    AFTER_MOST_US = 5 * 1000 * 1000, /* or this time, if that is shorter */
    SAY_US = 60 * 1000 * 1000,
    MIB = 1024 * 1024,
};

/* A role always sees its own processes in pg_stat_activity. */
static const char *decoding_sql(const struct pg *pg)
{
    return pg_server_version(pg) >= 140000
               ? "SELECT coalesce(a.wait_event_type,''),st.spill_txns,st.spill_bytes"
                 " FROM pg_catalog.pg_stat_activity a"
                 " LEFT JOIN pg_catalog.pg_stat_replication_slots st ON st.slot_name=$2"
                 " WHERE a.pid=$1::int"
               : "SELECT coalesce(wait_event_type,''),NULL,NULL FROM pg_catalog.pg_stat_activity"
                 " WHERE pid=$1::int AND $2::text IS NOT NULL";
}

static uint64_t number(const struct pg_rows *rows, int column)
{
    return pg_rows_null(rows, 0, column) ? 0 : strtoull(pg_rows_value(rows, 0, column), NULL, 10);
}

/* It does not decode while it waits for us, for more WAL, or for a lock. *spilled: bytes of the
 * last transaction that has spilled, as far as the looks can distinguish it from others. */
static bool is_decoding(struct service *s, const struct slot *slot, uint64_t *spilled)
{
    struct decoding *d = &s->decoding;
    struct err ignored;
    char *pid = mem_format("%d", slot->active_pid);
    const char *params[] = {pid, s->config->config->slot};
    struct pg_rows *rows = pg_query(s->pg, decoding_sql(s->pg), 2, params, &ignored);
    bool decodes = false;
    if (rows && pg_rows_count(rows)) {
        const char *type = pg_rows_value(rows, 0, 0);
        uint64_t txns = number(rows, 1), bytes = number(rows, 2);
        decodes = strcmp(type, "Client") != 0 && strcmp(type, "Activity") != 0 &&
                  strcmp(type, "Lock") != 0;
        d->spilled_before = !d->looked              ? bytes
                            : txns != d->spill_txns ? d->spill_bytes
                                                    : d->spilled_before;
        d->spill_txns = txns;
        d->spill_bytes = bytes;
        d->looked = true;
        *spilled = bytes > d->spilled_before ? bytes - d->spilled_before : 0;
    }
    pg_rows_free(&rows);
    free(pid);
    return decodes;
}

/* Whether nothing came since the last look, and neither the replication reader nor the consumer is
 * the cause. */
static bool nothing_comes(struct decoding *d, const struct progress *p, int64_t now_us)
{
    uint64_t received = shared_load(&p->received);
    bool idle = received == d->received;
    if (!idle || shared_load(&p->reader_waits) || shared_load(&p->writing_since_us)) {
        d->received = received;
        d->since_us = now_us;
        return false;
    }
    return true;
}

static bool is_long(const struct service *s, int64_t us)
{
    int64_t after_us = AFTER_LOOKS * s->config->config->check_interval_ms * 1000;
    return us >= (after_us < AFTER_MOST_US ? after_us : AFTER_MOST_US);
}

void look_at_decoding(struct service *s, const struct slot *slot)
{
    struct decoding *d = &s->decoding;
    int64_t now_us = clock_monotonic_us();
    bool idle = nothing_comes(d, s->config->progress, now_us);
    uint64_t spilled = 0, behind = lsn_distance(d->received, slot->wal_end);
    bool decodes = slot->active_pid > 0 && is_decoding(s, slot, &spilled);
    if (!idle || !decodes || behind < BEHIND_BYTES) {
        log_waited(&d->wait);
        return;
    }
    if (!is_long(s, now_us - d->since_us) || (d->said_us && now_us - d->said_us < SAY_US)) {
        return;
    }
    d->said_us = now_us;
    log_wait(&d->wait, LOG_INFO,
             "the server is decoding a large transaction, maybe of tables that are not captured: "
             "nothing has come for %" PRId64 " s, %" PRIu64
             " MiB spilled to its disk so far, %" PRIu64 " MiB of WAL still to be read",
             (now_us - d->since_us) / 1000000, spilled / MIB, behind / MIB);
}

/* Opening a worker's session. */
#include "session.h"

#include "base/lsn.h"
#include "pg/position.h"
#include "runtime/counter.h"

enum { CATCH_UP_US = 100 * 1000 };

/* Chunk queries are held to the user's limit; and the statement of facts is planned once, whatever
 * its parameters. */
static bool set_up(const struct chunk_reader *r, struct err *err)
{
    struct out sql;
    out_init(&sql, 128);
    out_format(
        &sql, "SET statement_timeout=%lld%s", (long long)r->backfill->config->statement_timeout_ms,
        pg_server_version(r->pg) >= 120000 ? "; SET plan_cache_mode=force_generic_plan" : "");
    bool ok = pg_exec(r->pg, out_text(&sql), err);
    out_free(&sql);
    return ok;
}

bool backfill_catch_up(struct pg *pg, const uint64_t *received, struct run *run,
                       struct log_wait *wait, uint64_t *replayed, struct err *err)
{
    bool ok = true;
    *replayed = 0;
    while (ok && pg_in_recovery(pg)) {
        ok = position_read(pg, position_sql, replayed, err);
        if (!ok || *replayed >= shared_load(received)) {
            break;
        }
        log_wait_about(
            wait, LOG_INFO, "waiting until the standby has replayed",
            "waiting until the standby has replayed %s, which it had before; it is at %s",
            lsn_format(shared_load(received)).s, lsn_format(*replayed).s);
        run_pause(run, CATCH_UP_US);
        ok = !run_stopping(run) || err_set(err, ERR_STOPPED, "stopped");
    }
    return ok;
}

bool session_open(struct chunk_reader *r, const char *name, struct log_wait *wait, struct err *err)
{
    const struct backfill *b = r->backfill;
    if (r->pg && pg_alive(r->pg)) {
        return true;
    }
    pg_close(&r->pg);
    r->table.prepared = NULL;
    r->pg = pg_open(b->config, PG_SQL, name, run_stop_fd(b->run), err);
    if (r->pg) {
        pg_tell(r->pg,
                &(struct notices){.line = log_notice, .wait = log_notice_wait, .context = wait});
    }
    if (r->pg && (!set_up(r, err) ||
                  !backfill_catch_up(r->pg, b->received, b->run, wait, &r->replayed, err))) {
        pg_close(&r->pg);
    }
    return r->pg != NULL;
}

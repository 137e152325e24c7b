/* How much is much, how near is near, and what can be done about it. */
#include "pg/slot_guard.h"

#include <inttypes.h>

#include "base/lsn.h"
#include "base/size.h"

enum {
    NEAR_SHARE = 4,      /* less than so much of what may be kept is left */
    IDLE_NEAR_SHARE = 2, /* it was idle for more than that part of what it may be */
};

/* The largest part of the kept WAL is the cause: captured and not acknowledged; still to be
 * captured; or acknowledged, and still needed to decode later changes. */
static void add_cause(struct out *out, const struct slot_guard *g, const struct slot *slot,
                      uint64_t captured)
{
    uint64_t held = lsn_distance(slot->restart_lsn, slot->confirmed_flush);
    uint64_t done = lsn_distance(slot->confirmed_flush, captured);
    uint64_t behind = lsn_distance(captured, slot->wal_end);
    if (done >= held && done >= behind) {
        out_format(out, "most of it has been captured and is not known to be stored: %s",
                   g->release);
    } else if (behind >= held) {
        out_string(out, "most of it is still to be captured: let the capture catch up, and see in "
                        "its log what it waits for");
    } else {
        out_string(out, "most of it is acknowledged: the server removes it within some 15 s, or "
                        "once transactions have ended that were open then, which the log names");
    }
}

static uint64_t kept_by(const struct slot *slot)
{
    return slot->restart_lsn ? lsn_distance(slot->restart_lsn, slot->wal_end) : 0;
}

static void warn_of_kept(struct slot_guard *g, const struct slot *slot, uint64_t captured,
                         struct out *warning)
{
    uint64_t kept = kept_by(slot);
    if (kept < g->warn_bytes / 2) {
        g->said_bytes = 0;
    }
    if (!g->warn_bytes || kept < g->warn_bytes || kept / 2 < g->said_bytes) {
        return;
    }
    g->said_bytes = kept;
    out_string(warning, "the server keeps ");
    out_string(warning, size_format(kept).s);
    out_format(warning, " of WAL for replication slot \"%s\": ", g->slot);
    add_cause(warning, g, slot, captured);
}

static bool is_near(uint64_t safe, uint64_t kept)
{
    return safe < (safe + kept) / NEAR_SHARE;
}

/*
 * wal_status does not warn in time: where max_wal_size is more than max_slot_wal_keep_size, it
 * stays `reserved` until the slot is lost.
 */
static void warn_of_loss(struct slot_guard *g, const struct slot *slot, uint64_t captured,
                         struct out *warning)
{
    uint64_t safe = slot->safe_wal_size > 0 ? (uint64_t)slot->safe_wal_size : 0;
    uint64_t kept = kept_by(slot);
    bool limited = slot->safe_wal_size != INT64_MAX && slot->restart_lsn;
    bool was_near = g->near;
    g->near = limited && is_near(safe, kept);
    if (!g->near || (was_near && safe > g->said_safe / 2) || (was_near && !g->said_safe)) {
        return;
    }
    g->said_safe = safe;
    g->said_bytes = kept > g->said_bytes ? kept : g->said_bytes;
    out_format(warning, "replication slot \"%s\" will be lost, and with it the capture's place, ",
               g->slot);
    if (safe) {
        out_string(warning, "after ");
        out_string(warning, size_format(safe).s);
        out_string(warning, " more of WAL");
    } else {
        out_string(warning, "with the server's next checkpoint");
    }
    out_string(warning, " (max_slot_wal_keep_size), and the server keeps ");
    out_string(warning, size_format(kept).s);
    out_string(warning, " for it: ");
    add_cause(warning, g, slot, captured);
    out_string(warning, "; or raise max_slot_wal_keep_size");
}

static bool is_within(const struct slot_guard *g, const struct slot *slot, uint64_t captured,
                      struct err *err)
{
    struct out text;
    uint64_t kept = kept_by(slot), grace = g->first > g->stop_bytes ? g->first : 0;
    if (!g->stop_bytes || kept <= g->stop_bytes + grace) {
        return true;
    }
    out_init(&text, 256);
    out_string(&text, size_format(kept).s);
    out_format(
        &text,
        " of WAL for replication slot \"%s\", more than advanced.wal_stop_mb allows: ", g->slot);
    add_cause(&text, g, slot, captured);
    err_set(err, ERR_CONFIG,
            "the server keeps %s; or raise advanced.wal_stop_mb; or, if the capture is not coming "
            "back, run SELECT pg_drop_replication_slot('%s')",
            out_text(&text), g->slot);
    out_free(&text);
    return false;
}

bool slot_guard_look(struct slot_guard *g, const struct slot *slot, uint64_t captured,
                     struct out *warning, struct err *err)
{
    uint64_t kept = kept_by(slot);
    if (!g->begun || kept <= g->stop_bytes) {
        g->first = kept;
    }
    g->begun = true;
    if (!is_within(g, slot, captured, err)) {
        return false;
    }
    warn_of_loss(g, slot, captured, warning);
    if (!warning->len) {
        warn_of_kept(g, slot, captured, warning);
    }
    return true;
}

void slot_guard_idle(const struct slot *slot, const char *name, struct out *warning)
{
    if (slot->idle_timeout_s <= 0 || slot->idle_s < slot->idle_timeout_s / IDLE_NEAR_SHARE) {
        return;
    }
    out_format(warning,
               "nobody has read replication slot \"%s\" for %" PRId64 " s, and after %" PRId64
               " s it would have been lost, and with it the capture's place: run the capture more "
               "often, or raise idle_replication_slot_timeout",
               name, slot->idle_s, slot->idle_timeout_s);
}

/* Whether a capture may continue where its state says: decided from what was read, without a
 * query. */
#include <string.h>

#include "base/lsn.h"
#include "pg/slot.h"

#define BEGIN_AGAIN "begin the capture again"

const char *slot_invalidation_remedy(const char *reason)
{
    static const struct {
        const char *reason, *remedy;
    } remedies[] = {
        {"wal_removed", "raise max_slot_wal_keep_size, or set it to -1 for no limit"},
        {"idle_timeout", "raise idle_replication_slot_timeout, or set it to 0 for no limit"},
        {"rows_removed", "set hot_standby_feedback = on at the standby"},
        {"wal_level_insufficient", "keep wal_level = logical at the primary"},
        {"conflict with recovery",
         "set hot_standby_feedback = on at the standby, and keep wal_level "
         "= logical at the primary"},
    };
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        if (!strcmp(remedies[i].reason, reason)) {
            return remedies[i].remedy;
        }
    }
    return "see invalidation_reason in the manual's page of pg_replication_slots";
}

/*
 * A capture that is routed to a standby for a moment, or to two servers at once, must not conclude
 * that something is lost: only its own primary knows, or the standby that has the capture's own
 * slot.
 */
static bool is_its_server(const struct slot_claim *claim, const struct slot *now,
                          const struct server_identity *server, struct err *err)
{
    bool standby = now->in_recovery || server->in_recovery;
    if (standby && !(claim->standby && slot_is_own(now))) {
        return slot_elsewhere(claim->standby, err);
    }
    if (now->system_identifier[0] &&
        strcmp(now->system_identifier, server->system_identifier) != 0) {
        return err_set(err, ERR_TRANSIENT,
                       "two connections to the same address led to two servers, with the system "
                       "identifiers %s and %s",
                       now->system_identifier, server->system_identifier);
    }
    return true;
}

bool slot_elsewhere(bool standby, struct err *err)
{
    return err_set(err, ERR_TRANSIENT,
                   "the server is in recovery: a standby answers, whose primary is maybe away%s",
                   standby ? "; or the replication slot that the capture had on this standby was "
                             "dropped: then " BEGIN_AGAIN
                           : "");
}

static bool same_server(const struct slot_claim *claim, const struct server_identity *server,
                        uint64_t timeline_end, struct err *err)
{
    if (claim->system_identifier &&
        strcmp(claim->system_identifier, server->system_identifier) != 0) {
        return err_set(
            err, ERR_CONFIG,
            "the state is of another server: it was taken from the one with system "
            "identifier %s, and this one has %s; connect to that server again, or " BEGIN_AGAIN,
            claim->system_identifier, server->system_identifier);
    }
    if (!claim->timeline || claim->timeline == server->timeline) {
        return true;
    }
    if (claim->timeline > server->timeline) {
        return err_set(err, ERR_CONFIG,
                       "the server went back to timeline %u, and the state is of timeline %u: what "
                       "happened in between is not its history any more; " BEGIN_AGAIN,
                       server->timeline, claim->timeline);
    }
    if (!timeline_end || claim->cursor > timeline_end) {
        return err_set(err, ERR_CONFIG,
                       "the server was promoted to timeline %u, and what was captured of timeline "
                       "%u up to %s is not all in its history (the capture was ahead of the "
                       "standby, which synchronized_standby_slots prevents); " BEGIN_AGAIN,
                       server->timeline, claim->timeline, lsn_format(claim->cursor).s);
    }
    return true;
}

static bool same_source(const struct slot_claim *claim, const char *slot, const char *database,
                        struct err *err)
{
    if (claim->database && strcmp(claim->database, database) != 0) {
        return err_set(err, ERR_CONFIG,
                       "the state is of database \"%s\", and the configuration names \"%s\"; "
                       "correct it, or " BEGIN_AGAIN,
                       claim->database, database);
    }
    if (claim->slot && strcmp(claim->slot, slot) != 0) {
        return err_set(err, ERR_CONFIG,
                       "the state is of replication slot \"%s\", and the configuration names "
                       "\"%s\"; correct it, or " BEGIN_AGAIN,
                       claim->slot, slot);
    }
    return true;
}

/* When a standby is promoted, it keeps only the slots that it had synchronized completely. */
static bool slot_gone(const struct slot *now, const char *slot, uint64_t cursor, bool promoted,
                      struct err *err)
{
    return err_set(
        err, ERR_CONFIG,
        "replication slot \"%s\" is %s, and with it the changes after %s%s; " BEGIN_AGAIN, slot,
        now->exists ? "a temporary one now, the other is gone" : "gone", lsn_format(cursor).s,
        promoted ? ": the standby that took over had not synchronized it (see "
                   "advanced.failover_slot, and sync_replication_slots of the standby)"
                 : "");
}

static bool slot_usable(const struct slot *now, const char *slot, const char *database,
                        uint64_t cursor, bool promoted, struct err *err)
{
    if (!now->exists || now->temporary) {
        return slot_gone(now, slot, cursor, promoted, err);
    }
    if (!now->logical || !now->plugin || strcmp(now->plugin, "pgoutput") != 0) {
        return err_set(err, ERR_CONFIG,
                       "replication slot \"%s\" was recreated for %s, not pgoutput: the changes "
                       "after %s are lost; name another slot, and " BEGIN_AGAIN,
                       slot, now->plugin ? now->plugin : "physical replication",
                       lsn_format(cursor).s);
    }
    if (!now->database || strcmp(now->database, database) != 0) {
        return err_set(err, ERR_CONFIG,
                       "replication slot \"%s\" belongs to database \"%s\" now, not to \"%s\": "
                       "the changes after %s are lost; name another slot, and " BEGIN_AGAIN,
                       slot, now->database ? now->database : "", database, lsn_format(cursor).s);
    }
    return true;
}

bool slot_valid(const struct slot *now, const char *slot, uint64_t cursor, struct err *err)
{
    const char *reason = now->invalidation ? now->invalidation : "wal_removed";
    if (!now->invalidation && now->restart_lsn) {
        return true;
    }
    err_set(err, ERR_CONFIG,
            "the server invalidated replication slot \"%s\" (%s): the changes after %s are lost; "
            "drop it with SELECT pg_drop_replication_slot('%s'), %s, and " BEGIN_AGAIN,
            slot, now->invalidation ? reason : "it keeps no WAL", lsn_format(cursor).s, slot,
            slot_invalidation_remedy(reason));
    return err_remedy(err, REMEDY_BEGIN_AGAIN);
}

static bool verify(const struct slot_claim *claim, const struct slot *now, const char *slot,
                   const char *database, const struct server_identity *server,
                   uint64_t timeline_end, struct err *err)
{
    if (!is_its_server(claim, now, server, err) || !same_source(claim, slot, database, err) ||
        !same_server(claim, server, timeline_end, err) ||
        !slot_usable(now, slot, database, claim->cursor,
                     claim->timeline && claim->timeline < server->timeline, err)) {
        return false;
    }
    if (!slot_valid(now, slot, claim->cursor, err)) {
        return false;
    }
    if (now->confirmed_flush > claim->cursor) {
        return err_set(err, ERR_CONFIG,
                       "replication slot \"%s\" is at %s, past the state's %s: it was "
                       "recreated or something else read from it, and the changes in between are "
                       "lost; use the newest state, or " BEGIN_AGAIN,
                       slot, lsn_format(now->confirmed_flush).s, lsn_format(claim->cursor).s);
    }
    if (server->position < claim->cursor && server->in_recovery) {
        return err_set(err, ERR_TRANSIENT,
                       "the standby has replayed %s, and the state is at %s, which it has to "
                       "replay again",
                       lsn_format(server->position).s, lsn_format(claim->cursor).s);
    }
    if (server->position < claim->cursor) {
        return err_set(err, ERR_CONFIG,
                       "the server's WAL ends at %s, before the state's %s: it was restored from "
                       "an older copy, and what was captured since is not in it; " BEGIN_AGAIN,
                       lsn_format(server->position).s, lsn_format(claim->cursor).s);
    }
    return true;
}

bool slot_verify(const struct slot_claim *claim, const struct slot *now, const char *slot,
                 const char *database, const struct server_identity *server, uint64_t timeline_end,
                 struct err *err)
{
    return verify(claim, now, slot, database, server, timeline_end, err) ||
           (err->kind == ERR_CONFIG && err_remedy(err, REMEDY_BEGIN_AGAIN));
}

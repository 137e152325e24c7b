/* Whether there are standbys, and what a failover would do to the capture's slot. */
#include "pg/failover.h"

#include <stdlib.h>
#include <string.h>

#include "pg/slot.h"
#include "rows.h"

/* A standby that synchronizes slots must have a physical one; a base backup has a temporary one. */
static const char facts_sql[] =
    "WITH standbys AS (SELECT s.slot_name::text AS name, s.active"
    "  FROM pg_catalog.pg_replication_slots s WHERE s.slot_type = 'physical' AND NOT s.temporary),"
    " awaited AS (SELECT pg_catalog.btrim(n, ' \"') AS name FROM pg_catalog.regexp_split_to_table("
    "  pg_catalog.current_setting('synchronized_standby_slots'), ',') n WHERE n <> '') "
    "SELECT (SELECT pg_catalog.string_agg(name, ', ' ORDER BY name) FROM standbys),"
    " EXISTS (SELECT FROM awaited),"
    " (SELECT pg_catalog.string_agg(a.name, ', ' ORDER BY a.name) FROM awaited a WHERE NOT EXISTS"
    "  (SELECT FROM standbys s WHERE s.name = a.name AND s.active))";

enum { COL_SLOTS, COL_AWAITED, COL_ABSENT };

bool failover_read(struct pg *pg, struct failover_facts *facts, struct err *err)
{
    *facts = (struct failover_facts){.possible = pg_server_version(pg) >= FAILOVER_VERSION &&
                                                 !pg_in_recovery(pg)};
    if (!facts->possible) {
        return true;
    }
    struct pg_rows *rows = pg_query(pg, facts_sql, 0, NULL, err);
    if (rows) {
        facts->slots = rows_copy(rows, 0, COL_SLOTS);
        facts->awaited = rows_bool(rows, 0, COL_AWAITED);
        facts->absent = rows_copy(rows, 0, COL_ABSENT);
        facts->standby = facts->slots || facts->awaited;
    }
    bool ok = rows != NULL;
    pg_rows_free(&rows);
    return ok;
}

void failover_clear(struct failover_facts *facts)
{
    free(facts->slots);
    free(facts->absent);
    *facts = (struct failover_facts){0};
}

bool failover_wanted(const struct config *config, const struct failover_facts *facts)
{
    switch (config->failover_slot) {
    case FAILOVER_AUTO: return facts->standby;
    case FAILOVER_ALWAYS: return facts->possible;
    case FAILOVER_NEVER: break;
    }
    return false;
}

bool failover_enable(struct pg *replication, const char *slot, struct err *err)
{
    struct out sql;
    out_init(&sql, 128);
    out_string(&sql, "ALTER_REPLICATION_SLOT ");
    pg_quote_identifier(&sql, slot);
    out_string(&sql, " (FAILOVER true)");
    bool ok = pg_exec(replication, out_text(&sql), err) ||
              err_prefix(err, "cannot make replication slot \"%s\" a failover slot: ", slot);
    out_free(&sql);
    return ok;
}

/* A slot that is not read is altered when the capture starts. */
static char *not_synchronized(const struct config *config, const struct slot *slot)
{
    bool never = config->failover_slot == FAILOVER_NEVER;
    if (!slot->exists || slot->failover || (!never && !slot->active_pid)) {
        return NULL;
    }
    return mem_format(
        "the server has a standby, which does not synchronize replication slot \"%s\": after a "
        "failover the capture would have to begin again; %s",
        config->slot,
        never ? "leave advanced.failover_slot out, or set it to auto"
              : "stop the capture and start it again, which makes it a failover slot");
}

static char *not_awaited(const struct failover_facts *facts)
{
    return mem_format(
        "synchronized_standby_slots is empty, so that the capture may be ahead of a standby, and "
        "would have to begin again if that one took over: run ALTER SYSTEM SET "
        "synchronized_standby_slots = '%s' (those of the standbys that may take over), and SELECT "
        "pg_reload_conf()",
        facts->slots);
}

static char *awaits_absent(const struct failover_facts *facts)
{
    return mem_format(
        "the server holds changes back until the standbys of synchronized_standby_slots have them, "
        "and no standby reads %s: start it, or run ALTER SYSTEM SET synchronized_standby_slots "
        "with the others, and SELECT pg_reload_conf()",
        facts->absent);
}

static void tell(char *line, void (*visit)(void *context, const char *line), void *context)
{
    if (line) {
        visit(context, line);
        free(line);
    }
}

bool failover_remark(struct pg *pg, const struct config *config,
                     void (*visit)(void *context, const char *line), void *context, struct err *err)
{
    struct failover_facts facts;
    struct slot slot = {0};
    bool ok = failover_read(pg, &facts, err) &&
              (!facts.standby || slot_read(pg, config->slot, &slot, err));
    if (ok && facts.standby) {
        bool synchronized = slot.failover || failover_wanted(config, &facts);
        tell(not_synchronized(config, &slot), visit, context);
        tell(synchronized && !facts.awaited ? not_awaited(&facts) : NULL, visit, context);
        tell(slot.failover && facts.absent ? awaits_absent(&facts) : NULL, visit, context);
    }
    slot_clear(&slot);
    failover_clear(&facts);
    return ok;
}

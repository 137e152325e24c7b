#include <criterion/criterion.h>
#include <string.h>

#include "pg/slot.h"

/* A capture that may continue; each test breaks one thing. */
static struct slot_claim claim;
static struct slot now;
static struct server_identity server;
static uint64_t timeline_end;
static struct err err;

static void all_well(void)
{
    claim = (struct slot_claim){"7300", 2, "flow_slot", "postgres", 0x2000, false};
    now = (struct slot){.exists = true,
                        .logical = true,
                        .plugin = (char *)"pgoutput",
                        .database = (char *)"postgres",
                        .restart_lsn = 0x1000,
                        .confirmed_flush = 0x2000};
    server = (struct server_identity){"7300", 2, 0x3000, false};
    timeline_end = 0;
    err = (struct err){0};
}

TestSuite(slot_verify, .init = all_well);

static bool verify(void)
{
    return slot_verify(&claim, &now, "flow_slot", "postgres", &server, timeline_end, &err);
}

static void refuses(const char *words)
{
    cr_assert(!verify());
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert(strstr(err.message, words), "\"%s\" is not in: %s", words, err.message);
    cr_assert(strstr(err.message, "begin the capture again"), "no remedy in: %s", err.message);
    cr_assert_eq(err.remedy, REMEDY_BEGIN_AGAIN);
}

Test(slot_verify, continues_at_the_slots_position)
{
    cr_assert(verify(), "%s", err.message);
}

Test(slot_verify, continues_after_the_slots_position)
{
    now.confirmed_flush = 0x1800;
    cr_assert(verify(), "%s", err.message);
}

Test(slot_verify, state_without_identity_is_judged_by_its_cursor)
{
    claim = (struct slot_claim){.cursor = 0x2000};
    cr_assert(verify(), "%s", err.message);
    now.confirmed_flush = 0x2001;
    refuses("0/2001");
}

Test(slot_verify, refuses_a_slot_that_is_gone)
{
    now = (struct slot){0};
    refuses("is gone");
    cr_assert(strstr(err.message, "0/2000"));
}

Test(slot_verify, refuses_a_slot_past_the_cursor)
{
    now.confirmed_flush = 0x2008;
    refuses("past the state's 0/2000");
}

Test(slot_verify, refuses_an_invalidated_slot)
{
    now.invalidation = (char *)"wal_removed";
    refuses("wal_removed");
}

Test(slot_verify, refuses_a_slot_that_keeps_no_wal)
{
    now.restart_lsn = 0;
    refuses("invalidated");
}

Test(slot_verify, refuses_another_plugin)
{
    now.plugin = (char *)"wal2json";
    refuses("wal2json");
}

Test(slot_verify, refuses_a_slot_of_another_database)
{
    now.database = (char *)"template1";
    refuses("template1");
}

Test(slot_verify, refuses_another_server)
{
    claim.system_identifier = "7301";
    refuses("system identifier 7301");
}

Test(slot_verify, refuses_another_database_or_slot_in_the_configuration)
{
    claim.database = "other";
    refuses("database \"other\"");
    claim.database = "postgres";
    claim.slot = "other_slot";
    refuses("slot \"other_slot\"");
}

Test(slot_verify, follows_a_promotion_after_the_cursor)
{
    claim.timeline = 1;
    timeline_end = 0x2000;
    cr_assert(verify(), "%s", err.message);
}

Test(slot_verify, refuses_a_promotion_before_the_cursor)
{
    claim.timeline = 1;
    timeline_end = 0x1FFF;
    refuses("promoted to timeline 2");
}

Test(slot_verify, refuses_a_timeline_that_is_not_in_the_history)
{
    claim.timeline = 1;
    refuses("promoted");
}

Test(slot_verify, refuses_an_older_timeline)
{
    claim.timeline = 3;
    refuses("back to timeline 2");
}

Test(slot_verify, refuses_a_server_whose_wal_ends_before_the_cursor)
{
    server.position = 0x1FFF;
    refuses("older copy");
}

Test(timeline_history, finds_where_a_timeline_ended)
{
    static const char history[] = "1\t0/16B3748\tno recovery target specified\n\n"
                                  "# a comment\n2\t1/F0000000\tbefore 2000-01-01 00:00:00+00";
    size_t len = sizeof history - 1;
    cr_assert_eq(timeline_history_end(history, len, 1), 0x16B3748);
    cr_assert_eq(timeline_history_end(history, len, 2), 0x1F0000000);
    cr_assert_eq(timeline_history_end(history, len, 3), 0);
    cr_assert_eq(timeline_history_end("", 0, 1), 0);
}

static void waits(const char *words)
{
    cr_assert(!verify());
    cr_assert_eq(err.kind, ERR_TRANSIENT);
    cr_assert(strstr(err.message, words), "\"%s\" is not in: %s", words, err.message);
    cr_assert_eq(err.remedy, REMEDY_NONE);
}

Test(slot_verify, only_the_primary_of_the_server_knows_that_a_slot_is_gone)
{
    now = (struct slot){.in_recovery = true};
    waits("in recovery");
    now = (struct slot){0};
    server.in_recovery = true;
    server.timeline = 1; /* a standby that lags behind */
    waits("in recovery");
    server.in_recovery = false;
    server.timeline = 2;
    now = (struct slot){.system_identifier = "7301"};
    waits("7301");
    now = (struct slot){.system_identifier = "7300"};
    refuses("gone");
}

Test(slot_verify, names_a_remedy_for_each_reason_of_an_invalidation)
{
    now.invalidation = (char *)"wal_removed";
    refuses("max_slot_wal_keep_size");
    now.invalidation = (char *)"idle_timeout";
    refuses("idle_replication_slot_timeout");
    now.invalidation = (char *)"rows_removed";
    refuses("hot_standby_feedback");
    now.invalidation = (char *)"wal_level_insufficient";
    refuses("wal_level");
    now.invalidation = (char *)"something new";
    refuses("invalidation_reason");
}

Test(slot_verify, refuses_a_slot_that_a_standby_had_not_fully_synchronized)
{
    now.temporary = true;
    refuses("is a temporary one now");
    server.timeline = 3;
    timeline_end = 0x2800;
    refuses("had not synchronized it");
    now = (struct slot){0};
    refuses("had not synchronized it");
}

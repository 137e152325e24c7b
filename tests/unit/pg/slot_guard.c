#include <criterion/criterion.h>
#include <string.h>

#include "pg/slot_guard.h"

#define MIB (UINT64_C(1024) * 1024)

static struct slot_guard guard;
static struct slot slot;
static uint64_t captured;
static struct out warning;
static struct err err;

/* 100 MiB are kept, all of them captured; each test changes something for the worse. */
static void begin(void)
{
    guard = (struct slot_guard){
        .slot = "flow_slot", .release = "acknowledge", .warn_bytes = 1024 * MIB};
    slot = (struct slot){.exists = true,
                         .restart_lsn = 1000 * MIB,
                         .confirmed_flush = 1000 * MIB,
                         .wal_end = 1100 * MIB,
                         .safe_wal_size = INT64_MAX};
    captured = slot.wal_end;
    err = (struct err){0};
    out_init(&warning, 256);
}

static void end(void)
{
    out_free(&warning);
}

TestSuite(slot_guard, .init = begin, .fini = end);

static bool look(uint64_t kept_mib)
{
    bool all = captured == slot.wal_end;
    warning.len = 0;
    slot.wal_end = slot.restart_lsn + kept_mib * MIB;
    captured = all ? slot.wal_end : captured;
    return slot_guard_look(&guard, &slot, captured, &warning, &err);
}

static void is_quiet(uint64_t kept_mib)
{
    cr_assert(look(kept_mib), "%s", err.message);
    cr_assert_eq(warning.len, 0, "%s", out_text(&warning));
}

static void says(uint64_t kept_mib, const char *words)
{
    cr_assert(look(kept_mib), "%s", err.message);
    cr_assert(strstr(out_text(&warning), words), "\"%s\" is not in: %s", words, out_text(&warning));
}

Test(slot_guard, says_it_when_much_is_kept_and_again_when_that_has_doubled)
{
    is_quiet(1023);
    says(1024, "the server keeps 1.0 GiB of WAL for replication slot \"flow_slot\"");
    is_quiet(2047);
    says(2048, "keeps 2.0 GiB");
    is_quiet(1030);
    is_quiet(400);
    says(1100, "keeps 1.1 GiB");
}

Test(slot_guard, zero_is_never)
{
    guard.warn_bytes = 0;
    is_quiet(1000000);
}

Test(slot_guard, names_the_cause_of_the_largest_part)
{
    says(1024, "not known to be stored: acknowledge");
    guard.said_bytes = 0;
    captured = slot.confirmed_flush + 10 * MIB;
    says(1024, "still to be captured");
    guard.said_bytes = 0;
    captured = slot.wal_end;
    slot.confirmed_flush = slot.restart_lsn + 1000 * MIB;
    says(1024, "once transactions have ended that were open then");
}

Test(slot_guard, says_that_the_slot_is_nearly_lost_whatever_its_status)
{
    slot.wal_status = (char *)"reserved";
    slot.safe_wal_size = (int64_t)(40 * MIB);
    is_quiet(100);
    slot.safe_wal_size = (int64_t)(30 * MIB);
    says(110, "will be lost, and with it the capture's place, after 30 MiB more of WAL");
    cr_assert(strstr(out_text(&warning), "keeps 110 MiB"));
    cr_assert(strstr(out_text(&warning), "raise max_slot_wal_keep_size"));
    slot.safe_wal_size = (int64_t)(16 * MIB);
    is_quiet(124);
    slot.safe_wal_size = (int64_t)(14 * MIB);
    says(126, "after 14 MiB");
    slot.safe_wal_size = -1;
    says(141, "with the server's next checkpoint");
    is_quiet(142);
}

Test(slot_guard, is_quiet_of_a_loss_that_was_averted)
{
    slot.safe_wal_size = (int64_t)(10 * MIB);
    says(130, "after 10 MiB");
    slot.safe_wal_size = INT64_MAX;
    is_quiet(135);
    slot.safe_wal_size = (int64_t)(10 * MIB);
    says(130, "after 10 MiB");
}

Test(slot_guard, ends_a_capture_past_its_limit)
{
    guard.stop_bytes = 200 * MIB;
    is_quiet(100);
    is_quiet(200);
    cr_assert(!look(201));
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert(strstr(err.message, "keeps 201 MiB of WAL"), "%s", err.message);
    cr_assert(strstr(err.message, "advanced.wal_stop_mb"));
    cr_assert(strstr(err.message, "pg_drop_replication_slot('flow_slot')"));
}

Test(slot_guard, lets_a_run_catch_up_that_begins_past_its_limit)
{
    guard.stop_bytes = 200 * MIB;
    is_quiet(300);
    is_quiet(500);
    is_quiet(190);
    cr_assert(!look(201), "once it was below the limit, that counts");
    guard.begun = false;
    is_quiet(300);
    cr_assert(!look(501));
}

Test(slot_guard, a_slot_that_keeps_nothing_is_none_of_its_business)
{
    slot.restart_lsn = 0;
    slot.safe_wal_size = 0;
    guard.stop_bytes = MIB;
    slot.wal_end = 5000 * MIB;
    cr_assert(slot_guard_look(&guard, &slot, captured, &warning, &err));
    cr_assert_eq(warning.len, 0);
}

Test(slot_guard, says_that_a_slot_was_left_alone_for_nearly_too_long)
{
    slot.idle_s = 1799;
    slot.idle_timeout_s = 3600;
    slot_guard_idle(&slot, "flow_slot", &warning);
    cr_assert_eq(warning.len, 0);
    slot.idle_s = 1800;
    slot_guard_idle(&slot, "flow_slot", &warning);
    cr_assert(strstr(out_text(&warning), "\"flow_slot\" for 1800 s, and after 3600 s"));
    cr_assert(strstr(out_text(&warning), "idle_replication_slot_timeout"));
    warning.len = 0;
    slot.idle_timeout_s = 0;
    slot_guard_idle(&slot, "flow_slot", &warning);
    cr_assert_eq(warning.len, 0, "there is no limit");
}

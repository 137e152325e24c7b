#include "runtime/ledger.h"

#include <criterion/criterion.h>

static struct ledger *ledger;
static uint64_t cursor;

static void start(void)
{
    ledger = ledger_new();
    cursor = 0;
}

static void stop(void)
{
    ledger_free(&ledger);
}

TestSuite(ledger, .init = start, .fini = stop);

Test(ledger, the_oldest_are_acknowledged_first)
{
    ledger_add(ledger, 10);
    ledger_add(ledger, 20);
    ledger_add(ledger, 30);
    cr_assert(ledger_take(ledger, 1, &cursor));
    cr_assert_eq(cursor, 10);
    cr_assert(ledger_take(ledger, 2, &cursor));
    cr_assert_eq(cursor, 30);
    cr_assert_eq(ledger_count(ledger), 0);
}

Test(ledger, more_than_were_handed_out_are_refused_whole)
{
    ledger_add(ledger, 10);
    cr_assert_not(ledger_take(ledger, 2, &cursor));
    cr_assert_not(ledger_take(ledger, 0, &cursor));
    cr_assert_eq(cursor, 0);
    cr_assert_eq(ledger_count(ledger), 1);
}

Test(ledger, it_holds_any_number_in_their_order)
{
    uint64_t taken = 0;
    for (uint64_t i = 1; i <= 10000; i++) {
        ledger_add(ledger, i);
        if (i % 3 == 0) {
            cr_assert(ledger_take(ledger, 2, &cursor));
            cr_assert_eq(cursor, taken += 2);
        }
    }
    cr_assert(ledger_take(ledger, ledger_count(ledger), &cursor));
    cr_assert_eq(cursor, 10000);
}

/* The cursors of the Airbyte look. */
#include "row/cursor.h"

#include <criterion/criterion.h>

Test(cursor, grows_from_change_to_change_and_from_commit_to_commit)
{
    uint64_t last = 0;
    cursor_begin(&last, 0x1000);
    cr_expect_eq(cursor_change(&last), 0x100002);
    cr_expect_eq(cursor_change(&last), 0x100004);
    cursor_begin(&last, 0x1028);
    cr_expect_eq(cursor_change(&last), 0x102802);
}

Test(cursor, of_a_transaction_sent_again_is_the_same)
{
    uint64_t first = 0, again = 0;
    cursor_begin(&first, 0x1000);
    for (int i = 0; i < 50000; i++) {
        cursor_change(&first);
    }
    cursor_begin(&first, 0x1028);
    uint64_t carry = cursor_carry(first, 0x1028);
    again = carry;
    cursor_begin(&first, 0x1050);
    cursor_begin(&again, 0x1050);
    cr_expect(carry > UINT64_C(0x102800));
    cr_expect_eq(cursor_change(&again), cursor_change(&first));
}

Test(cursor, of_released_rows_is_after_earlier_changes_and_before_later_ones)
{
    uint64_t last = 0;
    cursor_begin(&last, 0x1000);
    uint64_t before = cursor_change(&last), rows = cursor_release(&last, 0x1028);
    cursor_begin(&last, 0x1028);
    cr_expect(before < rows && rows < cursor_change(&last));
    for (int i = 0; i < 50000; i++) {
        before = cursor_change(&last);
    }
    rows = cursor_release(&last, 0x1050);
    cursor_begin(&last, 0x1050);
    cr_expect(before < rows && rows < cursor_change(&last));
}

Test(cursor, needs_no_carry_if_the_lsn_is_enough)
{
    uint64_t last = 0;
    cursor_begin(&last, 0x1000);
    cursor_change(&last);
    cr_expect_eq(cursor_carry(last, 0x1028), 0);
    cr_expect_eq(cursor_carry(cursor_release(&last, 0x1028), 0x1028), 0);
}

Test(cursor, of_rows_before_a_transaction_is_after_all_that_ran_past_it)
{
    uint64_t last = 0;
    cursor_begin(&last, 0x1000);
    cr_expect_eq(cursor_before(cursor_carry(cursor_change(&last), 0x1028), 0x1028), 0x102800);
    for (int i = 0; i < 50000; i++) {
        cursor_change(&last);
    }
    uint64_t rows = cursor_before(cursor_carry(last, 0x1028), 0x1028);
    cr_expect_eq(rows, last);
    cursor_begin(&last, 0x1028);
    cr_expect(rows < cursor_change(&last));
}

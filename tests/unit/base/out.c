#include "base/out.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct taken {
    char data[4096];
    size_t len;
    int calls, fail_at;
};

static bool take(void *context, const char *data, size_t len)
{
    struct taken *taken = context;
    if (++taken->calls == taken->fail_at) {
        return false;
    }
    memcpy(taken->data + taken->len, data, len);
    taken->len += len;
    return true;
}

Test(out, grows_without_a_sink)
{
    struct out out;
    out_init(&out, 4);
    for (int i = 0; i < 1000; i++) {
        out_char(&out, 'a');
        out_bytes(&out, "bc", 2);
    }
    cr_assert_eq(out.len, 3000);
    cr_assert_eq(strlen(out_text(&out)), 3000);
    cr_assert(out_flush(&out));
    cr_assert_eq(out.len, 3000);
    out_free(&out);
}

Test(out, hands_itself_to_the_sink_in_order)
{
    struct out out;
    struct taken taken = {.len = 0};
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    for (int i = 0; i < 100; i++) {
        out_format(&out, "%02d ", i);
    }
    cr_assert(out_flush(&out));
    cr_assert_eq(taken.len, 300);
    cr_assert_eq(memcmp(taken.data, "00 01 02 ", 9), 0);
    cr_assert_eq(memcmp(taken.data + 294, "98 99 ", 6), 0);
    cr_assert_leq(out.cap, 16);
    out_free(&out);
}

Test(out, takes_more_than_it_holds)
{
    struct out out;
    struct taken taken = {.len = 0};
    char large[1000];
    memset(large, 'x', sizeof large);
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    out_string(&out, "ab");
    out_bytes(&out, large, sizeof large);
    cr_assert(out_flush(&out));
    cr_assert_eq(taken.len, 1002);
    cr_assert_eq(taken.data[2], 'x');
    out_free(&out);
}

Test(out, a_failed_sink_stays_failed_and_is_not_called_again)
{
    struct out out;
    struct taken taken = {.fail_at = 2};
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    for (int i = 0; i < 100; i++) {
        out_string(&out, "0123456789");
    }
    cr_assert_not(out_flush(&out));
    cr_assert_not(out_flush(&out));
    cr_assert_eq(taken.calls, 2);
    out_free(&out);
}

Test(out, an_empty_flush_does_not_call_the_sink)
{
    struct out out;
    struct taken taken = {.len = 0};
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    cr_assert(out_flush(&out));
    cr_assert_eq(taken.calls, 0);
    out_free(&out);
}

Test(out, can_be_used_again_after_free)
{
    struct out out;
    out_init(&out, 0);
    out_free(&out);
    out_string(&out, "again");
    cr_assert_str_eq(out_text(&out), "again");
    out_free(&out);
}

Test(out, reserved_room_can_be_left_unused)
{
    struct out out;
    out_init(&out, 8);
    char *p = out_reserve(&out, 100);
    memcpy(p, "abc", 3);
    out_commit(&out, p + 3);
    cr_assert_eq(out.len, 3);
    out_format(&out, "%s", "");
    cr_assert_str_eq(out_text(&out), "abc");
    out_free(&out);
}

Test(out, what_is_held_stays_until_it_is_released)
{
    struct out out;
    struct taken taken = {.len = 0};
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    out_string(&out, "0123456789");
    out_hold(&out);
    out_string(&out, "____");
    for (int i = 0; i < 100; i++) {
        out_string(&out, "ten bytes.");
    }
    cr_assert_eq(memcmp(taken.data, "0123456789", taken.len), 0);
    cr_assert_eq(out.len - out.hold, 1004);
    memcpy(out.data + out.hold, "head", 4);
    out_release(&out);
    cr_assert(out_flush(&out));
    cr_assert_eq(taken.len, 1014);
    cr_assert_eq(memcmp(taken.data + 10, "headten bytes.ten", 17), 0);
    out_string(&out, "more");
    cr_assert(out_flush(&out));
    cr_assert_eq(memcmp(taken.data + 1014, "more", 4), 0);
    out_free(&out);
}

Test(out, counts_what_was_written_flushed_or_not)
{
    struct out out;
    struct taken taken = {0};
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    for (uint64_t i = 0; i < 100; i++) {
        cr_assert_eq(out_total(&out), i * 10);
        out_string(&out, "0123456789");
    }
    out_flush(&out);
    cr_expect_eq(out_total(&out), 1000);
    out_free(&out);
}

Test(out, passes_on_large_data_after_what_is_there)
{
    struct out out;
    struct taken taken = {.len = 0};
    out_init(&out, 16);
    out_sink(&out, take, &taken);
    out_string(&out, "ab");
    cr_assert(out_pass(&out, "cd", 2));
    cr_assert_eq(taken.calls, 0, "there is room for it");
    cr_assert(out_pass(&out, "01234567890123456789", 20));
    cr_assert_eq(taken.calls, 2);
    cr_assert_eq(out_total(&out), 24);
    cr_assert_eq(out.cap, 16);
    taken.fail_at = 3;
    cr_assert_not(out_pass(&out, "01234567890123456789", 20));
    cr_assert_not(out_pass(&out, "e", 1));
    cr_assert_not(out_flush(&out));
    cr_assert_eq(taken.len, 24);
    cr_assert_eq(memcmp(taken.data, "abcd0123456789", 14), 0);
    out_free(&out);
}

Test(out, without_a_sink_all_is_kept)
{
    struct out out;
    out_init(&out, 4);
    cr_assert(out_pass(&out, "0123456789", 10));
    cr_assert_str_eq(out_text(&out), "0123456789");
    out_free(&out);
}

#ifdef OUT_ROOM_CHECKED
Test(out, room_that_was_not_asked_for_is_poisoned)
{
    struct out out;
    out_init(&out, 100);
    char *p = out_reserve(&out, 10);
    cr_expect_not(__asan_region_is_poisoned(p, 10));
    cr_expect(__asan_address_is_poisoned(p + 10));
    p = out_room(&out, p + 7, 30);
    cr_expect_not(__asan_region_is_poisoned(p, 30));
    cr_expect(__asan_address_is_poisoned(p + 30));
    out_commit(&out, p);
    p = out_reserve(&out, 200);
    cr_expect_not(__asan_region_is_poisoned(p, 200));
    cr_expect(__asan_address_is_poisoned(p + 200));
    out_free(&out);
}
#endif

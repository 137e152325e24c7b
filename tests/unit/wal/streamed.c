/* Transactions that come in blocks before they commit, given out as whole ones. */
#include "wal/streamed.h"

#include "base/bytes.h"
#include "base/out.h"
#include "message.h"

enum { COMMIT_LSN = 90, END_LSN = 98, COMMIT_US = 7 };

static struct streamed *streamed;
static struct arena arena;
static struct err err;

static void start(void)
{
    streamed = streamed_new("/tmp");
    arena_init(&arena, 0);
}

static void stop(void)
{
    streamed_free(&streamed);
    arena_free(&arena);
}

TestSuite(streamed, .init = start, .fini = stop);

static bool take(struct message_bytes m, bool *kept)
{
    err.kind = ERR_SYSTEM; /* of something before */
    return streamed_take(streamed, 50, m.data, m.len, kept, &err);
}

static void keep(struct message_bytes m)
{
    bool kept;
    cr_assert(take(m, &kept) && kept, "tag %c: %s", m.data[0], err.message);
}

static struct message_bytes block(uint32_t xid, bool first)
{
    struct message_bytes m = {{'S'}, 1};
    put_int(&m, xid, 4);
    put_int(&m, first, 1);
    return m;
}

static struct message_bytes change(uint32_t subxid, const char *text)
{
    struct message_bytes m = {{'I'}, 1};
    put_int(&m, subxid, 4);
    put_text(&m, text, strlen(text));
    return m;
}

static struct message_bytes block_end(void)
{
    return (struct message_bytes){{'E'}, 1};
}

static struct message_bytes end_of(uint32_t xid)
{
    struct message_bytes m = {{'c'}, 1};
    put_int(&m, xid, 4);
    put_int(&m, 0, 1);
    put_int(&m, COMMIT_LSN, 8);
    put_int(&m, END_LSN, 8);
    put_int(&m, COMMIT_US, 8);
    return m;
}

static struct message_bytes aborted(uint32_t xid, uint32_t subxid)
{
    struct message_bytes m = {{'A'}, 1};
    put_int(&m, xid, 4);
    put_int(&m, subxid, 4);
    return m;
}

/* A block of changes, each of which is a letter, of the subtransaction of that number. */
static void keep_block(uint32_t xid, bool first, const char *letters, uint32_t subxid)
{
    keep(block(xid, first));
    for (const char *p = letters; *p; p++) {
        keep(change(subxid, (char[]){*p, 0}));
    }
    keep(block_end());
}

/* Expect these letters of changes to be given out, between a BEGIN and a COMMIT that are
 * checked. */
static void expect_given_out(uint32_t xid, const char *letters)
{
    struct message_bytes begin = message_begin(COMMIT_LSN, COMMIT_US, xid);
    struct out seen;
    const uint8_t *m;
    uint64_t lsn;
    size_t len;
    out_init(&seen, 64);
    cr_assert(streamed_next(streamed, &arena, &lsn, &m, &len, &err));
    cr_assert(lsn == 50 && len == begin.len && !memcmp(m, begin.data, len));
    while (streamed_next(streamed, &arena, &lsn, &m, &len, &err) && *m == 'I') {
        out_bytes(&seen, m + 1, len - 1);
    }
    cr_expect_str_eq(out_text(&seen), letters);
    cr_assert(*m == 'C' && len == 26 && load64(m + 2) == COMMIT_LSN && load64(m + 10) == END_LSN &&
              load64(m + 18) == COMMIT_US);
    cr_assert_not(streamed_committed(streamed));
    out_free(&seen);
}

Test(streamed, other_messages_are_left_alone)
{
    static const char tags[] = "BCRIUDTMOYE?";
    for (const char *tag = tags; *tag; tag++) {
        bool kept = true;
        cr_expect(take((struct message_bytes){{(uint8_t)*tag}, 1}, &kept) && !kept, "%c", *tag);
    }
}

Test(streamed, a_transaction_is_given_out_after_its_commit)
{
    keep_block(5, true, "ab", 5);
    keep_block(5, false, "c", 5);
    cr_assert_eq(streamed_count(streamed), 1);
    cr_assert_gt(streamed_bytes(streamed), 3);
    cr_assert_not(streamed_committed(streamed));
    keep(end_of(5));
    cr_assert(streamed_committed(streamed));
    expect_given_out(5, "abc");
    cr_assert_eq(streamed_count(streamed), 0);
}

Test(streamed, an_empty_one_too)
{
    keep_block(5, true, "", 5);
    keep(end_of(5));
    expect_given_out(5, "");
}

Test(streamed, an_origin_is_read_over)
{
    keep(block(5, true));
    keep((struct message_bytes){{'O'}, 1});
    keep(change(5, "a"));
    keep(block_end());
    keep(end_of(5));
    expect_given_out(5, "a");
}

Test(streamed, transactions_take_turns)
{
    keep_block(5, true, "a", 5);
    keep_block(6, true, "x", 6);
    keep_block(5, false, "b", 5);
    keep_block(6, false, "y", 6);
    keep_block(7, true, "z", 7);
    keep(end_of(6));
    expect_given_out(6, "xy");
    keep_block(5, false, "c", 5);
    keep(end_of(5));
    expect_given_out(5, "abc");
    keep(end_of(7));
    expect_given_out(7, "z");
}

Test(streamed, what_was_given_up_is_left_out)
{
    keep_block(5, true, "a", 5);
    keep_block(5, false, "bc", 9);
    keep_block(5, false, "d", 7);
    keep_block(5, false, "e", 8);
    keep(aborted(5, 9));
    keep(aborted(5, 7));
    keep(aborted(5, 12));
    keep_block(5, false, "f", 5);
    keep(end_of(5));
    expect_given_out(5, "aef");
}

Test(streamed, one_that_is_rolled_back_is_forgotten)
{
    keep_block(5, true, "a", 5);
    keep_block(6, true, "b", 6);
    keep(aborted(5, 5));
    keep(aborted(4, 4));
    cr_assert_eq(streamed_count(streamed), 1);
    keep_block(5, true, "again", 5);
    keep(end_of(5));
    expect_given_out(5, "again");
}

Test(streamed, a_new_connection_sends_them_again)
{
    keep_block(5, true, "a", 5);
    keep(end_of(5));
    streamed_restart(streamed);
    cr_assert(!streamed_committed(streamed) && !streamed_count(streamed));
    keep(block(5, true));
    streamed_restart(streamed);
    keep_block(5, true, "b", 5);
    keep(end_of(5));
    expect_given_out(5, "b");
}

/* Messages of growing lengths, so that some cross the ends of blocks that are written and read. */
Test(streamed, large_ones_are_kept_in_a_file)
{
    enum { LARGEST = 400000 };
    uint8_t *message = malloc(LARGEST);
    const uint8_t *m;
    uint64_t lsn;
    size_t len;
    bool kept;
    memcpy(message, "I\0\0\0\5", 5);
    keep(block(5, true));
    for (size_t size = 6; size < LARGEST; size = size * 9 / 8 + 1) {
        memset(message + 5, (int)(size & 0x7F), size - 5);
        cr_assert(streamed_take(streamed, size, message, size, &kept, &err), "%s", err.message);
    }
    keep(block_end());
    keep(end_of(5));
    cr_assert(streamed_next(streamed, &arena, &lsn, &m, &len, &err) && *m == 'B');
    for (size_t size = 6; size < LARGEST; size = size * 9 / 8 + 1) {
        cr_assert(streamed_next(streamed, &arena, &lsn, &m, &len, &err), "%s", err.message);
        cr_assert(lsn == size && len == size - 4 && m[1] == (size & 0x7F) && m[len - 1] == m[1]);
    }
    cr_assert(streamed_next(streamed, &arena, &lsn, &m, &len, &err) && *m == 'C');
    free(message);
}

static void refused(struct message_bytes m)
{
    bool kept;
    cr_expect_not(take(m, &kept), "tag %c, %zu bytes", m.data[0], m.len);
    cr_expect_eq(err.kind, ERR_SYSTEM);
    cr_expect(strstr(err.message, "cannot be read"), "%s", err.message);
}

Test(streamed, messages_that_are_cut_short_are_refused)
{
    struct message_bytes whole[] = {block(6, true), end_of(5), aborted(5, 5)};
    keep_block(5, true, "a", 5);
    for (int i = 0; i < 3; i++) {
        while (--whole[i].len) {
            refused(whole[i]);
        }
    }
    keep(block(6, true));
    for (size_t len = 1; len < 5; len++) {
        refused((struct message_bytes){{'I'}, len});
    }
}

Test(streamed, messages_out_of_their_order_are_refused)
{
    refused(block(5, false));
    refused(end_of(5));
    keep(block(5, true));
    refused(block(6, true));
    refused(end_of(5));
    refused(aborted(5, 5));
    refused((struct message_bytes){{'B'}, 21});
    keep(block_end());
    refused(block(5, true));
}

Test(streamed, a_file_that_cannot_be_written_is_reported)
{
    struct message_bytes m = change(5, "");
    bool kept, ok = true;
    streamed_free(&streamed);
    streamed = streamed_new("/nowhere/at-all");
    m.len = sizeof m.data;
    keep(block(5, true));
    for (int i = 0; ok && i < 100; i++) {
        ok = take(m, &kept);
    }
    cr_assert_not(ok);
    cr_assert_eq(err.kind, ERR_TRANSIENT);
    cr_assert_str_eq(err.message, "the file of a transaction that is still open cannot be written "
                                  "in /nowhere/at-all: No such file or directory");
}

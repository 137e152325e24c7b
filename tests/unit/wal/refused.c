/* Messages that are not what the grammar says: an error, and the batch is unchanged. */
#include "message.h"

static struct feed feed_in_transaction(void)
{
    struct feed feed = feed_new();
    cr_assert(feed_message(&feed, 1, message_begin(90, 0, 5)));
    cr_assert(feed_message(&feed, 2, message_relation(7, "t", "!id,a,b")));
    return feed;
}

static void expect_kind(struct feed *feed, const uint8_t *data, size_t len, enum err_kind kind)
{
    size_t count = feed->batch->event_count;
    bool within = decoder_in_transaction(feed->decoder);
    feed->err.kind = ERR_NONE;
    cr_expect_not(feed_bytes(feed, 0x16B374D848, data, len), "tag %c, %zu bytes", data[0], len);
    cr_expect_eq(feed->err.kind, kind);
    cr_expect(strstr(feed->err.detail, "16/B374D848"), "%s", feed->err.detail);
    cr_expect_eq(feed->batch->event_count, count, "tag %c, %zu bytes", data[0], len);
    cr_expect_eq(decoder_in_transaction(feed->decoder), within);
}

static void expect_refused(struct feed *feed, const uint8_t *data, size_t len)
{
    expect_kind(feed, data, len, ERR_SYSTEM);
}

/* Refused as transient: another session will describe the relation. */
static void refused_for_now(struct feed *feed, struct message_bytes m)
{
    expect_kind(feed, m.data, m.len, ERR_TRANSIENT);
}

static void refused(struct feed *feed, struct message_bytes m)
{
    expect_refused(feed, m.data, m.len);
}

/* Refused when cut at any length; accepted whole, so the message itself is valid. */
static void refused_when_cut(struct feed *feed, struct message_bytes m)
{
    for (size_t len = 0; len < m.len; len++) {
        expect_refused(feed, m.data, len);
    }
    cr_expect(feed_message(feed, 3, m), "tag %c: %s", m.data[0], feed->err.message);
}

Test(refused, a_begin_cut_short)
{
    struct feed feed = feed_new();
    refused_when_cut(&feed, message_begin(90, 0, 5));
    feed_free(&feed);
}

Test(refused, everything_within_a_transaction_cut_short)
{
    struct feed feed = feed_in_transaction();
    refused_when_cut(&feed, message_relation(8, "other", "!id,a"));
    refused_when_cut(&feed, message_change('I', 7, 0, NULL, "1,~,xyz"));
    refused_when_cut(&feed, message_change('U', 7, 0, NULL, "1,^,xyz"));
    refused_when_cut(&feed, message_change('U', 7, 'K', "1,~,~", "2,^,xyz"));
    refused_when_cut(&feed, message_change('U', 7, 'O', "1,8,9", "2,^,xyz"));
    refused_when_cut(&feed, message_change('D', 7, 'K', "1,~,~", NULL));
    refused_when_cut(&feed, message_change('D', 7, 'O', "1,8,9", NULL));
    refused_when_cut(&feed, message_truncate(2, 7, 8));
    refused_when_cut(&feed, message_logical(true, 3, "app", "content", 7));
    refused_when_cut(&feed, message_commit(98));
    refused_when_cut(&feed, message_logical(false, 3, "app", "content", 7));
    feed_free(&feed);
}

Test(refused, a_relation_cut_short_does_not_replace_the_one_known)
{
    struct feed feed = feed_in_transaction();
    struct message_bytes m = message_relation(7, "t", "!id");
    expect_refused(&feed, m.data, m.len - 1);
    cr_assert(feed_message(&feed, 3, message_change('I', 7, 0, NULL, "1,2,3")));
    feed_free(&feed);
}

Test(refused, changes_of_a_relation_never_described)
{
    struct feed feed = feed_in_transaction();
    refused_for_now(&feed, message_change('I', 8, 0, NULL, "1,2,3"));
    refused_for_now(&feed, message_change('U', 8, 0, NULL, "1,2,3"));
    refused_for_now(&feed, message_change('U', 8, 'O', "1,2,3", "1,2,3"));
    refused_for_now(&feed, message_change('D', 8, 'K', "1,~,~", NULL));
    feed_free(&feed);
}

Test(refused, changes_before_any_relation)
{
    struct feed feed = feed_new();
    cr_assert(feed_message(&feed, 1, message_begin(90, 0, 5)));
    refused_for_now(&feed, message_change('I', 7, 0, NULL, "1,2,3"));
    cr_assert(feed_message(&feed, 2, message_truncate(1, 7, 0)));
    feed_free(&feed);
}

Test(refused, changes_outside_a_transaction)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_commit(98)));
    refused(&feed, message_change('I', 7, 0, NULL, "1,2,3"));
    refused(&feed, message_change('U', 7, 0, NULL, "1,2,3"));
    refused(&feed, message_change('D', 7, 'K', "1,~,~", NULL));
    refused(&feed, message_truncate(1, 7, 0));
    refused(&feed, message_commit(99));
    feed_free(&feed);
}

Test(refused, messages_that_are_not_where_they_say)
{
    struct feed feed = feed_in_transaction();
    refused(&feed, message_logical(false, 3, "app", "", 0));
    cr_assert(feed_message(&feed, 3, message_commit(98)));
    refused(&feed, message_logical(true, 3, "app", "", 0));
    feed_free(&feed);
}

Test(refused, a_begin_within_a_transaction)
{
    struct feed feed = feed_in_transaction();
    refused(&feed, message_begin(95, 0, 6));
    feed_free(&feed);
}

Test(refused, tuples_that_are_not_of_the_relations_width)
{
    struct feed feed = feed_in_transaction();
    refused(&feed, message_change('I', 7, 0, NULL, "1,2"));
    refused(&feed, message_change('I', 7, 0, NULL, "1,2,3,4"));
    refused(&feed, message_change('U', 7, 'O', "1,2", "1,2,3"));
    refused(&feed, message_change('U', 7, 'O', "1,2,3", "1,2"));
    refused(&feed, message_change('D', 7, 'K', "1", NULL));
    feed_free(&feed);
}

Test(refused, tuples_of_the_wrong_sort)
{
    struct feed feed = feed_in_transaction();
    refused(&feed, message_change('I', 7, 'K', "1,2,3", NULL));
    refused(&feed, message_change('U', 7, 'K', "1,2,3", NULL));
    refused(&feed, message_change('U', 7, 'X', "1,2,3", "1,2,3"));
    refused(&feed, message_change('D', 7, 0, NULL, "1,2,3"));
    feed_free(&feed);
}

Test(refused, lengths_beyond_the_message)
{
    struct feed feed = feed_in_transaction();
    struct message_bytes m = message_change('I', 7, 0, NULL, "1,2,3");
    for (size_t at = m.len - 5; at < m.len - 1; at++) {
        struct message_bytes longer = m;
        longer.data[at] = 0xFF;
        refused(&feed, longer);
    }
    struct message_bytes truncate = message_truncate(1, 7, 0);
    truncate.data[1] = 0x40; /* × 4 overflows 32 bits */
    refused(&feed, truncate);
    feed_free(&feed);
}

Test(refused, unknown_tags)
{
    struct feed feed = feed_in_transaction();
    for (int tag = 0; tag < 256; tag++) {
        struct message_bytes m = {{(uint8_t)tag, 0, 0, 0, 0, 0, 0, 0}, 8};
        if (!tag || !strchr("BCRIUDTOYM", tag)) {
            refused(&feed, m);
        }
    }
    feed_free(&feed);
}

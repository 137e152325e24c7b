/* Messages that the grammar knows: which events they become. */
#include <stdio.h>

#include "message.h"
#include "row/tuple.h"

/* In a transaction, with the relation 7 "t" (!id, a, b). */
static struct feed feed_in_transaction(void)
{
    struct feed feed = feed_new();
    cr_assert(feed_message(&feed, 1, message_begin(90, 0, 5)));
    cr_assert(feed_message(&feed, 2, message_relation(7, "t", "!id,a,b")));
    return feed;
}

/* Printed in the notation of put_tuple. */
static const char *tuple_text(const uint8_t *tuple)
{
    static char text[256];
    char *to = text;
    const uint8_t *p = tuple_first(tuple);
    for (int i = 0; i < tuple_columns(tuple); i++) {
        struct value value;
        p = tuple_wal_next(p, &value);
        to += sprintf(to, "%s", i ? "," : "");
        to += value.kind == VALUE_TEXT ? sprintf(to, "%.*s", (int)value.len, value.data)
                                       : sprintf(to, "%s", value.kind == VALUE_NULL ? "~" : "^");
    }
    return text;
}

Test(decode, begin_has_the_transaction)
{
    struct feed feed = feed_new();
    cr_assert(feed_message(&feed, 100, message_begin(0x100000900, 1, 0xFFFFFFFE)));
    const struct event *e = last_event(&feed);
    cr_assert_eq(e->kind, EVENT_BEGIN);
    cr_assert_eq(e->lsn, 100);
    cr_assert_eq(e->txn->final_lsn, 0x100000900);
    cr_assert_eq(e->txn->commit_us, 946684800000001);
    cr_assert_eq(e->txn->xid, 0xFFFFFFFE);
    cr_assert(decoder_in_transaction(feed.decoder));
    feed_free(&feed);
}

Test(decode, a_commit_before_2000_has_its_time)
{
    struct feed feed = feed_new();
    cr_assert(feed_message(&feed, 1, message_begin(1, -2, 1)));
    cr_assert_eq(last_event(&feed)->txn->commit_us, 946684799999998);
    feed_free(&feed);
}

Test(decode, commit_has_its_end_lsn_and_ends_the_transaction)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_commit(98)));
    cr_assert_eq(last_event(&feed)->kind, EVENT_COMMIT);
    cr_assert_eq(last_event(&feed)->lsn, 98);
    cr_assert(!last_event(&feed)->chunk && !last_event(&feed)->checkpoint);
    cr_assert_not(decoder_in_transaction(feed.decoder));
    feed_free(&feed);
}

Test(decode, a_relation_is_read_whole)
{
    struct feed feed = feed_in_transaction();
    const struct event *e = last_event(&feed);
    cr_assert_eq(e->kind, EVENT_RELATION);
    const struct relation *r = e->relation;
    cr_assert(r->oid == 7 && r->identity == 'd' && r->column_count == 3);
    cr_assert(!strcmp(r->schema, "public") && !strcmp(r->name, "t"));
    cr_assert(r->columns[0].identity && !r->columns[1].identity);
    cr_assert_str_eq(r->columns[2].name, "b");
    cr_assert(r->columns[2].type_oid == 23 && r->columns[2].typmod == -1);
    feed_free(&feed);
}

Test(decode, an_empty_schema_is_pg_catalog)
{
    struct feed feed = feed_new();
    struct message_bytes m = {{'R', 0, 0, 0, 9, 0, 't', 0, 'd', 0, 0}, 11};
    cr_assert(feed_message(&feed, 1, m));
    cr_assert_str_eq(last_event(&feed)->relation->schema, "pg_catalog");
    feed_free(&feed);
}

Test(decode, a_relation_described_again_is_not_an_event)
{
    struct feed feed = feed_in_transaction();
    const struct relation *first = last_event(&feed)->relation;
    size_t count = feed.batch->event_count;
    cr_assert(feed_message(&feed, 3, message_relation(7, "t", "!id,a,b")));
    cr_assert_eq(feed.batch->event_count, count);
    decoder_restart(feed.decoder);
    cr_assert(feed_message(&feed, 4, message_relation(7, "t", "!id,a,b")));
    cr_assert_eq(feed.batch->event_count, count);
    cr_assert(feed_message(&feed, 4, message_begin(90, 0, 5)));
    cr_assert(feed_message(&feed, 5, message_change('I', 7, 0, NULL, "1,2,3")));
    cr_assert_eq(last_event(&feed)->relation, first);
    feed_free(&feed);
}

Test(decode, a_relation_that_changed_is_a_new_version_and_the_old_one_lives_on)
{
    struct feed feed = feed_in_transaction();
    const struct relation *first = last_event(&feed)->relation;
    cr_assert(feed_message(&feed, 3, message_relation(7, "t", "!id,a,b,c")));
    const struct relation *second = last_event(&feed)->relation;
    cr_assert_eq(last_event(&feed)->kind, EVENT_RELATION);
    cr_assert_neq(first, second);
    cr_assert(feed_message(&feed, 4, message_change('I', 7, 0, NULL, "1,2,3,4")));
    cr_assert_eq(last_event(&feed)->relation, second);
    cr_assert_str_eq(first->columns[2].name, "b");
    feed_free(&feed);
}

Test(decode, a_change_of_a_partition_names_it_where_it_was_just_described)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_relation(8, "leaf", "!id,a,b")));
    cr_assert(feed_message(&feed, 4, message_change('I', 7, 0, NULL, "1,2,3")));
    cr_assert_eq(last_event(&feed)->leaf, 8);
    cr_assert(feed_message(&feed, 5, message_change('I', 7, 0, NULL, "2,2,3")));
    cr_assert_eq(last_event(&feed)->leaf, 0);
    cr_assert(feed_message(&feed, 6, message_relation(7, "t", "!id,a,b")));
    cr_assert(feed_message(&feed, 7, message_relation(8, "leaf", "!id,a,b")));
    cr_assert(feed_message(&feed, 8, message_change('D', 7, 'K', "2,~,~", NULL)));
    cr_assert_eq(last_event(&feed)->leaf, 8, "also when both are described again");
    feed_free(&feed);
}

Test(decode, a_table_that_was_described_beside_another_is_not_a_partition)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_relation(8, "u", "!id")));
    cr_assert(feed_message(&feed, 4, message_change('I', 8, 0, NULL, "1")));
    cr_assert_eq(last_event(&feed)->leaf, 0);
    cr_assert(feed_message(&feed, 5, message_relation(8, "u", "!id")));
    cr_assert(feed_message(&feed, 6, message_change('I', 7, 0, NULL, "1,2,3")));
    cr_assert_eq(last_event(&feed)->leaf, 0, "nothing was described right before it");
    feed_free(&feed);
}

Test(decode, each_oid_keeps_its_own_relation)
{
    struct feed feed = feed_in_transaction();
    for (uint32_t oid = 100; oid < 400; oid++) {
        cr_assert(feed_message(&feed, 3, message_relation(oid, "many", "!id")));
    }
    for (uint32_t oid = 100; oid < 400; oid++) {
        cr_assert(feed_message(&feed, 4, message_change('I', oid, 0, NULL, "1")));
        cr_assert_eq(last_event(&feed)->relation->oid, oid);
    }
    feed_free(&feed);
}

/* Many of them belong to one place of the table of relations. */
static uint32_t colliding_oid(uint32_t i)
{
    return 100 + i / 30 + (i % 30) * 65536;
}

Test(decode, a_relation_that_is_forgotten_is_described_again)
{
    enum { COUNT = 300 };
    struct feed feed = feed_in_transaction();
    struct relation *gone = NULL;
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert(feed_message(&feed, 3, message_relation(colliding_oid(i), "many", "!id")));
        struct relation *relation = last_event(&feed)->relation;
        if (i % 7 % 3) {
            relation->next = gone;
            gone = relation;
        }
    }
    batch_reset(feed.batch, BATCH_EVENTS);
    decoder_forget(feed.decoder, &gone);
    cr_assert_null(gone);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct message_bytes insert = message_change('I', colliding_oid(i), 0, NULL, "1");
        cr_assert_eq(feed_message(&feed, 4, insert), i % 7 % 3 == 0, "%u", i);
        cr_assert(feed_message(&feed, 5, message_relation(colliding_oid(i), "many", "!id")));
        cr_assert(feed_message(&feed, 6, insert));
        cr_assert_eq(last_event(&feed)->relation->oid, colliding_oid(i));
    }
    feed_free(&feed);
}

Test(decode, a_version_that_is_forgotten_leaves_the_newer_one)
{
    struct feed feed = feed_in_transaction();
    struct relation *first = last_event(&feed)->relation;
    cr_assert(feed_message(&feed, 3, message_relation(7, "t", "!id,a,b,c")));
    struct relation *second = last_event(&feed)->relation;
    cr_assert_eq(second->before, first);
    cr_assert_eq(second->xid, 5);
    batch_reset(feed.batch, BATCH_EVENTS);
    decoder_forget(feed.decoder, &first);
    cr_assert(feed_message(&feed, 4, message_change('I', 7, 0, NULL, "1,2,3,4")));
    cr_assert_eq(last_event(&feed)->relation, second);
    feed_free(&feed);
}

Test(decode, insert_has_the_new_row)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 33, message_change('I', 7, 0, NULL, "1,~,xyz")));
    const struct event *e = last_event(&feed);
    cr_assert(e->kind == EVENT_INSERT && e->lsn == 33 && e->old_kind == OLD_NONE && !e->old_tuple);
    cr_assert_eq(e->relation->oid, 7);
    cr_assert_str_eq(tuple_text(e->new_tuple), "1,~,xyz");
    feed_free(&feed);
}

Test(decode, update_without_an_old_row)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_change('U', 7, 0, NULL, "1,2,3")));
    const struct event *e = last_event(&feed);
    cr_assert(e->kind == EVENT_UPDATE && e->old_kind == OLD_NONE && !e->old_tuple);
    cr_assert_str_eq(tuple_text(e->new_tuple), "1,2,3");
    feed_free(&feed);
}

Test(decode, update_with_the_old_key_or_the_old_row)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_change('U', 7, 'K', "1,~,~", "2,8,9")));
    const struct event *e = last_event(&feed);
    cr_assert(e->kind == EVENT_UPDATE && e->old_kind == OLD_KEY);
    cr_assert_str_eq(tuple_text(e->old_tuple), "1,~,~");
    cr_assert_str_eq(tuple_text(e->new_tuple), "2,8,9");
    cr_assert(feed_message(&feed, 4, message_change('U', 7, 'O', "1,5,6", "1,8,9")));
    e = last_event(&feed);
    cr_assert_eq(e->old_kind, OLD_ROW);
    cr_assert_str_eq(tuple_text(e->old_tuple), "1,5,6");
    feed_free(&feed);
}

Test(decode, update_keeps_unchanged_toast)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_change('U', 7, 0, NULL, "1,^,9")));
    cr_assert_str_eq(tuple_text(last_event(&feed)->new_tuple), "1,^,9");
    feed_free(&feed);
}

Test(decode, delete_has_the_old_key_or_the_old_row)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_change('D', 7, 'K', "1,~,~", NULL)));
    const struct event *e = last_event(&feed);
    cr_assert(e->kind == EVENT_DELETE && e->old_kind == OLD_KEY && !e->new_tuple);
    cr_assert(feed_message(&feed, 3, message_change('D', 7, 'O', "1,2,3", NULL)));
    e = last_event(&feed);
    cr_assert_eq(e->old_kind, OLD_ROW);
    cr_assert_str_eq(tuple_text(e->old_tuple), "1,2,3");
    feed_free(&feed);
}

Test(decode, truncate_is_one_event_per_described_table)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_relation(8, "u", "!id")));
    size_t count = feed.batch->event_count;
    cr_assert(feed_message(&feed, 4, message_truncate(2, 8, 7)));
    cr_assert_eq(feed.batch->event_count, count + 2);
    const struct event *e = &feed.batch->events[count];
    cr_assert(e[0].kind == EVENT_TRUNCATE && e[0].relation->oid == 8 && e[0].lsn == 4);
    cr_assert(e[1].kind == EVENT_TRUNCATE && e[1].relation->oid == 7);
    cr_assert(feed_message(&feed, 5, message_truncate(2, 1234, 7)));
    cr_assert_eq(feed.batch->event_count, count + 3);
    feed_free(&feed);
}

Test(decode, origin_and_type_are_read_over)
{
    struct feed feed = feed_in_transaction();
    size_t count = feed.batch->event_count;
    for (const char *tag = "OY"; *tag; tag++) {
        struct message_bytes m = {{(uint8_t)*tag, 0, 0, 0, 1, 'x', 0}, 7};
        cr_assert(feed_message(&feed, 3, m));
    }
    cr_assert_eq(feed.batch->event_count, count);
    cr_assert(decoder_in_transaction(feed.decoder));
    feed_free(&feed);
}

Test(decode, a_message_in_a_transaction_is_its)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_logical(true, 0x100000003, "app", "a\0b", 3)));
    const struct event *e = last_event(&feed);
    cr_assert_eq(e->kind, EVENT_MESSAGE);
    cr_assert_eq(e->lsn, 0x100000003);
    cr_assert(e->transactional);
    cr_assert_str_eq(e->prefix, "app");
    cr_assert_eq(e->content_len, 3);
    cr_assert_arr_eq(e->content, "a\0b", 3);
    cr_assert(decoder_in_transaction(feed.decoder));
    feed_free(&feed);
}

Test(decode, a_message_between_transactions_belongs_to_none)
{
    struct feed feed = feed_in_transaction();
    cr_assert(feed_message(&feed, 3, message_commit(98)));
    cr_assert(feed_message(&feed, 99, message_logical(false, 99, "", "", 0)));
    const struct event *e = last_event(&feed);
    cr_assert(e->kind == EVENT_MESSAGE && !e->transactional && e->lsn == 99);
    cr_assert_str_eq(e->prefix, "");
    cr_assert_eq(e->content_len, 0);
    cr_assert_not(decoder_in_transaction(feed.decoder));
    feed_free(&feed);
}

Test(decode, a_restart_begins_between_transactions)
{
    struct feed feed = feed_in_transaction();
    decoder_restart(feed.decoder);
    cr_assert_not(decoder_in_transaction(feed.decoder));
    cr_assert(feed_message(&feed, 3, message_begin(90, 0, 5)));
    feed_free(&feed);
}

#include "harness.h"

static struct harness h;

static void start(void)
{
    harness_start(&h, NULL);
}

static void stop(void)
{
    harness_stop(&h);
}

TestSuite(merge, .init = start, .fini = stop);

#define EXPECT(key, v) cr_expect_eq(h.out_v[key], v, "key %d is %d", key, h.out_v[key])

Test(merge, rows_come_out_with_their_watermark_and_not_before)
{
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    begin(&h, 50);
    commit(&h);
    EXPECT(1, ABSENT);
    watermark_commit(&h, "other");
    EXPECT(1, ABSENT);
    cr_expect(merge_backfilling(h.merge));
    watermark_commit(&h, "w1");
    EXPECT(1, 10);
    EXPECT(3, 30);
    cr_expect_not(merge_backfilling(h.merge));
    cr_expect_eq(h.checkpoint->streams[0].mode, STREAM_ACTIVE);
    cr_expect_eq(h.checkpoint->streams[0].backfilled, 3);
}

Test(merge, changes_that_the_snapshot_did_not_see_are_patched_in)
{
    read_chunk(&h, "100:100:", 1, 5, -1, "w1");
    begin(&h, 100);
    update(&h, 1, 11);
    delete_row(&h, 2);
    insert(&h, 9, 99);
    move(&h, 3, 8, 33);
    commit(&h);
    EXPECT(1, ABSENT);
    watermark_commit(&h, "w1");
    EXPECT(1, 11);
    EXPECT(2, ABSENT);
    EXPECT(3, ABSENT);
    EXPECT(8, 33);
    EXPECT(9, 99);
    cr_expect_eq(h.broken, 0);
}

Test(merge, changes_that_the_snapshot_saw_are_not_applied_again)
{
    read_chunk(&h, "100:103:101", 1, 3, -1, "w1");
    begin(&h, 102); /* seen: the row was inserted, changed and deleted before the chunk was read */
    insert(&h, 7, 1);
    update(&h, 1, 5);
    commit(&h);
    begin(&h, 101); /* was running */
    update(&h, 2, 6);
    commit(&h);
    watermark_commit(&h, "w1");
    EXPECT(7, ABSENT);
    EXPECT(1, 10);
    EXPECT(2, 6);
}

Test(merge, unchanged_toast_comes_from_the_buffered_row)
{
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    begin(&h, 100);
    update(&h, 1, -1);
    move(&h, 2, 6, -1);
    commit(&h);
    watermark_commit(&h, "w1");
    EXPECT(1, 10);
    EXPECT(2, ABSENT);
    EXPECT(6, 20);
}

Test(merge, buffered_changes_wait_for_the_chunk_that_did_not_see_them)
{
    begin(&h, 200);
    insert(&h, 20, 1);
    update(&h, 21, 2);
    commit(&h);
    begin(&h, 201);
    delete_row(&h, 22);
    commit(&h);
    read_chunk(&h, "201:201:", 1, 3, 3, "w1"); /* saw 200 */
    read_chunk(&h, "201:202:201", 20, 23, -1, "w2");
    watermark_commit(&h, "w1");
    EXPECT(20, ABSENT);
    watermark_commit(&h, "w2");
    EXPECT(20, 200);
    EXPECT(21, 210);
    EXPECT(22, ABSENT);
    EXPECT(23, 230);
    cr_expect_eq(h.broken, 0);
}

Test(merge, a_row_may_move_between_what_is_out_waiting_and_unread)
{
    read_chunk(&h, "100:100:", 1, 3, 3, "w1");
    watermark_commit(&h, "w1");
    read_chunk(&h, "100:100:", 11, 13, 13, "w2"); /* waits */
    begin(&h, 100);
    move(&h, 1, 14, 5);   /* out to unread */
    move(&h, 2, 9, 6);    /* out to waiting */
    move(&h, 11, 4, 7);   /* waiting to waiting: 4 lies after 3 */
    move(&h, 12, 1, -1);  /* waiting to out, with its TOAST value */
    move(&h, 30, 2, 8);   /* unread to out */
    move(&h, 31, 10, 9);  /* unread to waiting */
    move(&h, 13, 15, -1); /* waiting to unread */
    commit(&h);
    EXPECT(1, 120);
    EXPECT(2, 8);
    EXPECT(3, 30);
    EXPECT(9, ABSENT);
    watermark_commit(&h, "w2");
    EXPECT(9, 6);
    EXPECT(4, 7);
    EXPECT(10, 9);
    EXPECT(11, ABSENT);
    open_chunk(&h, "100:100:");
    struct batch *batch = chunk_batch(CHUNK_ROWS);
    add_row(batch, 30, 300);
    add_row(batch, 31, 310);
    add_row(batch, 32, 320);
    close_chunk(&h, batch, -1, "w3");
    watermark_commit(&h, "w3");
    EXPECT(14, 5);
    EXPECT(15, 130);
    EXPECT(30, ABSENT);
    EXPECT(31, ABSENT);
    EXPECT(32, 320);
    cr_expect_eq(h.broken, 0);
}

Test(merge, an_aborted_chunk_leaves_what_was_buffered)
{
    begin(&h, 100);
    insert(&h, 5, 55);
    commit(&h);
    open_chunk(&h, "100:100:");
    send(&h, chunk_batch(CHUNK_ROWS));
    send(&h, chunk_batch(CHUNK_ABORT));
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    watermark_commit(&h, "w1");
    EXPECT(5, 55);
    EXPECT(1, 10);
    cr_expect_eq(h.broken, 0);
}

Test(merge, a_checkpoint_has_ranges_and_in_doubt_transactions)
{
    read_chunk(&h, "100:100:", 1, 3, 3, "w1");
    read_chunk(&h, "100:100:", 4, 6, 6, "w2");
    begin(&h, 100);
    update(&h, 5, 1);
    commit(&h);
    watermark_commit(&h, "w1");
    const struct stream_state *state = &h.checkpoint->streams[0];
    cr_assert_eq(state->range_count, 1);
    cr_expect_str_eq(state->ranges[0].scanned->columns[0].text, "3");
    cr_expect_null(state->ranges[0].until);
    cr_assert_eq(h.checkpoint->in_doubt_count, 1);
    cr_expect_eq(h.checkpoint->in_doubt[0], 100);
    open_chunk(&h, "101:101:"); /* shows it */
    watermark_commit(&h, "w2");
    cr_expect_eq(h.checkpoint->in_doubt_count, 0);
    EXPECT(5, 1);
}

Test(merge, a_checkpoint_forgets_in_doubt_transactions_once_all_rows_are_out)
{
    read_chunk(&h, "100:100:", 1, 6, -1, "w1");
    begin(&h, 100);
    update(&h, 5, 1);
    commit(&h);
    cr_assert_eq(h.checkpoint->in_doubt_count, 1);
    watermark_commit(&h, "w1");
    cr_expect_eq(h.checkpoint->streams[0].mode, STREAM_ACTIVE);
    cr_expect_eq(h.checkpoint->in_doubt_count, 0);
}

Test(merge, a_snapshot_is_wanted_before_a_checkpoint_names_many_in_doubt_transactions)
{
    read_chunk(&h, "100:100:", 1, 6, 6, "w1");
    for (uint32_t xid = 100; xid <= 1100; xid++) {
        cr_assert_not(merge_wants_snapshot(h.merge));
        begin(&h, xid);
        update(&h, 5, 1);
        commit(&h);
    }
    cr_expect(merge_wants_snapshot(h.merge));
    struct snapshot all;
    cr_assert(snapshot_parse(&all, "1100:1102:1100"));
    merge_snapshot(h.merge, &all);
    snapshot_free(&all);
    cr_expect_not(merge_wants_snapshot(h.merge));
    begin(&h, 1101);
    commit(&h);
    cr_expect_eq(h.checkpoint->in_doubt_count, 1);
    cr_expect_eq(h.checkpoint->in_doubt[0], 1100);
}

Test(merge, a_checkpoint_waits_for_the_pause_after_the_last_one)
{
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    for (int64_t pause_us = 0; pause_us < 3; pause_us++) {
        checkpoint_free(&h.checkpoint);
        merge_pace(h.merge, pause_us);
        begin(&h, 200 + (uint32_t)pause_us);
        insert(&h, 9, 1);
        commit(&h);
        cr_expect_eq(!h.checkpoint, pause_us > 0);
        cr_expect_eq(merge_deadline_us(h.merge), h.checkpoint ? INT64_MAX : pause_us);
    }
}

Test(merge_resume, a_state_resumes_between_its_ranges)
{
    struct checkpoint *from = checkpoint_new(1);
    from->streams[0] = (struct stream_state){.id = mem_string("public.t"), .mode = STREAM_BACKFILL};
    from->streams[0].ranges = mem_zero(sizeof(struct range_state));
    from->streams[0].range_count = 1;
    from->streams[0].ranges[0].scanned = key_new(1);
    key_set(from->streams[0].ranges[0].scanned, 0, "10", 2);
    harness_start(&h, from);
    h.out_v[5] = 50;
    begin(&h, 100);
    update(&h, 5, 51);
    insert(&h, 15, 1);
    commit(&h);
    EXPECT(5, 51);
    EXPECT(15, ABSENT);
    harness_stop(&h);
    checkpoint_free(&from);
}

static void note_id(void *context, const char *id)
{
    strcat(context, id);
}

Test(merge_resume, streams_that_are_behind_others_are_forgotten)
{
    static const uint64_t cursors[] = {30, 0, 20, 25};
    struct checkpoint *c = checkpoint_new(4);
    char ids[8] = "";
    c->cursor = 10;
    for (int i = 0; i < 4; i++) {
        c->streams[i].id = mem_format("%c", 'a' + i);
        c->streams[i].cursor = cursors[i];
    }
    cr_assert_not(checkpoint_leave_behind(c, 31, note_id, ids));
    cr_expect_eq(c->stream_count, 4);
    cr_assert(checkpoint_leave_behind(c, 25, note_id, ids));
    cr_expect_str_eq(ids, "bc");
    cr_assert_eq(c->stream_count, 2);
    cr_expect_eq(c->cursor, 25);
    cr_expect_eq(c->streams[0].cursor, 30);
    cr_expect_str_eq(c->streams[1].id, "d");
    cr_expect_eq(c->streams[1].cursor, 0);
    checkpoint_free(&c);
}

Test(merge, a_changed_key_of_an_active_stream_is_a_move)
{
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    watermark_commit(&h, "w1");
    begin(&h, 101);
    move(&h, 1, 2, 0);
    cr_expect_eq(h.batch->event_count, 2);
    struct err err = {0};
    check(merge_events(h.merge, h.batch, 0, &err), &err);
    cr_expect_eq(h.batch->events[1].kind, EVENT_MOVE);
    cr_expect_eq(merge_deadline_us(h.merge), INT64_MAX, "a transaction is under way");
}

Test(merge, it_ends_at_the_final_watermark)
{
    read_chunk(&h, "100:100:", 1, 1, -1, "w1");
    watermark_commit(&h, "w1");
    merge_finish_at(h.merge, "the-end", 0);
    watermark_commit(&h, "not-yet");
    cr_expect_not(merge_finished(h.merge));
    watermark_commit(&h, "the-end");
    cr_expect(merge_finished(h.merge));
    begin(&h, 300);
    insert(&h, 9, 9);
    commit(&h);
    EXPECT(9, ABSENT);
}

/* Another version of the table's shape, for the next transaction. Returns the previous one. */
static struct relation *tell_again(struct harness *harness)
{
    struct relation *before = harness->relation;
    harness->relation = two_columns("t", "id", OID_INT4, "v");
    harness->relation->before = before;
    begin(harness, 200);
    add_relation(harness, harness->relation);
    insert(harness, 50, 5);
    commit(harness);
    return before;
}

Test(merge, a_shape_that_was_replaced_leaves_with_the_batch)
{
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    watermark_commit(&h, "w1");
    struct relation *before = tell_again(&h);
    cr_assert_eq(h.batch->past, before);
    cr_assert_null(before->next);
    relation_free(&before);
}

Test(merge, a_shape_of_a_table_in_backfill_leaves_when_its_rows_are_out)
{
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    begin(&h, 150);
    update(&h, 2, 7);
    commit(&h);
    struct relation *before = tell_again(&h);
    cr_assert_null(h.batch->past, "the chunk has a patch in it");
    watermark_commit(&h, "w1");
    EXPECT(2, 7);
    EXPECT(50, 5);
    cr_assert_eq(h.batch->past, before);
    relation_free(&before);
}

Test(merge, a_shape_of_a_table_that_is_gone_leaves)
{
    uint32_t *oids;
    read_chunk(&h, "100:100:", 1, 3, -1, "w1");
    h.relation->oid = 7;
    h.relation->xid = 40;
    watermark_commit(&h, "w1");
    cr_assert_eq(merge_known_tables(h.merge, &oids), 2);
    cr_assert_eq(oids[0], 7);
    merge_forget_gone(h.merge, oids, 1, 40);
    watermark_commit(&h, "w2");
    cr_assert_null(h.batch->past, "it may only have been invisible");
    merge_forget_gone(h.merge, oids, 1, UINT64_C(0x100000000) + 41);
    watermark_commit(&h, "w3");
    cr_assert_eq(h.batch->past, h.relation);
    free(oids);
    h.batch->past = NULL;
    struct relation *gone = tell_again(&h);
    cr_assert_null(h.batch->past, "it has left");
    relation_free(&gone);
    cr_assert_eq(merge_known_tables(h.merge, &oids), 2);
    free(oids);
}

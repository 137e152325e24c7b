/* A stream that is added to a running merger. */
#include <criterion/criterion.h>
#include <string.h>

#include "merge/merge.h"
#include "row/relation.h"

static bool ignored_other(void *context, int stream, const struct relation *relation)
{
    (void)context, (void)stream, (void)relation;
    return false;
}

static void ignored_truncate(void *context, int stream, const struct relation *relation,
                             uint32_t xid)
{
    (void)context, (void)stream, (void)relation, (void)xid;
}

static void ignored_leaf(void *context, int stream, uint32_t leaf, uint32_t xid)
{
    (void)context, (void)stream, (void)leaf, (void)xid;
}

static void ignored(void *context, int stream, const struct relation *relation)
{
    (void)context, (void)stream, (void)relation;
}

static void ignored_request(void *context, const char *table, size_t len)
{
    (void)context, (void)table, (void)len;
}

static char name_t[] = "t", name_u[] = "u";
static const struct stream_state state_t = {.id = name_t, .mode = STREAM_ACTIVE};
static const struct stream_state state_u = {.id = name_u, .mode = STREAM_ACTIVE};
static const struct merge_stream t = {.state = &state_t}, u = {.state = &state_u};

static struct merge *merge_of_t(void)
{
    struct err err;
    const struct merge_stream *streams[] = {&t};
    struct merge_config config = {
        .streams = streams,
        .stream_count = 1,
        .room = 2,
        .slot = "our",
        .cursor = 1000,
        .hooks = {NULL, ignored_truncate, ignored_leaf, ignored_other, ignored, ignored_request}};
    return merge_new(&config, &err);
}

/* A batch that brings the shapes, which are bound to `streams`. */
static void merge_shapes(struct merge *m, struct relation *const *shapes, const int *streams,
                         int count)
{
    struct err err;
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    for (int i = 0; i < count; i++) {
        struct event *e = batch_event(batch);
        e->kind = EVENT_RELATION;
        e->relation = shapes[i];
    }
    for (int i = 0; i < count; i++) {
        struct merge_question *q = merge_asks(m, batch);
        cr_assert(q && q->kind == MERGE_ASKS_BINDING && q->relation == shapes[i]);
        q->relation->stream = streams[i];
    }
    cr_assert_null(merge_asks(m, batch));
    cr_assert(merge_events(m, batch, 0, &err));
    batch_free(&batch);
}

static struct checkpoint *idle(struct merge *m, int64_t now_us)
{
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    cr_assert(now_us >= merge_deadline_us(m));
    merge_idle(m, batch, now_us);
    struct checkpoint *checkpoint = batch->events[0].checkpoint;
    batch_free(&batch);
    return checkpoint;
}

Test(added, it_is_lost_until_it_begins_and_every_checkpoint_has_it)
{
    struct err err;
    struct merge *m = merge_of_t();
    struct checkpoint *first = idle(m, 1), *second;
    cr_assert(!merge_backfilling(m));
    merge_add(m, &u);
    cr_assert(merge_is_lost(m, 1) && merge_life(m, 1) == 1 && merge_backfilling(m));
    second = idle(m, 2);
    cr_assert_eq(second->stream_count, 1);
    cr_assert_str_eq(second->streams[0].id, "u");
    cr_assert_eq(second->streams[0].mode, STREAM_BACKFILL);
    cr_assert(merge_begin(m, 1, &u, 0, &err));
    cr_assert(!merge_is_lost(m, 1) && merge_life(m, 1) == 1 && !merge_backfilling(m));
    checkpoint_free(&first);
    checkpoint_free(&second);
    merge_free(&m);
}

Test(added, shapes_of_no_stream_are_asked_about_again_and_no_others)
{
    struct relation *shapes[] = {relation_new(0), relation_new(0), relation_new(0)};
    struct merge *m = merge_of_t();
    merge_shapes(m, shapes, (const int[]){0, STREAM_NONE, STREAM_WATERMARKS}, 3);
    merge_shapes(m, NULL, NULL, 0);
    merge_add(m, &u);
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    struct merge_question *q = merge_asks(m, batch);
    cr_assert(q && q->kind == MERGE_ASKS_BINDING && q->relation == shapes[1]);
    q->relation->stream = 1;
    cr_assert_null(merge_asks(m, batch));
    merge_free(&m);
    batch_free(&batch);
    for (int i = 0; i < 3; i++) {
        relation_free(&shapes[i]);
    }
}

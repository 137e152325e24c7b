/* The merger's questions to the server, and its hooks. */
#include <stdlib.h>
#include <string.h>

#include "sim.h"

/* Hooks for events that do not happen here. */

static void truncated(void *context, int stream, const struct relation *relation, uint32_t xid)
{
    (void)context, (void)stream, (void)relation, (void)xid;
}

static void stored(void *context, int stream, uint32_t leaf, uint32_t xid)
{
    (void)stream, (void)xid;
    sim_fail(context, "a change is of partition %u", leaf);
}

static bool other(void *context, int stream, const struct relation *relation)
{
    (void)stream;
    sim_fail(context, "a change is of another table, %s", relation->name);
    return true;
}

static void lost(void *context, int stream, const struct relation *relation)
{
    (void)stream;
    sim_fail(context, "%s is lost", relation->name);
}

static void requested(void *context, const char *table, size_t len)
{
    sim_fail(context, "a backfill of %.*s is asked for", (int)len, table);
}

struct merge_hooks answers_hooks(struct sim *m)
{
    return (struct merge_hooks){m, truncated, stored, other, lost, requested};
}

static int number_of(const struct keycode *code)
{
    size_t len;
    char copy[16] = "";
    const char *text = keycode_column(code, 0, &len);
    memcpy(copy, text, len < 15 ? len : 15);
    return atoi(copy);
}

static void rank(struct merge_question *q)
{
    for (size_t i = 0; i < q->count; i++) {
        q->ranks[i] = 0;
        for (size_t b = 0; b < q->bound_count; b++) {
            q->ranks[i] += number_of(q->keys[i]) > number_of(q->bounds[b]);
        }
    }
}

static void look_up(struct sim *m, struct merge_question *q)
{
    struct row row;
    int key = atoi(q->key->columns[0].text);
    if (stream_row(m, q->stream, key, q->xid, &row)) {
        q->row = wire_tuple(q->relation->column_count, key, &row);
    }
}

void answers_give(struct sim *m, struct merge *merge, struct batch *batch)
{
    struct merge_question *q;
    while ((q = merge_asks(merge, batch))) {
        switch (q->kind) {
        case MERGE_ASKS_BINDING: wire_bind(q->relation); break;
        case MERGE_ASKS_RANKS: rank(q); break;
        case MERGE_ASKS_ROW: look_up(m, q); break;
        }
    }
}

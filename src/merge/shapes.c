/*
 * The shapes in which changes come: which are current, and which can be freed.
 *
 * A shape that was replaced, or whose table was dropped, is past. Changes may still point at it:
 * those of the batch in hand, and while its table is in backfill, buffered ones and patches. It
 * leaves with the first batch after which nothing does; the emitter frees it when it has printed
 * that batch.
 */
#include "base/check.h"
#include "base/mem.h"
#include "internal.h"

static void pass(struct merge *m, struct relation *relation)
{
    relation->next = m->past;
    m->past = relation;
}

/* The one before it may be past already, because its table was dropped. */
void merge_take_shape(struct merge *m, struct relation *relation)
{
    size_t i = 0;
    while (i < m->bound_count && m->bound[i] != relation->before) {
        i++;
    }
    if (i < m->bound_count) {
        pass(m, relation->before);
    } else {
        m->bound =
            mem_grow_array((void *)m->bound, &m->bound_cap, m->bound_count + 1, sizeof *m->bound);
        m->bound_count++;
    }
    relation->before = NULL;
    m->bound[i] = relation;
}

size_t merge_known_tables(const struct merge *m, uint32_t **oids)
{
    *oids = mem_alloc((m->bound_count + 1) * sizeof **oids);
    for (size_t i = 0; i < m->bound_count; i++) {
        (*oids)[i] = m->bound[i]->oid;
    }
    return m->bound_count;
}

void merge_forget_gone(struct merge *m, const uint32_t *gone, size_t count, uint64_t horizon)
{
    size_t kept = 0, again = 0, next = 0;
    CHECK(!m->asking.batch);
    for (size_t i = 0; i < m->bound_count; i++) {
        struct relation *relation = m->bound[i];
        bool is_gone = next < count && gone[next] == relation->oid;
        bool was_seen = (int32_t)((uint32_t)horizon - relation->xid) > 0;
        next += is_gone;
        if (is_gone && was_seen) {
            pass(m, relation);
            continue;
        }
        again += i < m->bound_again;
        m->bound[kept++] = relation;
    }
    m->bound_count = kept;
    m->bound_again = again;
}

/* Whether buffered changes or patches may point at it. */
static bool is_kept(const struct merge *m, const struct relation *relation)
{
    return relation->stream >= 0 && m->streams[relation->stream].pending > 0;
}

void merge_leave_shapes(struct merge *m, struct batch *batch)
{
    struct relation *past = m->past;
    m->past = NULL;
    while (past) {
        struct relation *relation = past;
        past = relation->next;
        if (is_kept(m, relation)) {
            pass(m, relation);
        } else {
            relation->next = batch->past;
            batch->past = relation;
        }
    }
}

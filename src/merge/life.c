/* The lives of a stream: how it is lost, and begins again. */
#include <string.h>

#include "base/check.h"
#include "internal.h"

void merge_let_go(struct merge *m, struct batch **batch)
{
    (*batch)->next = m->done;
    m->done = *batch;
    *batch = NULL;
}

struct batch *merge_take_done(struct merge *m)
{
    struct batch *done = m->done;
    m->done = NULL;
    return done;
}

/* Their chunks end with the stream's life. */
static void forget_waiting(struct merge *m, int stream)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->waiting_count; i++) {
        if (m->waiting[i]->stream != stream) {
            m->waiting[kept++] = m->waiting[i];
        }
    }
    m->waiting_count = kept;
}

static void stand(struct merge *m, struct stream *s, enum stream_standing standing)
{
    m->backfilling -= stream_backfills(s);
    s->standing = standing;
    m->backfilling += stream_backfills(s);
    s->changed = true;
    m->changed |= !s->told_lost; /* else the next state would equal the last */
}

void merge_lose(struct merge *m, int stream)
{
    struct stream *s = &m->streams[stream];
    if (s->standing == STANDING_LIVES) {
        forget_waiting(m, stream);
        m->backfilling -= stream_backfills(s);
        stream_clear(s, &m->done);
        s->life++;
    }
    s->in_doubt = m->config.asks_lost;
    stand(m, s, STANDING_LOST);
}

void merge_decided(struct merge *m, int stream)
{
    m->streams[stream].in_doubt = false;
}

void merge_leave(struct merge *m, int stream)
{
    stand(m, &m->streams[stream], STANDING_AWAY);
}

/* The first commit that is not skipped: one that was told in part is over for this life. */
static uint64_t first_commit(const struct merge *m, uint64_t not_before)
{
    uint64_t first = m->in_transaction ? m->txn.final_lsn + 1 : m->last_commit;
    return first > not_before ? first : not_before;
}

bool merge_begin(struct merge *m, int stream, const struct merge_stream *config,
                 uint64_t not_before, struct err *err)
{
    struct stream *s = &m->streams[stream];
    m->backfilling -= stream_backfills(s);
    if (!stream_init(s, config, err)) {
        return false;
    }
    s->cursor = first_commit(m, not_before);
    order_of(s)->begin(m, s);
    m->as_of_ahead = true;
    m->backfilling += stream_backfills(s);
    s->changed = true; /* but no reason for a state: that it is to be backfilled was said */
    return true;
}

void merge_add(struct merge *m, const struct merge_stream *config)
{
    CHECK(m->config.stream_count < m->config.room && !m->asking.batch);
    struct stream *s = &m->streams[m->config.stream_count++];
    s->config = config;
    s->life = 1;
    stand(m, s, STANDING_LOST);
    m->bound_again = 0;
}

bool merge_is_lost(const struct merge *m, int stream)
{
    return m->streams[stream].standing != STANDING_LIVES;
}

bool merge_is_told_lost(const struct merge *m, int stream)
{
    return m->streams[stream].told_lost;
}

uint64_t merge_life(const struct merge *m, int stream)
{
    return m->streams[stream].life;
}

void merge_touch(struct merge *m, int stream)
{
    m->streams[stream].changed = m->changed = true;
}

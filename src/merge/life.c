/* The lives of a stream: how it is lost, and begins again. */
#include <string.h>

#include "base/check.h"
#include "internal.h"

void merge_let_go(struct batch **done, struct batch **batch)
{
    struct batch *whole = batch_done(batch);
    if (whole) {
        whole->next = *done;
        *done = whole;
    }
}

struct batch *merge_take_done(struct merge *m)
{
    struct batch *done = m->done;
    m->done = NULL;
    return done;
}

/* Its chunks are dropped with the stream's life. */
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

static void set_status(struct merge *m, struct stream *s, enum stream_status status)
{
    m->backfilling -= stream_backfills(s);
    s->status = status;
    m->backfilling += stream_backfills(s);
    s->changed = true;
    m->changed |= !s->lost_in_checkpoint; /* else the next checkpoint would say the same again */
}

void merge_lose(struct merge *m, int stream)
{
    struct stream *s = &m->streams[stream];
    if (s->status == STATUS_LIVES) {
        forget_waiting(m, stream);
        m->backfilling -= stream_backfills(s);
        stream_clear(s, &m->done);
        s->life++;
    }
    s->undecided = m->config.asks_lost;
    set_status(m, s, STATUS_LOST);
}

void merge_decided(struct merge *m, int stream)
{
    m->streams[stream].undecided = false;
}

void merge_leave(struct merge *m, int stream)
{
    set_status(m, &m->streams[stream], STATUS_AWAY);
}

/* The first commit that is for the new life: a transaction of which a part has arrived is not. */
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
    merge_order_of(s)->begin(m, s);
    m->as_of_pending = true;
    m->backfilling += stream_backfills(s);
    s->changed =
        true; /* no reason for a checkpoint: the last one says that it is to be backfilled */
    return true;
}

void merge_add(struct merge *m, const struct merge_stream *config)
{
    CHECK(m->config.stream_count < m->config.room && !m->asking.batch);
    struct stream *s = &m->streams[m->config.stream_count++];
    s->config = config;
    s->life = 1;
    set_status(m, s, STATUS_LOST);
    m->bound_again = 0;
}

bool merge_is_lost(const struct merge *m, int stream)
{
    return m->streams[stream].status != STATUS_LIVES;
}

bool merge_skips(const struct merge *m, int stream)
{
    return stream_skips(&m->streams[stream], m->txn.final_lsn);
}

bool merge_is_lost_in_checkpoint(const struct merge *m, int stream)
{
    return m->streams[stream].lost_in_checkpoint;
}

uint64_t merge_life(const struct merge *m, int stream)
{
    return m->streams[stream].life;
}

void merge_touch(struct merge *m, int stream)
{
    m->streams[stream].changed = m->changed = true;
}

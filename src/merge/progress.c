/* How far the merger has come: in-doubt transactions, checkpoints, memory, the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"
#include "internal.h"
#include "row/cursor.h"

enum {
    POSITION_BYTES = 16 * 1024 * 1024,   /* an idle stream's cursor follows by a WAL segment… */
    POSITION_INTERVAL_US = 60 * 1000000, /* …or a minute */
    IN_DOUBT_MOST = 1000, /* with more, a snapshot is taken to see which are visible */
};

void merge_note_in_doubt(struct merge *m)
{
    for (size_t i = m->in_doubt_count; i-- > 0;) {
        if (m->in_doubt[i] == m->txn.xid) {
            return;
        }
    }
    m->in_doubt =
        mem_grow_array(m->in_doubt, &m->in_doubt_cap, m->in_doubt_count + 1, sizeof *m->in_doubt);
    m->in_doubt[m->in_doubt_count++] = m->txn.xid;
}

void merge_forget_seen(struct merge *m, const struct snapshot *snapshot)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->in_doubt_count; i++) {
        if (!snapshot_sees(snapshot, m->in_doubt[i], 0)) {
            m->in_doubt[kept++] = m->in_doubt[i];
        }
    }
    m->in_doubt_count = kept;
}

/* Whether the next checkpoint holds it. Of a life that had not begun, it does again once it has. */
static bool is_news(const struct merge *m, const struct stream *s)
{
    return s->changed ||
           (s->lost_in_checkpoint && s->status == STATUS_LIVES && !stream_is_ahead(s, m->position));
}

/* It holds only what changed since the last one. */
static struct checkpoint *new_checkpoint(struct merge *m)
{
    int count = 0;
    bool has_cursors = false;
    CHECK(!m->in_transaction && m->cursor >= m->checkpoint_cursor && m->position >= m->cursor);
    m->checkpoint_cursor = m->cursor;
    for (int i = 0; i < m->config.stream_count; i++) {
        count += is_news(m, &m->streams[i]);
        has_cursors |= m->streams[i].config->airbyte_look;
    }
    struct checkpoint *checkpoint = checkpoint_new(count);
    m->in_doubt_count = m->backfilling ? m->in_doubt_count : 0; /* no chunk will be read */
    checkpoint->cursor = m->cursor;
    checkpoint->carry = has_cursors ? cursor_carry(m->last_change, m->cursor) : 0;
    checkpoint->in_doubt_count = m->in_doubt_count;
    if (m->in_doubt_count) {
        checkpoint->in_doubt = mem_alloc(m->in_doubt_count * sizeof *checkpoint->in_doubt);
        memcpy(checkpoint->in_doubt, m->in_doubt, m->in_doubt_count * sizeof *checkpoint->in_doubt);
    }
    for (int i = 0, n = 0; i < m->config.stream_count; i++) {
        struct stream *s = &m->streams[i];
        if (is_news(m, s)) {
            struct stream_state *state = &checkpoint->streams[n++];
            stream_state_now(s, m->position, state);
            state->cursor = state->cursor > m->cursor ? state->cursor : 0;
            s->changed = false;
            s->lost_in_checkpoint = s->status != STATUS_LIVES || stream_is_ahead(s, m->position);
        }
    }
    return checkpoint;
}

static bool some_undecided(const struct merge *m)
{
    for (int i = 0; m->config.asks_lost && i < m->config.stream_count; i++) {
        if (m->streams[i].undecided) {
            return true;
        }
    }
    return false;
}

static struct checkpoint *due_checkpoint(struct merge *m, int64_t now_us)
{
    if (!m->changed || some_undecided(m)) {
        return NULL;
    }
    m->changed = false;
    m->last_checkpoint_us = now_us;
    return new_checkpoint(m);
}

static bool has_finish_passed(const struct merge *m)
{
    return m->finish_past && m->finish_past <= m->position && !m->backfilling;
}

int64_t merge_deadline_us(const struct merge *m)
{
    if (m->in_transaction || m->finished) {
        return INT64_MAX;
    }
    if (m->some_passed || has_finish_passed(m)) {
        return 0;
    }
    return m->changed && !some_undecided(m) ? m->last_checkpoint_us + m->pause_us : INT64_MAX;
}

void merge_between_transactions(struct merge *m, struct event *e, int64_t now_us)
{
    merge_release(m, e);
    m->finished = (m->finish_arrived && !m->backfilling) || has_finish_passed(m);
    if (m->finished && m->position > m->cursor) {
        m->cursor = m->position;
        m->changed = true;
    }
    if (m->finished || now_us - m->last_checkpoint_us >= m->pause_us) {
        e->checkpoint = due_checkpoint(m, now_us);
    }
}

void merge_idle(struct merge *m, struct batch *batch, int64_t now_us)
{
    struct event *e = batch_event(batch);
    batch->cursor = m->last_change;
    e->kind = EVENT_POSITION;
    e->lsn = m->position;
    merge_between_transactions(m, e, now_us);
}

void merge_pace(struct merge *m, int64_t pause_us)
{
    m->pause_us = pause_us;
}

void merge_keepalive(struct merge *m, struct event *e, int64_t now_us)
{
    if (e->lsn <= m->cursor || m->in_transaction) {
        return;
    }
    m->position = e->lsn > m->position ? e->lsn : m->position;
    if (e->lsn - m->cursor >= POSITION_BYTES ||
        now_us - m->last_checkpoint_us >= POSITION_INTERVAL_US) {
        m->cursor = e->lsn;
        m->changed = true;
        merge_pass_as_of(m, e->lsn);
    }
    merge_between_transactions(m, e, now_us);
}

uint64_t merge_position(const struct merge *m)
{
    return m->position;
}

static size_t bytes_buffered(const struct merge *m, bool *reading)
{
    size_t bytes = 0;
    *reading = false;
    for (int i = 0; i < m->config.stream_count; i++) {
        for (int r = 0; r < m->streams[i].range_count; r++) {
            const struct range *range = &m->streams[i].ranges[r];
            bytes += buffered_bytes(&range->buffered);
            *reading |= range->buffered.count && range->reading;
        }
    }
    return bytes;
}

bool merge_stalled(const struct merge *m)
{
    bool reading;
    return m->backfilling && bytes_buffered(m, &reading) > m->config.buffered_bytes && reading;
}

bool merge_wants_snapshot(const struct merge *m)
{
    bool reading;
    return m->backfilling && (m->in_doubt_count > IN_DOUBT_MOST ||
                              (bytes_buffered(m, &reading) > m->config.buffered_bytes && !reading));
}

void merge_snapshot(struct merge *m, const struct snapshot *snapshot)
{
    merge_forget_seen(m, snapshot);
    for (int i = 0; i < m->config.stream_count; i++) {
        struct stream *s = &m->streams[i];
        for (int r = 0; r < s->range_count; r++) {
            struct range *range = &s->ranges[r];
            if (!range->reading) {
                snapshot_free(&range->floor);
                snapshot_copy(&range->floor, snapshot);
                range->has_floor = true;
                buffered_forget_seen(&range->buffered, snapshot);
            }
        }
    }
}

bool merge_backfilling(const struct merge *m)
{
    return m->backfilling > 0;
}

void merge_finish_at(struct merge *m, const char *watermark, uint64_t lsn)
{
    snprintf(m->finish_at, sizeof m->finish_at, "%s", watermark);
    m->finish_past = lsn;
    m->finish_arrived = false;
}

bool merge_finished(const struct merge *m)
{
    return m->finished;
}

uint64_t merge_backfilled(const struct merge *m, int stream, bool *backfilling)
{
    *backfilling = stream_backfills(&m->streams[stream]);
    return m->streams[stream].backfilled;
}

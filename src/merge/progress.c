/* How far the merger has come: unseen transactions, checkpoints, memory, the end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "internal.h"
#include "row/cursor.h"

enum {
    POSITION_BYTES = 16 * 1024 * 1024,   /* an idle stream's cursor follows by a WAL segment… */
    POSITION_INTERVAL_US = 60 * 1000000, /* …or a minute */
    UNSEEN_MOST = 1000,                  /* beyond, a snapshot is to tell which of them are seen */
};

void merge_note_unseen(struct merge *m)
{
    for (size_t i = m->unseen_count; i-- > 0;) {
        if (m->unseen[i] == m->txn.xid) {
            return;
        }
    }
    m->unseen = mem_grow_array(m->unseen, &m->unseen_cap, m->unseen_count + 1, sizeof *m->unseen);
    m->unseen[m->unseen_count++] = m->txn.xid;
}

void merge_forget_seen(struct merge *m, const struct snapshot *snapshot)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->unseen_count; i++) {
        if (!snapshot_sees(snapshot, m->unseen[i])) {
            m->unseen[kept++] = m->unseen[i];
        }
    }
    m->unseen_count = kept;
}

/* Only what changed since the last one travels. */
static struct checkpoint *new_checkpoint(struct merge *m)
{
    int count = 0;
    bool has_cursors = false;
    for (int i = 0; i < m->config.stream_count; i++) {
        count += m->streams[i].changed;
        has_cursors |= m->streams[i].config->airbyte_look;
    }
    struct checkpoint *checkpoint = checkpoint_new(count);
    m->unseen_count = m->backfilling ? m->unseen_count : 0; /* no chunk will ask for them */
    checkpoint->cursor = m->cursor;
    checkpoint->carry = has_cursors ? cursor_carry(m->last_change, m->cursor) : 0;
    checkpoint->unseen_count = m->unseen_count;
    if (m->unseen_count) {
        checkpoint->unseen = mem_alloc(m->unseen_count * sizeof *checkpoint->unseen);
        memcpy(checkpoint->unseen, m->unseen, m->unseen_count * sizeof *checkpoint->unseen);
    }
    for (int i = 0, n = 0; i < m->config.stream_count; i++) {
        if (m->streams[i].changed) {
            struct stream_state *state = &checkpoint->streams[n++];
            stream_state_now(&m->streams[i], state);
            state->cursor = state->cursor > m->cursor ? state->cursor : 0;
            m->streams[i].changed = false;
            m->streams[i].told_lost = m->streams[i].standing != STANDING_LIVES;
        }
    }
    return checkpoint;
}

static bool some_in_doubt(const struct merge *m)
{
    for (int i = 0; m->config.asks_lost && i < m->config.stream_count; i++) {
        if (m->streams[i].in_doubt) {
            return true;
        }
    }
    return false;
}

struct checkpoint *merge_due_checkpoint(struct merge *m, int64_t now_us)
{
    if (!m->changed || some_in_doubt(m)) {
        return NULL;
    }
    m->changed = false;
    m->last_checkpoint_us = now_us;
    return new_checkpoint(m);
}

struct checkpoint *merge_checkpoint(struct merge *m, int64_t now_us)
{
    return now_us >= merge_deadline_us(m) ? merge_due_checkpoint(m, now_us) : NULL;
}

int64_t merge_deadline_us(const struct merge *m)
{
    bool possible = m->changed && !m->in_transaction && !m->finished && !some_in_doubt(m);
    return possible ? m->last_checkpoint_us + m->pause_us : INT64_MAX;
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
}

uint64_t merge_position(const struct merge *m)
{
    return m->position;
}

static size_t kept_bytes(const struct merge *m, bool *reading)
{
    size_t bytes = 0;
    *reading = false;
    for (int i = 0; i < m->config.stream_count; i++) {
        for (int r = 0; r < m->streams[i].range_count; r++) {
            const struct range *range = &m->streams[i].ranges[r];
            bytes += ahead_bytes(&range->ahead);
            *reading |= range->ahead.count && range->reading;
        }
    }
    return bytes;
}

bool merge_stalled(const struct merge *m)
{
    bool reading;
    return m->backfilling && kept_bytes(m, &reading) > m->config.ahead_bytes && reading;
}

bool merge_wants_snapshot(const struct merge *m)
{
    bool reading;
    return m->backfilling && (m->unseen_count > UNSEEN_MOST ||
                              (kept_bytes(m, &reading) > m->config.ahead_bytes && !reading));
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
                ahead_forget_seen(&range->ahead, snapshot);
            }
        }
    }
}

bool merge_backfilling(const struct merge *m)
{
    return m->backfilling > 0;
}

void merge_finish_at(struct merge *m, const char *watermark)
{
    snprintf(m->finish_at, sizeof m->finish_at, "%s", watermark);
    m->finish_came_by = false;
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

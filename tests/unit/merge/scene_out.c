/* What the merger releases, as records. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "row/tuple.h"
#include "scene.h"

static void copy_value(char to[SCENE_VALUE], const struct value *value, bool wal)
{
    switch (value->kind) {
    case VALUE_NULL: strcpy(to, "~"); return;
    case VALUE_UNCHANGED: strcpy(to, "^"); return;
    case VALUE_TEXT:
    case VALUE_BINARY: break;
    }
    snprintf(to, SCENE_VALUE, "%s%.*s", wal && value->kind == VALUE_BINARY ? "#" : "",
             (int)value->len, value->data);
}

static struct record *add_record(struct scene *s, char op)
{
    s->records =
        mem_grow_array(s->records, &s->record_cap, s->record_count + 1, sizeof *s->records);
    struct record *record = &s->records[s->record_count++];
    *record = (struct record){.op = op};
    return record;
}

static void record_row(struct scene *s, char op, const uint8_t *tuple, bool wal, uint64_t lsn)
{
    struct record *record = add_record(s, op);
    record->lsn = lsn;
    char id[16];
    struct value values[3];
    const uint8_t *p = tuple_first(tuple);
    for (int i = 0; i < 3; i++) {
        p = wal ? tuple_wal_next(p, &values[i]) : tuple_row_next(p, &values[i]);
    }
    if (wal || s->server) {
        snprintf(id, sizeof id, "%.*s", (int)values[0].len, values[0].data);
        record->id = atoi(id);
    } else {
        record->id = (int)load32(values[0].data);
    }
    copy_value(record->v, &values[1], wal);
    copy_value(record->w, &values[2], wal);
}

static void take_chunks(struct scene *s, struct event *commit)
{
    for (const struct chunk *chunk = commit->chunk; chunk; chunk = chunk->next) {
        for (const struct batch *b = chunk->batches; b; b = b->next) {
            for (size_t i = 0; i < b->row_count; i++) {
                if (b->rows[i]) {
                    record_row(s, 'r', b->rows[i], false, 0);
                }
            }
        }
        for (const struct patch *p = chunk->patches; p; p = p->next) {
            if (!p->deleted) {
                record_row(s, 'p', p->tuple, true, p->lsn);
            }
        }
    }
    merge_discard_chunks(&commit->chunk);
}

static void take_checkpoint(struct scene *s, struct checkpoint **checkpoint)
{
    if (*checkpoint) {
        s->checkpoints++;
        s->whole = s->whole ? s->whole : checkpoint_new(0);
        checkpoint_apply(s->whole, *checkpoint);
        checkpoint_free(checkpoint);
        add_record(s, '@');
    }
}

static void take_event(struct scene *s, struct event *e)
{
    switch (e->kind) {
    case EVENT_INSERT: record_row(s, 'c', e->new_tuple, true, e->lsn); return;
    case EVENT_UPDATE: record_row(s, 'u', e->new_tuple, true, e->lsn); return;
    case EVENT_MOVE:
        record_row(s, 'd', e->old_tuple, true, e->lsn);
        record_row(s, 'c', e->new_tuple, true, e->lsn);
        return;
    case EVENT_DELETE: record_row(s, 'd', e->old_tuple, true, e->lsn); return;
    case EVENT_TRUNCATE: add_record(s, 't'); return;
    case EVENT_MESSAGE: add_record(s, 'm'); return;
    case EVENT_COMMIT:
    case EVENT_POSITION:
        take_chunks(s, e);
        take_checkpoint(s, &e->checkpoint);
        return;
    default: return;
    }
}

void scene_quiet(struct scene *s)
{
    if (s->now_us < merge_deadline_us(s->m)) {
        return;
    }
    struct batch *batch = batch_new(0);
    batch_reset(batch, BATCH_EVENTS);
    merge_idle(s->m, batch, s->now_us);
    take_event(s, &batch->events[0]);
    batch_free(&batch);
}

bool wal_flush(struct scene *s)
{
    scene_answer(s, s->events);
    bool ok = merge_events(s->m, s->events, s->now_us, &s->err);
    for (size_t i = 0; i < s->events->event_count && ok; i++) {
        take_event(s, &s->events->events[i]);
    }
    batch_reset(s->events, BATCH_EVENTS);
    return ok;
}

void wal_commit(struct scene *s)
{
    wal_end(s);
    cr_assert(wal_flush(s), "%s", s->err.message);
}

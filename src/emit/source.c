/* Following the stream of changes. */
#include "emit/source.h"

#include "emit/json.h"
#include "row/cursor.h"
#include "word.h"
#include "writers.h"

void source_begin(struct source *s, const struct txn *txn, uint64_t previous_commit)
{
    s->txn = *txn;
    s->previous_commit = previous_commit;
    s->text.time_len = (uint32_t)(json_i64(s->text.time, txn->commit_us / 1000) - s->text.time);
    s->text.previous_len =
        (uint32_t)(json_u64(s->text.previous, previous_commit) - s->text.previous);
    char *end = json_u64(put_word(s->text.end, ","), txn->final_lsn);
    end = json_u64(put_word(end, "],\"txid\":"), txn->xid);
    s->text.end_len = (uint32_t)(end - s->text.end);
    s->text.commit_len =
        (uint32_t)(timestamp_quote(s->text.commit, txn->commit_us) - s->text.commit);
}

void source_follow(struct source *s, const struct event *e)
{
    switch (e->kind) {
    case EVENT_BEGIN:
        source_begin(s, e->txn, s->previous_commit);
        cursor_begin(&s->cursor, e->txn->final_lsn);
        return;
    case EVENT_SKIP:
        if (e->new_tuple || e->old_tuple) { /* a change: it has cursors, printed or not */
            cursor_change(&s->cursor);
        }
        return;
    case EVENT_INSERT:
    case EVENT_UPDATE:
    case EVENT_MOVE:
    case EVENT_DELETE:
        cursor_change(&s->cursor);
        s->lsn = e->lsn;
        return;
    case EVENT_TRUNCATE: s->lsn = e->lsn; return;
    case EVENT_COMMIT:
    case EVENT_POSITION:
        if (e->kind == EVENT_COMMIT) {
            s->previous_commit = e->lsn;
        }
        if (e->chunk) {
            cursor_release(&s->cursor, e->lsn);
        }
        return;
    case EVENT_MESSAGE:
        if (!e->transactional) {
            s->previous_commit = e->lsn;
        }
        return;
    case EVENT_END:
    case EVENT_RELATION: return;
    }
}

/* The server: rows, locks, transactions, and the WAL that they leave. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model.h"

void server_init(struct server *s, uint64_t first_xid, int rows, FILE *trace)
{
    *s = (struct server){.next_xid = first_xid, .lsn = 1000, .trace = trace};
    for (int key = 1; key <= rows; key++) {
        s->rows[key] = (struct row){s->last_value + 1, s->last_value + 2};
        s->last_value += 2;
        model_say(s->trace, "row %d = %d/%d\n", key, s->rows[key].v, s->rows[key].w);
    }
}

void server_free(struct server *s)
{
    free(s->wal);
}

bool server_begin(struct server *s, int slot)
{
    struct slot *t = &s->slots[slot];
    if (t->state != SLOT_FREE) {
        return false;
    }
    *t = (struct slot){.state = SLOT_RUNNING, .xid = s->next_xid++};
    model_say(s->trace, "%llu begins\n", (unsigned long long)t->xid);
    return true;
}

/* What the transaction sees of a key that nobody else has locked: all others see it so too, but for
 * its own changes. */
static struct row row_for(const struct server *s, const struct slot *t, int key)
{
    struct row row = s->rows[key];
    for (int i = 0; i < t->count; i++) {
        const struct wal_event *e = &t->changes[i];
        if (e->kind == WAL_TRUNCATE || (e->kind == WAL_DELETE && e->key == key) ||
            (e->kind == WAL_MOVE && e->from == key)) {
            row = (struct row){0, 0};
        } else if (e->key == key) {
            row = e->row;
        }
    }
    return row;
}

static bool may_lock(const struct server *s, int slot, int key)
{
    return s->locked_by[key] == 0 || s->locked_by[key] == slot + 1;
}

static struct row new_row(struct server *s, const struct row *old, bool unchanged)
{
    struct row row = {++s->last_value, 0};
    row.w = unchanged ? old->w : ++s->last_value;
    return row;
}

static void add_change(struct server *s, int slot, struct wal_event change)
{
    struct slot *t = &s->slots[slot];
    change.xid = t->xid;
    t->changes[t->count++] = change;
    s->locked_by[change.key] = s->locked_by[change.from] = slot + 1;
    s->locked_by[0] = 0;
    model_say(s->trace, "  %llu: %s %d", (unsigned long long)t->xid,
              change.kind == WAL_INSERT   ? "insert"
              : change.kind == WAL_UPDATE ? "update"
              : change.kind == WAL_DELETE ? "delete"
                                          : "move",
              change.kind == WAL_MOVE ? change.from : change.key);
    if (change.kind == WAL_MOVE) {
        model_say(s->trace, " to %d", change.key);
    }
    if (change.kind != WAL_DELETE) {
        model_say(s->trace, " = %d/%d%s", change.row.v, change.row.w,
                  change.unchanged ? " (not sent)" : "");
    }
    model_say(s->trace, "\n");
}

bool server_truncating(const struct server *s)
{
    bool some = false;
    for (int i = 0; i < MODEL_SLOTS; i++) {
        some |= s->slots[i].state != SLOT_FREE && s->slots[i].truncates;
    }
    return some;
}

/* TRUNCATE locks everyone out, and waits for those who are in. */
static bool truncate_table(struct server *s, int slot)
{
    struct slot *t = &s->slots[slot];
    for (int key = 1; key <= MODEL_KEYS; key++) {
        if (!may_lock(s, slot, key) || s->reading) {
            return false;
        }
    }
    for (int key = 1; key <= MODEL_KEYS; key++) {
        s->locked_by[key] = slot + 1;
    }
    t->truncates = true;
    t->changes[t->count++] = (struct wal_event){.kind = WAL_TRUNCATE, .xid = t->xid};
    model_say(s->trace, "  %llu: truncate\n", (unsigned long long)t->xid);
    return true;
}

static bool change_row(struct server *s, int slot, int kind, int key, int to, const struct row *old)
{
    bool unchanged = kind % 2;
    struct row moved = row_for(s, &s->slots[slot], to);
    switch (kind) {
    case 0:
    case 1:
        add_change(s, slot, (struct wal_event){.kind = WAL_DELETE, .key = key, .old = *old});
        return true;
    case 2:
    case 3:
        if (to == key || !may_lock(s, slot, to) || moved.v) {
            return false;
        }
        add_change(s, slot,
                   (struct wal_event){.kind = WAL_MOVE,
                                      .key = to,
                                      .from = key,
                                      .old = *old,
                                      .row = new_row(s, old, unchanged),
                                      .unchanged = unchanged});
        return true;
    default:
        add_change(s, slot,
                   (struct wal_event){.kind = WAL_UPDATE,
                                      .key = key,
                                      .old = *old,
                                      .row = new_row(s, old, unchanged),
                                      .unchanged = unchanged});
        return true;
    }
}

bool server_change(struct server *s, int slot, int kind, int key, int to)
{
    struct slot *t = &s->slots[slot];
    if (t->state != SLOT_RUNNING || t->count == MODEL_CHANGES || !may_lock(s, slot, key)) {
        return false;
    }
    if (kind >= 250) {
        return truncate_table(s, slot);
    }
    struct row old = row_for(s, t, key);
    if (!old.v) {
        add_change(
            s, slot,
            (struct wal_event){.kind = WAL_INSERT, .key = key, .row = new_row(s, &old, false)});
        return true;
    }
    return !s->insert_only && change_row(s, slot, kind % 8, key, to, &old);
}

static struct wal_event *append(struct server *s, enum wal_kind kind, uint64_t xid)
{
    s->wal = mem_grow_array(s->wal, &s->wal_cap, s->wal_count + 1, sizeof *s->wal);
    struct wal_event *e = &s->wal[s->wal_count++];
    *e = (struct wal_event){.kind = kind, .xid = xid, .lsn = s->lsn += 20};
    return e;
}

bool server_commit(struct server *s, int slot)
{
    struct slot *t = &s->slots[slot];
    if (t->state != SLOT_RUNNING) {
        return false;
    }
    append(s, WAL_BEGIN, t->xid);
    for (int i = 0; i < t->count; i++) {
        struct wal_event *e = append(s, t->changes[i].kind, t->xid);
        uint64_t lsn = e->lsn;
        *e = t->changes[i];
        e->lsn = lsn;
    }
    append(s, WAL_COMMIT, t->xid);
    t->state = SLOT_COMMITTED;
    model_say(s->trace, "%llu commits\n", (unsigned long long)t->xid);
    return true;
}

static void end(struct server *s, int slot)
{
    for (int key = 1; key <= MODEL_KEYS; key++) {
        if (s->locked_by[key] == slot + 1) {
            s->locked_by[key] = 0;
        }
    }
    s->slots[slot].state = SLOT_FREE;
}

bool server_show(struct server *s, int slot)
{
    struct slot *t = &s->slots[slot];
    if (t->state != SLOT_COMMITTED) {
        return false;
    }
    for (int key = 1; key <= MODEL_KEYS; key++) {
        if (s->locked_by[key] == slot + 1) {
            s->rows[key] = row_for(s, t, key);
        }
    }
    end(s, slot);
    model_say(s->trace, "%llu is visible\n", (unsigned long long)t->xid);
    return true;
}

bool server_abort(struct server *s, int slot)
{
    if (s->slots[slot].state != SLOT_RUNNING) {
        return false;
    }
    end(s, slot);
    model_say(s->trace, "%llu rolls back\n", (unsigned long long)s->slots[slot].xid);
    return true;
}

void server_watermark(struct server *s, int number)
{
    uint64_t xid = s->next_xid++;
    append(s, WAL_BEGIN, xid);
    append(s, WAL_WATERMARK, xid)->watermark = number;
    append(s, WAL_COMMIT, xid);
    model_say(s->trace, "%llu writes watermark w%d\n", (unsigned long long)xid, number);
}

/* WAL that is not ours goes by. */
void server_keepalive(struct server *s)
{
    s->lsn += 20 << 20;
    append(s, WAL_KEEPALIVE, 0);
}

void server_snapshot(const struct server *s, char text[256])
{
    uint64_t xmin = s->next_xid;
    int len = 0;
    for (int i = 0; i < MODEL_SLOTS; i++) {
        const struct slot *t = &s->slots[i];
        xmin = t->state != SLOT_FREE && t->xid < xmin ? t->xid : xmin;
    }
    len = sprintf(text, "%llu:%llu:", (unsigned long long)xmin, (unsigned long long)s->next_xid);
    for (int i = 0, n = 0; i < MODEL_SLOTS; i++) {
        if (s->slots[i].state != SLOT_FREE) {
            len +=
                sprintf(text + len, "%s%llu", n++ ? "," : "", (unsigned long long)s->slots[i].xid);
        }
    }
}

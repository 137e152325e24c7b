/* The server: rows, locks, transactions, and the WAL that they leave. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim.h"

enum { RECORD_BYTES = 20, COMMIT_BYTES = 10, MUCH_BYTES = 20 << 20 };

void server_init(struct database *s, uint64_t first_xid, FILE *trace)
{
    *s = (struct database){
        .next_xid = first_xid, .lsn = SIM_FIRST_LSN, .last_commit = SIM_FIRST_LSN, .trace = trace};
}

void server_add_table(struct database *s, enum table_kind kind, int rows, bool full)
{
    static const char *const kinds[] = {"by its key", "by a key that the server orders",
                                        "in ctid order, rows are only inserted",
                                        "in ctid order, with a unique key"};
    struct table *t = &s->table[s->tables];
    *t = (struct table){.kind = kind, .full = full, .columns = 3};
    sim_say(s->trace, "table t%d is read %s%s\n", s->tables, kinds[kind],
            full ? "; REPLICA IDENTITY FULL" : "");
    for (int key = 1; key <= rows; key++) {
        t->rows[key] = (struct row){s->last_value + 1, s->last_value + 2};
        s->last_value += 2;
        sim_say(s->trace, "t%d has row %d = %d/%d\n", s->tables, key, t->rows[key].v,
                t->rows[key].w);
    }
    memcpy(s->first[s->tables++], t->rows, sizeof t->rows);
}

void server_free(struct database *s)
{
    free(s->wal);
}

bool server_begin(struct database *s, int slot)
{
    struct session *t = &s->slots[slot];
    if (t->state != SLOT_FREE) {
        return false;
    }
    *t = (struct session){.state = SLOT_RUNNING, .xid = s->next_xid++};
    sim_say(s->trace, "%llu begins\n", (unsigned long long)t->xid);
    return true;
}

void wal_replay(const struct wal_event *e, struct row rows[SIM_TABLES][SIM_KEYS + 1])
{
    struct row *of = rows[e->table];
    switch (e->kind) {
    case WAL_TRUNCATE: memset(of, 0, sizeof *rows); return;
    case WAL_DELETE: of[e->key] = (struct row){0, 0}; return;
    case WAL_INSERT:
    case WAL_UPDATE:
    case WAL_MOVE:
        of[e->from] = (struct row){0, 0};
        of[e->key] = e->row;
        return;
    case WAL_BEGIN:
    case WAL_WATERMARK:
    case WAL_COMMIT:
    case WAL_KEEPALIVE: return;
    }
}

/* What the transaction sees of a key that no other one has locked: the same as all others, and its
 * own changes. */
static struct row row_for(const struct database *s, const struct session *slot, int table, int key)
{
    struct row rows[SIM_TABLES][SIM_KEYS + 1];
    rows[table][key] = s->table[table].rows[key];
    for (int i = 0; i < slot->count; i++) {
        if (slot->changes[i].table == table) {
            wal_replay(&slot->changes[i], rows);
        }
    }
    return rows[table][key];
}

static bool may_lock(const struct table *t, int slot, int key)
{
    return t->locked_by[key] == 0 || t->locked_by[key] == slot + 1;
}

static struct row new_row(struct database *s, const struct row *old, bool unchanged)
{
    struct row row = {++s->last_value, 0};
    row.w = unchanged ? old->w : ++s->last_value;
    return row;
}

static void say_change(const struct database *s, const struct wal_event *e)
{
    static const char *const verbs[] = {
        [WAL_INSERT] = "inserts", [WAL_UPDATE] = "updates",     [WAL_MOVE] = "moves",
        [WAL_DELETE] = "deletes", [WAL_TRUNCATE] = "truncates",
    };
    sim_say(s->trace, "  %llu %s t%d", (unsigned long long)e->xid, verbs[e->kind], e->table);
    if (e->kind != WAL_TRUNCATE) {
        sim_say(s->trace, " row %d", e->from ? e->from : e->key);
    }
    if (e->from) {
        sim_say(s->trace, " to %d", e->key);
    }
    if (e->row.v) {
        sim_say(s->trace, " = %d/%d%s", e->row.v, e->row.w, e->unchanged ? " (not sent)" : "");
    }
    sim_say(s->trace, "\n");
}

static void add_change(struct database *s, int slot, struct wal_event change)
{
    struct session *t = &s->slots[slot];
    struct table *table = &s->table[change.table];
    change.xid = t->xid;
    change.columns = table->columns;
    t->changes[t->count++] = change;
    table->locked_by[change.key] = table->locked_by[change.from] = slot + 1;
    table->locked_by[0] = 0;
    say_change(s, &change);
}

bool server_truncating(const struct database *s, int table)
{
    bool some = false;
    for (int i = 0; i < SIM_SLOTS; i++) {
        some |= s->slots[i].state != SLOT_FREE && s->slots[i].truncates[table];
    }
    return some;
}

bool server_writing(const struct database *s, int table)
{
    bool some = server_truncating(s, table);
    for (int key = 1; key <= SIM_KEYS; key++) {
        some |= s->table[table].locked_by[key] != 0;
    }
    return some;
}

/* TRUNCATE takes an exclusive lock, and waits for all others that have one. */
static bool truncate_table(struct database *s, int slot, int table)
{
    struct table *t = &s->table[table];
    for (int key = 1; key <= SIM_KEYS; key++) {
        if (!may_lock(t, slot, key) || t->reading || !s->truncates) {
            return false;
        }
    }
    for (int key = 1; key <= SIM_KEYS; key++) {
        t->locked_by[key] = slot + 1;
    }
    s->slots[slot].truncates[table] = true;
    add_change(s, slot, (struct wal_event){.kind = WAL_TRUNCATE, .table = table});
    return true;
}

static bool change_row(struct database *s, int slot, int kind, struct wal_event change, int to)
{
    const struct table *t = &s->table[change.table];
    int key = change.key;
    change.unchanged = kind % 2;
    if (kind < 2) {
        change.kind = WAL_DELETE;
        change.unchanged = false;
        add_change(s, slot, change);
        return true;
    }
    if (kind < 4) {
        if (to == key || !may_lock(t, slot, to) ||
            row_for(s, &s->slots[slot], change.table, to).v) {
            return false;
        }
        change.from = key;
        change.key = to;
    }
    change.kind = kind < 4 ? WAL_MOVE : WAL_UPDATE;
    change.row = new_row(s, &change.old, change.unchanged);
    add_change(s, slot, change);
    return true;
}

bool server_change(struct database *s, int slot, int table, int kind, int key, int to)
{
    const struct session *t = &s->slots[slot];
    if (t->state != SLOT_RUNNING || t->count == SIM_CHANGES ||
        !may_lock(&s->table[table], slot, key)) {
        return false;
    }
    if (kind >= 250) {
        return truncate_table(s, slot, table);
    }
    struct wal_event change = {.kind = WAL_INSERT, .table = table, .key = key};
    change.old = row_for(s, t, table, key);
    if (change.old.v) {
        return s->table[table].kind != CTID_INSERTS && change_row(s, slot, kind % 8, change, to);
    }
    change.row = new_row(s, &change.old, false);
    add_change(s, slot, change);
    return true;
}

static struct wal_event *append(struct database *s, enum wal_kind kind, uint64_t xid)
{
    s->wal = mem_grow_array(s->wal, &s->wal_cap, s->wal_count + 1, sizeof *s->wal);
    struct wal_event *e = &s->wal[s->wal_count++];
    *e = (struct wal_event){.kind = kind, .xid = xid, .lsn = s->lsn};
    s->lsn += RECORD_BYTES;
    return e;
}

/* Write the changes between BEGIN and COMMIT; each has the positions of both. */
static void write_transaction(struct database *s, uint64_t xid, const struct wal_event *changes,
                              int count)
{
    size_t first = s->wal_count;
    append(s, WAL_BEGIN, xid);
    for (int i = 0; i < count; i++) {
        struct wal_event *e = append(s, changes[i].kind, xid);
        uint64_t lsn = e->lsn;
        *e = changes[i];
        e->lsn = lsn;
        e->xid = xid;
    }
    uint64_t final = append(s, WAL_COMMIT, xid)->lsn;
    for (size_t i = first; i < s->wal_count; i++) {
        s->wal[i].final = final;
        s->wal[i].end = final + COMMIT_BYTES;
        s->wal[i].previous = s->last_commit;
        s->wal[i].commit_us = s->wall_us;
    }
    s->last_commit = final + COMMIT_BYTES;
}

bool server_commit(struct database *s, int slot)
{
    struct session *t = &s->slots[slot];
    if (t->state != SLOT_RUNNING) {
        return false;
    }
    write_transaction(s, t->xid, t->changes, t->count);
    t->state = SLOT_COMMITTED;
    sim_say(s->trace, "%llu commits\n", (unsigned long long)t->xid);
    if (s->standby) {
        server_show(s, slot); /* it is replayed */
    }
    return true;
}

static void end(struct database *s, int slot)
{
    for (int i = 0; i < SIM_TABLES * (SIM_KEYS + 1); i++) {
        int *locked_by = &s->table[i / (SIM_KEYS + 1)].locked_by[i % (SIM_KEYS + 1)];
        *locked_by = *locked_by == slot + 1 ? 0 : *locked_by;
    }
    s->slots[slot].state = SLOT_FREE;
}

bool server_show(struct database *s, int slot)
{
    struct session *t = &s->slots[slot];
    if (t->state != SLOT_COMMITTED) {
        return false;
    }
    for (int i = 0; i < s->tables * (SIM_KEYS + 1); i++) {
        int table = i / (SIM_KEYS + 1), key = i % (SIM_KEYS + 1);
        if (s->table[table].locked_by[key] == slot + 1) {
            s->table[table].rows[key] = row_for(s, t, table, key);
        }
    }
    for (int table = 0; table < s->tables; table++) {
        s->table[table].emptied += t->truncates[table];
    }
    end(s, slot);
    sim_say(s->trace, "%llu is visible\n", (unsigned long long)t->xid);
    return true;
}

bool server_abort(struct database *s, int slot)
{
    if (s->slots[slot].state != SLOT_RUNNING) {
        return false;
    }
    end(s, slot);
    sim_say(s->trace, "%llu rolls back\n", (unsigned long long)s->slots[slot].xid);
    return true;
}

/* It waits for transactions that write, and for chunks being read; none waits for it. */
bool server_alter(struct database *s, int table)
{
    struct table *t = &s->table[table];
    if (t->reading || server_writing(s, table)) {
        return false;
    }
    s->next_xid++;
    t->columns = t->columns < SIM_COLUMNS ? t->columns + 1 : 3;
    sim_say(s->trace, "ALTER TABLE: t%d has %d columns\n", table, t->columns);
    return true;
}

/* Open transactions are rolled back, and committed ones are visible to all. */
void server_crash(struct database *s)
{
    sim_say(s->trace, "the server crashes, and recovers\n");
    for (int slot = 0; slot < SIM_SLOTS; slot++) {
        server_abort(s, slot);
        server_show(s, slot);
    }
}

void server_watermark(struct database *s, int number)
{
    struct wal_event change = {.kind = WAL_WATERMARK,
                               .columns = 2,
                               .watermark = number,
                               .unpublished = s->hides_watermarks};
    sim_say(s->trace, "%llu writes watermark w%d%s\n", (unsigned long long)s->next_xid, number,
            change.unpublished ? ", which is not published" : "");
    write_transaction(s, s->next_xid++, &change, 1);
}

/* WAL that is not captured is written. */
void server_keepalive(struct database *s, bool large)
{
    s->lsn += large ? MUCH_BYTES : RECORD_BYTES;
    append(s, WAL_KEEPALIVE, 0);
}

void server_snapshot(const struct database *s, char text[256])
{
    uint64_t xmin = s->next_xid, replayed = s->lsn - s->lag;
    int len = 0;
    if (s->standby) {
        sprintf(text, "%X/%X", (unsigned)(replayed >> 32), (unsigned)replayed);
        return;
    }
    for (int i = 0; i < SIM_SLOTS; i++) {
        const struct session *t = &s->slots[i];
        xmin = t->state != SLOT_FREE && t->xid < xmin ? t->xid : xmin;
    }
    len = sprintf(text, "%llu:%llu:", (unsigned long long)xmin, (unsigned long long)s->next_xid);
    for (uint64_t xid = xmin, n = 0; xid < s->next_xid; xid++) {
        for (int i = 0; i < SIM_SLOTS; i++) {
            if (s->slots[i].state != SLOT_FREE && s->slots[i].xid == xid) {
                len += sprintf(text + len, "%s%llu", n++ ? "," : "", (unsigned long long)xid);
            }
        }
    }
}

size_t server_start(const struct database *s, uint64_t cursor)
{
    size_t i = 0;
    while (i < s->wal_count && !(s->wal[i].kind == WAL_BEGIN && s->wal[i].final >= cursor) &&
           !(s->wal[i].kind == WAL_KEEPALIVE && s->wal[i].lsn > cursor)) {
        i++;
    }
    return i;
}

const struct wal_event *server_find(const struct database *s, uint64_t lsn)
{
    size_t from = 0, to = s->wal_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (s->wal[middle].lsn < lsn) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < s->wal_count && s->wal[from].lsn == lsn ? &s->wal[from] : NULL;
}

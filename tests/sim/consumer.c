/*
 * The consumer: applies the lines that it gets, and compares with the tables.
 *
 * It takes what came before a state with the state, and falls back to both. In the Airbyte look it
 * never falls back: of records that come again it keeps the one with the higher cursor.
 */
#include "consumer.h"

#include <cJSON.h>
#include <string.h>

static int number_in(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item)   ? item->valueint
           : cJSON_IsString(item) ? atoi(item->valuestring)
                                  : 0;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static uint64_t loc_of(const cJSON *source, int index)
{
    const cJSON *item = cJSON_GetArrayItem(member(source, "loc"), index);
    return item && item->valuedouble > 0 ? (uint64_t)item->valuedouble : 0;
}

static void read_source(struct read_record *told, const cJSON *meta)
{
    const cJSON *source = member(meta, "source");
    told->op = *member(meta, "op")->valuestring;
    told->snapshot = member(source, "snapshot") != NULL;
    told->previous = loc_of(source, 0);
    told->lsn = loc_of(source, 1);
    told->final = loc_of(source, 2);
    told->xid = (uint32_t)(member(source, "txid") ? member(source, "txid")->valuedouble : 0);
    told->ts_ms = member(source, "ts_ms") ? (int64_t)member(source, "ts_ms")->valuedouble : 0;
}

static struct read_record read_record(const cJSON *record)
{
    const cJSON *data = member(record, "data"), *cursor = member(data, "_ab_cdc_lsn");
    struct read_record told = {.table = member(record, "stream")->valuestring[1] - '0'};
    told.id = number_in(data, "id");
    told.row = (struct row){number_in(data, "v"), number_in(data, "w")};
    if (cursor) {
        told.cursor = cursor->valuedouble;
        told.op = cJSON_IsNull(member(data, "_ab_cdc_deleted_at")) ? 'c' : 'd';
    } else {
        read_source(&told, member(data, "_meta"));
    }
    return told;
}

/* A record names the change that made it; one of a row in a chunk the number of the row. */
static void check_source(struct sim *m, const struct read_record *r)
{
    struct copy *copy = &m->out[r->table];
    const struct wal_event *e = server_find(&m->server, r->lsn);
    if (r->snapshot) {
        if (r->lsn != copy->backfilled++) {
            sim_fail(m, "row %d of t%d has n %llu and not %llu", r->id, r->table,
                     (unsigned long long)r->lsn, (unsigned long long)copy->backfilled - 1);
        }
        return;
    }
    bool right = e && e->table == r->table && e->final == r->final && (uint32_t)e->xid == r->xid &&
                 e->commit_us / 1000 == r->ts_ms && r->previous >= e->previous &&
                 r->previous <= e->lsn;
    if (right && r->op == 'd') {
        right = (e->from ? e->from : e->key) == r->id;
    } else if (right && r->op != 't') {
        right = e->key == r->id && e->row.v == r->row.v;
    }
    if (!right) {
        sim_fail(m, "%c of row %d of t%d has the source of another change", r->op, r->id, r->table);
    }
}

static void check_order(struct sim *m, const struct read_record *r)
{
    struct copy *copy = &m->out[r->table];
    if (r->op != 'u' && r->op != 'd') {
        return; /* a create may be of a chunk's row, which a change had made before */
    }
    if (r->final < copy->final || (r->final == copy->final && r->lsn <= copy->lsn)) {
        sim_fail(m, "%c of row %d of t%d comes out of order", r->op, r->id, r->table);
    }
    copy->final = r->final;
    copy->lsn = r->lsn;
}

static void take_create(struct sim *m, const struct read_record *r)
{
    bool ctid_order = in_ctid_order(m->kinds[r->table]);
    struct copy *copy = &m->out[r->table];
    struct row row = r->row;
    if (copy->rows[r->id].v && (!ctid_order || r->snapshot)) {
        sim_fail(m, "row %d of t%d is created twice", r->id, r->table);
    }
    if (!row.w && copy->deleted.v && r->lsn == copy->lsn) {
        row.w = copy->deleted.w; /* `d` and `c` of one change */
    }
    copy->rows[r->id] = row;
}

static void take_update(struct sim *m, const struct read_record *r)
{
    struct row *row = &m->out[r->table].rows[r->id];
    if (!row->v && !in_ctid_order(m->kinds[r->table])) {
        sim_fail(m, "row %d of t%d is updated before it is created", r->id, r->table);
    }
    row->v = r->row.v;
    row->w = r->row.w ? r->row.w : row->w;
}

static void take_delete(struct sim *m, const struct read_record *r)
{
    struct copy *copy = &m->out[r->table];
    if (!copy->rows[r->id].v && !in_ctid_order(m->kinds[r->table])) {
        sim_fail(m, "row %d of t%d is deleted before it is created", r->id, r->table);
    }
    copy->deleted = copy->rows[r->id];
    copy->rows[r->id] = (struct row){0, 0};
}

static void take_change(struct sim *m, const struct read_record *r)
{
    check_source(m, r);
    check_order(m, r);
    switch (r->op) {
    case 'c': take_create(m, r); return;
    case 'u': take_update(m, r); return;
    case 'd': take_delete(m, r); return;
    case 't': memset(m->out[r->table].rows, 0, sizeof m->out[r->table].rows); return;
    default: sim_fail(m, "a record of kind %c", r->op); return;
    }
}

/* The newer one of two records of a key has the higher cursor. */
static void take_look(struct sim *m, const struct read_record *r)
{
    struct copy *copy = &m->out[r->table];
    if (r->cursor < copy->cursor[r->id]) {
        return;
    }
    copy->cursor[r->id] = r->cursor;
    copy->rows[r->id] = r->op == 'd' ? (struct row){0, 0} : r->row;
}

static void take_record(struct sim *m, const cJSON *record)
{
    struct read_record r = read_record(record);
    if (r.table < 0 || r.table >= m->server.tables || r.id < (r.op != 't') || r.id > SIM_KEYS) {
        sim_fail(m, "a record of no row");
        return;
    }
    sim_say(m->trace, "      says %c%s t%d row %d = %d/%d\n", r.op, r.snapshot ? " (read)" : "",
            r.table, r.id, r.row.v, r.row.w);
    m->out[r.table].records++;
    if (m->setup.look) {
        take_look(m, &r);
    } else {
        take_change(m, &r);
    }
}

void consumer_line(struct sim *m, const char *line, size_t len)
{
    cJSON *message = cJSON_ParseWithLength(line, len);
    const cJSON *type = member(message, "type");
    if (!type) {
        sim_fail(m, "a line is no message: %.*s", (int)(len < 80 ? len : 80), line);
    } else if (!strcmp(type->valuestring, "RECORD")) {
        take_record(m, member(message, "record"));
    } else if (!strcmp(type->valuestring, "STATE")) {
        consumer_take_state(m, member(message, "state"), line, len);
    }
    cJSON_Delete(message);
}

void consumer_forget(struct sim *m, int table)
{
    struct copy *copy = &m->out[table];
    uint64_t records = copy->records;
    if (!m->setup.look) {
        *copy = (struct copy){.records = records};
    }
}

void consumer_fall_back(struct sim *m, const struct kept *kept)
{
    for (int t = 0; t < SIM_TABLES; t++) {
        if (!m->setup.look) {
            m->out[t] = kept->copies[t];
        }
        m->out[t].records = 0;
    }
}

void consumer_passed(struct sim *m, uint64_t lsn)
{
    for (; m->passed < m->server.wal_count; m->passed++) {
        const struct wal_event *e = &m->server.wal[m->passed];
        if ((e->end ? e->end : e->lsn) > lsn) {
            break;
        }
        wal_replay(e, m->at);
    }
    m->passed_lsn = lsn;
}

/*
 * The server's bytes: messages of pgoutput, and rows as a chunk selects them. Tables have an id, a
 * v (int4) and a w (text); the watermarks table has a slot and a watermark.
 */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "row/tuple.h"
#include "sim.h"

static const struct type int4 = {.oid = OID_INT4, .name = "int4"};
static const struct type numeric = {.oid = OID_NUMERIC, .name = "numeric"};
static const struct type text = {.oid = OID_TEXT, .name = "text"};

static const int64_t EPOCH_US = 946684800000000; /* 2000-01-01 */

static void put(struct out *out, uint64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        out_char(out, (char)(value >> 8 * i));
    }
}

static void put_name(struct out *out, const char *s)
{
    out_bytes(out, s, strlen(s) + 1);
}

static void put_column(struct out *out, const char *name, uint32_t oid, bool identity)
{
    put(out, identity, 1);
    put_name(out, name);
    put(out, oid, 4);
    put(out, UINT32_MAX, 4);
}

static void put_more_columns(struct out *out, int columns, bool identity)
{
    for (int i = 3; i < columns; i++) {
        put_column(out, (const char[]){'x', (char)('0' + i), '\0'}, OID_INT4, identity);
    }
}

void wire_relation(struct out *out, const struct database *s, int table, int columns)
{
    bool watermarks = table == SIM_TABLES;
    const struct table *t = &s->table[watermarks ? 0 : table];
    bool full = !watermarks && t->full, keyless = !watermarks && t->kind == CTID_INSERTS;
    char name[16] = "watermarks";
    out_char(out, 'R');
    put(out, wire_oid(table), 4);
    put_name(out, "public");
    if (!watermarks) {
        snprintf(name, sizeof name, "t%d", table);
    }
    put_name(out, name);
    put(out, full ? 'f' : 'd', 1);
    put(out, (uint64_t)columns, 2);
    if (watermarks) {
        put_column(out, "slot", OID_TEXT, true);
        put_column(out, "watermark", OID_TEXT, false);
        return;
    }
    put_column(out, "id", t->kind == BY_SERVER ? OID_NUMERIC : OID_INT4, full || !keyless);
    put_column(out, "v", OID_INT4, full);
    put_column(out, "w", OID_TEXT, full);
    put_more_columns(out, columns, full);
}

static void put_number(struct out *out, int number)
{
    char digits[16];
    int len = snprintf(digits, sizeof digits, "%d", number);
    put(out, 't', 1);
    put(out, (uint64_t)len, 4);
    out_bytes(out, digits, (size_t)len);
}

static void put_nulls(struct out *out, int count)
{
    for (; count > 0; count--) {
        put(out, 'n', 1);
    }
}

static void put_row(struct out *out, int columns, int key, const struct row *row, bool unchanged)
{
    put(out, (uint64_t)columns, 2);
    put_number(out, key);
    put_number(out, row->v);
    if (unchanged) {
        put(out, 'u', 1);
    } else {
        put_number(out, row->w);
    }
    put_nulls(out, columns - 3);
}

static void put_old(struct out *out, const struct database *s, const struct wal_event *e)
{
    int key = e->from ? e->from : e->key;
    if (s->table[e->table].full) {
        put(out, 'O', 1);
        put_row(out, e->columns, key, &e->old, false);
    } else if (e->kind != WAL_UPDATE) {
        put(out, 'K', 1);
        put(out, (uint64_t)e->columns, 2);
        put_number(out, key);
        put_nulls(out, e->columns - 1);
    }
}

static void put_change(struct out *out, char tag, const struct database *s,
                       const struct wal_event *e)
{
    put(out, (uint64_t)tag, 1);
    put(out, wire_oid(e->table), 4);
    if (tag != 'I') {
        put_old(out, s, e);
    }
    if (tag != 'D') {
        put(out, 'N', 1);
        put_row(out, e->columns, e->key, &e->row, e->unchanged);
    }
}

static void put_watermark(struct out *out, const struct wal_event *e)
{
    char name[16];
    int len = snprintf(name, sizeof name, "w%d", e->watermark);
    out_char(out, 'U');
    put(out, wire_oid(SIM_TABLES), 4);
    put(out, 'N', 1);
    put(out, 2, 2);
    put(out, 't', 1);
    put(out, 3, 4);
    out_bytes(out, "our", 3);
    put(out, 't', 1);
    put(out, (uint64_t)len, 4);
    out_bytes(out, name, (size_t)len);
}

static void put_bounds(struct out *out, const struct wal_event *e)
{
    uint64_t us = (uint64_t)(e->commit_us - EPOCH_US);
    if (e->kind == WAL_BEGIN) {
        out_char(out, 'B');
        put(out, e->final, 8);
        put(out, us, 8);
        put(out, e->xid, 4);
        return;
    }
    out_char(out, 'C');
    put(out, 0, 1);
    put(out, e->final, 8);
    put(out, e->end, 8);
    put(out, us, 8);
}

void wire_message(struct out *out, const struct database *s, const struct wal_event *e)
{
    switch (e->kind) {
    case WAL_BEGIN:
    case WAL_COMMIT: put_bounds(out, e); return;
    case WAL_INSERT: put_change(out, 'I', s, e); return;
    case WAL_UPDATE:
    case WAL_MOVE: put_change(out, 'U', s, e); return;
    case WAL_DELETE: put_change(out, 'D', s, e); return;
    case WAL_TRUNCATE:
        out_char(out, 'T');
        put(out, 1, 4);
        put(out, 0, 1);
        put(out, wire_oid(e->table), 4);
        return;
    case WAL_WATERMARK: put_watermark(out, e); return;
    case WAL_KEEPALIVE: return;
    }
}

uint8_t *wire_tuple(int columns, int key, const struct row *row)
{
    struct out out;
    out_init(&out, 64);
    put_row(&out, columns, key, row, false);
    uint8_t *tuple = mem_alloc(out.len);
    memcpy(tuple, out.data, out.len);
    out_free(&out);
    return tuple;
}

static uint8_t *store_text(uint8_t *to, int number)
{
    int len = snprintf((char *)to + 4, 12, "%d", number);
    store32(to, (uint32_t)len);
    return to + 4 + len;
}

const uint8_t *wire_row(struct arena *arena, enum table_kind kind, int columns, int key,
                        const struct row *row)
{
    uint8_t *tuple = arena_alloc(arena, 96), *to = store16(tuple, (uint16_t)columns);
    to = kind == BY_SERVER ? store_text(to, key) : store32(store32(to, 4), (uint32_t)key);
    to = store32(store32(to, 4), (uint32_t)row->v);
    to = store_text(to, row->w);
    for (int i = 3; i < columns; i++) {
        to = store32(to, UINT32_MAX);
    }
    return tuple;
}

static const struct type *type_of(uint32_t oid)
{
    return oid == OID_INT4 ? &int4 : oid == OID_NUMERIC ? &numeric : &text;
}

void wire_bind(struct relation *r)
{
    r->stream = *r->name == 't' ? r->name[1] - '0' : STREAM_WATERMARKS;
    r->renamed_of = STREAM_NONE;
    for (int i = 0; i < r->column_count; i++) {
        r->columns[i].type = type_of(r->columns[i].type_oid);
    }
}

struct relation *wire_shape(int table, enum table_kind kind, int columns)
{
    static const char *const names[] = {"id", "v", "w", "x3", "x4", "x5"};
    struct relation *r = relation_new(columns);
    r->oid = wire_oid(table);
    r->schema = mem_string("public");
    r->name = mem_format("t%d", table);
    r->identity = 'd';
    for (int i = 0; i < columns; i++) {
        uint32_t oid = i == 2 ? OID_TEXT : i == 0 && kind == BY_SERVER ? OID_NUMERIC : OID_INT4;
        r->columns[i] = (struct column){.name = mem_string(names[i]),
                                        .type_oid = oid,
                                        .typmod = -1,
                                        .identity = i == 0,
                                        .text = oid != OID_INT4,
                                        .type = type_of(oid)};
    }
    r->stream = STREAM_NONE;
    return r;
}

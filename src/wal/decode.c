/* pgoutput messages to events. The grammar is in the header. */
#include "wal/decode.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/lsn.h"
#include "base/mem.h"
#include "relations.h"
#include "row/tuple.h"

/* PostgreSQL counts microseconds from 2000-01-01. */
static const int64_t POSTGRES_EPOCH_US = 946684800000000;

struct decoder {
    struct relations relations;
    bool in_transaction;
    uint32_t xid;          /* of that transaction */
    uint32_t described[2]; /* the last two relations, if nothing else has followed; 0: none */
};

struct decoder *decoder_new(void)
{
    return mem_zero(sizeof(struct decoder));
}

void decoder_free(struct decoder **decoder)
{
    if (*decoder) {
        relations_free(&(*decoder)->relations);
    }
    free(*decoder);
    *decoder = NULL;
}

void decoder_restart(struct decoder *decoder)
{
    decoder->in_transaction = false;
    decoder->described[0] = decoder->described[1] = 0;
}

void decoder_forget(struct decoder *decoder, struct relation **relations)
{
    while (*relations) {
        struct relation *relation = *relations;
        *relations = relation->next;
        relations_forget(&decoder->relations, &relation);
    }
}

bool decoder_in_transaction(const struct decoder *decoder)
{
    return decoder->in_transaction;
}

/* The decoding of one message. */
struct decoding {
    struct decoder *decoder;
    struct batch *batch;
    uint64_t lsn;
    struct bytes in;
    uint32_t described[2]; /* the relations right before it */
    bool undescribed;      /* of a relation that the server has not described */
};

static struct event *add_event(struct decoding *d, enum event_kind kind)
{
    struct event *event = batch_event(d->batch);
    event->kind = kind;
    event->lsn = d->lsn;
    return event;
}

static bool decode_begin(struct decoding *d)
{
    struct txn *txn = arena_alloc(&d->batch->arena, sizeof *txn);
    txn->final_lsn = bytes_u64(&d->in);
    txn->commit_us = (int64_t)(bytes_u64(&d->in) + POSTGRES_EPOCH_US);
    txn->xid = bytes_u32(&d->in);
    if (d->in.bad || d->decoder->in_transaction) {
        return false;
    }
    d->decoder->in_transaction = true;
    d->decoder->xid = txn->xid;
    add_event(d, EVENT_BEGIN)->txn = txn;
    return true;
}

static bool decode_commit(struct decoding *d)
{
    bytes_u8(&d->in);  /* flags: unused */
    bytes_u64(&d->in); /* the commit's own LSN: known from BEGIN */
    uint64_t end_lsn = bytes_u64(&d->in);
    bytes_u64(&d->in); /* commit time: known from BEGIN */
    if (d->in.bad || !d->decoder->in_transaction) {
        return false;
    }
    d->decoder->in_transaction = false;
    add_event(d, EVENT_COMMIT)->lsn = end_lsn;
    return true;
}

static void read_column(struct bytes *in, struct column *column)
{
    column->identity = bytes_u8(in) & 1;
    column->name = mem_string(bytes_string(in));
    column->type_oid = bytes_u32(in);
    column->typmod = (int32_t)bytes_u32(in);
}

static struct relation *read_relation(struct bytes *in)
{
    uint32_t oid = bytes_u32(in);
    const char *schema = bytes_string(in);
    const char *name = bytes_string(in);
    char identity = (char)bytes_u8(in);
    int columns = bytes_u16(in);
    if (in->bad) {
        return NULL;
    }
    struct relation *relation = relation_new(columns);
    relation->oid = oid;
    relation->schema = mem_string(*schema ? schema : "pg_catalog");
    relation->name = mem_string(name);
    relation->identity = identity;
    for (int i = 0; i < columns && !in->bad; i++) {
        read_column(in, &relation->columns[i]);
    }
    if (in->bad) {
        relation_free(&relation);
    }
    return relation;
}

static bool decode_relation(struct decoding *d)
{
    struct relation *relation = read_relation(&d->in);
    if (!relation) {
        return false;
    }
    relation->xid = d->decoder->xid;
    d->decoder->described[0] = d->described[1];
    d->decoder->described[1] = relation->oid;
    struct relation *newer = relations_put(&d->decoder->relations, &relation);
    if (newer) {
        add_event(d, EVENT_RELATION)->relation = newer;
    }
    return true;
}

/*
 * The relation that a change names. The server describes every relation before its first change.
 * PostgreSQL 13 fails to if publish_via_partition_root was switched off and on during a session; in
 * a new session it does.
 */
static struct relation *read_relation_oid(struct decoding *d)
{
    uint32_t oid = bytes_u32(&d->in);
    struct relation *relation = relations_get(&d->decoder->relations, oid);
    d->undescribed = !relation && !d->in.bad && d->decoder->in_transaction;
    d->in.bad |= !relation || !d->decoder->in_transaction;
    return d->in.bad ? NULL : relation;
}

/*
 * A change in a partition that is published as one of the table above it: before the first, and
 * whenever the partition has changed, the server describes that table and then the partition.
 */
static struct event *add_change(struct decoding *d, enum event_kind kind, struct relation *relation)
{
    struct event *event = add_event(d, kind);
    event->relation = relation;
    event->leaf = d->described[0] == relation->oid ? d->described[1] : 0;
    event->leaf = event->leaf == relation->oid ? 0 : event->leaf;
    return event;
}

static const uint8_t *read_new(struct decoding *d, const struct relation *relation, uint8_t tag)
{
    d->in.bad |= tag != 'N';
    return tuple_check_wal(&d->in, relation->column_count);
}

static bool decode_insert(struct decoding *d)
{
    struct relation *relation = read_relation_oid(d);
    const uint8_t *tuple = relation ? read_new(d, relation, bytes_u8(&d->in)) : NULL;
    if (!tuple) {
        return false;
    }
    struct event *event = add_change(d, EVENT_INSERT, relation);
    event->new_tuple = tuple;
    return true;
}

static bool decode_update(struct decoding *d)
{
    const uint8_t *old = NULL;
    enum old_kind old_kind = OLD_NONE;
    struct relation *relation = read_relation_oid(d);
    uint8_t tag = bytes_u8(&d->in);
    if (relation && (tag == OLD_KEY || tag == OLD_ROW)) {
        old_kind = (enum old_kind)tag;
        old = tuple_check_wal(&d->in, relation->column_count);
        tag = bytes_u8(&d->in);
    }
    const uint8_t *tuple = relation ? read_new(d, relation, tag) : NULL;
    if (!tuple) {
        return false;
    }
    struct event *event = add_change(d, EVENT_UPDATE, relation);
    event->new_tuple = tuple;
    event->old_tuple = old;
    event->old_kind = old_kind;
    return true;
}

static bool decode_delete(struct decoding *d)
{
    struct relation *relation = read_relation_oid(d);
    uint8_t tag = bytes_u8(&d->in);
    if (!relation || (tag != OLD_KEY && tag != OLD_ROW)) {
        return false;
    }
    const uint8_t *old = tuple_check_wal(&d->in, relation->column_count);
    if (!old) {
        return false;
    }
    struct event *event = add_change(d, EVENT_DELETE, relation);
    event->old_tuple = old;
    event->old_kind = (enum old_kind)tag;
    return true;
}

/* Check the frame first, then make events: a message that is cut short must leave no events. */
static bool decode_truncate(struct decoding *d)
{
    uint32_t count = bytes_u32(&d->in);
    bytes_u8(&d->in); /* CASCADE, RESTART IDENTITY: the server has listed every table already */
    struct bytes oids = d->in;
    if (!bytes_take(&d->in, (size_t)count * 4) || !d->decoder->in_transaction) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct relation *relation = relations_get(&d->decoder->relations, bytes_u32(&oids));
        if (relation) {
            add_event(d, EVENT_TRUNCATE)->relation = relation;
        }
    }
    return true;
}

static bool decode_logical_message(struct decoding *d)
{
    bool transactional = bytes_u8(&d->in) & 1;
    uint64_t lsn = bytes_u64(&d->in);
    const char *prefix = bytes_string(&d->in);
    uint32_t len = bytes_u32(&d->in);
    const uint8_t *content = bytes_take(&d->in, len);
    if (d->in.bad || transactional != d->decoder->in_transaction) {
        return false;
    }
    struct event *event = add_event(d, EVENT_MESSAGE);
    event->lsn = lsn;
    event->prefix = prefix;
    event->content = content;
    event->content_len = len;
    event->transactional = transactional;
    return true;
}

/* Before each relation come the types of its columns. */
static void take_described(struct decoding *d, uint8_t tag)
{
    uint32_t *described = d->decoder->described;
    if (tag != 'Y') {
        d->described[0] = described[0];
        d->described[1] = described[1];
        described[0] = described[1] = 0;
    }
}

static bool decode(struct decoding *d, uint8_t tag)
{
    take_described(d, tag);
    switch (tag) {
    case 'I': return decode_insert(d);
    case 'U': return decode_update(d);
    case 'D': return decode_delete(d);
    case 'B': return decode_begin(d);
    case 'C': return decode_commit(d);
    case 'R': return decode_relation(d);
    case 'T': return decode_truncate(d);
    case 'M': return decode_logical_message(d);
    case 'O':
    case 'Y': return true;
    default: return false;
    }
}

bool decoder_message(struct decoder *decoder, struct batch *batch, uint64_t lsn,
                     const uint8_t *message, size_t len, struct err *err)
{
    struct decoding d = {decoder, batch, lsn, bytes_of(message, len), {0}, false};
    uint8_t tag = bytes_u8(&d.in);
    if (decode(&d, tag)) {
        return true;
    }
    err_set(err, d.undescribed ? ERR_TRANSIENT : ERR_SYSTEM,
            "the server sent a %s (tag 0x%02x, %zu bytes)",
            d.undescribed ? "change of a table that it has not described"
                          : "replication message that cannot be read",
            tag, len);
    return err_detail(err, "at %s", lsn_format(lsn).s);
}

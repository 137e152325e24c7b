/* Records of messages and of transactions. They are few: no need to be quick. */
#include "emit/logical.h"

#include <inttypes.h>

#include "emit/json.h"
#include "emit/value.h"
#include "internal.h"

static void put_string(struct out *out, const char *text)
{
    json_quoted(out, text, strlen(text));
}

static void put_content(struct out *out, const struct event *e)
{
    static const struct type bytea = {.oid = OID_BYTEA, .class = TYPE_SCALAR};
    value_write(value_binary_writer(&bytea), out, &bytea, (const char *)e->content, e->content_len);
}

/* No transaction tells its commit. */
static void put_own_meta(struct out *out, const struct printer *p, const struct source *s)
{
    out_string(out, ",\"_meta\":{\"op\":\"m\",\"source\":{");
    out_bytes(out, p->schema_table.text, p->schema_table.len);
    out_format(out, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]", s->previous_commit, s->lsn, s->lsn + 1);
    out_bytes(out, p->source_end.text, p->source_end.len);
    out_bytes(out, p->end.text, p->end.len);
}

void print_message(struct out *out, struct printer *p, const struct event *e,
                   const struct source *source, int64_t now_ms)
{
    record_begin(out, p, now_ms);
    out_string(out, "\"prefix\":");
    put_string(out, e->prefix);
    out_string(out, ",\"content\":");
    put_content(out, e);
    out_format(out, ",\"transactional\":%s", e->transactional ? "true" : "false");
    if (e->transactional) {
        record_end(out, p, 'm', source);
    } else {
        put_own_meta(out, p, source);
    }
}

static void put_parts(struct out *out, const struct transaction_end *end)
{
    out_format(out, ",\"end_lsn\":%" PRIu64 ",\"record_count\":%" PRIu64 ",\"streams\":[",
               end->end_lsn, end->records);
    for (size_t i = 0; i < end->part_count; i++) {
        out_string(out, i ? ",{\"namespace\":" : "{\"namespace\":");
        put_string(out, end->parts[i].schema);
        out_string(out, ",\"stream\":");
        put_string(out, end->parts[i].table);
        out_format(out, ",\"record_count\":%" PRIu64 "}", end->parts[i].records);
    }
    out_char(out, ']');
}

void print_transaction(struct out *out, struct printer *p, const struct source *source,
                       const struct transaction_end *end, int64_t now_ms)
{
    record_begin(out, p, now_ms);
    out_format(out, "\"xid\":%" PRIu32 ",\"commit_time\":", source->txn.xid);
    out_bytes(out, source->text.commit, source->text.commit_len);
    out_format(out, ",\"commit_lsn\":%" PRIu64, source->txn.final_lsn);
    if (end) {
        put_parts(out, end);
    }
    record_end(out, p, end ? 'e' : 'b', source);
}

/* Messages, and the bounds of transactions, as whole lines. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "emit/logical.h"

static const struct txn txn = {7, 300, 1700000000123456};

#define TIME "\"2023-11-14T22:13:20.123456Z\""
#define SOURCE(table, loc)                                                                         \
    "\"source\":{\"ts_ms\":1700000000123,\"schema\":\"pg_logical\",\"table\":\"" table             \
    "\",\"loc\":" loc ",\"txid\":7,\"tag\":\"x\"}"

struct printed {
    struct relation *relation;
    struct printer *printer;
    struct source source;
    struct out out;
};

static void setup(struct printed *p, const char *table, uint64_t lsn)
{
    static const struct frame frame = {.head = "", .tail = "\n", .tag = "x"};
    p->relation = relation_new(0);
    p->printer = printer_new(p->relation, &frame, "pg_logical", table);
    p->source = (struct source){0};
    source_begin(&p->source, &txn, 100);
    p->source.lsn = lsn;
    out_init(&p->out, 16);
}

static void expect(struct printed *p, const char *line)
{
    cr_expect_str_eq(out_text(&p->out), line, "%s", out_text(&p->out));
    out_free(&p->out);
    printer_free(&p->printer);
    relation_free(&p->relation);
}

static struct event message(bool transactional)
{
    struct event e = {.kind = EVENT_MESSAGE};
    e.prefix = "a\"b";
    e.content = (const uint8_t *)"fo\0";
    e.content_len = 3;
    e.transactional = transactional;
    return e;
}

Test(logical, a_message_has_the_source_of_its_transaction)
{
    struct printed p;
    struct event e = message(true);
    setup(&p, "messages", 200);
    print_message(&p.out, p.printer, &e, &p.source, 0);
    expect(&p, "{\"prefix\":\"a\\\"b\",\"content\":\"Zm8A\",\"transactional\":true,\"_meta\":{"
               "\"op\":\"m\"," SOURCE("messages", "[100,200,300]") "}}\n");
}

Test(logical, a_message_between_transactions_has_none)
{
    struct printed p;
    struct event e = message(false);
    setup(&p, "messages", 399);
    p.source.previous_commit = 340;
    print_message(&p.out, p.printer, &e, &p.source, 0);
    expect(
        &p,
        "{\"prefix\":\"a\\\"b\",\"content\":\"Zm8A\",\"transactional\":false,\"_meta\":{\"op\":"
        "\"m\",\"source\":{\"schema\":\"pg_logical\",\"table\":\"messages\",\"loc\":[340,399,400],"
        "\"tag\":\"x\"}}}\n");
}

Test(logical, a_transaction_begins)
{
    struct printed p;
    setup(&p, "transactions", 0);
    print_transaction(&p.out, p.printer, &p.source, NULL, 0);
    expect(&p, "{\"xid\":7,\"commit_time\":" TIME
               ",\"commit_lsn\":300,\"_meta\":{\"op\":\"b\"," SOURCE("transactions",
                                                                     "[100,0,300]") "}}\n");
}

Test(logical, a_transaction_ends_with_what_it_gave)
{
    struct printed p;
    struct transaction_part parts[] = {{"public", "t\"", 2}, {"a", "b", 1}};
    struct transaction_end end = {340, 3, parts, 2};
    setup(&p, "transactions", 300);
    print_transaction(&p.out, p.printer, &p.source, &end, 0);
    expect(&p,
           "{\"xid\":7,\"commit_time\":" TIME
           ",\"commit_lsn\":300,\"end_lsn\":340,\"record_count\":3,\"streams\":[{\"namespace\":"
           "\"public\",\"stream\":\"t\\\"\",\"record_count\":2},{\"namespace\":\"a\",\"stream\":"
           "\"b\",\"record_count\":1}],\"_meta\":{\"op\":\"e\"," SOURCE("transactions",
                                                                        "[100,300,300]") "}}\n");
}

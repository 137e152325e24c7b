/* How keys are compared, according to a fake server. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/mem.h"
#include "describe.h"
#include "fake_server.h"
#include "pg/types.h"
#include "row/key.h"

static const char *answers[2][9]; /* a row for each key column */
static char directory[] = "/tmp/source-postgres-operators-XXXXXX";
static int listener, visited;
static char visit_message[3072];

static void *serve(void *unused)
{
    struct out out;
    int fd = accept(listener, NULL, NULL);
    fake_let_in(fd, NULL);
    fake_hear(fd);
    out_init(&out, 4096);
    out_bytes(&out, "1\0\0\0\4", 5);
    out_bytes(&out, "2\0\0\0\4", 5);
    fake_columns(&out, 9);
    fake_row(&out, 9, answers[0]);
    fake_row(&out, 9, answers[1]);
    fake_end(&out);
    fake_send(fd, &out);
    out_free(&out);
    char end;
    if (read(fd, &end, 1) > 0) {
        close(fd);
    }
    return unused;
}

static void visit(void *context, int table, struct err *err)
{
    (void)context;
    (void)table;
    visited++;
    snprintf(visit_message, sizeof visit_message, "%s", err->message);
}

/* Two tables with a key of one column each, of type int4, which the answers call something else. */
static struct table_description tables[2];

static void describe(void)
{
    static char user[] = "u", sslmode[] = "disable";
    struct config config = {
        .host = directory, .port = 5432, .user = user, .database = user, .sslmode = sslmode};
    struct err err;
    pthread_t thread;
    struct types *types = types_new();
    for (int i = 0; i < 2; i++) {
        tables[i].relation = relation_new(1);
        tables[i].relation->columns[0].name = mem_string("id");
        tables[i].relation->columns[0].type = types_find(types, OID_INT4);
        tables[i].key = mem_zero(sizeof *tables[i].key);
        tables[i].key_count = 1;
    }
    cr_assert(mkdtemp(directory));
    listener = fake_listen(directory);
    cr_assert(!pthread_create(&thread, NULL, serve, NULL));
    struct pg *pg = pg_open(&config, PG_SQL, "test", -1, &err);
    cr_assert(pg, "%s", err.message);
    cr_assert(describe_operators(pg, tables, 2, visit, NULL, &err), "%s", err.message);
    pg_close(&pg);
    pthread_join(thread, NULL);
    unlink(fake_address(directory).sun_path);
    rmdir(directory);
    types_free(&types);
}

#define CITEXT                                                                                     \
    "\"e x\".citext", "OPERATOR(\"e x\".<)", "OPERATOR(\"e x\".<=)", "OPERATOR(\"e x\".=)",        \
        "OPERATOR(\"e x\".>=)", "OPERATOR(\"e x\".>)"

static void answer(int i, const char *const *row)
{
    memcpy((void *)answers[i], row, sizeof answers[i]);
}

Test(operators, are_those_that_the_server_names)
{
    answer(0, (const char *[]){"0", CITEXT, NULL, "u"});
    answer(1, (const char *[]){"1", CITEXT, NULL, "u"});
    describe();
    cr_expect_eq(visited, 0);
    cr_expect_str_eq(tables[1].key->operators.type, "\"e x\".citext");
    cr_expect_str_eq(tables[1].key->operators.less, "OPERATOR(\"e x\".<)");
    cr_expect_str_eq(tables[1].key->operators.less_or_equal, "OPERATOR(\"e x\".<=)");
    cr_expect_str_eq(tables[1].key->operators.equal, "OPERATOR(\"e x\".=)");
    cr_expect_str_eq(tables[1].key->operators.greater_or_equal, "OPERATOR(\"e x\".>=)");
    cr_expect_str_eq(tables[1].key->operators.greater, "OPERATOR(\"e x\".>)");
}

Test(operators, of_a_schema_that_may_not_be_used_are_a_fault_with_its_remedy)
{
    answer(0, (const char *[]){"0", CITEXT, NULL, "u"});
    answer(1, (const char *[]){"1", CITEXT, "\"e x\"", "\"U\""});
    describe();
    cr_expect_eq(visited, 1);
    cr_expect(strstr(visit_message, "GRANT USAGE ON SCHEMA \"e x\" TO \"U\""), "%s", visit_message);
}

Test(operators, that_are_not_there_matter_only_where_rows_are_read_by_the_key)
{
    answer(0, (const char *[]){"0", "pg_catalog.json", NULL, NULL, NULL, NULL, NULL, NULL, "u"});
    answer(1, (const char *[]){"1", "pg_catalog.json", NULL, NULL, NULL, NULL, NULL, NULL, "u"});
    tables[0].ctid_order = true;
    describe();
    cr_expect_eq(visited, 1);
    cr_expect(strstr(visit_message, "cannot order"), "%s", visit_message);
    cr_expect_null(tables[0].key->operators.greater);
}

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "describe.h"

static const struct type int4 = {.oid = OID_INT4, .class = TYPE_SCALAR, .name = "int4"};
static const struct type text = {.oid = OID_TEXT, .class = TYPE_SCALAR, .name = "text"};
static const struct type numeric = {.oid = OID_NUMERIC, .class = TYPE_SCALAR, .name = "numeric"};

/* A table (a int4, b text, c numeric); each test sets its key. */
static struct table_description table;
static struct column_facts facts[3];
static struct catalog_stream stream;
static struct err err;

static void make_table(void)
{
    static const char *const names[] = {"a", "b", "c"};
    const struct type *const types[] = {&int4, &text, &numeric};
    table = (struct table_description){.relation = relation_new(3), .kind = 'r'};
    table.relation->schema = mem_string("public");
    table.relation->name = mem_string("T");
    memset(facts, 0, sizeof facts);
    stream = (struct catalog_stream){0};
    for (int i = 0; i < 3; i++) {
        table.relation->columns[i].name = mem_string(names[i]);
        table.relation->columns[i].type = types[i];
    }
    facts[1].collation = (char *)"pg_catalog.\"default\"";
}

static void drop_table(void)
{
    struct table_description *all = mem_alloc(sizeof *all);
    *all = table;
    tables_free(&all, 1);
}

TestSuite(key, .init = make_table, .fini = drop_table);

Test(key, follows_the_index_and_not_the_table)
{
    facts[0].position = 2;
    facts[2].position = 1;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 2);
    cr_assert_eq(table.key[0].column, 2);
    cr_assert_eq(table.key[1].column, 0);
}

Test(key, is_bytewise_where_type_and_collation_are)
{
    facts[0].position = 1;
    facts[1].position = 2;
    facts[2].position = 3;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert(table.key[0].bytewise);
    cr_assert_null(table.key[0].collation);
    cr_assert_not(table.key[1].bytewise);
    cr_assert_str_eq(table.key[1].collation, "pg_catalog.\"default\"");
    cr_assert_not(table.key[2].bytewise);
}

Test(key, text_in_a_collation_of_bytes_is_bytewise)
{
    facts[1].position = 1;
    facts[1].bytes_collation = true;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert(table.key[0].bytewise);
}

Test(key, may_be_missing)
{
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 0);
    cr_assert(table.ctid_order);
}

Test(key, cut_off_by_a_column_list_does_not_serve)
{
    facts[0].position = 2; /* the first of its columns is not published */
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 0);
}

Test(key, the_catalogs_comes_before_the_tables_own)
{
    char *names[] = {(char *)"c", (char *)"b", NULL};
    facts[0].position = 1;
    stream.key = names;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 2);
    cr_assert_eq(table.key[0].column, 2);
    cr_assert_eq(table.key[1].column, 1);
    cr_assert_not(table.ctid_order);
    cr_assert_not(table.unique);
}

Test(key, the_catalogs_must_be_columns)
{
    char *names[] = {(char *)"nope", NULL};
    stream.key = names;
    cr_assert_not(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert(strstr(err.message, "\"nope\""));
}

Test(key, outside_the_replica_identity_is_refused_with_the_remedy)
{
    facts[0].position = 1;
    table.relation->columns[1].identity = true;
    cr_assert_not(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(err.kind, ERR_CONFIG);
    cr_assert(strstr(err.message, "ALTER TABLE \"public\".\"T\" REPLICA IDENTITY FULL"));
}

Test(key, outside_the_replica_identity_is_not_used_unless_asked_for)
{
    facts[0].position = 1;
    table.relation->columns[1].identity = true;
    stream.mode = BACKFILL_ONLY_CHANGES;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 0);
}

Test(key, outside_the_replica_identity_is_refused_in_every_mode_where_it_was_named)
{
    static const enum backfill_mode modes[] = {BACKFILL_NORMAL, BACKFILL_ONLY_CHANGES,
                                               BACKFILL_WITHOUT_KEY};
    char *names[] = {(char *)"a", NULL};
    table.relation->columns[1].identity = true;
    stream.key = names;
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        stream.mode = modes[i];
        cr_expect_not(key_choose(&table, facts, &stream, &err));
        cr_expect(strstr(err.message, "REPLICA IDENTITY FULL"));
        free(table.key);
        table.key = NULL;
        table.key_count = 0;
    }
}

Test(key, of_columns_that_may_be_null_is_refused_where_rows_are_read_by_it)
{
    char *names[] = {(char *)"a", NULL};
    facts[0].nullable = true;
    stream.key = names;
    cr_assert_not(key_choose(&table, facts, &stream, &err));
    cr_assert(strstr(err.message, "ALTER TABLE \"public\".\"T\" ALTER COLUMN \"a\" SET NOT NULL"));
    free(table.key);
    table.key = NULL;
    stream.mode = BACKFILL_WITHOUT_KEY;
    cr_assert(key_choose(&table, facts, &stream, &err));
}

static void choose_what_may_repeat(void)
{
    static char *names[] = {(char *)"b", NULL};
    facts[0].position = 1;
    stream.key = names;
    stream.key_may_repeat = table.key_repeats = true;
}

Test(key, that_may_repeat_has_its_rows_read_in_ctid_order)
{
    choose_what_may_repeat();
    facts[1].nullable = true;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_expect_eq(table.key_count, 1);
    cr_expect_eq(table.key[0].column, 1);
    cr_expect(table.ctid_order);
    cr_expect_not(table.unique);
    cr_expect_null(table.unsent_key);
}

Test(key, that_may_repeat_and_that_changes_lack_is_noted)
{
    choose_what_may_repeat();
    table.relation->columns[0].identity = true;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_expect(table.ctid_order);
    cr_expect_str_eq(table.unsent_key, "b");
}

Test(key, that_was_chosen_with_an_index_is_read_by)
{
    choose_what_may_repeat();
    table.key_repeats = false;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_expect_not(table.ctid_order);
}

Test(key, without_any_replica_identity_serves)
{
    facts[0].position = 1;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 1);
}

Test(key, named_by_the_catalog_has_32_columns_at_most)
{
    char *names[34] = {0};
    for (int i = 0; i < 33; i++) {
        names[i] = (char *)"a";
    }
    stream.key = names;
    cr_assert_not(key_choose(&table, facts, &stream, &err));
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect_str_eq(err.message,
                     "the catalog's primary_key names 33 columns; a key has 32 at most");
}

Test(key, cannot_be_named_like_a_field_of_every_record)
{
    free((void *)table.relation->columns[0].name);
    table.relation->columns[0].name = mem_string("_meta");
    facts[0].position = 1;
    cr_assert_not(key_choose(&table, facts, &stream, &err));
    cr_expect_eq(err.kind, ERR_CONFIG);
    cr_expect(strstr(err.message, "_meta"));
}

Test(key, identifies_changes_also_if_rows_are_read_in_ctid_order)
{
    facts[0].position = 1;
    stream.mode = BACKFILL_WITHOUT_KEY;
    cr_assert(key_choose(&table, facts, &stream, &err));
    cr_assert_eq(table.key_count, 1);
    cr_assert(table.ctid_order);
    cr_assert(table.unique);
}

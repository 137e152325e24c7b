#include "row/relation.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/mem.h"

static struct relation *make(void)
{
    struct relation *relation = relation_new(2);
    relation->oid = 16384;
    relation->schema = mem_string("public");
    relation->name = mem_string("t");
    relation->identity = 'd';
    relation->columns[0] = (struct column){
        .name = mem_string("id"), .type_oid = OID_INT4, .typmod = -1, .identity = true};
    relation->columns[1] =
        (struct column){.name = mem_string("a b"), .type_oid = OID_TEXT, .typmod = -1};
    return relation;
}

static struct relation *a, *b;

static void start(void)
{
    a = make();
    b = make();
}

static void stop(void)
{
    relation_free(&a);
    relation_free(&b);
}

TestSuite(relation, .init = start, .fini = stop);

Test(relation, a_new_one_is_not_captured)
{
    cr_assert_eq(a->stream, STREAM_NONE);
    cr_assert_eq(a->column_count, 2);
    cr_assert_null(a->printer);
}

Test(relation, free_takes_nothing_too)
{
    relation_free(&a);
    cr_assert_null(a);
    relation_free(&a);
}

Test(relation, equal_ones_are_equal)
{
    b->stream = 7;
    cr_assert(relation_equal(a, b));
}

Test(relation, another_oid_or_identity_differs)
{
    b->oid++;
    cr_assert_not(relation_equal(a, b));
    b->oid--;
    b->identity = 'f';
    cr_assert_not(relation_equal(a, b));
}

Test(relation, another_name_differs)
{
    free((void *)b->name);
    b->name = mem_string("T");
    cr_assert_not(relation_equal(a, b));
}

Test(relation, another_schema_differs)
{
    free((void *)b->schema);
    b->schema = mem_string("other");
    cr_assert_not(relation_equal(a, b));
}

Test(relation, another_column_differs)
{
    b->columns[1].typmod = 20;
    cr_assert_not(relation_equal(a, b));
    b->columns[1].typmod = -1;
    b->columns[1].type_oid = OID_VARCHAR;
    cr_assert_not(relation_equal(a, b));
    b->columns[1].type_oid = OID_TEXT;
    b->columns[1].identity = true;
    cr_assert_not(relation_equal(a, b));
    b->columns[1].identity = false;
    cr_assert(relation_equal(a, b));
    free((void *)b->columns[1].name);
    b->columns[1].name = mem_string("ab");
    cr_assert_not(relation_equal(a, b));
}

Test(relation, another_count_of_columns_differs)
{
    struct relation *none = relation_new(0);
    none->oid = a->oid;
    none->identity = 'd';
    none->schema = mem_string("public");
    none->name = mem_string("t");
    cr_assert_not(relation_equal(a, none));
    relation_free(&none);
}

Test(relation, columns_are_found_by_name)
{
    cr_assert_eq(relation_column(a, "id"), 0);
    cr_assert_eq(relation_column(a, "a b"), 1);
    cr_assert_eq(relation_column(a, "ID"), -1);
    cr_assert_eq(relation_column(a, ""), -1);
}

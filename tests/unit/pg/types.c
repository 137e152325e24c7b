#include <criterion/criterion.h>
#include <string.h>

#include "pg/types.h"

static struct types *types;

static void open_types(void)
{
    types = types_new();
}

static void close_types(void)
{
    types_free(&types);
}

TestSuite(types, .init = open_types, .fini = close_types);

Test(types, knows_builtin_scalars_without_asking)
{
    const struct type *type = types_find(types, OID_INT4);
    cr_assert_eq(type->oid, OID_INT4);
    cr_assert_eq(type->class, TYPE_SCALAR);
    cr_assert_str_eq(type->schema, "pg_catalog");
    cr_assert_str_eq(type->name, "int4");
    cr_assert_null(type->element);
}

Test(types, knows_builtin_arrays_and_their_elements)
{
    const struct type *type = types_find(types, 1009);
    cr_assert_eq(type->class, TYPE_ARRAY);
    cr_assert_str_eq(type->name, "_text");
    cr_assert_eq(type->element->oid, OID_TEXT);
    cr_assert_eq(type->delimiter, ',');
}

Test(types, box_array_is_delimited_by_semicolons)
{
    const struct type *type = types_find(types, 1020);
    cr_assert_eq(type->element->oid, 603);
    cr_assert_eq(type->delimiter, ';');
}

Test(types, range_and_multirange_are_made_of_the_subtype)
{
    const struct type *range = types_find(types, 3910);
    const struct type *multirange = types_find(types, 4534);
    cr_assert_eq(range->class, TYPE_RANGE);
    cr_assert_eq(range->element->oid, OID_TIMESTAMPTZ);
    cr_assert_eq(multirange->class, TYPE_MULTIRANGE);
    cr_assert_eq(multirange->element->oid, OID_TIMESTAMPTZ);
    cr_assert_eq(types_find(types, 6153)->element, multirange);
}

Test(types, unknown_type_reads_as_text)
{
    cr_assert_eq(types_find(types, 99999)->oid, OID_TEXT);
    cr_assert_eq(types_find(types, 0)->oid, OID_TEXT);
}

Test(types, builtins_resolve_without_a_connection)
{
    struct err err;
    struct relation *relation = relation_new(2);
    relation->columns[0].type_oid = OID_JSONB;
    relation->columns[1].type_oid = 1231;
    cr_assert(types_resolve(types, NULL, relation, &err));
    cr_assert_eq(relation->columns[0].type->oid, OID_JSONB);
    cr_assert_eq(relation->columns[1].type->element->oid, OID_NUMERIC);
    relation_free(&relation);
}

Test(types, own_modifier_counts_and_builtins_add_none)
{
    cr_assert_eq(types_modifier(types, OID_VARCHAR, 24), 24);
    cr_assert_eq(types_modifier(types, OID_VARCHAR, -1), -1);
    cr_assert_eq(types_modifier(types, 99999, -1), -1);
}

Test(types, only_enums_have_labels)
{
    cr_assert_null(types_labels(types, OID_TEXT));
    cr_assert_null(types_labels(types, 99999));
}

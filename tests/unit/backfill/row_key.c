/* The key of a chunk's row, by which the next chunk begins. */
#include "table.h"

#include <criterion/criterion.h>

/* A DataRow of one column in a block of exactly its size; the key's text, or NULL. */
static const char *key_of(uint32_t oid, const void *data, size_t len)
{
    static char text[64];
    struct type type = {.oid = oid, .name = ""};
    struct column column = {.name = "k", .type = &type};
    struct relation relation = {.column_count = 1, .columns = &column};
    struct key_description part = {.column = 0};
    struct table_description description = {.relation = &relation, .key = &part, .key_count = 1};
    struct table table = {.description = &description, .relation = &relation};
    uint8_t *row = malloc(6 + len);
    memcpy(row, (const uint8_t[]){0, 1, 0, 0, 0, (uint8_t)len}, 6);
    memcpy(row + 6, data, len);
    struct key *key = table_row_key(&table, row);
    free(row);
    if (!key) {
        return NULL;
    }
    cr_assert_lt(key->columns[0].len, sizeof text);
    memcpy(text, key->columns[0].text, key->columns[0].len + 1);
    key_free(&key);
    return text;
}

Test(row_key, binary_values_become_text)
{
    cr_expect_str_eq(key_of(OID_INT2, "\xff\xff", 2), "-1");
    cr_expect_str_eq(key_of(OID_INT4, "\x7f\xff\xff\xff", 4), "2147483647");
    cr_expect_str_eq(key_of(OID_INT8, "\x80\0\0\0\0\0\0\0", 8), "-9223372036854775808");
    cr_expect_str_eq(key_of(OID_OID, "\xff\xff\xff\xff", 4), "4294967295");
    cr_expect_str_eq(key_of(OID_BOOL, "\1", 1), "t");
    cr_expect_str_eq(key_of(OID_UUID, "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xff", 16),
                     "00010203-0405-0607-0809-0a0b0c0d0eff");
    cr_expect_str_eq(key_of(OID_TEXT, "text", 4), "text");
}

Test(row_key, a_value_of_another_length_than_its_type_gives_none)
{
    static const uint32_t fixed[] = {OID_INT2, OID_INT4, OID_INT8, OID_OID, OID_BOOL, OID_UUID};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        cr_expect_null(key_of(fixed[i], "", 0), "%u", fixed[i]);
        cr_expect_null(key_of(fixed[i], "12345678901234567", 17), "%u", fixed[i]);
    }
}

/* numeric: every digit kept. */
#include "printed.h"

Test(numeric, text_is_a_string)
{
    expect_texts(TYPE_OF(OID_NUMERIC), {"123.4560", "\"123.4560\""}, {"NaN", "\"NaN\""});
}

Test(numeric, zeros_keep_their_scale)
{
    expect_binaries(TYPE_OF(OID_NUMERIC), {"0000 0000 0000 0000", "\"0\""},
                    {"0000 0000 0000 0002", "\"0.00\""}, {"0000 0000 0000 0005", "\"0.00000\""});
}

Test(numeric, not_a_number_and_infinities)
{
    expect_binaries(TYPE_OF(OID_NUMERIC), {"0000 0000 c000 0000", "\"NaN\""},
                    {"0000 0000 d000 0020", "\"Infinity\""},
                    {"0000 0000 f000 0020", "\"-Infinity\""});
}

Test(numeric, whole_numbers_and_fractions)
{
    expect_binaries(TYPE_OF(OID_NUMERIC), {"0002 0000 0000 0004 007b 11d0", "\"123.4560\""},
                    {"0002 0000 4000 0003 007b 11d0", "\"-123.456\""},
                    {"0001 0001 0000 0000 0001", "\"10000\""},
                    {"0001 0005 0000 0000 0001", "\"100000000000000000000\""},
                    {"0002 0001 0000 0001 0001 0001", "\"10001.0\""},
                    {"0003 0001 0000 0004 270f 270f 270f", "\"99999999.9999\""},
                    {"0001 ffff 0000 0004 0001", "\"0.0001\""},
                    {"0001 fffe 0000 0008 04d2", "\"0.00001234\""},
                    {"0001 fffb 4000 0014 0001", "\"-0.00000000000000000001\""});
}

Test(numeric, a_thousand_digits)
{
    char hex[4 * 260] = "00fa 00f9 0000 0000 ", json[1010] = "\"";
    for (int i = 0; i < 250; i++) {
        strcat(hex, "04d2");
        strcat(json, "1234");
    }
    strcat(json, "\"");
    expect_binaries(TYPE_OF(OID_NUMERIC), {hex, json});
}

Test(numeric, the_longest_streams)
{
    const struct type *type = TYPE_OF(OID_NUMERIC);
    const char *json = binary_of(type, "0001 7fff 0000 3fff 0001");
    cr_assert_eq(strlen(json), 1 + (1 + 4 * 32767) + 1 + 16383 + 1);
    cr_expect_eq(strspn(json + 2, "0"), 4 * 32767);
}

Test(numeric, what_is_none_is_a_string)
{
    expect_binaries(TYPE_OF(OID_NUMERIC), {"", "\"\""},
                    {"0001 0000 0000 00", "\"\\u0000\\u0001\\u0000\\u0000\\u0000\\u0000\\u0000\""},
                    {"4141 4141 4141 4141", "\"AAAAAAAA\""},
                    {"0001 2020 0000 2020 2710", "\"\\u0000\\u0001  \\u0000\\u0000  '\\u0010\""},
                    {"0000 2020 2020 2020", "\"\\u0000\\u0000      \""});
}

/* Strings of PostgreSQL: text, "char", bytea, uuid, network addresses, and types without a look. */
#include "printed.h"

Test(text, is_the_string)
{
    static const uint32_t oids[] = {OID_TEXT, OID_VARCHAR, OID_BPCHAR, OID_NAME, OID_NUMERIC};
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
        expect_texts(TYPE_OF(oids[i]), {"", "\"\""}, {"a\"\n  ", "\"a\\\"\\n  \""});
    }
    expect_texts(NAMED("citext"), {"Ab", "\"Ab\""});
    expect_texts(CLASS_OF(TYPE_ENUM, NULL), {"o\"k", "\"o\\\"k\""});
    expect_texts(TYPE_OF(OID_NUMERIC), {"123.4560", "\"123.4560\""}, {"NaN", "\"NaN\""});
}

Test(text, astral_characters_pass)
{
    expect_texts(TYPE_OF(OID_TEXT), {"\xf0\x9f\x90\x98", "\"\xf0\x9f\x90\x98\""},
                 {"\xf0\x9f\x90\x98\xe2\x80\xa8", "\"\xf0\x9f\x90\x98\xe2\x80\xa8\""});
}

Test(text, single_byte_char)
{
    expect_texts(TYPE_OF(OID_CHAR), {"a", "\"a\""}, {"", "\"\""}, {"\\", "\"\\\\\""},
                 {"\xc3", "\"\\\\303\""}, {"\\303", "\"\\\\303\""}, {"\xc3\xa9", "\"\xc3\xa9\""});
}

Test(text, types_without_a_look_are_strings)
{
    static const uint32_t oids[] = {OID_INTERVAL, OID_MONEY,    OID_BIT,      OID_VARBIT, OID_XML,
                                    OID_MACADDR,  OID_JSONPATH, OID_MACADDR8, 600,        99999};
    for (size_t i = 0; i < sizeof oids / sizeof *oids; i++) {
        expect_texts(TYPE_OF(oids[i]), {"P1Y2M3DT4H5M6.5S", "\"P1Y2M3DT4H5M6.5S\""}, {"", "\"\""});
    }
    expect_texts(CLASS_OF(TYPE_COMPOSITE, NULL), {"(1,\"a\"\"b\")", "\"(1,\\\"a\\\"\\\"b\\\")\""});
}

Test(bytea, text_is_base64)
{
    expect_texts(TYPE_OF(OID_BYTEA), {"\\x", "\"\""}, {"\\x00", "\"AA==\""},
                 {"\\x0001", "\"AAE=\""}, {"\\x000102", "\"AAEC\""},
                 {"\\xdeadbeef", "\"3q2+7w==\""}, {"\\xDEADBEEF", "\"3q2+7w==\""},
                 {"\\xfbff", "\"+/8=\""});
}

Test(bytea, binary_is_base64)
{
    expect_binaries(TYPE_OF(OID_BYTEA), {"", "\"\""}, {"00", "\"AA==\""}, {"0001", "\"AAE=\""},
                    {"000102", "\"AAEC\""}, {"deadbeef", "\"3q2+7w==\""}, {"fbff", "\"+/8=\""});
}

Test(bytea, text_that_is_not_hexadecimal_is_a_string)
{
    expect_texts(TYPE_OF(OID_BYTEA), {"", "\"\""}, {"\\", "\"\\\\\""},
                 {"\\001abc", "\"\\\\001abc\""}, {"\\x0", "\"\\\\x0\""}, {"\\x0g", "\"\\\\x0g\""},
                 {"\\x\xff\xff", "\"\\\\x\xff\xff\""});
}

Test(uuid, both_forms)
{
    expect_texts(TYPE_OF(OID_UUID), {"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
                                     "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""});
    expect_binaries(
        TYPE_OF(OID_UUID),
        {"a0eebc99 9c0b 4ef8 bb6d 6bb9bd380a11", "\"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\""},
        {"a0", "\"\\u00a0\""});
}

Test(inet, always_with_a_prefix)
{
    expect_texts(TYPE_OF(OID_INET), {"192.168.1.1", "\"192.168.1.1/32\""},
                 {"10.0.0.1/8", "\"10.0.0.1/8\""}, {"::1", "\"::1/128\""},
                 {"::ffff:1.2.3.4", "\"::ffff:1.2.3.4/128\""}, {"fe80::/10", "\"fe80::/10\""},
                 {"", "\"\""});
    expect_texts(TYPE_OF(OID_CIDR), {"10.0.0.0/8", "\"10.0.0.0/8\""});
}

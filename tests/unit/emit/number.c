/* Booleans, integers, floats and vectors, in both forms. */
#include <inttypes.h>

#include "float.h"
#include "printed.h"

Test(boolean, both_forms)
{
    expect_texts(TYPE_OF(OID_BOOL), {"t", "true"}, {"f", "false"}, {"maybe", "\"maybe\""});
    expect_binaries(TYPE_OF(OID_BOOL), {"01", "true"}, {"00", "false"},
                    {"0000", "\"\\u0000\\u0000\""});
}

Test(integer, text_is_bare)
{
    expect_texts(TYPE_OF(OID_INT8), {"0", "0"}, {"-9223372036854775808", "-9223372036854775808"},
                 {"9223372036854775807", "9223372036854775807"});
}

Test(integer, binary_of_every_size)
{
    expect_binaries(TYPE_OF(OID_INT2), {"8000", "-32768"}, {"7fff", "32767"}, {"0000", "0"});
    expect_binaries(TYPE_OF(OID_INT4), {"80000000", "-2147483648"}, {"7fffffff", "2147483647"});
    expect_binaries(TYPE_OF(OID_INT8), {"8000000000000000", "-9223372036854775808"},
                    {"7fffffffffffffff", "9223372036854775807"}, {"ffffffffffffffff", "-1"});
    expect_binaries(TYPE_OF(OID_OID), {"ffffffff", "4294967295"});
}

Test(integer, what_is_none_is_a_string)
{
    expect_texts(TYPE_OF(OID_INT4), {"", "\"\""}, {"-", "\"-\""}, {"12a", "\"12a\""},
                 {"01", "\"01\""}, {"1,2", "\"1,2\""}, {" 1", "\" 1\""});
    expect_binaries(TYPE_OF(OID_INT4), {"ff22", "\"\\u00ff\\\"\""}, {"", "\"\""});
}

Test(float8, text_passes_and_what_is_not_finite_is_a_string)
{
    expect_texts(TYPE_OF(OID_FLOAT8), {"123.456", "123.456"}, {"1e-05", "1e-05"},
                 {"-1.5e+300", "-1.5e+300"}, {"-0", "-0"}, {"NaN", "\"NaN\""},
                 {"Infinity", "\"Infinity\""}, {"-Infinity", "\"-Infinity\""}, {"1.", "\"1.\""},
                 {".5", "\".5\""}, {"1e", "\"1e\""});
}

Test(float8, binary_that_is_not_finite)
{
    expect_binaries(TYPE_OF(OID_FLOAT8), {"7ff8000000000000", "\"NaN\""},
                    {"fff0000000000001", "\"NaN\""}, {"7ff0000000000000", "\"Infinity\""},
                    {"fff0000000000000", "\"-Infinity\""}, {"7ff0", "\"\x7f\\u00f0\""});
}

Test(float4, binary_that_is_not_finite)
{
    expect_binaries(TYPE_OF(OID_FLOAT4), {"7fc00000", "\"NaN\""}, {"7f800000", "\"Infinity\""},
                    {"ff800000", "\"-Infinity\""}, {"3fc00000", "1.5"});
}

static const char *print8(double v)
{
    static char text[FLOAT_TEXT];
    *float8_print(text, v) = '\0';
    return text;
}

static const char *print4(float v)
{
    static char text[FLOAT_TEXT];
    *float4_print(text, v) = '\0';
    return text;
}

/* Each as PostgreSQL 15 prints it. */
Test(float8, prints_as_the_server)
{
    static const struct {
        double v;
        const char *text;
    } goldens[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {1e14, "100000000000000"},
        {999999999999999, "999999999999999"},
        {1e15, "1e+15"},
        {123456789012345678, "1.2345678901234568e+17"},
        {9007199254740991, "9.007199254740991e+15"},
        {9007199254740993, "9.007199254740992e+15"},
        {1e-4, "0.0001"},
        {1e-5, "1e-05"},
        {0.00012345, "0.00012345"},
        {5e-324, "5e-324"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {1e22, "1e+22"},
        {1e23, "9.999999999999999e+22"}, /* 1e23 is a bound, and those do not count */
        {123456789.123, "123456789.123"},
    };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        cr_expect_str_eq(print8(goldens[i].v), goldens[i].text);
    }
}

Test(float4, prints_as_the_server)
{
    static const struct {
        float v;
        const char *text;
    } goldens[] = {
        {0.0F, "0"},
        {-0.0F, "-0"},
        {1.1F, "1.1"},
        {999999.0F, "999999"},
        {1e6F, "1e+06"},
        {1234567.0F, "1.234567e+06"},
        {16777216.0F, "1.6777216e+07"},
        {1e-4F, "0.0001"},
        {1e-5F, "1e-05"},
        {1e-45F, "1e-45"},
        {3.4028235e38F, "3.4028235e+38"},
    };
    for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
        cr_expect_str_eq(print4(goldens[i].v), goldens[i].text);
    }
}

static uint64_t random_bits(void)
{
    return (uint64_t)rand() << 42 ^ (uint64_t)rand() << 21 ^ (uint64_t)rand();
}

Test(float8, every_text_reads_back_as_its_value)
{
    srand(3);
    for (int i = 0; i < 300000; i++) {
        uint64_t bits = random_bits();
        double v, back;
        bits = (bits >> 52 & 0x7ff) == 0x7ff ? bits >> 12 : bits;
        memcpy(&v, &bits, sizeof v);
        back = strtod(print8(v), NULL);
        cr_assert(memcmp(&v, &back, sizeof v) == 0, "%016llx", (unsigned long long)bits);
    }
}

static uint64_t power_of_ten(int exponent)
{
    uint64_t power = 1;
    for (int i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

Test(float8, decimals_of_few_places_print_as_they_were_written)
{
    srand(5);
    for (int i = 0; i < 300000; i++) {
        int places = 1 + rand() % 5;
        uint64_t whole = 1 + random_bits() % power_of_ten(rand() % 10);
        uint64_t part = random_bits() % power_of_ten(places);
        char text[FLOAT_TEXT];
        int len = snprintf(text, sizeof text, "-%" PRIu64 ".%0*" PRIu64, whole, places, part);
        double v = strtod(text, NULL);
        while (text[len - 1] == '0') {
            len--;
        }
        text[len - (part == 0)] = '\0'; /* no point behind a whole number */
        cr_assert_str_eq(print8(v), text);
    }
}

Test(float8, neighbours_of_powers_read_back)
{
    for (uint64_t exponent = 0; exponent < 0x7ff; exponent++) {
        for (int around = -2; around <= 2; around++) {
            uint64_t bits = exponent ? (exponent << 52) + (uint64_t)around : (uint64_t)(around & 7);
            double v, back;
            memcpy(&v, &bits, sizeof v);
            back = strtod(print8(v), NULL);
            cr_assert_eq(v, back, "%016llx", (unsigned long long)bits);
        }
    }
}

Test(float4, every_text_reads_back_as_its_value)
{
    for (uint64_t i = 0; i < 0x7f800000; i += 7919) {
        uint32_t bits = (uint32_t)i;
        float v, back;
        memcpy(&v, &bits, sizeof v);
        back = strtof(print4(v), NULL);
        cr_assert(memcmp(&v, &back, sizeof v) == 0, "%08x", bits);
    }
}

Test(vector, is_an_array_of_numbers)
{
    expect_texts(NAMED("vector"), {"[1,2.5,-3e-05]", "[1,2.5,-3e-05]"}, {"[1]", "[1]"});
    expect_texts(NAMED("halfvec"), {"[0,65504]", "[0,65504]"});
}

Test(vector, anything_else_is_a_string)
{
    expect_texts(NAMED("vector"), {"", "\"\""}, {"[", "\"[\""}, {"[]", "\"[]\""},
                 {"[1,", "\"[1,\""}, {"[1,]", "\"[1,]\""}, {"[[1]]", "\"[[1]]\""},
                 {"[1]]", "\"[1]]\""}, {"[NaN]", "\"[NaN]\""});
    expect_texts(NAMED("sparsevec"), {"{1:1.5}/3", "\"{1:1.5}/3\""});
}

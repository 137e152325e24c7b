/* Dates and times: RFC 3339's look, from both forms, and its limits. */
#include "base/bytes.h"
#include "printed.h"

Test(date, text)
{
    expect_texts(TYPE_OF(OID_DATE), {"2024-01-15", "\"2024-01-15\""},
                 {"0001-01-01", "\"0001-01-01\""}, {"9999-12-31", "\"9999-12-31\""});
}

Test(date, text_out_of_range)
{
    expect_texts(TYPE_OF(OID_DATE), {"infinity", "\"9999-12-31\""}, {"-infinity", "\"0000-01-01\""},
                 {"10000-01-01", "\"9999-12-31\""}, {"5874897-12-31", "\"9999-12-31\""},
                 {"0044-03-15 BC", "\"0000-01-01\""}, {"4714-11-24 BC", "\"0000-01-01\""});
}

Test(date, binary)
{
    expect_binaries(TYPE_OF(OID_DATE), {"00000000", "\"2000-01-01\""},
                    {"ffffffff", "\"1999-12-31\""}, {"0000003b", "\"2000-02-29\""},
                    {"0000003c", "\"2000-03-01\""}, {"0000224c", "\"2024-01-15\""},
                    {"fff4dbf9", "\"0001-01-01\""}, {"002c95d3", "\"9999-12-31\""});
}

Test(date, binary_out_of_range)
{
    expect_binaries(TYPE_OF(OID_DATE), {"7fffffff", "\"9999-12-31\""},
                    {"80000000", "\"0000-01-01\""}, {"002c95d4", "\"9999-12-31\""},
                    {"fff4dbf8", "\"0000-01-01\""});
}

/* Every day of RFC 3339's range, against counting. */
Test(date, every_day_follows_the_one_before)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t days = -730119;
    for (int year = 1; year <= 9999; year++) {
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        for (int month = 1; month <= 12; month++) {
            int length = lengths[month - 1] + (month == 2 && leap);
            for (int day = 1; day <= length;
                 day += year % 100 < 2 || day == length ? 1 : length - day) {
                char expected[32];
                snprintf(expected, sizeof expected, "\"%04d-%02d-%02d\"", year, month, day);
                char wire[4];
                store32(wire, (uint32_t)(days + day - 1));
                cr_assert_str_eq(printed(value_binary_writer(TYPE_OF(OID_DATE)), NULL, wire, 4),
                                 expected);
            }
            days += length;
        }
    }
    cr_assert_eq(days, 2921940);
}

Test(timestamp, text)
{
    expect_texts(TYPE_OF(OID_TIMESTAMP), {"2024-01-15 14:30:00", "\"2024-01-15T14:30:00Z\""},
                 {"2024-01-15 14:30:00.5", "\"2024-01-15T14:30:00.5Z\""},
                 {"0001-01-01 00:00:00", "\"0001-01-01T00:00:00Z\""},
                 {"9999-12-31 23:59:59.999999", "\"9999-12-31T23:59:59.999999Z\""},
                 {"2016-12-31 23:59:60", "\"2016-12-31T23:59:60Z\""});
    expect_texts(TYPE_OF(OID_TIMESTAMPTZ),
                 {"2024-01-15 14:30:00.123+00", "\"2024-01-15T14:30:00.123Z\""});
}

Test(timestamp, text_out_of_range)
{
    expect_texts(TYPE_OF(OID_TIMESTAMPTZ), {"infinity", "\"9999-12-31T23:59:59Z\""},
                 {"-infinity", "\"0000-01-01T00:00:00Z\""},
                 {"12345-01-02 03:04:05.6+00", "\"9999-12-31T23:59:59Z\""},
                 {"294276-12-31 23:59:59.999999+00", "\"9999-12-31T23:59:59Z\""},
                 {"4714-11-24 00:00:00+00 BC", "\"0000-01-01T00:00:00Z\""},
                 {"0001-12-31 23:59:59.999999+00 BC", "\"0000-01-01T00:00:00Z\""});
}

Test(timestamp, binary)
{
    expect_binaries(TYPE_OF(OID_TIMESTAMPTZ), {"0000000000000000", "\"2000-01-01T00:00:00Z\""},
                    {"ffffffffffffffff", "\"1999-12-31T23:59:59.999999Z\""},
                    {"000000000007a120", "\"2000-01-01T00:00:00.5Z\""},
                    {"000000141dd75fff", "\"2000-01-01T23:59:59.999999Z\""},
                    {"000000141dd76000", "\"2000-01-02T00:00:00Z\""},
                    {"0000000000000001", "\"2000-01-01T00:00:00.000001Z\""});
}

Test(timestamp, binary_at_and_beyond_the_ends)
{
    expect_binaries(TYPE_OF(OID_TIMESTAMP), {"7fffffffffffffff", "\"9999-12-31T23:59:59Z\""},
                    {"8000000000000000", "\"0000-01-01T00:00:00Z\""},
                    {"0380e70b913b7fff", "\"9999-12-31T23:59:59.999999Z\""},
                    {"0380e70b913b8000", "\"9999-12-31T23:59:59Z\""},
                    {"ff1fe2ffc59c6000", "\"0001-01-01T00:00:00Z\""},
                    {"ff1fe2ffc59c5fff", "\"0000-01-01T00:00:00Z\""});
}

Test(time, both_forms)
{
    expect_texts(TYPE_OF(OID_TIME), {"00:00:00", "\"00:00:00Z\""},
                 {"23:59:59.999999", "\"23:59:59.999999Z\""}, {"24:00:00", "\"24:00:00Z\""});
    expect_binaries(TYPE_OF(OID_TIME), {"0000000000000000", "\"00:00:00Z\""},
                    {"000000141dd75fff", "\"23:59:59.999999Z\""},
                    {"000000141dd76000", "\"24:00:00Z\""}, {"00000000000186a0", "\"00:00:00.1Z\""});
}

Test(timetz, zones_always_have_minutes)
{
    expect_texts(TYPE_OF(OID_TIMETZ), {"14:30:00+05:30", "\"14:30:00+05:30\""},
                 {"14:30:00+05", "\"14:30:00+05:00\""}, {"14:30:00.25-03", "\"14:30:00.25-03:00\""},
                 {"24:00:00+00", "\"24:00:00+00:00\""},
                 {"12:00:00-04:56:02", "\"12:00:00-04:56:02\""});
    expect_binaries(TYPE_OF(OID_TIMETZ), {"000000141dd76000 00000000", "\"24:00:00+00:00\""},
                    {"0000000000000000 ffffb2a8", "\"00:00:00+05:30\""},
                    {"0000000000000000 00002a30", "\"00:00:00-03:00\""},
                    {"0000000000000000 00004562", "\"00:00:00-04:56:02\""});
}

Test(time, what_is_none_is_a_string)
{
    expect_texts(TYPE_OF(OID_DATE), {"", "\"\""}, {"2024-1-15", "\"2024-1-15\""},
                 {"2024-01-15 ", "\"2024-01-15 \""}, {"224-01-15", "\"224-01-15\""},
                 {"15 BC", "\"15 BC\""}, {"12345678-01-01", "\"12345678-01-01\""},
                 {"12345", "\"12345\""});
    expect_texts(TYPE_OF(OID_TIMESTAMPTZ), {"2024-01-15", "\"2024-01-15\""},
                 {"2024-01-15 14:30:00+01", "\"2024-01-15 14:30:00+01\""},
                 {"2024-01-15 14:30:00.+00", "\"2024-01-15 14:30:00.+00\""},
                 {"2024-01-15 14:30:00.1234567", "\"2024-01-15 14:30:00.1234567\""},
                 {"infinity BC", "\"infinity BC\""});
    expect_texts(TYPE_OF(OID_TIME), {"1:2:3", "\"1:2:3\""}, {"00:00:00Z", "\"00:00:00Z\""});
    expect_texts(TYPE_OF(OID_TIMETZ), {"00:00:00", "\"00:00:00\""}, {"00:00:00+", "\"00:00:00+\""},
                 {"00:00:00+01:0", "\"00:00:00+01:0\""},
                 {"00:00:00+01:00:00:00", "\"00:00:00+01:00:00:00\""});
}

Test(time, binary_that_is_none_is_a_string)
{
    expect_binaries(TYPE_OF(OID_DATE), {"414141", "\"AAA\""});
    expect_binaries(TYPE_OF(OID_TIMESTAMP), {"414141", "\"AAA\""});
    expect_binaries(TYPE_OF(OID_TIME), {"4141414141414141", "\"AAAAAAAA\""}, {"", "\"\""});
    expect_binaries(TYPE_OF(OID_TIMETZ),
                    {"0000000000000000 41414141",
                     "\"\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"
                     "AAAA\""},
                    {"41", "\"A\""});
}

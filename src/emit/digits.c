/* Integers as decimal text, eight digits a division. */
#include "digits.h"

#include "emit/json.h"

const char digit_pairs[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

enum { TEN_4 = 10000, TEN_8 = 100000000 };

char *json_u64(char *p, uint64_t v)
{
    if (v < TEN_4) {
        return digits_lead(p, (uint32_t)v);
    }
    if (v < TEN_8) {
        p = digits_lead(p, (uint32_t)v / TEN_4);
        return digits_four(p, (uint32_t)v % TEN_4);
    }
    p = json_u64(p, v / TEN_8);
    return digits_eight(p, (uint32_t)(v % TEN_8));
}

char *json_i64(char *p, int64_t v)
{
    if (v < 0) {
        *p++ = '-';
        return json_u64(p, 0 - (uint64_t)v);
    }
    return json_u64(p, (uint64_t)v);
}

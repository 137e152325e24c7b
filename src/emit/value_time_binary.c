/*
 * Dates and times, from their binary forms:
 *
 *   date         Int32 days since 2000-01-01; the extremes are the infinities
 *   timestamp    Int64 microseconds since 2000-01-01 00:00:00 UTC; likewise
 *   time         Int64 microseconds since midnight, 24:00:00 included
 *   timetz       the same, then Int32 seconds west of Greenwich
 */
#include "base/bytes.h"
#include "digits.h"
#include "emit/json.h"
#include "look.h"
#include "writers.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)
#define UNIX_EPOCH_US (10957 * US_PER_DAY) /* from 1970 to 2000 */

enum {
    DAYS_YEAR_1 = -730119,     /* 0001-01-01, from 2000-01-01 */
    DAYS_YEAR_10000 = 2921940, /* 10000-01-01 */
    DAYS_BEFORE_2000 = 730425, /* from 0000-03-01 to 2000-01-01 */
    DAYS_400_YEARS = 146097,
    ZONE_LIMIT = 16 * 3600, /* seconds */
};

/*
 * From DAYS_YEAR_1 to DAYS_YEAR_10000 alone. A year that begins in March ends with its leap day, so
 * that centuries, years and months are each a linear function of the days, rounded down
 * (C. Neri, L. Schneider, "Euclidean affine functions and their application to calendar
 * algorithms", 2022).
 */
static char *print_date(char *p, int32_t days)
{
    uint32_t quarters = 4 * (uint32_t)(days + DAYS_BEFORE_2000) + 3;
    uint32_t century = quarters / DAYS_400_YEARS;
    uint32_t of_century = quarters % DAYS_400_YEARS | 3; /* days of it, times 4, and 3 */
    uint64_t years = UINT64_C(2939745) * of_century;     /* 2^32 / 1461 years a quarter day */
    uint32_t day_of_year = (uint32_t)years / 2939745 / 4;
    uint32_t months = 2141 * day_of_year + 197913; /* 2^16 a month, from 3 for March */
    bool next_year = day_of_year >= 306;           /* January and February */
    p = digits_four(p, 100 * century + (uint32_t)(years >> 32) + next_year);
    *p++ = '-';
    p = digits_two(p, (months >> 16) - (next_year ? 12 : 0));
    *p++ = '-';
    return digits_two(p, (months & 0xffff) / 2141 + 1);
}

/* Without trailing zeros. */
static char *print_fraction(char *p, uint32_t us)
{
    *p++ = '.';
    digits_two(p, us / 10000);
    digits_four(p + 2, us % 10000);
    p += 6;
    while (p[-1] == '0') {
        p--;
    }
    return p;
}

/* Since midnight; up to 24:00:00. */
static char *print_time(char *p, int64_t us)
{
    uint32_t seconds = (uint32_t)(us / US_PER_SECOND), fraction = (uint32_t)(us % US_PER_SECOND);
    p = digits_two(p, seconds / 3600);
    *p++ = ':';
    p = digits_two(p, seconds / 60 % 60);
    *p++ = ':';
    p = digits_two(p, seconds % 60);
    return fraction ? print_fraction(p, fraction) : p;
}

static inline bool is_date(int32_t days)
{
    return days >= DAYS_YEAR_1 && days < DAYS_YEAR_10000;
}

static char *quote_date(char *p, int32_t days)
{
    *p++ = '"';
    p = print_date(p, days);
    *p++ = '"';
    return p;
}

char *date_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 4) {
        return write_invalid(out, p, data, len);
    }
    int32_t days = (int32_t)load32(data);
    return is_date(days)
               ? quote_date(p, days)
               : json_quote(out, p, days < 0 ? DATE_FIRST : DATE_LAST, sizeof DATE_FIRST - 1);
}

char *strict_date_binary(struct out *out, char *p, const struct type *type, const char *data,
                         uint32_t len)
{
    (void)out, (void)type;
    return len == 4 && is_date((int32_t)load32(data)) ? quote_date(p, (int32_t)load32(data))
                                                      : value_lost(p);
}

static inline bool is_timestamp(int64_t us)
{
    return us >= DAYS_YEAR_1 * US_PER_DAY && us < DAYS_YEAR_10000 * US_PER_DAY;
}

/* Without its zone. */
static char *print_timestamp(char *p, int64_t us)
{
    uint64_t since = (uint64_t)(us - DAYS_YEAR_1 * US_PER_DAY); /* not negative: rounds down */
    p = print_date(p, (int32_t)(since / US_PER_DAY) + DAYS_YEAR_1);
    *p++ = 'T';
    return print_time(p, (int64_t)(since % US_PER_DAY));
}

static char *quote_timestamp(char *p, int64_t us)
{
    *p++ = '"';
    p = print_timestamp(p, us);
    *p++ = 'Z';
    *p++ = '"';
    return p;
}

char *timestamp_quote(char *p, int64_t unix_us)
{
    const int64_t first = DAYS_YEAR_1 * US_PER_DAY, last = DAYS_YEAR_10000 * US_PER_DAY - 1;
    int64_t us = unix_us < first + UNIX_EPOCH_US  ? first
                 : unix_us > last + UNIX_EPOCH_US ? last
                                                  : unix_us - UNIX_EPOCH_US;
    return quote_timestamp(p, us);
}

char *timestamp_binary(struct out *out, char *p, const struct type *type, const char *data,
                       uint32_t len)
{
    (void)type;
    if (len != 8) {
        return write_invalid(out, p, data, len);
    }
    int64_t us = (int64_t)load64(data);
    if (!is_timestamp(us)) {
        const char *limit = us < 0 ? TIMESTAMP_FIRST : TIMESTAMP_LAST;
        return json_quote(out, p, limit, sizeof TIMESTAMP_FIRST - 1);
    }
    return quote_timestamp(p, us);
}

char *strict_timestamp_binary(struct out *out, char *p, const struct type *type, const char *data,
                              uint32_t len)
{
    (void)out;
    if (len != 8 || !is_timestamp((int64_t)load64(data))) {
        return value_lost(p);
    }
    *p++ = '"';
    p = print_timestamp(p, (int64_t)load64(data));
    *p = 'Z';
    p += type->oid == OID_TIMESTAMPTZ;
    *p++ = '"';
    return p;
}

static inline bool is_time(int64_t us)
{
    return us >= 0 && us <= US_PER_DAY;
}

char *time_binary(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 8 || !is_time((int64_t)load64(data))) {
        return write_invalid(out, p, data, len);
    }
    *p++ = '"';
    p = print_time(p, (int64_t)load64(data));
    *p++ = 'Z';
    *p++ = '"';
    return p;
}

/* Midnight at the end of a day is none of its times. */
char *strict_time_binary(struct out *out, char *p, const struct type *type, const char *data,
                         uint32_t len)
{
    int64_t us = len == 8 ? (int64_t)load64(data) : -1;
    (void)out, (void)type;
    if (!is_time(us) || us == US_PER_DAY) {
        return value_lost(p);
    }
    *p++ = '"';
    p = print_time(p, us);
    *p++ = '"';
    return p;
}

static char *print_zone(char *p, int32_t west)
{
    uint32_t seconds = (uint32_t)(west < 0 ? -west : west);
    *p++ = west > 0 ? '-' : '+';
    p = digits_two(p, seconds / 3600);
    *p++ = ':';
    p = digits_two(p, seconds / 60 % 60);
    if (seconds % 60) {
        *p++ = ':';
        p = digits_two(p, seconds % 60);
    }
    return p;
}

char *timetz_binary(struct out *out, char *p, const struct type *type, const char *data,
                    uint32_t len)
{
    (void)type;
    bool good = len == 12 && is_time((int64_t)load64(data));
    int32_t west = good ? (int32_t)load32(data + 8) : 0;
    if (!good || west <= -ZONE_LIMIT || west >= ZONE_LIMIT) {
        return write_invalid(out, p, data, len);
    }
    *p++ = '"';
    p = print_time(p, (int64_t)load64(data));
    p = print_zone(p, west);
    *p++ = '"';
    return p;
}

char *strict_timetz_binary(struct out *out, char *p, const struct type *type, const char *data,
                           uint32_t len)
{
    int64_t us = len == 12 ? (int64_t)load64(data) : -1;
    int32_t west = is_time(us) ? (int32_t)load32(data + 8) : 0;
    bool held = is_time(us) && us < US_PER_DAY && west > -ZONE_LIMIT && west < ZONE_LIMIT;
    return held && west % 60 == 0 ? timetz_binary(out, p, type, data, len) : value_lost(p);
}

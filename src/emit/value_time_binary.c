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
#include "look.h"
#include "writers.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (86400 * US_PER_SECOND)

enum {
    DAYS_YEAR_1 = -730119,     /* 0001-01-01, from 2000-01-01 */
    DAYS_YEAR_10000 = 2921940, /* 10000-01-01 */
    DAYS_BEFORE_2000 = 730425, /* from 0000-03-01 to 2000-01-01 */
    DAYS_400_YEARS = 146097,
    ZONE_LIMIT = 16 * 3600, /* seconds */
};

/*
 * A year that begins in March ends with its leap day, and its months' lengths repeat every five:
 * 153 days. From DAYS_YEAR_1 to DAYS_YEAR_10000 alone.
 */
static char *print_date(char *p, int32_t days)
{
    uint32_t since = (uint32_t)(days + DAYS_BEFORE_2000);
    uint32_t era = since / DAYS_400_YEARS, day_of_era = since % DAYS_400_YEARS;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month = (5 * day + 2) / 153; /* 0: March */
    uint32_t year = 400 * era + year_of_era + (month >= 10);
    p = digits_four(p, year);
    *p++ = '-';
    p = digits_two(p, month < 10 ? month + 3 : month - 9);
    *p++ = '-';
    return digits_two(p, day - (153 * month + 2) / 5 + 1);
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

void date_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 4) {
        write_invalid(out, data, len);
        return;
    }
    int32_t days = (int32_t)load32(data);
    if (days < DAYS_YEAR_1 || days >= DAYS_YEAR_10000) {
        out_string(out, days < 0 ? "\"" DATE_FIRST "\"" : "\"" DATE_LAST "\"");
        return;
    }
    char *p = out_reserve(out, 12);
    *p++ = '"';
    p = print_date(p, days);
    *p++ = '"';
    out_commit(out, p);
}

void timestamp_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 8) {
        write_invalid(out, data, len);
        return;
    }
    int64_t us = (int64_t)load64(data);
    if (us < DAYS_YEAR_1 * US_PER_DAY || us >= DAYS_YEAR_10000 * US_PER_DAY) {
        out_string(out, us < 0 ? "\"" TIMESTAMP_FIRST "\"" : "\"" TIMESTAMP_LAST "\"");
        return;
    }
    uint64_t since = (uint64_t)(us - DAYS_YEAR_1 * US_PER_DAY); /* not negative: rounds down */
    char *p = out_reserve(out, TIMESTAMP_LOOK + 2);
    *p++ = '"';
    p = print_date(p, (int32_t)(since / US_PER_DAY) + DAYS_YEAR_1);
    *p++ = 'T';
    p = print_time(p, (int64_t)(since % US_PER_DAY));
    *p++ = 'Z';
    *p++ = '"';
    out_commit(out, p);
}

static inline bool is_time(int64_t us)
{
    return us >= 0 && us <= US_PER_DAY;
}

void time_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    if (len != 8 || !is_time((int64_t)load64(data))) {
        write_invalid(out, data, len);
        return;
    }
    char *p = out_reserve(out, TIMESTAMP_LOOK + 2);
    *p++ = '"';
    p = print_time(p, (int64_t)load64(data));
    *p++ = 'Z';
    *p++ = '"';
    out_commit(out, p);
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

void timetz_binary(struct out *out, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    bool good = len == 12 && is_time((int64_t)load64(data));
    int32_t west = good ? (int32_t)load32(data + 8) : 0;
    if (!good || west <= -ZONE_LIMIT || west >= ZONE_LIMIT) {
        write_invalid(out, data, len);
        return;
    }
    char *p = out_reserve(out, TIMESTAMP_LOOK + 2);
    *p++ = '"';
    p = print_time(p, (int64_t)load64(data));
    p = print_zone(p, west);
    *p++ = '"';
    out_commit(out, p);
}

/* Parsing ISO dates. */
#include "timecode.h"

#include <string.h>

struct cursor {
    const char *p, *end;
};

/* At least one digit. */
static bool number(struct cursor *c, int64_t *value)
{
    const char *start = c->p;
    *value = 0;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - start < 9) {
        *value = *value * 10 + (*c->p++ - '0');
    }
    return c->p > start;
}

static bool literal(struct cursor *c, const char *text)
{
    size_t len = strlen(text);
    if ((size_t)(c->end - c->p) < len || memcmp(c->p, text, len) != 0) {
        return false;
    }
    c->p += len;
    return true;
}

/* Days from 2000-01-01 in the proleptic Gregorian calendar, counting years from March. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           730425;
}

static bool date(struct cursor *c, int64_t civil[3])
{
    return number(c, &civil[0]) && literal(c, "-") && number(c, &civil[1]) && literal(c, "-") &&
           number(c, &civil[2]);
}

static bool clock_time(struct cursor *c, int64_t *us)
{
    int64_t hour, minute, second, scale = 1000000;
    if (!number(c, &hour) || !literal(c, ":") || !number(c, &minute) || !literal(c, ":") ||
        !number(c, &second)) {
        return false;
    }
    *us = (hour * 3600 + minute * 60 + second) * 1000000;
    if (literal(c, ".")) {
        while (c->p < c->end && *c->p >= '0' && *c->p <= '9' && scale > 1) {
            *us += (*c->p++ - '0') * (scale /= 10);
        }
    }
    return true;
}

bool timecode_parse(const char *text, size_t len, struct timecode *time)
{
    struct cursor c = {text, text + len};
    int64_t civil[3];
    *time = (struct timecode){0, 0};
    if (literal(&c, "infinity")) {
        time->days = INT64_MAX;
        return c.p == c.end;
    }
    if (literal(&c, "-infinity")) {
        time->days = INT64_MIN;
        return c.p == c.end;
    }
    if (!date(&c, civil)) {
        return false;
    }
    bool bc = literal(&c, " BC");
    if (!bc && literal(&c, " ")) {
        if (!clock_time(&c, &time->us)) {
            return false;
        }
        literal(&c, "+00");
        bc = literal(&c, " BC");
    }
    time->days = days_from_civil(bc ? 1 - civil[0] : civil[0], civil[1], civil[2]);
    return c.p == c.end;
}

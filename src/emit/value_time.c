/*
 * Dates and times, from the text of DateStyle ISO and TimeZone UTC:
 *
 *   date      := "infinity" | "-infinity" | year-mm-dd [" BC"]            year: 4 to 7 digits
 *   timestamp := "infinity" | "-infinity" | year-mm-dd hh:mm:ss[.ffffff]["+00"][" BC"]
 *   time      := hh:mm:ss[.ffffff]
 *   timetz    := hh:mm:ss[.ffffff] ("+" | "-") hh[:mm[:ss]]
 */
#include <string.h>

#include "emit/json.h"
#include "look.h"
#include "writers.h"

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * Step over text of the given shape, in which a 0 stands for any digit. NULL if it is not there, or
 * if `s` is NULL already.
 */
static const char *match(const char *s, const char *end, const char *shape)
{
    size_t len = strlen(shape);
    if (!s || (size_t)(end - s) < len) {
        return NULL;
    }
    bool same = true;
    for (size_t i = 0; i < len; i++) {
        same &= shape[i] == '0' ? is_digit(s[i]) : s[i] == shape[i];
    }
    return same ? s + len : NULL;
}

/* Step over the shape if it is there. */
static const char *match_maybe(const char *s, const char *end, const char *shape)
{
    const char *after = match(s, end, shape);
    return after ? after : s;
}

/* hh:mm:ss and up to six digits of a fraction. */
static const char *match_time(const char *s, const char *end)
{
    s = match(s, end, "00:00:00");
    if (!s || s == end || *s != '.') {
        return s;
    }
    const char *from = ++s;
    while (s < end && is_digit(*s) && s - from < 6) {
        s++;
    }
    return s > from ? s : NULL;
}

/* From the year's digits to the day's; *year: how many digits the year has. */
static const char *match_date(const char *s, const char *end, size_t *year)
{
    const char *p = s;
    while (p < end && is_digit(*p) && p - s < 7) {
        p++;
    }
    *year = (size_t)(p - s);
    return *year >= 4 ? match(p, end, "-00-00") : NULL;
}

/* Step over "+00" itself, if it is there. */
static inline const char *skip_utc(const char *s, const char *end)
{
    return s && end - s >= 3 && memcmp(s, "+00", 3) == 0 ? s + 3 : s;
}

static inline char *put(char *p, const char *s, size_t len)
{
    memcpy(p, s, len);
    return p + len;
}

static inline bool is(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(s, word, len) == 0;
}

/* A date or timestamp beyond RFC 3339, as `first` or `last`; NULL if it is neither. */
static const char *beyond(const char *s, size_t len, size_t year, const char *first,
                          const char *last)
{
    if (is(s, len, "-infinity") || (year && len > 3 && is(s + len - 3, 3, " BC"))) {
        return first;
    }
    return is(s, len, "infinity") || year > 4 ? last : NULL;
}

static char *date_look(char *p, const char *s, size_t len)
{
    size_t year;
    const char *end = s + len, *day_end = match_date(s, end, &year);
    bool whole = match_maybe(day_end, end, " BC") == end;
    const char *limit = beyond(s, len, whole ? year : 0, DATE_FIRST, DATE_LAST);
    if (limit) {
        return put(p, limit, strlen(limit));
    }
    return whole ? put(p, s, len) : NULL;
}

char *timestamp_look(char *p, const char *s, size_t len)
{
    size_t year;
    const char *end = s + len, *day_end = match_date(s, end, &year);
    const char *time_end = match_time(match(day_end, end, " "), end);
    const char *zone_end = skip_utc(time_end, end);
    bool whole = match_maybe(zone_end, end, " BC") == end;
    const char *limit = beyond(s, len, whole ? year : 0, TIMESTAMP_FIRST, TIMESTAMP_LAST);
    if (limit) {
        return put(p, limit, strlen(limit));
    }
    if (!whole) {
        return NULL;
    }
    p = put(p, s, (size_t)(day_end - s));
    *p++ = 'T';
    p = put(p, day_end + 1, (size_t)(time_end - day_end) - 1);
    *p++ = 'Z';
    return p;
}

static char *time_look(char *p, const char *s, size_t len)
{
    const char *end = s + len;
    if (match_time(s, end) != end) {
        return NULL;
    }
    p = put(p, s, len);
    *p++ = 'Z';
    return p;
}

/* The zone always with minutes. */
static char *timetz_look(char *p, const char *s, size_t len)
{
    const char *end = s + len, *time_end = match_time(s, end);
    if (!time_end || time_end == end || (*time_end != '+' && *time_end != '-')) {
        return NULL;
    }
    const char *hour_end = match(time_end + 1, end, "00");
    const char *minute_end = match_maybe(hour_end, end, ":00");
    if (!hour_end || (minute_end != end && match(minute_end, end, ":00") != end)) {
        return NULL;
    }
    p = put(p, s, len);
    return minute_end == hour_end ? put(p, ":00", 3) : p;
}

static inline char *write_look(struct out *out, char *p, char *look(char *, const char *, size_t),
                               const char *data, uint32_t len)
{
    char *end = look(p + 1, data, len);
    if (!end) {
        return json_quote(out, p, data, len);
    }
    *p = *end = '"';
    return end + 1;
}

char *date_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return write_look(out, p, date_look, data, len);
}

char *time_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return write_look(out, p, time_look, data, len);
}

char *timetz_text(struct out *out, char *p, const struct type *type, const char *data, uint32_t len)
{
    (void)type;
    return write_look(out, p, timetz_look, data, len);
}

char *timestamp_text(struct out *out, char *p, const struct type *type, const char *data,
                     uint32_t len)
{
    (void)type;
    return write_look(out, p, timestamp_look, data, len);
}

/* Quoted, with "Z" behind it or nothing. */
static inline char *quote_time(char *p, const char *s, size_t len, const char *zone)
{
    *p++ = '"';
    p = put_word(put(p, s, len), zone);
    *p = '"';
    return p + 1;
}

char *strict_date_text(struct out *out, char *p, const struct type *type, const char *data,
                       uint32_t len)
{
    size_t year;
    (void)out, (void)type;
    return match_date(data, data + len, &year) == data + len && year == 4
               ? quote_time(p, data, len, "")
               : value_lost(p);
}

char *strict_timestamp_text(struct out *out, char *p, const struct type *type, const char *data,
                            uint32_t len)
{
    size_t year;
    const char *end = data + len, *day_end = match_date(data, end, &year);
    const char *time_end = match_time(match(day_end, end, " "), end);
    (void)out;
    if (!time_end || skip_utc(time_end, end) != end || year != 4) {
        return value_lost(p);
    }
    char *quoted = p;
    p = quote_time(p, data, (size_t)(time_end - data), type->oid == OID_TIMESTAMPTZ ? "Z" : "");
    quoted[1 + (day_end - data)] = 'T';
    return p;
}

/* The end of a day is none of its times. */
static bool is_midnight_after(const char *s)
{
    return s[0] == '2' && s[1] == '4';
}

char *strict_time_text(struct out *out, char *p, const struct type *type, const char *data,
                       uint32_t len)
{
    (void)out, (void)type;
    return match_time(data, data + len) == data + len && !is_midnight_after(data)
               ? quote_time(p, data, len, "")
               : value_lost(p);
}

char *strict_timetz_text(struct out *out, char *p, const struct type *type, const char *data,
                         uint32_t len)
{
    const char *end = data + len, *time_end = match_time(data, end);
    size_t zone = time_end ? (size_t)(end - time_end) : 0;
    char *after = timetz_look(p + 1, data, len);
    (void)out, (void)type;
    if (!after || zone > sizeof "+00:00" - 1 || is_midnight_after(data)) {
        return value_lost(p);
    }
    *p = *after = '"';
    return after + 1;
}

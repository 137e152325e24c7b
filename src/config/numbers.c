/* Reading values that are numbers, times and switches. */
#include <stdlib.h>
#include <string.h>

#include "option.h"

enum { TIMEOUT_MAX_MS = 2147483647 }; /* of PostgreSQL's statement_timeout */

bool read_int(const struct json_at *at, const struct option *option, struct config *config,
              struct err *err)
{
    int64_t value;
    if (!json_integer(at, option->min, option->max, &value, err)) {
        return false;
    }
    *(int *)option_field(config, option) = (int)value;
    return true;
}

bool read_xid(const struct json_at *at, const struct option *option, struct config *config,
              struct err *err)
{
    int64_t value;
    if (cJSON_IsString(at->item)) {
        const char *text = at->item->valuestring;
        size_t len = strlen(text);
        value = len <= 10 ? strtoll(text, NULL, 10) : -1;
        if (!len || strspn(text, "0123456789") != len || value < 0 || value > UINT32_MAX) {
            return json_error(at, err, "is %s; a transaction id is a number from 0 to %u",
                              json_show(text).s, UINT32_MAX);
        }
    } else if (!json_integer(at, 0, UINT32_MAX, &value, err)) {
        return false;
    }
    *(uint32_t *)option_field(config, option) = (uint32_t)value;
    return true;
}

/* Milliseconds of the unit at *text, which steps over it; 0: no such unit. Bare numbers are
 * seconds. */
static double unit_ms(const char **text)
{
    static const struct {
        const char *name;
        double ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(units[i].name);
        if (!strncmp(*text, units[i].name, len)) {
            *text += len;
            return units[i].ms;
        }
    }
    return **text ? 0 : 1000;
}

static bool is_number(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits, and perhaps a dot and more digits. */
static double take_number(const char **text)
{
    double value = 0, scale = 1;
    for (; is_number(**text); ++*text) {
        value = value * 10 + (**text - '0');
    }
    if (**text == '.') {
        for (++*text; is_number(**text); ++*text) {
            scale /= 10;
            value += scale * (**text - '0');
        }
    }
    return value;
}

/* "90s", "1h30m", "1.5h", "250ms", "90". */
static bool parse_duration(const char *text, double *ms)
{
    *ms = 0;
    do {
        if (!is_number(*text)) {
            return false;
        }
        double number = take_number(&text), unit = unit_ms(&text);
        if (unit <= 0) {
            return false;
        }
        *ms += number * unit;
    } while (*text);
    return *ms <= TIMEOUT_MAX_MS;
}

bool read_duration(const struct json_at *at, const struct option *option, struct config *config,
                   struct err *err)
{
    int64_t seconds;
    double ms;
    if (cJSON_IsString(at->item)) {
        if (!parse_duration(at->item->valuestring, &ms)) {
            return json_error(at, err, "is %s; it must be a time of at most 24 days like 90s or 5m",
                              json_show(at->item->valuestring).s);
        }
    } else if (json_integer(at, 0, TIMEOUT_MAX_MS / 1000, &seconds, err)) {
        ms = (double)seconds * 1000;
    } else {
        return false;
    }
    *(int64_t *)option_field(config, option) = (int64_t)ms;
    return true;
}

bool read_interval(const struct json_at *at, const struct option *option, struct config *config,
                   struct err *err)
{
    enum { LEAST_MS = 100 };
    int64_t *ms = option_field(config, option);
    return read_duration(at, option, config, err) &&
           (*ms >= LEAST_MS || json_error(at, err, "is less than %d ms", LEAST_MS));
}

bool read_bool(const struct json_at *at, const struct option *option, struct config *config,
               struct err *err)
{
    return json_bool(at, option_field(config, option), err);
}

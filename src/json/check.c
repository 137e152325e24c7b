/*
 * A document is checked before cJSON reads it, which takes more than JSON (control characters in
 * strings, 01, "\u0000" that ends a string) and cannot say where it stopped.
 */
#include "check.h"

#include <stdint.h>
#include <string.h>

#include "base/json_grammar.h"
#include "base/utf8.h"
#include "json/json.h"

/* The four digits of \uXXXX. */
static bool take_hex(struct json_walk *w, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, w->p++) {
        int lower = w->p < w->end ? *w->p | 0x20 : 0;
        if (json_is_digit(w->p, w->end)) {
            *unit = *unit << 4 | (uint32_t)(*w->p - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            *unit = *unit << 4 | (uint32_t)(lower - 'a' + 10);
        } else {
            return json_unexpected(w, "four hexadecimal digits are expected");
        }
    }
    return true;
}

static bool check_unicode_escape(struct json_walk *w)
{
    const char *start = w->p - 2;
    uint32_t unit, low;
    if (!take_hex(w, &unit)) {
        return false;
    }
    if (unit == 0) {
        return json_fault(w, start, "a string may not hold a NUL character");
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        return true;
    }
    if (unit > 0xDBFF || w->end - w->p < 6 || w->p[0] != '\\' || w->p[1] != 'u') {
        return json_fault(w, start, "a surrogate stands alone");
    }
    w->p += 2;
    if (!take_hex(w, &low)) {
        return false;
    }
    return (low >= 0xDC00 && low <= 0xDFFF) || json_fault(w, start, "a surrogate stands alone");
}

static bool check_escape(struct json_walk *w)
{
    w->p++;
    if (w->p == w->end) {
        return json_unexpected(w, "");
    }
    if (*w->p == 'u') {
        w->p++;
        return check_unicode_escape(w);
    }
    if (!*w->p || !strchr("\"\\/bfnrt", *w->p)) {
        return json_unexpected(w, "no such escape exists");
    }
    w->p++;
    return true;
}

static bool check_character(struct json_walk *w)
{
    if (*w->p == '\\') {
        return check_escape(w);
    }
    if ((unsigned char)*w->p < 0x20) {
        return json_unexpected(w, "a control character in a string must be escaped");
    }
    size_t len = utf8_len(w->p, w->end);
    if (!len) {
        return json_unexpected(w, "it is not valid UTF-8");
    }
    w->p += len;
    return true;
}

static bool check_string(struct json_walk *w)
{
    const char *start = w->p++;
    while (w->p < w->end && *w->p != '"') {
        if (!check_character(w)) {
            return false;
        }
    }
    if (w->p == w->end) {
        return json_fault(w, start, "the string has no end");
    }
    w->p++;
    return true;
}

static bool check_number(struct json_walk *w)
{
    const char *start = w->p, *at;
    const char *end = json_number_end(start, w->end, &at);
    if (!end) {
        w->p = at;
        return json_unexpected(w, "a digit is expected");
    }
    w->p = end;
    if (end[-1] == '0' && end - start - (*start == '-') == 1 && json_is_digit(end, w->end)) {
        return json_unexpected(w, "a number may not begin with 0");
    }
    return end - start <= JSON_NUMBER_TEXT || json_fault(w, start, "the number is too long");
}

struct json_fault json_check(const char *text, size_t len)
{
    struct json_walk walk;
    json_walk(&walk, text, len, JSON_DEPTH, check_string, check_number);
    return (struct json_fault){walk.at, walk.reason};
}

/*
 * The grammar of RFC 8259, walked once before cJSON, which takes more than that (control characters
 * in strings, 01, "\u0000" that ends a string) and cannot say where it stopped. Builds nothing.
 *
 *   value  = object | array | string | number | "true" | "false" | "null"
 *   object = "{" [ string ":" value *( "," string ":" value ) ] "}"
 *   array  = "[" [ value *( "," value ) ] "]"
 *   number = [ "-" ] ( "0" | digit1-9 *digit ) [ "." 1*digit ] [ ( "e" | "E" ) [ "+" | "-" ]
 * 1*digit ]
 */
#include "check.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "json/json.h"

struct check {
    const char *p, *end;
    int depth;
    struct json_fault fault;
};

static bool check_value(struct check *);
static bool check_string(struct check *);

static bool fault_at(struct check *c, const char *at, const char *reason)
{
    c->fault = (struct json_fault){at, reason};
    return false;
}

static bool fault(struct check *c, const char *reason)
{
    return fault_at(c, c->p, c->p == c->end ? "it ends too early" : reason);
}

static void skip_space(struct check *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r')) {
        c->p++;
    }
}

struct json_fault json_check(const char *text, size_t len)
{
    struct check c = {.p = text, .end = text + len};
    skip_space(&c);
    if (c.p == c.end) {
        fault_at(&c, text, "it is empty");
    } else if (check_value(&c)) {
        skip_space(&c);
        if (c.p < c.end) {
            fault(&c, "nothing may follow the value");
        }
    }
    return c.fault;
}

/* Whether the next character, after spaces, is `wanted`: then step over it. */
static bool next_is(struct check *c, char wanted)
{
    skip_space(c);
    if (c->p == c->end || *c->p != wanted) {
        return false;
    }
    c->p++;
    return true;
}

static bool check_member(struct check *c)
{
    skip_space(c);
    if (c->p == c->end || *c->p != '"') {
        return fault(c, "a member's name in double quotes is expected");
    }
    if (!check_string(c)) {
        return false;
    }
    return next_is(c, ':') ? check_value(c) : fault(c, "':' is expected");
}

static bool check_object(struct check *c)
{
    if (next_is(c, '}')) {
        return true;
    }
    while (check_member(c)) {
        if (next_is(c, '}')) {
            return true;
        }
        if (!next_is(c, ',')) {
            return fault(c, "',' or '}' is expected");
        }
    }
    return false;
}

static bool check_array(struct check *c)
{
    if (next_is(c, ']')) {
        return true;
    }
    while (check_value(c)) {
        if (next_is(c, ']')) {
            return true;
        }
        if (!next_is(c, ',')) {
            return fault(c, "',' or ']' is expected");
        }
    }
    return false;
}

static bool check_nested(struct check *c, bool (*check_inside)(struct check *))
{
    if (c->depth == JSON_DEPTH) {
        return fault(c, "it is nested too deeply");
    }
    c->depth++;
    c->p++;
    bool ok = check_inside(c);
    c->depth--;
    return ok;
}

static bool check_word(struct check *c, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(c->end - c->p) < len || memcmp(c->p, word, len) != 0) {
        return fault(c, "a value is expected");
    }
    c->p += len;
    return true;
}

static bool is_digit(const struct check *c)
{
    return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static bool check_digits(struct check *c)
{
    if (!is_digit(c)) {
        return fault(c, "a digit is expected");
    }
    while (is_digit(c)) {
        c->p++;
    }
    return true;
}

/* What may follow the whole part of a number. */
static bool check_fraction(struct check *c)
{
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (!check_digits(c)) {
            return false;
        }
    }
    if (c->p < c->end && (*c->p | 0x20) == 'e') {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-')) {
            c->p++;
        }
        return check_digits(c);
    }
    return true;
}

static bool check_number(struct check *c)
{
    const char *start = c->p;
    c->p += *c->p == '-';
    if (c->p < c->end && *c->p == '0') {
        c->p++;
        if (is_digit(c)) {
            return fault(c, "a number may not begin with 0");
        }
    } else if (!check_digits(c)) {
        return false;
    }
    if (!check_fraction(c)) {
        return false;
    }
    return c->p - start <= JSON_NUMBER_TEXT || fault_at(c, start, "the number is too long");
}

static bool check_value(struct check *c)
{
    skip_space(c);
    if (c->p == c->end) {
        return fault(c, "");
    }
    switch (*c->p) {
    case '{': return check_nested(c, check_object);
    case '[': return check_nested(c, check_array);
    case '"': return check_string(c);
    case 't': return check_word(c, "true");
    case 'f': return check_word(c, "false");
    case 'n': return check_word(c, "null");
    default: break;
    }
    return *c->p == '-' || is_digit(c) ? check_number(c) : fault(c, "a value is expected");
}

/* The four digits of \uXXXX. */
static bool take_hex(struct check *c, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, c->p++) {
        int lower = c->p < c->end ? *c->p | 0x20 : 0;
        if (is_digit(c)) {
            *unit = *unit << 4 | (uint32_t)(*c->p - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            *unit = *unit << 4 | (uint32_t)(lower - 'a' + 10);
        } else {
            return fault(c, "four hexadecimal digits are expected");
        }
    }
    return true;
}

static bool check_unicode_escape(struct check *c)
{
    const char *start = c->p - 2;
    uint32_t unit, low;
    if (!take_hex(c, &unit)) {
        return false;
    }
    if (unit == 0) {
        return fault_at(c, start, "a string may not hold a NUL character");
    }
    if (unit < 0xD800 || unit > 0xDFFF) {
        return true;
    }
    if (unit > 0xDBFF || c->end - c->p < 6 || c->p[0] != '\\' || c->p[1] != 'u') {
        return fault_at(c, start, "a surrogate stands alone");
    }
    c->p += 2;
    if (!take_hex(c, &low)) {
        return false;
    }
    return (low >= 0xDC00 && low <= 0xDFFF) || fault_at(c, start, "a surrogate stands alone");
}

static bool check_escape(struct check *c)
{
    c->p++;
    if (c->p == c->end) {
        return fault(c, "");
    }
    if (*c->p == 'u') {
        c->p++;
        return check_unicode_escape(c);
    }
    if (!*c->p || !strchr("\"\\/bfnrt", *c->p)) {
        return fault(c, "no such escape exists");
    }
    c->p++;
    return true;
}

static bool check_character(struct check *c)
{
    if (*c->p == '\\') {
        return check_escape(c);
    }
    if ((unsigned char)*c->p < 0x20) {
        return fault(c, "a control character in a string must be escaped");
    }
    size_t len = utf8_len(c->p, c->end);
    if (!len) {
        return fault(c, "it is not valid UTF-8");
    }
    c->p += len;
    return true;
}

static bool check_string(struct check *c)
{
    const char *start = c->p++;
    while (c->p < c->end && *c->p != '"') {
        if (!check_character(c)) {
            return false;
        }
    }
    if (c->p == c->end) {
        return fault_at(c, start, "the string has no end");
    }
    c->p++;
    return true;
}

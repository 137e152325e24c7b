/*
 * What every target holds its output against: one JSON text (RFC 8259), on one line, in UTF-8.
 *
 * Written apart from the checkers in src, so that one mistake cannot hide another; without
 * recursion, since values may be nested as deep as they like.
 */
#ifndef FUZZ_VALID_H
#define FUZZ_VALID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct valid {
    const char *p, *end;
    char *open; /* the closing bracket that each open one waits for */
    size_t depth;
};

static inline bool valid_at(const struct valid *v, const char *any)
{
    return v->p < v->end && *v->p && strchr(any, *v->p);
}

static inline void valid_blanks(struct valid *v)
{
    while (valid_at(v, " ")) { /* no line breaks, no tabs */
        v->p++;
    }
}

/* The length of the UTF-8 sequence at `p`, or 0: no overlong forms, surrogates, or beyond U+10FFFF.
 */
static inline size_t valid_sequence(const char *p, const char *end)
{
    const uint8_t *u = (const uint8_t *)p;
    size_t len = *u < 0x80 ? 1 : *u < 0xc2 ? 0 : *u < 0xe0 ? 2 : *u < 0xf0 ? 3 : *u < 0xf5 ? 4 : 0;
    if (!len || (size_t)(end - p) < len) {
        return 0;
    }
    for (size_t i = 1; i < len; i++) {
        if (u[i] >> 6 != 2) {
            return 0;
        }
    }
    bool bad = (*u == 0xe0 && u[1] < 0xa0) || (*u == 0xed && u[1] > 0x9f) ||
               (*u == 0xf0 && u[1] < 0x90) || (*u == 0xf4 && u[1] > 0x8f);
    return bad ? 0 : len;
}

static inline bool valid_escape(struct valid *v)
{
    v->p++;
    if (!valid_at(v, "u")) {
        bool good = valid_at(v, "\"\\/bfnrt");
        v->p++;
        return good;
    }
    v->p++;
    for (int i = 0; i < 4; i++, v->p++) {
        if (!valid_at(v, "0123456789abcdefABCDEF")) {
            return false;
        }
    }
    return true;
}

static inline bool valid_string(struct valid *v)
{
    for (v->p++; v->p < v->end && *v->p != '"';) {
        if (*v->p == '\\') {
            if (!valid_escape(v)) {
                return false;
            }
            continue;
        }
        size_t len = (unsigned char)*v->p < ' ' ? 0 : valid_sequence(v->p, v->end);
        if (!len) {
            return false;
        }
        v->p += len;
    }
    return v->p++ < v->end;
}

static inline bool valid_digits(struct valid *v)
{
    const char *from = v->p;
    while (valid_at(v, "0123456789")) {
        v->p++;
    }
    return v->p > from;
}

static inline bool valid_number(struct valid *v)
{
    v->p += valid_at(v, "-");
    const char *from = v->p;
    if (!valid_digits(v) || (*from == '0' && v->p - from > 1)) {
        return false;
    }
    if (valid_at(v, ".")) {
        v->p++;
        if (!valid_digits(v)) {
            return false;
        }
    }
    if (valid_at(v, "eE")) {
        v->p++;
        v->p += valid_at(v, "+-");
        return valid_digits(v);
    }
    return true;
}

static inline bool valid_word(struct valid *v, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(v->end - v->p) < len || memcmp(v->p, word, len) != 0) {
        return false;
    }
    v->p += len;
    return true;
}

static inline bool valid_scalar(struct valid *v)
{
    if (valid_at(v, "\"")) {
        return valid_string(v);
    }
    return valid_word(v, "true") || valid_word(v, "false") || valid_word(v, "null") ||
           valid_number(v);
}

/* In an object a name comes before each value. */
static inline bool valid_name(struct valid *v)
{
    if (v->open[v->depth - 1] != '}') {
        return true;
    }
    valid_blanks(v);
    if (!valid_at(v, "\"") || !valid_string(v)) {
        return false;
    }
    valid_blanks(v);
    return valid_word(v, ":");
}

/* Behind a value: close what ends here, and step over the comma before the next one. */
static inline bool valid_after(struct valid *v, bool *done)
{
    for (;;) {
        valid_blanks(v);
        if (!v->depth) {
            *done = true;
            return v->p == v->end;
        }
        if (valid_at(v, ",")) {
            v->p++;
            return valid_name(v);
        }
        if (v->p == v->end || *v->p != v->open[v->depth - 1]) {
            return false;
        }
        v->depth--;
        v->p++;
    }
}

/* At the beginning of a value; *empty: it opened a bracket that closes at once. */
static inline bool valid_value(struct valid *v, bool *inside)
{
    valid_blanks(v);
    *inside = false;
    if (!valid_at(v, "[{")) {
        return valid_scalar(v);
    }
    char close = *v->p++ == '[' ? ']' : '}';
    v->open[v->depth++] = close;
    valid_blanks(v);
    if (v->p < v->end && *v->p == close) {
        return true;
    }
    *inside = true;
    return valid_name(v);
}

static inline bool valid_json(const char *text, size_t len)
{
    struct valid v = {text, text + len, malloc(len + 1), 0};
    bool good = true, done = false, inside;
    while (good && !done) {
        good = valid_value(&v, &inside) && (inside || valid_after(&v, &done));
    }
    free(v.open);
    return good;
}

static inline bool valid_utf8(const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    while (p < end) {
        size_t step = valid_sequence(p, end);
        if (!step) {
            return false;
        }
        p += step;
    }
    return true;
}

/* The law itself: a target stops here when it is broken. */
static inline void valid_expect(const char *text, size_t len)
{
    if (!valid_json(text, len)) {
        fprintf(stderr, "not JSON on one line: %.*s\n", (int)(len < 2000 ? len : 2000), text);
        abort();
    }
}

/* Make UTF-8 of what the server would never send otherwise, byte by byte. */
static inline void valid_mend(char *text, size_t len)
{
    for (char *p = text, *end = text + len; p < end;) {
        size_t step = valid_sequence(p, end);
        *p = step ? *p : '?';
        p += step ? step : 1;
    }
}

#endif

/*
 * The grammar of JSON (RFC 8259), walked once; builds nothing.
 *
 *   value  = object | array | string | number | "true" | "false" | "null"
 *   object = "{" [ string ":" value *( "," string ":" value ) ] "}"
 *   array  = "[" [ value *( "," value ) ] "]"
 *   number = [ "-" ] ( "0" | digit1-9 *digit ) [ "." 1*digit ] [ ( "e" | "E" ) [ "+" | "-" ]
 *            1*digit ]
 *
 * What a string and a number may be besides is the caller's: documents that are read are held to
 * what the parser behind keeps, values of a table to what PostgreSQL takes. Inline, so that this
 * costs no calls by pointer.
 */
#ifndef BASE_JSON_GRAMMAR_H
#define BASE_JSON_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { JSON_WALK_DEPTH = 1 << 16 }; /* deeper than PostgreSQL's stack lets json be */

struct json_walk {
    const char *p, *end;
    bool breaks; /* there are line breaks or tabs between tokens */
    uint32_t depth, depth_most;
    const char *at, *reason; /* where it is not JSON, and a static sentence that says why */
    uint64_t
        objects[JSON_WALK_DEPTH / 64]; /* a bit for each open bracket: whether it is an object's.
                                               Bits above `depth` are never read, nor set first */
};

/* Step over the string that begins at `p`, or the number. False: json_fault() was called. */
typedef bool json_step(struct json_walk *);

static inline bool json_fault(struct json_walk *w, const char *at, const char *reason)
{
    w->at = at;
    w->reason = reason;
    return false;
}

/* What is at `p` is not what may be there. */
static inline bool json_unexpected(struct json_walk *w, const char *reason)
{
    return json_fault(w, w->p, w->p == w->end ? "it ends too early" : reason);
}

static inline bool json_is_digit(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static inline const char *json_digits_end(const char *p, const char *end)
{
    while (json_is_digit(p, end)) {
        p++;
    }
    return p;
}

/* The end of the number that begins at `p`; NULL if none does: then a digit is missing at *at. */
static inline const char *json_number_end(const char *p, const char *end, const char **at)
{
    p += p < end && *p == '-';
    *at = p;
    p = p < end && *p == '0' ? p + 1 : json_digits_end(p, end);
    if (p > *at && p < end && *p == '.') {
        *at = p + 1;
        p = json_digits_end(p + 1, end);
    }
    if (p > *at && p < end && (*p | 0x20) == 'e') {
        p++;
        p += p < end && (*p == '+' || *p == '-');
        *at = p;
        p = json_digits_end(p, end);
    }
    return p > *at ? p : NULL;
}

static inline void json_skip_space(struct json_walk *w)
{
    for (; w->p < w->end && (unsigned char)*w->p <= ' '; w->p++) {
        if (*w->p != ' ') {
            if (*w->p != '\n' && *w->p != '\r' && *w->p != '\t') {
                return;
            }
            w->breaks = true;
        }
    }
}

/* Whether the next character, after spaces, is `wanted`: then step over it. */
static inline bool json_next_is(struct json_walk *w, char wanted)
{
    json_skip_space(w);
    bool is = w->p < w->end && *w->p == wanted;
    w->p += is;
    return is;
}

static inline bool json_walk_name(struct json_walk *w, json_step *string)
{
    json_skip_space(w);
    if (w->p == w->end || *w->p != '"') {
        return json_unexpected(w, "a member's name in double quotes is expected");
    }
    return string(w) && (json_next_is(w, ':') || json_unexpected(w, "':' is expected"));
}

static inline bool json_walk_word(struct json_walk *w, const char *word, size_t len)
{
    if ((size_t)(w->end - w->p) < len || memcmp(w->p, word, len) != 0) {
        return json_unexpected(w, "a value is expected");
    }
    w->p += len;
    return true;
}

enum json_next {
    JSON_NEXT_NONE,  /* there was a fault */
    JSON_NEXT_VALUE, /* a value must follow */
    JSON_NEXT_AFTER, /* a value has ended */
};

/* At the bracket that opens an array or an object. */
static inline enum json_next json_walk_open(struct json_walk *w, json_step *string)
{
    uint32_t top = w->depth;
    bool object = *w->p == '{';
    if (top == w->depth_most) {
        json_unexpected(w, "it is nested too deeply");
        return JSON_NEXT_NONE;
    }
    w->depth++;
    uint64_t *word = &w->objects[top / 64], lower = top % 64 ? *word : 0;
    uint64_t bit = UINT64_C(1) << top % 64;
    *word = object ? lower | bit : lower & ~bit;
    w->p++;
    if (json_next_is(w, object ? '}' : ']')) {
        w->depth--;
        return JSON_NEXT_AFTER;
    }
    return !object || json_walk_name(w, string) ? JSON_NEXT_VALUE : JSON_NEXT_NONE;
}

static inline enum json_next json_walk_value(struct json_walk *w, json_step *string,
                                             json_step *number)
{
    bool good;
    json_skip_space(w);
    switch (w->p < w->end ? *w->p : '\0') {
    case '{':
    case '[': return json_walk_open(w, string);
    case '"': good = string(w); break;
    case 't': good = json_walk_word(w, "true", 4); break;
    case 'f': good = json_walk_word(w, "false", 5); break;
    case 'n': good = json_walk_word(w, "null", 4); break;
    default:
        good = json_is_digit(w->p, w->end) || (w->p < w->end && *w->p == '-')
                   ? number(w)
                   : json_unexpected(w, "a value is expected");
    }
    return good ? JSON_NEXT_AFTER : JSON_NEXT_NONE;
}

/* Inside an array or object, behind a value. */
static inline enum json_next json_walk_after(struct json_walk *w, json_step *string)
{
    uint32_t top = w->depth - 1;
    bool object = w->objects[top / 64] >> (top % 64) & 1;
    if (json_next_is(w, ',')) {
        return !object || json_walk_name(w, string) ? JSON_NEXT_VALUE : JSON_NEXT_NONE;
    }
    if (json_next_is(w, object ? '}' : ']')) {
        w->depth--;
        return JSON_NEXT_AFTER;
    }
    json_unexpected(w, object ? "',' or '}' is expected" : "',' or ']' is expected");
    return JSON_NEXT_NONE;
}

/* Whether all of the text is JSON, of at most `depth_most` levels. *w is set up by this. */
static inline bool json_walk(struct json_walk *w, const char *text, size_t len, uint32_t depth_most,
                             json_step *string, json_step *number)
{
    enum json_next next = JSON_NEXT_VALUE;
    w->p = text;
    w->end = text + len;
    w->breaks = false;
    w->depth = 0;
    w->depth_most = depth_most;
    w->at = w->reason = NULL;
    json_skip_space(w);
    if (w->p == w->end) {
        return json_fault(w, text, "it is empty");
    }
    do {
        next = next == JSON_NEXT_VALUE ? json_walk_value(w, string, number)
                                       : json_walk_after(w, string);
    } while (next == JSON_NEXT_VALUE || (next == JSON_NEXT_AFTER && w->depth));
    if (next == JSON_NEXT_AFTER) {
        json_skip_space(w);
        return w->p == w->end || json_fault(w, w->p, "nothing may follow the value");
    }
    return false;
}

#endif
